//! What must hold for the programs over scenarios, least conditional value at risk and largest growth: limits kept,
//! proofs that no found portfolio contradicts, an answer to what hurts.

#![allow(clippy::unwrap_used)] // a test may stop at the first surprise

use ndarray::{Array1, Array2, ArrayView1, Axis, array};
use poise_core::Error;
use poise_core::optimization::{Bounds, KellyRule, Proof, Solution, Status, TailRule, kelly, minimum_cvar};
use poise_core::risk::{historical_tail, weighted_tail};
use proptest::collection::vec;
use proptest::prelude::*;

fn bounds_of(pairs: &[(f64, f64)]) -> Bounds {
    let (low, high): (Vec<f64>, Vec<f64>) = pairs.iter().copied().unzip();
    Bounds::new(ArrayView1::from(&low), ArrayView1::from(&high)).unwrap()
}

fn keeps(solution: &Solution, pairs: &[(f64, f64)]) {
    assert_eq!(solution.weights.len(), pairs.len());
    for (weight, (low, high)) in solution.weights.iter().zip(pairs) {
        assert!(low <= weight && weight <= high, "{weight} is not in [{low}, {high}]: {solution:?}");
        assert!(*weight < 0.0 || weight.is_sign_positive(), "a negative zero: {solution:?}");
    }
}

fn tail(confidence_level: f64) -> TailRule<'static> {
    TailRule { confidence_level, probabilities: None, floor: None }
}

fn growth() -> KellyRule<'static> {
    KellyRule { probabilities: None, risk_free_rate: 0.0, fraction: 1.0, drawdown_power: None }
}

#[test]
fn a_weight_without_room_for_rounding_stays_where_it_is() {
    // Found by fuzzing: the room of 1e-16 was divided by, and nothing was solved.
    let returns = array![[0.06, -0.01, 0.07, 0.09], [0.05, 0.07, -0.04, -0.01], [0.08, -0.04, 0.05, -0.02]];
    let pairs = [(1.0 - 1e-16, 1.0), (0.0, 1.0), (0.0, 1.0), (-0.01, 0.09)];
    let expected = array![0.0, -1.0, 1.0, 20.0];
    let rule = TailRule { floor: Some((expected.view(), -0.004)), ..tail(0.975) };
    let (solution, _) = minimum_cvar(returns.view(), rule, &bounds_of(&pairs)).unwrap();
    keeps(&solution, &pairs);
    assert_eq!(solution.status, Status::Optimal, "{solution:?}");
    assert!(expected.dot(&ArrayView1::from(&solution.weights)) >= -0.004 - 1e-12, "{solution:?}");
    let grown = kelly(returns.view(), growth(), &bounds_of(&pairs)).unwrap().0;
    keeps(&grown, &pairs);
    assert_eq!(grown.status, Status::Optimal, "{grown:?}");
}

#[test]
fn a_side_that_the_budget_closed_is_not_the_bound() {
    // Found by fuzzing: a full weight of 1 came back as the bound of 1.5, a thousand million times the fraction.
    let returns = array![[0.3, 0.1], [0.2, -0.1], [-0.05, 0.02]];
    let pairs = [(0.0, 1.5); 2];
    let rule = KellyRule { fraction: 1e-9, ..growth() };
    let solution = kelly(returns.view(), rule, &bounds_of(&pairs)).unwrap().0;
    assert!(solution.weights.iter().sum::<f64>() <= 1e-9 * (1.0 + 1e-12), "{solution:?}");
}

#[test]
fn what_is_fixed_beyond_the_budget_is_paid_for_by_selling() {
    // Found by fuzzing: no other asset earned more than cash, and all were left out.
    let returns = array![[0.01, 0.02, -0.01], [-0.02, -0.03, 0.01]];
    let pairs = [(0.66, 0.66), (0.66, 0.66), (-0.5, 0.5)];
    for third in [0.0, 0.01] {
        let mut returns = returns.clone();
        returns.column_mut(2).fill(third);
        let solution = kelly(returns.view(), growth(), &bounds_of(&pairs)).unwrap().0;
        keeps(&solution, &pairs);
        assert!(solution.weights.iter().sum::<f64>() <= 1.0 + 1e-12, "{solution:?}");
    }
}

#[test]
fn wealth_that_is_a_rounding_is_ruin() {
    // Found by fuzzing: the least weights allowed lose everything, and 1e-16 of it was taken for what is left.
    let lower = [0.2, 0.1, 0.15];
    let all = -1.0 / lower.iter().sum::<f64>();
    let left = 1.0 + lower.iter().map(|weight| weight * all).sum::<f64>();
    assert!(left > 0.0 && left < 1e-15, "{left:e} does not show it");
    let returns = array![[all, all, all], [0.1, 0.2, 0.3]];
    for fixed in [false, true] {
        let pairs = lower.map(|low| (low, if fixed { low } else { 1.0 }));
        let refused = kelly(returns.view(), growth(), &bounds_of(&pairs)).unwrap_err().to_string();
        assert!(refused.contains("everything in"), "{refused}");
    }
}

#[test]
fn probabilities_that_vanish_beside_the_others_do_not_matter() {
    // Found by fuzzing: a share of 1e-312 had no reciprocal, and nothing was solved.
    let returns = array![[-9.0, 9.0], [0.07, -0.02], [-0.08, 0.03], [0.01, 0.0]];
    let rest = returns.slice_axis(Axis(0), (1..).into());
    let shares = array![f64::MIN_POSITIVE, 16292.0, 9000.0, 12000.0];
    let others = shares.slice_axis(Axis(0), (1..).into());
    let pairs = [(-0.5, 1.5); 2];
    let with = TailRule { probabilities: Some(shares.view()), ..tail(0.75) };
    let without = TailRule { probabilities: Some(others), ..tail(0.75) };
    let (found, proof) = minimum_cvar(returns.view(), with, &bounds_of(&pairs)).unwrap();
    let (wanted, _) = minimum_cvar(rest, without, &bounds_of(&pairs)).unwrap();
    assert_eq!(found.status, Status::Optimal, "{found:?} {proof:?}");
    assert!((found.weights[0] - wanted.weights[0]).abs() < 1e-12, "{found:?} {wanted:?}");
}

#[test]
fn a_level_of_nearly_nothing_asks_for_the_largest_mean() {
    // Found by fuzzing: every cap left its scenario a room of 1e-12, and the first step went nowhere.
    let returns = array![[0.06, -0.01, 0.07], [0.05, 0.07, -0.04], [0.08, -0.04, 0.05], [-0.02, 0.01, 0.03]];
    let expected = array![-1.0, 0.0, 1.0];
    let pairs = [(0.0, 1.0); 3];
    let rule = TailRule { floor: Some((expected.view(), 0.25)), ..tail(1e-154) };
    let (solution, proof) = minimum_cvar(returns.view(), rule, &bounds_of(&pairs)).unwrap();
    // Means 4.25, 0.75 and 2.75 hundredths: the first as far as the floor allows, the third for the rest.
    let wanted = [0.375, 0.0, 0.625];
    assert!(solution.weights.iter().zip(wanted).all(|(f, w)| (f - w).abs() < 1e-12), "{solution:?}");
    assert!((proof.objective + 0.033125).abs() < 1e-14 && proof.gap < 1e-10, "{proof:?}");
}

#[test]
fn a_floor_that_all_weights_keep_changes_nothing() {
    // Found by fuzzing: no asset earned anything, the floor was divided by that, and nothing was solved.
    let (returns, expected) = (array![[0.07, -0.02], [-0.01, 0.03]], array![0.0, 0.0]);
    let pairs = [(-0.03, 1.3); 2];
    let rule = TailRule { floor: Some((expected.view(), -0.001)), ..tail(0.95) };
    let found = minimum_cvar(returns.view(), rule, &bounds_of(&pairs)).unwrap().0;
    let wanted = minimum_cvar(returns.view(), tail(0.95), &bounds_of(&pairs)).unwrap().0;
    assert_eq!(found.weights, wanted.weights);
    assert_eq!(found.status, Status::Optimal);
}

#[test]
fn a_bound_beside_which_one_is_rounding_is_closed_by_the_budget() {
    // Found by fuzzing: weights came back as proven that were not the best.
    let returns = array![[0.06, -0.01, 0.09], [0.05, 0.07, -0.01], [-0.08, -0.04, -0.02], [0.1, 0.05, 0.0]];
    let (vast, open) = (-1e75, f64::NEG_INFINITY);
    let pairs = |low: f64| [(-0.04, 0.06), (-4.0, 4.0), (low, 4.0)];
    let found = minimum_cvar(returns.view(), tail(0.5), &bounds_of(&pairs(vast))).unwrap();
    let wanted = minimum_cvar(returns.view(), tail(0.5), &bounds_of(&pairs(open))).unwrap();
    assert_eq!((found.0.weights, found.1), (wanted.0.weights, wanted.1));
    assert_eq!(found.0.status, Status::Optimal);
}

#[test]
fn what_may_not_add_up_is_refused() {
    let bounds = Bounds::uniform(2, 0.0, 1.0).unwrap();
    let refused = |outcome: poise_core::Result<(Solution, Proof)>, what: &str| {
        let error = outcome.unwrap_err();
        assert!(matches!(error, Error::OutOfRange { .. }), "{error}");
        assert!(error.to_string().contains(what), "{error}");
    };
    let (sound, vast) = (array![[0.1, 0.2], [0.0, -0.1]], array![[1e200, 0.2], [0.0, -0.1]]);
    refused(minimum_cvar(vast.view(), tail(0.9), &bounds), "a return is");
    refused(kelly(vast.view(), growth(), &bounds), "a return is");
    let (expected, usual) = (array![1e200, 0.0], array![0.1, 0.0]);
    let asked = |expected, least| TailRule { floor: Some((expected, least)), ..tail(0.9) };
    refused(minimum_cvar(sound.view(), asked(expected.view(), 0.0), &bounds), "an expected return is");
    refused(minimum_cvar(sound.view(), asked(usual.view(), 1e200), &bounds), "minimum_return is");
    refused(kelly(sound.view(), KellyRule { risk_free_rate: 1e300, ..growth() }, &bounds), "risk_free_rate");
    refused(kelly(sound.view(), KellyRule { fraction: 1e-320, ..growth() }, &bounds), "fraction");
}

#[test]
fn a_drawdown_limit_that_leaves_only_cash_has_a_finite_certificate() {
    // Found by fuzzing: all cash grows by nothing, and the gap was divided by that.
    let returns = array![[0.1, -0.05], [-0.04, 0.02], [0.03, 0.04]];
    let rule = KellyRule { drawdown_power: Some(2e8), ..growth() };
    let (solution, proof) = kelly(returns.view(), rule, &Bounds::uniform(2, 0.0, 1.0).unwrap()).unwrap();
    assert!(solution.certificate.is_finite() && proof.gap.is_finite(), "{solution:?}");
    assert!(proof.objective >= 0.0, "{proof:?}");
}

#[test]
fn returns_of_the_smallest_numbers_have_a_finite_certificate() {
    // Found by fuzzing: a part of the smallest number is zero, and the gap was divided by that.
    let (returns, bounds) = (array![[5e-324, 0.0, 0.0]], Bounds::uniform(3, 0.0, 1.0).unwrap());
    let rule = KellyRule { drawdown_power: Some(6.456), ..growth() };
    let grown = kelly(returns.view(), rule, &bounds).unwrap().0;
    let (safe, proof) = minimum_cvar(returns.view(), tail(0.9), &bounds).unwrap();
    assert!(grown.certificate.is_finite() && safe.certificate.is_finite(), "{grown:?} {safe:?} {proof:?}");
}

#[test]
fn where_many_weights_are_best_the_others_stand_at_their_bounds() {
    // Two assets are one, and what they share is open: nothing was a vertex, and all came back a rounding off.
    let returns = array![
        [0.0, -82.0, -82.0, -221.0, 0.0, 204.0],
        [122.0, -195.0, -195.0, -30.0, 76.0, -62.0],
        [141.0, 0.0, 0.0, 142.0, 62.0, 0.0],
        [0.0, 216.0, 216.0, 0.0, 0.0, -216.0],
        [0.0, 52.0, 52.0, -18.0, 0.0, 0.0],
        [0.0, -42.0, -42.0, 217.0, -86.0, 0.0],
        [0.0, 50.0, 50.0, -178.0, -193.0, 0.0],
        [149.0, -66.0, -66.0, 106.0, 0.0, -216.0],
        [-159.0, 45.0, 45.0, -76.0, 214.0, -82.0],
        [14.0, -9.0, -9.0, 31.0, -153.0, -46.0],
        [-62.0, 33.0, 33.0, 69.0, -107.0, -221.0],
    ] * 1e-5;
    let pairs = [(0.07, 0.28), (0.0, 0.45), (0.0, 1.0), (0.0, 1.0), (0.14, 0.42), (0.16, 0.16 + 1e-10)];
    for level in (0..40).map(|k| 0.7 + 0.005 * f64::from(k)) {
        let (solution, proof) = minimum_cvar(returns.view(), tail(level), &bounds_of(&pairs)).unwrap();
        keeps(&solution, &pairs);
        assert!(solution.certificate <= 1e-14, "{level}: {solution:?} {proof:?}");
        assert_eq!(solution.weights[5], 0.16, "{level}: {solution:?}");
    }
}

#[test]
fn equations_that_contradict_the_budget_are_no_answer() {
    // A hedge that a billionth decides: two scenarios and the budget ask for three things of one weight.
    let returns = array![[3.2e-10, 0.375, -0.375], [-1.9e-10, -0.587, 0.587]];
    let pairs = [(0.0, 0.3333333333333333), (0.0, 0.6), (0.3333333333333333, 0.3333333336666667)];
    for level in [0.05, 0.3, 0.5, 0.9] {
        let (solution, proof) = minimum_cvar(returns.view(), tail(level), &bounds_of(&pairs)).unwrap();
        keeps(&solution, &pairs);
        let rival = array![0.3333333333333333 - 1e-10, 0.3333333333333333, 0.3333333333333333 + 1e-10];
        let path = returns.dot(&rival);
        let other = historical_tail(path.view(), level).unwrap().conditional_value_at_risk;
        assert!(proof.objective - proof.gap <= other + 1e-15, "{other:e} {proof:?} {solution:?}");
        assert_eq!(solution.status, Status::Optimal);
    }
}

/// Returns made to hurt, bounds that admit a full investment, and shares of other portfolios.
#[derive(Debug, Clone)]
struct Hostile {
    returns: Array2<f64>,
    pairs: Vec<(f64, f64)>,
    shares: Option<Array1<f64>>,
    rivals: Vec<Vec<f64>>,
}

impl Hostile {
    fn largest(&self) -> f64 {
        self.returns.iter().fold(0.0_f64, |most, value| most.max(value.abs()))
    }

    /// Weights within the bounds that sum to `total`, each as far up from its lower bound as its share says.
    fn rivals(&self, total: f64) -> impl Iterator<Item = Array1<f64>> {
        let pairs = self.pairs.clone();
        self.rivals.iter().filter_map(move |shares| {
            let least: f64 = pairs.iter().map(|(low, _)| low).sum();
            let room = |i: usize| pairs[i].1 - pairs[i].0;
            // Walks from the lower bounds in the order of the shares: vertices and, scaled, points between.
            let mut order: Vec<usize> = (0..pairs.len()).collect();
            order.sort_by(|&i, &j| shares[j].total_cmp(&shares[i]));
            let mut left = total - least;
            let mut weights: Array1<f64> = pairs.iter().map(|(low, _)| *low).collect();
            for keep in [0.5, 1.0] {
                for &i in &order {
                    let more = (keep * room(i)).min(room(i) + pairs[i].0 - weights[i]).min(left).max(0.0);
                    weights[i] += more;
                    left -= more;
                }
            }
            let kept = weights.iter().zip(&pairs).all(|(w, (low, high))| low <= w && *w <= high + 1e-12);
            (kept && left.abs() <= 1e-12).then_some(weights)
        })
    }
}

fn hostile(exponents: std::ops::Range<f64>) -> impl Strategy<Value = Hostile> {
    (1_usize..9, 1_usize..25, exponents).prop_flat_map(|(n, t, exponent)| {
        let tricks = vec((0_u8..8, 0..n, 0..n, 0..t, -12.0_f64..12.0), 0..4);
        let boxes = vec((-0.9_f64..0.9, 1.0_f64..3.0, 0_u8..5), n);
        let shares = proptest::option::of(vec(prop_oneof![Just(0.0), 1e-9..1.0_f64, 0.5..1.0_f64], t));
        let rivals = vec(vec(0.0_f64..1.0, n), 6);
        (vec(-1.0_f64..1.0, n * t), tricks, boxes, shares, rivals).prop_map(
            move |(entries, tricks, boxes, shares, rivals)| {
                let mut x = Array2::from_shape_vec((t, n), entries).unwrap();
                for (trick, i, j, s, amount) in tricks {
                    let source = x.column(i).to_owned();
                    match trick {
                        0 => x.column_mut(j).assign(&source),
                        1 => x.column_mut(j).assign(&(-&source)),
                        2 => x.column_mut(i).fill(0.0),
                        3 => x.column_mut(i).fill(amount / 12.0),
                        4 => x.column_mut(i).mapv_inplace(|v| v * 10.0_f64.powf(-amount.abs())),
                        5 => x.mapv_inplace(|v| (v * 4.0).round() / 4.0),
                        6 => {
                            let row = x.row(s).to_owned();
                            x.row_mut(t - 1).assign(&row);
                        }
                        _ => x[(s, i)] *= 0.0,
                    }
                }
                x.mapv_inplace(|v| v * 10.0_f64.powf(exponent));
                let even = 1.0 / n as f64;
                let pairs = boxes
                    .iter()
                    .map(|(low, high, kind)| match kind {
                        0 => (0.0, 1.0),
                        1 => (low * even, high * even),
                        2 => (low.max(0.0) * even, high * even),
                        // Tight, and tighter than rounding.
                        3 => (even, even * (1.0 + 1e-9)),
                        _ => (even, even * (1.0 + f64::EPSILON)),
                    })
                    .map(|(low, high)| (low, high.max(low)))
                    .collect();
                let shares = shares.map(Array1::from_vec).filter(|shares| shares.sum() > 0.0);
                Hostile { returns: x, pairs, shares, rivals }
            },
        )
    })
}

fn risk(case: &Hostile, level: f64, weights: ArrayView1<'_, f64>) -> f64 {
    let path = case.returns.dot(&weights);
    match &case.shares {
        None => historical_tail(path.view(), level).unwrap().conditional_value_at_risk,
        Some(shares) => weighted_tail(path.insert_axis(Axis(1)).view(), shares.view(), level).unwrap().1[0],
    }
}

/// Growth of every scenario that may come, with its probability.
fn wealth(case: &Hostile, rate: f64, weights: ArrayView1<'_, f64>) -> Vec<(f64, f64)> {
    let path = case.returns.dot(&weights) + (1.0 + rate * (1.0 - weights.sum()));
    let shares = case.shares.clone().unwrap_or_else(|| Array1::ones(path.len()));
    let shares = &shares / shares.sum();
    path.into_iter().zip(shares).filter(|(_, share)| *share > 0.0).collect()
}

fn mean(wealth: &[(f64, f64)], of: impl Fn(f64) -> f64) -> f64 {
    wealth.iter().map(|(value, share)| share * of(*value)).sum()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_portfolio_has_a_tail_below_the_proof(
        case in hostile(-12.0..12.0),
        level in prop_oneof![Just(0.95), Just(0.5), 1e-3..0.999_f64],
    ) {
        let probabilities = case.shares.as_ref().map(|shares| shares.view());
        let rule = TailRule { probabilities, ..tail(level) };
        let (solution, proof) = minimum_cvar(case.returns.view(), rule, &bounds_of(&case.pairs)).unwrap();
        keeps(&solution, &case.pairs);
        let own = ArrayView1::from(&solution.weights);
        prop_assert!((own.sum() - 1.0).abs() <= 1e-12, "{:?}", solution);
        prop_assert!(solution.certificate >= 0.0 && proof.gap >= 0.0, "{:?} {:?}", solution, proof);
        // Relative to the size of the weights' own returns a hedge of assets a million times apart stays unproven.
        prop_assert!(proof.gap <= 1e-8 * case.largest(), "{:?} {:?}", solution, proof);
        prop_assert!((solution.certificate <= 1e-8) != (solution.status == Status::Inaccurate), "{:?}", solution);
        let slack = 1e-12 * case.largest();
        prop_assert!((proof.objective - risk(&case, level, own)).abs() <= slack);
        // An asset whose return never varies is left out by convention, although holding it may lower the risk.
        if solution.riskless.is_empty() {
            for rival in case.rivals(1.0) {
                let other = risk(&case, level, rival.view());
                prop_assert!(proof.objective - proof.gap <= other + slack, "{} {:?} {:?}", other, proof, solution);
            }
        }
    }

    #[test]
    fn no_portfolio_grows_beyond_the_proof(
        case in hostile(-12.0..-0.5),
        rate in prop_oneof![Just(0.0), 0.0..0.02_f64],
        part in 0.0_f64..1.0,
    ) {
        let probabilities = case.shares.as_ref().map(|shares| shares.view());
        let rule = KellyRule { probabilities, risk_free_rate: rate, ..growth() };
        let (solution, proof) = kelly(case.returns.view(), rule, &bounds_of(&case.pairs)).unwrap();
        keeps(&solution, &case.pairs);
        let own = ArrayView1::from(&solution.weights);
        prop_assert!(own.sum() <= 1.0 + 1e-12, "{:?}", solution);
        prop_assert!(solution.certificate >= 0.0 && proof.gap >= 0.0, "{:?} {:?}", solution, proof);
        // Relative to the growth of an asset that earns a millionth of what others move this may stay unproven.
        prop_assert!(proof.gap <= 1e-8 * case.largest(), "{:?} {:?}", solution, proof);
        prop_assert!((solution.certificate <= 1e-8) != (solution.status == Status::Inaccurate), "{:?}", solution);
        let reached = proof.objective + proof.gap + 1e-14;
        let total = case.pairs.iter().map(|(low, _)| low).sum::<f64>().max(part);
        for rival in case.rivals(total).chain(case.rivals(1.0)) {
            let found = wealth(&case, rate, rival.view());
            if found.iter().all(|(value, _)| *value > 0.0) {
                prop_assert!(mean(&found, f64::ln) <= reached, "{} {:?} {:?}", rival, proof, solution);
            }
        }
    }

    #[test]
    fn a_drawdown_limit_is_kept_by_any_fraction(
        mut case in hostile(-12.0..0.0),
        rate in prop_oneof![Just(0.0), 0.0..0.02_f64],
        power in 0.1_f64..100.0,
        fraction in prop_oneof![Just(1.0), 1e-3..1.0_f64],
    ) {
        case.pairs.iter_mut().for_each(|(low, _)| *low = low.min(0.0));
        let probabilities = case.shares.as_ref().map(|shares| shares.view());
        let rule = KellyRule { probabilities, risk_free_rate: rate, fraction, drawdown_power: Some(power) };
        let (solution, proof) = kelly(case.returns.view(), rule, &bounds_of(&case.pairs)).unwrap();
        keeps(&solution, &case.pairs);
        let held = wealth(&case, rate, ArrayView1::from(&solution.weights));
        prop_assert!(held.iter().all(|(value, _)| *value > 0.0), "{:?}", solution);
        prop_assert!(mean(&held, |value| (-power * value.ln()).exp_m1()) <= 1e-13 * power.max(1.0), "{:?}", solution);
        prop_assert!(proof.objective >= rate.ln_1p() - proof.gap - 1e-14, "{:?} {:?}", proof, solution);
    }
}
