use super::*;
use crate::moments::constant_correlation_shrinkage;
use ndarray::arr1;
use proptest::prelude::*;

fn returns(n_rows: usize, n_assets: usize) -> Array2<f64> {
    Array2::from_shape_fn((n_rows, n_assets), |(t, i)| {
        let market = (t as f64 * 1.7).sin();
        0.01 * (market + (1.0 + i as f64) * ((t * (i + 2)) as f64 * 0.9).cos())
    })
}

fn fed(rows: &Array2<f64>, half_life: f64) -> ShrunkState {
    let mut state = ShrunkState::new(rows.ncols(), half_life, false).unwrap();
    rows.rows().into_iter().for_each(|row| state.update(row).unwrap());
    state
}

fn close(a: &Array2<f64>, b: &Array2<f64>) -> bool {
    let scale = b.iter().fold(0.0_f64, |most, x| most.max(x.abs()));
    a.iter().zip(b).all(|(a, b)| (a - b).abs() <= 1e-12 * scale)
}

#[test]
fn equals_the_batch_after_every_row() {
    let rows = returns(60, 4);
    for t in 2..=60 {
        let part = rows.view().split_at(ndarray::Axis(0), t).0.to_owned();
        let online = fed(&part, 15.0).shrunk().unwrap();
        let batch = constant_correlation_shrinkage(part.view(), Some(15.0), false).unwrap();
        assert!((online.intensity - batch.intensity).abs() < 1e-12, "row {t}");
        assert_eq!(fed(&part, 15.0).noise_intensity(), online.intensity, "row {t}");
        assert!(close(&online.covariance, &batch.covariance), "row {t}");
    }
}

#[test]
fn own_chains_go_on_where_the_shared_one_stopped() {
    let rows = returns(40, 3);
    let shared = fed(&rows, 9.0);
    let mut apart = ShrunkState::new(3, 9.0, false).unwrap();
    for (t, row) in rows.rows().into_iter().enumerate() {
        if t == 10 {
            let Clock::Shared(memory) = apart.clock else { panic!("no gap yet") };
            apart.clock = Clock::Own(vec![memory; 6]);
        }
        apart.update(row).unwrap();
    }
    let (a, b) = (apart.shrunk().unwrap(), shared.shrunk().unwrap());
    assert!((a.intensity - b.intensity).abs() < 1e-12 && close(&a.covariance, &b.covariance));
}

#[test]
fn before_the_second_row_nothing_is_known() {
    let mut state = ShrunkState::new(2, 9.0, false).unwrap();
    assert!(state.volatility().iter().all(|x| x.is_nan()));
    state.update(arr1(&[0.1, -0.2]).view()).unwrap();
    let shrunk = state.shrunk().unwrap();
    assert!(shrunk.intensity.is_nan() && shrunk.covariance.iter().all(|x| x.is_nan()));
    assert!(state.noise_intensity().is_nan());
    state.update(arr1(&[0.1, 0.3]).view()).unwrap();
    assert!(state.shrunk().unwrap().covariance.iter().all(|x| x.is_finite()));
}

#[test]
fn a_refused_row_changes_nothing() {
    let mut state = fed(&returns(5, 2), 9.0);
    let before = state.to_bytes();
    for row in [vec![0.1], vec![0.1, f64::INFINITY], vec![0.1, 1e80]] {
        assert!(state.update(arr1(&row).view()).is_err());
    }
    assert!(state.absorb(returns(3, 3).view()).is_err());
    assert_eq!(state.to_bytes(), before);
}

#[test]
fn every_damaged_byte_is_noticed() {
    let mut state = fed(&returns(5, 2), 9.0);
    for gap in [0.3, f64::NAN] {
        state.update(arr1(&[0.1, gap]).view()).unwrap();
        let bytes = state.to_bytes();
        assert_eq!(ShrunkState::from_bytes(&bytes).unwrap().to_bytes(), bytes);
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 0x10;
            assert!(
                ShrunkState::from_bytes(&damaged).is_err() && ShrunkState::from_bytes(&bytes[..at]).is_err()
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn whatever_is_missing_the_covariance_is_positive_semidefinite(
        values in prop::collection::vec(
            prop_oneof![5 => -1.0..1.0_f64, 1 => Just(0.5), 2 => Just(f64::NAN)], 4..120),
        n_assets in 1_usize..6,
        half_life in 0.5..40.0_f64,
    ) {
        let n_rows = values.len() / n_assets;
        prop_assume!(n_rows > 0);
        let rows = Array2::from_shape_vec((n_rows, n_assets), values[..n_rows * n_assets].to_vec()).unwrap();
        let state = fed(&rows, half_life);
        let shrunk = state.shrunk().unwrap();
        if state.n_observations() < 2 {
            return Ok(());
        }
        prop_assert!((0.0..=1.0).contains(&shrunk.intensity));
        prop_assert!((0.0..=shrunk.intensity).contains(&state.noise_intensity()));
        let seen: Vec<usize> = (0..n_assets).filter(|&i| rows.column(i).iter().any(|x| !x.is_nan())).collect();
        let part = Array2::from_shape_fn((seen.len(), seen.len()), |(a, b)| shrunk.covariance[(seen[a], seen[b])]);
        prop_assert!(part.iter().all(|x| x.is_finite()));
        let smallest = crate::linear::SymmetricEigen::of(part.view()).unwrap().values[0];
        prop_assert!(smallest >= -1e-13, "{smallest}");
    }
}
