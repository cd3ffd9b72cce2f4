use ndarray::{ArrayView2, arr1, arr2};
use proptest::prelude::*;

use super::super::historical::historical_tail;
use super::super::testing::noise;
use super::*;

fn rule(window: usize) -> RiskRule {
    RiskRule { half_life: 8.0, window, confidence_level: 0.9, min_observations: 1 }
}

fn panel(n_rows: usize, n_assets: usize, seed: u32) -> Array2<f64> {
    Array2::from_shape_vec((n_rows, n_assets), noise(n_rows * n_assets, seed, seed.is_multiple_of(3)))
        .unwrap()
}

fn feed(engine: &mut RiskEngine, rows: ArrayView2<'_, f64>) {
    for row in rows.rows() {
        engine.update(&row.to_vec()).unwrap();
    }
}

fn close(found: f64, expected: f64) -> bool {
    (found - expected).abs() <= 1e-12 || (found.is_nan() && expected.is_nan())
}

#[test]
fn by_hand() {
    let mut engine = RiskEngine::new(2, RiskRule { half_life: 1.0, ..rule(2) }).unwrap();
    engine.hold(arr1(&[0.5, 0.25]).view()).unwrap();
    assert!(close(engine.update(&[-0.1, 0.2]).unwrap(), 0.0));
    assert!(close(engine.update(&[-0.1, -0.2]).unwrap(), -0.1));
    // Weights 1/3 and 2/3 on 0 and 0.01.
    assert!(close(engine.portfolio_volatility(), (0.02_f64 / 3.0).sqrt()));
    assert!(close(engine.account().drawdown(), 0.1));
    assert!(close(engine.tail().unwrap().value_at_risk, 0.1));
    engine.hold(arr1(&[0.0, 1.0]).view()).unwrap();
    assert!(close(engine.portfolio_volatility(), 0.2));
    assert!(close(engine.tail().unwrap().value_at_risk, 0.2));
    assert!(close(engine.account().max_drawdown(), 0.1));
    assert_eq!(engine.risk_contributions().unwrap()[0], 0.0);
    assert!(close(engine.risk_contributions().unwrap()[1], 0.2));
}

#[test]
fn all_cash_has_no_risk() {
    let mut engine = RiskEngine::new(2, rule(5)).unwrap();
    assert!(engine.portfolio_volatility().is_nan() && engine.tail().is_none() && !engine.is_warm());
    feed(&mut engine, panel(9, 2, 1).view());
    assert!(engine.update(&[f64::NAN, f64::NAN]).unwrap().is_nan());
    assert_eq!(engine.update(&[f64::NAN, 0.1]).unwrap(), 0.0);
    assert_eq!((engine.portfolio_volatility(), engine.account().drawdown()), (0.0, 0.0));
    assert_eq!(engine.tail().unwrap(), Tail { value_at_risk: 0.0, conditional_value_at_risk: 0.0 });
    assert_eq!(engine.risk_contributions().unwrap(), arr1(&[0.0, 0.0]));
    assert_eq!(engine.diversification_ratio().unwrap(), 1.0);
    assert!(engine.is_warm());
}

#[test]
fn a_held_asset_that_is_missing_skips_the_bar() {
    let mut engine = RiskEngine::new(3, rule(4)).unwrap();
    engine.hold(arr1(&[1.0, -0.5, 0.0]).view()).unwrap();
    feed(&mut engine, arr2(&[[0.1, 0.2, f64::NAN], [0.3, 0.1, 0.1]]).view());
    let (before, volatility) = (engine.clone(), engine.volatility());
    assert!(engine.update(&[f64::NAN, 0.2, 0.5]).unwrap().is_nan());
    assert_eq!(engine.tail(), before.tail());
    assert_eq!(engine.portfolio_volatility(), before.portfolio_volatility());
    assert_eq!(engine.account(), before.account());
    assert_eq!((engine.n_returns(), engine.n_observations()), (2, 3));
    assert!(engine.volatility()[2] > volatility[2]);
    // Bars leave the window whether they counted or not.
    feed(&mut engine, panel(2, 3, 7).view());
    assert_eq!(engine.n_returns(), 3);
    feed(&mut engine, panel(1, 3, 8).view());
    assert_eq!(engine.n_returns(), 3);
    feed(&mut engine, panel(1, 3, 9).view());
    assert_eq!(engine.n_returns(), 4);
}

#[test]
fn an_asset_without_history_is_flagged_and_then_measured() {
    let mut engine = RiskEngine::new(2, rule(10)).unwrap();
    for value in noise(6, 4, false) {
        engine.update(&[value, f64::NAN]).unwrap();
    }
    engine.hold(arr1(&[0.5, 0.5]).view()).unwrap();
    assert!(engine.tail().is_none() && engine.portfolio_volatility().is_nan() && !engine.is_warm());
    assert!(engine.risk_contributions().unwrap().iter().all(|value| value.is_nan()));
    assert!(engine.diversification_ratio().unwrap().is_nan());
    engine.update(&[0.02, -0.06]).unwrap();
    assert!(close(engine.portfolio_volatility(), 0.02) && engine.is_warm());
    assert!(close(engine.tail().unwrap().value_at_risk, 0.02));
}

#[test]
fn what_is_refused_changes_nothing() {
    let mut engine = RiskEngine::new(2, rule(4)).unwrap();
    engine.hold(arr1(&[0.5, 2.0]).view()).unwrap();
    feed(&mut engine, panel(3, 2, 5).view());
    let before = engine.to_bytes();
    for row in [
        &[0.1][..],
        &[0.1, 0.2, 0.3],
        &[f64::INFINITY, 0.1],
        &[f64::NAN, f64::NEG_INFINITY],
        &[1e160, 0.1],
        &[1e153, 1e154],
    ] {
        assert!(engine.update(row).is_err(), "{row:?}");
    }
    for weights in [arr1(&[1.0]), arr1(&[f64::NAN, 0.0]), arr1(&[0.0, f64::INFINITY]), arr1(&[1e101, 0.0])] {
        assert!(engine.hold(weights.view()).is_err(), "{weights}");
    }
    let mut large = RiskEngine::new(1, rule(4)).unwrap();
    large.update(&[1e100]).unwrap();
    let small = large.to_bytes();
    assert!(large.hold(arr1(&[1e99]).view()).is_err());
    assert_eq!(large.to_bytes(), small);
    assert_eq!(engine.to_bytes(), before);
}

#[test]
fn rules_that_cannot_be_are_refused() {
    let bad = [
        RiskRule { half_life: 0.0, ..rule(5) },
        RiskRule { window: 0, ..rule(5) },
        RiskRule { confidence_level: 1.0, ..rule(5) },
        RiskRule { min_observations: 0, ..rule(5) },
        RiskRule { min_observations: 6, ..rule(5) },
    ];
    for rule in bad {
        assert!(RiskEngine::new(2, rule).is_err(), "{rule:?}");
    }
    assert!(RiskEngine::new(0, rule(5)).is_err());
}

#[test]
fn every_damaged_byte_is_noticed() {
    let mut engine = RiskEngine::new(2, rule(3)).unwrap();
    engine.hold(arr1(&[0.5, 0.5]).view()).unwrap();
    feed(&mut engine, panel(5, 2, 3).view());
    let bytes = engine.to_bytes();
    for at in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x10;
        assert!(matches!(RiskEngine::from_bytes(&damaged), Err(Error::Snapshot { .. })), "byte {at}");
        assert!(matches!(RiskEngine::from_bytes(&bytes[..at]), Err(Error::Snapshot { .. })));
    }
}

/// What the engine should say after all of `rows` with one set of weights, from the functions for whole samples.
fn check(engine: &RiskEngine, rows: ArrayView2<'_, f64>, weights: &Array1<f64>) {
    let outcomes: Vec<f64> = rows
        .rows()
        .into_iter()
        .map(|row| row.iter().zip(weights).filter(|(_, w)| **w != 0.0).map(|(r, w)| r * w).sum())
        .map(|outcome: f64| if outcome.is_nan() { f64::NAN } else { outcome })
        .collect();
    let recent = &outcomes[outcomes.len().saturating_sub(engine.rule().window)..];
    let recent: Vec<f64> = recent.iter().copied().filter(|value| !value.is_nan()).collect();
    match engine.tail() {
        Some(tail) => {
            let expected =
                historical_tail(ArrayView1::from(&recent), engine.rule().confidence_level).unwrap();
            assert!(close(tail.value_at_risk, expected.value_at_risk));
            assert!(close(tail.conditional_value_at_risk, expected.conditional_value_at_risk));
        }
        None => assert!(recent.is_empty()),
    }
    let decay = 0.5_f64.powf(1.0 / engine.rule().half_life);
    let (mut sum, mut total) = (0.0, 0.0);
    for outcome in outcomes {
        (sum, total) = (decay * sum, decay * total);
        if !outcome.is_nan() {
            (sum, total) = (sum + outcome * outcome, total + 1.0);
        }
    }
    // The variance of a hedged book is a small difference of large numbers.
    let gross: f64 =
        weights.iter().zip(engine.volatility()).map(|(w, v)| if *w == 0.0 { 0.0 } else { w.abs() * v }).sum();
    let (found, expected) = (engine.portfolio_volatility().powi(2), sum / total);
    assert!((found - expected).abs() <= 1e-13 * gross * gross || (found.is_nan() && expected.is_nan()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn new_weights_are_measured_as_if_always_held(
        n_rows in 1_usize..60, n_assets in 1_usize..11, window in 1_usize..30, seed in any::<u32>(),
        cut in 0_usize..60,
    ) {
        let rows = panel(n_rows, n_assets, seed);
        let weights = Array1::from(noise(n_assets, !seed, true)) * 10.0;
        let mut engine = RiskEngine::new(n_assets, rule(window)).unwrap();
        engine.hold(Array1::from_elem(n_assets, 0.1).view()).unwrap();
        let (early, late) = rows.view().split_at(Axis(0), cut.min(n_rows));
        feed(&mut engine, early);
        engine.hold(weights.view()).unwrap();
        if early.nrows() > 0 {
            check(&engine, early, &weights);
        }
        feed(&mut engine, late);
        check(&engine, rows.view(), &weights);
        let covariance = engine.covariance();
        let expected = contributions::portfolio_volatility(weights.view(), covariance.view()).unwrap();
        let scale = weights.mapv(f64::abs).dot(&engine.volatility());
        prop_assert!((engine.portfolio_volatility().powi(2) - expected.powi(2)).abs() <= 1e-13 * scale * scale);
    }

    #[test]
    fn gaps_are_skipped_wherever_they_fall(
        n_rows in 1_usize..50, window in 1_usize..60, seed in any::<u32>(), cut in 0_usize..50,
    ) {
        let mut rows = panel(n_rows, 3, seed);
        for (at, chance) in noise(3 * n_rows, seed ^ 77, false).into_iter().enumerate() {
            if chance > 0.05 {
                rows[(at / 3, at % 3)] = f64::NAN;
            }
        }
        let weights = arr1(&[0.5, -0.5, 0.0]);
        let mut engine = RiskEngine::new(3, rule(window)).unwrap();
        engine.hold(weights.view()).unwrap();
        let (early, late) = rows.view().split_at(Axis(0), cut.min(n_rows));
        feed(&mut engine, early);
        let before = engine.clone();
        // Holding the same again changes nothing but what has left the window.
        engine.hold(weights.view()).unwrap();
        prop_assert_eq!(engine.tail(), before.tail());
        prop_assert_eq!(engine.account(), before.account());
        if window >= n_rows {
            prop_assert!(close(engine.portfolio_volatility(), before.portfolio_volatility()));
            feed(&mut engine, late);
            check(&engine, rows.view(), &weights);
        }
    }

    #[test]
    fn a_restored_engine_goes_on_bit_for_bit(
        n_rows in 0_usize..50, n_assets in 1_usize..11, window in 1_usize..20, seed in any::<u32>(),
        cut in 0_usize..50, gap in any::<bool>(),
    ) {
        let mut rows = panel(n_rows, n_assets, seed);
        if gap && n_rows > 0 {
            rows[(n_rows / 2, 0)] = f64::NAN;
        }
        let mut engine = RiskEngine::new(n_assets, rule(window)).unwrap();
        engine.hold(Array1::from(noise(n_assets, seed, false)).view()).unwrap();
        let (early, late) = rows.view().split_at(Axis(0), cut.min(n_rows));
        feed(&mut engine, early);
        let mut restored = RiskEngine::from_bytes(&engine.to_bytes()).unwrap();
        prop_assert_eq!(restored.to_bytes(), engine.to_bytes());
        for row in late.rows() {
            let (found, expected) = (restored.update(&row.to_vec()), engine.update(&row.to_vec()));
            prop_assert_eq!(found.unwrap().to_bits(), expected.unwrap().to_bits());
            prop_assert_eq!(restored.tail(), engine.tail());
        }
        prop_assert_eq!(restored.to_bytes(), engine.to_bytes());
    }
}
