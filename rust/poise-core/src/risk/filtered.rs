//! Filtered historical simulation: past returns brought to today's volatility.
//!
//! Hull and White (1998), "Incorporating volatility updating into the historical simulation method"; Barone-Adesi,
//! Giannopoulos and Vosper (1999), "VaR without correlations". Scenario `s` moves asset `i` by
//! `r_s sigma_{T+1} / sigma_s`, all assets on the same dates, so their dependence is kept.
//!
//! `sigma` is a zero-mean EWMA volatility with adjusted weights. `sigma_s` is what was known *before* `r_s`: with
//! `r_s` in its own divisor a shock would shrink itself. Two limits keep a scenario meaningful:
//! - `sigma_s` zero, or negligible beside today's: the ratio says nothing, the return stays as it was;
//! - no asset loses more than all of its value: a scaled return ends at -1.

use ndarray::{Array1, Array2, ArrayView1, ArrayView2};

use super::component::check_portfolio;
use super::historical::historical_tail;
use super::tail::Tail;
use crate::{Error, Result, validate};

/// Observations whose `sigma_s` is too rough to divide by: they feed the volatility and give no scenario.
pub const MIN_OBSERVATIONS: usize = 20;

/// With fewer observations plain history has more to say than what is left of the filtered one.
pub const FEWEST_OBSERVATIONS: usize = 2 * MIN_OBSERVATIONS;

/// A past volatility below this fraction of today's counts as zero.
pub(super) const NEGLIGIBLE: f64 = 1e-8;

/// Scenarios for the next period, one row per observation after the first [`MIN_OBSERVATIONS`].
///
/// # Errors
/// Empty or not finite returns, a half-life that is not positive, [`MIN_OBSERVATIONS`] rows or fewer.
pub fn filtered_scenarios(returns: ArrayView2<'_, f64>, half_life: f64) -> Result<Array2<f64>> {
    validate::half_life(half_life)?;
    if returns.ncols() == 0 {
        return Err(Error::Empty { what: "returns", unit: "asset" });
    }
    if returns.nrows() <= MIN_OBSERVATIONS {
        return Err(Error::TooFew {
            what: "filtered historical simulation",
            needed: MIN_OBSERVATIONS + 1,
            found: returns.nrows(),
        });
    }
    validate::finite_matrix("returns", returns)?;

    // Until the last volatility is known, `scenarios` holds the volatility before each return.
    let mut scenarios = Array2::zeros((returns.nrows() - MIN_OBSERVATIONS, returns.ncols()));
    let mut volatility = EwmaVolatility::new(returns.ncols(), half_life);
    for (observation, row) in returns.outer_iter().enumerate() {
        if let Some(scenario) = observation.checked_sub(MIN_OBSERVATIONS) {
            scenarios.row_mut(scenario).assign(&volatility.variance);
        }
        volatility.update(row);
    }
    let today = volatility.variance.mapv_into(f64::sqrt);
    let sources = returns.outer_iter().skip(MIN_OBSERVATIONS);
    for (mut scenario, source) in scenarios.outer_iter_mut().zip(sources) {
        for ((past_variance, today), value) in scenario.iter_mut().zip(&today).zip(source) {
            *past_variance = rescaled(*value, past_variance.sqrt(), *today);
        }
    }
    Ok(scenarios)
}

/// Value at risk and conditional value at risk of a portfolio on [`filtered_scenarios`], and whether it is that.
///
/// `weights` are the risky ones, as fractions of total value; what is missing to 1 is cash and earns nothing.
/// Below [`FEWEST_OBSERVATIONS`] rows the tail is the plain historical one of all rows, and the flag is false.
///
/// # Errors
/// Empty or not finite arguments, a number of weights that is not the number of columns, a level outside (0, 1), a
/// half-life that is not positive.
pub fn filtered_tail(
    returns: ArrayView2<'_, f64>,
    weights: ArrayView1<'_, f64>,
    confidence_level: f64,
    half_life: f64,
) -> Result<(Tail, bool)> {
    validate::confidence_level(confidence_level)?;
    validate::half_life(half_life)?;
    check_portfolio(weights, returns)?;
    let filtered = returns.nrows() >= FEWEST_OBSERVATIONS;
    let outcomes =
        if filtered { filtered_scenarios(returns, half_life)?.dot(&weights) } else { returns.dot(&weights) };
    validate::finite("the portfolio's scenario returns", outcomes.view())?;
    Ok((historical_tail(outcomes.view(), confidence_level)?, filtered))
}

/// A past return at today's volatility.
fn rescaled(value: f64, past: f64, today: f64) -> f64 {
    // Written so that volatilities too large for a float leave the return alone as well.
    if past > NEGLIGIBLE * today {
        // A return below -1 in the data (a debt, a fee) is not cut short.
        (value * (today / past)).max(value.min(-1.0))
    } else {
        value
    }
}

/// Zero-mean EWMA variances: the weighted mean of squares with weights `b^0, b^1, ...` backwards in time.
struct EwmaVolatility {
    variance: Array1<f64>,
    decay_factor: f64,
    weight: f64,
}

impl EwmaVolatility {
    fn new(n_assets: usize, half_life: f64) -> Self {
        Self { variance: Array1::zeros(n_assets), decay_factor: (-1.0 / half_life).exp2(), weight: 0.0 }
    }

    fn update(&mut self, row: ArrayView1<'_, f64>) {
        self.weight = self.decay_factor * self.weight + 1.0;
        let gain = 1.0 / self.weight;
        for (variance, value) in self.variance.iter_mut().zip(row) {
            *variance += gain * (value * value - *variance);
        }
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{Array1, arr1};
    use proptest::prelude::*;

    use super::super::testing::noise;
    use super::*;
    use crate::Error;

    #[test]
    fn a_shock_is_measured_by_the_volatility_before_it() {
        // Ten times the usual size: it is scaled by the calm it met, not by itself.
        let mut returns = Array2::from_elem((60, 1), 0.01);
        returns[(50, 0)] = -0.1;
        let scenarios = filtered_scenarios(returns.view(), 21.0).unwrap();
        let today = scenarios[(0, 0)];
        assert!(today > 0.01);
        assert!((scenarios[(30, 0)] / (-10.0 * today) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn constant_volatility_leaves_history_as_it_is() {
        let returns = Array2::from_shape_fn((80, 2), |(t, i)| {
            0.01 * (i + 1) as f64 * if t % 2 == 0 { 1.0 } else { -1.0 }
        });
        let scenarios = filtered_scenarios(returns.view(), 21.0).unwrap();
        for (scenario, value) in scenarios.iter().zip(returns.iter().skip(2 * MIN_OBSERVATIONS)) {
            assert!((scenario - value).abs() < 1e-15);
        }
    }

    #[test]
    fn an_asset_without_a_past_stays_unscaled() {
        let mut returns = Array2::zeros((60, 2));
        returns[(40, 1)] = -0.05;
        let scenarios = filtered_scenarios(returns.view(), 21.0).unwrap();
        assert_eq!(scenarios[(20, 1)], -0.05);
        assert_eq!(scenarios.iter().filter(|value| **value != 0.0).count(), 1);
    }

    #[test]
    fn no_asset_loses_more_than_everything() {
        let mut returns = Array2::from_elem((200, 1), 0.001);
        returns[(100, 0)] = -0.2;
        returns[(199, 0)] = -0.5;
        let scenarios = filtered_scenarios(returns.view(), 21.0).unwrap();
        assert_eq!(scenarios[(80, 0)], -1.0);
        assert_eq!(rescaled(-2.0, 1.0, 3.0), -2.0);
    }

    #[test]
    fn while_warming_history_is_plain() {
        let returns = Array2::from_shape_vec((39, 1), noise(39, 7, false)).unwrap();
        let (tail, filtered) = filtered_tail(returns.view(), arr1(&[1.0]).view(), 0.95, 21.0).unwrap();
        assert!(!filtered);
        assert_eq!(tail, historical_tail(returns.column(0), 0.95).unwrap());
        let longer = Array2::from_shape_vec((40, 1), noise(40, 7, false)).unwrap();
        assert!(filtered_tail(longer.view(), arr1(&[1.0]).view(), 0.95, 21.0).unwrap().1);
    }

    #[test]
    fn bad_input_is_refused() {
        let returns = Array2::zeros((50, 1));
        let call = |half_life, level| filtered_tail(returns.view(), arr1(&[1.0]).view(), level, half_life);
        assert!(matches!(call(0.0, 0.95), Err(Error::OutOfRange { .. })));
        assert!(matches!(call(21.0, 0.0), Err(Error::OutOfRange { .. })));
        let short = filtered_scenarios(Array2::zeros((20, 1)).view(), 21.0);
        assert!(matches!(short, Err(Error::TooFew { needed: 21, found: 20, .. })));
        assert!(matches!(filtered_scenarios(Array2::zeros((50, 0)).view(), 21.0), Err(Error::Empty { .. })));
    }

    #[test]
    fn squares_beyond_a_float_do_no_harm() {
        let returns = Array2::from_elem((50, 1), 1e200);
        let scenarios = filtered_scenarios(returns.view(), 21.0).unwrap();
        assert!(scenarios.iter().all(|value| *value == 1e200));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn the_scale_of_an_asset_goes_through(seed in any::<u32>(), exponent in -4_i32..1) {
            let returns = Array1::from(noise(90, seed, false)).insert_axis(ndarray::Axis(1));
            let factor = 2.0_f64.powi(exponent);
            let plain = filtered_scenarios(returns.view(), 21.0).unwrap();
            let scaled = filtered_scenarios((&returns * factor).view(), 21.0).unwrap();
            for (a, b) in plain.iter().zip(&scaled) {
                prop_assert!((a * factor - b).abs() <= 1e-14);
            }
        }
    }
}
