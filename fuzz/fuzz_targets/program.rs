//! Quadratic programs with rows, turnover and costs: weights within their bounds whatever is asked, and what gave way is
//! what is missed.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ndarray::{Array1, Array2, ArrayView1};
use poise_core::optimization::{Program, ProgramSolution, Trading, maximum_ratio_program, quadratic_program};
use poise_fuzz::draw::{real, reals};
use poise_fuzz::limits::{Limits, limits};
use poise_fuzz::matrices::covariance;
use poise_fuzz::{Arbitrary, Result, Unstructured};

fuzz_target!(|data: &[u8]| {
    let _ = run(&mut Unstructured::new(data));
});

fn run(u: &mut Unstructured<'_>) -> Result<()> {
    let covariance = covariance(u, 10)?;
    let n = covariance.n_columns();
    let Some(limits) = limits(u, n)? else { return Ok(()) };
    let wild = u.ratio(1, 8)?;
    let linear = numbers(u, n, wild)?;
    let m = u.int_in_range(0..=3)?;
    let entries = numbers(u, m * n, wild)?;
    let Ok(rows) = Array2::from_shape_vec((m, n), entries.to_vec()) else { return Ok(()) };
    let low = numbers(u, m, wild)?;
    let high = &low + &numbers(u, m, wild)?.mapv(f64::abs);
    let total = (0.01 * f64::from(i8::arbitrary(u)?), 1.0);
    let (current, cost, impact) = (numbers(u, n, wild)?, numbers(u, n, wild)?, numbers(u, n, wild)?);
    let trades = bool::arbitrary(u)?;
    let (cost, impact) = (cost.mapv(f64::abs), impact.mapv(f64::abs));
    let trading = trades.then_some(Trading {
        current: current.view(),
        linear_cost: Some(cost.view()),
        impact_cost: if bool::arbitrary(u)? { Some(impact.view()) } else { None },
        turnover: if bool::arbitrary(u)? { f64::INFINITY } else { 0.01 * f64::from(u8::arbitrary(u)?) },
    });
    let program = Program {
        hessian: covariance.view(),
        linear: linear.view(),
        bounds: &limits.bounds,
        total,
        rows: rows.view(),
        row_lower: low.view(),
        row_upper: high.view(),
        trading,
    };
    let start = if bool::arbitrary(u)? { Some(numbers(u, n, wild)?) } else { None };
    let start = start.as_ref().map(|start| start.view());
    let free = Program { trading: None, ..program };
    let answer =
        if u.ratio(1, 4)? { maximum_ratio_program(&free, start) } else { quadratic_program(&program, start) };
    if let Ok(solution) = answer {
        keeps(&solution, &limits);
    }
    Ok(())
}

/// Small numbers, or any.
fn numbers(u: &mut Unstructured<'_>, n: usize, wild: bool) -> Result<Array1<f64>> {
    if wild && bool::arbitrary(u)? {
        return reals(u, n);
    }
    (0..n).map(|_| if wild { real(u) } else { Ok(f64::from(i8::arbitrary(u)?) / 100.0) }).collect()
}

fn keeps(solution: &ProgramSolution, limits: &Limits) {
    let weights = ArrayView1::from(&solution.weights);
    for (weight, (low, high)) in weights.iter().zip(limits.lower.iter().zip(&limits.upper)) {
        assert!(weight.is_finite(), "{solution:?}");
        assert!(low <= weight && weight <= high, "{weight:e} is not in [{low:e}, {high:e}]");
        assert!(weight.is_sign_positive() || *weight < 0.0, "a negative zero");
    }
    let given_way = solution.row_relaxations.iter();
    assert!(
        given_way.chain([&solution.budget_relaxation, &solution.turnover_relaxation]).all(|by| *by >= 0.0)
    );
}
