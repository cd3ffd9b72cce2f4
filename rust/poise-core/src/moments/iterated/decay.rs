//! Weights that halve every `half_life` observations and are divided by their sum so far.

use crate::{Error, Result};

/// One half-life, ready to run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Decay {
    half_life: f64,
    /// `ln beta`, negative.
    exponent: f64,
}

impl Decay {
    pub(super) fn new(what: &'static str, half_life: f64) -> Result<Self> {
        if half_life.is_finite() && half_life > 0.0 {
            return Ok(Self { half_life, exponent: -std::f64::consts::LN_2 / half_life });
        }
        Err(Error::OutOfRange { what, value: half_life, range: "a positive number of observations" })
    }

    /// By what a weight is multiplied per observation, beta.
    pub(super) fn factor(self) -> f64 {
        self.exponent.exp()
    }

    /// What is forgotten per observation, `1 - beta`; positive also where beta rounds to one.
    pub(super) fn forgotten(self) -> f64 {
        self.filled(1)
    }

    /// Whether `n` observations hold more than half the weight of an endless past, `1 - beta^n > 1/2`.
    pub(super) fn is_half_filled(self, n: u64) -> bool {
        n as f64 > self.half_life
    }

    /// `1 - beta^n`: the share of the weight of an endless past that `n` observations hold.
    fn filled(self, n: u64) -> f64 {
        -(n as f64 * self.exponent).exp_m1()
    }

    /// `(1 - beta) / (1 - beta^n)`: the weight of the `n`-th observation among the first `n`.
    pub(super) fn gain(self, n: u64) -> f64 {
        self.forgotten() / self.filled(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let decay = Decay::new("half_life", 1.0).unwrap();
        assert!((decay.factor() - 0.5).abs() < 1e-16);
        assert_eq!(decay.gain(1), 1.0);
        assert!((decay.gain(2) - 2.0 / 3.0).abs() < 1e-15);
        assert!((decay.filled(3) - 0.875).abs() < 1e-15);
        assert!(!decay.is_half_filled(1) && decay.is_half_filled(2));
        assert!((decay.gain(u64::MAX) - 0.5).abs() < 1e-15);
    }

    #[test]
    fn no_other_half_life() {
        for half_life in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            let error = Decay::new("volatility_half_life", half_life).unwrap_err();
            assert!(error.to_string().starts_with("volatility_half_life is"));
        }
    }
}
