//! The quadratic program of a portfolio: bounds, a budget, linear rows, a limit of turnover and costs of trading.
//!
//! `min 1/2 w'Hw - q'w + sum k_i |w_i - c_i| + sum m_i |w_i - c_i|^(3/2)` over `lower <= w <= upper`,
//! `total_lower <= sum w <= total_upper`, `row_lower <= A w <= row_upper` and a turnover of
//! `1/2 (sum |w_i - c_i| + |sum (w_i - c_i)|)`, cash counted as an asset: neither what is bought nor what is sold may
//! exceed it. Lobo, Fazel and Boyd (2007), "Portfolio optimization with linear and fixed transaction costs"; Boyd
//! and others (2017), "Multi-Period Trading via Convex Optimization".
//!
//! A walk through the interior (`interior`) finds what binds, a linear system on it (`face`) the answer to rounding,
//! and `judge` the proof. Bounds are never crossed; budget, rows and turnover give way together, as little as they
//! can, where no weights meet them all.

mod answer;
mod checks;
mod face;
mod guess;
mod interior;
mod judge;
mod kink;
mod mend;
mod ratio;
mod refine;
mod search;
mod statement;
mod system;
mod trades;
mod units;
mod wall;

pub use answer::ProgramSolution;
pub use checks::{Program, Trading};
pub use ratio::maximum_ratio_program;

use ndarray::ArrayView1;

use super::problem::{self, Problem};
use super::quadratic::{Hessian, Minimum, Quadratic, TOLERANCE};
use crate::{Result, validate};
use face::Face;
use search::{Found, search};
use statement::Statement;
use units::Units;

/// Bounds closer than this leave an asset no room.
const NO_ROOM: f64 = 1e-13;

/// Solves from `start`, weights that may be near the answer, or from nothing.
///
/// An asset without variance takes part: its place in `linear` says what holding it is worth.
///
/// # Errors
///
/// The checks of [`validate::covariance`] for the Hessian; [`crate::Error::NotPositiveSemidefinite`]; those of [`Program`]
/// for the rest. Limits that contradict each other are an answer with what had to give way.
pub fn quadratic_program(
    program: &Program<'_>,
    start: Option<ArrayView1<'_, f64>>,
) -> Result<ProgramSolution> {
    program.check()?;
    let n = program.linear.len();
    if let Some(start) = start {
        validate::length("start", start, n)?;
        validate::finite("start", start)?;
    }
    let problem = Problem::new(program.hessian)?;
    let everyone: Vec<usize> = (0..n).collect();
    let (matrix, factor) = problem.covariance_of(program.hessian, &everyone);
    let ridge = problem::needed_ridge(&matrix, &everyone)?;
    let units = Units::of(program, factor);
    let hessian = |ridge: f64| {
        if ridge > 0.0 { Hessian::singular(&matrix, ridge) } else { Hessian::regular(matrix.clone()) }
    };
    let mut statement = units.statement(program, hessian(ridge));
    let start = start.map(|start| start.iter().map(|w| w / units.weight).collect::<Vec<f64>>());
    let mut found = solve(&statement, start.as_deref());
    if ridge > problem::RIDGE {
        // Often the negative direction needs weights that the limits do not allow.
        let plain = units.statement(program, hessian(0.0));
        if let Some(exact) = found.settled_again(&plain) {
            (statement, found) = (plain, exact);
        }
    }
    found.share_among_twins(&statement);
    Ok(answer::of(program, &units, &statement, found, ridge))
}

/// The minimum of a quadratic objective over bounds and a budget, where another method was stopped by rounding.
pub(super) fn minimum(quadratic: &Quadratic<'_>) -> Option<Minimum> {
    let n = quadratic.linear.len();
    let statement = Statement {
        hessian: quadratic.hessian.clone(),
        linear: quadratic.linear.to_vec(),
        lower: quadratic.bounds.lower.clone(),
        upper: quadratic.bounds.upper.clone(),
        rows: vec![1.0; n],
        row_lower: vec![quadratic.total],
        row_upper: vec![quadratic.total],
        trade: None,
    };
    let mut found = solve(&statement, None);
    found.share_among_twins(&statement);
    let certificate = found.verdict.certificate;
    let kept = found.relaxations.iter().all(|by| *by == 0.0);
    let (weights, iterations) = (found.face.x, found.iterations);
    let (_, proof) = quadratic.judge(&weights);
    (kept && certificate <= TOLERANCE).then(|| Minimum {
        weights,
        iterations,
        certificate,
        response: vec![0.0; n],
        // Whether others are as good was not asked.
        is_unique: false,
        proof,
    })
}

/// Solves for the assets that can move, the others held.
fn solve(statement: &Statement, start: Option<&[f64]>) -> Found {
    let n = statement.n();
    let x: Vec<f64> = (0..n).map(|i| 0.0_f64.max(statement.lower[i]).min(statement.upper[i])).collect();
    let has_room = |&i: &usize| {
        let (low, high) = (statement.lower[i], statement.upper[i]);
        high - low > NO_ROOM * low.abs().max(high.abs()).min(f64::MAX)
    };
    let movable: Vec<usize> = (0..n).filter(has_room).collect();
    if movable.len() == n {
        return search(statement, start);
    }
    if movable.is_empty() {
        return Found::immovable(statement, Face::at(statement, &x));
    }
    let start = start.map(|start| movable.iter().map(|&i| start[i]).collect::<Vec<f64>>());
    search(&statement.of(&movable, &x), start.as_deref()).lifted(statement, &movable, x)
}
