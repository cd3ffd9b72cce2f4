//! Covariances: how long for the last matrix, every matrix, one more row?

use criterion::Criterion;
use ndarray::{Array2, Array3};
use poise_core::moments::{self, EwmaRule, EwmaState};
use poise_kernels_bench::agreement::{Outcome, agree};
use poise_kernels_bench::inputs;
use quantwave_core::portfolio as quantwave;
use rust_portfolio_opt::risk_models::{self, CovarianceShrinkage, LedoitWolfTarget};

/// Half-life of an exponential span of 60.
fn half_life() -> f64 {
    -std::f64::consts::LN_2 / (1.0 - 2.0 / 61.0_f64).ln()
}

pub(crate) fn bench(clock: &mut Criterion) -> Outcome {
    last(clock)?;
    sample(clock)?;
    shrinkage(clock)?;
    paths(clock);
    ticks(clock)?;
    Ok(())
}

fn nalgebra_033(matrix: &Array2<f64>) -> nalgebra_033::DMatrix<f64> {
    nalgebra_033::DMatrix::from_row_iterator(matrix.nrows(), matrix.ncols(), matrix.iter().copied())
}

fn nalgebra_035(matrix: &Array2<f64>) -> nalgebra_035::DMatrix<f64> {
    nalgebra_035::DMatrix::from_row_iterator(matrix.nrows(), matrix.ncols(), matrix.iter().copied())
}

/// rust-portfolio-opt divides by the sum of weights (`bias`), quantwave corrects for it as pandas does.
fn last(clock: &mut Criterion) -> Outcome {
    let returns = inputs::returns(1000, 100);
    let (theirs_033, theirs_035) = (nalgebra_033(&returns), nalgebra_035(&returns));
    let unbiased = EwmaRule::new(half_life());
    let biased = EwmaRule { bias: true, ..unbiased };
    let ours = moments::ewma_covariance(returns.view(), &biased)?;
    let theirs = risk_models::exp_cov_from_returns(&theirs_033, Some(60), Some(1))?;
    agree("rust-portfolio-opt exp_cov", &ours, theirs.iter(), 1e-12)?;
    let ours = moments::ewma_covariance(returns.view(), &unbiased)?;
    let theirs = quantwave::ewma_cov(&theirs_035, half_life())?;
    agree("quantwave ewma_cov", &ours, theirs.iter(), 1e-12)?;

    let mut group = clock.benchmark_group("ewma covariance, last matrix, T=1000 N=100");
    group.bench_function("poise", |b| b.iter(|| moments::ewma_covariance(returns.view(), &unbiased)));
    group.bench_function("rust-portfolio-opt", |b| {
        b.iter(|| risk_models::exp_cov_from_returns(&theirs_033, Some(60), Some(1)));
    });
    group.bench_function("quantwave-core", |b| b.iter(|| quantwave::ewma_cov(&theirs_035, half_life())));
    group.finish();
    Ok(())
}

fn sample(clock: &mut Criterion) -> Outcome {
    let returns = inputs::returns(1000, 100);
    let (theirs_033, theirs_035) = (nalgebra_033(&returns), nalgebra_035(&returns));
    let ours = moments::sample_covariance(returns.view(), 1)?;
    let theirs = risk_models::sample_cov_from_returns(&theirs_033, Some(1))?;
    agree("rust-portfolio-opt sample_cov", &ours, theirs.iter(), 1e-12)?;
    agree("quantwave sample_cov", &ours, quantwave::sample_cov(&theirs_035)?.iter(), 1e-12)?;

    let mut group = clock.benchmark_group("sample covariance T=1000 N=100");
    group.bench_function("poise", |b| b.iter(|| moments::sample_covariance(returns.view(), 1)));
    group.bench_function("rust-portfolio-opt", |b| {
        b.iter(|| risk_models::sample_cov_from_returns(&theirs_033, Some(1)));
    });
    group.bench_function("quantwave-core", |b| b.iter(|| quantwave::sample_cov(&theirs_035)));
    group.finish();
    Ok(())
}

fn shrinkage(clock: &mut Criterion) -> Outcome {
    let returns = inputs::returns(1000, 100);
    let mut peer = CovarianceShrinkage::from_returns(nalgebra_033(&returns), Some(1));
    let ours = moments::ledoit_wolf(returns.view())?.covariance;
    let theirs = peer.ledoit_wolf(LedoitWolfTarget::ConstantVariance)?;
    agree("rust-portfolio-opt Ledoit-Wolf", &ours, theirs.iter(), 1e-12)?;
    let mut group = clock.benchmark_group("Ledoit-Wolf towards the identity T=1000 N=100");
    group.bench_function("poise", |b| b.iter(|| moments::ledoit_wolf(returns.view())));
    group.bench_function("rust-portfolio-opt", |b| {
        b.iter(|| peer.ledoit_wolf(LedoitWolfTarget::ConstantVariance));
    });
    group.finish();

    let mut group = clock.benchmark_group("Ledoit-Wolf towards constant correlation T=1000 N=100");
    group.bench_function("poise", |b| {
        b.iter(|| moments::constant_correlation_shrinkage(returns.view(), None, true));
    });
    group.finish();
    Ok(())
}

/// Into an array that is there already: page faults are not the kernel's.
fn paths(clock: &mut Criterion) {
    let mut group = clock.benchmark_group("ewma covariance, every matrix");
    for (n_observations, n_assets) in [(200, 50), (1000, 50), (2000, 100)] {
        let returns = inputs::returns(n_observations, n_assets);
        let mut out = Array3::zeros((n_observations, n_assets, n_assets));
        let rule = EwmaRule::new(half_life());
        group.bench_function(format!("poise T={n_observations} N={n_assets}"), |b| {
            b.iter(|| moments::ewma_covariance_path(returns.view(), &rule, out.view_mut()));
        });
    }
    group.finish();
}

fn ticks(clock: &mut Criterion) -> Outcome {
    let mut group = clock.benchmark_group("ewma covariance, one tick");
    for n_assets in [50, 200, 1000] {
        let returns = inputs::returns(1000, n_assets);
        let mut state = EwmaState::new(n_assets, EwmaRule::new(half_life()))?;
        let mut rows = returns.rows().into_iter().cycle();
        group.bench_function(format!("poise N={n_assets}"), |b| {
            b.iter(|| rows.next().map(|row| state.update(row)));
        });
    }
    group.finish();
    Ok(())
}
