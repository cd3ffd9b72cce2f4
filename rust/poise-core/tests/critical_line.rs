//! The frontier: published corners, and what must hold on inputs made to hurt.

#![allow(clippy::unwrap_used)] // a test may stop at the first surprise

use ndarray::{Array1, Array2, ArrayView1, array};
use poise_core::Error;
use poise_core::optimization::{
    Bounds, Frontier, Solution, Status, efficient_frontier, maximum_sharpe, mean_variance, minimum_variance,
};
use proptest::prelude::*;

fn close(found: &[f64], wanted: &[f64], tolerance: f64) {
    assert_eq!(found.len(), wanted.len());
    for (f, w) in found.iter().zip(wanted) {
        assert!((f - w).abs() <= tolerance, "{found:?} against {wanted:?}");
    }
}

fn full(n: usize) -> Bounds {
    Bounds::uniform(n, 0.0, 1.0).unwrap()
}

fn variance(weights: &[f64], covariance: &Array2<f64>) -> f64 {
    let w = ArrayView1::from(weights);
    w.dot(&covariance.dot(&w))
}

fn keeps(weights: &[f64], bounds: &[(f64, f64)]) {
    assert!((weights.iter().sum::<f64>() - 1.0).abs() <= 1e-12, "{weights:?}");
    for (weight, (low, high)) in weights.iter().zip(bounds) {
        assert!(low <= weight && weight <= high, "{weight} outside [{low}, {high}]");
        assert!(weight.is_sign_positive() || *weight < 0.0, "a negative zero");
    }
}

fn is_ordered(frontier: &Frontier) {
    for pair in frontier.corners().windows(2) {
        assert!(pair[0].risk_tolerance >= pair[1].highest_tolerance, "{pair:?}");
        assert!(pair[1].highest_tolerance >= pair[1].risk_tolerance, "{pair:?}");
    }
}

#[test]
fn three_assets_of_kwan_under_a_cap() {
    let covariance = array![[0.0004, 0.0004, 0.0002], [0.0004, 0.0025, 0.001], [0.0002, 0.001, 0.01]];
    let bounds = Bounds::uniform(3, 0.0, 0.7).unwrap();
    let frontier = efficient_frontier(array![0.05, 0.08, 0.12].view(), covariance.view(), &bounds).unwrap();
    let published = [
        (0.14625, [0.0, 0.3, 0.7]),
        (0.0547683924, [0.0, 0.648_501_362_4, 0.351_498_637_6]),
        (0.0159346049, [0.7, 0.183_106_267, 0.116_893_733]),
        (0.0, [0.7, 0.243_809_523_8, 0.056_190_476_2]),
    ];
    assert_eq!(frontier.corners().len(), published.len());
    for (corner, (lambda, weights)) in frontier.corners().iter().zip(published) {
        close(&corner.weights, &weights, 1e-9);
        assert!((corner.risk_tolerance - lambda).abs() < 1e-9, "{corner:?}");
        assert!(corner.certificate <= 1e-13, "{corner:?}");
    }
    is_ordered(&frontier);
}

#[test]
fn two_best_returns_share_by_least_variance() {
    let covariance = array![[1.0, 0.1, 0.2], [0.1, 1.0, -0.1], [0.2, -0.1, 1.0]];
    let frontier = efficient_frontier(array![2.0, 2.0, 1.0].view(), covariance.view(), &full(3)).unwrap();
    assert_eq!(frontier.corners().len(), 2);
    close(&frontier.corners()[0].weights, &[0.5, 0.5, 0.0], 1e-15);
    close(&frontier.corners()[1].weights, &[0.261_904_762, 0.380_952_381, 0.357_142_857], 1e-9);
}

#[test]
fn equal_returns_leave_the_least_variance() {
    let covariance = array![[0.04, 0.01, 0.0], [0.01, 0.09, 0.02], [0.0, 0.02, 0.16]];
    let frontier = efficient_frontier(array![0.1, 0.1, 0.1].view(), covariance.view(), &full(3)).unwrap();
    let [only] = frontier.corners() else { panic!("{:?}", frontier.corners()) };
    close(&only.weights, &minimum_variance(covariance.view(), &full(3)).unwrap().weights, 1e-14);
    assert_eq!((only.risk_tolerance, only.highest_tolerance), (0.0, f64::INFINITY));
    for lambda in [0.0, 1.0, 1e6] {
        close(&frontier.at_risk_tolerance(lambda).unwrap().weights, &only.weights, 1e-15);
    }
}

#[test]
fn one_asset_and_a_fixed_choice_are_one_corner() {
    let frontier = efficient_frontier(array![0.1].view(), array![[0.04]].view(), &full(1)).unwrap();
    assert_eq!(frontier.corners().len(), 1);
    assert_eq!(frontier.maximum_sharpe(0.0).unwrap().weights, vec![1.0]);
    let fixed = Bounds::new(array![0.25, 0.75].view(), array![0.25, 0.75].view()).unwrap();
    let covariance = array![[0.04, 0.01], [0.01, 0.09]];
    let frontier = efficient_frontier(array![0.1, 0.2].view(), covariance.view(), &fixed).unwrap();
    assert_eq!(frontier.corners().len(), 1);
    assert_eq!(frontier.corners()[0].weights, vec![0.25, 0.75]);
    // No room is left by the lower bounds, although no single weight is fixed.
    let full_already = Bounds::new(array![0.25, 0.75].view(), array![1.0, 1.0].view()).unwrap();
    let frontier = efficient_frontier(array![0.1, 0.2].view(), covariance.view(), &full_already).unwrap();
    assert_eq!(frontier.corners().len(), 1);
    assert_eq!(frontier.corners()[0].weights, vec![0.25, 0.75]);
}

#[test]
fn an_asset_without_variance_is_where_the_frontier_ends() {
    let covariance = array![[0.04, 0.0], [0.0, 0.0]];
    let frontier = efficient_frontier(array![0.1, 0.02].view(), covariance.view(), &full(2)).unwrap();
    close(&frontier.corners()[0].weights, &[1.0, 0.0], 0.0);
    // The ridge counts as a variance of 1e-10.
    close(&frontier.minimum_variance().weights, &[0.0, 1.0], 1e-10);
    assert_eq!(frontier.riskless(), [1]);
    // Beside a rate it is cash: the ratio is that of the other.
    let tangent = maximum_sharpe(array![0.1, 0.02].view(), covariance.view(), 0.02, &full(2)).unwrap();
    close(&tangent.weights, &[1.0, 0.0], 0.0);
    assert_eq!(tangent.status, Status::Degenerate);
    assert!((tangent.objective - 0.4).abs() < 1e-12, "{tangent:?}");
}

#[test]
fn twins_and_hedges_get_the_ridge_and_share() {
    let twins = array![[0.04, 0.04, 0.01], [0.04, 0.04, 0.01], [0.01, 0.01, 0.09]];
    let frontier = efficient_frontier(array![0.1, 0.1, 0.2].view(), twins.view(), &full(3)).unwrap();
    assert_eq!(frontier.ridge(), 1e-10);
    for corner in frontier.corners() {
        close(&corner.weights[..1], &corner.weights[1..2], 0.0);
    }
    let hedge = array![[0.04, -0.04], [-0.04, 0.04]];
    let frontier = efficient_frontier(array![0.1, 0.05].view(), hedge.view(), &full(2)).unwrap();
    close(&frontier.minimum_variance().weights, &[0.5, 0.5], 1e-9);
    assert_eq!(frontier.minimum_variance().status, Status::Degenerate);
}

#[test]
fn the_path_ends_among_assets_that_hardly_move() {
    let mut covariance = Array2::zeros((12, 12));
    for (i, variance) in [(0, 1e-17), (1, 0.1), (6, 0.1), (9, 0.1)] {
        covariance[(i, i)] = variance;
    }
    for pair in [(3, 3), (3, 7), (7, 3), (7, 7)] {
        covariance[pair] = 0.1;
    }
    let mut means = Array1::from_elem(12, -4.5e-186);
    for (i, mean) in [(3, -4.5e-244), (5, -1e-43), (6, -0.11309), (8, -1e-187), (9, 0.23295), (11, 6e-304)] {
        means[i] = mean;
    }
    let mut pairs = vec![(0.0, 1.0); 12];
    pairs[7] = (-0.45, -0.35);
    let frontier = efficient_frontier(means.view(), covariance.view(), &bounds_of(&pairs)).unwrap();
    frontier.corners().iter().for_each(|corner| keeps(&corner.weights, &pairs));
    is_ordered(&frontier);
    assert_eq!(frontier.corners().last().unwrap().risk_tolerance, 0.0);
}

#[test]
fn one_asset_of_denormal_return_is_its_own_tangent() {
    let bounds = Bounds::uniform(1, -0.75, 1.75).unwrap();
    let found = maximum_sharpe(array![6e-310].view(), array![[2e-300]].view(), 0.0, &bounds).unwrap();
    assert_eq!((found.weights, found.status, found.certificate), (vec![1.0], Status::Optimal, 0.0));
}

#[test]
fn returns_beyond_what_a_portfolio_can_add_up_are_refused() {
    let covariance = Array2::eye(2);
    let found = efficient_frontier(array![1e200, 0.0].view(), covariance.view(), &full(2));
    assert!(matches!(found, Err(Error::OutOfRange { .. })), "{found:?}");
}

#[test]
fn open_sides_are_a_straight_line_for_ever() {
    let covariance = array![[0.04, 0.006, 0.0], [0.006, 0.01, 0.0], [0.0, 0.0, 0.09]];
    let mu = array![0.10, 0.05, 0.12];
    let open = Bounds::uniform(3, f64::NEG_INFINITY, f64::INFINITY).unwrap();
    let frontier = efficient_frontier(mu.view(), covariance.view(), &open).unwrap();
    assert!(frontier.is_endless());
    assert_eq!(frontier.corners().len(), 1);
    for lambda in [0.0, 0.3, 2.0, 50.0] {
        let found = frontier.at_risk_tolerance(lambda).unwrap();
        assert!(found.certificate <= 1e-12, "{found:?}");
        if lambda > 0.0 {
            let wanted = mean_variance(mu.view(), covariance.view(), 1.0 / lambda, &open).unwrap();
            close(&found.weights, &wanted.weights, 1e-10 * (1.0 + lambda));
        }
    }
    let found = frontier.at_return(0.5).unwrap();
    assert!((ArrayView1::from(&found.weights).dot(&mu) - 0.5).abs() < 1e-12, "{found:?}");
    let found = frontier.at_variance(0.25).unwrap();
    assert!((variance(&found.weights, &covariance) - 0.25).abs() < 1e-12, "{found:?}");
    // The tangent is proportional to the solution of S x = mu - rate.
    let tangent = frontier.maximum_sharpe(0.02).unwrap();
    let x = covariance.dot(&ArrayView1::from(&tangent.weights)) / (&mu - 0.02);
    assert!((x[0] / x[1] - 1.0).abs() < 1e-12 && (x[0] / x[2] - 1.0).abs() < 1e-12, "{x}");
    // Above the return of the least variance no portfolio attains the largest ratio.
    assert_eq!(frontier.maximum_sharpe(0.2).unwrap().status, Status::Relaxed);
}

#[test]
fn targets_off_the_frontier_get_its_nearest_end() {
    let covariance = array![[0.04, 0.006], [0.006, 0.01]];
    let frontier = efficient_frontier(array![0.10, 0.05].view(), covariance.view(), &full(2)).unwrap();
    let (top, least) = (frontier.corners()[0].clone(), frontier.minimum_variance());
    for (solution, wanted) in [
        (frontier.at_return(0.2).unwrap(), &top.weights),
        (frontier.at_variance(0.05).unwrap(), &top.weights),
        (frontier.at_return(0.0).unwrap(), &least.weights),
        (frontier.at_variance(0.001).unwrap(), &least.weights),
    ] {
        assert_eq!((&solution.weights, solution.status), (wanted, Status::Relaxed));
    }
    assert_eq!(frontier.at_return(0.10).unwrap().status, Status::Optimal);
    for wrong in [f64::NAN, f64::INFINITY, -1.0] {
        assert!(matches!(frontier.at_variance(wrong), Err(Error::OutOfRange { .. })));
        assert!(matches!(frontier.at_risk_tolerance(wrong), Err(Error::OutOfRange { .. })));
    }
    assert!(matches!(frontier.at_return(f64::NAN), Err(Error::OutOfRange { .. })));
    assert!(matches!(frontier.maximum_sharpe(f64::NAN), Err(Error::OutOfRange { .. })));
}

#[test]
fn below_the_rate_the_ratio_ranks_nothing() {
    let covariance = array![[0.04, 0.006], [0.006, 0.01]];
    let found = maximum_sharpe(array![0.01, 0.02].view(), covariance.view(), 0.02, &full(2)).unwrap();
    assert_eq!(found.status, Status::Degenerate);
    close(&found.weights, &minimum_variance(covariance.view(), &full(2)).unwrap().weights, 1e-15);
    let still = maximum_sharpe(array![0.1, 0.2].view(), Array2::zeros((2, 2)).view(), 0.0, &full(2)).unwrap();
    assert_eq!((still.weights, still.status), (vec![0.5, 0.5], Status::Degenerate));
}

#[test]
fn prices_are_what_a_wider_bound_would_bring() {
    let covariance = array![[0.04, 0.006, 0.0], [0.006, 0.01, 0.002], [0.0, 0.002, 0.09]];
    let mu = array![0.10, 0.05, 0.12];
    let (low, high) = (array![0.1, 0.0, 0.0], array![0.6, 0.4, 0.2]);
    let at = |h: f64, i: usize| {
        Bounds::new(low.view(), (&high + &Array1::from_shape_fn(3, |k| if k == i { h } else { 0.0 })).view())
            .unwrap()
    };
    let solve = |bounds: &Bounds| minimum_variance(covariance.view(), bounds).unwrap();
    let utility = |bounds: &Bounds| mean_variance(mu.view(), covariance.view(), 4.0, bounds).unwrap();
    let h = 1e-6;
    for i in 0..3 {
        let (narrow, wide) = (solve(&at(0.0, i)), solve(&at(h, i)));
        let upper = if narrow.weights[i] == high[i] { narrow.prices[i] } else { 0.0 };
        assert!(((narrow.objective - wide.objective) / h - upper).abs() < 1e-5, "{narrow:?}");
        let (narrow, wide) = (utility(&at(0.0, i)), utility(&at(h, i)));
        let upper = if narrow.weights[i] == high[i] { narrow.prices[i] } else { 0.0 };
        assert!(((wide.objective - narrow.objective) / h - upper).abs() < 1e-5, "{narrow:?}");
        assert!(narrow.gap <= 1e-14 && narrow.prices.iter().any(|price| *price > 0.0), "{narrow:?}");
    }
}

/// Three factors and a rest of its own for every asset, for whom `rest` says how large.
fn factor_market(n: usize, rest: impl Fn(usize) -> f64) -> (Array1<f64>, Array2<f64>) {
    let loading = |i: usize, k: usize| 1.0 + ((i * (2 * k + 3) + k) as f64 * 0.7).sin();
    let covariance = Array2::from_shape_fn((n, n), |(i, j)| {
        let shared: f64 = (0..3).map(|k| loading(i, k) * loading(j, k)).sum();
        1e-4 * (shared + if i == j { rest(i) } else { 0.0 })
    });
    (Array1::from_shape_fn(n, |i| 1e-3 * (1.0 + (i as f64 * 1.3).sin())), covariance)
}

#[test]
fn a_large_frontier_that_leaves_no_choice_needs_no_factor() {
    let n = 130;
    // Singular: the first five share three factors and have nothing of their own.
    let (mu, covariance) = factor_market(n, |i| if i < 5 { 0.0 } else { 3.0 + (i as f64).cos() });
    for cap in [1.0, 0.06, 0.05] {
        let frontier =
            efficient_frontier(mu.view(), covariance.view(), &Bounds::uniform(n, 0.0, cap).unwrap()).unwrap();
        is_ordered(&frontier);
        assert!(frontier.corners().len() > 30 && frontier.ridge() == 0.0);
        for corner in frontier.corners() {
            keeps(&corner.weights, &vec![(0.0, cap); n]);
            assert!(corner.certificate <= 1e-12, "{corner:?}");
            let proved = frontier.at_risk_tolerance(corner.risk_tolerance).unwrap();
            close(&proved.weights, &corner.weights, 1e-9);
            assert!(proved.certificate <= 1e-12 && proved.status == Status::Optimal, "{proved:?}");
        }
    }
}

#[test]
fn a_large_frontier_that_leaves_a_choice_gets_the_ridge() {
    let n = 130;
    let (mut mu, mut covariance) = factor_market(n, |i| 3.0 + (i as f64).cos());
    let best = (0..n).max_by(|&i, &j| mu[i].total_cmp(&mu[j])).unwrap();
    let twin = (best + 1) % n;
    // The asset everybody holds twice: any split of it is as good.
    mu[twin] = mu[best];
    let row = covariance.row(best).to_owned();
    covariance.row_mut(twin).assign(&row);
    covariance.column_mut(twin).assign(&row);
    covariance[(twin, twin)] = row[best];
    covariance[(best, twin)] = row[best];
    covariance[(twin, best)] = row[best];
    let frontier = efficient_frontier(mu.view(), covariance.view(), &full(n)).unwrap();
    assert_eq!(frontier.ridge(), 1e-10);
    for corner in frontier.corners() {
        assert_eq!(corner.weights[best], corner.weights[twin]);
    }
    // And one that contradicts itself is refused as a small one is.
    covariance[(best, twin)] = -1.5 * row[best];
    covariance[(twin, best)] = -1.5 * row[best];
    let refused = efficient_frontier(mu.view(), covariance.view(), &full(n));
    assert!(matches!(refused, Err(Error::NotPositiveSemidefinite { .. })), "{refused:?}");
    let tangent = maximum_sharpe(mu.view(), covariance.view(), 0.0, &full(n));
    assert!(matches!(tangent, Err(Error::NotPositiveSemidefinite { .. })), "{tangent:?}");
}

/// Sample covariances made to hurt, returns with ties, and bounds that admit a full investment.
fn hostile() -> impl Strategy<Value = (Array2<f64>, Vec<f64>, Vec<(f64, f64)>)> {
    (1_usize..9, 1_usize..20).prop_flat_map(|(n, t)| {
        let entries = proptest::collection::vec(-1.0_f64..1.0, n * t);
        let tricks = proptest::collection::vec((0_u8..5, 0..n, 0..n, -3.0_f64..3.0), 0..4);
        let means = prop_oneof![
            proptest::collection::vec(-1.0_f64..1.0, n),
            proptest::collection::vec((-2_i8..3).prop_map(f64::from), n),
            proptest::collection::vec((-2_i8..3).prop_map(|k| 0.1 + 1e-13 * f64::from(k)), n),
        ];
        let boxes = proptest::collection::vec((-0.9_f64..0.9, 1.0_f64..3.0, 0_u8..4), n);
        (entries, tricks, -6.0_f64..6.0, means, boxes).prop_map(
            move |(entries, tricks, scale, means, boxes)| {
                let mut x = Array2::from_shape_vec((t, n), entries).unwrap();
                for (trick, i, j, amount) in tricks {
                    let source = x.column(i).to_owned();
                    match trick {
                        0 => x.column_mut(j).assign(&source),
                        1 => x.column_mut(j).assign(&(-&source)),
                        2 => x.column_mut(i).fill(0.0),
                        3 => x.column_mut(i).mapv_inplace(|v| v * 10.0_f64.powf(amount)),
                        _ => x.column_mut(j).assign(&(&source * amount)),
                    }
                }
                let bounds = boxes
                    .iter()
                    .map(|(low, high, kind)| {
                        let (low, high) = (low / n as f64, high / n as f64);
                        match kind {
                            0 => (0.0, 1.0),
                            1 => (low, high.max(low)),
                            2 => (low.max(0.0), high.max(1.0 / n as f64)),
                            _ => (1.0 / n as f64, 1.0 / n as f64),
                        }
                    })
                    .collect();
                (x.t().dot(&x) * (10.0_f64.powf(scale) / t as f64), means, bounds)
            },
        )
    })
}

fn bounds_of(pairs: &[(f64, f64)]) -> Bounds {
    let (low, high): (Vec<f64>, Vec<f64>) = pairs.iter().copied().unzip();
    Bounds::new(ArrayView1::from(&low), ArrayView1::from(&high)).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn every_point_is_a_minimum((covariance, means, pairs) in hostile()) {
        let (bounds, mu) = (bounds_of(&pairs), ArrayView1::from(&means));
        let frontier = efficient_frontier(mu, covariance.view(), &bounds).unwrap();
        is_ordered(&frontier);
        let n = means.len();
        let scale = covariance.diag().sum() / n as f64;
        for corner in frontier.corners() {
            keeps(&corner.weights, &pairs);
            prop_assert!(corner.certificate <= 1e-9, "{:?}", corner);
        }
        let spread = means.iter().fold(0.0_f64, |most, mu| most.max(mu.abs()));
        for part in [0.0, 0.01, 0.1, 1.0, 10.0, 1e3] {
            let lambda = part * scale / spread.max(1e-3);
            let found = frontier.at_risk_tolerance(lambda).unwrap();
            keeps(&found.weights, &pairs);
            let objective = |w: &[f64]| 0.5 * variance(w, &covariance) - lambda * mu.dot(&ArrayView1::from(w));
            if lambda > 0.0 {
                let other = mean_variance(mu, covariance.view(), 1.0 / lambda, &bounds).unwrap();
                let slack = 1e-8 * scale.max(objective(&other.weights).abs()) + found.ridge * scale;
                prop_assert!(objective(&found.weights) <= objective(&other.weights) + slack, "{found:?} {other:?}");
                prop_assert!(found.gap >= -1e-30 && found.gap <= slack, "{found:?}");
            }
        }
    }

    #[test]
    fn queries_meet_their_targets((covariance, means, pairs) in hostile(), part in 0.0_f64..1.0) {
        let (bounds, mu) = (bounds_of(&pairs), ArrayView1::from(&means));
        let frontier = efficient_frontier(mu, covariance.view(), &bounds).unwrap();
        let (top, end) = (&frontier.corners()[0], &frontier.corners()[frontier.corners().len() - 1]);
        let mean = |solution: &Solution| mu.dot(&ArrayView1::from(&solution.weights));
        let target = end.expected_return + part * (top.expected_return - end.expected_return);
        let found = frontier.at_return(target).unwrap();
        keeps(&found.weights, &pairs);
        prop_assert!((mean(&found) - target).abs() <= 1e-9 * mu.iter().fold(1e-3_f64, |m, x| m.max(x.abs())));
        let target = end.variance + part * (top.variance - end.variance);
        let found = frontier.at_variance(target).unwrap();
        keeps(&found.weights, &pairs);
        let scale = covariance.diag().iter().fold(0.0_f64, |most, v| most.max(*v));
        prop_assert!((variance(&found.weights, &covariance) - target).abs() <= 1e-9 * scale.max(target));
    }

    #[test]
    fn no_corner_beats_the_tangent((covariance, means, pairs) in hostile(), rate in -1.0_f64..1.0) {
        let (bounds, mu) = (bounds_of(&pairs), ArrayView1::from(&means));
        let tangent = maximum_sharpe(mu, covariance.view(), rate, &bounds).unwrap();
        keeps(&tangent.weights, &pairs);
        if tangent.riskless.is_empty() && tangent.ridge == 0.0 && tangent.status == Status::Optimal {
            let frontier = efficient_frontier(mu, covariance.view(), &bounds).unwrap();
            for corner in frontier.corners() {
                let ratio = frontier.sharpe_ratio(&corner.weights, rate);
                prop_assert!(ratio <= tangent.objective * (1.0 + 1e-9), "{ratio} above {tangent:?}");
            }
            prop_assert!(tangent.certificate <= 1e-8);
        }
    }
}
