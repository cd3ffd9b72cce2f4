//! The correlation matrix nearest to a symmetric one in the Frobenius norm.
//!
//! Higham (2002), "Computing the nearest correlation matrix: a problem from finance", algorithm 3.3:
//! projections in turn on the positive semidefinite matrices (`X`) and on those with unit diagonal (`Y`), with
//! Dykstra's correction for the first (`correction`, the paper's delta S). The diagonal of the input has no
//! part in the answer, since every candidate is one there.

use ndarray::{Array2, ArrayView2};

use crate::linear::SymmetricEigen;
use crate::{Error, Result, validate};

/// Eigenvalues are lifted to this, so that the answer has an inverse.
const EIGENVALUE_FLOOR: f64 = 1e-8;

/// Relative change of a projection at which the iteration stops.
const TOLERANCE: f64 = 1e-10;

/// Largest entry off the diagonal that still leaves digits for the others.
const FARTHEST: f64 = 1e6;

const MAX_ITERATIONS: usize = 5000;

/// The nearest correlation matrix, its eigenvalues at least about `1e-8`.
///
/// A correlation matrix that meets the floor comes back as it is.
///
/// # Errors
/// The checks of [`validate::covariance`]; [`Error::OutOfRange`] for an entry off the diagonal beyond `1e6`;
/// [`Error::NotConverged`].
pub fn nearest_correlation(matrix: ArrayView2<'_, f64>) -> Result<Array2<f64>> {
    validate::covariance("matrix", matrix)?;
    refuse_far_out(matrix)?;
    let mut unit = Array2::from_shape_fn(matrix.dim(), |(i, j)| 0.5 * (matrix[(i, j)] + matrix[(j, i)]));
    unit.diag_mut().fill(1.0);
    if SymmetricEigen::of(unit.view())?.values[0] >= EIGENVALUE_FLOOR {
        return Ok(unit);
    }
    lift(project(unit)?)
}

/// Beside an entry far from any correlation the others are rounding, and so would be the answer.
fn refuse_far_out(matrix: ArrayView2<'_, f64>) -> Result<()> {
    let off_diagonal = |&((i, j), _): &((usize, usize), &f64)| i != j;
    match matrix.indexed_iter().filter(off_diagonal).find(|(_, x)| x.abs() > FARTHEST) {
        Some((_, &value)) => Err(Error::OutOfRange {
            what: "an entry of matrix off its diagonal",
            value,
            range: "at most 1e6 in size; divide a covariance by the deviations first",
        }),
        None => Ok(()),
    }
}

fn project(mut unit: Array2<f64>) -> Result<Array2<f64>> {
    let mut correction = Array2::<f64>::zeros(unit.dim());
    let mut semidefinite = unit.clone();
    let mut residual = f64::INFINITY;
    for _ in 0..MAX_ITERATIONS {
        let corrected = &unit - &correction;
        let next = semidefinite_part(&corrected)?;
        correction = &next - &corrected;
        let mut next_unit = next.clone();
        next_unit.diag_mut().fill(1.0);
        residual =
            distance(&next, &semidefinite).max(distance(&next_unit, &unit)).max(distance(&next_unit, &next));
        (semidefinite, unit) = (next, next_unit);
        if residual <= TOLERANCE {
            return Ok(unit);
        }
    }
    Err(Error::NotConverged { iterations: MAX_ITERATIONS, residual, tolerance: TOLERANCE })
}

/// The matrix without its negative directions, taken off or the others built up, whichever are fewer.
fn semidefinite_part(matrix: &Array2<f64>) -> Result<Array2<f64>> {
    let eigen = SymmetricEigen::of(matrix.view())?;
    let n_negative = eigen.values.iter().filter(|&&x| x < 0.0).count();
    if 2 * n_negative > eigen.values.len() {
        let positive: Vec<f64> = eigen.values.iter().map(|x| x.max(0.0)).collect();
        return Ok(eigen.with_values(&positive));
    }
    let negative: Vec<f64> = eigen.values.iter().map(|x| x.min(0.0)).collect();
    Ok(matrix - &eigen.with_values(&negative))
}

/// Lifts the eigenvalues to the floor and makes the diagonal one again.
fn lift(unit: Array2<f64>) -> Result<Array2<f64>> {
    let eigen = SymmetricEigen::of(unit.view())?;
    let lifted: Vec<f64> = eigen.values.iter().map(|x| x.max(EIGENVALUE_FLOOR)).collect();
    let raised = eigen.with_values(&lifted);
    let deviations = raised.diag().mapv(f64::sqrt);
    Ok(Array2::from_shape_fn(raised.dim(), |(i, j)| {
        if i == j { 1.0 } else { (raised[(i, j)] / (deviations[i] * deviations[j])).clamp(-1.0, 1.0) }
    }))
}

/// The largest difference, relative to the largest entry.
fn distance(new: &Array2<f64>, old: &Array2<f64>) -> f64 {
    let largest = new.iter().fold(0.0_f64, |most, x| most.max(x.abs()));
    new.iter().zip(old).fold(0.0_f64, |most, (x, y)| most.max((x - y).abs())) / largest
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::arr2;

    #[test]
    fn the_example_of_the_paper() {
        let matrix = arr2(&[[1.0, 1.0, 0.0], [1.0, 1.0, 1.0], [0.0, 1.0, 1.0]]);
        let nearest = nearest_correlation(matrix.view()).unwrap();
        assert!((nearest[(0, 1)] - 0.7607).abs() < 5e-5 && (nearest[(0, 2)] - 0.1573).abs() < 5e-5);
        assert!((nearest[(0, 1)] - nearest[(1, 2)]).abs() < 1e-9);
        assert_eq!(nearest, nearest.t());
    }

    #[test]
    fn a_correlation_stays_and_a_singular_one_is_lifted() {
        let fine = arr2(&[[1.0, 0.3], [0.3, 1.0]]);
        assert_eq!(nearest_correlation(fine.view()).unwrap(), fine);
        assert_eq!(nearest_correlation(arr2(&[[1.0]]).view()).unwrap(), arr2(&[[1.0]]));
        let twins = nearest_correlation(Array2::ones((3, 3)).view()).unwrap();
        assert!(twins.iter().all(|x| (1.0 - x).abs() < 2e-8));
        assert!(SymmetricEigen::of(twins.view()).unwrap().values[0] > 0.99e-8);
    }

    #[test]
    fn refuses_what_is_not_symmetric_or_not_finite() {
        let crooked = arr2(&[[1.0, 0.3], [0.2, 1.0]]);
        assert!(matches!(nearest_correlation(crooked.view()), Err(Error::NotSymmetric { .. })));
        // Found by fuzzing: beside 6e154 the others were lost, and the answer was singular.
        let far = arr2(&[[1.0, 6e154, 0.2], [6e154, 1.0, -0.1], [0.2, -0.1, 1.0]]);
        assert!(nearest_correlation(far.view()).unwrap_err().to_string().contains("1e6"));
        let gap = arr2(&[[1.0, f64::NAN], [f64::NAN, 1.0]]);
        assert!(nearest_correlation(gap.view()).unwrap_err().to_string().contains("row 0, column 1"));
    }
}
