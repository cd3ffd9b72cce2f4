//! Weights whose losses beyond a quantile are least: minimum conditional value at risk.
//!
//! Rockafellar and Uryasev (2000), "Optimization of conditional value-at-risk": a linear program of as many rows
//! as scenarios. `interior` solves it in the space of the weights, `vertex` makes the answer exact, and the
//! certificate needs neither: any probabilities within the caps `p / (1 - a)` bound the least CVaR from below by
//! the largest loss they leave possible, which is a greedy choice.

mod interior;
mod point;
mod prices;
mod program;
mod vertex;

use ndarray::{ArrayView1, ArrayView2};

use super::box_program::{self, Proof};
use super::duality;
use super::scenarios::Scenarios;
use super::{Bounds, Solution, Status};
use crate::risk::{historical_tail, weighted_tail};
use crate::{Error, Result, validate};
use program::{Dual, TailProgram, caps_of};

/// Relative gap up to which an answer counts as optimal.
const PROVEN: f64 = 1e-8;

/// Weights that make nothing of the returns, as a perfect hedge does, are judged by this part of them.
const LEAST_SIZE: f64 = 1e-6;

/// What a minimum of conditional value at risk is asked to respect.
#[derive(Debug, Clone, Copy)]
pub struct TailRule<'a> {
    /// Between 0 and 1.
    pub confidence_level: f64,
    /// One per scenario, not negative, of any scale; equal where there are none.
    pub probabilities: Option<ArrayView1<'a, f64>>,
    /// Expected returns of the assets and the least that the weights must earn of them.
    pub floor: Option<(ArrayView1<'a, f64>, f64)>,
}

/// Weights of least conditional value at risk, of sum 1 within the bounds, with their proof.
///
/// The certificate is the gap to a feasible dual, relative to the largest of the CVaR, the mean over scenarios of
/// `sum_i |w_i r_i|` and a millionth of the mean absolute return. An asset whose return never varies is left out as far as bounds and floor allow.
///
/// # Errors
/// Empty or not finite arguments, lengths that differ, a level outside (0, 1), probabilities that are negative or
/// all zero, bounds that admit no full investment or leave a side open.
pub fn minimum_cvar(
    returns: ArrayView2<'_, f64>,
    rule: TailRule<'_>,
    bounds: &Bounds,
) -> Result<(Solution, Proof)> {
    check(returns, rule)?;
    bounds.admit_full_investment(returns.ncols())?;
    let riskless = constant_columns(returns);
    let bounds = &box_program::closed(bounds)?;
    let held = without(bounds, &riskless, rule.floor);
    let scale = returns.iter().fold(0.0_f64, |most, value| most.max(value.abs()));
    let mut weights = middle_of(&held);
    let (mut steps, mut gap) = (0, 0.0);
    let free: Vec<usize> = (0..weights.len()).filter(|&i| held.lower[i] < held.upper[i]).collect();
    let has_choice = riskless.len() < weights.len() || rule.floor.is_some();
    let mut dual = None;
    if scale > 0.0 && has_choice && !free.is_empty() {
        let program = program_of(returns, rule, &held, &free, scale)?;
        if !box_program::is_settled(&program.lower, &program.upper, program.total) {
            let (point, taken) = interior::solve(&program);
            let (best, least, proof) = best_of(&program, &point);
            (steps, gap, dual) = (taken, least * scale, Some(proof));
            free.iter().zip(&best).for_each(|(&i, weight)| weights[i] = *weight);
        }
    }
    held.settle(&mut weights, 1.0);
    let (objective, size) = exact(returns, rule, &weights)?;
    let mean = returns.iter().map(|value| value.abs() / returns.len() as f64).sum::<f64>();
    let certificate = if gap > 0.0 { gap / objective.abs().max(size).max(LEAST_SIZE * mean) } else { 0.0 };
    let slope = prices::slope(returns, rule, &weights, dual.as_ref(), scale);
    let mut prices = duality::Proof::new(&slope, &weights, bounds, |_| 0.0).prices;
    // Left out by convention, not by a bound.
    riskless.iter().filter(|&&i| held.lower[i] == 0.0 && held.upper[i] == 0.0).for_each(|&i| prices[i] = 0.0);
    let mut solution = Solution::settled(weights, bounds, riskless);
    (solution.iterations, solution.certificate, solution.prices) = (steps, certificate, prices);
    if certificate.is_nan() || certificate > PROVEN {
        solution.status = Status::Inaccurate;
    }
    let limit_price = prices::floor(rule, dual.as_ref(), scale);
    Ok((solution, Proof { objective, gap, limit_price }))
}

fn check(returns: ArrayView2<'_, f64>, rule: TailRule<'_>) -> Result<()> {
    validate::confidence_level(rule.confidence_level)?;
    check_scenarios(returns, rule.probabilities)?;
    if let Some((expected, least)) = rule.floor {
        validate::length("expected_returns", expected, returns.ncols())?;
        validate::finite("expected_returns", expected)?;
        validate::finite("minimum_return", ArrayView1::from(&[least]))?;
    }
    Ok(())
}

/// Refuses scenarios that are none and probabilities that fit them ill.
pub(super) fn check_scenarios(
    returns: ArrayView2<'_, f64>,
    probabilities: Option<ArrayView1<'_, f64>>,
) -> Result<()> {
    for (count, unit) in [(returns.nrows(), "observation"), (returns.ncols(), "asset")] {
        if count == 0 {
            return Err(Error::Empty { what: "returns", unit });
        }
    }
    validate::finite_matrix("returns", returns)?;
    let Some(shares) = probabilities else { return Ok(()) };
    validate::length("probabilities", shares, returns.nrows())?;
    validate::finite("probabilities", shares)?;
    let range = "zero or more, and positive for one scenario at least";
    let refused = |value| Err(Error::OutOfRange { what: "a probability", value, range });
    match shares.iter().find(|share| **share < 0.0) {
        Some(&value) => refused(value),
        None if shares.iter().all(|share| *share == 0.0) => refused(0.0),
        None => Ok(()),
    }
}

/// Probabilities that sum to 1, one per scenario.
pub(super) fn shares_of(n_rows: usize, probabilities: Option<ArrayView1<'_, f64>>) -> Vec<f64> {
    let Some(given) = probabilities else { return vec![1.0 / n_rows as f64; n_rows] };
    let largest = given.iter().fold(0.0_f64, |most, share| most.max(*share));
    let total: f64 = given.iter().map(|share| share / largest).sum();
    given.iter().map(|share| share / largest / total).collect()
}

fn constant_columns(returns: ArrayView2<'_, f64>) -> Vec<usize> {
    let flat = |(i, column): (usize, ArrayView1<'_, f64>)| {
        column.iter().all(|value| *value == column[0]).then_some(i)
    };
    // One scenario says nothing of what varies.
    if returns.nrows() == 1 {
        Vec::new()
    } else {
        returns.columns().into_iter().enumerate().filter_map(flat).collect()
    }
}

/// The bounds with `riskless` assets held nearest to 0, where the others can then still do what is asked.
fn without(bounds: &Bounds, riskless: &[usize], floor: Option<(ArrayView1<'_, f64>, f64)>) -> Bounds {
    let mut held = bounds.clone();
    for &i in riskless {
        let nearest = bounds.clip(i, 0.0);
        (held.lower[i], held.upper[i]) = (nearest, nearest);
    }
    let earns = floor.is_none_or(|(expected, least)| {
        let best = box_program::greedy(&expected.to_vec(), &held.lower, &held.upper, 1.0, false);
        expected.iter().zip(&best).map(|(gain, weight)| gain * weight).sum::<f64>() >= least
    });
    if earns && held.admit_full_investment(held.lower.len()).is_ok() { held } else { bounds.clone() }
}

/// The same part of the way from each lower bound to its upper one, of sum 1.
fn middle_of(bounds: &Bounds) -> Vec<f64> {
    let (least, most) = (bounds.lower.iter().sum::<f64>(), bounds.upper.iter().sum::<f64>());
    let part = if most > least { ((1.0 - least) / (most - least)).clamp(0.0, 1.0) } else { 0.0 };
    bounds.lower.iter().zip(&bounds.upper).map(|(low, high)| low + part * (high - low)).collect()
}

fn program_of(
    returns: ArrayView2<'_, f64>,
    rule: TailRule<'_>,
    bounds: &Bounds,
    free: &[usize],
    scale: f64,
) -> Result<TailProgram> {
    let n = free.len();
    let shares = shares_of(returns.nrows(), rule.probabilities);
    let rows: Vec<usize> = (0..returns.nrows()).filter(|&s| shares[s] > 0.0).collect();
    let fixed: Vec<usize> = (0..returns.ncols()).filter(|i| !free.contains(i)).collect();
    let entry = |s: usize, i: usize| if i < n { returns[(rows[s], free[i])] / scale } else { 1.0 };
    let held = |s: &usize| fixed.iter().map(|&i| returns[(*s, i)] / scale * bounds.lower[i]).sum();
    let shares: Vec<f64> = rows.iter().map(|&s| shares[s]).collect();
    let floor = rule.floor.map(|(expected, least)| {
        let unit = largest(expected);
        let earned: f64 = fixed.iter().map(|&i| expected[i] / unit * bounds.lower[i]).sum();
        (free.iter().map(|&i| expected[i] / unit).collect(), least / unit - earned)
    });
    let x = Scenarios::from_fn(rows.len(), n + 1, entry);
    let size = |i: usize| (0..rows.len()).map(|s| x.row(s)[i].abs()).sum::<f64>() / rows.len() as f64;
    Ok(TailProgram {
        sizes: (0..n).map(size).collect(),
        x,
        base: rows.iter().map(held).collect(),
        caps: caps_of(&shares, rule.confidence_level),
        shares,
        lower: free.iter().map(|&i| bounds.lower[i]).collect(),
        upper: free.iter().map(|&i| bounds.upper[i]).collect(),
        total: 1.0 - fixed.iter().map(|&i| bounds.lower[i]).sum::<f64>(),
        floor,
    })
}

fn largest(values: ArrayView1<'_, f64>) -> f64 {
    values.iter().fold(f64::MIN_POSITIVE, |most, value| most.max(value.abs()))
}

/// The better of the interior point and its vertex, how far it can be from the best, in the program's units, and
/// the dual that says so.
fn best_of(program: &TailProgram, point: &point::Point) -> (Vec<f64>, f64, Dual) {
    let mut best = point.w.clone();
    let (mut least, lam) = program.worst(&best);
    let mut duals = vec![Dual { lam: point.lam.clone(), y: point.y }, Dual { lam, y: 0.0 }];
    if let Some((vertex, lam, y)) = vertex::nearest(program, point) {
        let (risk, _) = program.worst(&vertex);
        if risk <= least + 1e-12 * least.abs() && program.shortfall(&vertex) <= 1e-14 {
            (best, least) = (vertex, risk);
        }
        duals.push(Dual { lam, y });
    }
    best.truncate(program.n());
    let mut bound = f64::NEG_INFINITY;
    let mut dual = Dual { lam: Vec::new(), y: 0.0 };
    for each in duals {
        let reached = program.bound(&each.lam, each.y);
        // The last of equals: a vertex knows its prices exactly.
        if reached >= bound {
            (bound, dual) = (reached, each);
        }
    }
    dual.lam = program.within_caps(&dual.lam);
    (best, (least - bound).max(0.0), dual)
}

/// The exact CVaR of the final weights, and the mean absolute size of the returns they add up.
fn exact(returns: ArrayView2<'_, f64>, rule: TailRule<'_>, weights: &[f64]) -> Result<(f64, f64)> {
    let path = returns.dot(&ArrayView1::from(weights));
    let gross: f64 = returns
        .rows()
        .into_iter()
        .map(|row| row.iter().zip(weights).map(|(r, w)| (r * w).abs()).sum::<f64>() / path.len() as f64)
        .sum();
    let risk = match rule.probabilities {
        None => historical_tail(path.view(), rule.confidence_level)?.conditional_value_at_risk,
        Some(shares) => {
            let column = path.view().insert_axis(ndarray::Axis(1));
            weighted_tail(column, shares, rule.confidence_level)?.1[0]
        }
    };
    Ok((risk, gross))
}
