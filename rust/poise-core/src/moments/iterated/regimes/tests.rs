use super::*;
use ndarray::{Array3, Axis, arr1};
use proptest::prelude::*;

fn returns(n_rows: usize, n_assets: usize) -> Array2<f64> {
    Array2::from_shape_fn((n_rows, n_assets), |(t, i)| {
        let t = t as f64;
        0.01 * ((1.7 * t).sin() + ((i as f64 + 1.3) * t).cos())
    })
}

/// The second of two regimes comes and goes.
fn probabilities(n_rows: usize) -> Array2<f64> {
    Array2::from_shape_fn((n_rows, 2), |(t, k)| {
        let second = 0.5 + 0.5 * (t as f64 * 0.1).sin();
        if k == 1 { second } else { 1.0 - second }
    })
}

fn fed(rows: &Array2<f64>) -> RegimesState {
    let mut state = RegimesState::new(rows.ncols(), 2, IteratedRule::default()).unwrap();
    state.absorb(rows.view(), probabilities(rows.nrows()).view()).unwrap();
    state
}

fn assert_semidefinite(correlation: &Array2<f64>) {
    let n = correlation.nrows();
    let shown: Vec<usize> = (0..n).filter(|&i| !correlation[(i, i)].is_nan()).collect();
    if shown.is_empty() {
        return;
    }
    let part = Array2::from_shape_fn((shown.len(), shown.len()), |(a, b)| correlation[(shown[a], shown[b])]);
    assert!(part.diag().iter().all(|x| (x - 1.0).abs() < 1e-9));
    let smallest = crate::linear::SymmetricEigen::of(part.view()).unwrap().values[0];
    assert!(smallest > -1e-12, "{smallest}");
}

#[test]
fn one_regime_is_the_recursion_without_regimes() {
    let rows = returns(100, 3);
    let mut state = RegimesState::new(3, 1, IteratedRule::default()).unwrap();
    state.absorb(rows.view(), Array2::ones((100, 1)).view()).unwrap();
    let mut whole = IteratedState::new(3, IteratedRule::default()).unwrap();
    whole.absorb(rows.view()).unwrap();
    let error = (state.correlation() - whole.correlation()).mapv(f64::abs);
    assert!(error.iter().all(|x| *x < 1e-14));
    // 96 whitened rows under a half-life of 63.
    let beta = 0.5_f64.powf(1.0 / 63.0);
    let expected = (1.0 - beta.powi(96)) / (1.0 - beta);
    assert!((state.n_effective()[0] / expected - 1.0).abs() < 1e-12);
}

#[test]
fn nothing_forgotten_is_no_nothing_over_nothing() {
    // Found by fuzzing: beta rounds to one, and the observations of a regime were 0 / 0.
    for correlation_half_life in [1e16, 1e300] {
        let rule = IteratedRule { correlation_half_life, ..IteratedRule::default() };
        let mut state = RegimesState::new(3, 2, rule).unwrap();
        state.absorb(returns(60, 3).view(), probabilities(60).view()).unwrap();
        assert!((state.n_effective().sum() - 56.0).abs() < 1e-6, "{}", state.n_effective());
        assert_semidefinite(&state.correlation());
        assert!(state.covariance().iter().all(|x| x.is_finite()));
    }
}

#[test]
fn regimes_keep_their_correlations_apart() {
    // Together while the first regime rules, against each other while the second does.
    let n = 600;
    let rule = IteratedRule::default();
    let rows = Array2::from_shape_fn((n, 2), |(t, i)| {
        let market = 0.01 * (t as f64 * 1.7).sin() + 0.005 * (t as f64 * 0.3).cos();
        let own = 0.003 * ((t * (i + 2)) as f64).sin();
        market * if i == 1 && t >= n / 2 { -1.0 } else { 1.0 } + own
    });
    let given = Array2::from_shape_fn((n, 2), |(t, k)| f64::from(u8::from((t >= n / 2) == (k == 1))));
    let mut state = RegimesState::new(2, 2, rule).unwrap();
    state.absorb(rows.view(), given.view()).unwrap();
    let of = |k| state.conditional_correlation(k).unwrap()[(0, 1)];
    assert!(of(0) > 0.5 && of(1) < -0.5, "{} {}", of(0), of(1));
    assert!((state.correlation()[(0, 1)] - of(1)).abs() < 1e-15);
}

#[test]
fn a_regime_never_seen_speaks_with_the_voice_of_the_whole() {
    let rows = returns(60, 3);
    let mut state = RegimesState::new(3, 2, IteratedRule::default()).unwrap();
    let first = Array2::from_shape_fn((60, 2), |(_, k)| f64::from(u8::from(k == 0)));
    state.absorb(rows.view(), first.view()).unwrap();
    assert_eq!(state.n_effective()[1], 0.0);
    assert_eq!(state.conditional_correlation(1).unwrap(), state.whole.correlation());
    assert!(state.conditional_correlation(2).is_err());
}

#[test]
fn a_late_asset_is_expected_in_every_regime() {
    let mut rows = returns(300, 3);
    let twin = rows.column(0).to_owned();
    rows.column_mut(2).assign(&twin);
    rows.column_mut(2).iter_mut().take(150).for_each(|x| *x = f64::NAN);
    let state = fed(&rows);
    assert!(state.is_member[2]);
    for k in 0..2 {
        let correlation = state.conditional_correlation(k).unwrap();
        assert!(correlation[(2, 0)] > 0.98, "{}", correlation[(2, 0)]);
        assert!((correlation[(2, 1)] - correlation[(0, 1)]).abs() < 0.05);
    }
    // Shown, and no member yet: what the whole knows of it stands in.
    let early = fed(&rows.view().split_at(Axis(0), 180).0.to_owned());
    let whole = early.whole.correlation()[(2, 0)];
    let found = early.conditional_correlation(0).unwrap()[(2, 0)];
    assert!(!early.is_member[2] && whole > 0.9 && (found - whole).abs() < 0.01, "{whole} {found}");
}

#[test]
fn bad_input_is_refused_and_changes_nothing() {
    let rule = IteratedRule::default();
    assert!(RegimesState::new(2, 0, rule).is_err() && RegimesState::new(0, 2, rule).is_err());
    let mut state = fed(&returns(30, 2));
    let before = state.to_bytes();
    let row = arr1(&[0.1, 0.2]);
    for bad in [vec![1.0], vec![0.5, 0.6], vec![1.5, -0.5], vec![f64::NAN, 1.0], vec![0.5, 0.5 + 2e-9]] {
        assert!(state.update(row.view(), arr1(&bad).view()).is_err(), "{bad:?}");
    }
    let good = arr1(&[0.25, 0.75]);
    assert!(state.update(arr1(&[0.1, f64::INFINITY]).view(), good.view()).is_err());
    assert!(state.update(arr1(&[0.1]).view(), good.view()).is_err());
    let mut many = probabilities(5);
    many[(3, 1)] = f64::NAN;
    let error = state.absorb(returns(5, 2).view(), many.view()).unwrap_err();
    assert!(error.to_string().contains("row 3, column 1"));
    assert!(state.absorb(returns(5, 3).view(), probabilities(5).view()).is_err());
    assert!(state.absorb(returns(5, 2).view(), probabilities(4).view()).is_err());
    let mut infinite = returns(5, 2);
    infinite[(4, 0)] = f64::INFINITY;
    assert!(state.absorb(infinite.view(), probabilities(5).view()).is_err());
    assert_eq!(state.to_bytes(), before);
}

#[test]
fn restored_states_go_on_and_damage_is_noticed() {
    let mut rows = returns(140, 3);
    rows.column_mut(1).iter_mut().take(40).for_each(|x| *x = f64::NAN);
    rows[(60, 0)] = f64::NAN;
    let given = probabilities(140);
    let mut state = RegimesState::new(3, 2, IteratedRule::default()).unwrap();
    for (row, probabilities) in rows.rows().into_iter().zip(given.rows()) {
        state = RegimesState::from_bytes(&state.to_bytes()).unwrap();
        state.update(row, probabilities).unwrap();
    }
    assert_eq!(state.to_bytes(), fed(&rows).to_bytes());
    let bytes = state.to_bytes();
    for at in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x10;
        assert!(
            RegimesState::from_bytes(&damaged).is_err() && RegimesState::from_bytes(&bytes[..at]).is_err()
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_correlation_is_positive_semidefinite(
        seed in 0_u64..1000,
        late in prop::collection::vec(0_usize..150, 4),
        skip in 2_usize..30,
        n_factors in 1_usize..5,
    ) {
        let factors = Array3::from_shape_fn((160, 4, n_factors), |(t, i, f)| {
            let t = t as f64;
            ((seed + f as u64 + 2) as f64 * t).sin() * ((i * (f + 1)) as f64 + seed as f64).cos()
        });
        let mut rows = factors.sum_axis(Axis(2)) * 0.01;
        for ((t, i), x) in rows.indexed_iter_mut() {
            if t < late[i] || (t + 5 * i) % skip == 0 {
                *x = f64::NAN;
            }
        }
        for n in [30, 80, 160] {
            let state = fed(&rows.view().split_at(Axis(0), n).0.to_owned());
            assert_semidefinite(&state.correlation());
            (0..2).for_each(|k| assert_semidefinite(&state.conditional_correlation(k).unwrap()));
            prop_assert_eq!(
                state.correlation().mapv(f64::is_nan),
                state.whole.correlation().mapv(f64::is_nan)
            );
        }
    }
}
