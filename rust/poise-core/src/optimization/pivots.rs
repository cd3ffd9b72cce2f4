//! Whether a symmetric matrix of moderate size is definite, by elimination without pivoting.
//!
//! Four rows are eliminated at a time, and two rows of what is left are loaded for all four. Rows are padded to whole
//! vectors; what lies left of the diagonal is overwritten and never read.

use poise_simd::{Kernel, Simd, dispatch};

/// A multiple of every set's lanes.
const PADDING: usize = 8;

/// Rows eliminated at a time.
const PANEL: usize = 4;

/// Numbers for which no memory is asked for.
const ON_STACK: usize = 280;

/// Whether elimination meets no pivot below `floor` times its diagonal entry, and none that is not positive; None where
/// the reciprocal of one overflows.
pub(super) fn are_above(floor: f64, rows: &[f64], n: usize) -> Option<bool> {
    let (height, stride) = (n.next_multiple_of(PANEL), n.next_multiple_of(PADDING));
    let size = height * stride + height;
    let (mut here, mut elsewhere) = ([0.0; ON_STACK], Vec::new());
    let room = if size <= ON_STACK {
        &mut here[..size]
    } else {
        elsewhere.resize(size, 0.0);
        &mut elsewhere
    };
    let (matrix, least) = room.split_at_mut(height * stride);
    for (to, from) in matrix.chunks_exact_mut(stride).zip(rows.chunks_exact(n)) {
        to[..n].copy_from_slice(from);
    }
    // Rows that are not there are those of the identity.
    (n..height).for_each(|i| matrix[i * stride + i] = 1.0);
    least.iter_mut().zip(matrix.iter().step_by(stride + 1)).for_each(|(least, entry)| *least = floor * entry);
    dispatch(Eliminate { matrix, stride, least })
}

struct Eliminate<'a> {
    matrix: &'a mut [f64],
    stride: usize,
    /// What each pivot must be above.
    least: &'a [f64],
}

impl Kernel for Eliminate<'_> {
    type Output = Option<bool>;

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> Option<bool> {
        let Self { mut matrix, stride, least } = self;
        for (panel, least) in least.as_chunks::<PANEL>().0.iter().enumerate() {
            let (rows, rest) = std::mem::take(&mut matrix).split_at_mut(PANEL * stride);
            let at = panel * PANEL;
            let shares = match eliminate_panel(simd, rows, stride, at, least) {
                Ok(shares) => shares,
                Err(verdict) => return verdict,
            };
            let rows = &*rows;
            for (pair, two) in rest.chunks_exact_mut(2 * stride).enumerate() {
                subtract_panel(simd, rows, two, stride, at + PANEL + 2 * pair, shares);
            }
            matrix = rest;
        }
        Some(true)
    }
}

/// Eliminates the rows of a panel from each other; one over their pivots, or what ends it all.
#[inline(always)]
fn eliminate_panel<S: Simd>(
    simd: S,
    rows: &mut [f64],
    stride: usize,
    at: usize,
    least: &[f64; PANEL],
) -> Result<[f64; PANEL], Option<bool>> {
    let mut shares = [0.0; PANEL];
    let first = at / S::LANES;
    for own in 0..PANEL {
        let (done, below) = rows.split_at_mut((own + 1) * stride);
        let row = &done[own * stride..];
        let pivot = row[at + own];
        let is_above = pivot > least[own] && pivot > 0.0;
        if !is_above {
            return Err(Some(false));
        }
        shares[own] = 1.0 / pivot;
        if shares[own] == f64::INFINITY {
            return Err(None);
        }
        let blocks = simd.blocks(row).0;
        for (other, below) in below.chunks_exact_mut(stride).enumerate() {
            let factor = simd.splat(row[at + own + 1 + other] * shares[own]);
            let below = simd.blocks_mut(below).0;
            for block in first..blocks.len() {
                let left = simd.neg_mul_add(factor, simd.load(&blocks[block]), simd.load(&below[block]));
                simd.store(&mut below[block], left);
            }
        }
    }
    Ok(shares)
}

/// Eliminates a finished panel from rows `i` and `i + 1`.
#[inline(always)]
fn subtract_panel<S: Simd>(
    simd: S,
    panel: &[f64],
    two: &mut [f64],
    stride: usize,
    i: usize,
    shares: [f64; PANEL],
) {
    let mut of_first = [simd.splat(0.0); PANEL];
    let mut of_second = [simd.splat(0.0); PANEL];
    let mut above = [simd.blocks(panel).0; PANEL];
    for row in 0..PANEL {
        let values = &panel[row * stride..(row + 1) * stride];
        of_first[row] = simd.splat(values[i] * shares[row]);
        of_second[row] = simd.splat(values[i + 1] * shares[row]);
        above[row] = simd.blocks(values).0;
    }
    let (first, second) = two.split_at_mut(stride);
    let (first, second) = (simd.blocks_mut(first).0, simd.blocks_mut(second).0);
    for block in i / S::LANES..first.len() {
        let (mut one, mut other) = (simd.load(&first[block]), simd.load(&second[block]));
        for row in 0..PANEL {
            let values = simd.load(&above[row][block]);
            one = simd.neg_mul_add(of_first[row], values, one);
            other = simd.neg_mul_add(of_second[row], values, other);
        }
        simd.store(&mut first[block], one);
        simd.store(&mut second[block], other);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linear;

    /// Products of vectors without a pattern, `rank` of them.
    fn gram(n: usize, rank: usize) -> Vec<f64> {
        let entry = |i: usize, k: usize| (1e4 * ((i * 100 + k) as f64).sin()).fract();
        let row = |i: usize| (0..rank).map(move |k| entry(i, k));
        (0..n * n).map(|k| row(k / n).zip(row(k % n)).map(|(x, y)| x * y).sum()).collect()
    }

    #[test]
    fn pivots_of_every_size() {
        for n in 1..70 {
            let mut matrix = gram(n, n + 3);
            assert_eq!(are_above(1e-10, &matrix, n), Some(true), "{n}");
            // The last pivot becomes the least.
            let last = n * n - 1;
            let pivot = last_pivot(matrix.clone(), n);
            matrix[last] -= 0.999 * pivot;
            let part = 0.001 * pivot / matrix[last];
            assert_eq!(are_above(part * (1.0 - 1e-6), &matrix, n), Some(true), "{n}");
            assert_eq!(are_above(part * (1.0 + 1e-6), &matrix, n), Some(false), "{n}");
            matrix[last] -= 0.002 * pivot;
            assert_eq!(are_above(0.0, &matrix, n), Some(false), "{n}");
            assert!(!linear::has_pivots(matrix, n, 0.0), "{n}");
        }
    }

    fn last_pivot(mut matrix: Vec<f64>, n: usize) -> f64 {
        for k in 0..n - 1 {
            for i in k + 1..n {
                let factor = matrix[i * n + k] / matrix[k * n + k];
                for j in k..n {
                    matrix[i * n + j] -= factor * matrix[k * n + j];
                }
            }
        }
        matrix[n * n - 1]
    }

    #[test]
    fn what_overflows_is_left_to_others() {
        assert_eq!(are_above(1e-10, &[3.0, 3e-154, 3e-154, 3.2e-308], 2), None);
    }

    #[test]
    fn what_is_singular_or_no_number_has_none() {
        for n in [3, 8, 21, 40] {
            assert_eq!(are_above(1e-10, &gram(n, n - 1), n), Some(false), "{n}");
            for (i, value) in [(0, f64::NAN), (n * n - 1, f64::NAN), (n * n - 1, -1.0), (n + 1, 0.0)] {
                let mut matrix = gram(n, n + 3);
                matrix[i] = value;
                assert_eq!(are_above(1e-10, &matrix, n), Some(false), "{n} {i}");
            }
        }
    }
}
