//! Gaussian log densities, one per state.
//!
//! With `sigma = L L'` and `W = inverse of L`, `ln p(x) = constant - |W (x - mean)|^2 / 2`. `W` is triangular and
//! well scaled where the inverse of `sigma` itself would lose digits.

use std::f64::consts::PI;

use poise_simd::{Kernel, Simd, dispatch};

use super::columns::{Columns, Line};
use super::densities::Densities;
use crate::{Error, Result};

#[derive(Debug, Clone)]
pub(super) struct Gaussians {
    n_features: usize,
    /// `(n_states, n_features)`.
    means: Vec<f64>,
    /// `W` of every state, lower triangle row by row; of diagonal covariances the diagonal only.
    whiteners: Vec<f64>,
    constants: Vec<f64>,
    diagonal: bool,
}

/// One state: its mean, `W` and constant.
pub(super) struct State<'a> {
    pub(super) mean: &'a [f64],
    pub(super) whitener: &'a [f64],
    pub(super) constant: f64,
}

impl State<'_> {
    /// Constant, mean and `W` after one another.
    pub(super) fn parameters(&self) -> Vec<f64> {
        [&[self.constant], self.mean, self.whitener].concat()
    }
}

impl Gaussians {
    /// Prepares states from means `(n_states, n_features)` and covariances `(n_states, n_features, n_features)`.
    pub(super) fn new(n_features: usize, means: &[f64], covariances: &[f64]) -> Result<Self> {
        let matrices = covariances.chunks_exact(n_features * n_features);
        let diagonal = matrices
            .clone()
            .all(|matrix| matrix.iter().enumerate().all(|(i, x)| i % (n_features + 1) == 0 || *x == 0.0));
        let mut whiteners = Vec::new();
        let mut constants = Vec::new();
        for matrix in matrices {
            let factor = cholesky(matrix, n_features, 0.0).map_err(|(index, pivot)| {
                Error::NotPositiveSemidefinite { what: "covariances", index, pivot }
            })?;
            let log_volume: f64 = (0..n_features).map(|i| factor[i * n_features + i].ln()).sum();
            constants.push(-0.5 * n_features as f64 * (2.0 * PI).ln() - log_volume);
            let inverse = invert_lower(&factor, n_features);
            for i in 0..n_features {
                let from = if diagonal { i } else { 0 };
                whiteners.extend_from_slice(&inverse[i * n_features + from..=i * n_features + i]);
            }
        }
        Ok(Self { n_features, means: means.to_vec(), whiteners, constants, diagonal })
    }

    pub(super) fn n_states(&self) -> usize {
        self.constants.len()
    }

    pub(super) fn n_features(&self) -> usize {
        self.n_features
    }

    pub(super) fn means(&self) -> &[f64] {
        &self.means
    }

    /// Whether only the diagonals of `W` are kept.
    pub(super) fn diagonal(&self) -> bool {
        self.diagonal
    }

    pub(super) fn states(&self) -> impl Iterator<Item = State<'_>> {
        let size = self.whiteners.len() / self.n_states();
        self.means
            .chunks_exact(self.n_features)
            .zip(self.whiteners.chunks_exact(size))
            .zip(&self.constants)
            .map(|((mean, whitener), &constant)| State { mean, whitener, constant })
    }

    /// The densities of every row.
    pub(super) fn densities(&self, data: &Columns, out: &mut Densities) {
        out.resize(self.n_states(), data.n_rows());
        dispatch(LogDensities { gaussians: self, data, out: out.logs_mut() });
        out.weigh();
    }
}

/// Log densities of every row, a vector of rows at a time. What [`super::online`] does to one row for all states
/// is done in the same order: the bits agree.
struct LogDensities<'a> {
    gaussians: &'a Gaussians,
    data: &'a Columns,
    /// `(n_states, pitch)`.
    out: &'a mut [f64],
}

impl Kernel for LogDensities<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let columns: Vec<&[S::Block]> =
            self.data.padded_columns().map(|column| simd.blocks(column).0).collect();
        let mut centered = vec![Line(simd.zeros()); columns.len()];
        let out = self.out.chunks_exact_mut(self.data.pitch());
        for (state, out) in self.gaussians.states().zip(out) {
            let constant = simd.splat(state.constant);
            for (block, out) in simd.blocks_mut(out).0.iter_mut().enumerate() {
                for ((centered, column), mean) in centered.iter_mut().zip(&columns).zip(state.mean) {
                    simd.store(&mut centered.0, simd.sub(simd.load(&column[block]), simd.splat(*mean)));
                }
                let mut squares = simd.splat(0.0);
                let mut rest = state.whitener;
                for i in 0..centered.len() {
                    let from = if self.gaussians.diagonal { i } else { 0 };
                    let (line, after) = rest.split_at(i + 1 - from);
                    rest = after;
                    let mut z = simd.splat(0.0);
                    for (w, d) in line.iter().zip(&centered[from..]) {
                        z = simd.mul_add(simd.splat(*w), simd.load(&d.0), z);
                    }
                    squares = simd.mul_add(z, z, squares);
                }
                simd.store(out, log_density(simd, constant, squares));
            }
        }
    }
}

/// An overflowed distance is NaN or infinite: no density either way.
#[inline(always)]
pub(super) fn log_density<S: Simd>(simd: S, constant: S::Vector, squares: S::Vector) -> S::Vector {
    let log = simd.neg_mul_add(simd.splat(0.5), squares, constant);
    simd.max(log, simd.splat(f64::NEG_INFINITY))
}

/// Lower factor of `matrix - shift * identity`, or the position and value of the first pivot that is not positive.
pub(super) fn cholesky(matrix: &[f64], n: usize, shift: f64) -> std::result::Result<Vec<f64>, (usize, f64)> {
    let mut factor = vec![0.0; n * n];
    for i in 0..n {
        for j in 0..=i {
            let known: f64 = (0..j).map(|k| factor[i * n + k] * factor[j * n + k]).sum();
            let left = matrix[i * n + j] - if i == j { shift } else { 0.0 } - known;
            if i > j {
                factor[i * n + j] = left / factor[j * n + j];
            } else if left > 0.0 && left.is_finite() {
                factor[i * n + i] = left.sqrt();
            } else {
                return Err((i, left));
            }
        }
    }
    Ok(factor)
}

fn invert_lower(factor: &[f64], n: usize) -> Vec<f64> {
    let mut inverse = vec![0.0; n * n];
    for j in 0..n {
        inverse[j * n + j] = 1.0 / factor[j * n + j];
        for i in j + 1..n {
            let known: f64 = (j..i).map(|k| factor[i * n + k] * inverse[k * n + j]).sum();
            inverse[i * n + j] = -known / factor[i * n + i];
        }
    }
    inverse
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::arr2;

    #[test]
    fn by_hand() {
        // sigma = [[4, 2], [2, 3]]: determinant 8, inverse [[3, -2], [-2, 4]] / 8.
        let states = Gaussians::new(2, &[1.0, -1.0], &[4.0, 2.0, 2.0, 3.0]).unwrap();
        let mut out = Densities::default();
        states.densities(&Columns::read(arr2(&[[2.0, 1.0]]).view()).unwrap(), &mut out);
        let quadratic = (3.0 - 2.0 * 2.0 * 2.0 + 4.0 * 4.0) / 8.0;
        let expected = -(2.0 * PI).ln() - 0.5 * 8.0_f64.ln() - 0.5 * quadratic;
        assert!((out.logs()[0] - expected).abs() < 1e-14, "{:?} {expected}", out.row(0).collect::<Vec<_>>());
    }

    #[test]
    fn a_singular_covariance_is_refused() {
        let refused = Gaussians::new(2, &[0.0, 0.0], &[1.0, 1.0, 1.0, 1.0]);
        assert!(matches!(refused, Err(Error::NotPositiveSemidefinite { index: 1, .. })));
    }
}
