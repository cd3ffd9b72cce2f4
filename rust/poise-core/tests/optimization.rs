//! What must hold for every optimizer: bounds, sums, optimality, and one answer for degenerate inputs.

#![allow(clippy::unwrap_used)] // a test may stop at the first surprise

use ndarray::{Array1, Array2, ArrayView1, array};
use poise_core::Error;
use poise_core::optimization::{
    Bounds, Side, Solution, Status, fill, maximum_diversification, mean_variance, minimum_variance,
    risk_parity,
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

fn keeps(solution: &Solution, bounds: &[(f64, f64)]) {
    assert!((solution.weights.iter().sum::<f64>() - 1.0).abs() <= 1e-12, "{solution:?}");
    for (weight, (low, high)) in solution.weights.iter().zip(bounds) {
        assert!(low <= weight && weight <= high, "{weight} outside [{low}, {high}]");
        assert!(weight.is_sign_positive() || *weight < 0.0, "a negative zero");
    }
}

#[test]
fn weights_that_open_bounds_let_grow_without_measure_are_refused() {
    let open = Bounds::uniform(2, f64::NEG_INFINITY, f64::INFINITY).unwrap();
    let absurd = array![1e290, -1e290];
    let found = mean_variance(absurd.view(), Array2::eye(2).view(), 1.0, &open);
    assert!(matches!(found, Err(Error::OutOfRange { what: "a weight", .. })), "{found:?}");
    let high = array![1e140, -1e140];
    let found = mean_variance(high.view(), Array2::eye(2).view(), 1.0, &open).unwrap();
    assert!((found.weights[0] / 1e140 - 1.0).abs() < 1e-12, "{found:?}");
}

#[test]
fn risk_parity_has_its_closed_forms() {
    // Two assets: inverse volatility whatever the correlation.
    for rho in [-0.99, -0.5, 0.0, 0.7, 0.999] {
        let covariance = array![[0.04, rho * 0.06], [rho * 0.06, 0.09]];
        close(&risk_parity(covariance.view(), None, &full(2)).unwrap().weights, &[0.6, 0.4], 1e-12);
    }
    // Without correlation: w ~ sqrt(b) / sigma.
    let covariance = Array2::from_diag(&array![0.01, 0.04, 0.09]);
    let budgets = array![0.5, 0.3, 0.2];
    let raw = [50.0_f64.sqrt(), 7.5_f64.sqrt(), (0.2_f64 / 0.09).sqrt()];
    let wanted: Vec<f64> = raw.iter().map(|r| r / raw.iter().sum::<f64>()).collect();
    close(&risk_parity(covariance.view(), Some(budgets.view()), &full(3)).unwrap().weights, &wanted, 1e-12);
    // Constant correlation: inverse volatility.
    let sigma = array![0.1, 0.2, 0.4, 0.8];
    let covariance =
        Array2::from_shape_fn((4, 4), |(i, j)| sigma[i] * sigma[j] * if i == j { 1.0 } else { 0.6 });
    let wanted: Vec<f64> = sigma.iter().map(|s| 1.0 / s / 18.75).collect();
    close(&risk_parity(covariance.view(), None, &full(4)).unwrap().weights, &wanted, 1e-12);
}

#[test]
fn zero_budgets_and_riskless_assets_get_nothing() {
    let covariance = array![[0.04, 0.01, 0.0], [0.01, 0.09, 0.0], [0.0, 0.0, 0.0]];
    let solution = risk_parity(covariance.view(), None, &full(3)).unwrap();
    close(&solution.weights, &[0.6, 0.4, 0.0], 1e-12);
    assert_eq!((solution.status, solution.riskless), (Status::Degenerate, vec![2]));
    let budgets = array![1.0, 0.0, 1.0];
    let solution = risk_parity(covariance.view(), Some(budgets.view()), &full(3)).unwrap();
    close(&solution.weights, &[1.0, 0.0, 0.0], 0.0);
    // Nobody carries risk: equal weights.
    let still = Array2::zeros((4, 4));
    for solution in [
        risk_parity(still.view(), None, &full(4)).unwrap(),
        minimum_variance(still.view(), &full(4)).unwrap(),
        maximum_diversification(still.view(), &full(4)).unwrap(),
    ] {
        close(&solution.weights, &[0.25; 4], 0.0);
        assert_eq!(solution.status, Status::Degenerate);
    }
}

#[test]
fn perfect_hedges_and_twins_share_equally() {
    let hedge = array![[0.04, -0.04], [-0.04, 0.04]];
    let twins = array![[0.04, 0.04, 0.01], [0.04, 0.04, 0.01], [0.01, 0.01, 0.09]];
    for solve in [
        |c: &Array2<f64>| risk_parity(c.view(), None, &full(c.nrows())).unwrap(),
        |c: &Array2<f64>| minimum_variance(c.view(), &full(c.nrows())).unwrap(),
        |c: &Array2<f64>| maximum_diversification(c.view(), &full(c.nrows())).unwrap(),
    ] {
        let solution = solve(&hedge);
        close(&solution.weights, &[0.5, 0.5], 1e-12);
        assert_eq!((solution.status, solution.ridge), (Status::Degenerate, 1e-10));
        let weights = solve(&twins).weights;
        close(&weights[..1], &weights[1..2], 1e-12);
    }
}

#[test]
fn an_indefinite_matrix_is_refused_by_asset() {
    let covariance = array![[1.0, 0.9, -0.9], [0.9, 1.0, 0.9], [-0.9, 0.9, 1.0]];
    for outcome in [
        risk_parity(covariance.view(), None, &full(3)),
        minimum_variance(covariance.view(), &full(3)),
        maximum_diversification(covariance.view(), &full(3)),
    ] {
        assert!(matches!(outcome, Err(Error::NotPositiveSemidefinite { index: 2, .. })), "{outcome:?}");
    }
    let moves_alone = array![[0.0, 0.5], [0.5, 1.0]];
    let outcome = minimum_variance(moves_alone.view(), &full(2));
    assert!(matches!(outcome, Err(Error::NotPositiveSemidefinite { index: 0, .. })), "{outcome:?}");
}

#[test]
fn one_asset_takes_all() {
    let covariance = array![[0.04]];
    for solution in [
        risk_parity(covariance.view(), None, &full(1)).unwrap(),
        minimum_variance(covariance.view(), &full(1)).unwrap(),
        maximum_diversification(covariance.view(), &full(1)).unwrap(),
        mean_variance(array![0.1].view(), covariance.view(), 2.0, &full(1)).unwrap(),
    ] {
        assert_eq!(solution.weights, vec![1.0]);
    }
}

#[test]
fn a_hedge_that_needs_more_than_all_money_relaxes_to_the_minimum_variance() {
    // Nine tenths in a volatile asset: hedging them fully would take nine tenths of the other.
    let covariance = array![[0.04, -0.0396], [-0.0396, 0.04]];
    let bounds = Bounds::new(array![0.9, 0.0].view(), array![1.0, 1.0].view()).unwrap();
    let solution = risk_parity(covariance.view(), None, &bounds).unwrap();
    assert_eq!(solution.status, Status::Relaxed);
    close(&solution.weights, &minimum_variance(covariance.view(), &bounds).unwrap().weights, 0.0);
    close(&solution.weights, &[0.9, 0.1], 1e-15);
}

#[test]
fn bounded_risk_parity_keeps_the_ratios_of_those_inside() {
    let covariance = Array2::from_diag(&array![0.01, 0.04, 0.16]);
    let bounds = Bounds::uniform(3, 0.0, 0.5).unwrap();
    let solution = risk_parity(covariance.view(), None, &bounds).unwrap();
    // Unbounded: 4/7, 2/7, 1/7. The first is capped, the others keep w ~ 1 / sigma.
    close(&solution.weights, &[0.5, 1.0 / 3.0, 1.0 / 6.0], 1e-12);
    assert_eq!(solution.sides, vec![Side::Upper, Side::Inside, Side::Inside]);
    assert!(solution.certificate <= 1e-12 && solution.budget_gap > 0.01, "{solution:?}");
}

#[test]
fn mean_variance_walks_from_the_safest_to_the_best() {
    let covariance = array![[0.04, 0.006, 0.0], [0.006, 0.01, 0.0], [0.0, 0.0, 0.0]];
    let mu = array![0.10, 0.05, 0.02];
    let tempted = mean_variance(mu.view(), covariance.view(), 1e-6, &full(3)).unwrap();
    close(&tempted.weights, &[1.0, 0.0, 0.0], 0.0);
    // Without variance and with the best return among the careful: it takes part here.
    let careful = mean_variance(mu.view(), covariance.view(), 1e6, &full(3)).unwrap();
    assert!(careful.weights[2] > 0.99, "{careful:?}");
    // A constant on all returns changes nothing.
    let shifted = mean_variance((&mu + 1e3).view(), covariance.view(), 3.0, &full(3)).unwrap();
    let plain = mean_variance(mu.view(), covariance.view(), 3.0, &full(3)).unwrap();
    close(&shifted.weights, &plain.weights, 1e-9);
}

#[test]
fn short_positions_reach_the_closed_form() {
    let covariance = array![[0.04, 0.03, 0.01], [0.03, 0.05, 0.0], [0.01, 0.0, 0.09]];
    let open = Bounds::uniform(3, f64::NEG_INFINITY, f64::INFINITY).unwrap();
    let weights = minimum_variance(covariance.view(), &open).unwrap().weights;
    let gradient = covariance.dot(&ArrayView1::from(&weights));
    assert!((gradient[0] - gradient[1]).abs() < 1e-15 && (gradient[0] - gradient[2]).abs() < 1e-15);
}

#[test]
fn every_broken_promise_has_its_error() {
    let covariance = array![[0.04, 0.01], [0.01, 0.09]];
    let short = Bounds::uniform(2, 0.0, 0.4).unwrap();
    let greedy = Bounds::uniform(2, 0.6, 1.0).unwrap();
    for bounds in [&short, &greedy] {
        assert!(matches!(minimum_variance(covariance.view(), bounds), Err(Error::Infeasible { .. })));
        assert!(matches!(risk_parity(covariance.view(), None, bounds), Err(Error::Infeasible { .. })));
    }
    assert!(matches!(Bounds::uniform(2, 0.5, 0.4), Err(Error::Infeasible { .. })));
    assert!(matches!(Bounds::uniform(2, f64::NAN, 0.4), Err(Error::NonFinite { .. })));
    let unbounded = Bounds::uniform(2, 0.0, 1.0).unwrap();
    let parity = |budgets: Array1<f64>| risk_parity(covariance.view(), Some(budgets.view()), &unbounded);
    assert!(matches!(parity(array![1.0, -0.1]), Err(Error::OutOfRange { .. })));
    assert!(matches!(parity(array![0.0, 0.0]), Err(Error::OutOfRange { .. })));
    assert!(matches!(parity(array![1.0, f64::NAN]), Err(Error::NonFinite { .. })));
    assert!(matches!(parity(array![1.0, 1.0, 1.0]), Err(Error::Shape { .. })));
    let careless = |aversion| mean_variance(array![0.1, 0.2].view(), covariance.view(), aversion, &unbounded);
    assert!(matches!(careless(0.0), Err(Error::OutOfRange { .. })));
    assert!(matches!(careless(f64::INFINITY), Err(Error::OutOfRange { .. })));
    assert!(matches!(minimum_variance(Array2::zeros((0, 0)).view(), &short), Err(Error::Empty { .. })));
    let wide = Bounds::uniform(3, 0.0, 1.0).unwrap();
    assert!(matches!(minimum_variance(covariance.view(), &wide), Err(Error::Shape { .. })));
    let no_room = Bounds::new(array![-1.0, -1.0].view(), array![-0.1, 2.0].view()).unwrap();
    assert!(matches!(risk_parity(covariance.view(), None, &no_room), Err(Error::Infeasible { .. })));
}

/// Sample covariances made to hurt: few observations, twins, hedges, still assets, very different scales.
fn hostile() -> impl Strategy<Value = Array2<f64>> {
    (1_usize..9, 1_usize..20).prop_flat_map(|(n, t)| {
        let entries = proptest::collection::vec(-1.0_f64..1.0, n * t);
        let tricks = proptest::collection::vec((0_u8..5, 0..n, 0..n, -3.0_f64..3.0), 0..4);
        (entries, tricks, -6.0_f64..6.0).prop_map(move |(entries, tricks, scale)| {
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
            x.t().dot(&x) * (10.0_f64.powf(scale) / t as f64)
        })
    })
}

/// Bounds that admit a full investment: caps, floors, both, or a fixed weight.
fn boxes(n: usize) -> impl Strategy<Value = Vec<(f64, f64)>> {
    proptest::collection::vec((0.0_f64..0.9, 1.0_f64..3.0), n).prop_map(move |pairs| {
        pairs.iter().map(|(l, u)| (l / n as f64, (u / n as f64).max(l / n as f64))).collect()
    })
}

fn bounds_of(pairs: &[(f64, f64)]) -> Bounds {
    let (low, high): (Vec<f64>, Vec<f64>) = pairs.iter().copied().unzip();
    Bounds::new(ArrayView1::from(&low), ArrayView1::from(&high)).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn answers_keep_their_bounds_and_certificates(
        (covariance, pairs) in hostile().prop_flat_map(|c| { let n = c.nrows(); (Just(c), boxes(n)) })
    ) {
        let bounds = bounds_of(&pairs);
        for solution in [
            minimum_variance(covariance.view(), &bounds).unwrap(),
            maximum_diversification(covariance.view(), &bounds).unwrap(),
        ] {
            keeps(&solution, &pairs);
            prop_assert!(solution.certificate <= 1e-8, "{:?}", solution);
        }
        let parity = risk_parity(covariance.view(), None, &bounds).unwrap();
        keeps(&parity, &pairs);
        prop_assert!(parity.certificate <= 1e-3 && (parity.ridge > 0.0 || parity.certificate <= 1e-6));
    }

    #[test]
    fn no_exchange_of_two_assets_lowers_the_minimum_variance(
        (covariance, pairs) in hostile().prop_flat_map(|c| { let n = c.nrows(); (Just(c), boxes(n)) })
    ) {
        let solution = minimum_variance(covariance.view(), &bounds_of(&pairs)).unwrap();
        let scale = covariance.diag().sum() / covariance.nrows() as f64;
        let least = variance(&solution.weights, &covariance);
        for i in 0..pairs.len() {
            for j in 0..pairs.len() {
                if i == j || solution.riskless.contains(&i) || solution.riskless.contains(&j) {
                    continue;
                }
                let room = (pairs[i].1 - solution.weights[i]).min(solution.weights[j] - pairs[j].0);
                for part in [1.0, 0.1, 0.001] {
                    let mut other = solution.weights.clone();
                    other[i] += part * room;
                    other[j] -= part * room;
                    prop_assert!(variance(&other, &covariance) >= least - 1e-9 * scale);
                }
            }
        }
    }

    #[test]
    fn contributions_match_the_budgets(
        covariance in hostile(),
        raw in proptest::collection::vec(0.01_f64..1.0, 9),
    ) {
        let n = covariance.nrows();
        let budgets = Array1::from_vec(raw[..n].to_vec());
        let solution = risk_parity(covariance.view(), Some(budgets.view()), &full(n)).unwrap();
        keeps(&solution, &vec![(0.0, 1.0); n]);
        if solution.status == Status::Optimal {
            let w = ArrayView1::from(&solution.weights);
            let contributions = &w * &covariance.dot(&w);
            let (risk, total) = (contributions.sum(), budgets.sum());
            for (contribution, budget) in contributions.iter().zip(&budgets) {
                prop_assert!((contribution / risk - budget / total).abs() < 1e-8);
            }
        }
    }

    #[test]
    fn filling_is_proportional_inside_the_bounds(
        (pull, pairs) in (1_usize..9).prop_flat_map(|n| (proptest::collection::vec(0.01_f64..10.0, n), boxes(n)))
    ) {
        let weights = fill(ArrayView1::from(&pull), &bounds_of(&pairs), 1.0).unwrap();
        prop_assert!((weights.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        let ratios: Vec<f64> = (0..pull.len())
            .filter(|&i| weights[i] > pairs[i].0 && weights[i] < pairs[i].1)
            .map(|i| weights[i] / pull[i])
            .collect();
        prop_assert!(ratios.iter().all(|r| (r / ratios[0] - 1.0).abs() < 1e-9), "{:?}", ratios);
    }
}
