//! `from_bytes` of what risk and regime remember: foreign bytes, damaged ones, and damaged ones whose checksum fits.
//! What is refused is refused by an error; what is taken in writes itself out again to the bit and can be used.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ndarray::{Array1, Array2, Array3};
use poise_core::regime::{Engine, GaussianHmm, JumpModel, RegimeDetector};
use poise_core::risk::{DrawdownTracker, RiskEngine, RiskRule, RollingTail};
use poise_fuzz::draw::{noise, panel_of, real, reals};
use poise_fuzz::states::revived;
use poise_fuzz::{Arbitrary, Result, Unstructured};

fuzz_target!(|data: &[u8]| {
    let _ = run(&mut Unstructured::new(data));
});

fn run(u: &mut Unstructured<'_>) -> Result<()> {
    match u.int_in_range(0..=5)? {
        0 => rolling(u),
        1 => drawdown(u),
        2 => hmm(u),
        3 => jump(u),
        4 => engine(u),
        _ => detector(u),
    }
}

fn rolling(u: &mut Unstructured<'_>) -> Result<()> {
    let mut window = RollingTail::new(u.int_in_range(1..=20)?, 0.9).expect("a sound window");
    for _ in 0..u.int_in_range(0..=40)? {
        let _ = window.push(real(u)?);
    }
    let Some(mut window) = revived(u, &window)? else { return Ok(()) };
    for _ in 0..5 {
        let _ = window.push(real(u)?);
    }
    assert!(window.n_observations() <= window.window());
    Ok(())
}

fn drawdown(u: &mut Unstructured<'_>) -> Result<()> {
    let mut tracker = DrawdownTracker::default();
    for value in noise(u32::arbitrary(u)?, u.int_in_range(0..=40)?) {
        tracker.update(value).expect("a finite return");
    }
    let Some(mut tracker) = revived(u, &tracker)? else { return Ok(()) };
    for _ in 0..5 {
        let _ = tracker.update(real(u)?);
    }
    assert!((0.0..=1.0).contains(&tracker.drawdown()) && tracker.drawdown() <= tracker.max_drawdown());
    Ok(())
}

fn hmm(u: &mut Unstructured<'_>) -> Result<()> {
    let (n_states, n_features) = (u.int_in_range(1..=4)?, u.int_in_range(1..=3)?);
    let even = 1.0 / n_states as f64;
    let means = Array2::from_shape_fn((n_states, n_features), |(k, i)| k as f64 - i as f64);
    let covariances =
        Array3::from_shape_fn(
            (n_states, n_features, n_features),
            |(k, i, j)| {
                if i == j { 1.0 + k as f64 } else { 0.1 }
            },
        );
    let mut model = GaussianHmm::new(
        Array1::from_elem(n_states, even).view(),
        Array2::from_elem((n_states, n_states), even).view(),
        means.view(),
        covariances.view(),
    )
    .expect("a sound model");
    for _ in 0..u.int_in_range(0..=5)? {
        let _ = model.step(reals(u, n_features)?.view());
    }
    let Some(mut model) = revived(u, &model)? else { return Ok(()) };
    let n_features = model.n_features();
    let _ = model.step(reals(u, n_features)?.view());
    let rows = panel_of(u, (4, n_features))?;
    let _ = model.filter(rows.view());
    let _ = model.smooth(rows.view());
    let _ = model.viterbi(rows.view());
    assert_eq!(model.probabilities().len(), model.n_states());
    Ok(())
}

fn jump(u: &mut Unstructured<'_>) -> Result<()> {
    let (n_states, n_features) = (u.int_in_range(1..=4)?, u.int_in_range(1..=3)?);
    let centroids = Array2::from_shape_fn((n_states, n_features), |(k, i)| k as f64 - i as f64);
    let mut model = JumpModel::new(centroids.view(), f64::from(u8::arbitrary(u)?)).expect("a sound model");
    for _ in 0..u.int_in_range(0..=5)? {
        let _ = model.step(reals(u, n_features)?.view());
    }
    let Some(mut model) = revived(u, &model)? else { return Ok(()) };
    let n_features = model.n_features();
    if let Ok(label) = model.step(reals(u, n_features)?.view()) {
        assert!(label < model.n_states());
    }
    let rows = panel_of(u, (4, n_features))?;
    let _ = model.predict(rows.view());
    let _ = model.predict_online(rows.view());
    Ok(())
}

fn engine(u: &mut Unstructured<'_>) -> Result<()> {
    let n = u.int_in_range(1..=4)?;
    let rule = RiskRule { half_life: 10.0, window: 8, confidence_level: 0.9, min_observations: 3 };
    let mut engine = RiskEngine::new(n, rule).expect("a sound rule");
    engine.hold(Array1::from_elem(n, 1.0 / n as f64).view()).expect("sound weights");
    let n_rows = u.int_in_range(0..=12)?;
    for row in panel_of(u, (n_rows, n))?.dense.rows() {
        let _ = engine.update(&row.to_vec());
    }
    let Some(mut engine) = revived(u, &engine)? else { return Ok(()) };
    let n = engine.n_assets();
    let _ = engine.update(&reals(u, n)?.to_vec());
    let _ = engine.hold(reals(u, n)?.view());
    let _ = engine.update(&noise(u32::arbitrary(u)?, n));
    if let Some(tail) = engine.tail() {
        assert!(tail.conditional_value_at_risk >= tail.value_at_risk, "{tail:?}");
    }
    let _ = engine.risk_contributions();
    let _ = engine.diversification_ratio();
    assert_eq!(engine.covariance().dim(), engine.correlation().dim());
    Ok(())
}

fn detector(u: &mut Unstructured<'_>) -> Result<()> {
    let n = u.int_in_range(1..=4)?;
    let weights = Array1::from_elem(n, 1.0 / n as f64);
    let engine = *u.choose(&[Engine::Rules, Engine::HiddenMarkov, Engine::Jump, Engine::Pool])?;
    let mut detector = RegimeDetector::with_engine(weights.view(), engine).expect("sound weights");
    // Few rows keep the bytes short enough to be hit; many reach the thresholds, the map and its scores.
    let n_rows = if u.ratio(1, 64)? { 620 } else { u.int_in_range(0..=40)? };
    for row in noise(u32::arbitrary(u)?, n_rows * n).chunks_exact(n) {
        detector.step_slice(row).expect("finite returns");
    }
    let Some(mut detector) = revived(u, &detector)? else { return Ok(()) };
    let n = detector.n_assets();
    let _ = detector.step_slice(&reals(u, n)?.to_vec());
    for row in noise(u32::arbitrary(u)?, 40 * n).chunks_exact(n) {
        detector.step_slice(row).expect("finite returns");
    }
    let state = detector.state().expect("it is warm by now");
    assert!(
        state.label < 4 && detector.median_remaining().is_some() && detector.survival(u64::MAX).is_some()
    );
    Ok(())
}
