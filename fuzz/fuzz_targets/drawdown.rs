//! Drawdowns of any finite returns: between 0 and 1, the batch and the tracker agree, refused returns leave no trace.
#![no_main]

use libfuzzer_sys::fuzz_target;
use poise_core::risk::{
    DrawdownTracker, conditional_drawdown_at_risk, drawdown_duration, drawdowns, max_drawdown,
    max_drawdown_columns, ulcer_index,
};
use poise_fuzz::draw::{confidence_level, panel};
use poise_fuzz::{Result, Unstructured, check};

fuzz_target!(|data: &[u8]| {
    let _ = run(&mut Unstructured::new(data));
});

fn run(u: &mut Unstructured<'_>) -> Result<()> {
    let level = confidence_level(u)?;
    // From 256 observations on the largest drawdown is taken by segments.
    let most = if u.ratio(1, 4)? { 600 } else { 60 };
    let returns = panel(u, most, 4)?;
    let Ok(all) = drawdowns(returns.view()) else {
        assert!(returns.n_rows() == 0 || !returns.is_finite());
        assert!(max_drawdown_columns(returns.view()).is_err() && ulcer_index(returns.view()).is_err());
        return track(u, &returns, None);
    };
    assert!(all.iter().all(|drawdown| (0.0..=1.0).contains(drawdown)));
    let largest = max_drawdown_columns(returns.view()).expect("finite returns");
    let ulcer = ulcer_index(returns.view()).expect("finite returns");
    let duration = drawdown_duration(returns.view()).expect("finite returns");
    for (column, drawdowns) in all.columns().into_iter().enumerate() {
        assert_eq!(largest[column], drawdowns.iter().fold(0.0, |most: f64, x| most.max(*x)));
        assert!((0.0..=1.0 + 1e-12).contains(&ulcer[column]) && ulcer[column] <= largest[column] + 1e-9);
        assert!(duration[column] <= returns.n_rows() as u64);
        let alone = max_drawdown(returns.view().column(column)).expect("finite returns");
        assert!((alone - largest[column]).abs() <= 1e-9, "{alone} {}", largest[column]);
    }
    if let Ok(at_risk) = conditional_drawdown_at_risk(returns.view(), level) {
        assert!(at_risk.iter().zip(&largest).all(|(mean, most)| (0.0..=most + 1e-12).contains(mean)));
    }
    if returns.n_columns() == 0 { Ok(()) } else { track(u, &returns, Some((all, ulcer[0]))) }
}

fn track(
    u: &mut Unstructured<'_>,
    returns: &poise_fuzz::draw::Panel,
    batch: Option<(ndarray::Array2<f64>, f64)>,
) -> Result<()> {
    let mut tracker = DrawdownTracker::default();
    if returns.n_columns() == 0 {
        return Ok(());
    }
    for (t, &value) in returns.column().iter().enumerate() {
        let before = tracker.to_bytes();
        match (tracker.update(value), &batch) {
            (Err(_), None) => assert_eq!(tracker.to_bytes(), before, "a refused return left a trace"),
            (Err(error), Some(_)) => panic!("{error}"),
            (Ok(drawdown), Some((all, _))) => assert!(check::same(drawdown, all[(t, 0)])),
            (Ok(drawdown), None) => assert!((0.0..=1.0).contains(&drawdown)),
        }
        if u.ratio(1, 16)? {
            tracker = DrawdownTracker::from_bytes(&tracker.to_bytes()).expect("its own bytes");
        }
    }
    if let Some((_, ulcer)) = batch {
        assert!(check::same(tracker.ulcer_index(), ulcer));
    }
    Ok(())
}
