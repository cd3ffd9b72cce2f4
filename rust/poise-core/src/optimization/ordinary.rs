//! Whether a covariance can be used where it lies, in one look at it.
//!
//! Comparing each entry with its mirror image jumps through memory. Instead both halves are summed up as integers,
//! entry `(i, j)` times odd multipliers of `i` and of `j`, row by row as they lie: a single difference changes one
//! sum for certain, several cancel with a chance of about one in `2^60`.

use ndarray::ArrayView2;
use poise_simd::{Kernel, Simd, dispatch};

/// Below this part of the largest variance an asset counts as riskless: rounding of a constant series.
const RISKLESS: f64 = 1e-24;

/// The least variance that counts as risk beside the largest one.
pub(super) fn least_variance(largest: f64) -> f64 {
    (RISKLESS * largest).max(f64::MIN_POSITIVE)
}

/// The entries of a matrix that lies row by row, or column by column, which for a symmetric one is the same.
///
/// Memory order alone would also admit a matrix that lies backwards, its assets in reverse.
pub(super) fn in_order(matrix: ArrayView2<'_, f64>) -> Option<&[f64]> {
    matrix.to_slice().or_else(|| matrix.reversed_axes().to_slice())
}

/// Whether `n` rows, one after another, are finite and symmetric to the last bit, and no asset is riskless.
///
/// A no is no verdict: whoever gets it looks again with [`crate::validate::covariance`], which has the reasons.
pub(super) fn is_ordinary(matrix: &[f64], n: usize) -> bool {
    let variances = || matrix.iter().step_by(n + 1);
    let largest = variances().fold(0.0_f64, |largest, v| if *v > largest { *v } else { largest });
    variances().all(|v| *v >= least_variance(largest)) && dispatch(Symmetry { matrix, n })
}

struct Symmetry<'a> {
    matrix: &'a [f64],
    n: usize,
}

impl Kernel for Symmetry<'_> {
    type Output = bool;

    #[inline(always)]
    fn run<S: Simd>(self, _: S) -> bool {
        let multipliers: Vec<u64> = (0..self.n as u64).map(multiplier).collect();
        let (mut difference, mut flaws) = (0_u64, 0);
        for (i, row) in self.matrix.chunks_exact(self.n).enumerate() {
            let (left, left_flaws) = summed(&row[..i], &multipliers[..i]);
            let (right, right_flaws) = summed(&row[i + 1..], &multipliers[i + 1..]);
            difference = difference.wrapping_add(multipliers[i].wrapping_mul(left.wrapping_sub(right)));
            flaws |= left_flaws | right_flaws | flaw(row[i]);
        }
        difference == 0 && flaws == 0
    }
}

/// The sum of the entries' bits times their multipliers, and zero where all are finite.
#[inline(always)]
fn summed(entries: &[f64], multipliers: &[u64]) -> (u64, u64) {
    let (mut sum, mut flaws) = (0_u64, 0);
    for (entry, multiplier) in entries.iter().zip(multipliers) {
        sum = sum.wrapping_add(entry.to_bits().wrapping_mul(*multiplier));
        flaws |= flaw(*entry);
    }
    (sum, flaws)
}

/// A finite number times zero is zero, of either sign; any other has bits below the sign.
#[inline(always)]
fn flaw(entry: f64) -> u64 {
    (entry * 0.0).to_bits() << 1
}

/// Odd and without a pattern (the finaliser of splitmix64).
#[inline(always)]
fn multiplier(i: u64) -> u64 {
    let mut z = (i + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (z ^ (z >> 31)) | 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_flaw_anywhere_is_found() {
        for n in [1, 2, 7, 8, 9, 16, 27, 75] {
            let matrix: Vec<f64> = (0..n * n)
                .map(|k| if k / n == k % n { 2.0 } else { ((k / n + k % n) as f64).sin() })
                .collect();
            assert!(is_ordinary(&matrix, n), "n {n}");
            for k in (0..n * n).step_by(1 + n / 20) {
                for flaw in [f64::NAN, f64::INFINITY, 0.123] {
                    let mut flawed = matrix.clone();
                    flawed[k] = flaw;
                    let stays = flaw == 0.123 && k / n == k % n;
                    assert_eq!(is_ordinary(&flawed, n), stays, "n {n}, entry {k} is {flaw}");
                    if flaw != 0.123 {
                        flawed[k % n * n + k / n] = flaw;
                        assert!(!is_ordinary(&flawed, n), "n {n}, pair {k} is {flaw}");
                    }
                }
            }
            let mut still = matrix.clone();
            still[n * n - 1] = 0.0;
            assert!(!is_ordinary(&still, n));
        }
    }
}
