//! Who contributes to volatility, and how widely it is spread.
//!
//! Euler's rule for the homogeneous function `sigma(w) = sqrt(w' S w)`: asset `i` contributes
//! `w_i (S w)_i / sigma`, and the contributions sum to `sigma`. Choueifaty and Coignard (2008), "Toward maximum
//! diversification", for the ratio. Names: `w` weights without cash, `S` covariance, `sigma` portfolio volatility.

use ndarray::{Array1, ArrayView1, ArrayView2};

use crate::{Error, Result, validate};

/// Portfolio volatility, `sqrt(w' S w)`.
///
/// # Errors
/// Not finite weights, a length that does not fit, a covariance that is not square, finite and symmetric, or one
/// that gives these weights a negative variance.
pub fn portfolio_volatility(weights: ArrayView1<'_, f64>, covariance: ArrayView2<'_, f64>) -> Result<f64> {
    Ok(products(weights, covariance)?.1)
}

/// What each asset contributes to portfolio volatility; all zero where there is none.
///
/// # Errors
/// As [`portfolio_volatility`].
pub fn risk_contributions(
    weights: ArrayView1<'_, f64>,
    covariance: ArrayView2<'_, f64>,
) -> Result<Array1<f64>> {
    let (products, volatility) = products(weights, covariance)?;
    if volatility == 0.0 {
        return Ok(Array1::zeros(weights.len()));
    }
    Ok(products / volatility)
}

/// Mean volatility of the positions, by absolute weight, over portfolio volatility: 1 or more.
///
/// 1 where nothing or one asset is held, and where the portfolio has no volatility.
///
/// # Errors
/// As [`portfolio_volatility`].
pub fn diversification_ratio(weights: ArrayView1<'_, f64>, covariance: ArrayView2<'_, f64>) -> Result<f64> {
    let (_, volatility) = products(weights, covariance)?;
    let held = weights.iter().filter(|weight| **weight != 0.0).count();
    if volatility == 0.0 || held < 2 {
        return Ok(1.0);
    }
    // At least 1 for any covariance; rounding may say otherwise.
    Ok((standalone(weights, covariance) / volatility).max(1.0))
}

/// The exponential of the entropy of the risk shares: 1 ... n, 0 where there is no risk.
///
/// Shares below zero (hedges) count as zero and the others are scaled to sum to 1.
///
/// # Errors
/// As [`portfolio_volatility`].
pub fn effective_bets(weights: ArrayView1<'_, f64>, covariance: ArrayView2<'_, f64>) -> Result<f64> {
    let contributions = risk_contributions(weights, covariance)?;
    let positive = || contributions.iter().copied().filter(|share| *share > 0.0);
    let total: f64 = positive().sum();
    if total == 0.0 {
        return Ok(0.0);
    }
    let entropy: f64 = positive().map(|share| -(share / total) * (share / total).ln()).sum();
    Ok(entropy.max(0.0).exp())
}

/// Sum of squared shares of the risky weights, by absolute weight: `1/n` ... 1, and 0 when all cash.
///
/// # Errors
/// Not finite weights.
pub fn concentration_ratio(weights: ArrayView1<'_, f64>) -> Result<f64> {
    validate::finite("weights", weights)?;
    // In units of the largest weight nothing overflows.
    let largest = weights.iter().fold(0.0_f64, |largest, weight| largest.max(weight.abs()));
    if largest == 0.0 {
        return Ok(0.0);
    }
    let gross: f64 = weights.iter().map(|weight| (weight / largest).abs()).sum();
    let squares: f64 = weights.iter().map(|weight| (weight / largest).powi(2)).sum();
    Ok(squares / (gross * gross))
}

/// What a book holds, read from its weights alone.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Holdings {
    /// The sum of the weights; what it misses to 1 is cash.
    pub invested: f64,
    /// The sum of their sizes.
    pub gross: f64,
    /// Weights other than zero.
    pub n_held: usize,
    /// As [`concentration_ratio`].
    pub concentration_ratio: f64,
}

/// Sums up the weights of a book.
///
/// # Errors
/// Not finite weights.
pub fn holdings(weights: ArrayView1<'_, f64>) -> Result<Holdings> {
    Ok(Holdings {
        concentration_ratio: concentration_ratio(weights)?,
        invested: weights.sum(),
        gross: weights.iter().map(|weight| weight.abs()).sum(),
        n_held: weights.iter().filter(|weight| **weight != 0.0).count(),
    })
}

/// The number of equal positions with the same concentration: 1 ... n, and 0 when all cash.
///
/// # Errors
/// Not finite weights.
pub fn effective_number_of_assets(weights: ArrayView1<'_, f64>) -> Result<f64> {
    let concentration = concentration_ratio(weights)?;
    Ok(if concentration == 0.0 { 0.0 } else { 1.0 / concentration })
}

/// `w_i (S w)_i` of every asset and the volatility they add up to.
fn products(weights: ArrayView1<'_, f64>, covariance: ArrayView2<'_, f64>) -> Result<(Array1<f64>, f64)> {
    validate::covariance("covariance", covariance)?;
    validate::length("weights", weights, covariance.nrows())?;
    validate::finite("weights", weights)?;
    let mut products = covariance.dot(&weights);
    products *= &weights;
    let variance = products.sum();
    // What rounding leaves of a perfect hedge is measured against the same weights without any hedge.
    let scale = standalone(weights, covariance).powi(2);
    let rounding = 4.0 * weights.len() as f64 * f64::EPSILON * scale;
    if variance < -1e-8 * scale {
        let lowest = |best: usize, next: usize| if products[next] < products[best] { next } else { best };
        let index = (0..weights.len()).fold(0, lowest);
        return Err(Error::NotPositiveSemidefinite { what: "covariance", index, pivot: variance });
    }
    let volatility = if variance <= rounding { 0.0 } else { variance.sqrt() };
    Ok((products, volatility))
}

/// Volatility of the positions if they all moved together.
fn standalone(weights: ArrayView1<'_, f64>, covariance: ArrayView2<'_, f64>) -> f64 {
    weights.iter().zip(covariance.diag()).map(|(weight, variance)| weight.abs() * variance.sqrt()).sum()
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, arr1, arr2};
    use proptest::prelude::*;

    use super::super::testing::noise;
    use super::*;

    #[test]
    fn two_assets_by_hand() {
        // Volatilities 0.2 and 0.1, correlation 0.5, weights one half each: variance 0.0175.
        let covariance = arr2(&[[0.04, 0.01], [0.01, 0.01]]);
        let weights = arr1(&[0.5, 0.5]);
        let sigma = 0.0175_f64.sqrt();
        let contributions = risk_contributions(weights.view(), covariance.view()).unwrap();
        assert!((contributions[0] - 0.0125 / sigma).abs() < 1e-15);
        assert!((contributions[1] - 0.005 / sigma).abs() < 1e-15);
        let ratio = diversification_ratio(weights.view(), covariance.view()).unwrap();
        assert!((ratio - 0.15 / sigma).abs() < 1e-14);
        let (c, d) = (0.0125_f64 / 0.0175, 0.005_f64 / 0.0175);
        let bets = effective_bets(weights.view(), covariance.view()).unwrap();
        assert!((bets - (-c * c.ln() - d * d.ln()).exp()).abs() < 1e-14);
    }

    #[test]
    fn no_risk_is_an_answer() {
        let covariance = arr2(&[[0.04, -0.02], [-0.02, 0.01]]);
        for weights in [arr1(&[0.0, 0.0]), arr1(&[1.0 / 3.0, 2.0 / 3.0])] {
            assert_eq!(risk_contributions(weights.view(), covariance.view()).unwrap(), arr1(&[0.0, 0.0]));
            assert_eq!(diversification_ratio(weights.view(), covariance.view()).unwrap(), 1.0);
            assert_eq!(effective_bets(weights.view(), covariance.view()).unwrap(), 0.0);
        }
        assert_eq!(effective_number_of_assets(arr1(&[0.0]).view()).unwrap(), 0.0);
        assert_eq!(concentration_ratio(arr1(&[]).view()).unwrap(), 0.0);
        // One asset held is one bet, whatever the others do.
        let single = arr1(&[0.3, 0.0]);
        assert_eq!(diversification_ratio(single.view(), covariance.view()).unwrap(), 1.0);
        assert_eq!(effective_bets(single.view(), covariance.view()).unwrap(), 1.0);
    }

    #[test]
    fn bad_input_is_refused() {
        let covariance = arr2(&[[0.04, 0.01], [0.01, 0.01]]);
        assert!(risk_contributions(arr1(&[1.0]).view(), covariance.view()).is_err());
        assert!(risk_contributions(arr1(&[1.0, f64::NAN]).view(), covariance.view()).is_err());
        let indefinite = arr2(&[[1.0, 2.0], [2.0, 1.0]]);
        let error = portfolio_volatility(arr1(&[1.0, -1.0]).view(), indefinite.view()).unwrap_err();
        assert!(matches!(error, Error::NotPositiveSemidefinite { .. }));
        assert!(effective_number_of_assets(arr1(&[f64::INFINITY]).view()).is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn the_parts_sum_to_the_whole(n in 1_usize..12, seed in any::<u32>()) {
            let factors = Array2::from_shape_vec((n, n), noise(n * n, seed, false)).unwrap();
            let covariance = factors.dot(&factors.t());
            let weights = Array1::from(noise(n, !seed, false));
            let contributions = risk_contributions(weights.view(), covariance.view()).unwrap();
            let volatility = portfolio_volatility(weights.view(), covariance.view()).unwrap();
            prop_assert!((contributions.sum() - volatility).abs() <= 1e-12 * volatility);
            prop_assert!(diversification_ratio(weights.view(), covariance.view()).unwrap() >= 1.0);
            let bets = effective_bets(weights.view(), covariance.view()).unwrap();
            prop_assert!((1.0 - 1e-12..=n as f64 + 1e-9).contains(&bets), "{bets}");
            let number = effective_number_of_assets(weights.view()).unwrap();
            prop_assert!((1.0 - 1e-12..=n as f64 + 1e-9).contains(&number), "{number}");
        }
    }

    #[test]
    fn holdings_by_hand() {
        let found = holdings(arr1(&[0.5, 0.0, -0.1, 0.4]).view()).unwrap();
        assert!((found.invested - 0.8).abs() < 1e-15 && (found.gross - 1.0).abs() < 1e-15);
        assert!(found.n_held == 3 && (found.concentration_ratio - 0.42).abs() < 1e-15);
        let cash = holdings(arr1(&[0.0, 0.0]).view()).unwrap();
        assert_eq!(cash, Holdings { invested: 0.0, gross: 0.0, n_held: 0, concentration_ratio: 0.0 });
        assert!(holdings(arr1(&[f64::NAN]).view()).is_err());
    }
}
