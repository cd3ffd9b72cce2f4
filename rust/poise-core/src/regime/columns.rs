//! The observations feature by feature, so that inner loops run along time.

use ndarray::ArrayView2;
use poise_simd::Simd;

use crate::validate;
use crate::{Error, Result};

/// Columns are filled up with zeros to a multiple of this, the longest vector there is: no loop has a remainder.
const PADDING: usize = 8;

/// The length with the padding.
pub(super) fn padded(n: usize) -> usize {
    n.next_multiple_of(PADDING)
}

/// A cache line of its own: a vector that is written and soon read again must not lie across two.
#[derive(Debug, Clone, Copy)]
#[repr(align(64))]
pub(super) struct Line<T>(pub(super) T);

/// Observations of shape `(n_rows, n_columns)`, each column contiguous.
#[derive(Debug, Clone)]
pub(super) struct Columns {
    /// `(n_columns, pitch)`.
    values: Vec<f64>,
    n_rows: usize,
    n_columns: usize,
    pitch: usize,
}

/// Location and scale of every column.
pub(super) struct Scaling {
    pub(super) location: Vec<f64>,
    pub(super) scale: Vec<f64>,
}

impl Columns {
    /// Copies a view; refuses an empty one, NaN and infinities.
    pub(super) fn read(observations: ArrayView2<'_, f64>) -> Result<Self> {
        let (n_rows, n_columns) = observations.dim();
        if n_columns == 0 {
            return Err(Error::Empty { what: "X", unit: "feature" });
        }
        if n_rows == 0 {
            return Err(Error::Empty { what: "X", unit: "observation" });
        }
        validate::finite_matrix("X", observations)?;
        let pitch = padded(n_rows);
        let mut values = vec![0.0; n_columns * pitch];
        for (to, from) in values.chunks_exact_mut(pitch).zip(observations.columns()) {
            to.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
        }
        Ok(Self { values, n_rows, n_columns, pitch })
    }

    /// As [`Columns::read`], and refuses another number of features than `n_columns`.
    pub(super) fn read_like(observations: ArrayView2<'_, f64>, n_columns: usize) -> Result<Self> {
        let found = observations.dim();
        if found.1 != n_columns {
            return Err(Error::Shape {
                what: "X",
                expected: format!("(n_observations, {n_columns})"),
                found: format!("({}, {})", found.0, found.1),
            });
        }
        Self::read(observations)
    }

    /// One column.
    pub(super) fn single(mut values: Vec<f64>) -> Self {
        let n_rows = values.len();
        let pitch = padded(n_rows);
        values.resize(pitch, 0.0);
        Self { values, n_rows, n_columns: 1, pitch }
    }

    pub(super) fn n_rows(&self) -> usize {
        self.n_rows
    }

    pub(super) fn n_columns(&self) -> usize {
        self.n_columns
    }

    /// Rows with the padding.
    pub(super) fn pitch(&self) -> usize {
        self.pitch
    }

    pub(super) fn columns(&self) -> impl Iterator<Item = &[f64]> {
        self.padded_columns().map(|column| &column[..self.n_rows])
    }

    pub(super) fn padded_column(&self, column: usize) -> &[f64] {
        &self.values[column * self.pitch..(column + 1) * self.pitch]
    }

    pub(super) fn padded_columns(&self) -> impl Iterator<Item = &[f64]> {
        self.values.chunks_exact(self.pitch)
    }

    pub(super) fn row(&self, row: usize) -> impl Iterator<Item = f64> {
        self.padded_columns().map(move |column| column[row])
    }

    /// The largest absolute value of a row.
    pub(super) fn largest(&self, row: usize) -> f64 {
        self.row(row).fold(0.0, |largest: f64, x| largest.max(x.abs()))
    }

    /// Moves every column to mean 0 and variance 1; refuses one that does not vary.
    pub(super) fn standardize(&mut self) -> Result<Scaling> {
        let n = self.n_rows as f64;
        let mut scaling = Scaling { location: Vec::new(), scale: Vec::new() };
        for (index, column) in self.values.chunks_exact_mut(self.pitch).enumerate() {
            let column = &mut column[..self.n_rows];
            let mean = column.iter().map(|x| x / n).sum::<f64>();
            let variance = column.iter().map(|x| (x - mean) * ((x - mean) / n)).sum::<f64>();
            let largest = column.iter().fold(0.0_f64, |largest, x| largest.max(x.abs()));
            if variance.is_infinite() {
                let range = "values whose square is finite";
                return Err(Error::OutOfRange { what: "X", value: largest, range });
            }
            // Below this a spread is what rounding makes of a constant.
            if !variance.is_normal() || variance.sqrt() <= 1e-13 * largest {
                return Err(Error::Constant { what: "X", column: index, value: column[0] });
            }
            let scale = variance.sqrt();
            column.iter_mut().for_each(|x| *x = (*x - mean) / scale);
            scaling.location.push(mean);
            scaling.scale.push(scale);
        }
        Ok(scaling)
    }
}

/// Inner product of two padded columns, in four independent sums.
#[inline(always)]
pub(super) fn dot<S: Simd>(simd: S, left: &[f64], right: &[f64]) -> f64 {
    let (left, right) = (simd.blocks(left).0, simd.blocks(right).0);
    let (left_fours, left_rest) = left.as_chunks::<4>();
    let (right_fours, right_rest) = right.as_chunks::<4>();
    let mut sums = [simd.splat(0.0); 4];
    for (x, y) in left_fours.iter().zip(right_fours) {
        for (sum, (x, y)) in sums.iter_mut().zip(x.iter().zip(y)) {
            *sum = simd.mul_add(simd.load(x), simd.load(y), *sum);
        }
    }
    for (x, y) in left_rest.iter().zip(right_rest) {
        sums[0] = simd.mul_add(simd.load(x), simd.load(y), sums[0]);
    }
    simd.sum(simd.add(simd.add(sums[0], sums[1]), simd.add(sums[2], sums[3])))
}

/// Sum of a padded column, in four independent sums.
#[inline(always)]
pub(super) fn sum<S: Simd>(simd: S, values: &[f64]) -> f64 {
    let (fours, rest) = simd.blocks(values).0.as_chunks::<4>();
    let mut sums = [simd.splat(0.0); 4];
    for four in fours {
        for (sum, x) in sums.iter_mut().zip(four) {
            *sum = simd.add(*sum, simd.load(x));
        }
    }
    for x in rest {
        sums[0] = simd.add(sums[0], simd.load(x));
    }
    simd.sum(simd.add(simd.add(sums[0], sums[1]), simd.add(sums[2], sums[3])))
}
