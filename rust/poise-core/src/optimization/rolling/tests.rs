use ndarray::Array2;
use proptest::prelude::*;

use super::super::mean_variance::minimum_variance;
use super::*;

/// A market of fat tails whose betas drift, so that assets come and go.
fn market(n_rows: usize, n_assets: usize, seed: u64) -> Array2<f64> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut draw = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1_u64 << 53) as f64 - 0.5
    };
    let mut returns = Array2::zeros((n_rows, n_assets));
    for (t, mut row) in returns.outer_iter_mut().enumerate() {
        let whole = draw();
        for (i, value) in row.iter_mut().enumerate() {
            let beta = 0.8 + 0.6 * ((t as f64) * 0.02 + i as f64).sin();
            *value = 0.02 * (beta * whole + draw() * (1.0 + 0.1 * i as f64));
        }
    }
    returns
}

fn followed(returns: &Array2<f64>, window: usize, bounds: &Bounds) -> (usize, usize) {
    let mut rolling = Rolling::new(returns.view(), window, window - 1, bounds, None).unwrap();
    let (mut quick, mut all) = (0, 0);
    for t in window - 1..returns.nrows() {
        if t >= window {
            rolling.roll(t);
        }
        let was_followed = rolling.face.is_some();
        rolling.solve(t).unwrap();
        (quick, all) = (quick + usize::from(was_followed && rolling.face.is_some()), all + 1);
        let covariance = sample_covariance(rows(returns.view(), window, t), 1).unwrap();
        let alone = minimum_variance(covariance.view(), bounds).unwrap();
        for (found, wanted) in rolling.weights.iter().zip(&alone.weights) {
            assert!((found - wanted).abs() < 1e-9, "row {t}: {found} against {wanted}");
        }
        assert!((rolling.weights.iter().sum::<f64>() - 1.0).abs() <= 1e-13, "row {t}");
    }
    (quick, all)
}

#[test]
fn nearly_every_window_is_followed() {
    let returns = market(260, 17, 3);
    for (low, high) in [(0.0, 1.0), (0.0, 0.12), (-0.05, 0.4), (f64::NEG_INFINITY, f64::INFINITY)] {
        let bounds = Bounds::uniform(17, low, high).unwrap();
        let (quick, all) = followed(&returns, 60, &bounds);
        assert!(quick + 2 >= all, "{quick} of {all} between {low} and {high}");
    }
}

#[test]
fn large_windows_are_followed_where_their_answer_is_the_only_one() {
    let returns = market(190, 110, 7);
    let bounds = Bounds::uniform(110, 0.0, 1.0).unwrap();
    let (quick, all) = followed(&returns, 150, &bounds);
    assert!(quick + 1 >= all, "{quick} of {all}");
    let mut twice = returns;
    let held = minimum_variance(sample_covariance(twice.view(), 1).unwrap().view(), &bounds).unwrap();
    let largest = (0..110).max_by(|&i, &j| held.weights[i].total_cmp(&held.weights[j])).unwrap();
    let copied = twice.column(largest).to_owned();
    twice.column_mut((largest + 5) % 110).assign(&copied);
    let (quick, _) = followed(&twice, 150, &bounds);
    assert_eq!(quick, 0, "of two that are one");
}

#[test]
fn what_waits_is_counted_in() {
    let returns = market(80, 13, 5);
    let bounds = Bounds::uniform(13, 0.0, 1.0).unwrap();
    let mut rolling = Rolling::new(returns.view(), 40, 39, &bounds, None).unwrap();
    let x: Vec<f64> = (0..13).map(|i| if i % 3 == 0 { 0.0 } else { 0.1 * i as f64 - 0.4 }).collect();
    let held: Vec<usize> = (0..13).filter(|i| i % 3 > 0).collect();
    let padded: Vec<f64> = x.iter().copied().chain([0.0; 3]).collect();
    for t in 40..80 {
        rolling.roll(t);
        let wanted = sample_covariance(rows(returns.view(), 40, t), 1).unwrap();
        let mut product = vec![0.0; 16];
        rolling.covariance.multiply_into(&held, &padded, &mut product);
        let plain = wanted.dot(&ArrayView1::from(&x));
        assert!(product.iter().zip(&plain).all(|(a, b)| (a - b).abs() < 1e-17), "row {t}");
        let mut row = vec![0.0; 16];
        let variance = rolling.covariance.row_into(4, &mut row);
        assert!((variance - wanted[(4, 4)]).abs() < 1e-17);
        assert!(row.iter().zip(wanted.row(4)).all(|(a, b)| (a - b).abs() < 1e-17));
    }
    let whole = rolling.covariance.whole().matrix.rows().to_vec();
    let wanted = sample_covariance(rows(returns.view(), 40, 79), 1).unwrap();
    assert!(whole.iter().zip(&wanted).all(|(a, b)| (a - b).abs() < 1e-17));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn any_window_and_any_box_give_what_single_problems_give(
        seed in 1_u64..1_000_000,
        n in 1_usize..12,
        room in 1.05_f64..6.0,
        short in 0.0_f64..0.3,
    ) {
        let returns = market(3 * n + 70, n, seed);
        let bounds = Bounds::uniform(n, -short, room / n as f64).unwrap();
        followed(&returns, 2 * n + 12, &bounds);
    }
}

#[test]
fn what_is_written_to_must_fit() {
    let (returns, bounds) = (market(12, 3, 1), Bounds::uniform(3, 0.0, 1.0).unwrap());
    let mut narrow = Array2::zeros((12, 2));
    let outcome = rolling_minimum_variance(returns.view(), 5, 1, &bounds, narrow.view_mut());
    assert!(matches!(outcome, Err(Error::Shape { what: "out", .. })), "{outcome:?}");
}

#[test]
fn rows_before_the_first_window_are_nan() {
    let (returns, bounds) = (market(12, 3, 1), Bounds::uniform(3, 0.0, 1.0).unwrap());
    for (window, n_early) in [(5, 4), (12, 11), (13, 12), (usize::MAX, 12)] {
        let mut weights = Array2::zeros((12, 3));
        rolling_minimum_variance(returns.view(), window, 1, &bounds, weights.view_mut()).unwrap();
        let known: Vec<bool> = weights.rows().into_iter().map(|row| !row.sum().is_nan()).collect();
        assert_eq!(known, (0..12).map(|t| t >= n_early).collect::<Vec<_>>(), "{window}");
    }
}
