use super::rules::{BULL, HIGH_VOLATILITY, SIDEWAYS};
use super::*;
use crate::regime::rng::Stream;
use ndarray::{Array1, Array2, Axis, Slice};

/// Calm, wild, rising and quiet bars in turn, with a gap and a late asset.
fn market(n_rows: usize, n_assets: usize) -> Array2<f64> {
    let mut stream = Stream::new(12, 0);
    let mut normal = move || (0..12).map(|_| stream.uniform()).sum::<f64>() - 6.0;
    let mut rows = Array2::zeros((n_rows, n_assets));
    for (t, mut row) in rows.rows_mut().into_iter().enumerate() {
        let (drift, size) = [(0.0, 0.01), (0.0, 0.04), (0.006, 0.01), (0.0, 0.005)][t / 150 % 4];
        let index = drift + size * normal();
        row.iter_mut().for_each(|value| *value = index + 0.3 * size * normal());
        if t < 40 && n_assets > 1 {
            row[n_assets - 1] = f64::NAN;
        }
        if t == 300 {
            row.fill(f64::NAN);
        }
    }
    rows
}

fn detector(n_assets: usize) -> RegimeDetector {
    RegimeDetector::new(Array1::from_elem(n_assets, 1.0 / n_assets as f64).view()).unwrap()
}

#[test]
fn regimes_are_recognised_and_judged() {
    let rows = market(1800, 3);
    let mut detector = detector(3);
    let mut labels = Vec::new();
    detector
        .follow(rows.view(), |t, state| {
            assert_eq!(state.is_some(), t >= 19);
            labels.push(state.map_or(SIDEWAYS, |state| state.label));
        })
        .unwrap();
    let share = |label: usize, bars: std::ops::Range<usize>| {
        labels[bars.clone()].iter().filter(|found| **found == label).count() as f64 / bars.len() as f64
    };
    assert!(share(HIGH_VOLATILITY, 770..900) > 0.8);
    assert!(share(BULL, 950..1050) > 0.6);
    let scores = detector.scores();
    // Every reading of an observation that 30 others followed; the first reading is that of row 19.
    assert_eq!(scores.number, 1799 - 30 - 19 - 11);
    assert_eq!(scores.bins.iter().map(|bin| bin.number).sum::<u64>(), scores.number);
    assert!(detector.survival(0) == Some(1.0) && detector.median_remaining().is_some());
}

#[test]
fn a_constant_index_is_sideways_and_never_volatile() {
    let mut detector = detector(3);
    for _ in 0..700 {
        detector.step_slice(&[0.0; 3]).unwrap();
    }
    let state = detector.state().unwrap();
    assert_eq!((state.label, state.probabilities[HIGH_VOLATILITY]), (SIDEWAYS, 0.0));
    assert_eq!(state.confidence, 1.0);
}

#[test]
fn a_restored_detector_goes_on_bit_for_bit() {
    let rows = market(1500, 3);
    for cut in [0, 1, 19, 20, 301, 560, 1200] {
        let mut one = detector(3);
        one.follow(rows.slice_axis(Axis(0), Slice::from(..cut)), |_, _| {}).unwrap();
        let mut other = RegimeDetector::from_bytes(&one.to_bytes()).unwrap();
        assert_eq!(other.to_bytes(), one.to_bytes());
        for row in rows.slice_axis(Axis(0), Slice::from(cut..)).rows().into_iter().take(200) {
            assert_eq!(one.step(row).unwrap(), other.step(row).unwrap());
        }
        assert_eq!(other.to_bytes(), one.to_bytes());
    }
}

#[test]
fn a_bar_allocates_nothing() {
    let rows = market(1500, 50);
    let mut detector = detector(50);
    let steps = allocation_counter::measure(|| {
        for row in rows.rows() {
            detector.step(row).unwrap();
        }
    });
    assert_eq!(steps.count_total, 0);
}

#[test]
fn a_refused_row_changes_nothing() {
    let mut detector = detector(2);
    detector.step_slice(&[0.1, 0.2]).unwrap();
    let before = detector.to_bytes();
    let message = detector.step_slice(&[0.1, f64::INFINITY]).unwrap_err().to_string();
    assert!(message.contains("index 1"), "{message}");
    assert!(detector.step_slice(&[0.1, -1e200]).is_err());
    assert!(detector.step_slice(&[0.1]).is_err());
    assert_eq!(detector.to_bytes(), before);
}

#[test]
fn weights_are_checked() {
    let refused =
        |weights: &[f64]| RegimeDetector::new(ArrayView1::from(weights)).map(|_| ()).unwrap_err().to_string();
    assert!(refused(&[]).contains("empty"));
    assert!(refused(&[0.5, -0.1]).contains("-0.1"));
    assert!(refused(&[0.0, 0.0]).contains("sum"));
    assert!(refused(&[1e308, 1e308]).contains("inf"));
    assert!(refused(&[f64::NAN]).contains("NaN"));
}

#[test]
fn damaged_bytes_are_noticed() {
    let mut detector = detector(2);
    detector.follow(market(60, 2).view(), |_, _| {}).unwrap();
    let bytes = detector.to_bytes();
    for at in (0..bytes.len()).step_by(7) {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x10;
        assert!(matches!(RegimeDetector::from_bytes(&damaged), Err(Error::Snapshot { .. })), "byte {at}");
        assert!(matches!(RegimeDetector::from_bytes(&bytes[..at]), Err(Error::Snapshot { .. })));
    }
}

#[test]
fn bytes_of_the_first_filter_are_refused() {
    let format = crate::snapshot::Format { mark: b"poiseRGM", version: 1, name: "a regime detector" };
    let bytes = crate::snapshot::Writer::new(format).finish();
    let message = RegimeDetector::from_bytes(&bytes).unwrap_err().to_string();
    assert!(message.contains("version 1") && message.contains("afresh"), "{message}");
}

fn with_engine(n_assets: usize, engine: Engine) -> RegimeDetector {
    RegimeDetector::with_engine(Array1::from_elem(n_assets, 1.0 / n_assets as f64).view(), engine).unwrap()
}

const COMPANY: [Engine; 3] = [Engine::HiddenMarkov, Engine::Jump, Engine::Pool];

#[test]
fn before_the_first_fit_every_engine_is_the_rules() {
    let rows = market(499, 3);
    let mut rules = detector(3);
    rules.follow(rows.view(), |_, _| {}).unwrap();
    for engine in COMPANY {
        let mut other = with_engine(3, engine);
        other.follow(rows.view(), |_, _| {}).unwrap();
        assert_eq!(other.state(), rules.state());
        assert_eq!((other.engine_weights(), other.n_fits()), ([1.0, 0.0, 0.0], 0));
    }
}

#[test]
fn engines_are_fitted_every_ninety_bars_and_find_the_wild_stretches() {
    let rows = market(1500, 3);
    for (engine, weights) in COMPANY.into_iter().zip([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]) {
        let mut detector = with_engine(3, engine);
        let mut wild = 0;
        detector
            .follow(rows.view(), |t, state| {
                let is_wild = t % 600 > 170 && t % 600 < 300 && t > 600;
                wild += usize::from(is_wild && state.is_some_and(|state| state.label == HIGH_VOLATILITY));
            })
            .unwrap();
        // Row 300 is empty: observation 500 is row 500.
        assert_eq!(detector.n_fits(), (1499 - 500) / 90 + 1);
        assert_eq!(detector.engine_weights(), weights);
        // The jump model's own label, not held back any more on its way out: 198.
        assert!(wild > 193, "{engine:?}: {wild} of 258");
    }
}

#[test]
fn engines_are_restored_bit_for_bit() {
    let rows = market(1000, 2);
    for engine in COMPANY {
        for cut in [30, 520, 700] {
            let mut one = with_engine(2, engine);
            one.follow(rows.slice_axis(Axis(0), Slice::from(..cut)), |_, _| {}).unwrap();
            let mut other = RegimeDetector::from_bytes(&one.to_bytes()).unwrap();
            for row in rows.slice_axis(Axis(0), Slice::from(cut..)).rows() {
                assert_eq!(one.step(row).unwrap(), other.step(row).unwrap());
            }
            assert_eq!(other.to_bytes(), one.to_bytes());
        }
    }
}

#[test]
fn an_index_at_rest_is_no_matter_for_engines() {
    for engine in COMPANY {
        let mut detector = with_engine(1, engine);
        for _ in 0..700 {
            detector.step_slice(&[0.0]).unwrap();
        }
        let state = detector.state().unwrap();
        assert_eq!((state.label, state.probabilities[HIGH_VOLATILITY]), (SIDEWAYS, 0.0), "{engine:?}");
        for t in 0..200 {
            detector.step_slice(&[if t % 2 == 0 { 0.01 } else { -0.01 }]).unwrap();
        }
        assert!(detector.state().unwrap().probabilities.iter().all(|p| (0.0..=1.0).contains(p)));
    }
}
