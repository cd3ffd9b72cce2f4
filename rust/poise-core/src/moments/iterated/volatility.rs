//! The first stage: every asset's own volatility, and returns measured in it.

use ndarray::ArrayView1;

use super::IteratedRule;
use super::decay::Decay;

/// From which of its own observations on an asset is whitened; before, its volatility is too rough.
pub(super) const WHITENED_FROM: u64 = 5;

/// So many of its own observations must lie behind an asset before a return is pulled in (as in the
/// reference code with `min_periods` = 5).
const WINSORIZED_AFTER: u64 = 6;

/// Bounds a whitened return where no winsor does, so that products of two stay finite.
const LARGEST: f64 = 1e75;

/// Variance about zero of one asset over its own observations.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Variance {
    pub(super) value: f64,
    /// Its own observations.
    pub(super) count: u64,
    /// The row that held the last of them, counting from 1.
    pub(super) last_row: u64,
}

impl Variance {
    /// Takes in the next return and gives it in units of volatility; `None` while that is too rough.
    fn whiten(&mut self, rule: &IteratedRule, decay: Decay, x: f64, row: u64) -> Option<f64> {
        let before = self.value;
        let mut square = x * x;
        if let Some(winsor) = rule.winsor
            && self.count >= WINSORIZED_AFTER
            && before > 0.0
        {
            // An asset that has not moved yet has no scale to be pulled in to.
            square = square.min(winsor * winsor * before);
        }
        self.count += 1;
        self.last_row = row;
        self.value += decay.gain(self.count) * (square - before);
        let scale = if rule.whiten_lag { before } else { self.value };
        (self.count >= WHITENED_FROM).then(|| in_units_of(scale.sqrt(), x, rule.winsor.unwrap_or(LARGEST)))
    }

    /// The standard deviation, once it is worth showing.
    pub(super) fn volatility(&self) -> f64 {
        if self.count < WHITENED_FROM { f64::NAN } else { self.value.sqrt() }
    }
}

/// `x / scale` within `bound`; 0 for an asset that has not moved.
fn in_units_of(scale: f64, x: f64, bound: f64) -> f64 {
    if scale > 0.0 { (x / scale).clamp(-bound, bound) } else { 0.0 }
}

/// Takes in a row and writes what it is in units of volatility; NaN where missing or too early.
pub(super) fn whiten(
    variances: &mut [Variance],
    rule: &IteratedRule,
    decay: Decay,
    row: ArrayView1<'_, f64>,
    row_number: u64,
    whitened: &mut [f64],
) {
    for ((variance, &x), z) in variances.iter_mut().zip(row).zip(whitened) {
        *z = if x.is_nan() {
            f64::NAN
        } else {
            variance.whiten(rule, decay, x, row_number).unwrap_or(f64::NAN)
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fed(rule: IteratedRule, returns: &[f64]) -> (Variance, Option<f64>) {
        let decay = Decay::new("half_life", rule.volatility_half_life).unwrap();
        let mut variance = Variance::default();
        let z = returns.iter().fold(None, |_, &x| variance.whiten(&rule, decay, x, 1));
        (variance, z)
    }

    #[test]
    fn a_return_is_measured_in_the_volatility_before_it() {
        let quiet = [0.1, -0.1, 0.1, -0.1];
        let (variance, z) = fed(IteratedRule::default(), &quiet);
        assert!((variance.value - 0.01).abs() < 1e-16 && z.is_none());
        let (_, z) = fed(IteratedRule::default(), &[quiet.as_slice(), &[0.2]].concat());
        assert!((z.unwrap() - 2.0).abs() < 1e-12);
        let itself = IteratedRule { whiten_lag: false, ..IteratedRule::default() };
        assert!(fed(itself, &[quiet.as_slice(), &[0.2]].concat()).1.unwrap() < 2.0);
    }

    #[test]
    fn a_jump_is_pulled_in() {
        let jump = [0.1, -0.1, 0.1, -0.1, 0.1, -0.1, 9.0];
        let (pulled, z) = fed(IteratedRule::default(), &jump);
        assert_eq!(z, Some(4.2));
        let (as_if, _) = fed(IteratedRule::default(), &[0.1, -0.1, 0.1, -0.1, 0.1, -0.1, 0.42]);
        assert!((pulled.value / as_if.value - 1.0).abs() < 1e-12);
        let (free, z) = fed(IteratedRule { winsor: None, ..IteratedRule::default() }, &jump);
        assert!((z.unwrap() - 90.0).abs() < 1e-9 && free.value > 9.0);
    }

    #[test]
    fn an_asset_that_stood_still_can_start_to_move() {
        let (variance, z) = fed(IteratedRule::default(), &[0.0; 30]);
        assert_eq!((variance.value, z), (0.0, Some(0.0)));
        let (variance, z) = fed(IteratedRule::default(), &[[0.0; 30].as_slice(), &[0.1]].concat());
        assert!(variance.value > 0.0);
        assert_eq!(z, Some(0.0));
    }
}
