//! A search for a negative direction of a large correlation matrix.
//!
//! Lanczos (1950); Paige (1980), "Accuracy and effectiveness of the Lanczos algorithm": the tridiagonal matrix of
//! the recursion has no eigenvalue outside the range of the matrix's own, whatever rounding does to the vectors,
//! and its lowest one falls towards theirs. A factor would be certain, at a third of `n` times the cost of a step.

use poise_simd::{Kernel, Simd, dispatch};

use super::half_product::{dot, multiply, padded};

/// Correlations put together pair by pair from different samples, or edited by hand, show within a dozen steps.
const STEPS: usize = 14;

/// Whether a direction is found in which the variance, as a part of that of uncorrelated assets, is below `-part`.
pub(super) fn finds_negative_direction(covariance: &[f64], n: usize, part: f64) -> bool {
    dispatch(Lanczos { covariance, n, part })
}

struct Lanczos<'a> {
    covariance: &'a [f64],
    n: usize,
    part: f64,
}

impl Kernel for Lanczos<'_> {
    type Output = bool;

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> bool {
        let Self { covariance, n, part } = self;
        let zeros = vec![0.0; padded(n)];
        let (mut scale, mut now) = (zeros.clone(), zeros.clone());
        for i in 0..n {
            scale[i] = covariance[i * (n + 1)].sqrt().recip();
            now[i] = scattered(i);
        }
        let length = dot(simd, &now, &now).sqrt();
        now.iter_mut().for_each(|value| *value /= length);
        let (mut before, mut moved, mut next) = (zeros.clone(), zeros.clone(), zeros);
        // The pivots of the tridiagonal matrix, `part` added to its diagonal; none is negative where no
        // eigenvalue is.
        let (mut link, mut pivot) = (0.0_f64, 1.0);
        for _ in 0..STEPS.min(n) {
            for (moved, (v, s)) in moved.iter_mut().zip(now.iter().zip(&scale)) {
                *moved = v * s;
            }
            multiply(simd, covariance, n, &moved, &mut next);
            for ((value, s), last) in next.iter_mut().zip(&scale).zip(&before) {
                *value = simd.fma(*value, *s, -link * last);
            }
            let along = dot(simd, &next, &now);
            for (value, v) in next.iter_mut().zip(&now) {
                *value = simd.fma(-along, *v, *value);
            }
            pivot = along + part - link * link / pivot;
            if pivot <= 0.0 {
                return true;
            }
            link = dot(simd, &next, &next).sqrt();
            if link <= f64::EPSILON {
                return false;
            }
            std::mem::swap(&mut before, &mut now);
            for (v, value) in now.iter_mut().zip(&next) {
                *v = value / link;
            }
        }
        false
    }
}

/// Numbers between -1 and 1 without a pattern that a covariance might share (Knuth's multiplicative hash).
fn scattered(i: usize) -> f64 {
    let hash = (i as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (hash >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One factor, and one pair that contradicts it.
    fn contradicting(n: usize, pair: f64) -> Vec<f64> {
        let mut matrix: Vec<f64> = (0..n * n).map(|k| if k / n == k % n { 4.0 } else { 2.0 }).collect();
        (matrix[1], matrix[n]) = (pair, pair);
        matrix
    }

    #[test]
    fn a_contradiction_is_found_and_a_covariance_is_not_accused() {
        for n in [8, 60, 300] {
            assert!(finds_negative_direction(&contradicting(n, -3.8), n, 2e-3), "n {n}");
            assert!(!finds_negative_direction(&contradicting(n, 2.0), n, 2e-3), "n {n}");
            // Singular: the first two are one asset.
            assert!(!finds_negative_direction(&contradicting(n, 4.0 - 1e-9), n, 2e-3), "n {n}");
        }
    }
}
