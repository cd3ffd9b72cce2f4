//! Exponentially weighted covariance and correlation, whole matrices at once.
//!
//! The recursion of `pandas.DataFrame.ewm`, all modes; with `demean = false` second moments about zero, as
//! in RiskMetrics (1996). NaN is missing, pair by pair.

use std::fmt::Debug;

use ndarray::{Array2, ArrayView2, ArrayViewMut2, ArrayViewMut3, Axis};

use super::accumulator::{Accumulator, ZeroVariance};
use super::complete::for_each_row;
use super::dense::Dense;
use super::gaps;
use super::packed;
use super::path::{BLOCK_ROWS, PathShape, Running};
use super::scheme::{EwmaRule, Scheme};
use crate::{Error, Result};

/// The covariance after the last row.
pub fn ewma_covariance(returns: ArrayView2<'_, f64>, rule: &EwmaRule) -> Result<Array2<f64>> {
    let scheme = Scheme::exponential(rule)?;
    Ok(Accumulator::of(&scheme, "R", returns)?.covariance(&scheme))
}

/// The correlation after the last row.
pub fn ewma_correlation(
    returns: ArrayView2<'_, f64>,
    rule: &EwmaRule,
    zero: ZeroVariance,
) -> Result<Array2<f64>> {
    let scheme = Scheme::exponential(rule)?;
    Ok(Accumulator::of(&scheme, "R", returns)?.correlation(&scheme, zero))
}

/// Writes the covariance after each row into `out`, of shape `(n_observations, n_assets, n_assets)`.
pub fn ewma_covariance_path(
    returns: ArrayView2<'_, f64>,
    rule: &EwmaRule,
    mut out: ArrayViewMut3<'_, f64>,
) -> Result<()> {
    covariance_path(returns, rule, PathShape::Full, full_slices(returns, &mut out)?)
}

/// Writes the lower triangle of the covariance after each row, row by row, into `out`, of shape
/// `(n_observations, n_assets (n_assets + 1) / 2)`.
pub fn ewma_covariance_packed_path(
    returns: ArrayView2<'_, f64>,
    rule: &EwmaRule,
    mut out: ArrayViewMut2<'_, f64>,
) -> Result<()> {
    covariance_path(returns, rule, PathShape::Packed, packed_slices(returns, &mut out)?)
}

/// Writes the correlation after each row into `out`, of shape `(n_observations, n_assets, n_assets)`.
pub fn ewma_correlation_path(
    returns: ArrayView2<'_, f64>,
    rule: &EwmaRule,
    zero: ZeroVariance,
    mut out: ArrayViewMut3<'_, f64>,
) -> Result<()> {
    correlation_path(returns, rule, zero, PathShape::Full, full_slices(returns, &mut out)?)
}

/// Writes the lower triangle of the correlation after each row, as [`ewma_covariance_packed_path`] does.
pub fn ewma_correlation_packed_path(
    returns: ArrayView2<'_, f64>,
    rule: &EwmaRule,
    zero: ZeroVariance,
    mut out: ArrayViewMut2<'_, f64>,
) -> Result<()> {
    correlation_path(returns, rule, zero, PathShape::Packed, packed_slices(returns, &mut out)?)
}

fn covariance_path(
    returns: ArrayView2<'_, f64>,
    rule: &EwmaRule,
    shape: PathShape,
    slices: Vec<&mut [f64]>,
) -> Result<()> {
    let scheme = Scheme::exponential(rule)?;
    let n = returns.ncols();
    if gaps::has_gaps_or_giants("R", returns)? {
        gapped_path(&scheme, returns, shape, slices, |moments, out| moments.write_covariance(&scheme, out));
        return Ok(());
    }
    let (mut dense, mut running) = (Dense::new(n), Running::new(shape, n));
    for_each_block(returns, slices, |rows, slices| {
        for_each_row(rows, |row| {
            let past = dense.advance(&scheme, row, running.step());
            running.push_covariance(past, dense.memory.correction(&scheme));
        });
        running.write_covariances(slices);
    });
    Ok(())
}

fn correlation_path(
    returns: ArrayView2<'_, f64>,
    rule: &EwmaRule,
    zero: ZeroVariance,
    shape: PathShape,
    slices: Vec<&mut [f64]>,
) -> Result<()> {
    let scheme = Scheme::exponential(rule)?;
    let n = returns.ncols();
    if gaps::has_gaps_or_giants("R", returns)? {
        gapped_path(&scheme, returns, shape, slices, |moments, out| {
            moments.write_correlation(&scheme, zero, out);
        });
        return Ok(());
    }
    let (mut dense, mut running) = (Dense::new(n), Running::new(shape, n));
    for_each_block(returns, slices, |rows, slices| {
        for_each_row(rows, |row| {
            let past = dense.advance(&scheme, row, running.step());
            let known = zero == ZeroVariance::Nan || !dense.memory.correction(&scheme).is_nan();
            running.push_correlation(past, known, zero);
        });
        running.write_correlations(slices);
    });
    Ok(())
}

fn gapped_path(
    scheme: &Scheme,
    returns: ArrayView2<'_, f64>,
    shape: PathShape,
    slices: Vec<&mut [f64]>,
    write: impl Fn(&Accumulator, &mut [f64]),
) {
    let n = returns.ncols();
    let mut moments = Accumulator::new(n);
    let mut full = vec![0.0; if shape == PathShape::Packed { n * n } else { 0 }];
    for_each_slice(returns, slices, |row, slice| {
        moments.update(scheme, row, gaps::kind_of(row.into()));
        moments.fold();
        match shape {
            PathShape::Full => write(&moments, slice),
            PathShape::Packed => {
                write(&moments, &mut full);
                packed::pack(slice, &full, n);
            }
        }
    });
}

/// Calls `fill(row, slice)` for each row of returns and its slice.
fn for_each_slice(
    returns: ArrayView2<'_, f64>,
    slices: Vec<&mut [f64]>,
    mut fill: impl FnMut(&[f64], &mut [f64]),
) {
    let mut slices = slices.into_iter();
    for_each_row(returns, |row| {
        if let Some(slice) = slices.next() {
            fill(row, slice);
        }
    });
}

/// Calls `fill(rows, slices)` for blocks of rows of returns and their slices.
fn for_each_block(
    returns: ArrayView2<'_, f64>,
    mut slices: Vec<&mut [f64]>,
    mut fill: impl FnMut(ArrayView2<'_, f64>, &mut [&mut [f64]]),
) {
    let blocks = returns.axis_chunks_iter(Axis(0), BLOCK_ROWS);
    for (rows, slices) in blocks.zip(slices.chunks_mut(BLOCK_ROWS)) {
        fill(rows, slices);
    }
}

fn full_slices<'a>(
    returns: ArrayView2<'_, f64>,
    out: &'a mut ArrayViewMut3<'_, f64>,
) -> Result<Vec<&'a mut [f64]>> {
    let (n_observations, n_assets) = returns.dim();
    check_shape(out.dim(), (n_observations, n_assets, n_assets))?;
    let strides = out.strides().to_vec();
    out.outer_iter_mut()
        .map(|slice| slice.into_slice())
        .collect::<Option<_>>()
        .ok_or_else(|| scattered(&strides))
}

fn packed_slices<'a>(
    returns: ArrayView2<'_, f64>,
    out: &'a mut ArrayViewMut2<'_, f64>,
) -> Result<Vec<&'a mut [f64]>> {
    let (n_observations, n_assets) = returns.dim();
    check_shape(out.dim(), (n_observations, packed::size(n_assets)))?;
    let strides = out.strides().to_vec();
    out.outer_iter_mut()
        .map(|slice| slice.into_slice())
        .collect::<Option<_>>()
        .ok_or_else(|| scattered(&strides))
}

fn check_shape<D: PartialEq + Debug>(found: D, expected: D) -> Result<()> {
    if found == expected {
        return Ok(());
    }
    Err(Error::Shape { what: "out", expected: format!("{expected:?}"), found: format!("{found:?}") })
}

fn scattered(strides: &[isize]) -> Error {
    let (expected, found) = ("contiguous slices".to_owned(), format!("strides {strides:?}"));
    Error::Shape { what: "out", expected, found }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array3, arr2};

    #[test]
    fn what_cannot_be_written_to_is_refused() {
        let (returns, rule) = (arr2(&[[0.1, 0.2], [0.3, -0.1]]), EwmaRule::new(3.0));
        let mut wrong = Array3::zeros((2, 2, 3));
        let error = ewma_covariance_path(returns.view(), &rule, wrong.view_mut()).unwrap_err();
        assert!(error.to_string().contains("(2, 2, 3), expected (2, 2, 2)"), "{error}");
        let mut packed = Array2::zeros((2, 4));
        let error = ewma_covariance_packed_path(returns.view(), &rule, packed.view_mut()).unwrap_err();
        assert!(error.to_string().contains("(2, 4), expected (2, 3)"), "{error}");
        let mut scattered = Array3::zeros((2, 2, 2)).reversed_axes();
        let error = ewma_covariance_path(returns.view(), &rule, scattered.view_mut()).unwrap_err();
        assert!(error.to_string().contains("expected contiguous slices"), "{error}");
    }

    #[test]
    fn slices_may_stand_apart() {
        let (returns, rule) = (arr2(&[[0.1, 0.2], [0.3, -0.1], [0.2, 0.2]]), EwmaRule::new(3.0));
        let (mut close, mut apart) = (Array3::zeros((3, 2, 2)), Array3::zeros((3, 4, 2)));
        ewma_covariance_path(returns.view(), &rule, close.view_mut()).unwrap();
        let (mut upper, _) = apart.view_mut().split_at(Axis(1), 2);
        ewma_covariance_path(returns.view(), &rule, upper.view_mut()).unwrap();
        let bits = |x: &f64| x.to_bits();
        assert!(upper.iter().map(bits).eq(close.iter().map(bits)));
    }
}
