use ndarray::{Array1, arr1};
use proptest::prelude::*;

use super::super::testing::noise;
use super::*;

fn careful(returns: &[f64], target: f64) -> ReturnStatistics {
    careful_totals(returns, target).figures(target)
}

fn assert_agree(quick: ReturnStatistics, slow: ReturnStatistics, scale: f64) {
    let close = |a: f64, b: f64, tolerance: f64| {
        (a - b).abs() <= tolerance * (1.0 + b.abs()) || (a.is_nan() && b.is_nan()) || a == b
    };
    assert!(close(quick.mean / scale, slow.mean / scale, 1e-13), "{quick:?} {slow:?}");
    assert!(close(quick.deviation / scale, slow.deviation / scale, 1e-12), "{quick:?} {slow:?}");
    assert!(close(quick.skewness, slow.skewness, 1e-10), "{quick:?} {slow:?}");
    assert!(close(quick.kurtosis, slow.kurtosis, 1e-10), "{quick:?} {slow:?}");
    assert!(close(quick.downside_deviation / scale, slow.downside_deviation / scale, 1e-12));
    assert!(close(quick.sum_of_gains, slow.sum_of_gains, 1e-12));
    assert!(close(quick.sum_of_losses, slow.sum_of_losses, 1e-12));
    assert!(close(quick.log_growth, slow.log_growth, 1e-11), "{quick:?} {slow:?}");
    assert!(close(quick.max_drawdown, slow.max_drawdown, 1e-12), "{quick:?} {slow:?}");
    assert_eq!(quick.longest_duration, slow.longest_duration);
    assert_eq!(
        (quick.n_observations, quick.lowest, quick.highest, quick.n_gains),
        (slow.n_observations, slow.lowest, slow.highest, slow.n_gains)
    );
}

#[test]
fn by_hand() {
    // Values 1, 1.5, 1.2, 0.9, 1.35, 1.62.
    let found = return_statistics(arr1(&[0.5, -0.2, -0.25, 0.5, 0.2]).view(), 0.1).unwrap();
    assert!((found.mean - 0.15).abs() < 1e-15);
    assert!((found.log_growth - 1.62_f64.ln()).abs() < 1e-15);
    assert!((found.max_drawdown - 0.4).abs() < 1e-15);
    assert_eq!((found.longest_duration, found.n_gains, found.n_observations), (3, 3, 5));
    assert!((found.downside_deviation - ((0.09 + 0.1225) / 5.0_f64).sqrt()).abs() < 1e-15);
    assert!((found.sum_of_gains - 1.2).abs() < 1e-15 && (found.sum_of_losses + 0.45).abs() < 1e-15);
    // 0, 0, 0, 4: deviations -1, -1, -1, 3.
    let found = return_statistics(arr1(&[0.0, 0.0, 0.0, 4.0]).view(), 0.0).unwrap();
    assert!((found.skewness - 6.0 / 3_f64.powf(1.5)).abs() < 1e-15);
    assert!((found.kurtosis - 21.0 / 9.0).abs() < 1e-15);
    assert!((found.deviation - 2.0).abs() < 1e-15 && found.downside_deviation.is_nan());
}

#[test]
fn figures_without_meaning_are_nan() {
    let single = return_statistics(arr1(&[0.1]).view(), 0.0).unwrap();
    assert!(single.deviation.is_nan() && single.skewness.is_nan() && single.kurtosis.is_nan());
    for n in [3, 1000] {
        let constant = return_statistics(Array1::from_elem(n, 0.001).view(), 0.0).unwrap();
        assert_eq!((constant.deviation, constant.longest_duration, constant.max_drawdown), (0.0, 0, 0.0));
        assert!(constant.skewness.is_nan() && constant.downside_deviation.is_nan());
        let zeros = return_statistics(Array1::zeros(n).view(), 0.0).unwrap();
        assert_eq!((zeros.mean, zeros.deviation, zeros.log_growth, zeros.n_gains), (0.0, 0.0, 0.0, 0));
    }
}

#[test]
fn ruin_and_sizes_beyond_a_float_are_walked_with_care() {
    for n in [3, 2000] {
        let mut returns = noise(n, 5, false);
        returns[n / 2] = -1.5;
        let found = return_statistics(arr1(&returns).view(), 0.0).unwrap();
        assert_eq!((found.log_growth, found.max_drawdown), (f64::NEG_INFINITY, 1.0));
        assert_eq!(found.longest_duration, careful(&returns, 0.0).longest_duration);
        for size in [1e-200, 1e200] {
            let scaled: Vec<f64> = noise(n, 5, false).iter().map(|value| value.abs() * size).collect();
            let found = return_statistics(arr1(&scaled).view(), 0.0).unwrap();
            assert!((found.highest / size) < 0.1 && found.mean > 0.0);
            assert!(size < 1.0 || (found.deviation / size > 0.01 && found.kurtosis > 1.0));
        }
    }
    // The value would leave the range of a float and come back.
    let mut returns = vec![9.0; 2000];
    returns.extend(vec![-0.9; 2000]);
    let found = return_statistics(arr1(&returns).view(), 0.0).unwrap();
    assert!(found.log_growth.abs() < 1e-9 && found.longest_duration == 2000);
}

#[test]
fn bad_input_is_named_wherever_it_hides() {
    for n in [3, 1000] {
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            for place in [0, n / 2, n - 1] {
                let mut returns = vec![0.01; n];
                returns[place] = bad;
                let error = return_statistics(arr1(&returns).view(), 0.0).unwrap_err();
                assert!(error.to_string().contains(&format!("index {place}")), "{error}");
            }
        }
    }
    assert!(return_statistics(arr1(&[]).view(), 0.0).is_err());
    assert!(return_statistics(arr1(&[0.1]).view(), f64::NAN).is_err());
}

#[test]
fn a_first_guess_that_is_far_off_costs_no_digit() {
    let mut returns = noise(4000, 9, false);
    returns[..64].iter_mut().for_each(|value| *value += 50.0);
    let found = return_statistics(arr1(&returns).view(), 0.0).unwrap();
    assert_agree(found, careful(&returns, 0.0), 1.0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn segments_agree_with_a_walk(
        n in 1_usize..4000, seed in any::<u32>(), coarse in any::<bool>(), scale in 0.001_f64..8.0,
        drift in -0.02_f64..0.02, target in -0.05_f64..0.05,
    ) {
        let returns: Vec<f64> =
            noise(n, seed, coarse).iter().map(|value| value * scale + drift * scale).collect();
        let found = return_statistics(arr1(&returns).view(), target).unwrap();
        assert_agree(found, careful(&returns, target), scale.min(1.0));
        let mut strided = Array1::zeros(2 * n);
        strided.iter_mut().step_by(2).zip(&returns).for_each(|(place, value)| *place = *value);
        let strided = strided.into_shape_with_order((n, 2)).unwrap();
        prop_assert_eq!(
            return_statistics(strided.column(0), target).unwrap().longest_duration,
            found.longest_duration
        );
    }
}
