use super::*;
use crate::moments::sample_covariance;
use ndarray::{Array3, arr1};
use proptest::prelude::*;

fn rule(window: usize) -> RollingRule {
    RollingRule { window, ddof: 1, demean: true }
}

fn returns(n_rows: usize, n_assets: usize) -> Array2<f64> {
    Array2::from_shape_fn((n_rows, n_assets), |(t, i)| ((t * 7 + i * 13) as f64 * 0.7).sin() * 0.02)
}

fn close(a: &Array2<f64>, b: &Array2<f64>, tolerance: f64) -> bool {
    let scale = b.iter().filter(|x| x.is_finite()).fold(0.0_f64, |most, x| most.max(x.abs()));
    a.iter().zip(b).all(|(a, b)| (a - b).abs() <= tolerance * scale || (a.is_nan() && b.is_nan()))
}

/// The covariance of the last rows, each asset with a gap in them unknown.
fn exact(rows: &Array2<f64>, end: usize, window: usize) -> Array2<f64> {
    let part = rows.view().split_at(Axis(0), end).0.split_at(Axis(0), end - window).1;
    // About the first row: distances within a level are exact.
    let origin = part.row(0).mapv(|x| if x.is_nan() { 0.0 } else { x });
    let mut covariance = sample_covariance((&part - &origin).view(), 1).unwrap();
    for i in (0..rows.ncols()).filter(|&i| part.column(i).iter().any(|x| x.is_nan())) {
        covariance.row_mut(i).fill(f64::NAN);
        covariance.column_mut(i).fill(f64::NAN);
    }
    covariance
}

#[test]
fn by_hand() {
    let mut state = RollingState::new(1, rule(2)).unwrap();
    for (x, expected) in [(1.0, f64::NAN), (3.0, 2.0), (3.0, 0.0), (7.0, 8.0)] {
        state.update(arr1(&[x]).view()).unwrap();
        let found = state.covariance()[(0, 0)];
        assert!(found == expected || (found.is_nan() && expected.is_nan()), "{found}");
    }
    let about_zero = RollingRule { demean: false, ..rule(2) };
    let mut state = RollingState::new(1, about_zero).unwrap();
    state.absorb(ndarray::arr2(&[[9.0], [1.0], [3.0]]).view()).unwrap();
    assert_eq!(state.covariance()[(0, 0)], 5.0);
}

#[test]
fn a_shift_of_level_leaves_no_rounding_behind() {
    let mut rows = returns(120, 3);
    rows.column_mut(1).iter_mut().take(30).for_each(|x| *x = 1e6 + 1e3 * *x);
    rows.column_mut(2).iter_mut().skip(60).for_each(|x| *x += 1e6);
    let mut state = RollingState::new(3, rule(20)).unwrap();
    for t in 0..120 {
        state.update(rows.row(t)).unwrap();
        if t >= 19 {
            let (found, expected) = (state.covariance(), exact(&rows, t + 1, 20));
            for i in 0..3 {
                let error = (found[(i, i)] - expected[(i, i)]).abs();
                assert!(error <= 1e-12 * expected[(i, i)], "row {t}, asset {i}: {error}");
            }
        }
    }
}

#[test]
fn what_stands_still_has_exactly_no_variance() {
    let mut rows = returns(60, 2);
    rows.column_mut(1).iter_mut().skip(13).for_each(|x| *x = 0.1);
    let mut state = RollingState::new(2, rule(10)).unwrap();
    for t in 0..60 {
        state.update(rows.row(t)).unwrap();
        if t >= 22 {
            assert_eq!(state.volatility()[1], 0.0, "row {t}");
            assert_eq!(state.covariance()[(1, 1)], 0.0);
        }
    }
}

#[test]
fn bad_input_is_refused_and_changes_nothing() {
    assert!(RollingState::new(2, rule(1)).is_err());
    assert!(RollingState::new(0, rule(5)).is_err());
    assert!(RollingState::new(2, RollingRule { window: 0, ddof: 0, demean: false }).is_err());
    let mut state = RollingState::new(2, rule(3)).unwrap();
    state.absorb(returns(5, 2).view()).unwrap();
    let before = state.to_bytes();
    for row in [vec![0.1], vec![0.1, f64::INFINITY], vec![0.1, -1e200]] {
        assert!(state.update(arr1(&row).view()).is_err());
    }
    assert!(state.absorb(returns(3, 3).view()).is_err());
    assert_eq!(state.to_bytes(), before);
    let mut out = Array3::zeros((5, 2, 3));
    assert!(rolling_covariance_path(returns(5, 2).view(), rule(3), out.view_mut()).is_err());
}

#[test]
fn every_damaged_byte_is_noticed() {
    let mut state = RollingState::new(2, rule(3)).unwrap();
    state.absorb(returns(4, 2).view()).unwrap();
    state.update(arr1(&[f64::NAN, 0.1]).view()).unwrap();
    let bytes = state.to_bytes();
    let mut restored = RollingState::from_bytes(&bytes).unwrap();
    assert_eq!(restored.to_bytes(), bytes);
    for t in 0..9 {
        restored.update(returns(9, 2).row(t)).unwrap();
        state.update(returns(9, 2).row(t)).unwrap();
        assert_eq!(restored.to_bytes(), state.to_bytes());
    }
    for at in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x10;
        assert!(
            RollingState::from_bytes(&damaged).is_err() && RollingState::from_bytes(&bytes[..at]).is_err()
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn stream_path_and_exact_sums_agree_at_every_row(
        values in prop::collection::vec(
            prop_oneof![9 => -1.0..1.0_f64, 1 => Just(0.5), 1 => Just(f64::NAN), 1 => Just(-40.0)], 8..200),
        n_assets in 1_usize..5,
        window in 2_usize..9,
    ) {
        let n_rows = values.len() / n_assets;
        let rows = Array2::from_shape_vec((n_rows, n_assets), values[..n_rows * n_assets].to_vec()).unwrap();
        let mut path = Array3::zeros((n_rows, n_assets, n_assets));
        rolling_covariance_path(rows.view(), rule(window), path.view_mut()).unwrap();
        let mut state = RollingState::new(n_assets, rule(window)).unwrap();
        for t in 0..n_rows {
            state.update(rows.row(t)).unwrap();
            let slice = path.index_axis(Axis(0), t).to_owned();
            if t + 1 < window {
                prop_assert!(slice.iter().chain(&state.covariance()).all(|x| x.is_nan()));
                continue;
            }
            let expected = exact(&rows, t + 1, window);
            prop_assert!(close(&slice, &expected, 1e-12) && close(&state.covariance(), &expected, 1e-12));
            prop_assert!(slice.iter().zip(slice.t()).all(|(a, b)| a == b || (a.is_nan() && b.is_nan())));
        }
        let mut batch = RollingState::new(n_assets, rule(window)).unwrap();
        batch.absorb(rows.view()).unwrap();
        prop_assert!(close(&batch.covariance(), &state.covariance(), 1e-12));
        prop_assert_eq!(batch.n_observations(), state.n_observations());
    }
}
