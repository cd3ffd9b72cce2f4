//! Analytical nonlinear shrinkage: every eigenvalue moves by its own amount.
//!
//! Ledoit and Wolf (2020), "Analytical nonlinear shrinkage of large-dimensional covariance matrices"; the
//! equation numbers are theirs. The density of the sample eigenvalues and its Hilbert transform are estimated
//! with the Epanechnikov kernel, whose bandwidth grows with the eigenvalue. Names: `lambda` eigenvalues,
//! `h` global bandwidth, `c` concentration. Density and transform are kept multiplied by their eigenvalue,
//! which makes them free of the unit of the returns.

use std::f64::consts::PI;

use ndarray::{Array2, ArrayView2};

use super::complete::CompleteSample;
use crate::Result;
use crate::linear::SymmetricEigen;

/// The kernel ends at the square root of five; fewer observations would put zero inside its window.
const SQRT_5: f64 = 2.236_067_977_499_79;

/// Where the closed form has lost two digits, and how many terms of the series are exact from there on.
const FAR_OUT: f64 = 20.0;
const SERIES_TERMS: u32 = 9;

/// Observations left after the mean has taken one; fewer make the bandwidth too wide (5^1.5 = 11.2).
const LEAST_DEGREES: usize = 12;

/// Eigenvalues below this share of the largest are zero: rounding leaves no smaller ones.
const NULL_EIGENVALUE: f64 = 1e-13;

/// Shrinks the eigenvalues of the sample covariance (divisor `n_observations - 1`) of complete rows.
///
/// Where the sample has fewer directions than observations and assets allow (a duplicate, a constant asset),
/// so has the population: the rest is shrunk within the directions there are.
pub fn nonlinear_shrinkage(returns: ArrayView2<'_, f64>) -> Result<Array2<f64>> {
    let sample = CompleteSample::of("nonlinear shrinkage", returns, LEAST_DEGREES + 1)?;
    if sample.unit == 0.0 {
        return Ok(sample.covariance);
    }
    let degrees = sample.n_observations - 1;
    let unbiased = sample.n_observations as f64 / degrees as f64;
    let eigen = SymmetricEigen::of((&sample.covariance * unbiased).view())?;
    let still: Vec<usize> = (0..returns.ncols()).filter(|&i| sample.covariance[(i, i)] == 0.0).collect();
    let n_moving = returns.ncols() - still.len();
    let mut shrunk = eigen.with_values(&shrink(&eigen.values, n_moving, degrees));
    // What never moves has no covariance; the estimate for the null space is not meant for it.
    for i in still {
        shrunk.row_mut(i).fill(0.0);
        shrunk.column_mut(i).fill(0.0);
    }
    Ok(sample.restore(shrunk))
}

/// The shrunk eigenvalues of ascending sample eigenvalues, of which assets that move have `n_moving`.
fn shrink(eigenvalues: &[f64], n_moving: usize, degrees: usize) -> Vec<f64> {
    let n_assets = eigenvalues.len();
    let largest = eigenvalues[n_assets - 1];
    let n_positive = eigenvalues.iter().filter(|&&x| x > NULL_EIGENVALUE * largest).count();
    let rank = n_positive.min(degrees);
    let (null, positive) = eigenvalues.split_at(n_assets - rank);
    // With fewer directions than observations the null space is no accident of the sample.
    let n_dimensions = if rank == degrees { n_moving } else { rank };
    let n = degrees as f64;
    let h = n.powf(-1.0 / 3.0);
    let concentration = n_dimensions as f64 / n;
    let mut shrunk = vec![0.0; null.len()];
    if n_dimensions > degrees {
        let mean_inverse = positive.iter().map(|x| 1.0 / x).sum::<f64>() / n;
        shrunk.fill(1.0 / (PI * (concentration - 1.0) * transform_at_zero(h) * mean_inverse)); // C.5
    }
    for &lambda in positive {
        let (density, transform) = kernel_estimates(lambda, positive, h);
        let (real, imaginary) = if n_dimensions > degrees {
            (PI * transform, PI * density) // C.4
        } else {
            let scale = PI * concentration;
            (1.0 - concentration - scale * transform, scale * density) // 4.3
        };
        shrunk.push(lambda / (real * real + imaginary * imaginary));
    }
    shrunk
}

/// Density of the eigenvalues at `lambda` and its Hilbert transform, times `lambda` (4.7 to 4.9).
fn kernel_estimates(lambda: f64, eigenvalues: &[f64], h: f64) -> (f64, f64) {
    let (mut density, mut transform) = (0.0, 0.0);
    for &other in eigenvalues {
        let bandwidth = h * other;
        let x = (lambda - other) / bandwidth;
        density += 0.75 / SQRT_5 * (1.0 - x * x / 5.0).max(0.0) * (lambda / bandwidth);
        transform += kernel_transform(x) * (lambda / bandwidth);
    }
    let n = eigenvalues.len() as f64;
    (density / n, transform / n)
}

/// The Hilbert transform of the kernel.
///
/// Far out the two terms of 4.7 cancel to `-1 / (pi x)` and lose `x^2` digits, as the authors' code does where
/// eigenvalues lie far apart; there its series in `u = sqrt(5) / x` takes over.
fn kernel_transform(x: f64) -> f64 {
    if x.abs() < FAR_OUT {
        let logarithm = ((SQRT_5 - x) / (SQRT_5 + x)).abs().ln();
        let curve = if logarithm.is_finite() { (1.0 - x * x / 5.0) * logarithm } else { 0.0 }; // 4.8
        return (0.75 / SQRT_5 * curve - 0.3 * x) / PI;
    }
    let u = SQRT_5 / x;
    let (mut power, mut sum) = (u, 0.0);
    for k in 0..SERIES_TERMS {
        let odd = f64::from(2 * k + 1);
        sum += power / (odd * (odd + 2.0));
        power *= u * u;
    }
    -3.0 / (SQRT_5 * PI) * sum
}

/// The Hilbert transform at zero, over the mean of the inverse eigenvalues (C.8).
fn transform_at_zero(h: f64) -> f64 {
    let end = SQRT_5 * h;
    let logarithm = ((1.0 + end) / (1.0 - end)).ln();
    (0.3 / (h * h) + 0.75 / end * (1.0 - 1.0 / (end * end)) * logarithm) / PI
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array1, Axis};

    /// Multiplicative congruential numbers made normal by summing twelve: no dependency, same on every machine.
    fn noise(n_observations: usize, n_assets: usize) -> Array2<f64> {
        let mut state = 12_345_u64;
        let mut uniform = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 11) as f64 / (1_u64 << 53) as f64
        };
        Array2::from_shape_fn((n_observations, n_assets), |_| (0..12).map(|_| uniform()).sum::<f64>() - 6.0)
    }

    #[test]
    fn identity_population_contracts_to_one() {
        for n_assets in [40, 79, 80, 81, 160] {
            let rows = noise(80, n_assets);
            let shrunk = nonlinear_shrinkage(rows.view()).unwrap();
            let sample = CompleteSample::of("test", rows.view(), 2).unwrap();
            let raw = SymmetricEigen::of(sample.restore(sample.covariance.clone()).view()).unwrap().values;
            let values = SymmetricEigen::of(shrunk.view()).unwrap().values;
            let spread = |x: &[f64]| x.iter().map(|x| (x - 1.0).powi(2)).sum::<f64>();
            assert!(values[0] > 0.0, "{values:?}");
            assert!(spread(&values) < 0.1 * spread(&raw), "{n_assets}: {values:?}");
        }
    }

    #[test]
    fn a_duplicate_and_a_constant_asset_add_nothing() {
        let mut rows = noise(60, 6);
        let four = rows.view().split_at(Axis(1), 4).0.to_owned();
        let twin = rows.column(0).to_owned();
        rows.column_mut(4).fill(0.2);
        rows.column_mut(5).assign(&twin);
        let shrunk = nonlinear_shrinkage(rows.view()).unwrap();
        assert!(shrunk.row(4).iter().all(|&x| x == 0.0));
        assert!(shrunk.iter().all(|x| x.is_finite()));
        assert!((shrunk[(5, 5)] - shrunk[(0, 0)]).abs() < 1e-12);
        let mut constant = four.clone();
        constant.push_column(Array1::from_elem(60, 0.2).view()).unwrap();
        let plain = nonlinear_shrinkage(four.view()).unwrap();
        let wide = nonlinear_shrinkage(constant.view()).unwrap();
        assert!(plain.indexed_iter().all(|(at, x)| (wide[at] - x).abs() < 1e-12));
    }

    #[test]
    fn the_transform_is_smooth_where_the_series_takes_over_and_falls_off_as_it_should() {
        let (inside, outside) = (kernel_transform(FAR_OUT * (1.0 - 1e-12)), kernel_transform(FAR_OUT));
        assert!((inside - outside).abs() < 1e-11 * outside.abs());
        assert!((kernel_transform(-1e7) - 1.0 / (PI * 1e7)).abs() < 1e-20);
        assert_eq!(kernel_transform(SQRT_5), -0.3 * SQRT_5 / PI);
    }

    #[test]
    fn needs_thirteen_rows_and_leaves_a_still_market_alone() {
        assert!(nonlinear_shrinkage(noise(12, 3).view()).is_err());
        assert!(nonlinear_shrinkage(noise(13, 3).view()).is_ok());
        assert!(nonlinear_shrinkage(noise(13, 1).view()).is_ok());
        let still = nonlinear_shrinkage(Array2::from_elem((20, 2), 0.1).view()).unwrap();
        assert_eq!(still, Array2::<f64>::zeros((2, 2)));
    }
}
