//! The kernels of the core on the clock, beside other crates where those do the same job as accurately.

mod moments;
mod optimization;
mod regime;
mod risk;

use std::time::Duration;

use criterion::Criterion;
use poise_kernels_bench::agreement::Outcome;

/// Enough samples for a median, few enough that all benches together take minutes.
fn clock() -> Criterion {
    Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
        .without_plots()
        .configure_from_args()
}

fn main() -> Outcome {
    let mut clock = clock();
    moments::bench(&mut clock)?;
    risk::bench(&mut clock)?;
    regime::bench(&mut clock)?;
    optimization::bench(&mut clock)?;
    clock.final_summary();
    Ok(())
}
