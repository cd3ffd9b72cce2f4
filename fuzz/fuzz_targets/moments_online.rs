//! States fed row by row, in blocks, through snapshots: they end where the batch ends, and what is refused leaves no
//! trace.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ndarray::{Array1, Array2, Array3, ArrayView1, ArrayView2, ArrayView3, Axis, Slice};
use poise_core::moments::{
    EwmaRule, EwmaState, HalfLivesState, IteratedRule, IteratedState, RollingRule, RollingState, ShrunkState,
    ZeroVariance, ewma_correlation, ewma_covariance, rolling_covariance_path,
};
use poise_fuzz::draw::{Panel, filled_panel, half_life, parameter};
use poise_fuzz::states::Saved;
use poise_fuzz::{Arbitrary, Result, Unstructured, check};

fuzz_target!(|data: &[u8]| {
    let _ = run(&mut Unstructured::new(data));
});

fn run(u: &mut Unstructured<'_>) -> Result<()> {
    match u.int_in_range(0..=4)? {
        0 => ewma(u),
        1 => iterated(u),
        2 => half_lives(u),
        3 => rolling(u),
        _ => shrunk(u),
    }
}

/// A state that rows move.
trait Moved: Saved {
    fn update(&mut self, row: ArrayView1<'_, f64>) -> poise_core::Result<()>;
    fn absorb(&mut self, rows: ArrayView2<'_, f64>) -> poise_core::Result<()>;
}

macro_rules! moved {
    ($($state:ty),*) => {$(
        impl Moved for $state {
            fn update(&mut self, row: ArrayView1<'_, f64>) -> poise_core::Result<()> {
                self.update(row)
            }
            fn absorb(&mut self, rows: ArrayView2<'_, f64>) -> poise_core::Result<()> {
                self.absorb(rows)
            }
        }
    )*};
}

moved!(EwmaState, HalfLivesState, IteratedState, RollingState, ShrunkState);

/// Feeds the panel in pieces; says whether everything was taken.
fn feed<S: Moved>(u: &mut Unstructured<'_>, state: &mut S, returns: &Panel) -> Result<bool> {
    let mut all = true;
    let mut row = 0;
    while row < returns.n_rows() {
        let before = state.to_bytes();
        let length = if u.ratio(1, 4)? { u.int_in_range(1..=returns.n_rows() - row)? } else { 1 };
        let rows = returns.view();
        let rows = rows.slice_axis(Axis(0), Slice::from(row..row + length));
        let taken = if length == 1 { state.update(rows.row(0)) } else { state.absorb(rows) };
        if taken.is_err() {
            assert_eq!(state.to_bytes(), before, "a refused row left a trace");
            all = false;
        }
        if u.ratio(1, 8)? {
            *state = S::from_bytes(&state.to_bytes()).expect("its own bytes");
        }
        row += length;
    }
    Ok(all)
}

fn ewma_rule(u: &mut Unstructured<'_>) -> Result<EwmaRule> {
    Ok(EwmaRule {
        half_life: half_life(u)?,
        adjust: bool::arbitrary(u)?,
        bias: bool::arbitrary(u)?,
        ignore_na: bool::arbitrary(u)?,
        demean: bool::arbitrary(u)?,
    })
}

fn ewma(u: &mut Unstructured<'_>) -> Result<()> {
    let rule = ewma_rule(u)?;
    let returns = filled_panel(u, 60, 8)?;
    let n = returns.n_columns();
    let Ok(mut state) = EwmaState::new(n, rule) else { return Ok(()) };
    let all = feed(u, &mut state, &returns)?;
    let even = Array1::from_elem(n, 1.0 / n as f64);
    let unfolded = state.portfolio_variance(even.view());
    if bool::arbitrary(u)? {
        state.fold();
    }
    let (covariance, correlation) = (state.covariance(), state.correlation(ZeroVariance::Uncorrelated));
    check::symmetric(covariance.view());
    check::symmetric(correlation.view());
    assert!(correlation.iter().all(|x| x.is_nan() || x.abs() <= 1.0), "{correlation}");
    if all && returns.is_tame() {
        let batch = ewma_covariance(returns.view(), &rule).expect("every row was taken");
        check::all_close(&covariance, &batch, 1e-9 * largest(&batch, &returns));
        let unfolded = unfolded.expect("finite weights");
        assert!(check::close(unfolded, even.dot(&covariance.dot(&even)), 1e-9 * largest(&batch, &returns)));
        let batch = ewma_correlation(returns.view(), &rule, ZeroVariance::Uncorrelated).expect("as above");
        assert_eq!(correlation.dim(), batch.dim());
    }
    Ok(())
}

fn iterated(u: &mut Unstructured<'_>) -> Result<()> {
    let rule = IteratedRule {
        volatility_half_life: half_life(u)?,
        correlation_half_life: half_life(u)?,
        whiten_lag: bool::arbitrary(u)?,
        winsor: if bool::arbitrary(u)? { Some(parameter(u, &[4.2, 1.0, 2.0, 10.0])?) } else { None },
    };
    let returns = filled_panel(u, 90, 8)?;
    let Ok(mut state) = IteratedState::new(returns.n_columns(), rule) else { return Ok(()) };
    let all = feed(u, &mut state, &returns)?;
    let (correlation, covariance) = (state.correlation(), state.covariance());
    check::symmetric(correlation.view());
    check::symmetric(covariance.view());
    assert!(state.age().iter().all(|age| age.is_nan() || *age >= 0.0));
    let known: Vec<usize> = (0..returns.n_columns()).filter(|&i| !correlation[(i, i)].is_nan()).collect();
    let shown = correlation.select(Axis(0), &known).select(Axis(1), &known);
    check::correlation(shown.view(), 1e-9);
    if all {
        let mut batch = IteratedState::new(returns.n_columns(), rule).expect("as before");
        batch.absorb(returns.view()).expect("every row was taken");
        assert_eq!(batch.to_bytes(), state.to_bytes(), "rows one by one end elsewhere");
    }
    Ok(())
}

/// Several half-lives beside each by itself.
fn half_lives(u: &mut Unstructured<'_>) -> Result<()> {
    let rule = ewma_rule(u)?;
    let lives = [half_life(u)?, half_life(u)?];
    let returns = filled_panel(u, 40, 5)?;
    let Ok(mut state) = HalfLivesState::new(returns.n_columns(), &lives, rule) else { return Ok(()) };
    let all = feed(u, &mut state, &returns)?;
    let n = returns.n_columns();
    let mut covariances = vec![0.0; lives.len() * n * n];
    state.write_covariance(&mut covariances).expect("room for both");
    let covariances = ArrayView3::from_shape((lives.len(), n, n), &covariances).expect("as many");
    for (&half_life, covariance) in lives.iter().zip(covariances.outer_iter()) {
        check::symmetric(covariance);
        if all && returns.is_tame() {
            let alone =
                ewma_covariance(returns.view(), &EwmaRule { half_life, ..rule }).expect("rows were taken");
            check::all_close(covariance.iter(), &alone, 1e-9 * largest(&alone, &returns));
        }
    }
    Ok(())
}

/// The moving window beside its path.
fn rolling(u: &mut Unstructured<'_>) -> Result<()> {
    let rule = RollingRule {
        window: u.int_in_range(0..=30)?,
        ddof: u.int_in_range(0..=3)?,
        demean: bool::arbitrary(u)?,
    };
    let returns = filled_panel(u, 80, 5)?;
    let (n_rows, n) = returns.dense.dim();
    let Ok(mut state) = RollingState::new(n, rule) else { return Ok(()) };
    let all = feed(u, &mut state, &returns)?;
    let covariance = state.covariance();
    check::symmetric(covariance.view());
    if !all || !returns.is_tame() {
        return Ok(());
    }
    let tolerance = 1e-9 * returns.largest().powi(2);
    let mut path = Array3::zeros((n_rows, n, n));
    rolling_covariance_path(returns.view(), rule, path.view_mut()).expect("every row was taken");
    check::all_close(&covariance, path.index_axis(Axis(0), n_rows - 1).iter(), tolerance);
    if covariance.iter().all(|x| x.is_finite()) {
        check::semidefinite(covariance.view(), tolerance);
    }
    Ok(())
}

fn shrunk(u: &mut Unstructured<'_>) -> Result<()> {
    let (half_life, ignore_na) = (half_life(u)?, bool::arbitrary(u)?);
    let returns = filled_panel(u, 40, 5)?;
    let Ok(mut state) = ShrunkState::new(returns.n_columns(), half_life, ignore_na) else { return Ok(()) };
    feed(u, &mut state, &returns)?;
    let Ok(found) = state.shrunk() else { return Ok(()) };
    check::symmetric(found.covariance.view());
    if returns.is_tame() && !returns.has_gaps() && returns.n_rows() > 1 {
        assert!((0.0..=1.0).contains(&found.intensity), "intensity {}", found.intensity);
        check::semidefinite(found.covariance.view(), 1e-9 * returns.largest().powi(2));
    }
    Ok(())
}

/// The largest number that went into a covariance or came out.
fn largest(covariance: &Array2<f64>, returns: &Panel) -> f64 {
    covariance.iter().filter(|x| x.is_finite()).fold(returns.largest().powi(2), |most, x| most.max(x.abs()))
}
