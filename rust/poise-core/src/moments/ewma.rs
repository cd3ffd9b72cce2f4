//! Exponentially weighted covariance and correlation, whole matrices at once.
//!
//! The recursion of `pandas.DataFrame.ewm`, all modes; with `demean = false` second moments about zero, as
//! in RiskMetrics (1996). NaN is missing, pair by pair.

use ndarray::{Array2, ArrayView2, ArrayViewMut3, Axis};

use super::accumulator::{Accumulator, ZeroVariance, correlation, inverse_deviation, unit_or_nan};
use super::dense::Dense;
use super::gaps;
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
    out: ArrayViewMut3<'_, f64>,
) -> Result<()> {
    let scheme = Scheme::exponential(rule)?;
    let n = returns.ncols();
    if gaps::has_gaps("R", returns)? {
        return gapped_path(&scheme, returns, out, |moments, slice| moments.write_covariance(&scheme, slice));
    }
    let mut dense = Dense::new(n);
    let mut running = vec![0.0; n * n];
    for_each_slice(returns, out, |row, slice| {
        let past = dense.advance(&scheme, returns.row(row));
        let correction = dense.memory.correction(&scheme);
        let rows = running.chunks_exact_mut(n).zip(slice.chunks_exact_mut(n));
        for ((moments, out), &scale) in rows.zip(&dense.step) {
            for ((moment, out), step) in moments.iter_mut().zip(out).zip(&dense.step) {
                *moment = past * *moment + scale * step;
                *out = correction * *moment;
            }
        }
    })
}

/// Writes the correlation after each row into `out`, of shape `(n_observations, n_assets, n_assets)`.
pub fn ewma_correlation_path(
    returns: ArrayView2<'_, f64>,
    rule: &EwmaRule,
    zero: ZeroVariance,
    out: ArrayViewMut3<'_, f64>,
) -> Result<()> {
    let scheme = Scheme::exponential(rule)?;
    let n = returns.ncols();
    if gaps::has_gaps("R", returns)? {
        return gapped_path(&scheme, returns, out, |moments, slice| {
            moments.write_correlation(&scheme, zero, slice);
        });
    }
    let mut dense = Dense::new(n);
    let mut running = vec![0.0; n * n];
    let (mut variances, mut inverse) = (vec![0.0; n], vec![0.0; n]);
    for_each_slice(returns, out, |row, slice| {
        let past = dense.advance(&scheme, returns.row(row));
        let unknown = zero == ZeroVariance::Uncorrelated && dense.memory.correction(&scheme).is_nan();
        for ((variance, inverse), step) in variances.iter_mut().zip(&mut inverse).zip(&dense.step) {
            *variance = past * *variance + step * step;
            *inverse = if unknown { f64::NAN } else { inverse_deviation(*variance, zero) };
        }
        let rows = running.chunks_exact_mut(n).zip(slice.chunks_exact_mut(n));
        for (i, (moments, out)) in rows.enumerate() {
            let (scale, inverse_i) = (dense.step[i], inverse[i]);
            let columns = moments.iter_mut().zip(&mut *out).zip(dense.step.iter().zip(&inverse));
            for ((moment, out), (step, inverse_j)) in columns {
                *moment = past * *moment + scale * step;
                *out = correlation(*moment, inverse_i, *inverse_j);
            }
            out[i] = unit_or_nan(inverse_i);
        }
    })
}

fn gapped_path(
    scheme: &Scheme,
    returns: ArrayView2<'_, f64>,
    out: ArrayViewMut3<'_, f64>,
    write: impl Fn(&Accumulator, &mut [f64]),
) -> Result<()> {
    let mut moments = Accumulator::new(returns.ncols());
    for_each_slice(returns, out, |row, slice| {
        let row = returns.row(row);
        moments.update(scheme, row, gaps::kind_of(row));
        write(&moments, slice);
    })
}

/// Calls `fill(row, slice)` for each row and its contiguous slice of `out`.
fn for_each_slice(
    returns: ArrayView2<'_, f64>,
    mut out: ArrayViewMut3<'_, f64>,
    mut fill: impl FnMut(usize, &mut [f64]),
) -> Result<()> {
    let (n_observations, n_assets) = returns.dim();
    if out.dim() != (n_observations, n_assets, n_assets) {
        return Err(Error::Shape {
            what: "out",
            expected: format!("({n_observations}, {n_assets}, {n_assets})"),
            found: format!("{:?}", out.dim()),
        });
    }
    for (row, mut slice) in out.axis_iter_mut(Axis(0)).enumerate() {
        match slice.as_slice_mut() {
            Some(slice) => fill(row, slice),
            None => {
                return Err(Error::Shape {
                    what: "out",
                    expected: "C-contiguous matrices".to_owned(),
                    found: format!("strides {:?}", slice.strides()),
                });
            }
        }
    }
    Ok(())
}
