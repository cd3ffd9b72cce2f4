//! Moments of any rows: on one chain of weights while nothing is missing, on one per pair from the first gap.

use ndarray::{Array1, Array2, ArrayView2, aview1};

use super::complete::for_each_row;
use super::dense::Dense;
use super::gaps::{self, RowKind};
use super::packed;
use super::pairs::{Pair, Pairs};
use super::scheme::Scheme;
use crate::Result;

/// What a correlation with an asset that never moves is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ZeroVariance {
    /// Undefined, as in pandas.
    Nan,
    /// Zero beside other assets and one with itself, as the engine wants it.
    Uncorrelated,
}

/// Running second moments.
#[derive(Debug, Clone)]
pub(super) enum Accumulator {
    Dense(Dense),
    Pairs(Pairs),
}

impl Accumulator {
    pub(super) fn new(n_assets: usize) -> Self {
        Self::Dense(Dense::new(n_assets))
    }

    /// The moments of a whole matrix.
    pub(super) fn of(scheme: &Scheme, what: &'static str, rows: ArrayView2<'_, f64>) -> Result<Self> {
        let complete = !gaps::has_gaps_or_giants(what, rows)?;
        let mut moments = Self::new(rows.ncols());
        moments.absorb(scheme, rows, complete);
        Ok(moments)
    }

    pub(super) fn n_assets(&self) -> usize {
        match self {
            Self::Dense(dense) => dense.mean.len(),
            Self::Pairs(pairs) => pairs.n_assets,
        }
    }

    /// Takes in a row without infinities.
    pub(super) fn update(&mut self, scheme: &Scheme, row: &[f64], kind: RowKind) {
        match (&mut *self, kind) {
            (Self::Dense(dense), RowKind::Complete) => return dense.update(scheme, row),
            (Self::Dense(dense), RowKind::Missing) => return dense.memory.miss(scheme),
            (Self::Dense(dense), RowKind::Partial) => *self = Self::Pairs(Pairs::split(dense)),
            (Self::Pairs(_), _) => {}
        }
        if let Self::Pairs(pairs) = self {
            pairs.update(scheme, row);
        }
    }

    /// Takes in rows without infinities.
    pub(super) fn absorb(&mut self, scheme: &Scheme, rows: ArrayView2<'_, f64>, complete: bool) {
        match self {
            Self::Dense(dense) if complete => dense.absorb(scheme, rows),
            _ => for_each_row(rows, |row| self.update(scheme, row, gaps::kind_of(row.into()))),
        }
    }

    /// Makes the next reads cheap.
    pub(super) fn fold(&mut self) {
        if let Self::Dense(dense) = self {
            dense.fold();
        }
    }

    /// Writes the covariance into a full `n x n` buffer; NaN where there is no estimate.
    pub(super) fn write_covariance(&self, scheme: &Scheme, out: &mut [f64]) {
        match self {
            Self::Dense(dense) => {
                let correction = dense.memory.correction(scheme);
                packed::fill_symmetric(out, &dense.moments(), dense.mean.len(), |_, _, xy| correction * xy);
            }
            Self::Pairs(pairs) => {
                packed::fill_symmetric(out, &pairs.pairs, pairs.n_assets, |_, _, pair| {
                    pair.memory.correction(scheme) * pair.xy
                });
            }
        }
    }

    /// Writes the correlation into a full `n x n` buffer; NaN where there is none.
    pub(super) fn write_correlation(&self, scheme: &Scheme, zero: ZeroVariance, out: &mut [f64]) {
        match self {
            Self::Dense(dense) => {
                let n = dense.mean.len();
                let known = is_known(dense.memory.correction(scheme), dense.memory.n_observations, zero);
                let moments = dense.moments();
                let inverse: Vec<f64> =
                    (0..n).map(|i| inverse_deviation(moments[packed::diagonal(i)], zero)).collect();
                packed::fill_symmetric(out, &moments, n, |i, j, &xy| match (known, i == j) {
                    (false, _) => f64::NAN,
                    (true, true) => unit_or_nan(inverse[i]),
                    (true, false) => correlation(xy, inverse[i], inverse[j]),
                });
            }
            Self::Pairs(pairs) => {
                packed::fill_symmetric(out, &pairs.pairs, pairs.n_assets, |i, j, pair| {
                    pair_correlation(pair, scheme, zero, i == j)
                });
            }
        }
    }

    pub(super) fn covariance(&self, scheme: &Scheme) -> Array2<f64> {
        self.matrix(|out| self.write_covariance(scheme, out))
    }

    pub(super) fn correlation(&self, scheme: &Scheme, zero: ZeroVariance) -> Array2<f64> {
        self.matrix(|out| self.write_correlation(scheme, zero, out))
    }

    /// The diagonal of the covariance.
    pub(super) fn variances(&self, scheme: &Scheme) -> Array1<f64> {
        match self {
            Self::Dense(dense) => {
                let correction = dense.memory.correction(scheme);
                dense.variances().into_iter().map(|variance| correction * variance).collect()
            }
            Self::Pairs(pairs) => (0..pairs.n_assets)
                .map(|i| &pairs.pairs[packed::diagonal(i)])
                .map(|pair| pair.memory.correction(scheme) * pair.xy)
                .collect(),
        }
    }

    /// `w'Cw`, NaN where an entry is.
    pub(super) fn form(&self, scheme: &Scheme, w: &[f64]) -> f64 {
        match self {
            Self::Dense(dense) => dense.memory.correction(scheme) * dense.form(w),
            Self::Pairs(_) => {
                let covariance = self.covariance(scheme);
                let form = covariance.rows().into_iter().zip(w).map(|(row, own)| own * row.dot(&aview1(w)));
                form.sum()
            }
        }
    }

    fn matrix(&self, write: impl FnOnce(&mut [f64])) -> Array2<f64> {
        let n = self.n_assets();
        let mut matrix = Array2::zeros((n, n));
        if let Some(values) = matrix.as_slice_mut() {
            write(values);
        }
        matrix
    }
}

/// Whether there is a correlation to speak of: where there is none, the engine's covariance is NaN as well.
fn is_known(correction: f64, n_observations: u64, zero: ZeroVariance) -> bool {
    n_observations > 0 && (zero == ZeroVariance::Nan || !correction.is_nan())
}

/// One over the standard deviation; for a variance of zero what makes its correlations NaN or zero.
fn inverse_deviation(variance: f64, zero: ZeroVariance) -> f64 {
    match (variance > 0.0, zero) {
        (true, _) => 1.0 / variance.sqrt(),
        (false, ZeroVariance::Nan) => f64::NAN,
        (false, ZeroVariance::Uncorrelated) => 0.0,
    }
}

/// The correlation, held in [-1, 1] against rounding.
fn correlation(xy: f64, inverse_x: f64, inverse_y: f64) -> f64 {
    (xy * (inverse_x * inverse_y)).clamp(-1.0, 1.0)
}

/// The diagonal of a correlation.
pub(super) fn unit_or_nan(inverse: f64) -> f64 {
    if inverse.is_nan() { f64::NAN } else { 1.0 }
}

fn pair_correlation(pair: &Pair, scheme: &Scheme, zero: ZeroVariance, diagonal: bool) -> f64 {
    if !is_known(pair.memory.correction(scheme), pair.memory.n_observations, zero) {
        return f64::NAN;
    }
    let (x, y) = (inverse_deviation(pair.xx, zero), inverse_deviation(pair.yy, zero));
    if diagonal { unit_or_nan(x) } else { correlation(pair.xy, x, y) }
}
