//! Weights whose losses beyond a quantile are least: minimum conditional value at risk.
//!
//! Rockafellar and Uryasev (2000), "Optimization of conditional value-at-risk": a linear program of as many rows
//! as scenarios. `interior` solves it in the space of the weights, `face` makes the answer exact, and the
//! certificate needs neither: any probabilities within the caps `p / (1 - a)` bound the least CVaR from below by
//! the largest loss they leave possible, which is a greedy choice.

mod face;
mod interior;
mod point;
mod prices;
mod program;
mod stiff;

use ndarray::{ArrayView1, ArrayView2};

use super::box_program::{self, Proof};
use super::dense::dot;
use super::duality;
use super::scenarios::Scenarios;
use super::{Bounds, Solution, Status};
use crate::risk::{historical_tail, weighted_tail};
use crate::{Error, Result, validate};
use program::{Dual, TailProgram};

/// Relative gap up to which an answer counts as optimal.
const PROVEN: f64 = 1e-8;

/// Weights that make nothing of the returns, as a perfect hedge does, are judged by this part of them.
const LEAST_SIZE: f64 = 1e-6;

/// A cap at or below which a scenario is left out: rounding takes more of a risk than it.
const CLOSED_CAP: f64 = 1e-16;

/// A cap at or above which a scenario's probability is limited by their sum alone.
const OPEN_CAP: f64 = 2.0;

/// Returns beyond it may add up to no number.
const LARGEST: f64 = 1e150;

/// The part of its probability by which a scenario's cap exceeds it at least, or the interior point has no inside.
/// The face and the proof know the caps as they are, but for rounding.
const LEAST_ROOM: f64 = 1e-6;
const EXACT_ROOM: f64 = 1e-12;

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
/// `sum_i |w_i r_i|` and a millionth of the mean absolute return. An asset whose return never varies is left out as far
/// as bounds and floor allow.
///
/// # Errors
/// Empty or not finite arguments, returns beyond 1e150, lengths that differ, a level outside (0, 1), probabilities that
/// are negative or all zero, bounds that admit no full investment or leave a side open.
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
    let free: Vec<usize> =
        (0..weights.len()).filter(|&i| box_program::has_room(held.lower[i], held.upper[i])).collect();
    let has_choice = riskless.len() < weights.len() || rule.floor.is_some();
    let mut dual = None;
    if scale > 0.0 && has_choice && !free.is_empty() {
        let mut program = program_of(returns, rule, &held, &free, scale)?;
        if !box_program::is_settled(&program.lower, &program.upper, program.total) {
            let (point, taken) = interior::solve(&program);
            program.caps = caps_of(&program.shares, rule.confidence_level, EXACT_ROOM);
            let (best, bound, proof) = best_of(&program, &point);
            weights.copy_from_slice(&held.lower);
            free.iter().zip(&best).for_each(|(&i, weight)| weights[i] = *weight);
            held.settle(&mut weights, 1.0);
            let settled: Vec<f64> = free.iter().map(|&i| weights[i]).chain([0.0]).collect();
            gap = (program.worst(&settled).0 - bound).max(0.0) * scale;
            (steps, dual) = (taken, Some(program.in_returns(proof, scale)));
        }
    }
    held.settle(&mut weights, 1.0);
    let (objective, size) = exact(returns, rule, &weights)?;
    let mean = returns.iter().map(|value| value.abs() / returns.len() as f64).sum::<f64>();
    let size = objective.abs().max(size).max(LEAST_SIZE * mean).max(f64::MIN_POSITIVE);
    let certificate = if gap > 0.0 { gap / size } else { 0.0 };
    let slope = prices::slope(returns, rule, &weights, dual.as_ref());
    let mut prices = duality::Proof::new(&slope, &weights, bounds, |_| 0.0).prices;
    // Left out by convention, not by a bound.
    riskless.iter().filter(|&&i| held.lower[i] == 0.0 && held.upper[i] == 0.0).for_each(|&i| prices[i] = 0.0);
    let mut solution = Solution::settled(weights, bounds, riskless);
    (solution.iterations, solution.certificate, solution.prices) = (steps, certificate, prices);
    if certificate.is_nan() || certificate > PROVEN {
        solution.status = Status::Inaccurate;
    }
    let limit_price = dual.map_or(0.0, |dual| dual.y);
    Ok((solution, Proof { objective, gap, limit_price }))
}

fn check(returns: ArrayView2<'_, f64>, rule: TailRule<'_>) -> Result<()> {
    validate::confidence_level(rule.confidence_level)?;
    check_scenarios(returns, rule.probabilities)?;
    if let Some((expected, least)) = rule.floor {
        let least = ArrayView1::from(std::slice::from_ref(&least));
        validate::length("expected_returns", expected, returns.ncols())?;
        validate::finite("expected_returns", expected)?;
        validate::finite("minimum_return", least)?;
        within_reach("an expected return", expected.iter())?;
        within_reach("minimum_return", least.iter())?;
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
    within_reach("a return", returns.iter())?;
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

/// Refuses what a portfolio may not be able to add up.
pub(super) fn within_reach<'a>(what: &'static str, mut values: impl Iterator<Item = &'a f64>) -> Result<()> {
    match values.find(|value| value.abs() > LARGEST) {
        Some(&value) => Err(Error::OutOfRange { what, value, range: "at most 1e150 in size" }),
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
    let tail = tail_of(rule.confidence_level);
    let rows: Vec<usize> = (0..returns.nrows()).filter(|&s| shares[s] > CLOSED_CAP * tail).collect();
    let fixed: Vec<usize> = (0..returns.ncols()).filter(|i| !free.contains(i)).collect();
    let entry = |s: usize, i: usize| if i < n { returns[(rows[s], free[i])] / scale } else { 1.0 };
    let held = |s: &usize| fixed.iter().map(|&i| returns[(*s, i)] / scale * bounds.lower[i]).sum();
    let counted: f64 = rows.iter().map(|&s| shares[s]).sum();
    let shares: Vec<f64> = rows.iter().map(|&s| shares[s] / counted).collect();
    let pick = |side: &[f64]| free.iter().map(|&i| side[i]).collect::<Vec<f64>>();
    let (lower, upper) = (pick(&bounds.lower), pick(&bounds.upper));
    let total = 1.0 - fixed.iter().map(|&i| bounds.lower[i]).sum::<f64>();
    let floor = rule.floor.and_then(|(expected, least)| {
        let gain = free.iter().map(|&i| expected[i]).collect();
        let earned: f64 = fixed.iter().map(|&i| expected[i] * bounds.lower[i]).sum();
        binding_floor(gain, least - earned, &lower, &upper, total)
    });
    let unit = rule.floor.map_or(1.0, |(expected, _)| unit_of(free.iter().map(|&i| expected[i])));
    let x = Scenarios::from_fn(rows.len(), n + 1, entry);
    let size = |i: usize| (0..rows.len()).map(|s| x.row(s)[i].abs()).sum::<f64>() / rows.len() as f64;
    Ok(TailProgram {
        sizes: (0..n).map(size).collect(),
        x,
        base: rows.iter().map(held).collect(),
        rows,
        unit,
        caps: caps_of(&shares, rule.confidence_level, LEAST_ROOM),
        shares,
        lower,
        upper,
        total,
        floor,
    })
}

/// The most that each scenario may count, `room` at least above its probability.
fn caps_of(shares: &[f64], confidence_level: f64, room: f64) -> Vec<f64> {
    let tail = tail_of(confidence_level);
    shares.iter().map(|share| (share / tail).clamp(share * (1.0 + room), OPEN_CAP)).collect()
}

fn tail_of(confidence_level: f64) -> f64 {
    (1.0 - confidence_level).max(f64::MIN_POSITIVE)
}

fn unit_of(gains: impl Iterator<Item = f64>) -> f64 {
    gains.fold(f64::MIN_POSITIVE, |most, value| most.max(value.abs()))
}

/// The floor in units of the largest gain; `None` where all weights keep it, and what can be earned where none do.
fn binding_floor(
    mut gain: Vec<f64>,
    least: f64,
    lower: &[f64],
    upper: &[f64],
    total: f64,
) -> Option<(Vec<f64>, f64)> {
    let unit = unit_of(gain.iter().copied());
    gain.iter_mut().for_each(|value| *value /= unit);
    let earned = |weights: Vec<f64>| dot(&gain, &weights);
    let turned: Vec<f64> = gain.iter().map(|value| -value).collect();
    if least / unit <= earned(box_program::greedy(&turned, lower, upper, total, false)) {
        return None;
    }
    let most = earned(box_program::greedy(&gain, lower, upper, total, false));
    Some((gain, (least / unit).min(most)))
}

/// The better of the interior point and the face beside it, what no weights can be better than, in the program's units,
/// and the dual that says so.
fn best_of(program: &TailProgram, point: &point::Point) -> (Vec<f64>, f64, Dual) {
    let mut best = point.w.clone();
    let (least, lam) = program.worst(&best);
    let mut duals = vec![Dual { lam: point.lam.clone(), y: point.y }, Dual { lam, y: 0.0 }];
    let face = face::Face::beside(program, point);
    duals.extend(face.prices());
    if let Some(exact) = face.weights() {
        let (risk, _) = program.worst(&exact);
        if risk <= least + 1e-12 * least.abs() && program.shortfall(&exact) <= 1e-14 {
            best = exact;
        }
    }
    best.truncate(program.n());
    program.share_alike(&mut best);
    let mut bound = f64::NEG_INFINITY;
    let mut dual = Dual { lam: Vec::new(), y: 0.0 };
    for each in duals {
        let reached = program.bound(&each.lam, each.y);
        // The last of equals: a face knows its prices exactly.
        if reached >= bound {
            (bound, dual) = (reached, each);
        }
    }
    dual.lam = program.within_caps(&dual.lam);
    (best, bound, dual)
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
