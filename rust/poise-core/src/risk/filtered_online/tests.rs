use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis, arr1};
use proptest::prelude::*;

use super::super::filtered::filtered_scenarios;
use super::super::testing::noise;
use super::*;

fn returns(n_rows: usize, n_assets: usize, seed: u32) -> Array2<f64> {
    Array2::from_shape_vec((n_rows, n_assets), noise(n_rows * n_assets, seed, false)).unwrap()
}

fn rows(returns: &Array2<f64>, from: usize, to: usize) -> ArrayView2<'_, f64> {
    returns.slice_axis(Axis(0), (from..to).into())
}

fn fed(returns: ArrayView2<'_, f64>, window: usize) -> FilteredHistory {
    let mut history = FilteredHistory::new(returns.ncols(), window, 21.0).unwrap();
    returns.outer_iter().for_each(|row| history.push(row).unwrap());
    history
}

fn bits(history: &mut FilteredHistory) -> Vec<u64> {
    let weights = Array1::from_elem(history.n_assets(), 0.3);
    let outcomes = history.outcomes(weights.view()).unwrap().to_vec();
    let scenarios = history.scenarios();
    scenarios.iter().chain(&outcomes).chain(history.volatility()).map(|x| x.to_bits()).collect()
}

#[test]
fn the_window_moves_over_what_the_batch_says() {
    let returns = returns(150, 11, 3);
    for n in [21, 40, 60, 61, 119, 120, 150] {
        let mut history = fed(rows(&returns, 0, n), 60);
        let batch = filtered_scenarios(rows(&returns, 0, n), 21.0).unwrap();
        let batch = rows(&batch, batch.nrows().saturating_sub(60), batch.nrows()).to_owned();
        let scenarios = history.scenarios();
        assert_eq!(scenarios.dim(), batch.dim());
        assert!(scenarios.iter().zip(&batch).all(|(a, b)| (a - b).abs() <= 1e-13 * b.abs()), "{n}");
        let weights = Array1::from_shape_fn(11, |k| 0.1 * k as f64 - 0.2);
        let outcomes = history.outcomes(weights.view()).unwrap();
        assert!(outcomes.iter().zip(batch.dot(&weights)).all(|(a, b)| (a - b).abs() < 1e-13), "{n}");
    }
}

#[test]
fn a_wild_past_takes_the_long_way_to_the_same_answer() {
    let mut returns = returns(120, 3, 5);
    returns.column_mut(1).slice_axis_mut(Axis(0), (..70).into()).fill(0.0);
    returns[(100, 0)] = -0.9;
    returns[(119, 0)] = -0.9;
    let mut history = fed(returns.view(), 90);
    let scenarios = history.scenarios();
    assert!(scenarios.iter().any(|scenario| *scenario == -1.0));
    let weights = arr1(&[0.5, 0.2, 0.0]);
    let expected = scenarios.dot(&weights);
    let outcomes = history.outcomes(weights.view()).unwrap();
    assert!(outcomes.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-15));
}

#[test]
fn an_asset_that_is_not_held_may_be_missing() {
    let mut returns = returns(80, 2, 9);
    returns.column_mut(1).fill(f64::NAN);
    let mut history = fed(returns.view(), 80);
    assert_eq!(history.outcomes(arr1(&[1.0, 0.0]).view()).unwrap().len(), 60);
    assert_eq!(history.outcomes(arr1(&[1.0, 0.1]).view()).unwrap().len(), 0);
    assert_eq!(history.tails(arr1(&[1.0, 0.0]).view(), &[0.95, 0.99], 60).unwrap().len(), 2);
    assert!(history.tails(arr1(&[1.0, 0.0]).view(), &[0.95], 61).unwrap().is_empty());
    assert_eq!(history.observations(), &[80, 0]);
}

#[test]
fn what_is_refused_changes_nothing() {
    let mut history = fed(returns(50, 2, 1).view(), 30);
    let before = bits(&mut history);
    let push = |history: &mut FilteredHistory, row: [f64; 2]| history.push(ArrayView1::from(&row));
    assert!(matches!(push(&mut history, [0.0, f64::INFINITY]), Err(Error::NonFinite { .. })));
    assert!(matches!(push(&mut history, [f64::NAN, 1e151]), Err(Error::OutOfRange { .. })));
    assert!(history.push(arr1(&[0.1]).view()).is_err());
    assert!(history.outcomes(arr1(&[0.1, f64::NAN]).view()).is_err());
    assert!(history.outcomes(arr1(&[0.1, 1e151]).view()).is_err());
    assert!(history.outcomes(arr1(&[0.1]).view()).is_err());
    assert!(history.tails(arr1(&[0.1, 0.1]).view(), &[1.0], 1).is_err());
    assert_eq!(before, bits(&mut history));
    assert!(FilteredHistory::new(0, 30, 21.0).is_err());
    assert!(FilteredHistory::new(2, 0, 21.0).is_err());
    assert!(FilteredHistory::new(2, 30, 0.0).is_err());
}

#[test]
fn damaged_bytes_are_refused() {
    let bytes = fed(returns(50, 2, 1).view(), 30).to_bytes();
    assert!(FilteredHistory::from_bytes(&bytes).is_ok());
    assert!(FilteredHistory::from_bytes(&bytes[..bytes.len() - 9]).is_err());
    let mut damaged = bytes;
    damaged[40] ^= 1;
    assert!(FilteredHistory::from_bytes(&damaged).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn saved_and_restored_it_goes_on_bit_for_bit(seed in any::<u32>(), cut in 1_usize..90, gap in 0_usize..90) {
        let mut returns = returns(90, 9, seed);
        returns[(gap, 4)] = f64::NAN;
        let mut history = fed(rows(&returns, 0, cut), 40);
        let mut twin = FilteredHistory::from_bytes(&history.to_bytes()).unwrap();
        for row in rows(&returns, cut, 90).outer_iter() {
            history.push(row).unwrap();
            twin.push(row).unwrap();
        }
        prop_assert_eq!(bits(&mut history), bits(&mut twin));
        prop_assert_eq!(history.n_observations(), twin.n_observations());
    }
}
