use super::*;
use ndarray::{Axis, arr1};
use proptest::prelude::*;

const HOUR: i64 = DAY / 24;

fn timeframes() -> Vec<Timeframe> {
    let of = |bar, weight, volatility_half_life, correlation_half_life| Timeframe {
        bar,
        weight,
        volatility_half_life,
        correlation_half_life,
    };
    vec![
        of(HOUR, 0.1, 72.0, 240.0),
        of(4 * HOUR, 0.25, 42.0, 126.0),
        of(DAY, 0.5, 21.0, 63.0),
        of(7 * DAY, 0.15, 13.0, 52.0),
    ]
}

/// From a Monday on.
fn hours(n: usize) -> Vec<i64> {
    (0..n as i64).map(|t| MONDAY + t * HOUR).collect()
}

fn returns(n_rows: usize, n_assets: usize) -> Array2<f64> {
    Array2::from_shape_fn((n_rows, n_assets), |(t, i)| {
        let t = t as f64;
        0.002 * ((1.7 * t).sin() + ((i as f64 + 1.3) * t).cos() + (t * t * 0.01).sin())
    })
}

#[test]
fn buckets_close_on_the_hour_of_utc_and_on_monday() {
    let mut state = TimeframesState::new(1, HOUR, &timeframes()).unwrap();
    for (t, &opened) in hours(400).iter().enumerate() {
        state.update(opened, arr1(&[0.001]).view()).unwrap();
        let closed: Vec<usize> = state.n_closed().column(0).iter().map(|&n| n as usize).collect();
        let n = t + 1;
        assert_eq!(closed, [n, n / 4, n / 24, n / 168]);
    }
    // 1970 began on a Thursday.
    assert_eq!(bars_since_monday(0, 7 * DAY), (-1, 3 * DAY));
}

#[test]
fn a_bucket_needs_its_last_bar_and_four_fifths_of_all() {
    let day = |missing: &[usize]| {
        let mut state = TimeframesState::new(1, HOUR, &timeframes()[2..3]).unwrap();
        for (t, &opened) in hours(24).iter().enumerate() {
            let x = if missing.contains(&t) { f64::NAN } else { 0.001 };
            state.update(opened, arr1(&[x]).view()).unwrap();
        }
        state.n_closed()[(0, 0)]
    };
    assert_eq!(day(&[]), 1.0);
    assert_eq!(day(&[0, 1, 2, 3]), 1.0);
    assert_eq!(day(&[0, 1, 2, 3, 4]), 0.0);
    assert_eq!(day(&[23]), 0.0);
}

#[test]
fn rows_that_never_came_are_missing() {
    let mut state = TimeframesState::new(1, HOUR, &timeframes()[1..2]).unwrap();
    for t in [0, 1, 2, 4, 5, 6, 7, 9, 11] {
        state.update(MONDAY + t * HOUR, arr1(&[0.001]).view()).unwrap();
    }
    // The first lacks its last bar, the third is half empty.
    assert_eq!(state.n_closed()[(0, 0)], 1.0);
}

#[test]
fn with_one_timeframe_it_is_the_iterated_ewma_of_log_returns() {
    let (rows, times) = (returns(400, 3), hours(400));
    let mut state = TimeframesState::new(3, HOUR, &timeframes()[..1]).unwrap();
    state.absorb(arr1(&times).view(), rows.view()).unwrap();
    let rule =
        IteratedRule { volatility_half_life: 72.0, correlation_half_life: 240.0, ..Default::default() };
    let mut alone = IteratedState::new(3, rule).unwrap();
    alone.absorb(rows.mapv(f64::ln_1p).view()).unwrap();
    let error = (state.covariance() - 24.0 * alone.covariance()).mapv(f64::abs);
    assert!(error.iter().all(|x| *x < 1e-16));
}

#[test]
fn the_variance_ratio_is_that_of_lo_and_mackinlay() {
    let (rows, times) = (returns(24 * 14, 2), hours(24 * 14));
    let mut state = TimeframesState::new(2, HOUR, &timeframes()[..3]).unwrap();
    state.absorb(arr1(&times).view(), rows.view()).unwrap();
    let ratios = state.variance_ratio();
    for i in 0..2 {
        let x: Vec<f64> = rows.column(i).iter().map(|x| x.ln_1p()).collect();
        let mean = x.iter().sum::<f64>() / x.len() as f64;
        let base = x.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / x.len() as f64;
        for (k, q) in [1, 4, 24].into_iter().enumerate() {
            let sums = x.chunks(q).map(|bars| bars.iter().sum::<f64>());
            let spread: f64 = sums.map(|sum| (sum - q as f64 * mean).powi(2)).sum();
            let expected = spread / (x.len() / q) as f64 / (q as f64 * base);
            assert!((ratios[(k, i)] - expected).abs() < 1e-12 * expected);
        }
    }
}

#[test]
fn an_asset_that_hardly_trades_leaves_the_hour_to_the_others() {
    let n = 24 * 40;
    let mut rows = returns(n, 3);
    rows.column_mut(2).iter_mut().enumerate().filter(|(t, _)| t % 2 == 0).for_each(|(_, x)| *x = 0.0);
    let times = hours(n);
    let fed = |timeframes: &[Timeframe]| {
        let mut state = TimeframesState::new(3, HOUR, timeframes).unwrap();
        state.absorb(arr1(&times).view(), rows.view()).unwrap();
        state
    };
    let (all, without) = (fed(&timeframes()[..3]), fed(&timeframes()[1..3]));
    let (blend, longer) = (all.correlation(), without.correlation());
    assert_eq!(all.volatility()[2], without.volatility()[2]);
    assert!((0..2).all(|j| (blend[(2, j)] - longer[(2, j)]).abs() < 1e-4));
    assert!((blend[(1, 0)] - longer[(1, 0)]).abs() > 1e-4);
    // With the hour alone it is all there is.
    assert!(fed(&timeframes()[..1]).volatility()[2] > 0.0);
}

#[test]
fn bad_input_is_refused_and_changes_nothing() {
    for (base, frames) in [(0, timeframes()), (HOUR, vec![]), (DAY, timeframes()), (5 * HOUR, timeframes())] {
        assert!(TimeframesState::new(2, base, &frames).is_err());
    }
    for weight in [0.0, f64::NAN, -1.0] {
        assert!(TimeframesState::new(2, HOUR, &[Timeframe { weight, ..timeframes()[0] }]).is_err());
    }
    let mut state = TimeframesState::new(2, HOUR, &timeframes()).unwrap();
    state.absorb(arr1(&hours(9)).view(), returns(9, 2).view()).unwrap();
    let before = state.to_bytes();
    let next = MONDAY + 9 * HOUR;
    assert!(state.update(next, arr1(&[0.1]).view()).is_err());
    assert!(state.update(next, arr1(&[0.1, -1.0]).view()).is_err());
    assert!(state.update(next, arr1(&[0.1, f64::INFINITY]).view()).is_err());
    assert!(matches!(state.update(next - HOUR, arr1(&[0.1, 0.1]).view()), Err(Error::NotIncreasing { .. })));
    assert!(matches!(state.update(next + 1, arr1(&[0.1, 0.1]).view()), Err(Error::OutOfRange { .. })));
    let times = arr1(&[next, next]);
    assert!(matches!(
        state.absorb(times.view(), returns(2, 2).view()),
        Err(Error::NotIncreasing { index: 1, .. })
    ));
    assert!(state.absorb(times.view(), returns(3, 2).view()).is_err());
    assert_eq!(state.to_bytes(), before);
    for edge in [i64::MIN, i64::MAX] {
        assert!(state.update(edge, arr1(&[0.1, 0.1]).view()).is_err());
    }
}

#[test]
fn restored_states_go_on_and_damage_is_noticed() {
    let (rows, times) = (returns(60, 2), hours(60));
    let mut state = TimeframesState::new(2, HOUR, &timeframes()).unwrap();
    for (&opened, row) in times.iter().zip(rows.rows()) {
        state = TimeframesState::from_bytes(&state.to_bytes()).unwrap();
        state.update(opened, row).unwrap();
    }
    let mut batch = TimeframesState::new(2, HOUR, &timeframes()).unwrap();
    batch.absorb(arr1(&times).view(), rows.view()).unwrap();
    assert_eq!(state.to_bytes(), batch.to_bytes());
    let bytes = state.to_bytes();
    for at in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x10;
        assert!(TimeframesState::from_bytes(&damaged).is_err());
        assert!(TimeframesState::from_bytes(&bytes[..at]).is_err());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn what_is_known_is_positive_semidefinite(
        seed in 0_u64..1000,
        late in prop::collection::vec(0_usize..900, 4),
        quiet in prop::collection::vec(1_usize..9, 4),
        skip in 2_usize..40,
    ) {
        let n = 1000;
        let mut rows = returns(n, 4);
        for ((t, i), x) in rows.indexed_iter_mut() {
            *x += 0.003 * ((seed as f64 + 1.0) * (t as f64 + 0.7 * i as f64)).sin();
            if t < late[i] || (t + 3 * i) % skip == 0 {
                *x = f64::NAN;
            } else if quiet[i] < 4 && t % quiet[i] == 0 {
                *x = 0.0;
            }
        }
        let mut state = TimeframesState::new(4, HOUR, &timeframes()).unwrap();
        for (part, t) in rows.axis_chunks_iter(Axis(0), 250).zip(0..) {
            state.absorb(arr1(&hours(n)[t * 250..(t + 1) * 250]).view(), part).unwrap();
            let (correlation, covariance) = (state.correlation(), state.covariance());
            let known: Vec<usize> = (0..4).filter(|&i| !correlation[(i, i)].is_nan()).collect();
            let part = Array2::from_shape_fn((known.len(), known.len()), |(a, b)| correlation[(known[a], known[b])]);
            prop_assert!(part.iter().all(|x| x.abs() <= 1.0));
            prop_assert!(part.diag().iter().all(|&x| x == 1.0));
            if !known.is_empty() {
                let values = crate::linear::SymmetricEigen::of(part.view()).unwrap().values;
                prop_assert!(values[0] > -1e-12, "{}", values[0]);
            }
            let volatility = state.volatility();
            for i in 0..4 {
                prop_assert_eq!(volatility[i].is_nan(), correlation[(i, i)].is_nan());
                let error = (covariance[(i, i)] - volatility[i].powi(2)).abs();
                prop_assert!(volatility[i].is_nan() || error <= 1e-15 * covariance[(i, i)]);
            }
        }
    }
}
