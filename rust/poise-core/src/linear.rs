//! Symmetric products and eigendecomposition, on the calling thread; the one place that knows `faer`.

use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::cholesky::llt::factor::{cholesky_in_place, cholesky_in_place_scratch};
use faer::linalg::evd::{ComputeEigenvectors, self_adjoint_evd, self_adjoint_evd_scratch};
use faer::linalg::matmul::triangular::{BlockStructure, matmul};
use faer::linalg::triangular_solve::{solve_lower_triangular_in_place, solve_upper_triangular_in_place};
use faer::{Accum, Col, Mat, MatMut, MatRef, Par};
use ndarray::{Array2, ArrayView2};

use crate::{Error, Result};

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

/// Whether Cholesky's factorisation of a symmetric matrix meets no pivot below `floor` times its diagonal entry,
/// and none that is not positive.
///
/// The matrix is given row by row and used up.
pub(crate) fn has_pivots(mut matrix: Vec<f64>, n: usize, floor: f64) -> bool {
    let diagonal: Vec<f64> = matrix.iter().step_by(n + 1).copied().collect();
    let scratch = cholesky_in_place_scratch::<f64>(n, Par::Seq, Default::default());
    // Symmetric: its rows are its columns.
    let factored = cholesky_in_place(
        MatMut::from_column_major_slice_mut(&mut matrix, n, n),
        Default::default(),
        Par::Seq,
        MemStack::new(&mut MemBuffer::new(scratch)),
        Default::default(),
    );
    let roots = matrix.iter().step_by(n + 1);
    factored.is_ok() && roots.zip(&diagonal).all(|(root, entry)| *root > 0.0 && root * root > floor * entry)
}

/// A Cholesky factor `L` that is computed again and again in the same place.
pub(crate) struct Factor {
    n: usize,
    values: Vec<f64>,
    scratch: MemBuffer,
}

impl Factor {
    pub(crate) fn new(n: usize) -> Self {
        let scratch = cholesky_in_place_scratch::<f64>(n, Par::Seq, Default::default());
        Self { n, values: vec![0.0; n * n], scratch: MemBuffer::new(scratch) }
    }

    /// The symmetric matrix, to be written before [`Factor::compute`].
    pub(crate) fn entries_mut(&mut self) -> &mut [f64] {
        &mut self.values
    }

    /// Overwrites the matrix by its factor; false where a pivot is not positive.
    pub(crate) fn compute(&mut self) -> bool {
        let stack = MemStack::new(&mut self.scratch);
        let matrix = MatMut::from_column_major_slice_mut(&mut self.values, self.n, self.n);
        let factored =
            cholesky_in_place(matrix, Default::default(), Par::Seq, stack, Default::default()).is_ok();
        // A NaN would pass for a pivot.
        factored && self.values.iter().step_by(self.n + 1).all(|root| *root > 0.0 && root.is_finite())
    }

    /// `right = L^-1 right`, for columns of length `n` one after another.
    pub(crate) fn forward(&self, right: &mut [f64]) {
        let columns = right.len() / self.n.max(1);
        let right = MatMut::from_column_major_slice_mut(right, self.n, columns);
        solve_lower_triangular_in_place(self.lower(), right, Par::Seq);
    }

    /// `right = L'^-1 right`, for columns of length `n` one after another.
    pub(crate) fn backward(&self, right: &mut [f64]) {
        let columns = right.len() / self.n.max(1);
        let right = MatMut::from_column_major_slice_mut(right, self.n, columns);
        solve_upper_triangular_in_place(self.lower().transpose(), right, Par::Seq);
    }

    fn lower(&self) -> MatRef<'_, f64> {
        MatRef::from_column_major_slice(&self.values, self.n, self.n)
    }
}

/// The power of two that brings entries whose squares leave the range of a double back into it, else one.
fn safe_scale(matrix: ArrayView2<'_, f64>) -> f64 {
    let (tiny, huge) = (2.0_f64.powi(-400), 2.0_f64.powi(400));
    match matrix.iter().fold(0.0_f64, |largest, entry| largest.max(entry.abs())) {
        largest if largest > 0.0 && largest < tiny => 2.0_f64.powi(600),
        largest if largest > huge => 2.0_f64.powi(-600),
        _ => 1.0,
    }
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
        let scale = safe_scale(matrix);
        let full = Mat::from_fn(n, n, |i, j| scale * matrix[(i, j)]);
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
        Ok(Self { values: values.iter().map(|value| value / scale).collect(), vectors })
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
    fn denormal_and_huge_entries_are_decomposed() {
        let (a, b, c) = (3.1674210923e-313, 1.758128889937e-312, 5.2938309351e-313);
        let tiny = arr2(&[[a, a, b], [a, a, b], [b, b, c]]);
        for matrix in [tiny.clone(), &tiny * 1e300, tiny * 1e300 * 1e308] {
            let eigen = SymmetricEigen::of(matrix.view()).unwrap();
            let error = eigen.values.iter().sum::<f64>() - matrix.diag().sum();
            assert!(error.abs() <= 1e-12 * eigen.values[2] + 1e-322, "{:?} of {matrix}", eigen.values);
        }
    }

    #[test]
    fn pivots_are_judged_by_their_floor() {
        for n in [1, 2, 7, 40, 150] {
            let gram = |rows: &Array2<f64>| rows.t().dot(rows).iter().copied().collect::<Vec<f64>>();
            let mut rows = Array2::<f64>::eye(n) + symmetric(n) / n as f64;
            assert!(has_pivots(gram(&rows), n, 1e-10), "n = {n}");
            let mut negative = gram(&rows);
            negative[n * n - 1] *= -1.0;
            assert!(!has_pivots(negative, n, 0.0), "n = {n}");
            if n > 1 {
                let twin = rows.column(0).to_owned();
                rows.column_mut(n - 1).assign(&twin);
                assert!(!has_pivots(gram(&rows), n, 1e-10), "n = {n}");
            }
        }
    }

    #[test]
    fn a_factor_solves_in_two_halves() {
        for n in [1, 2, 7, 40, 150] {
            let rows = Array2::<f64>::eye(n) + symmetric(n) / n as f64;
            let gram = rows.t().dot(&rows);
            let wanted = Array2::from_shape_fn((n, 3), |(i, k)| (i as f64 + k as f64).cos());
            let mut right: Vec<f64> = gram.dot(&wanted).t().iter().copied().collect();
            let mut factor = Factor::new(n);
            factor.entries_mut().copy_from_slice(&gram.iter().copied().collect::<Vec<_>>());
            assert!(factor.compute());
            factor.forward(&mut right);
            factor.backward(&mut right);
            let close = |(found, wanted): (&f64, &f64)| (found - wanted).abs() < 1e-10;
            assert!(right.iter().zip(wanted.t().iter()).all(close), "n = {n}");
            factor.entries_mut().fill(f64::NAN);
            assert!(!factor.compute());
        }
    }

    #[test]
    fn zero_values_leave_their_direction_out() {
        let eigen = SymmetricEigen::of(arr2(&[[2.0, 1.0], [1.0, 2.0]]).view()).unwrap();
        let upper = eigen.with_values(&[0.0, 3.0]);
        assert!((upper - 1.5).iter().all(|x| x.abs() < 1e-15));
        assert_eq!(eigen.with_values(&[0.0, 0.0]), Array2::<f64>::zeros((2, 2)));
    }
}
