//! Which values are missing. NaN means missing; an infinity is a mistake and is refused.

use ndarray::{ArrayView1, ArrayView2};

use crate::{Error, Result};

/// What a row holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RowKind {
    /// A value for every asset.
    Complete,
    /// Values for some assets.
    Partial,
    /// No value at all.
    Missing,
}

/// What one row holds, once it is known to be free of infinities.
pub(super) fn kind_of(row: ArrayView1<'_, f64>) -> RowKind {
    match row.iter().filter(|x| x.is_nan()).count() {
        0 => RowKind::Complete,
        missing if missing == row.len() => RowKind::Missing,
        _ => RowKind::Partial,
    }
}

/// Refuses the first infinity of a row.
pub(super) fn refuse_infinite(what: &'static str, row: ArrayView1<'_, f64>) -> Result<()> {
    match row.iter().enumerate().find(|(_, x)| x.is_infinite()) {
        Some((index, &value)) => Err(Error::NonFinite { what, value, position: format!("index {index}") }),
        None => Ok(()),
    }
}

/// Refuses an empty matrix and the first infinity of any other; says whether values are missing.
pub(super) fn has_gaps(what: &'static str, rows: ArrayView2<'_, f64>) -> Result<bool> {
    if rows.nrows() == 0 {
        return Err(Error::Empty { what, unit: "observation" });
    }
    if rows.ncols() == 0 {
        return Err(Error::Empty { what, unit: "asset" });
    }
    if all_finite(rows) {
        return Ok(false);
    }
    match rows.indexed_iter().find(|(_, x)| x.is_infinite()) {
        Some(((row, column), &value)) => {
            Err(Error::NonFinite { what, value, position: format!("row {row}, column {column}") })
        }
        None => Ok(true),
    }
}

fn all_finite(rows: ArrayView2<'_, f64>) -> bool {
    // Zero times a value is NaN exactly where the value is not finite, and NaN survives a sum.
    match rows.as_slice_memory_order() {
        Some(values) => {
            let (blocks, rest) = values.as_chunks::<8>();
            let mut sums = [0.0; 8];
            for block in blocks {
                for (sum, value) in sums.iter_mut().zip(block) {
                    *sum += 0.0 * value;
                }
            }
            sums.iter().sum::<f64>() == 0.0 && rest.iter().all(|x| x.is_finite())
        }
        None => rows.iter().all(|x| x.is_finite()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array2, Axis, arr2};

    #[test]
    fn finds_every_position() {
        let clean = Array2::from_elem((5, 7), 0.5);
        assert_eq!(has_gaps("R", clean.view()), Ok(false));
        for row in 0..5 {
            for column in 0..7 {
                let mut rows = clean.clone();
                rows[(row, column)] = f64::NAN;
                assert_eq!(has_gaps("R", rows.view()), Ok(true));
                rows[(row, column)] = f64::NEG_INFINITY;
                let message = has_gaps("R", rows.view()).unwrap_err().to_string();
                assert!(message.contains(&format!("row {row}, column {column}")), "{message}");
                assert!(has_gaps("R", rows.t()).is_err());
            }
        }
    }

    #[test]
    fn strided_views_are_searched_where_they_look() {
        let mut rows = Array2::from_elem((4, 4), 0.5);
        rows[(1, 1)] = f64::INFINITY;
        let (left, _) = rows.view().split_at(Axis(1), 1);
        assert_eq!(has_gaps("R", left), Ok(false));
    }

    #[test]
    fn kinds_of_rows() {
        let rows = arr2(&[[1.0, 2.0], [1.0, f64::NAN], [f64::NAN, f64::NAN]]);
        let kinds: Vec<RowKind> = rows.rows().into_iter().map(kind_of).collect();
        assert_eq!(kinds, [RowKind::Complete, RowKind::Partial, RowKind::Missing]);
    }
}
