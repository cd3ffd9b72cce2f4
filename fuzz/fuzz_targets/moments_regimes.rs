//! Correlations by regime and covariances over several horizons: row by row as in one go, to the bit; semidefinite; a
//! refused row leaves no trace.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ndarray::{Array1, Array2, ArrayView2, Axis};
use poise_core::moments::{IteratedRule, RegimesState, Timeframe, TimeframesState};
use poise_fuzz::draw::{filled_panel, half_life, parameter, real};
use poise_fuzz::{Arbitrary, Result, Unstructured, check};

fuzz_target!(|data: &[u8]| {
    let _ = run(&mut Unstructured::new(data));
});

fn run(u: &mut Unstructured<'_>) -> Result<()> {
    if bool::arbitrary(u)? { regimes(u) } else { timeframes(u) }
}

/// The part of a correlation that is known is one.
fn sound(correlation: ArrayView2<'_, f64>) {
    check::symmetric(correlation);
    let known: Vec<usize> = (0..correlation.nrows()).filter(|&i| !correlation[(i, i)].is_nan()).collect();
    check::correlation(correlation.select(Axis(0), &known).select(Axis(1), &known).view(), 1e-9);
}

fn regimes(u: &mut Unstructured<'_>) -> Result<()> {
    let n_regimes = u.int_in_range(0..=4)?;
    let rule = IteratedRule {
        volatility_half_life: half_life(u)?,
        correlation_half_life: half_life(u)?,
        whiten_lag: bool::arbitrary(u)?,
        ..IteratedRule::default()
    };
    let returns = filled_panel(u, 90, 5)?;
    let mut probabilities = Array2::zeros((returns.n_rows(), n_regimes));
    for mut row in probabilities.rows_mut() {
        row.iter_mut().try_for_each(|p| u8::arbitrary(u).map(|byte| *p = f64::from(byte)))?;
        let sum = row.sum();
        row.mapv_inplace(|p| if sum > 0.0 { p / sum } else { 1.0 / n_regimes as f64 });
    }
    if !probabilities.is_empty() && u.ratio(1, 8)? {
        let row = u.int_in_range(0..=returns.n_rows() - 1)?;
        probabilities[(row, 0)] = real(u)?;
    }
    let Ok(mut state) = RegimesState::new(returns.n_columns(), n_regimes, rule) else { return Ok(()) };
    let mut batch = state.clone();
    let mut all = true;
    for (row, probabilities) in returns.view().rows().into_iter().zip(probabilities.rows()) {
        let before = state.to_bytes();
        if state.update(row, probabilities).is_err() {
            assert_eq!(state.to_bytes(), before, "a refused row left a trace");
            all = false;
        }
        if u.ratio(1, 16)? {
            state = RegimesState::from_bytes(&state.to_bytes()).expect("its own bytes");
        }
    }
    let before = batch.to_bytes();
    match batch.absorb(returns.view(), probabilities.view()) {
        Ok(()) => assert_eq!(batch.to_bytes(), state.to_bytes(), "rows one by one end elsewhere"),
        Err(_) => assert_eq!(batch.to_bytes(), before, "refused rows left a trace"),
    }
    sound(state.correlation().view());
    check::symmetric(state.covariance().view());
    for regime in 0..n_regimes {
        sound(state.conditional_correlation(regime).expect("one of the regimes").view());
    }
    assert!(!all || state.n_effective().iter().all(|n| *n >= 0.0));
    Ok(())
}

fn timeframes(u: &mut Unstructured<'_>) -> Result<()> {
    const HOUR: i64 = 3_600_000_000_000;
    let base = if u.ratio(1, 16)? { i64::arbitrary(u)? } else { HOUR * u.int_in_range(1..=24)? };
    let n_horizons = u.int_in_range(0..=3)?;
    let horizons = (0..n_horizons).map(|_| {
        let odd = u.ratio(1, 16)?;
        Ok(Timeframe {
            bar: if odd { i64::arbitrary(u)? } else { base.saturating_mul(*u.choose(&[1, 2, 4, 7, 24])?) },
            weight: parameter(u, &[1.0, 0.5, 3.0])?,
            volatility_half_life: half_life(u)?,
            correlation_half_life: half_life(u)?,
        })
    });
    let horizons = horizons.collect::<Result<Vec<_>>>()?;
    let returns = filled_panel(u, 90, 4)?;
    let mut opened = Vec::new();
    let mut time = if u.ratio(1, 16)? { i64::arbitrary(u)? } else { 0 };
    for _ in 0..returns.n_rows() {
        opened.push(time);
        let bars = if u.ratio(1, 16)? { i64::from(i8::arbitrary(u)?) } else { 1 };
        time = time.saturating_add(base.saturating_mul(bars));
    }
    let opened = Array1::from(opened);
    let Ok(mut state) = TimeframesState::new(returns.n_columns(), base, &horizons) else { return Ok(()) };
    let mut batch = state.clone();
    for (&opened, row) in opened.iter().zip(returns.view().rows()) {
        let before = state.to_bytes();
        if state.update(opened, row).is_err() {
            assert_eq!(state.to_bytes(), before, "a refused row left a trace");
        }
        if u.ratio(1, 16)? {
            state = TimeframesState::from_bytes(&state.to_bytes()).expect("its own bytes");
        }
    }
    let before = batch.to_bytes();
    match batch.absorb(opened.view(), returns.view()) {
        Ok(()) => assert_eq!(batch.to_bytes(), state.to_bytes(), "rows one by one end elsewhere"),
        Err(_) => assert_eq!(batch.to_bytes(), before, "refused rows left a trace"),
    }
    sound(state.correlation().view());
    check::symmetric(state.covariance().view());
    assert_eq!(state.variance_ratio().dim(), (n_horizons, returns.n_columns()));
    Ok(())
}
