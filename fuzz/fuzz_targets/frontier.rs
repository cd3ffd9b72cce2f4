//! The efficient frontier: ordered corners within their bounds, queries that meet their targets, and a tangent that
//! no corner beats.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ndarray::Array1;
use poise_core::optimization::{Corner, Status, efficient_frontier, maximum_sharpe};
use poise_fuzz::draw::{parameter, reals};
use poise_fuzz::limits::limits;
use poise_fuzz::matrices::covariance;
use poise_fuzz::{Arbitrary, Result, Unstructured, check};

fuzz_target!(|data: &[u8]| {
    let _ = run(&mut Unstructured::new(data));
});

fn run(u: &mut Unstructured<'_>) -> Result<()> {
    let covariance = covariance(u, 12)?;
    let n = covariance.n_columns();
    let Some(limits) = limits(u, n)? else { return Ok(()) };
    let expected: Array1<f64> = if bool::arbitrary(u)? {
        reals(u, n)?
    } else {
        (0..n).map(|_| Ok(f64::from(i8::arbitrary(u)?) / 1000.0)).collect::<Result<_>>()?
    };
    let matrix = covariance.view();
    let rate = parameter(u, &[0.0, 0.01, -0.02, 0.5])?;
    if let Ok(tangent) = maximum_sharpe(expected.view(), matrix, rate, &limits.bounds) {
        check::solution(&tangent, &limits);
    }
    let Ok(frontier) = efficient_frontier(expected.view(), matrix, &limits.bounds) else { return Ok(()) };
    for Corner { weights, .. } in frontier.corners() {
        for (weight, (low, high)) in weights.iter().zip(limits.lower.iter().zip(&limits.upper)) {
            assert!(low <= weight && weight <= high, "{weight:e} is not in [{low:e}, {high:e}]");
        }
    }
    for pair in frontier.corners().windows(2) {
        assert!(pair[0].risk_tolerance >= pair[1].highest_tolerance, "{pair:?}");
        assert!(pair[1].highest_tolerance >= pair[1].risk_tolerance, "{pair:?}");
    }
    let part = f64::from(u8::arbitrary(u)?) / 255.0;
    let (top, end) = (&frontier.corners()[0], &frontier.corners()[frontier.corners().len() - 1]);
    let mix = |high: f64, low: f64| part * high + (1.0 - part) * low;
    for outcome in [
        frontier.at_return(mix(top.expected_return, end.expected_return)),
        frontier.at_variance(mix(top.variance, end.variance)),
        frontier.at_risk_tolerance(mix(top.risk_tolerance, end.risk_tolerance)),
        Ok(frontier.minimum_variance()),
    ] {
        let Ok(solution) = outcome else { continue };
        // Beside assets without variance the ends rest on the ridge, which the variance of a corner leaves out.
        assert!(solution.status != Status::Relaxed || !solution.riskless.is_empty(), "{solution:?}");
        check::solution(&solution, &limits);
    }
    Ok(())
}
