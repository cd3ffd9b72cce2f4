//! What can be lost: batch and one return at a time. None of the peers does any of it.

use criterion::Criterion;
use poise_core::risk::{self, DrawdownTracker, RollingTail};
use poise_kernels_bench::agreement::Outcome;
use poise_kernels_bench::inputs;

const CONFIDENCE_LEVEL: f64 = 0.95;

pub(crate) fn bench(clock: &mut Criterion) -> Outcome {
    batches(clock)?;
    steps(clock)?;
    Ok(())
}

fn batches(clock: &mut Criterion) -> Outcome {
    let mut group = clock.benchmark_group("historical value at risk and its conditional");
    for n in [1_000, 100_000, 1_000_000] {
        let returns = inputs::series(n);
        risk::historical_tail(returns.view(), CONFIDENCE_LEVEL)?;
        group.bench_function(format!("poise T={n}"), |b| {
            b.iter(|| risk::historical_tail(returns.view(), CONFIDENCE_LEVEL));
        });
    }
    group.finish();

    let mut group = clock.benchmark_group("max drawdown");
    for n in [10_000, 1_000_000] {
        let returns = inputs::series(n);
        risk::max_drawdown(returns.view())?;
        group.bench_function(format!("poise T={n}"), |b| b.iter(|| risk::max_drawdown(returns.view())));
    }
    group.finish();

    let mut group = clock.benchmark_group("rolling value at risk and its conditional");
    let returns = inputs::returns(100_000, 1);
    risk::rolling_tail(returns.view(), 500, CONFIDENCE_LEVEL)?;
    group.bench_function("poise T=100000 window=500", |b| {
        b.iter(|| risk::rolling_tail(returns.view(), 500, CONFIDENCE_LEVEL));
    });
    group.finish();
    Ok(())
}

fn steps(clock: &mut Criterion) -> Outcome {
    let returns = inputs::series(10_000);
    let mut group = clock.benchmark_group("one more return");
    let mut rolling = RollingTail::new(500, CONFIDENCE_LEVEL)?;
    let mut values = returns.iter().cycle();
    group.bench_function("poise rolling tail window=500", |b| {
        b.iter(|| values.next().map(|&value| rolling.push(value)));
    });
    let mut drawdown = DrawdownTracker::default();
    group.bench_function("poise drawdown", |b| {
        b.iter(|| values.next().map(|&value| drawdown.update(value)));
    });
    group.finish();
    Ok(())
}
