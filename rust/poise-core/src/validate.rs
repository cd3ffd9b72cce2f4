//! The checks every kernel makes before it computes, each with one error.

use ndarray::{ArrayView1, ArrayView2};

use crate::{Error, Result};

/// Refuses an empty vector.
pub fn non_empty(what: &'static str, unit: &'static str, values: ArrayView1<'_, f64>) -> Result<()> {
    if values.is_empty() {
        return Err(Error::Empty { what, unit });
    }
    Ok(())
}

/// Whether every value is finite.
///
/// The sum of `x * 0` is zero exactly when every value is finite; eight independent sums let the compiler keep
/// them in one vector, where a single one would be a chain of additions.
pub(crate) fn all_finite(values: &[f64]) -> bool {
    let mut sums = [0.0; 8];
    let (blocks, rest) = values.as_chunks::<8>();
    for block in blocks {
        for (sum, x) in sums.iter_mut().zip(block) {
            *sum += x * 0.0;
        }
    }
    sums.iter().sum::<f64>() == 0.0 && rest.iter().all(|x| x.is_finite())
}

/// Refuses the first NaN or infinity of a vector.
pub fn finite(what: &'static str, values: ArrayView1<'_, f64>) -> Result<()> {
    if values.as_slice().map_or_else(|| values.iter().all(|x| x.is_finite()), all_finite) {
        return Ok(());
    }
    match values.iter().enumerate().find(|(_, x)| !x.is_finite()) {
        Some((index, &value)) => Err(Error::NonFinite { what, value, position: format!("index {index}") }),
        None => Ok(()),
    }
}

/// Refuses the first NaN or infinity of a matrix.
pub fn finite_matrix(what: &'static str, values: ArrayView2<'_, f64>) -> Result<()> {
    if values.as_slice_memory_order().map_or_else(|| values.iter().all(|x| x.is_finite()), all_finite) {
        return Ok(());
    }
    match values.indexed_iter().find(|(_, x)| !x.is_finite()) {
        Some(((row, column), &value)) => {
            Err(Error::NonFinite { what, value, position: format!("row {row}, column {column}") })
        }
        None => Ok(()),
    }
}

/// Refuses a matrix that is not square, not finite, empty or not symmetric up to `1e-8` of its largest entry.
pub fn covariance(what: &'static str, matrix: ArrayView2<'_, f64>) -> Result<()> {
    let (rows, columns) = matrix.dim();
    if rows == 0 || columns == 0 {
        return Err(Error::Empty { what, unit: "asset" });
    }
    if rows != columns {
        return Err(Error::Shape {
            what,
            expected: format!("({rows}, {rows})"),
            found: format!("({rows}, {columns})"),
        });
    }
    finite_matrix(what, matrix)?;
    let scale = matrix.iter().fold(0.0_f64, |largest, x| largest.max(x.abs()));
    let mut worst = (0, 0, 0.0_f64);
    for row in 0..rows {
        for column in 0..row {
            let difference = (matrix[(row, column)] - matrix[(column, row)]).abs();
            if difference > worst.2 {
                worst = (row, column, difference);
            }
        }
        if matrix[(row, row)] < 0.0 {
            return Err(Error::NotPositiveSemidefinite { what, index: row, pivot: matrix[(row, row)] });
        }
    }
    if worst.2 > 1e-8 * scale {
        return Err(Error::NotSymmetric { what, row: worst.0, column: worst.1, difference: worst.2 });
    }
    Ok(())
}

/// Refuses a vector whose length is not `expected`.
pub fn length(what: &'static str, values: ArrayView1<'_, f64>, expected: usize) -> Result<()> {
    if values.len() != expected {
        return Err(Error::Shape {
            what,
            expected: format!("({expected},)"),
            found: format!("({},)", values.len()),
        });
    }
    Ok(())
}

/// Refuses a level outside the open interval (0, 1).
pub fn confidence_level(value: f64) -> Result<()> {
    if value > 0.0 && value < 1.0 {
        return Ok(());
    }
    Err(Error::OutOfRange { what: "confidence_level", value, range: "a number strictly between 0 and 1" })
}

/// Refuses a half-life that is not a positive finite number of observations.
pub fn half_life(value: f64) -> Result<()> {
    if value.is_finite() && value > 0.0 {
        return Ok(());
    }
    Err(Error::OutOfRange { what: "half_life", value, range: "a positive number of observations" })
}
