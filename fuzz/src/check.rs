//! What must hold of an answer. Tolerances are what rounding leaves, in units of the largest number involved.

use ndarray::{ArrayView1, ArrayView2};
use poise_core::optimization::Solution;

use super::limits::Limits;

/// Equal to the bit; NaN equals NaN.
pub fn same(left: f64, right: f64) -> bool {
    left.to_bits() == right.to_bits() || (left.is_nan() && right.is_nan())
}

/// Within `tolerance` of each other, or both NaN, or the same infinity.
pub fn close(left: f64, right: f64, tolerance: f64) -> bool {
    same(left, right) || (left - right).abs() <= tolerance
}

#[track_caller]
pub fn all_same<'a>(left: impl IntoIterator<Item = &'a f64>, right: impl IntoIterator<Item = &'a f64>) {
    let (mut left, mut right) = (left.into_iter(), right.into_iter());
    for place in 0.. {
        match (left.next(), right.next()) {
            (None, None) => return,
            (Some(x), Some(y)) => assert!(same(*x, *y), "{x:?} is not {y:?} at {place}"),
            (x, y) => panic!("lengths differ: {x:?}, {y:?} at {place}"),
        }
    }
}

#[track_caller]
pub fn all_close<'a>(
    left: impl IntoIterator<Item = &'a f64>,
    right: impl IntoIterator<Item = &'a f64>,
    tolerance: f64,
) {
    let (mut left, mut right) = (left.into_iter(), right.into_iter());
    for place in 0.. {
        match (left.next(), right.next()) {
            (None, None) => return,
            (Some(x), Some(y)) => {
                assert!(close(*x, *y, tolerance), "{x:e} is not within {tolerance:e} of {y:e} at {place}");
            }
            (x, y) => panic!("lengths differ: {x:?}, {y:?} at {place}"),
        }
    }
}

/// Exactly symmetric, NaN against NaN.
#[track_caller]
pub fn symmetric(matrix: ArrayView2<'_, f64>) {
    for ((i, j), x) in matrix.indexed_iter() {
        let other = matrix[(j, i)];
        assert!(same(*x, other), "({i}, {j}) is {x:e}, its mirror {other:e}");
    }
}

/// Symmetric, finite, and no eigenvalue below `-tolerance`.
#[track_caller]
pub fn semidefinite(matrix: ArrayView2<'_, f64>, tolerance: f64) {
    symmetric(matrix);
    assert!(matrix.iter().all(|x| x.is_finite()), "not finite: {matrix}");
    let least = least_eigenvalue(matrix);
    assert!(least >= -tolerance, "eigenvalue {least:e} below -{tolerance:e} of {matrix}");
}

/// A correlation: symmetric, semidefinite, ones on the diagonal, nothing beyond one.
#[track_caller]
pub fn correlation(matrix: ArrayView2<'_, f64>, tolerance: f64) {
    semidefinite(matrix, tolerance);
    assert!(matrix.diag().iter().all(|x| *x == 1.0), "diagonal {}", matrix.diag());
    assert!(matrix.iter().all(|x| (-1.0..=1.0).contains(x)), "{matrix}");
}

/// By Jacobi's rotations: slow, short, and no relative of what the core does.
pub fn least_eigenvalue(matrix: ArrayView2<'_, f64>) -> f64 {
    let n = matrix.nrows();
    let largest = matrix.iter().fold(0.0_f64, |largest, x| largest.max(x.abs()));
    if largest == 0.0 {
        return 0.0;
    }
    let mut a = matrix.mapv(|x| x / largest);
    for _ in 0..30 {
        let off: f64 = a.indexed_iter().filter(|((i, j), _)| i != j).map(|(_, x)| x * x).sum();
        if off < 1e-34 {
            break;
        }
        for p in 0..n {
            for q in p + 1..n {
                if a[(p, q)] == 0.0 {
                    continue;
                }
                let theta = (a[(q, q)] - a[(p, p)]) / (2.0 * a[(p, q)]);
                let t = theta.signum() / (theta.abs() + theta.hypot(1.0));
                let c = 1.0 / t.hypot(1.0);
                let s = t * c;
                for k in 0..n {
                    let (x, y) = (a[(k, p)], a[(k, q)]);
                    (a[(k, p)], a[(k, q)]) = (c * x - s * y, s * x + c * y);
                }
                for k in 0..n {
                    let (x, y) = (a[(p, k)], a[(q, k)]);
                    (a[(p, k)], a[(q, k)]) = (c * x - s * y, s * x + c * y);
                }
            }
        }
    }
    largest * a.diag().iter().fold(f64::INFINITY, |least: f64, x| least.min(*x))
}

/// Not negative and summing to one.
#[track_caller]
pub fn probabilities(values: ArrayView1<'_, f64>) {
    assert!(values.iter().all(|p| (0.0..=1.0 + 1e-12).contains(p)), "{values}");
    assert!((values.sum() - 1.0).abs() <= 1e-9, "{values} sum to {}", values.sum());
}

/// Finite weights that keep every bound exactly.
#[track_caller]
pub fn within(solution: &Solution, limits: &Limits) {
    let weights = ArrayView1::from(&solution.weights);
    let bounds = limits.lower.iter().zip(&limits.upper);
    assert_eq!(weights.len(), limits.lower.len());
    for (i, (weight, (low, high))) in weights.iter().zip(bounds).enumerate() {
        assert!(weight.is_finite(), "weight {i} is {weight} in {solution:?}");
        assert!(low <= weight && weight <= high, "weight {i} is {weight:e}, not in [{low:e}, {high:e}]");
    }
    assert_eq!(solution.sides.len(), weights.len());
}

/// Weights that keep every bound exactly and sum to one, with a finite certificate.
#[track_caller]
pub fn solution(solution: &Solution, limits: &Limits) {
    within(solution, limits);
    let weights = ArrayView1::from(&solution.weights);
    let gross: f64 = weights.iter().map(|weight| weight.abs()).sum();
    let off = (weights.sum() - 1.0).abs();
    if limits.are_vast() {
        return;
    }
    assert!(off <= 1e-11 * gross.max(1.0), "weights sum to 1 but for {off:e}: {solution:?} {limits:?}");
    assert!(solution.certificate >= 0.0 && solution.certificate.is_finite(), "{solution:?}");
    assert!(solution.ridge >= 0.0 && solution.ridge.is_finite(), "{solution:?}");
}
