//! Risk parity: weights within their bounds that sum to one, and contributions as the certificate says.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ndarray::{Array1, ArrayView1};
use poise_core::optimization::{Side, Status, risk_parity, risk_parity_from};
use poise_core::risk::risk_contributions;
use poise_fuzz::draw::reals;
use poise_fuzz::limits::limits;
use poise_fuzz::matrices::covariance;
use poise_fuzz::{Arbitrary, Result, Unstructured, check};

fuzz_target!(|data: &[u8]| {
    let _ = run(&mut Unstructured::new(data));
});

fn run(u: &mut Unstructured<'_>) -> Result<()> {
    let covariance = covariance(u, 12)?;
    let n = covariance.n_columns();
    let budgets = match u.int_in_range(0..=3)? {
        0 | 1 => None,
        2 => Some((0..n).map(|_| Ok(f64::from(u8::arbitrary(u)?))).collect::<Result<Array1<f64>>>()?),
        _ => Some(reals(u, n)?),
    };
    let Some(limits) = limits(u, n)? else { return Ok(()) };
    let budgets = budgets.as_ref().map(|budgets| budgets.view());
    let solution = if bool::arbitrary(u)? {
        risk_parity(covariance.view(), budgets, &limits.bounds)
    } else {
        let start = (0..n).map(|_| Ok(f64::from(u8::arbitrary(u)?))).collect::<Result<Array1<f64>>>()?;
        let start = if u.ratio(1, 4)? { reals(u, n)? } else { start };
        risk_parity_from(covariance.view(), budgets, Some(&limits.bounds), Some(start.view()))
    };
    let Ok(solution) = solution else { return Ok(()) };
    check::solution(&solution, &limits);
    assert!(solution.weights.iter().all(|weight| *weight >= 0.0), "{solution:?}");
    if solution.status == Status::Optimal {
        assert!(solution.certificate <= 1e-8, "{solution:?}");
    }
    let inside = solution.sides.iter().all(|side| *side == Side::Inside);
    if solution.status == Status::Optimal && inside && budgets.is_none() {
        let weights = ArrayView1::from(&solution.weights);
        let contributions = risk_contributions(weights, covariance.dense.view()).expect("it has an optimum");
        let even = contributions.sum() / n as f64;
        assert!(
            contributions.iter().all(|c| (c - even).abs() <= 1e-6 * even),
            "{contributions} {solution:?}"
        );
    }
    Ok(())
}
