//! Symmetric matrices as packed lower triangles: row `i` holds the columns `0..=i`.

use ndarray::Array2;
use poise_simd::{Kernel, Simd, dispatch};

use crate::sums::dot;

/// Rows and columns that are mirrored together: two such tiles fit the first-level cache.
const TILE: usize = 16;

/// Entries of a packed triangle.
pub(super) fn size(n: usize) -> usize {
    n * (n + 1) / 2
}

/// Where the diagonal entry of row `i` stands.
pub(super) fn diagonal(i: usize) -> usize {
    i * (i + 1) / 2 + i
}

/// The rows of a packed triangle, shortest first.
pub(super) fn rows<T>(packed: &[T], n: usize) -> impl Iterator<Item = &[T]> {
    (0..n).scan(packed, |rest, i| {
        let (row, after) = rest.split_at(i + 1);
        *rest = after;
        Some(row)
    })
}

/// `P <- keep P + v v'`, one pass.
pub(super) fn decay_and_add(packed: &mut [f64], keep: f64, v: &[f64]) {
    dispatch(DecayAndAdd { packed, keep, v });
}

struct DecayAndAdd<'a> {
    packed: &'a mut [f64],
    keep: f64,
    v: &'a [f64],
}

impl Kernel for DecayAndAdd<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let mut rest = self.packed;
        for (i, &scale) in self.v.iter().enumerate() {
            let (row, after) = std::mem::take(&mut rest).split_at_mut(i + 1);
            for (entry, &value) in row.iter_mut().zip(self.v) {
                *entry = simd.fma(scale, value, self.keep * *entry);
            }
            rest = after;
        }
    }
}

/// `w'Pw` of the symmetric matrix.
pub(super) fn quadratic_form(packed: &[f64], w: &[f64]) -> f64 {
    let products = rows(packed, w.len()).zip(w).map(|(row, &weight)| {
        let (diagonal, below) = (row[row.len() - 1], &row[..row.len() - 1]);
        weight * (2.0 * dot(below, w) + diagonal * weight)
    });
    products.sum()
}

/// The lower triangle of a full `n x n` buffer.
pub(super) fn pack(packed: &mut [f64], full: &[f64], n: usize) {
    let mut rest = packed;
    for (i, row) in full.chunks_exact(n).enumerate() {
        let (lower, after) = std::mem::take(&mut rest).split_at_mut(i + 1);
        lower.copy_from_slice(&row[..=i]);
        rest = after;
    }
}

/// Copies what is below the diagonal of a full `n x n` buffer above it.
pub(super) fn mirror(full: &mut [f64], n: usize) {
    for top in (0..n).step_by(TILE) {
        for left in (0..=top).step_by(TILE) {
            for i in top..n.min(top + TILE) {
                for j in left..i.min(left + TILE) {
                    full[j * n + i] = full[i * n + j];
                }
            }
        }
    }
}

/// Fills a full `n x n` buffer with `entry(i, j, value)` at `(i, j)` and `(j, i)`, for `j <= i`.
pub(super) fn fill_symmetric<T>(
    out: &mut [f64],
    packed: &[T],
    n: usize,
    entry: impl Fn(usize, usize, &T) -> f64,
) {
    for (i, (row, filled)) in rows(packed, n).zip(out.chunks_exact_mut(n)).enumerate() {
        for (j, (value, filled)) in row.iter().zip(filled).enumerate() {
            *filled = entry(i, j, value);
        }
    }
    mirror(out, n);
}

/// The full matrix of `entry(i, j, value)`.
pub(super) fn symmetric<T>(packed: &[T], n: usize, entry: impl Fn(usize, usize, &T) -> f64) -> Array2<f64> {
    let mut full = Array2::zeros((n, n));
    if let Some(out) = full.as_slice_mut() {
        fill_symmetric(out, packed, n, entry);
    }
    full
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_cover_the_triangle() {
        let packed: Vec<usize> = (0..size(4)).collect();
        let seen: Vec<&[usize]> = rows(&packed, 4).collect();
        assert_eq!(seen, [&[0][..], &[1, 2], &[3, 4, 5], &[6, 7, 8, 9]]);
        assert_eq!(diagonal(2), 5);
    }

    #[test]
    fn filling_mirrors() {
        let mut out = [0.0; 4];
        fill_symmetric(&mut out, &[1.0, 2.0, 3.0], 2, |i, j, x| if i == j { *x } else { -x });
        assert_eq!(out, [1.0, -2.0, -2.0, 3.0]);
    }

    #[test]
    fn rank_one_update() {
        let mut packed = vec![1.0, 2.0, 3.0];
        decay_and_add(&mut packed, 0.5, &[2.0, -1.0]);
        assert_eq!(packed, [4.5, -1.0, 2.5]);
    }
}
