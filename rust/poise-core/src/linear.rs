//! Symmetric products and eigendecomposition, on the calling thread; the one place that knows `faer`.

use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::evd::{ComputeEigenvectors, self_adjoint_evd, self_adjoint_evd_scratch};
use faer::linalg::matmul::triangular::{BlockStructure, matmul};
use faer::{Accum, Col, Mat, MatRef, Par};
use ndarray::{Array2, ArrayView2};

use crate::{Error, Result};

/// The sum of the outer products of rows that arrive in blocks.
pub(crate) struct Gram(Mat<f64>);

impl Gram {
    pub(crate) fn new(n_columns: usize) -> Self {
        Self(Mat::zeros(n_columns, n_columns))
    }

    /// Takes in whole rows, one after another in memory.
    pub(crate) fn add(&mut self, rows: &[f64]) {
        let n_columns = self.0.ncols();
        let block = MatRef::from_row_major_slice(rows, rows.len() / n_columns, n_columns);
        add_lower(&mut self.0, block.transpose(), block);
    }

    pub(crate) fn into_matrix(self) -> Array2<f64> {
        mirrored(&self.0)
    }
}

/// Adds the lower triangle of `left right`.
fn add_lower(sum: &mut Mat<f64>, left: MatRef<'_, f64>, right: MatRef<'_, f64>) {
    matmul(
        sum.as_mut(),
        BlockStructure::TriangularLower,
        Accum::Add,
        left,
        BlockStructure::Rectangular,
        right,
        BlockStructure::Rectangular,
        1.0,
        Par::Seq,
    );
}

fn mirrored(lower: &Mat<f64>) -> Array2<f64> {
    Array2::from_shape_fn((lower.nrows(), lower.ncols()), |(i, j)| lower[(i.max(j), i.min(j))])
}

/// `U diag(values) U'` of a symmetric matrix.
#[derive(Debug, Clone)]
pub(crate) struct SymmetricEigen {
    /// Ascending.
    pub(crate) values: Vec<f64>,
    /// One eigenvector per column.
    vectors: Mat<f64>,
}

impl SymmetricEigen {
    /// Decomposes a finite matrix, of which the lower triangle is read.
    pub(crate) fn of(matrix: ArrayView2<'_, f64>) -> Result<Self> {
        let n = matrix.nrows();
        let full = Mat::from_fn(n, n, |i, j| matrix[(i, j)]);
        let (mut values, mut vectors) = (Col::zeros(n), Mat::zeros(n, n));
        let scratch =
            self_adjoint_evd_scratch::<f64>(n, ComputeEigenvectors::Yes, Par::Seq, Default::default());
        self_adjoint_evd(
            full.as_ref(),
            values.as_diagonal_mut(),
            Some(vectors.as_mut()),
            Par::Seq,
            MemStack::new(&mut MemBuffer::new(scratch)),
            Default::default(),
        )
        .map_err(|_| Error::NotConverged {
            iterations: 30 * n,
            residual: f64::NAN,
            tolerance: f64::EPSILON,
        })?;
        Ok(Self { values: values.iter().copied().collect(), vectors })
    }

    /// `U diag(values) U'` with other values, exactly symmetric; vectors whose value is zero cost nothing.
    pub(crate) fn with_values(&self, values: &[f64]) -> Array2<f64> {
        let n = self.values.len();
        let kept: Vec<usize> = (0..n).filter(|&k| values[k] != 0.0).collect();
        let vectors = Mat::from_fn(n, kept.len(), |i, k| self.vectors[(i, kept[k])]);
        let scaled = Mat::from_fn(n, kept.len(), |i, k| values[kept[k]] * vectors[(i, k)]);
        let mut product = Mat::zeros(n, n);
        add_lower(&mut product, scaled.as_ref(), vectors.transpose());
        mirrored(&product)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::arr2;

    fn symmetric(n: usize) -> Array2<f64> {
        Array2::from_shape_fn((n, n), |(i, j)| {
            ((i + j) as f64 * 0.7).sin() + ((i * j) as f64).cos() + if i == j { 2.0 } else { 0.0 }
        })
    }

    #[test]
    fn by_hand() {
        let eigen = SymmetricEigen::of(arr2(&[[2.0, 1.0], [1.0, 2.0]]).view()).unwrap();
        assert!((eigen.values[0] - 1.0).abs() < 1e-15 && (eigen.values[1] - 3.0).abs() < 1e-15);
    }

    #[test]
    fn the_parts_make_the_whole() {
        for n in [1, 2, 7, 40, 150] {
            let matrix = symmetric(n);
            let eigen = SymmetricEigen::of(matrix.view()).unwrap();
            assert!(eigen.values.is_sorted());
            let whole = eigen.with_values(&eigen.values);
            let scale = eigen.values[n - 1].abs().max(eigen.values[0].abs());
            assert!((&whole - &matrix).iter().all(|x| x.abs() < 1e-13 * scale), "n = {n}");
            assert_eq!(whole, whole.t());
            let identity = eigen.with_values(&vec![1.0; n]);
            assert!((identity - Array2::<f64>::eye(n)).iter().all(|x| x.abs() < 1e-13), "n = {n}");
        }
    }

    #[test]
    fn the_gram_matrix_sums_outer_products() {
        let rows = symmetric(7);
        let mut gram = Gram::new(7);
        let flat: Vec<f64> = rows.iter().copied().collect();
        gram.add(&flat[..14]);
        gram.add(&flat[14..]);
        assert!((gram.into_matrix() - rows.t().dot(&rows)).iter().all(|x| x.abs() < 1e-13));
    }

    #[test]
    fn zero_values_leave_their_direction_out() {
        let eigen = SymmetricEigen::of(arr2(&[[2.0, 1.0], [1.0, 2.0]]).view()).unwrap();
        let upper = eigen.with_values(&[0.0, 3.0]);
        assert!((upper - 1.5).iter().all(|x| x.abs() < 1e-15));
        assert_eq!(eigen.with_values(&[0.0, 0.0]), Array2::<f64>::zeros((2, 2)));
    }
}
