//! The convention of historical value at risk and conditional value at risk.
//!
//! Rockafellar and Uryasev (2002), "Conditional value-at-risk for general loss distributions". With the losses
//! ascending `l_(1) <= ... <= l_(n)` and level `a`: `k = ceil(a n - 1e-9)`, VaR is `l_(k)` and CVaR is
//! `[sum_{i > k} l_(i) + (k - a n) l_(k)] / ((1 - a) n)`, the minimum over `z` of `z + E[(L - z)+] / (1 - a)`.
//! The `1e-9` keeps `a n` whole where it is whole on paper: n = 100, a = 0.99 gives `l_(99)`.
//!
//! Kernels work on returns, ascending: the worst loss comes first, at index 0.

/// How far `a n` may stand above a whole number and still count as that number.
pub(super) const RANK_GUARD: f64 = 1e-9;

/// Value at risk and conditional value at risk of one sample: losses, positive.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tail {
    /// The loss exceeded with probability `1 - confidence_level`.
    pub value_at_risk: f64,
    /// The mean loss of the worst `1 - confidence_level`, the boundary observation counted in part.
    pub conditional_value_at_risk: f64,
}

impl Tail {
    /// From the quantile and the tail mean as returns; signs turn, and CVaR never falls below VaR by rounding.
    pub(super) fn from_returns(quantile: f64, tail_mean: f64) -> Self {
        // Adding zero turns the -0.0 of a zero return into 0.0.
        let value_at_risk = -quantile + 0.0;
        Self { value_at_risk, conditional_value_at_risk: value_at_risk.max(-tail_mean) }
    }
}

/// Where the boundary observation stands in the ascending returns and how much of it belongs to the tail.
#[derive(Debug, Clone, Copy)]
pub(super) struct TailRank {
    /// The size of the sample.
    pub(super) n: usize,
    /// Index of the boundary return; as many returns lie wholly in the tail.
    pub(super) index: usize,
    /// The share of the boundary observation that belongs to the tail, `k - a n`.
    fraction: f64,
}

impl TailRank {
    /// The rank in a sample of `n >= 1` observations at a valid level.
    pub(super) fn new(n: usize, confidence_level: f64) -> Self {
        let below = confidence_level * n as f64;
        let k = (below - RANK_GUARD).ceil().clamp(1.0, n as f64);
        Self { n, index: n - k as usize, fraction: k - below }
    }

    /// The tail's size in observations, `(1 - a) n`.
    pub(super) fn mass(self) -> f64 {
        self.index as f64 + self.fraction
    }

    /// VaR and CVaR from the sum of the `index` worst returns and the boundary return.
    pub(super) fn tail(self, beyond: f64, boundary: f64) -> Tail {
        let mass = self.mass();
        // A level so close to 1 that `a n` rounds to n leaves no mass: the worst loss is both numbers.
        let mean = if mass > 0.0 { (beyond + self.fraction * boundary) / mass } else { boundary };
        Tail::from_returns(boundary, mean)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_rank_is_not_pushed_up_by_rounding() {
        // 0.99 * 100 and 0.95 * 20 are whole on paper.
        assert_eq!(TailRank::new(100, 0.99).index, 1);
        assert_eq!(TailRank::new(20, 0.95).index, 1);
        assert_eq!(TailRank::new(1000, 0.07).index, 930);
    }

    #[test]
    fn the_level_may_touch_its_ends() {
        let lowest = TailRank::new(10, f64::MIN_POSITIVE);
        assert_eq!(lowest.index, 9);
        let highest = TailRank::new(1_000_003, 1.0 - f64::EPSILON / 2.0);
        assert_eq!(highest.index, 0);
        assert_eq!(highest.tail(0.0, -0.2).conditional_value_at_risk, 0.2);
    }
}
