//! The most excess return per volatility over the same limits.
//!
//! Where `e'w / sqrt(w'Hw)` is largest its gradient is that of `1/2 w'Hw - theta e'w` with `theta e'w = w'Hw`
//! (Dinkelbach, 1967, "On Nonlinear Fractional Programming", for the square root): the excess `theta e'w - w'Hw`
//! of the program's answers is piecewise linear in `theta`, so that Newton's method ends exactly. Unlike the
//! homogenised problem this needs no variable more, and keeps limits that do not scale with the weights.

use ndarray::{Array1, ArrayView1};

use super::answer::ProgramSolution;
use super::checks::Program;
use super::quadratic_program;
use crate::optimization::solution::Status;
use crate::{Error, Result};

const ITERATIONS: usize = 100;

/// Goal for the excess, relative to the variance.
const EXCESS: f64 = 1e-13;

/// What rounding leaves of the terms that a variance is the sum of.
const ROUNDING: f64 = 4.0 * f64::EPSILON;

/// What the excess may be where rounding ends the search.
const TOLERANCE: f64 = 1e-8;

/// How much larger than the first guess `theta` may become before no weights earn anything.
const FURTHEST: f64 = 1e12;

/// Largest `linear'w / sqrt(w'Hw)`; `program.linear` holds the excess returns, and there are no costs.
///
/// Where no weights within the limits have a positive excess return, or none have risk, the answer is the minimum
/// variance and degenerate. `objective` is the ratio, of a singular Hessian with its ridge; prices and gap are those of `1/2 w'Hw - theta e'w` at the
/// answer, divided by `theta sqrt(w'Hw)`: what the ratio gains.
///
/// # Errors
///
/// Those of [`quadratic_program`]; [`Error::OutOfRange`] for costs.
pub fn maximum_ratio_program(
    program: &Program<'_>,
    start: Option<ArrayView1<'_, f64>>,
) -> Result<ProgramSolution> {
    refuse_costs(program)?;
    let still = Array1::zeros(program.linear.len());
    let safest = quadratic_program(&program.with_linear(still.view()), start)?;
    let search = Search { program, ridge: safest.ridge };
    if safest.status == Status::Relaxed {
        return Ok(search.as_ratio(safest, 0.0));
    }
    let warm = start.map_or_else(|| Array1::from_vec(safest.weights.clone()), |start| start.to_owned());
    let Some(found) = search.best(&safest, warm)? else {
        return Ok(ProgramSolution { status: Status::Degenerate, ..search.as_ratio(safest, 0.0) });
    };
    Ok(found)
}

fn refuse_costs(program: &Program<'_>) -> Result<()> {
    let charges =
        |costs: Option<ArrayView1<'_, f64>>| costs.is_some_and(|costs| costs.iter().any(|c| *c != 0.0));
    if program.trading.is_some_and(|trading| charges(trading.linear_cost) || charges(trading.impact_cost)) {
        let range = "none: a ratio has no place for them";
        return Err(Error::OutOfRange { what: "costs", value: f64::NAN, range });
    }
    Ok(())
}

struct Search<'a, 'b> {
    program: &'a Program<'b>,
    /// The part of each variance that a singular Hessian gets: without it weights without risk have no ratio.
    ridge: f64,
}

impl Search<'_, '_> {
    fn best(&self, safest: &ProgramSolution, mut start: Array1<f64>) -> Result<Option<ProgramSolution>> {
        let (mean, variance) = self.moments(&safest.weights);
        let mut theta = if mean > 0.0 && variance > 0.0 { variance / mean } else { self.first_guess() };
        if !(theta > 0.0 && theta.is_finite()) {
            return Ok(None);
        }
        let furthest = theta * FURTHEST;
        let (mut low, mut high) = (0.0, f64::INFINITY);
        let mut iterations = safest.iterations;
        let mut before: Option<(f64, f64)> = None;
        let mut best: Option<(f64, f64, ProgramSolution)> = None;
        for _ in 0..ITERATIONS {
            let linear = self.program.linear.mapv(|e| theta * e);
            let found = quadratic_program(&self.program.with_linear(linear.view()), Some(start.view()))?;
            iterations += found.iterations;
            start = Array1::from_vec(found.weights.clone());
            let (mean, variance) = self.moments(&found.weights);
            let excess = theta * mean - variance;
            let size = self.undiversified(&found.weights).max(f64::MIN_POSITIVE);
            let relative = excess.abs() / size;
            if mean > 0.0 && best.as_ref().is_none_or(|(error, ..)| relative < *error) {
                best = Some((relative, theta, found));
            }
            if excess.abs() <= (EXCESS * variance).max(ROUNDING * size) && mean > 0.0 {
                break;
            }
            (low, high) = if excess > 0.0 { (low, theta) } else { (theta, high) };
            let next = self.next(theta, excess, before, (low, high));
            before = Some((theta, excess));
            if next <= low || next >= high || next > furthest {
                break;
            }
            theta = next;
        }
        Ok(best.map(|(error, theta, found)| {
            let certificate = found.certificate.max(error);
            let status = if certificate > TOLERANCE { Status::Inaccurate } else { found.status };
            self.as_ratio(ProgramSolution { certificate, status, iterations, ..found }, theta)
        }))
    }

    /// The root of the line through the last two points where it lies between the ends, else their middle.
    fn next(&self, theta: f64, excess: f64, before: Option<(f64, f64)>, (low, high): (f64, f64)) -> f64 {
        if let Some((other, its_excess)) = before {
            let root = theta - excess * (theta - other) / (excess - its_excess);
            if root > low && root < high {
                return root;
            }
        }
        if high.is_finite() { 0.5 * low + 0.5 * high } else { 2.0 * theta }
    }

    /// Where returns and risks of the assets alone would balance.
    fn first_guess(&self) -> f64 {
        let risk = self.program.hessian.diag().sum() / self.program.linear.len() as f64;
        let pull = self.program.linear.iter().fold(0.0_f64, |most, e| most.max(e.abs()));
        risk / pull
    }

    /// The variance if nothing diversified.
    fn undiversified(&self, weights: &[f64]) -> f64 {
        let variances = self.program.hessian.diag();
        weights.iter().zip(variances).map(|(w, v)| w.abs() * v.sqrt()).sum::<f64>().powi(2)
    }

    /// Excess return and variance, with the ridge.
    fn moments(&self, weights: &[f64]) -> (f64, f64) {
        let w = ArrayView1::from(weights);
        let variances = self.program.hessian.diag();
        let mean = variances.sum() / weights.len() as f64;
        let own = |v: f64| if v > 0.0 { v } else { mean };
        let added: f64 = weights.iter().zip(variances).map(|(w, v)| own(*v) * w * w).sum();
        (self.program.linear.dot(&w), w.dot(&self.program.hessian.dot(&w)) + self.ridge * added)
    }

    /// The answer with its ratio as the objective.
    fn as_ratio(&self, found: ProgramSolution, theta: f64) -> ProgramSolution {
        let (mean, variance) = self.moments(&found.weights);
        let objective = if variance > 0.0 { mean / variance.sqrt() } else { f64::NAN };
        let unit = theta * variance.sqrt();
        if !(unit > 0.0 && unit.is_finite()) {
            return ProgramSolution { objective, ..found };
        }
        let each = |prices: &[f64]| prices.iter().map(|price| price / unit).collect();
        ProgramSolution {
            objective,
            duality_gap: found.duality_gap / unit,
            bound_prices: each(&found.bound_prices),
            row_prices: each(&found.row_prices),
            budget_price: found.budget_price / unit,
            turnover_price: found.turnover_price / unit,
            ..found
        }
    }
}
