//! What one bar says about the regime: how likely its return is in each of them.
//!
//! The return is told in units of the market's own normal volatility and follows a Student t in every regime: the same
//! width in the three calm ones, centred on a rise, a fall or nothing, and a far wider one in high volatility. Tails this
//! fat make one outlier count for little and three of them for a lot. A smoothed reading would know the same returns
//! later, and the filter, which is a smoother itself, would smooth them again.

use super::features::Reading;
use super::rules::{Probabilities, SIDEWAYS, normalised};

/// Bull, bear, sideways, high volatility, in units of normal volatility.
const DRIFTS: Probabilities = [1.0 / 3.0, -1.0 / 3.0, 0.0, 0.0];
const SCALES: Probabilities = [0.85, 0.85, 0.85, 1.9];
const DEGREES_OF_FREEDOM: f64 = 4.0;

/// In high volatility the average correlation is one standard deviation above that of the other regimes. Its window holds
/// some 58 bars, so a bar's score is worth a 58th of a reading.
const CORRELATION_WEIGHT: f64 = 1.0 / 58.0;
const LARGEST_CORRELATION_SCORE: f64 = 3.0;

/// From here on the tails have said what they can say.
const LARGEST_MOVE: f64 = 100.0;

/// The likelihood of a bar in each regime, scaled to sum 1.
pub(super) fn likelihood(index_return: f64, reading: &Reading) -> Probabilities {
    if reading.volatility == 0.0 {
        return at_rest();
    }
    let moved = in_units(index_return, reading.median_volatility);
    let score = reading.correlation_score.clamp(-LARGEST_CORRELATION_SCORE, LARGEST_CORRELATION_SCORE);
    let together = (CORRELATION_WEIGHT * score).exp();
    let [bull, bear, sideways, wild] =
        std::array::from_fn(|k| density((moved - DRIFTS[k]) / SCALES[k]) / SCALES[k]);
    normalised([bull, bear, sideways, wild * together])
}

/// The likelihood of an index at rest: sideways, and volatile it cannot be.
fn at_rest() -> Probabilities {
    let mut likelihood = [1e-3, 1e-3, 0.0, 0.0];
    likelihood[SIDEWAYS] = 1.0 - 2e-3;
    likelihood
}

fn in_units(index_return: f64, normal_volatility: f64) -> f64 {
    if index_return == 0.0 {
        return 0.0;
    }
    (index_return / normal_volatility).clamp(-LARGEST_MOVE, LARGEST_MOVE)
}

/// Student t with four degrees of freedom, without its constant: `(1 + z^2 / 4)^(-5/2)`.
fn density(z: f64) -> f64 {
    let near = 1.0 / (1.0 + z * z / DEGREES_OF_FREEDOM);
    near * near * near.sqrt()
}

#[cfg(test)]
mod tests {
    use super::super::rules::{BEAR, BULL, HIGH_VOLATILITY};
    use super::*;

    fn reading(median_volatility: f64, correlation_score: f64) -> Reading {
        Reading {
            volatility: 0.02,
            median_volatility,
            volatility_score: 0.0,
            trend_score: 0.0,
            average_correlation: 0.5,
            correlation_score,
            drawdown: 0.0,
        }
    }

    fn leader(likelihood: &Probabilities) -> usize {
        (0..4).fold(0, |best, k| if likelihood[k] > likelihood[best] { k } else { best })
    }

    #[test]
    fn a_bar_speaks_for_the_regime_that_it_is_typical_of() {
        let normal = reading(0.02, 0.0);
        for (index_return, regime) in [
            (0.015, BULL),
            (-0.015, BEAR),
            (0.0, SIDEWAYS),
            (0.08, HIGH_VOLATILITY),
            (-0.08, HIGH_VOLATILITY),
        ] {
            let said = likelihood(index_return, &normal);
            assert_eq!(leader(&said), regime, "{index_return}");
            assert!((said.iter().sum::<f64>() - 1.0).abs() < 1e-15);
        }
    }

    #[test]
    fn up_and_down_mirror_each_other() {
        let normal = reading(0.02, 1.0);
        let (up, down) = (likelihood(0.013, &normal), likelihood(-0.013, &normal));
        assert_eq!((up[BULL], up[BEAR]), (down[BEAR], down[BULL]));
        assert_eq!((up[SIDEWAYS], up[HIGH_VOLATILITY]), (down[SIDEWAYS], down[HIGH_VOLATILITY]));
    }

    #[test]
    fn an_outlier_says_no_more_than_the_tails_can_tell() {
        // Far out the densities are as the scales to the power of the degrees of freedom.
        let most = (1.9_f64 / 0.85).powi(4);
        for (index_return, normal_volatility) in [(1.0, 0.01), (1e100, 1e-300), (-5.0, 0.0)] {
            let said = likelihood(index_return, &reading(normal_volatility, 0.0));
            assert!((said[HIGH_VOLATILITY] / said[SIDEWAYS] / most - 1.0).abs() < 0.01, "{index_return}");
        }
        assert_eq!(leader(&likelihood(0.0, &reading(0.0, 0.0))), SIDEWAYS);
    }

    #[test]
    fn correlation_speaks_for_high_volatility_and_weighs_little() {
        let odds = |score: f64| {
            let said = likelihood(0.02, &reading(0.02, score));
            said[HIGH_VOLATILITY] / said[SIDEWAYS]
        };
        assert!((odds(2.0) / odds(0.0) - (2.0_f64 / 58.0).exp()).abs() < 1e-14);
        assert_eq!(odds(3.0), odds(40.0));
    }

    #[test]
    fn an_index_at_rest_is_sideways_and_cannot_be_volatile() {
        let still = Reading { volatility: 0.0, ..reading(0.0, 0.0) };
        let said = likelihood(0.0, &still);
        assert_eq!((leader(&said), said[HIGH_VOLATILITY], said.iter().sum::<f64>()), (SIDEWAYS, 0.0, 1.0));
    }
}
