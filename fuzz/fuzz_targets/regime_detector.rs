//! The regime detector on markets of every kind: probabilities are probabilities, refused rows leave no trace, a saved
//! detector goes on to the bit.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ndarray::{Array1, ArrayView1};
use poise_core::regime::{Engine, RegimeDetector, RegimeState};
use poise_fuzz::draw::{noise, reals};
use poise_fuzz::{Arbitrary, Result, Unstructured, check};

fuzz_target!(|data: &[u8]| {
    let _ = run(&mut Unstructured::new(data));
});

fn run(u: &mut Unstructured<'_>) -> Result<()> {
    let n = u.int_in_range(1..=5)?;
    let weights = if u.ratio(1, 8)? { reals(u, n)? } else { Array1::from_elem(n, 1.0 / n as f64) };
    let engine =
        *u.choose(&[Engine::Rules, Engine::Rules, Engine::HiddenMarkov, Engine::Jump, Engine::Pool])?;
    let Ok(mut detector) = RegimeDetector::with_engine(weights.view(), engine) else { return Ok(()) };
    let mut twin: Option<RegimeDetector> = None;
    // Engines are fitted from the 500th row on, which takes longer than everything else: one long stretch is enough.
    let mut may_be_long = true;
    for _ in 0..u.int_in_range(1..=6)? {
        // Few rows keep inputs fast; many reach the thresholds, the map and its scores.
        let is_long = may_be_long && u.ratio(1, 64)?;
        may_be_long &= !is_long;
        let n_rows = if is_long { 520 } else { u.int_in_range(1..=60)? };
        let market = noise(u32::arbitrary(u)?, n * n_rows);
        for row in market.chunks_exact(n) {
            step(&mut detector, &mut twin, row);
        }
        for _ in 0..u.int_in_range(0..=3)? {
            step(&mut detector, &mut twin, &reals(u, n)?.to_vec());
        }
        if twin.is_none() && bool::arbitrary(u)? {
            twin = Some(RegimeDetector::from_bytes(&detector.to_bytes()).expect("its own bytes"));
        }
    }
    if let Some(twin) = twin {
        assert_eq!(twin.to_bytes(), detector.to_bytes());
    }
    Ok(())
}

fn step(detector: &mut RegimeDetector, twin: &mut Option<RegimeDetector>, row: &[f64]) {
    let before = row.iter().any(|value| !value.is_finite()).then(|| detector.to_bytes());
    let taken = detector.step_slice(row).map(|state| state.copied());
    if let Some(twin) = twin {
        assert_eq!(twin.step_slice(row).map(|state| state.copied()), taken);
    }
    match (taken, before) {
        (Ok(state), _) => state.iter().for_each(sound),
        (Err(_), Some(before)) => assert_eq!(detector.to_bytes(), before, "a refused row left a trace"),
        (Err(_), None) => {}
    }
}

fn sound(state: &RegimeState) {
    assert!(state.label < 4);
    check::probabilities(ArrayView1::from(&state.probabilities));
    assert!((0.0..=1.0).contains(&state.confidence), "{state:?}");
    assert!(state.expected_remaining >= 1.0 && state.expected_remaining.is_finite(), "{state:?}");
}
