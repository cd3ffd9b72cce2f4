//! What an estimator does with time: how weights decay, what is removed, what is corrected.

use crate::{Result, validate};

/// The choices of an exponentially weighted estimator, named as in pandas.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EwmaRule {
    /// Observations after which a weight has halved.
    pub half_life: f64,
    /// Weights are divided by their sum so far; otherwise the recursion starts from the first observation
    /// as if it were the whole past.
    pub adjust: bool,
    /// No correction for the mean having been estimated.
    pub bias: bool,
    /// A missing observation does not age the earlier ones.
    pub ignore_na: bool,
    /// The weighted mean is removed; otherwise second moments about zero, which need no correction.
    pub demean: bool,
}

impl EwmaRule {
    /// The defaults of pandas at this half-life.
    pub fn new(half_life: f64) -> Self {
        Self { half_life, adjust: true, bias: false, ignore_na: false, demean: true }
    }
}

/// By what a weighted second moment is multiplied to make it unbiased.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Correction {
    /// One: weights already sum to one.
    None,
    /// `W^2 / (W^2 - W2)`, the reliability weights of pandas.
    Reliability,
    /// `n / (n - ddof)` of equal weights.
    DegreesOfFreedom(u64),
}

/// A rule ready to run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Scheme {
    /// What a weight is multiplied by per bar (beta).
    pub(super) decay_factor: f64,
    /// The weight of a new observation beside the sum of the old ones.
    pub(super) gain: f64,
    pub(super) adjust: bool,
    pub(super) ignore_na: bool,
    pub(super) demean: bool,
    pub(super) correction: Correction,
}

impl Scheme {
    pub(super) fn exponential(rule: &EwmaRule) -> Result<Self> {
        validate::half_life(rule.half_life)?;
        let exponent = -std::f64::consts::LN_2 / rule.half_life;
        let alpha = -exponent.exp_m1();
        Ok(Self {
            decay_factor: exponent.exp(),
            gain: if rule.adjust { 1.0 } else { alpha },
            adjust: rule.adjust,
            ignore_na: rule.ignore_na,
            demean: rule.demean,
            correction: if rule.demean && !rule.bias { Correction::Reliability } else { Correction::None },
        })
    }

    pub(super) fn equal_weights(ddof: u64) -> Self {
        Self {
            decay_factor: 1.0,
            gain: 1.0,
            adjust: true,
            ignore_na: false,
            demean: true,
            correction: Correction::DegreesOfFreedom(ddof),
        }
    }
}

/// The shares of past and present in a weighted mean; they sum to one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Shares {
    pub(super) past: f64,
    pub(super) new: f64,
}

/// What a chain of weights remembers: `old_wt`, `sum_wt` and `sum_wt2` of pandas, in its order of operations.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Memory {
    pub(super) n_observations: u64,
    pub(super) old: f64,
    pub(super) sum: f64,
    pub(super) sum_of_squares: f64,
}

impl Memory {
    /// A bar passes. Before the first observation there is nothing to age.
    pub(super) fn age(&mut self, scheme: &Scheme) {
        self.sum *= scheme.decay_factor;
        self.sum_of_squares *= scheme.decay_factor * scheme.decay_factor;
        self.old *= scheme.decay_factor;
    }

    /// A bar passes without an observation.
    pub(super) fn miss(&mut self, scheme: &Scheme) {
        if !scheme.ignore_na {
            self.age(scheme);
        }
    }

    /// A bar passes with an observation: the shares that the mean gives to the past and to it.
    pub(super) fn observe(&mut self, scheme: &Scheme) -> Shares {
        self.age(scheme);
        self.n_observations += 1;
        if self.old == 0.0 {
            // The first observation, or the first after a gap so long that the past has no weight left.
            (self.old, self.sum, self.sum_of_squares) = (1.0, 1.0, 1.0);
            return Shares { past: 0.0, new: 1.0 };
        }
        let total = self.old + scheme.gain;
        let shares = Shares { past: self.old / total, new: scheme.gain / total };
        self.sum += scheme.gain;
        self.sum_of_squares += scheme.gain * scheme.gain;
        self.old = total;
        if !scheme.adjust {
            self.sum /= total;
            self.sum_of_squares /= total * total;
            self.old = 1.0;
        }
        shares
    }

    /// The factor that makes the second moment an estimate; NaN where there is none yet.
    pub(super) fn correction(&self, scheme: &Scheme) -> f64 {
        if self.n_observations == 0 {
            return f64::NAN;
        }
        match scheme.correction {
            Correction::None => 1.0,
            Correction::Reliability => {
                let squared_sum = self.sum * self.sum;
                let reliability = squared_sum - self.sum_of_squares;
                if reliability > 0.0 { squared_sum / reliability } else { f64::NAN }
            }
            Correction::DegreesOfFreedom(ddof) if self.n_observations > ddof => {
                self.n_observations as f64 / (self.n_observations - ddof) as f64
            }
            Correction::DegreesOfFreedom(_) => f64::NAN,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_life_halves_the_weight() {
        let scheme = Scheme::exponential(&EwmaRule::new(7.0)).unwrap();
        assert!((scheme.decay_factor.powi(7) - 0.5).abs() < 1e-15);
    }

    #[test]
    fn shares_sum_to_one_and_the_recursion_forgets_its_first_weight() {
        let rule = EwmaRule { adjust: false, ..EwmaRule::new(5.0) };
        let scheme = Scheme::exponential(&rule).unwrap();
        let mut memory = Memory::default();
        assert_eq!(memory.observe(&scheme), Shares { past: 0.0, new: 1.0 });
        let second = memory.observe(&scheme);
        assert!((second.past + second.new - 1.0).abs() < 1e-15);
        assert!((second.past - scheme.decay_factor).abs() < 1e-15);
    }

    #[test]
    fn a_vanishing_half_life_keeps_only_the_present() {
        let rule = EwmaRule { adjust: false, ..EwmaRule::new(1e-4) };
        let scheme = Scheme::exponential(&rule).unwrap();
        let mut memory = Memory::default();
        for _ in 0..3 {
            assert_eq!(memory.observe(&scheme), Shares { past: 0.0, new: 1.0 });
        }
        assert!(memory.correction(&scheme).is_nan());
    }

    #[test]
    fn a_half_life_must_be_positive_and_finite() {
        for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(Scheme::exponential(&EwmaRule::new(bad)).is_err());
        }
    }
}
