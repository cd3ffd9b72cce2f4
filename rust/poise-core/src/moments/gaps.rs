//! Which values are missing. NaN means missing; an infinity is a mistake and is refused.

use ndarray::{ArrayView1, ArrayView2};
use poise_simd::{Kernel, Simd, dispatch};

use crate::{Error, Result};

/// Returns from here on are refused where second moments are formed: a weighted sum of their squares is finite,
/// but not by much.
const GIANT: f64 = 1e154;

/// Just below the square of a giant: a smaller sum of squares, however rounded, has no giant in it.
const ORDINARY: f64 = 0.99e308;

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

/// As [`has_gaps`], and refuses a return so large that moments of it might overflow.
pub(super) fn has_gaps_or_giants(what: &'static str, rows: ArrayView2<'_, f64>) -> Result<bool> {
    if !rows.is_empty() && rows.as_slice_memory_order().is_some_and(is_ordinary) {
        return Ok(false);
    }
    let gaps = has_gaps(what, rows)?;
    refuse_giants(what, rows.iter())?;
    Ok(gaps)
}

/// Refuses the first return that is too large to be squared with room to spare.
pub(super) fn refuse_giants<'a>(what: &'static str, mut values: impl Iterator<Item = &'a f64>) -> Result<()> {
    match values.find(|x| x.abs() >= GIANT) {
        Some(&value) => Err(Error::OutOfRange { what, value, range: "returns as fractions, below 1e154" }),
        None => Ok(()),
    }
}

/// Whether every value is finite and below [`GIANT`] in size; where it says no, the slower checks decide.
pub(super) fn is_ordinary(values: &[f64]) -> bool {
    dispatch(IsOrdinary(values))
}

struct IsOrdinary<'a>(&'a [f64]);

impl Kernel for IsOrdinary<'_> {
    type Output = bool;

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> bool {
        // A sum of squares below the square of a giant has no giant, no infinity and no NaN in it.
        let (blocks, rest) = simd.blocks(self.0);
        let (fours, odd) = blocks.as_chunks::<4>();
        let mut sums = [simd.splat(0.0); 4];
        for blocks in fours {
            for (sum, block) in sums.iter_mut().zip(blocks) {
                let x = simd.load(block);
                *sum = simd.mul_add(x, x, *sum);
            }
        }
        let [mut one, mut other, third, fourth] = sums;
        for block in odd {
            let x = simd.load(block);
            one = simd.mul_add(x, x, one);
        }
        let x = simd.load_partial(rest);
        other = simd.mul_add(x, x, other);
        simd.sum(simd.add(simd.add(one, other), simd.add(third, fourth))) < ORDINARY
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
    fn giants_are_told_from_gaps() {
        for n in [1, 3, 8, 9, 33, 70] {
            let rows = Array2::from_elem((1, n), -0.999e154);
            assert_eq!(has_gaps_or_giants("R", rows.view()), Ok(false));
            for at in 0..n {
                let mut row = rows.clone();
                row[(0, at)] = f64::NAN;
                assert_eq!(has_gaps_or_giants("R", row.view()), Ok(true));
                assert!(!is_ordinary(row.as_slice().unwrap()));
                row[(0, at)] = -1e154;
                let message = has_gaps_or_giants("R", row.view()).unwrap_err().to_string();
                assert!(message.contains("below 1e154"), "{message}");
                row[(0, at)] = f64::INFINITY;
                let message = has_gaps_or_giants("R", row.view()).unwrap_err().to_string();
                assert!(message.contains(&format!("column {at}")), "{message}");
            }
        }
        assert!(matches!(has_gaps_or_giants("R", Array2::zeros((0, 3)).view()), Err(Error::Empty { .. })));
        assert!(is_ordinary(&[]));
    }

    #[test]
    fn kinds_of_rows() {
        let rows = arr2(&[[1.0, 2.0], [1.0, f64::NAN], [f64::NAN, f64::NAN]]);
        let kinds: Vec<RowKind> = rows.rows().into_iter().map(kind_of).collect();
        assert_eq!(kinds, [RowKind::Complete, RowKind::Partial, RowKind::Missing]);
    }
}
