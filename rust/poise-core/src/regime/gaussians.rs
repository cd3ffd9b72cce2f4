//! Gaussian log densities, one per state.
//!
//! With `sigma = L L'` and `W = inverse of L`, `ln p(x) = constant - |W (x - mean)|^2 / 2`. `W` is triangular and
//! well scaled where the inverse of `sigma` itself would lose digits.

use std::f64::consts::PI;

use super::columns::Columns;
use crate::{Error, Result};

/// Rows worked on at a time: the scratch stays in the nearest cache.
const BLOCK: usize = 64;

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

    fn states(&self) -> impl Iterator<Item = (&[f64], &[f64], f64)> {
        let size = self.whiteners.len() / self.n_states();
        self.means
            .chunks_exact(self.n_features)
            .zip(self.whiteners.chunks_exact(size))
            .zip(&self.constants)
            .map(|((mean, whitener), constant)| (mean, whitener, *constant))
    }

    /// Log densities of one row. Adds in the same order as [`Self::log_densities`]: the bits agree.
    pub(super) fn log_densities_of_row(&self, row: &[f64], centered: &mut [f64], out: &mut [f64]) {
        for (out, (mean, whitener, constant)) in out.iter_mut().zip(self.states()) {
            for ((centered, x), mean) in centered.iter_mut().zip(row).zip(mean) {
                *centered = x - mean;
            }
            let mut squares = 0.0;
            let mut rest = whitener;
            for i in 0..self.n_features {
                let from = if self.diagonal { i } else { 0 };
                let (line, after) = rest.split_at(i + 1 - from);
                rest = after;
                let z: f64 = line.iter().zip(&centered[from..]).fold(0.0, |sum, (w, d)| sum + w * d);
                squares += z * z;
            }
            // An overflowed distance is NaN or infinite: no density either way.
            *out = (constant - 0.5 * squares).max(f64::NEG_INFINITY);
        }
    }

    /// Log densities of every row, written as `(n_rows, n_states)`.
    pub(super) fn log_densities(&self, data: &Columns, out: &mut [f64]) {
        let n_states = self.n_states();
        let mut centered = vec![[0.0; BLOCK]; self.n_features];
        for start in (0..data.n_rows()).step_by(BLOCK) {
            let n = BLOCK.min(data.n_rows() - start);
            let block = &mut out[start * n_states..(start + n) * n_states];
            for (state, (mean, whitener, constant)) in self.states().enumerate() {
                for ((centered, column), mean) in centered.iter_mut().zip(data.columns()).zip(mean) {
                    for (centered, x) in centered.iter_mut().zip(&column[start..start + n]) {
                        *centered = x - mean;
                    }
                }
                let squares = self.squares(whitener, &centered);
                for (row, squares) in block.chunks_exact_mut(n_states).zip(squares) {
                    row[state] = (constant - 0.5 * squares).max(f64::NEG_INFINITY);
                }
            }
        }
    }

    /// `|W d|^2` for a block of rows.
    fn squares(&self, whitener: &[f64], centered: &[[f64; BLOCK]]) -> [f64; BLOCK] {
        let mut squares = [0.0; BLOCK];
        let mut rest = whitener;
        for i in 0..self.n_features {
            let from = if self.diagonal { i } else { 0 };
            let (line, after) = rest.split_at(i + 1 - from);
            rest = after;
            let mut z = [0.0; BLOCK];
            for (w, centered) in line.iter().zip(&centered[from..]) {
                for (z, d) in z.iter_mut().zip(centered) {
                    *z += w * d;
                }
            }
            for (squares, z) in squares.iter_mut().zip(&z) {
                *squares += z * z;
            }
        }
        squares
    }
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
    use ndarray::Array2;

    #[test]
    fn by_hand() {
        // sigma = [[4, 2], [2, 3]]: determinant 8, inverse [[3, -2], [-2, 4]] / 8.
        let states = Gaussians::new(2, &[1.0, -1.0], &[4.0, 2.0, 2.0, 3.0]).unwrap();
        let mut out = [0.0];
        states.log_densities_of_row(&[2.0, 1.0], &mut [0.0; 2], &mut out);
        let quadratic = (3.0 - 2.0 * 2.0 * 2.0 + 4.0 * 4.0) / 8.0;
        let expected = -(2.0 * PI).ln() - 0.5 * 8.0_f64.ln() - 0.5 * quadratic;
        assert!((out[0] - expected).abs() < 1e-14, "{} {expected}", out[0]);
    }

    #[test]
    fn row_and_block_agree_to_the_bit() {
        let data = Array2::from_shape_fn((131, 3), |(t, i)| ((t * 7 + i * 3) as f64).sin() * 3.0);
        let full = [2.0, 0.3, 0.1, 0.3, 1.0, -0.2, 0.1, -0.2, 0.5];
        let plain = [2.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.5];
        for second in [full, plain] {
            let covariances = [second, plain].concat();
            let states = Gaussians::new(3, &[0.1, 0.2, 0.3, -1.0, 0.0, 1.0], &covariances).unwrap();
            assert_eq!(states.diagonal, second == plain);
            let mut block = vec![0.0; 131 * 2];
            states.log_densities(&Columns::read(data.view()).unwrap(), &mut block);
            for (row, expected) in data.rows().into_iter().zip(block.chunks(2)) {
                let mut out = [0.0; 2];
                states.log_densities_of_row(row.as_slice().unwrap(), &mut [0.0; 3], &mut out);
                assert_eq!(out, expected);
            }
        }
    }

    #[test]
    fn a_singular_covariance_is_refused() {
        let refused = Gaussians::new(2, &[0.0, 0.0], &[1.0, 1.0, 1.0, 1.0]);
        assert!(matches!(refused, Err(Error::NotPositiveSemidefinite { index: 1, .. })));
    }
}
