//! Who contributes to the historical conditional value at risk.
//!
//! Tasche (1999), "Risk contributions and performance measurement": CVaR is a mean over the tail scenarios, so
//! the same mean of each asset's loss adds up to it. Scenarios that tie at the boundary, up to the rounding of
//! their sums, share what is left of the tail equally, so neither the order of scenarios nor that of assets matters.

use ndarray::{Array1, ArrayView1, ArrayView2};

use super::tail::TailRank;
use crate::{Error, Result, validate};

/// What each asset adds to the portfolio's historical conditional value at risk; cash adds nothing.
///
/// # Errors
/// Empty or not finite arguments, a number of weights that is not the number of columns, a level outside (0, 1).
pub fn component_conditional_value_at_risk(
    weights: ArrayView1<'_, f64>,
    returns: ArrayView2<'_, f64>,
    confidence_level: f64,
) -> Result<Array1<f64>> {
    validate::confidence_level(confidence_level)?;
    check_portfolio(weights, returns)?;
    let portfolio = returns.dot(&weights);
    validate::finite("the portfolio's scenario returns", portfolio.view())?;
    let rank = TailRank::new(portfolio.len(), confidence_level);
    let mut scratch = portfolio.to_vec();
    let boundary = *scratch.select_nth_unstable_by(rank.index, f64::total_cmp).1;

    let rounding = rounding(weights, returns);
    let (worst_tie, best_tie) = (boundary - rounding, boundary + rounding);
    let worse = portfolio.iter().filter(|value| **value < worst_tie).count();
    let ties = portfolio.iter().filter(|value| (worst_tie..=best_tie).contains(*value)).count();
    let mass = rank.mass();
    let (certain, shared) = if mass > 0.0 {
        (1.0 / mass, (mass - worse as f64) / (mass * ties as f64))
    } else {
        // No tail mass: the worst loss alone, `worse` is zero.
        (0.0, 1.0 / ties as f64)
    };

    let mut components = Array1::zeros(weights.len());
    for (value, row) in portfolio.iter().zip(returns.outer_iter()) {
        if *value <= best_tie {
            let probability = if *value < worst_tie { certain } else { shared };
            components.scaled_add(-probability, &row);
        }
    }
    components *= &weights;
    // Adding zero turns the -0.0 of an asset that never moved into 0.0.
    Ok(components + 0.0)
}

/// How far rounding may separate two portfolio returns that are equal on paper.
fn rounding(weights: ArrayView1<'_, f64>, returns: ArrayView2<'_, f64>) -> f64 {
    let largest = returns.iter().fold(0.0_f64, |largest, value| largest.max(value.abs()));
    let gross: f64 = weights.iter().map(|weight| weight.abs()).sum();
    4.0 * f64::EPSILON * weights.len() as f64 * gross * largest
}

/// Refuses weights and returns that do not make a portfolio.
pub(super) fn check_portfolio(weights: ArrayView1<'_, f64>, returns: ArrayView2<'_, f64>) -> Result<()> {
    if returns.nrows() == 0 {
        return Err(Error::Empty { what: "returns", unit: "observation" });
    }
    if returns.ncols() == 0 {
        return Err(Error::Empty { what: "returns", unit: "asset" });
    }
    validate::length("weights", weights, returns.ncols())?;
    validate::finite("weights", weights)?;
    validate::finite_matrix("returns", returns)
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, Axis, arr1, arr2};
    use proptest::prelude::*;

    use super::super::historical::historical_tail;
    use super::super::testing::noise;
    use super::*;

    #[test]
    fn ties_at_the_boundary_share_equally() {
        // Both scenarios lose 1 in all; half of one is the tail.
        let returns = arr2(&[[-1.0, 0.0], [0.0, -1.0], [1.0, 1.0], [2.0, 2.0]]);
        let weights = arr1(&[1.0, 1.0]);
        let components = component_conditional_value_at_risk(weights.view(), returns.view(), 0.875).unwrap();
        assert_eq!(components, arr1(&[0.5, 0.5]));
    }

    #[test]
    fn bad_input_is_refused() {
        let returns = arr2(&[[0.1, 0.2]]);
        let call = |weights: &[f64], returns: ArrayView2<'_, f64>, level| {
            component_conditional_value_at_risk(ArrayView1::from(weights), returns, level)
        };
        assert!(matches!(call(&[1.0], returns.view(), 0.95), Err(Error::Shape { .. })));
        assert!(matches!(call(&[1.0, f64::NAN], returns.view(), 0.95), Err(Error::NonFinite { .. })));
        assert!(matches!(call(&[1.0, 0.0], returns.view(), 1.0), Err(Error::OutOfRange { .. })));
        assert!(matches!(call(&[], Array2::zeros((3, 0)).view(), 0.9), Err(Error::Empty { .. })));
        assert!(matches!(call(&[1.0], Array2::zeros((0, 1)).view(), 0.9), Err(Error::Empty { .. })));
        // Finite pieces, infinite portfolio.
        let large = arr2(&[[1e308, 1e308]]);
        assert!(matches!(call(&[10.0, 10.0], large.view(), 0.9), Err(Error::NonFinite { .. })));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn the_parts_sum_to_the_whole(
            n in 1_usize..120, assets in 1_usize..6, seed in any::<u32>(), levels in 1_u32..1000,
            coarse in any::<bool>(),
        ) {
            let level = f64::from(levels) / 1000.0;
            let returns = Array2::from_shape_vec((n, assets), noise(n * assets, seed, coarse)).unwrap();
            let weights = Array1::from(noise(assets, !seed, false));
            let components =
                component_conditional_value_at_risk(weights.view(), returns.view(), level).unwrap();
            let whole = historical_tail(returns.dot(&weights).view(), level).unwrap();
            prop_assert!((components.sum() - whole.conditional_value_at_risk).abs() <= 1e-12);

            let mut backwards = returns.clone();
            backwards.invert_axis(Axis(0));
            let reversed =
                component_conditional_value_at_risk(weights.view(), backwards.view(), level).unwrap();
            prop_assert!((&components - &reversed).iter().all(|difference| difference.abs() <= 1e-12));
        }
    }
}
