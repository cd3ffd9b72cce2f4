use super::*;
use ndarray::{ArrayView2, Axis, arr1};

/// Deterministic noise in (-0.5, 0.5) with one common part, so that all pairs correlate.
fn returns(n_rows: usize, n_assets: usize) -> Array2<f64> {
    let mut state = 7_u64;
    let mut noise = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1_u64 << 53) as f64 - 0.5
    };
    let mut rows = Array2::zeros((n_rows, n_assets));
    for mut row in rows.rows_mut() {
        let market = noise();
        row.iter_mut().for_each(|x| *x = 0.02 * (market + noise()));
    }
    rows
}

/// The last asset listed at row 60, gaps in the others.
fn gapped() -> Array2<f64> {
    let mut rows = returns(200, 4);
    rows.column_mut(3).iter_mut().take(60).for_each(|x| *x = f64::NAN);
    rows.row_mut(100).fill(f64::NAN);
    for t in (20..200).step_by(3) {
        rows[(t, t % 3)] = f64::NAN;
    }
    rows
}

fn cut_at(rows: &Array2<f64>, cut: usize) -> (ArrayView2<'_, f64>, ArrayView2<'_, f64>) {
    rows.view().split_at(Axis(0), cut)
}

fn fed(rows: ArrayView2<'_, f64>) -> IteratedState {
    let rule =
        IteratedRule { volatility_half_life: 10.0, correlation_half_life: 40.0, ..IteratedRule::default() };
    let mut state = IteratedState::new(rows.ncols(), rule).unwrap();
    state.absorb(rows).unwrap();
    state
}

fn is_positive_semidefinite(matrix: &Array2<f64>) -> bool {
    let n = matrix.nrows();
    let mut factor = factor::Factor::default();
    // Solving against the ridged matrix finds a negative direction as a negative form.
    for i in 0..n {
        factor.push(&matrix.row(i).to_vec()[..i], matrix[(i, i)] + 1e-9);
    }
    (0..n).all(|i| {
        let mut unit = vec![0.0; n];
        unit[i] = 1.0;
        let x = arr1(&factor.solve(&unit));
        x.dot(&matrix.dot(&x)) >= -1e-9 * x.dot(&x)
    })
}

#[test]
fn rows_one_by_one_are_rows_at_once_and_a_restored_state_goes_on() {
    let rows = gapped();
    let whole = fed(rows.view());
    for cut in [1, 4, 5, 61, 70, 101, 150, 199] {
        let (first, second) = cut_at(&rows, cut);
        let mut state = fed(first);
        state = IteratedState::from_bytes(&state.to_bytes()).unwrap();
        for row in second.rows() {
            state.update(row).unwrap();
        }
        assert_eq!(state.to_bytes(), whole.to_bytes(), "cut at {cut}");
    }
}

#[test]
fn a_newcomer_shows_after_twenty_and_joins_after_a_half_life() {
    let rows = gapped();
    let at = |t: usize| fed(cut_at(&rows, t).0);
    assert!(at(79).correlation()[(3, 3)].is_nan());
    assert!(at(80).correlation().iter().all(|x| x.is_finite()));
    // Row 100 is missing; the first four are only volatility; more than 40 of the rest are needed.
    assert!(!at(105).is_member[3] && at(106).is_member[3]);
    assert!(at(106).newcomers.is_empty());
    let (before, after) = (at(105).correlation(), at(106).correlation());
    assert!((&before - &after).iter().all(|x| x.abs() < 0.1));
}

#[test]
fn correlations_are_positive_semidefinite_after_every_row() {
    let rows = gapped();
    let (first, second) = cut_at(&rows, 20);
    let mut state = fed(first);
    for row in second.rows() {
        state.update(row).unwrap();
        let correlation = state.correlation();
        let shown: Vec<usize> = (0..4).filter(|&i| !correlation[(i, i)].is_nan()).collect();
        let block = correlation.select(Axis(0), &shown).select(Axis(1), &shown);
        assert!(block.diag().iter().all(|&x| x == 1.0));
        assert!(is_positive_semidefinite(&block));
    }
}

#[test]
fn a_missing_row_changes_nothing_and_a_missing_asset_keeps_its_volatility() {
    let mut state = fed(returns(50, 3).view());
    let before = state.to_bytes();
    state.update(arr1(&[f64::NAN; 3]).view()).unwrap();
    assert_eq!(state.to_bytes(), before);
    let volatility = state.volatility();
    state.update(arr1(&[0.01, f64::NAN, 0.02]).view()).unwrap();
    assert_eq!(state.volatility()[1], volatility[1]);
    assert_eq!(state.age(), arr1(&[0.0, 1.0, 0.0]));
}

#[test]
fn a_refused_row_changes_nothing() {
    let mut state = fed(gapped().view());
    let before = state.to_bytes();
    let wrong: [&[f64]; 3] = [&[0.0, f64::INFINITY, f64::NAN, 0.0], &[0.1], &[0.1, 1e200, 0.1, f64::NAN]];
    for (row, message) in wrong.iter().zip(["index 1", "shape (1,)", "below 1e154"]) {
        let error = state.update(arr1(row).view()).unwrap_err().to_string();
        assert!(error.contains(message), "{error}");
    }
    let mut rows = returns(3, 4);
    rows[(2, 1)] = f64::NEG_INFINITY;
    assert!(state.absorb(rows.view()).unwrap_err().to_string().contains("row 2, column 1"));
    assert!(state.absorb(returns(3, 2).view()).is_err());
    assert!(state.absorb(Array2::zeros((0, 4)).view()).is_err());
    assert_eq!(state.to_bytes(), before);
}

#[test]
fn parameters_outside_their_range_are_refused() {
    let rule = IteratedRule::default();
    for wrong in [
        IteratedRule { volatility_half_life: 0.0, ..rule },
        IteratedRule { correlation_half_life: f64::NAN, ..rule },
        IteratedRule { winsor: Some(0.5), ..rule },
        IteratedRule { winsor: Some(f64::INFINITY), ..rule },
    ] {
        assert!(matches!(IteratedState::new(2, wrong), Err(Error::OutOfRange { .. })));
    }
    assert!(matches!(IteratedState::new(0, rule), Err(Error::Empty { .. })));
}

#[test]
fn every_damaged_byte_is_noticed() {
    let mut rows = returns(30, 2);
    rows.column_mut(1).iter_mut().take(10).for_each(|x| *x = f64::NAN);
    let bytes = fed(rows.view()).to_bytes();
    for at in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x10;
        assert!(matches!(IteratedState::from_bytes(&damaged), Err(Error::Snapshot { .. })), "byte {at}");
        assert!(matches!(IteratedState::from_bytes(&bytes[..at]), Err(Error::Snapshot { .. })));
    }
}

#[test]
fn counts_that_no_rows_lead_to_are_refused() {
    // Found by fuzzing: the age of an asset seen later than the last row is below zero.
    let mut rows = returns(30, 2);
    rows.column_mut(1).iter_mut().take(10).for_each(|x| *x = f64::NAN);
    let sound = fed(rows.view());
    let forgeries: [fn(&mut IteratedState); 5] = [
        |state| state.variances[0].last_row = 31,
        |state| state.variances[0].count = 31,
        |state| state.n_joint = 31,
        |state| state.newcomers.push(Newcomer::new(0, 2)),
        |state| state.newcomers = vec![Newcomer::new(1, 2), Newcomer::new(1, 2)],
    ];
    for (which, forge) in forgeries.iter().enumerate() {
        let mut state = sound.clone();
        forge(&mut state);
        let found = IteratedState::from_bytes(&state.to_bytes());
        assert!(matches!(found, Err(Error::Snapshot { .. })), "forgery {which}");
    }
}

#[test]
fn more_assets_than_the_bytes_hold_are_refused() {
    // A matrix for as many would not fit into memory.
    let mut state = fed(returns(3, 2).view());
    state.variances.resize(1 << 17, state.variances[0]);
    state.is_member.resize(1 << 17, true);
    assert!(matches!(IteratedState::from_bytes(&state.to_bytes()), Err(Error::Snapshot { .. })));
}

#[test]
fn values_of_any_size_stay_finite() {
    for winsor in [None, Some(4.2)] {
        let rule = IteratedRule { winsor, ..IteratedRule::default() };
        let mut state = IteratedState::new(3, rule).unwrap();
        for t in 0..60_i32 {
            let huge = if t == 30 { 1e150 } else { 1e-150 };
            let late = if t < 20 { f64::NAN } else { huge * f64::from(t) };
            state.update(arr1(&[huge, 0.0, late]).view()).unwrap();
        }
        assert!(state.correlation().iter().all(|x| x.abs() <= 1.0));
        assert!(state.covariance().iter().all(|x| x.is_finite()));
    }
}
