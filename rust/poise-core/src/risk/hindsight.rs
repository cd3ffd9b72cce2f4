//! What today's weights would have earned in the last bars, beside a market: the figures of one bar in one pass.

use ndarray::{ArrayView1, ArrayView2};
use poise_simd::{Kernel, Simd, dispatch};

use super::statistics::return_statistics;
use crate::sums::{dot, products_of_rows, sum};
use crate::{Error, Result, validate};

/// The market of the same bars.
#[derive(Debug, Clone, Copy)]
pub enum Market<'a> {
    /// Its weights, of any positive sum.
    Weights(ArrayView1<'a, f64>),
    /// Its return in each bar.
    Returns(ArrayView1<'a, f64>),
}

/// Figures of a portfolio that was never traded, per bar.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hindsight {
    /// The mean return.
    pub mean: f64,
    /// The standard deviation (one degree of freedom lost); 0 where all agree up to rounding, NaN for one bar.
    pub deviation: f64,
    /// The largest fall from a peak, the start included.
    pub max_drawdown: f64,
    /// The slope on the market's returns; NaN where the market never moves, and for one bar.
    pub beta: f64,
}

/// Figures of `weights` over the rows of `window`; `None` where a return is missing or a product overflows.
///
/// # Errors
/// No row, other lengths, weights that are not finite.
pub fn hindsight(
    window: ArrayView2<'_, f64>,
    weights: ArrayView1<'_, f64>,
    market: Market<'_>,
) -> Result<Option<Hindsight>> {
    let (n_rows, n_assets) = window.dim();
    if n_rows == 0 || n_assets == 0 {
        return Err(Error::Empty { what: "window", unit: if n_rows == 0 { "row" } else { "asset" } });
    }
    validate::length("weights", weights, n_assets)?;
    validate::finite("weights", weights)?;
    let window = window.as_standard_layout();
    let Some(rows) = window.as_slice() else { return Ok(None) };
    let weights = weights.to_vec();
    let (mut earned, mut beside) = (vec![0.0; n_rows], vec![0.0; n_rows]);
    match market {
        Market::Weights(shares) => {
            validate::length("market_weights", shares, n_assets)?;
            let total = shares.sum();
            let shares: Vec<f64> = shares.iter().map(|share| share / total).collect();
            let (first, second) = (&mut earned[..], &mut beside[..]);
            dispatch(Products { rows, weights: [&weights, &shares], into: [first, second] });
        }
        Market::Returns(returns) => {
            validate::length("market", returns, n_rows)?;
            beside = returns.to_vec();
            dispatch(Products { rows, weights: [&weights], into: [&mut earned] });
        }
    }
    if !(validate::all_finite(&earned) && validate::all_finite(&beside)) {
        return Ok(None);
    }
    let found = return_statistics(ArrayView1::from(&earned), 0.0)?;
    Ok(Some(Hindsight {
        mean: found.mean,
        deviation: found.deviation,
        max_drawdown: found.max_drawdown,
        beta: slope(&earned, &beside),
    }))
}

/// The slope of `values` on `market`; in units of the largest move where a square would overflow or vanish.
fn slope(values: &[f64], market: &[f64]) -> f64 {
    let first = market[0];
    if values.len() < 2 || market.iter().all(|value| *value == first) {
        return f64::NAN;
    }
    let (joint, own) = products(values, market, 1.0);
    let slope = if own.is_normal() {
        joint / own
    } else {
        let unit = market.iter().fold(0.0_f64, |most, value| most.max(value.abs()));
        let (joint, own) = products(values, market, unit);
        joint / own / unit
    };
    if slope.is_finite() { slope } else { f64::NAN }
}

/// Sums of the products of both about their means, and of the market's squares; the market in units of `unit`.
fn products(values: &[f64], market: &[f64], unit: f64) -> (f64, f64) {
    let n = market.len() as f64;
    let market: Vec<f64> =
        if unit == 1.0 { market.to_vec() } else { market.iter().map(|value| value / unit).collect() };
    let (mean, market_mean) = (sum(values) / n, sum(&market) / n);
    let market: Vec<f64> = market.iter().map(|value| value - market_mean).collect();
    let values: Vec<f64> = values.iter().map(|value| value - mean).collect();
    (dot(&market, &values), dot(&market, &market))
}

/// Rows that are multiplied together: each weight is loaded once for all of them.
const TOGETHER: usize = 4;

/// `w'r` of every row for each of the weights.
struct Products<'a, const K: usize> {
    rows: &'a [f64],
    weights: [&'a [f64]; K],
    into: [&'a mut [f64]; K],
}

impl<const K: usize> Kernel for Products<'_, K> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { rows, weights, into } = self;
        let width = weights[0].len();
        let whole = rows.len() / width / TOGETHER * TOGETHER;
        let (groups, last) = rows.split_at(whole * width);
        for (k, group) in groups.chunks_exact(TOGETHER * width).enumerate() {
            let (front, back) = group.split_at(2 * width);
            let ((first, second), (third, fourth)) = (front.split_at(width), back.split_at(width));
            let found = products_of_rows(simd, [first, second, third, fourth], weights);
            for of in 0..K {
                into[of][TOGETHER * k..][..TOGETHER].copy_from_slice(&found[of]);
            }
        }
        for (k, row) in (whole..).zip(last.chunks_exact(width)) {
            let found = products_of_rows(simd, [row], weights);
            for of in 0..K {
                into[of][k] = found[of][0];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{Array1, Array2, arr1, arr2};
    use proptest::prelude::*;

    use super::super::max_drawdown;
    use super::*;

    #[test]
    fn two_assets_by_hand() {
        let window = arr2(&[[0.10, 0.0], [-0.20, 0.0], [0.10, 0.0]]);
        let found =
            hindsight(window.view(), arr1(&[0.5, 0.3]).view(), Market::Weights(arr1(&[1.0, 1.0]).view()));
        let found = found.unwrap().unwrap();
        assert!(found.mean.abs() < 1e-16 && (found.max_drawdown - 0.10).abs() < 1e-15, "{found:?}");
        assert!((found.deviation - 0.0075_f64.sqrt()).abs() < 1e-15 && (found.beta - 1.0).abs() < 1e-14);
    }

    #[test]
    fn what_is_missing_is_left_to_others() {
        let window = arr2(&[[0.1, f64::NAN], [0.2, 0.1]]);
        let weights = arr1(&[1.0, 0.0]);
        let market = arr1(&[0.1, 0.2]);
        assert_eq!(hindsight(window.view(), weights.view(), Market::Returns(market.view())).unwrap(), None);
        let none = Array2::<f64>::zeros((0, 2));
        assert!(hindsight(none.view(), weights.view(), Market::Weights(weights.view())).is_err());
        let still = hindsight(arr2(&[[0.1, 0.2]]).view(), weights.view(), Market::Weights(weights.view()));
        let still = still.unwrap().unwrap();
        assert!(still.beta.is_nan() && still.deviation.is_nan() && still.mean == 0.1);
    }

    proptest! {
        #[test]
        fn the_market_itself_has_beta_one(values in proptest::collection::vec(-0.2_f64..0.2, 3 * 11..600), turned: bool) {
            let n_rows = values.len() / 11;
            let window = Array2::from_shape_vec((n_rows, 11), values[..n_rows * 11].to_vec()).unwrap();
            let columns = window.t().to_owned();
            let window = if turned { columns.t() } else { window.view() };
            let weights = Array1::from_iter((0..11).map(|i| f64::from(i) / 55.0));
            let returns = window.dot(&weights);
            for market in [Market::Weights(weights.view()), Market::Returns(returns.view())] {
                let found = hindsight(window, weights.view(), market).unwrap().unwrap();
                prop_assert!((found.beta - 1.0).abs() < 1e-9);
                prop_assert!((found.max_drawdown - max_drawdown(returns.view()).unwrap()).abs() < 1e-12);
            }
        }
    }
}
