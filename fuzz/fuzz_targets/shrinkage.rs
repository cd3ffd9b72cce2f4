//! Shrunk covariances: an intensity between 0 and 1, semidefinite, the same for every memory layout.
#![no_main]

use libfuzzer_sys::fuzz_target;
use poise_core::moments::{
    OasFormula, Shrunk, constant_correlation_shrinkage, ledoit_wolf, nonlinear_shrinkage, oas,
};
use poise_fuzz::draw::{Panel, half_life, panel};
use poise_fuzz::{Arbitrary, Result, Unstructured, check};

fuzz_target!(|data: &[u8]| {
    let _ = run(&mut Unstructured::new(data));
});

fn run(u: &mut Unstructured<'_>) -> Result<()> {
    let half_life = if bool::arbitrary(u)? { Some(half_life(u)?) } else { None };
    let demean = bool::arbitrary(u)?;
    let returns = panel(u, 80, 12)?;
    intact(&returns, |view| ledoit_wolf(view));
    intact(&returns, |view| oas(view, OasFormula::ScikitLearn));
    intact(&returns, |view| oas(view, OasFormula::Paper));
    intact(&returns, |view| constant_correlation_shrinkage(view, half_life, demean));
    if let Ok(covariance) = nonlinear_shrinkage(returns.view()) {
        check::symmetric(covariance.view());
        if returns.is_tame() {
            check::semidefinite(covariance.view(), 1e-10 * returns.largest().powi(2));
        }
    }
    Ok(())
}

fn intact(returns: &Panel, shrink: impl Fn(ndarray::ArrayView2<'_, f64>) -> poise_core::Result<Shrunk>) {
    let found = shrink(returns.view());
    assert!(!(returns.has_gaps() || returns.dense.is_empty()) || found.is_err(), "took {:?}", returns.dense);
    let Ok(Shrunk { covariance, intensity }) = found else { return };
    check::symmetric(covariance.view());
    if !returns.is_tame() {
        return;
    }
    assert!((0.0..=1.0).contains(&intensity), "intensity {intensity}");
    let tolerance = 1e-12 * returns.largest().powi(2);
    check::semidefinite(covariance.view(), tolerance);
    let dense = shrink(returns.dense.view()).expect("the same numbers");
    assert_eq!(dense.covariance.dim(), covariance.dim());
}
