//! Corners whose conditions are rounding of much larger numbers, which happened once; each must prove itself all the same.

#![allow(clippy::unwrap_used)] // a test may stop at the first surprise

use ndarray::{Array2, ArrayView1, array};
use poise_core::optimization::{Bounds, Status, efficient_frontier};

fn every_corner_is_proved(covariance: &Array2<f64>, mu: &[f64], lower: &[f64], upper: &[f64]) {
    let bounds = Bounds::new(ArrayView1::from(lower), ArrayView1::from(upper)).unwrap();
    let frontier = efficient_frontier(ArrayView1::from(mu), covariance.view(), &bounds).unwrap();
    for corner in frontier.corners() {
        assert!((corner.weights.iter().sum::<f64>() - 1.0).abs() <= 1e-12, "{corner:?}");
        assert!(corner.certificate <= 1e-13, "{corner:?}");
    }
}

#[test]
fn an_asset_that_joins_late_on_a_long_line_joins_at_its_price() {
    // The clock comes from 90 to 4e-5, and is off by the rounding of where it came from.
    let covariance = array![
        [0.11457359115718349, 0.06466460898653395, 0.019615842191497618, 0.0],
        [0.06466460898653395, 9739.55739779403, -5.65355207430761, 0.0],
        [0.019615842191497618, -5.65355207430761, 0.22299618921326103, 0.0],
        [0.0, 0.0, 0.0, 0.0],
    ];
    let mu = [0.4940468514656026, 0.5249201805536778, -0.6332294749937079, -0.8528594354733103];
    every_corner_is_proved(
        &covariance,
        &mu,
        &[0.0, 0.0, 0.1846958556177039, 0.0],
        &[1.0, 0.513518552831759, 0.25, 1.0],
    );
}

#[test]
fn weights_of_1e_10_beside_one_of_1_keep_their_digits() {
    let covariance = array![
        [0.0, 0.0, 0.0],
        [0.0, 0.0012305813536335449, -0.0005520752582447318],
        [0.0, -0.0005520752582447318, 0.0009294090456197036],
    ];
    let mu = [0.10000000000010001, 0.0999999999998, 0.10000000000020001];
    let upper = [1.0, 0.3333333333333333, 0.43384694395913];
    every_corner_is_proved(&covariance, &mu, &[0.0, -0.22550631642343574, 0.0], &upper);
}

#[test]
fn a_hedge_of_less_variance_than_the_end_meets_its_own_target() {
    // Found by fuzzing: the ridge ends the frontier at an asset that hardly moves, and the hedge was told to relax.
    let covariance = array![[1.0, -1.0, 0.0], [-1.0, 1.0, 0.0], [0.0, 0.0, 1e-14]];
    let expected = array![0.002, 0.001, 0.0];
    let (lower, upper) = (array![0.0, 0.0, 0.0], array![0.5, 1.0, 1.0]);
    let bounds = Bounds::new(lower.view(), upper.view()).unwrap();
    let frontier = efficient_frontier(expected.view(), covariance.view(), &bounds).unwrap();
    let (top, end) = (&frontier.corners()[0], &frontier.corners()[frontier.corners().len() - 1]);
    assert!(top.variance == 0.0 && end.variance > 0.0, "{frontier:?} does not show it");
    let solution = frontier.at_variance(0.0).unwrap();
    assert_eq!(
        (solution.weights.as_slice(), solution.status),
        ([0.5, 0.5, 0.0].as_slice(), Status::Degenerate)
    );
}
