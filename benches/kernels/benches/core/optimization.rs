//! Weights: how long to risk parity, how long to minimum variance, at the same accuracy?

use criterion::Criterion;
use ndarray::{Array1, Array2};
use poise_core::optimization::{self, Bounds};
use poise_kernels_bench::agreement::{Outcome, agree, at_most};
use poise_kernels_bench::inputs;
use quantwave_core::portfolio as quantwave;
use riskparity::vanilla::compute_riskparity_ccd_choi;
use rust_portfolio_opt::efficient_frontier::EfficientFrontier;

/// How far a contribution to risk may be from its budget.
const BUDGET_GAP: f64 = 1e-10;

/// More than any peer needs.
const MOST_ITERATIONS: i32 = 10_000;

pub(crate) fn bench(clock: &mut Criterion) -> Outcome {
    for n_assets in [10, 50, 100, 500, 1000] {
        risk_parity(clock, n_assets)?;
    }
    for n_assets in [50, 100, 500] {
        minimum_variance(clock, n_assets)?;
    }
    Ok(())
}

/// The largest difference between an asset's share of the risk and `1 / n`.
fn budget_gap(covariance: &Array2<f64>, weights: &[f64]) -> f64 {
    let weights = Array1::from_vec(weights.to_vec());
    let contributions = covariance.dot(&weights) * &weights;
    let (risk, share) = (contributions.sum(), 1.0 / weights.len() as f64);
    contributions.iter().map(|c| (c / risk - share).abs()).fold(0.0, f64::max)
}

/// The peers stop at a tolerance: it is set so that their budget gap is as small as asked.
fn risk_parity(clock: &mut Criterion, n_assets: usize) -> Outcome {
    let covariance = inputs::covariance(n_assets)?;
    let bounds = Bounds::uniform(n_assets, 0.0, 1.0)?;
    let ours = optimization::risk_parity(covariance.view(), None, &bounds)?;
    at_most("poise", budget_gap(&covariance, &ours.weights), BUDGET_GAP)?;

    let entries: Vec<f64> = covariance.iter().copied().collect();
    let theirs_015 = ndarray_015::Array2::from_shape_vec((n_assets, n_assets), entries.clone())?;
    let budget = ndarray_015::Array1::from_elem(n_assets, 1.0 / n_assets as f64);
    let tolerance = 0.1 * BUDGET_GAP / n_assets as f64;
    let descent = || compute_riskparity_ccd_choi(&theirs_015, &budget, MOST_ITERATIONS, tolerance);
    at_most("riskparity", budget_gap(&covariance, &descent().to_vec()), BUDGET_GAP)?;
    let theirs_035 = nalgebra_035::DMatrix::from_row_slice(n_assets, n_assets, &entries);
    let fixed_point = || quantwave::risk_parity(&theirs_035, None, MOST_ITERATIONS as usize, tolerance);
    at_most("quantwave", budget_gap(&covariance, fixed_point()?.as_slice()), BUDGET_GAP)?;

    let mut group = clock.benchmark_group(format!("risk parity N={n_assets}"));
    group.bench_function("poise", |b| {
        b.iter(|| optimization::risk_parity(covariance.view(), None, &bounds));
    });
    group.bench_function("riskparity", |b| b.iter(descent));
    group.bench_function("quantwave-core", |b| b.iter(fixed_point));
    group.finish();
    Ok(())
}

/// rust-portfolio-opt gets the annual covariance, as its users give it: on the daily one it does not converge. Its
/// weights are then within a few 1e-6 of the optimum, which is less than ours are: the comparison favours it.
fn minimum_variance(clock: &mut Criterion, n_assets: usize) -> Outcome {
    let covariance = inputs::covariance(n_assets)? * 252.0;
    let bounds = Bounds::uniform(n_assets, 0.0, 1.0)?;
    let entries: Vec<f64> = covariance.iter().copied().collect();
    let annual = nalgebra_033::DMatrix::from_row_slice(n_assets, n_assets, &entries);
    let mut peer = EfficientFrontier::new(nalgebra_033::DVector::zeros(n_assets), annual)?;
    let ours = optimization::minimum_variance(covariance.view(), &bounds)?;
    agree("rust-portfolio-opt", &ours.weights, peer.min_volatility()?.iter(), 1e-4)?;

    let mut group = clock.benchmark_group(format!("minimum variance, long only, N={n_assets}"));
    group.bench_function("poise", |b| {
        b.iter(|| optimization::minimum_variance(covariance.view(), &bounds));
    });
    group.bench_function("rust-portfolio-opt", |b| b.iter(|| peer.min_volatility()));
    group.finish();
    Ok(())
}
