//! Hidden states: how long to fit them, how long to follow them? And a bar of the regime detector: below 20
//! microseconds with 50 assets?

use criterion::Criterion;
use ndarray::{Array1, Axis, Slice};
use poise_core::regime::{
    GaussianHmm, HmmSettings, JumpSettings, RegimeDetector, fit_gaussian_hmm, fit_jump_model,
};
use poise_kernels_bench::agreement::{Outcome, agree};
use poise_kernels_bench::inputs;
use quantwave_core::regimes::gaussian_hmm::{GaussianHmmFilter, GaussianHmmParams};
use quantwave_core::traits::Next;

const HMM: HmmSettings = HmmSettings {
    n_states: 3,
    full: true,
    n_restarts: 10,
    sticky: 0.0,
    max_iterations: 200,
    tolerance: 1e-6,
    seed: 7,
};

pub(crate) fn bench(clock: &mut Criterion) -> Outcome {
    steps(clock)?;
    bars(clock)?;
    fits(clock)?;
    Ok(())
}

/// quantwave knows one feature only.
fn steps(clock: &mut Criterion) -> Outcome {
    let features = inputs::features(2000, 5);
    let first = features.slice_axis(Axis(1), Slice::from(..1));
    let single = fit_gaussian_hmm(first, &HMM)?.model;
    let mut ours = single.clone();
    ours.reset();
    let mut theirs = GaussianHmmFilter::new(as_quantwave(&single)?);
    for &value in first.column(0) {
        agree("quantwave filter", ours.step(ndarray::arr1(&[value]).view())?, &theirs.next(value), 1e-12)?;
    }

    let mut group = clock.benchmark_group("hidden Markov model, one filter step");
    let mut rows = first.rows().into_iter().cycle();
    group.bench_function("poise K=3 F=1", |b| {
        b.iter(|| rows.next().map(|row| ours.step(row).map(|probabilities| probabilities[0])));
    });
    group.bench_function("quantwave-core K=3 F=1", |b| {
        b.iter(|| rows.next().map(|row| theirs.next(row[0])[0]));
    });
    let mut model = fit_gaussian_hmm(features.view(), &HMM)?.model;
    let mut rows = features.rows().into_iter().cycle();
    group.bench_function("poise K=3 F=5", |b| {
        b.iter(|| rows.next().map(|row| model.step(row).map(|probabilities| probabilities[0])));
    });
    group.finish();
    Ok(())
}

/// All windows full, the calibration fitted anew every 90 bars as in life.
fn bars(clock: &mut Criterion) -> Outcome {
    let mut group = clock.benchmark_group("regime detector, one bar");
    for n_assets in [10, 50, 500] {
        let returns = inputs::returns(3000, n_assets);
        let mut detector = RegimeDetector::new(Array1::from_elem(n_assets, 1.0 / n_assets as f64).view())?;
        detector.follow(returns.view(), |_, _| {})?;
        let mut rows = returns.rows().into_iter().cycle();
        group.bench_function(format!("poise N={n_assets}"), |b| {
            b.iter(|| rows.next().map(|row| detector.step(row).map(|state| state.copied())));
        });
    }
    group.finish();
    Ok(())
}

fn as_quantwave(model: &GaussianHmm) -> Result<GaussianHmmParams, Box<dyn std::error::Error>> {
    let gamma = model.transition_matrix().rows().into_iter().map(|row| row.to_vec()).collect();
    let stds = model.covariances().iter().map(|variance| variance.sqrt()).collect();
    let delta = model.start_probabilities().to_vec();
    Ok(GaussianHmmParams::new(delta, gamma, model.means().iter().copied().collect(), stds)?)
}

fn fits(clock: &mut Criterion) -> Outcome {
    let features = inputs::features(2000, 5);
    let mut group = clock.benchmark_group("fit T=2000 K=3 F=5, 10 starts");
    group.sample_size(10);
    for (name, full) in [("poise hidden Markov, full", true), ("poise hidden Markov, diagonal", false)] {
        let settings = HmmSettings { full, ..HMM };
        group.bench_function(name, |b| b.iter(|| fit_gaussian_hmm(features.view(), &settings)));
    }
    let settings = JumpSettings { n_states: 3, jump_penalty: 10.0, n_restarts: 10, seed: 7 };
    fit_jump_model(features.view(), &settings)?;
    group.bench_function("poise jump model", |b| b.iter(|| fit_jump_model(features.view(), &settings)));
    group.finish();
    Ok(())
}
