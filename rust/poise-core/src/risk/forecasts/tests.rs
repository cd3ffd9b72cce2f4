use proptest::prelude::*;

use super::super::backtests::{acerbi_szekely, christoffersen};
use super::*;

const OF: [f64; LEVELS] = [0.95, 0.975, 0.99];

fn forecast(i: usize) -> Forecast {
    let loss = |k: usize| 0.01 * (k + 1) as f64 + 1e-4 * ((i * (k + 3)) % 11) as f64;
    Forecast {
        realised: if i.is_multiple_of(17) { -0.06 - 0.001 * (i % 5) as f64 } else { 0.001 },
        value_at_risk: [loss(0), loss(1), loss(2)],
        expected_shortfall: [loss(3), loss(4), loss(5)],
    }
}

fn fed(window: usize, rows: impl Iterator<Item = usize>) -> Forecasts {
    let mut forecasts = Forecasts::new(window).unwrap();
    rows.for_each(|i| forecasts.push(forecast(i)).unwrap());
    forecasts
}

#[test]
fn a_window_that_moved_says_what_its_rows_alone_say() {
    for last in [2, 250, 300, 301, 449, 600, 731] {
        let moved = fed(300, 0..last);
        let alone = fed(1_000, last.saturating_sub(300)..last);
        assert_eq!(moved.on_trial(OF, 250).unwrap(), alone.on_trial(OF, 250).unwrap(), "{last}");
        assert!(moved.rows().eq(alone.rows()));
    }
    let found = fed(1_000, 0..400).on_trial(OF, 250).unwrap();
    assert_eq!((found.coverage[0].n_exceptions, found.n_recent), (24, 15));
}

#[test]
fn what_is_restored_goes_on_in_the_same_places() {
    for last in [5, 299, 300, 450] {
        let mut whole = fed(300, 0..last);
        let rows: Vec<Forecast> = whole.rows().copied().collect();
        let mut restored = Forecasts::restored(300, last as u64, &rows).unwrap();
        for i in last..last + 40 {
            assert_eq!(whole.rows, restored.rows);
            assert_eq!(whole.exceptions, restored.exceptions);
            assert_eq!(whole.tail_ratios, restored.tail_ratios);
            whole.push(forecast(i)).unwrap();
            restored.push(forecast(i)).unwrap();
        }
    }
    assert!(Forecasts::restored(300, 6, &[forecast(1)]).is_err());
}

#[test]
fn medians_by_hand() {
    assert_eq!(median(&[1.0, 2.0, 3.0]), 2.0);
    assert_eq!(median(&[1.0, 2.0, 3.0, 4.0]), 2.5);
    assert!(median(&[]).is_nan());
}

#[test]
fn every_broken_promise_has_its_error() {
    let mut forecasts = fed(300, 0..1);
    assert!(Forecasts::new(1).is_err());
    assert!(forecasts.on_trial(OF, 250).is_err());
    let good = forecast(1);
    for bad in [
        Forecast { realised: f64::NAN, ..good },
        Forecast { value_at_risk: [0.1, f64::INFINITY, 0.2], ..good },
        Forecast { expected_shortfall: [0.1, 0.0, 0.1], ..good },
        Forecast { value_at_risk: good.expected_shortfall, expected_shortfall: good.value_at_risk, ..good },
    ] {
        assert!(forecasts.push(bad).is_err());
        assert_eq!(forecasts.n_observations(), 1);
    }
}

proptest! {
    #[test]
    fn it_is_the_tests_of_whole_series(
        drawn in proptest::collection::vec((-0.2_f64..0.1, -0.05_f64..0.1, 0.0_f64..1.0), 2..120),
        window in 2_usize..90,
    ) {
        let mut forecasts = Forecasts::new(window).unwrap();
        let rows: Vec<Forecast> = drawn
            .iter()
            .map(|&(realised, loss, more)| {
                let value_at_risk = [loss, loss + 0.01, loss + 0.03];
                let shortfall = |loss: f64| loss.abs() * (1.0 + more) + 1e-3;
                Forecast { realised, value_at_risk, expected_shortfall: value_at_risk.map(shortfall) }
            })
            .collect();
        rows.iter().for_each(|row| forecasts.push(*row).unwrap());
        let kept = &rows[rows.len().saturating_sub(window)..];
        let found = forecasts.on_trial(OF, 7).unwrap();
        for (coverage, level) in found.coverage.iter().zip([0, 2]) {
            let hits = ndarray::Array1::from_iter(kept.iter().map(|row| row.is_exception(level)));
            prop_assert_eq!(coverage.n_exceptions, hits.iter().filter(|hit| **hit).count() as u64);
            prop_assert_eq!(coverage.christoffersen, christoffersen(hits.view(), OF[level]).unwrap());
        }
        let recent = kept[kept.len().saturating_sub(7)..].iter().filter(|row| row.is_exception(2));
        prop_assert_eq!(found.n_recent, recent.count() as u64);
        let column = |read: &dyn Fn(&Forecast) -> f64| kept.iter().map(read).collect::<ndarray::Array1<f64>>();
        let weighed = acerbi_szekely(
            column(&|row| row.realised).view(),
            column(&|row| row.value_at_risk[1]).view(),
            column(&|row| row.expected_shortfall[1]).view(),
            OF[1],
        )
        .unwrap();
        prop_assert!((found.shortfall_statistic - weighed.z2).abs() <= 1e-12 * weighed.z2.abs().max(1.0));
        let mut ratios: Vec<f64> = kept.iter().filter_map(Forecast::tail_ratio).collect();
        ratios.sort_by(f64::total_cmp);
        prop_assert_eq!(median(&ratios).to_bits(), found.tail_ratio.to_bits());
    }
}
