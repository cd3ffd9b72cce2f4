//! Survival functions of the chi-squared distribution with one and two degrees of freedom.
//!
//! Two degrees: `exp(-x/2)`. One degree: `erfc(sqrt(x/2))`, by the series of `erf` near zero and by Laplace's
//! continued fraction beyond (Abramowitz and Stegun, 7.1.6 and 7.1.14), so that small probabilities keep their
//! relative accuracy.

use std::f64::consts::PI;

/// Below this argument of `erfc` the series is used, above it the continued fraction.
const SERIES_UNTIL: f64 = 2.0;

/// Levels of the continued fraction; at `SERIES_UNTIL` what is left out is below `1e-20` of the whole.
const LEVELS: u32 = 80;

/// The probability that a chi-squared variable with one degree of freedom exceeds `x >= 0`.
pub(super) fn survival_one(x: f64) -> f64 {
    let square = x / 2.0;
    let root = square.sqrt();
    let bell = (-square).exp() / PI.sqrt();
    if root < SERIES_UNTIL { 1.0 - 2.0 * bell * erf_series(root) } else { bell / erfc_fraction(root) }
}

/// The probability that a chi-squared variable with two degrees of freedom exceeds `x >= 0`.
pub(super) fn survival_two(x: f64) -> f64 {
    (-x / 2.0).exp()
}

/// `sum_n 2^n z^(2n+1) / (1 3 5 ... (2n+1))`; every term is positive.
fn erf_series(z: f64) -> f64 {
    let (mut sum, mut term, mut odd) = (z, z, 1.0);
    while term > sum * f64::EPSILON / 4.0 {
        odd += 2.0;
        term *= 2.0 * z * z / odd;
        sum += term;
    }
    sum
}

/// `z + (1/2)/(z + 1/(z + (3/2)/(z + 2/(z + ...))))`, from the inside out.
fn erfc_fraction(z: f64) -> f64 {
    (1..=LEVELS).rev().fold(z, |inner, level| z + f64::from(level) / 2.0 / inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_degree_against_tables() {
        // scipy.stats.chi2.sf(x, 1).
        let table = [
            (1e-12, 0.999_999_202_115_439_2),
            (0.1, 0.751_829_634_045_849_2),
            (1.0, 0.317_310_507_862_911_15),
            (3.841_458_820_694_124, 0.049_999_999_999_999_89),
            (7.9, 0.004_943_479_736_228_239),
            (8.1, 0.004_426_525_857_919_834),
            (30.0, 4.320_463_057_827_495_5e-8),
            (400.0, 5.507_248_237_212_379e-89),
        ];
        for (x, expected) in table {
            let found = survival_one(x);
            assert!((found / expected - 1.0).abs() < 1e-12, "{x}: {found:e} instead of {expected:e}");
        }
        assert_eq!(survival_one(0.0), 1.0);
        assert_eq!(survival_one(f64::MAX), 0.0);
    }

    #[test]
    fn the_two_forms_meet() {
        let at = 2.0 * SERIES_UNTIL * SERIES_UNTIL;
        let (below, above) = (survival_one(at * (1.0 - 1e-15)), survival_one(at));
        assert!((below / above - 1.0).abs() < 1e-12);
    }

    #[test]
    fn two_degrees() {
        assert_eq!(survival_two(0.0), 1.0);
        assert!((survival_two(5.991_464_547_107_979) - 0.05).abs() < 1e-15);
    }
}
