//! What must hold for every quadratic program: limits kept, closed forms met, contradictions resolved.

#![allow(clippy::unwrap_used)] // a test may stop at the first surprise

use ndarray::{Array1, Array2, ArrayView1, array};
use poise_core::Error;
use poise_core::optimization::{
    Bounds, Program, ProgramSolution, Status, Trading, maximum_ratio_program, minimum_variance,
    quadratic_program,
};
use proptest::prelude::*;

/// A program with owned parts.
#[derive(Debug, Clone)]
struct Stated {
    hessian: Array2<f64>,
    linear: Array1<f64>,
    bounds: Bounds,
    box_of: (Vec<f64>, Vec<f64>),
    total: (f64, f64),
    rows: Array2<f64>,
    low: Array1<f64>,
    high: Array1<f64>,
    current: Option<Array1<f64>>,
    cost: Array1<f64>,
    impact: Array1<f64>,
    turnover: f64,
}

impl Stated {
    /// Long-only and fully invested, nothing else.
    fn new(hessian: Array2<f64>) -> Self {
        let n = hessian.nrows();
        Self {
            hessian,
            linear: Array1::zeros(n),
            bounds: Bounds::uniform(n, 0.0, 1.0).unwrap(),
            box_of: (vec![0.0; n], vec![1.0; n]),
            total: (1.0, 1.0),
            rows: Array2::zeros((0, n)),
            low: Array1::zeros(0),
            high: Array1::zeros(0),
            current: None,
            cost: Array1::zeros(n),
            impact: Array1::zeros(n),
            turnover: f64::INFINITY,
        }
    }

    fn program(&self) -> Program<'_> {
        Program {
            hessian: self.hessian.view(),
            linear: self.linear.view(),
            bounds: &self.bounds,
            total: self.total,
            rows: self.rows.view(),
            row_lower: self.low.view(),
            row_upper: self.high.view(),
            trading: self.current.as_ref().map(|current| Trading {
                current: current.view(),
                linear_cost: Some(self.cost.view()),
                impact_cost: Some(self.impact.view()),
                turnover: self.turnover,
            }),
        }
    }

    fn keeps_box(&self, weights: &Array1<f64>) -> bool {
        let (low, high) = &self.box_of;
        weights.iter().zip(low.iter().zip(high)).all(|(w, (low, high))| low <= w && w <= high)
    }

    fn solved(&self) -> ProgramSolution {
        quadratic_program(&self.program(), None).unwrap()
    }
}

fn close(found: &[f64], wanted: &[f64], tolerance: f64) {
    assert_eq!(found.len(), wanted.len());
    for (f, w) in found.iter().zip(wanted) {
        assert!((f - w).abs() <= tolerance, "{found:?} against {wanted:?}");
    }
}

fn diagonal(variances: &[f64]) -> Array2<f64> {
    Array2::from_diag(&Array1::from_vec(variances.to_vec()))
}

#[test]
fn a_group_cap_moves_the_rest_in_proportion() {
    // Inverse variances 4 : 2 : 1 : 1; the first two may hold half: 1/3, 1/6, then 1/4 each.
    let mut stated = Stated::new(diagonal(&[0.25, 0.5, 1.0, 1.0]));
    (stated.rows, stated.low, stated.high) =
        (array![[1.0, 1.0, 0.0, 0.0]], array![f64::NEG_INFINITY], array![0.5]);
    let solution = stated.solved();
    close(&solution.weights, &[1.0 / 3.0, 1.0 / 6.0, 0.25, 0.25], 1e-14);
    assert_eq!(solution.status, Status::Optimal);
    // What the cap costs: the difference of the marginal variances, 1/4 - 1/12.
    close(&solution.row_prices, &[1.0 / 6.0], 1e-14);
    close(&[solution.budget_price], &[-0.25], 1e-14);
    close(&[solution.objective], &[0.5 * (0.25 / 9.0 + 0.5 / 36.0 + 2.0 / 16.0)], 1e-15);
}

#[test]
fn costs_leave_a_region_where_nothing_is_traded() {
    // One asset and cash: the target is 1, the region |w - 1| <= k / variance.
    let mut stated = Stated::new(array![[2.0]]);
    (stated.linear, stated.total, stated.cost) = (array![2.0], (0.0, 2.0), array![0.1]);
    stated.bounds = Bounds::uniform(1, 0.0, 2.0).unwrap();
    for (current, wanted) in [(0.5, 0.95), (0.97, 0.97), (1.04, 1.04), (1.3, 1.05)] {
        stated.current = Some(array![current]);
        close(&stated.solved().weights, &[wanted], 1e-14);
    }
}

#[test]
fn impact_is_paid_to_the_power_of_three_halves() {
    // 2 (w - 1) + 3/2 m sqrt(w) = 0 from 0: sqrt(w) solves a quadratic.
    let mut stated = Stated::new(array![[2.0]]);
    (stated.linear, stated.total, stated.impact) = (array![2.0], (0.0, 2.0), array![0.4]);
    stated.bounds = Bounds::uniform(1, 0.0, 2.0).unwrap();
    stated.current = Some(array![0.0]);
    let root = (-0.6 + (0.36_f64 + 16.0).sqrt()) / 4.0;
    close(&stated.solved().weights, &[root * root], 1e-14);
}

#[test]
fn turnover_counts_cash_as_an_asset() {
    let mut stated = Stated::new(diagonal(&[1.0, 1.0, 1.0]));
    stated.current = Some(array![0.8, 0.1, 0.1]);
    stated.turnover = 0.1;
    let solution = stated.solved();
    close(&solution.weights, &[0.7, 0.15, 0.15], 1e-14);
    close(&[solution.turnover_price], &[0.55], 1e-13);
    // Without a fixed budget selling alone counts once, cash being the other side.
    stated.total = (0.0, 1.0);
    close(&stated.solved().weights, &[0.7, 0.1, 0.1], 1e-13);
}

#[test]
fn contradictions_give_way_as_little_as_they_can() {
    let mut stated = Stated::new(diagonal(&[1.0, 2.0, 4.0]));
    stated.bounds = Bounds::uniform(3, 0.0, 0.3).unwrap();
    let solution = stated.solved();
    assert_eq!(solution.status, Status::Relaxed);
    close(&solution.weights, &[0.3; 3], 0.0);
    close(&[solution.budget_relaxation], &[0.1], 1e-14);
    // A floor that the budget does not allow: either of them gives way, the sum is the same.
    let mut stated = Stated::new(diagonal(&[1.0, 2.0, 4.0]));
    (stated.rows, stated.low, stated.high) = (array![[1.0, 1.0, 0.0]], array![1.2], array![f64::INFINITY]);
    let solution = stated.solved();
    assert_eq!(solution.status, Status::Relaxed);
    close(&[solution.budget_relaxation + solution.row_relaxations[0]], &[0.2], 1e-10);
    assert!(solution.certificate <= 1e-8, "{solution:?}");
}

#[test]
fn degenerate_inputs_have_an_answer() {
    let twins = array![[0.04, 0.04, 0.01], [0.04, 0.04, 0.01], [0.01, 0.01, 0.09]];
    let solution = Stated::new(twins).solved();
    close(&solution.weights[..1], &solution.weights[1..2], 1e-15);
    assert_eq!((solution.status, solution.ridge), (Status::Degenerate, 1e-10));
    let hedge = array![[0.04, -0.04], [-0.04, 0.04]];
    close(&Stated::new(hedge).solved().weights, &[0.5, 0.5], 1e-12);
    let still = Stated::new(Array2::zeros((4, 4))).solved();
    close(&still.weights, &[0.25; 4], 1e-12);
    close(&Stated::new(array![[0.04]]).solved().weights, &[1.0], 0.0);
    // Nothing can move.
    let mut fixed = Stated::new(diagonal(&[1.0, 1.0]));
    fixed.bounds = Bounds::uniform(2, 0.4, 0.4).unwrap();
    let solution = fixed.solved();
    assert_eq!((solution.status, solution.weights), (Status::Relaxed, vec![0.4, 0.4]));
    close(&[solution.budget_relaxation], &[0.2], 1e-15);
    let indefinite = Stated::new(array![[1.0, 0.9, -0.9], [0.9, 1.0, 0.9], [-0.9, 0.9, 1.0]]);
    let outcome = quadratic_program(&indefinite.program(), None);
    assert!(matches!(outcome, Err(Error::NotPositiveSemidefinite { .. })), "{outcome:?}");
}

/// Found by fuzzing: a step that overflowed left no number, and no number at an open bound is that bound.
#[test]
fn what_overflows_ends_at_weights_that_are_numbers() {
    let (lone, wide) = (3.1501616682556815e307, 3.0892522489214354e153);
    let risk = array![[lone, wide, 0.0], [wide, 0.3312568469338641, 0.0], [0.0, 0.0, 0.0]];
    let lower = array![0.0, f64::NEG_INFINITY, 0.58];
    let bounds =
        Bounds::new(lower.view(), array![f64::INFINITY, f64::INFINITY, f64::INFINITY].view()).unwrap();
    let wild = Stated { bounds, total: (0.0, 1.0), ..Stated::new(risk) };
    for answer in [quadratic_program(&wild.program(), None), maximum_ratio_program(&wild.program(), None)] {
        let weights = answer.unwrap().weights;
        assert!(weights.iter().zip(&lower).all(|(w, low)| w.is_finite() && w >= low), "{weights:?}");
    }
    let limits = (array![0.71, -0.11, 1.25], array![0.82, 0.36, 1.96]);
    let cash = Stated {
        linear: array![-0.01],
        bounds: Bounds::uniform(1, f64::NEG_INFINITY, f64::INFINITY).unwrap(),
        total: (-0.11, 1.0),
        rows: array![[0.84], [0.71], [0.0]],
        low: limits.0,
        high: limits.1,
        ..Stated::new(array![[0.0]])
    };
    let answer = quadratic_program(&cash.program(), Some(array![-0.01].view())).unwrap();
    assert!(answer.weights[0].is_finite(), "{answer:?}");
}

#[test]
fn the_largest_ratio_is_the_tangency_portfolio() {
    // Without correlation: w ~ e / variance.
    let mut stated = Stated::new(diagonal(&[0.04, 0.09, 0.16]));
    stated.linear = array![0.02, 0.09, 0.04];
    let solution = maximum_ratio_program(&stated.program(), None).unwrap();
    close(&solution.weights, &[0.5 / 1.75, 1.0 / 1.75, 0.25 / 1.75], 1e-12);
    close(&[solution.objective], &[(0.01_f64 + 0.09 + 0.01).sqrt()], 1e-12);
    // Nothing earns anything: the minimum variance.
    stated.linear = array![-0.01, -0.02, 0.0];
    let solution = maximum_ratio_program(&stated.program(), None).unwrap();
    assert_eq!(solution.status, Status::Degenerate);
    let least = minimum_variance(stated.hessian.view(), &stated.bounds).unwrap();
    close(&solution.weights, &least.weights, 1e-12);
}

#[test]
fn every_broken_promise_has_its_error() {
    let stated = Stated::new(diagonal(&[1.0, 2.0]));
    let broken = |change: &dyn Fn(&mut Stated)| {
        let mut stated = stated.clone();
        change(&mut stated);
        quadratic_program(&stated.program(), None)
    };
    assert!(matches!(broken(&|s| s.linear = array![1.0]), Err(Error::Shape { .. })));
    assert!(matches!(broken(&|s| s.linear[0] = f64::NAN), Err(Error::NonFinite { .. })));
    assert!(matches!(broken(&|s| s.total = (1.0, 0.5)), Err(Error::Infeasible { .. })));
    assert!(matches!(broken(&|s| s.total = (f64::NAN, 1.0)), Err(Error::OutOfRange { .. })));
    assert!(matches!(broken(&|s| s.rows = Array2::zeros((1, 2))), Err(Error::Shape { .. })));
    let traded = |cost: f64, turnover: f64| {
        broken(&|s| {
            (s.current, s.turnover) = (Some(array![0.5, 0.5]), turnover);
            s.cost[0] = cost;
        })
    };
    assert!(matches!(traded(-1.0, 1.0), Err(Error::OutOfRange { .. })));
    assert!(matches!(traded(0.0, -1.0), Err(Error::OutOfRange { .. })));
    assert!(matches!(traded(0.0, f64::NAN), Err(Error::OutOfRange { .. })));
    let mut costly = stated.clone();
    (costly.current, costly.cost) = (Some(array![0.5, 0.5]), array![0.1, 0.1]);
    assert!(matches!(maximum_ratio_program(&costly.program(), None), Err(Error::OutOfRange { .. })));
}

/// Programs made to hurt: few observations, twins, still assets, limits that contradict each other or themselves.
fn hostile() -> impl Strategy<Value = Stated> {
    (1_usize..8, 1_usize..14, 0_usize..4).prop_flat_map(|(n, t, m)| {
        let entries = proptest::collection::vec(-1.0_f64..1.0, n * t + 5 * n + m * n + 2 * m);
        let tricks = proptest::collection::vec((0_u8..6, 0..n, 0..n), 0..4);
        (entries, tricks, -8.0_f64..8.0, 0_u8..8).prop_map(move |(entries, tricks, scale, kinds)| {
            let mut from = entries.into_iter();
            let mut take = |count: usize| from.by_ref().take(count).collect::<Vec<f64>>();
            let mut x = Array2::from_shape_vec((t, n), take(n * t)).unwrap();
            for &(trick, i, j) in &tricks {
                let source = x.column(i).to_owned();
                match trick {
                    0 => x.column_mut(j).assign(&source),
                    1 => x.column_mut(j).assign(&(-&source)),
                    2 => x.column_mut(i).fill(0.0),
                    _ => x.column_mut(i).mapv_inplace(|v| v * 10.0_f64.powi(i32::from(trick) - 5)),
                }
            }
            let unit = 10.0_f64.powf(scale);
            let mut stated = Stated::new(x.t().dot(&x) * (unit / t as f64));
            stated.linear = Array1::from_vec(take(n)) * unit;
            let low = take(n).iter().map(|v| (v - 0.5).max(-1.0) * 0.6).collect::<Vec<f64>>();
            let high = low.iter().zip(take(n)).map(|(low, v)| low + v.max(0.0)).collect::<Vec<f64>>();
            stated.bounds = Bounds::new(ArrayView1::from(&low), ArrayView1::from(&high)).unwrap();
            stated.box_of = (low, high);
            stated.rows = Array2::from_shape_vec((m, n), take(m * n)).unwrap();
            stated.low = Array1::from_vec(take(m)) - 0.2;
            stated.high = &stated.low + &Array1::from_vec(take(m)).mapv(|v| v.max(0.0));
            if kinds & 1 > 0 {
                stated.current = Some(Array1::from_vec(take(n)));
            }
            if kinds & 2 > 0 {
                stated.cost = Array1::from_vec(take(n)).mapv(f64::abs) * unit;
                stated.turnover = 0.3;
            }
            if kinds & 4 > 0 {
                stated.impact = Array1::from_elem(n, unit * 0.1);
                stated.total = (0.2, 0.7);
            }
            stated
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn answers_keep_their_bounds_and_say_what_gave_way(stated in hostile()) {
        let solution = stated.solved();
        let w = ArrayView1::from(&solution.weights);
        let program = stated.program();
        prop_assert!(w.iter().all(|w| w.is_finite() && (w.is_sign_positive() || *w < 0.0)), "{solution:?}");
        prop_assert!(stated.keeps_box(&w.to_owned()), "{solution:?}");
        prop_assert!(solution.certificate.is_finite() && solution.duality_gap.is_finite());
        let sum = w.sum();
        let missed = (program.total.0 - sum).max(sum - program.total.1).max(0.0);
        prop_assert!((missed - solution.budget_relaxation).abs() <= 1e-9, "{missed:e} {solution:?}");
        for (j, activity) in stated.rows.dot(&w).iter().enumerate() {
            let missed = (stated.low[j] - activity).max(activity - stated.high[j]).max(0.0);
            prop_assert!((missed - solution.row_relaxations[j]).abs() <= 1e-9, "{missed:e} {solution:?}");
        }
        if solution.status == Status::Optimal {
            prop_assert!(solution.certificate <= 1e-8, "{solution:?}");
        }
    }

    #[test]
    fn no_exchange_of_two_assets_lowers_the_objective(stated in hostile()) {
        let solution = stated.solved();
        if solution.status != Status::Optimal || stated.rows.nrows() > 0 || stated.current.is_some() {
            return Ok(());
        }
        let value = |w: &Array1<f64>| 0.5 * w.dot(&stated.hessian.dot(w)) - stated.linear.dot(w);
        let own = Array1::from_vec(solution.weights.clone());
        let scale = stated.hessian.diag().sum() + stated.linear.iter().map(|q| q.abs()).sum::<f64>();
        for i in 0..own.len() {
            for j in 0..own.len() {
                for part in [1e-1, 1e-3, 1e-5] {
                    let mut other = own.clone();
                    (other[i], other[j]) = (own[i] + part, own[j] - part);
                    if i != j && stated.keeps_box(&other) {
                        prop_assert!(value(&other) >= value(&own) - 1e-9 * scale, "{solution:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_start_changes_nothing_but_the_way(stated in hostile(), by in -1.0_f64..1.0) {
        let cold = stated.solved();
        let start = Array1::from_vec(cold.weights.clone()) + by;
        let warm = quadratic_program(&stated.program(), Some(start.view())).unwrap();
        prop_assert_eq!(warm.status == Status::Relaxed, cold.status == Status::Relaxed);
        if cold.status == Status::Optimal && warm.status == Status::Optimal {
            let scale = stated.hessian.diag().sum() + stated.linear.iter().map(|q| q.abs()).sum::<f64>();
            prop_assert!((warm.objective - cold.objective).abs() <= 1e-8 * scale, "{cold:?} {warm:?}");
        }
    }
}
