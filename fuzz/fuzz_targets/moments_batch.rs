//! Exponentially weighted and plain covariance of whole panels: symmetric always; semidefinite, inside its limits and
//! independent of the memory layout; the path ends in the last matrix.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ndarray::{Array2, Array3, Axis};
use poise_core::moments::{
    EwmaRule, ZeroVariance, ewma_correlation, ewma_correlation_packed_path, ewma_correlation_path,
    ewma_covariance, ewma_covariance_packed_path, ewma_covariance_path, sample_covariance,
};
use poise_fuzz::draw::{Panel, half_life, panel};
use poise_fuzz::{Arbitrary, Result, Unstructured, check};

fuzz_target!(|data: &[u8]| {
    let _ = run(&mut Unstructured::new(data));
});

fn run(u: &mut Unstructured<'_>) -> Result<()> {
    let rule = EwmaRule {
        half_life: half_life(u)?,
        adjust: bool::arbitrary(u)?,
        bias: bool::arbitrary(u)?,
        ignore_na: bool::arbitrary(u)?,
        demean: bool::arbitrary(u)?,
    };
    let zero = *u.choose(&[ZeroVariance::Nan, ZeroVariance::Uncorrelated])?;
    let ddof = u.int_in_range(0..=3)?;
    let returns = panel(u, 120, 9)?;
    covariance(&returns, &rule);
    correlation(&returns, &rule, zero);
    sample(&returns, ddof);
    Ok(())
}

/// What rounding leaves in a moment of these returns.
fn rounding(returns: &Panel) -> f64 {
    1e-12 * returns.largest().powi(2)
}

fn covariance(returns: &Panel, rule: &EwmaRule) {
    let (n_rows, n) = returns.dense.dim();
    let mut path = Array3::zeros((n_rows, n, n));
    let walked = ewma_covariance_path(returns.view(), rule, path.view_mut());
    let Ok(last) = ewma_covariance(returns.view(), rule) else {
        assert!(walked.is_err());
        return;
    };
    walked.expect("the last matrix has an answer");
    let mut packed = Array2::zeros((n_rows, n * (n + 1) / 2));
    ewma_covariance_packed_path(returns.view(), rule, packed.view_mut()).expect("as the full path");
    if returns.is_tame() {
        same_triangles(&path, &packed, rounding(returns));
    }
    check::symmetric(last.view());
    for matrix in path.axis_iter(Axis(0)) {
        check::symmetric(matrix);
    }
    if !returns.is_tame() {
        return;
    }
    let tolerance = rounding(returns);
    let dense = ewma_covariance(returns.dense.view(), rule).expect("the same numbers");
    check::all_close(&last, &dense, inflated(&last, tolerance));
    check::all_close(&last, path.index_axis(Axis(0), n_rows - 1).iter(), inflated(&last, tolerance));
    if !returns.has_gaps() && last.iter().all(|x| x.is_finite()) {
        check::semidefinite(last.view(), inflated(&last, tolerance));
    }
}

/// The packed path holds the lower triangles of the full one, row by row.
fn same_triangles(path: &Array3<f64>, packed: &Array2<f64>, tolerance: f64) {
    for (matrix, triangle) in path.outer_iter().zip(packed.rows()) {
        let lower = matrix.indexed_iter().filter(|((i, j), _)| j <= i).map(|(_, x)| x);
        check::all_close(lower, triangle, inflated(&matrix.to_owned(), tolerance));
    }
}

/// The correction of a few observations multiplies their rounding as well.
fn inflated(covariance: &Array2<f64>, tolerance: f64) -> f64 {
    let largest =
        covariance.iter().filter(|x| x.is_finite()).fold(0.0_f64, |largest, x| largest.max(x.abs()));
    tolerance + 1e-9 * largest
}

fn correlation(returns: &Panel, rule: &EwmaRule, zero: ZeroVariance) {
    let (n_rows, n) = returns.dense.dim();
    let mut path = Array3::zeros((n_rows, n, n));
    let walked = ewma_correlation_path(returns.view(), rule, zero, path.view_mut());
    let Ok(last) = ewma_correlation(returns.view(), rule, zero) else {
        assert!(walked.is_err());
        return;
    };
    walked.expect("the last matrix has an answer");
    let mut packed = Array2::zeros((n_rows, n * (n + 1) / 2));
    ewma_correlation_packed_path(returns.view(), rule, zero, packed.view_mut()).expect("as the full path");
    assert!(packed.iter().all(|x| x.is_nan() || x.abs() <= 1.0), "{packed}");
    for matrix in path.axis_iter(Axis(0)).chain([last.view()]) {
        check::symmetric(matrix);
        assert!(matrix.iter().all(|x| x.is_nan() || x.abs() <= 1.0), "{matrix}");
        assert!(matrix.diag().iter().all(|x| x.is_nan() || *x == 1.0), "{matrix}");
    }
}

fn sample(returns: &Panel, ddof: u64) {
    let Ok(covariance) = sample_covariance(returns.view(), ddof) else { return };
    check::symmetric(covariance.view());
    if returns.is_tame() && !returns.has_gaps() && returns.n_rows() as u64 > ddof {
        check::semidefinite(covariance.view(), 4.0 * rounding(returns));
        let dense = sample_covariance(returns.dense.view(), ddof).expect("the same numbers");
        check::all_close(&covariance, &dense, 4.0 * rounding(returns));
    }
}
