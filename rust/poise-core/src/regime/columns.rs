//! The observations feature by feature, so that inner loops run along time.

use ndarray::ArrayView2;

use crate::validate;
use crate::{Error, Result};

/// Observations of shape `(n_rows, n_columns)`, each column contiguous.
#[derive(Debug, Clone)]
pub(super) struct Columns {
    values: Vec<f64>,
    n_rows: usize,
    n_columns: usize,
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
        Ok(Self { values: observations.t().iter().copied().collect(), n_rows, n_columns })
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
    pub(super) fn single(values: Vec<f64>) -> Self {
        Self { n_rows: values.len(), n_columns: 1, values }
    }

    pub(super) fn n_rows(&self) -> usize {
        self.n_rows
    }

    pub(super) fn n_columns(&self) -> usize {
        self.n_columns
    }

    pub(super) fn column(&self, column: usize) -> &[f64] {
        &self.values[column * self.n_rows..(column + 1) * self.n_rows]
    }

    pub(super) fn columns(&self) -> impl Iterator<Item = &[f64]> {
        self.values.chunks_exact(self.n_rows)
    }

    pub(super) fn row(&self, row: usize) -> impl Iterator<Item = f64> {
        self.columns().map(move |column| column[row])
    }

    /// The largest absolute value of a row.
    pub(super) fn largest(&self, row: usize) -> f64 {
        self.row(row).fold(0.0, |largest: f64, x| largest.max(x.abs()))
    }

    /// Moves every column to mean 0 and variance 1; refuses one that does not vary.
    pub(super) fn standardize(&mut self) -> Result<Scaling> {
        let n = self.n_rows as f64;
        let mut scaling = Scaling { location: Vec::new(), scale: Vec::new() };
        for (index, column) in self.values.chunks_exact_mut(self.n_rows).enumerate() {
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

/// Inner product in eight independent sums, which the compiler keeps in vectors.
pub(super) fn dot(left: &[f64], right: &[f64]) -> f64 {
    let mut sums = [0.0; 8];
    let (left_blocks, left_rest) = left.as_chunks::<8>();
    let (right_blocks, right_rest) = right.as_chunks::<8>();
    for (x, y) in left_blocks.iter().zip(right_blocks) {
        for lane in 0..8 {
            sums[lane] += x[lane] * y[lane];
        }
    }
    let rest: f64 = left_rest.iter().zip(right_rest).map(|(x, y)| x * y).sum();
    sums.iter().sum::<f64>() + rest
}
