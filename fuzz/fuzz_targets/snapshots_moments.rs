//! `from_bytes` of running moments: foreign bytes, damaged ones, and damaged ones whose checksum fits. What is refused
//! is refused by an error; what is taken in writes itself out again to the bit and can be used.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ndarray::{Array1, Array2};
use poise_core::moments::{
    EwmaRule, EwmaState, HalfLivesState, IteratedRule, IteratedState, RegimesState, RollingRule,
    RollingState, ShrunkState, Timeframe, TimeframesState, ZeroVariance,
};
use poise_fuzz::draw::{panel_of, reals};
use poise_fuzz::states::revived;
use poise_fuzz::{Arbitrary, Result, Unstructured};

const HOUR: i64 = 3_600_000_000_000;

fuzz_target!(|data: &[u8]| {
    let _ = run(&mut Unstructured::new(data));
});

fn run(u: &mut Unstructured<'_>) -> Result<()> {
    match u.int_in_range(0..=6)? {
        0 => ewma(u),
        1 => half_lives(u),
        2 => iterated(u),
        3 => regimes(u),
        4 => timeframes(u),
        5 => rolling(u),
        _ => shrunk(u),
    }
}

fn ewma_rule(u: &mut Unstructured<'_>) -> Result<EwmaRule> {
    Ok(EwmaRule {
        adjust: bool::arbitrary(u)?,
        bias: bool::arbitrary(u)?,
        ignore_na: bool::arbitrary(u)?,
        demean: bool::arbitrary(u)?,
        ..EwmaRule::new(5.0)
    })
}

fn ewma(u: &mut Unstructured<'_>) -> Result<()> {
    let n = u.int_in_range(1..=6)?;
    let mut state = EwmaState::new(n, ewma_rule(u)?).expect("a sound rule");
    let n_rows = u.int_in_range(0..=12)?;
    for row in panel_of(u, (n_rows, n))?.view().rows() {
        let _ = state.update(row);
    }
    let Some(mut state) = revived(u, &state)? else { return Ok(()) };
    let n = state.n_assets();
    let _ = state.update(reals(u, n)?.view());
    let _ = state.absorb(panel_of(u, (3, n))?.view());
    assert_eq!(state.covariance().dim(), (n, n));
    assert_eq!(state.correlation(ZeroVariance::Uncorrelated).dim(), (n, n));
    assert_eq!(state.volatility().len(), n);
    Ok(())
}

fn half_lives(u: &mut Unstructured<'_>) -> Result<()> {
    let n = u.int_in_range(1..=4)?;
    let mut state = HalfLivesState::new(n, &[3.0, 20.0], ewma_rule(u)?).expect("a sound rule");
    let n_rows = u.int_in_range(0..=12)?;
    let _ = state.absorb(panel_of(u, (n_rows, n))?.view());
    let Some(mut state) = revived(u, &state)? else { return Ok(()) };
    let n = state.n_assets();
    let _ = state.update(reals(u, n)?.view());
    let _ = state.absorb(panel_of(u, (3, n))?.view());
    let mut out = vec![0.0; state.n_half_lives() * n * n];
    state.write_covariance(&mut out).expect("room for all");
    state.write_correlation(ZeroVariance::Nan, &mut out).expect("room for all");
    assert_eq!(state.volatility().ncols(), n);
    Ok(())
}

fn iterated(u: &mut Unstructured<'_>) -> Result<()> {
    let n = u.int_in_range(1..=6)?;
    let mut state = IteratedState::new(n, IteratedRule::default()).expect("a sound rule");
    let n_rows = u.int_in_range(0..=60)?;
    let _ = state.absorb(panel_of(u, (n_rows, n))?.view());
    let Some(mut state) = revived(u, &state)? else { return Ok(()) };
    let n = state.n_assets();
    let _ = state.update(reals(u, n)?.view());
    let _ = state.absorb(panel_of(u, (3, n))?.view());
    assert_eq!(state.covariance().dim(), (n, n));
    assert_eq!(state.correlation().dim(), (n, n));
    assert_eq!(state.age().len(), n);
    Ok(())
}

fn regimes(u: &mut Unstructured<'_>) -> Result<()> {
    let (n, n_regimes) = (u.int_in_range(1..=4)?, u.int_in_range(1..=3)?);
    let mut state = RegimesState::new(n, n_regimes, IteratedRule::default()).expect("a sound rule");
    let n_rows = u.int_in_range(0..=40)?;
    let even = Array2::from_elem((n_rows, n_regimes), 1.0 / n_regimes as f64);
    let _ = state.absorb(panel_of(u, (n_rows, n))?.view(), even.view());
    let Some(mut state) = revived(u, &state)? else { return Ok(()) };
    let (n, n_regimes) = (state.n_assets(), state.n_regimes());
    let even = Array1::from_elem(n_regimes, 1.0 / n_regimes as f64);
    let _ = state.update(reals(u, n)?.view(), even.view());
    let _ = state.update(panel_of(u, (1, n))?.view().row(0), even.view());
    assert_eq!(state.covariance().dim(), state.correlation().dim());
    for regime in 0..=n_regimes {
        assert_eq!(state.conditional_correlation(regime).is_ok(), regime < n_regimes);
    }
    assert_eq!((state.n_effective().len(), state.volatility().len()), (n_regimes, n));
    Ok(())
}

fn timeframes(u: &mut Unstructured<'_>) -> Result<()> {
    let n = u.int_in_range(1..=3)?;
    let horizons = [1, 4, 24].map(|hours| Timeframe {
        bar: hours * HOUR,
        weight: 1.0,
        volatility_half_life: 5.0,
        correlation_half_life: 10.0,
    });
    let mut state = TimeframesState::new(n, HOUR, &horizons).expect("sound horizons");
    let n_rows = u.int_in_range(0..=60)?;
    let opened: Array1<i64> = (0..n_rows as i64).map(|bar| bar * HOUR).collect();
    let _ = state.absorb(opened.view(), panel_of(u, (n_rows, n))?.view());
    let Some(mut state) = revived(u, &state)? else { return Ok(()) };
    let n = state.n_assets();
    let opened = if bool::arbitrary(u)? { n_rows as i64 * HOUR } else { i64::arbitrary(u)? };
    let _ = state.update(opened, reals(u, n)?.view());
    let _ = state.update(opened.saturating_add(HOUR), panel_of(u, (1, n))?.view().row(0));
    assert_eq!(state.covariance().dim(), state.correlation().dim());
    assert_eq!(state.variance_ratio().dim(), state.n_closed().dim());
    assert_eq!(state.volatility().len(), n);
    Ok(())
}

fn rolling(u: &mut Unstructured<'_>) -> Result<()> {
    let n = u.int_in_range(1..=4)?;
    let rule = RollingRule { window: u.int_in_range(2..=9)?, ddof: 1, demean: bool::arbitrary(u)? };
    let mut state = RollingState::new(n, rule).expect("a sound rule");
    let n_rows = u.int_in_range(0..=20)?;
    let _ = state.absorb(panel_of(u, (n_rows, n))?.view());
    let Some(mut state) = revived(u, &state)? else { return Ok(()) };
    let n = state.n_assets();
    let _ = state.update(reals(u, n)?.view());
    let _ = state.absorb(panel_of(u, (9, n))?.view());
    assert_eq!((state.covariance().nrows(), state.volatility().len()), (n, n));
    Ok(())
}

fn shrunk(u: &mut Unstructured<'_>) -> Result<()> {
    let n = u.int_in_range(1..=4)?;
    let mut state = ShrunkState::new(n, 10.0, bool::arbitrary(u)?).expect("a sound rule");
    let n_rows = u.int_in_range(0..=12)?;
    let _ = state.absorb(panel_of(u, (n_rows, n))?.view());
    let Some(mut state) = revived(u, &state)? else { return Ok(()) };
    let n = state.n_assets();
    let _ = state.update(reals(u, n)?.view());
    let _ = state.absorb(panel_of(u, (3, n))?.view());
    let _ = state.shrunk();
    assert_eq!(state.volatility().len(), n);
    Ok(())
}
