//! Minimum variance, mean-variance, maximum diversification: weights within their bounds that sum to one, and no
//! better portfolio among those that are easily found.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ndarray::{Array1, ArrayView1, ArrayView2};
use poise_core::optimization::{Solution, fill, maximum_diversification, mean_variance, minimum_variance};
use poise_fuzz::draw::{parameter, real, reals};
use poise_fuzz::limits::{Limits, limits};
use poise_fuzz::matrices::covariance;
use poise_fuzz::{Arbitrary, Result, Unstructured, check};

fuzz_target!(|data: &[u8]| {
    let _ = run(&mut Unstructured::new(data));
});

fn run(u: &mut Unstructured<'_>) -> Result<()> {
    let covariance = covariance(u, 12)?;
    let n = covariance.n_columns();
    let Some(limits) = limits(u, n)? else { return Ok(()) };
    let matrix = covariance.view();
    match u.int_in_range(0..=3)? {
        0 => {
            let Ok(solution) = minimum_variance(matrix, &limits.bounds) else { return Ok(()) };
            check::solution(&solution, &limits);
            let rival = rival(u, &limits)?;
            // An asset without variance is left out by convention, although holding it would lower the variance.
            if solution.riskless.is_empty() {
                let linear = Array1::zeros(n);
                none_better(&solution, rival.as_deref(), matrix, linear.view(), covariance.largest());
            }
        }
        1 => {
            let expected = if bool::arbitrary(u)? {
                reals(u, n)?
            } else {
                (0..n).map(|_| Ok(f64::from(i8::arbitrary(u)?) / 1000.0)).collect::<Result<_>>()?
            };
            let aversion = parameter(u, &[1.0, 0.1, 10.0, 100.0, 2.5])?;
            let Ok(solution) = mean_variance(expected.view(), matrix, aversion, &limits.bounds) else {
                return Ok(());
            };
            check::solution(&solution, &limits);
            let rival = rival(u, &limits)?;
            let linear = expected.mapv(|mu| mu / aversion);
            none_better(&solution, rival.as_deref(), matrix, linear.view(), covariance.largest());
        }
        2 => {
            let Ok(solution) = maximum_diversification(matrix, &limits.bounds) else { return Ok(()) };
            check::solution(&solution, &limits);
            assert!(solution.weights.iter().all(|weight| *weight >= 0.0), "{solution:?}");
        }
        _ => {
            let pull = reals(u, n)?;
            let total = real(u)?;
            let Ok(weights) = fill(pull.view(), &limits.bounds, total) else { return Ok(()) };
            for (weight, (low, high)) in weights.iter().zip(limits.lower.iter().zip(&limits.upper)) {
                assert!(low <= weight && weight <= high, "{weight:e} is not in [{low:e}, {high:e}]");
            }
        }
    }
    Ok(())
}

/// Other weights that keep the bounds and sum to one, where pulling finds some.
fn rival(u: &mut Unstructured<'_>, limits: &Limits) -> Result<Option<Vec<f64>>> {
    let pull: Array1<f64> =
        (0..limits.lower.len()).map(|_| Ok(f64::from(u8::arbitrary(u)?))).collect::<Result<_>>()?;
    let weights = fill(pull.view(), &limits.bounds, 1.0).expect("a sound pull");
    Ok(Some(weights).filter(|weights| (weights.iter().sum::<f64>() - 1.0).abs() < 1e-12))
}

/// `1/2 w'Sw - q'w` of the rival is no lower, but for the ridge and rounding.
fn none_better(
    solution: &Solution,
    rival: Option<&[f64]>,
    covariance: ArrayView2<'_, f64>,
    linear: ArrayView1<'_, f64>,
    largest: f64,
) {
    let Some(rival) = rival else { return };
    if !(1e-60..1e60).contains(&largest) || linear.iter().any(|q| q.abs() > 1e3 * largest) {
        return;
    }
    let value =
        |weights: ArrayView1<'_, f64>| 0.5 * weights.dot(&covariance.dot(&weights)) - linear.dot(&weights);
    let (own, other) = (ArrayView1::from(&solution.weights), ArrayView1::from(rival));
    let size = |weights: ArrayView1<'_, f64>| weights.iter().map(|weight| weight.abs()).sum::<f64>().max(1.0);
    let size = size(own).max(size(other));
    if size > 1e3 {
        return;
    }
    let pull = linear.iter().fold(0.0_f64, |most, q| most.max(q.abs()));
    // A riskless asset may move with others by 1e-10 of the largest variance.
    let slack = (1e-7 + 2.0 * solution.ridge) * size * size * (largest + pull);
    assert!(
        value(own) <= value(other) + slack,
        "{:e} is above {:e} of {other} by more than {slack:e}: {solution:?}",
        value(own),
        value(other),
    );
}
