//! Risk budgeting without bounds by damped Newton steps, each solved with a factor.
//!
//! Spinu (2013), "An Algorithm for Computing Risk Parity Weights": minimise `1/2 x'Cx - sum b_i ln x_i`
//! on the correlation matrix; at the minimum `x_i (Cx)_i = b_i`. Divided by `min b` the objective is
//! standard self-concordant, so the Newton decrement bounds the error.

use super::cholesky;
use super::dense::{Symmetric, dot};
use super::truncated_newton;

/// Goal for the bound on the relative error of every `x_i`.
const RELATIVE_ERROR: f64 = 1e-10;

/// Below this scaled decrement full steps converge quadratically: `0.95 (3 - sqrt 5) / 2`.
const FULL_STEP: f64 = 0.362_867_885_375_055_4;

const ITERATIONS: usize = 500;

/// Where Newton's method ended.
#[derive(Debug, Clone)]
pub(super) struct Minimiser {
    pub(super) x: Vec<f64>,
    pub(super) iterations: usize,
    /// Bound on the relative error of every `x_i`; infinite where the decrement bounds nothing.
    relative_error: f64,
    /// `max |x_i (Cx)_i - b_i|`.
    contribution_error: f64,
}

/// From this many assets on the factor-free method is tried first.
const MANY: usize = 11;

/// Minimises from `x = sqrt b / sqrt(sqrt b' C sqrt b)`; `budgets` are positive and sum to 1.
pub(super) fn minimise(correlation: &Symmetric, budgets: &[f64]) -> Minimiser {
    let n = budgets.len();
    let least = budgets.iter().fold(f64::INFINITY, |least, &b| least.min(b));
    let mut x = start(correlation, budgets);
    if n >= MANY
        && let Some(found) =
            truncated_newton::solve(correlation.rows(), budgets, &x, truncated_newton::FROM_SCRATCH)
    {
        // One factor proves it.
        x = found.weights;
    }
    let (mut hessian, mut step, mut cx) = (vec![0.0; n * n], vec![0.0; n], vec![0.0; n]);
    let mut best = Minimiser {
        x: x.clone(),
        iterations: 0,
        relative_error: f64::INFINITY,
        contribution_error: f64::INFINITY,
    };
    let mut without_progress = 0;
    for iterations in 1..=ITERATIONS {
        correlation.multiply_into(&x, &mut cx);
        let Some(decrement) = newton_step(correlation, budgets, &x, &cx, &mut hessian, &mut step) else {
            break;
        };
        let scaled = decrement / least.sqrt();
        let contribution_error = (0..n).map(|i| (x[i] * cx[i] - budgets[i]).abs()).fold(0.0, f64::max);
        let relative_error = if scaled < 1.0 { scaled / (1.0 - scaled) } else { f64::INFINITY };
        let closer = relative_error < 0.5 * best.relative_error
            || (relative_error == f64::INFINITY && contribution_error < best.contribution_error);
        without_progress = if closer { 0 } else { without_progress + 1 };
        if relative_error < best.relative_error || contribution_error < best.contribution_error {
            best = Minimiser { x: x.clone(), iterations, relative_error, contribution_error };
        }
        // Small errors of contributions may hide a small budget: go on while the decrement still falls.
        if relative_error <= RELATIVE_ERROR || (without_progress >= 5 && scaled <= FULL_STEP) {
            break;
        }
        let length = if scaled <= FULL_STEP { 1.0 } else { damping(&x, &step) };
        for (value, change) in x.iter_mut().zip(&step) {
            *value += length * change;
        }
    }
    best
}

fn start(correlation: &Symmetric, budgets: &[f64]) -> Vec<f64> {
    let roots: Vec<f64> = budgets.iter().map(|b| b.sqrt()).collect();
    let risk = dot(&roots, &correlation.multiply(&roots));
    // Strong hedges may leave no risk at all, or rounding below it: the scale of one asset will do.
    let scale = if risk > 1e-8 { risk.sqrt() } else { 1.0 };
    roots.into_iter().map(|root| root / scale).collect()
}

/// Fills `step = -H^-1 g` and returns the decrement `sqrt(-g' step)`; None where `H` is not positive.
fn newton_step(
    correlation: &Symmetric,
    budgets: &[f64],
    x: &[f64],
    cx: &[f64],
    hessian: &mut [f64],
    step: &mut [f64],
) -> Option<f64> {
    let n = x.len();
    for i in 0..n {
        hessian[i * n..=i * n + i].copy_from_slice(&correlation.row(i)[..=i]);
        hessian[i * n + i] += budgets[i] / (x[i] * x[i]);
        step[i] = budgets[i] / x[i] - cx[i];
    }
    let downhill = step.to_vec();
    cholesky::factor(hessian, n, 0.0).ok()?;
    cholesky::solve(hessian, n, step);
    let squared = dot(&downhill, step);
    squared.is_finite().then(|| squared.max(0.0).sqrt())
}

/// Spinu's damping: keeps every `x_i` positive and the objective falling.
fn damping(x: &[f64], step: &[f64]) -> f64 {
    let largest = x.iter().zip(step).map(|(x, d)| (d / x).abs()).fold(0.0, f64::max);
    1.0 / (1.0 + largest)
}
