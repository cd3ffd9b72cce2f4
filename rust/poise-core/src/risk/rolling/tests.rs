use ndarray::Array1;
use proptest::prelude::*;

use super::super::historical::historical_tail;
use super::super::testing::noise;
use super::*;

fn compare(returns: &[f64], window: usize, level: f64) {
    let column = ArrayView2::from_shape((returns.len(), 1), returns).unwrap();
    let (var, cvar) = rolling_tail(column, window, level).unwrap();
    for t in 0..returns.len() {
        if t + 1 < window {
            assert!(var[(t, 0)].is_nan() && cvar[(t, 0)].is_nan());
            continue;
        }
        let naive = historical_tail(ArrayView1::from(&returns[t + 1 - window..=t]), level).unwrap();
        assert_eq!(var[(t, 0)], naive.value_at_risk, "t {t} window {window} level {level}");
        assert!((cvar[(t, 0)] - naive.conditional_value_at_risk).abs() <= 1e-12);
    }
}

#[test]
fn hostile_orders_agree_with_a_sort_of_each_window() {
    let n = 700;
    let rising: Vec<f64> = (0..n).map(f64::from).collect();
    let falling: Vec<f64> = (0..n).map(|i| -f64::from(i)).collect();
    let saw: Vec<f64> = (0..n).map(|i| f64::from(i % 37) - f64::from(i % 5)).collect();
    let constant = vec![0.01; n as usize];
    let signed_zeros: Vec<f64> = (0..n).map(|i| if i % 3 == 0 { 0.0 } else { -0.0 }).collect();
    for returns in [rising, falling, saw, constant, signed_zeros] {
        for window in [1, 2, 20, 250, 700] {
            for level in [0.01, 0.5, 0.95, 0.975, 0.999] {
                compare(&returns, window, level);
            }
        }
    }
}

#[test]
fn a_window_longer_than_the_series_never_fills() {
    let (var, cvar) = rolling_tail(Array2::zeros((3, 2)).view(), 4, 0.95).unwrap();
    assert!(var.iter().chain(&cvar).all(|value| value.is_nan()));
    assert_eq!(var.dim(), (3, 2));
}

#[test]
fn a_refused_return_leaves_the_window_as_it_was() {
    let mut rolling = RollingTail::new(2, 0.95).unwrap();
    assert_eq!(rolling.push(-0.01).unwrap(), None);
    assert!(rolling.push(f64::NAN).is_err());
    assert_eq!(rolling.push(-0.03).unwrap().unwrap().value_at_risk, 0.03);
    assert!(RollingTail::new(0, 0.95).is_err());
}

#[test]
fn every_damaged_byte_is_noticed() {
    for returns in [&[-0.01][..], &[0.02, -0.03, 0.01, -0.02]] {
        let mut rolling = RollingTail::new(3, 0.5).unwrap();
        returns.iter().for_each(|value| assert!(rolling.push(*value).is_ok()));
        let bytes = rolling.to_bytes();
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 0x10;
            assert!(matches!(RollingTail::from_bytes(&damaged), Err(Error::Snapshot { .. })));
            assert!(matches!(RollingTail::from_bytes(&bytes[..at]), Err(Error::Snapshot { .. })));
        }
    }
}

#[test]
fn windows_that_cannot_be_are_refused() {
    for (window, level, returns) in
        [(0, 0.9, &[][..]), (3, 1.5, &[]), (1, 0.9, &[0.1, 0.2]), (2, 0.9, &[f64::NAN])]
    {
        let mut writer = Writer::new(FORMAT);
        writer.count(window);
        writer.reals(&[level]);
        writer.count(returns.len() as u64);
        writer.reals(returns);
        assert!(matches!(RollingTail::from_bytes(&writer.finish()), Err(Error::Snapshot { .. })));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_window_agrees_with_its_sort(
        n in 1_usize..900, window in 1_usize..300, seed in any::<u32>(), levels in 1_u32..1000,
        coarse in any::<bool>(),
    ) {
        compare(&noise(n, seed, coarse), window, f64::from(levels) / 1000.0);
    }

    #[test]
    fn a_restored_window_goes_on_bit_for_bit(
        n in 1_usize..300, cut in 0_usize..300, window in 1_usize..90, seed in any::<u32>(),
        coarse in any::<bool>(),
    ) {
        let returns = noise(n, seed, coarse);
        let mut rolling = RollingTail::new(window, 0.9).unwrap();
        let (early, late) = returns.split_at(cut.min(n));
        early.iter().for_each(|value| assert!(rolling.push(*value).is_ok()));
        let mut restored = RollingTail::from_bytes(&rolling.to_bytes()).unwrap();
        prop_assert_eq!(restored.tail(), rolling.tail());
        for value in late {
            prop_assert_eq!(restored.push(*value).unwrap(), rolling.push(*value).unwrap());
            prop_assert_eq!(restored.tail(), rolling.tail());
        }
        prop_assert_eq!(restored.to_bytes(), rolling.to_bytes());
    }

    #[test]
    fn the_future_changes_nothing(seed in any::<u32>(), cut in 1_usize..200) {
        let returns = Array1::from(noise(200, seed, false)).insert_axis(Axis(1));
        let whole = rolling_tail(returns.view(), 20, 0.9).unwrap().1;
        let (past, _) = returns.view().split_at(Axis(0), cut);
        let part = rolling_tail(past, 20, 0.9).unwrap().1;
        for (now, then) in part.iter().zip(&whole) {
            prop_assert!(now == then || (now.is_nan() && then.is_nan()));
        }
    }
}
