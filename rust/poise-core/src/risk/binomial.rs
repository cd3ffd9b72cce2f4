//! Both tails of a binomial count, without factorials.
//!
//! Neighbouring probabilities stand in the ratio `P(k+1)/P(k) = (n-k) p / ((k+1) (1-p))`. Starting from 1 at the
//! mode the weights fall off both ways, and dividing by their sum makes them probabilities: nothing overflows,
//! and what underflows is zero beside the rest. (The least float times a ratio above one half is itself again: the
//! walk ends where floats begin to lose digits.)

/// `P(X <= x)` and `P(X >= x)` of a binomial count `X` among `n` with chance `1 - miss` each, `0 < miss < 1`.
pub(super) fn tails(x: u64, n: u64, miss: f64) -> (f64, f64) {
    let odds = (1.0 - miss) / miss;
    let mode = ((n as f64 + 1.0) * (1.0 - miss)).floor().min(n as f64) as u64;
    let mut sums = Sums { x, below: 0.0, at: 0.0, above: 0.0 };
    sums.add(mode, 1.0);
    let (mut k, mut weight) = (mode, 1.0);
    while k > 0 && weight >= f64::MIN_POSITIVE {
        weight *= k as f64 / ((n - k + 1) as f64 * odds);
        k -= 1;
        sums.add(k, weight);
    }
    (k, weight) = (mode, 1.0);
    while k < n && weight >= f64::MIN_POSITIVE {
        weight *= (n - k) as f64 * odds / (k + 1) as f64;
        k += 1;
        sums.add(k, weight);
    }
    let total = sums.below + sums.at + sums.above;
    ((sums.below + sums.at) / total, (sums.at + sums.above) / total)
}

/// The weight of the counts below, at and above `x`.
struct Sums {
    x: u64,
    below: f64,
    at: f64,
    above: f64,
}

impl Sums {
    fn add(&mut self, k: u64, weight: f64) {
        match k.cmp(&self.x) {
            std::cmp::Ordering::Less => self.below += weight,
            std::cmp::Ordering::Equal => self.at += weight,
            std::cmp::Ordering::Greater => self.above += weight,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_walk_ends_far_from_the_ends() {
        // Found by fuzzing: it went on with the least float, through hundreds of millions of counts.
        let (cumulative, survival) = tails(500_000_000, 1_000_000_000, 0.5);
        assert!((cumulative - 0.5).abs() < 1e-4 && (survival - 0.5).abs() < 1e-4);
        assert_eq!(tails(0, 1_000_000_000, 0.5), (0.0, 1.0));
    }

    #[test]
    fn three_coins() {
        for (x, below, above) in [(0, 0.125, 1.0), (1, 0.5, 0.875), (2, 0.875, 0.5), (3, 1.0, 0.125)] {
            let (cumulative, survival) = tails(x, 3, 0.5);
            assert!((cumulative - below).abs() < 1e-15 && (survival - above).abs() < 1e-15);
        }
    }

    #[test]
    fn ends_and_extremes() {
        // None of n: miss^n.
        let (none, _) = tails(0, 250, 0.99);
        assert!((none / 0.99_f64.powi(250) - 1.0).abs() < 1e-12);
        let (_, all) = tails(40, 40, 0.99);
        assert!((all / 0.01_f64.powi(40) - 1.0).abs() < 1e-12);
        assert_eq!(tails(200_000, 1_000_000, 0.99), (1.0, 0.0));
        // scipy.stats.binom: cdf(10, 1000, 0.01), sf(9, 1000, 0.01).
        let (cumulative, survival) = tails(10, 1000, 0.99);
        assert!((cumulative - 0.583_040_803_301_097_9).abs() < 1e-13, "{cumulative}");
        assert!((survival - 0.542_699_407_825_113_2).abs() < 1e-13, "{survival}");
    }
}
