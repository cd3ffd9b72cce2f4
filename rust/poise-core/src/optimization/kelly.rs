//! Weights of the largest expected logarithmic growth: Kelly's criterion over scenarios, exactly.
//!
//! Kelly (1956); under a drawdown limit Busseti, Ryu and Boyd (2016), "Risk-constrained Kelly gambling". The rest
//! of the weights is cash at the risk-free rate: with `a = (r - f) / (1 + f)` wealth grows by `(1 + f) G`,
//! `G = 1 + a'w`. The certificate is the gap of the Lagrangian, linear at the answer, over all allowed weights.

mod interior;
mod prices;
mod program;

use ndarray::{ArrayView1, ArrayView2};

use super::bounds::{SUM_TOLERANCE, Side};
use super::box_program::{self, Proof};
use super::dense::dot;
use super::scenarios::Scenarios;
use super::tail_program::{check_scenarios, shares_of, within_reach};
use super::{Bounds, Solution, Status};
use crate::{Error, Result};
use program::{GrowthProgram, SURVIVAL};

/// Relative gap up to which an answer counts as optimal.
const PROVEN: f64 = 1e-8;

/// A drawdown so improbable, or so shallow, that no weights but cash keep it.
const MOST_POWER: f64 = 1e9;

/// The bounds are divided by the fraction: beyond it they would hold back nothing.
const LEAST_FRACTION: f64 = 1e-9;

/// Weights that hardly grow, as cash does, are judged by this part of the returns.
const LEAST_SIZE: f64 = 1e-6;

/// Distance to a bound, with a price that exceeds it, at which a weight stands there.
const AT_BOUND: f64 = 1e-9;

/// What growth is asked to respect.
#[derive(Debug, Clone, Copy)]
pub struct KellyRule<'a> {
    /// One per scenario, not negative, of any scale; equal where there are none.
    pub probabilities: Option<ArrayView1<'a, f64>>,
    /// What cash earns over a scenario, above -1.
    pub risk_free_rate: f64,
    /// The part of the full Kelly weights that is held, from 1e-9 to 1.
    pub fraction: f64,
    /// The power `lambda` of the drawdown limit `E (wealth growth)^(-lambda) <= 1`; the full weights keep it.
    pub drawdown_power: Option<f64>,
}

/// Weights of the largest expected logarithmic growth within the bounds, of sum 1 at most, times a fraction.
///
/// The bounds hold for the weights returned. The certificate is the gap of the full problem relative to the larger of
/// the mean absolute logarithmic growth of its weights and a millionth of the mean absolute excess return; the
/// objective is the growth of the weights returned.
///
/// # Errors
/// Empty or not finite arguments, returns beyond 1e150, lengths that differ, a parameter outside its range, lower
/// bounds that are open or sum to more than the fraction, bounds under which a scenario takes everything, bounds that
/// exclude cash under a drawdown limit.
pub fn kelly(
    returns: ArrayView2<'_, f64>,
    rule: KellyRule<'_>,
    bounds: &Bounds,
) -> Result<(Solution, Proof)> {
    check(returns, rule, bounds)?;
    let n = returns.ncols();
    let full = full_box(bounds, rule.fraction)?;
    let mut weights: Vec<f64> = full.lower.clone();
    let free: Vec<usize> = (0..n).filter(|&i| box_program::has_room(full.lower[i], full.upper[i])).collect();
    let program = program_of(returns, rule, &full, &free);
    let (mut steps, mut gap, mut size, mut limit_price) = (0, 0.0, 1.0, 0.0);
    if !free.is_empty() && program.total - program.lower.iter().sum::<f64>() > SUM_TOLERANCE {
        let (x, price, taken) = best_of(&program)?;
        (steps, gap, limit_price) = (taken, program.gap(&x, price), price);
        let growth =
            program.values(&x).iter().map(|value| (value.ln() + program.carry).abs()).collect::<Vec<f64>>();
        size = dot(&program.shares, &growth);
        free.iter().zip(&x).for_each(|(&i, weight)| weights[i] = *weight);
    }
    let prices = prices::of_bounds(returns, rule, &program, limit_price, (&full, &free), &weights);
    for (i, weight) in weights.iter_mut().enumerate() {
        *weight = scaled_back(rule.fraction, *weight, i, &full, bounds);
    }
    let objective = growth_of(returns, rule, &weights)?;
    let size = size.max(LEAST_SIZE * program.mean_size()).max(f64::MIN_POSITIVE);
    let certificate = if gap > 0.0 { gap / size } else { 0.0 };
    let mut solution = Solution::settled(weights, bounds, Vec::new());
    (solution.iterations, solution.certificate, solution.prices) = (steps, certificate, prices);
    if certificate.is_nan() || certificate > PROVEN {
        solution.status = Status::Inaccurate;
    }
    Ok((solution, Proof { objective, gap, limit_price }))
}

fn check(returns: ArrayView2<'_, f64>, rule: KellyRule<'_>, bounds: &Bounds) -> Result<()> {
    check_scenarios(returns, rule.probabilities)?;
    crate::validate::length("bounds", ArrayView1::from(&bounds.lower), returns.ncols())?;
    let refused = |what, value, range| Err(Error::OutOfRange { what, value, range });
    if !(rule.risk_free_rate > -1.0 && rule.risk_free_rate.is_finite()) {
        return refused("risk_free_rate", rule.risk_free_rate, "a number above -1");
    }
    within_reach("risk_free_rate", [rule.risk_free_rate].iter())?;
    if !(LEAST_FRACTION..=1.0).contains(&rule.fraction) {
        return refused("fraction", rule.fraction, "a number above 0, 1e-9 at least, and at most 1");
    }
    let Some(power) = rule.drawdown_power else { return Ok(()) };
    if !(power > 0.0 && power <= MOST_POWER) {
        return refused("the drawdown's power", power, "a positive number, 1e9 at most");
    }
    if rule.risk_free_rate < 0.0 {
        return refused(
            "risk_free_rate",
            rule.risk_free_rate,
            "zero or more under a drawdown limit, which cash must keep",
        );
    }
    match (0..returns.ncols()).find(|&i| bounds.lower[i] > 0.0 || bounds.upper[i] < 0.0) {
        Some(i) => Err(Error::Infeasible {
            reason: format!(
                "asset {i} may not be left out, but a drawdown limit needs the way to cash to be open"
            ),
        }),
        None => Ok(()),
    }
}

/// The bounds of the full Kelly weights, of which `fraction` will be held.
fn full_box(bounds: &Bounds, fraction: f64) -> Result<Bounds> {
    if let Some(i) = bounds.lower.iter().position(|low| low.is_infinite()) {
        return Err(Error::Infeasible {
            reason: format!("asset {i} may be sold short without limit; give a lower bound"),
        });
    }
    let over = |side: &[f64]| side.iter().map(|bound| bound / fraction).collect::<Vec<f64>>();
    let full = box_program::closed_above(&Bounds { lower: over(&bounds.lower), upper: over(&bounds.upper) })?;
    let least: f64 = bounds.lower.iter().sum();
    if least > fraction + SUM_TOLERANCE {
        return Err(Error::Infeasible {
            reason: format!(
                "the lower bounds sum to {least:.12}, above the fraction {fraction} of the full weights"
            ),
        });
    }
    Ok(full)
}

fn program_of(
    returns: ArrayView2<'_, f64>,
    rule: KellyRule<'_>,
    full: &Bounds,
    free: &[usize],
) -> GrowthProgram {
    let rate = rule.risk_free_rate;
    let shares = shares_of(returns.nrows(), rule.probabilities);
    let rows: Vec<usize> = (0..returns.nrows()).filter(|&s| shares[s] > 0.0).collect();
    let fixed: Vec<usize> = (0..returns.ncols()).filter(|i| !free.contains(i)).collect();
    let excess = |s: usize, i: usize| (returns[(s, i)] - rate) / (1.0 + rate);
    let held = |s: &usize| 1.0 + fixed.iter().map(|&i| excess(*s, i) * full.lower[i]).sum::<f64>();
    let size = |s: &usize| 1.0 + fixed.iter().map(|&i| (excess(*s, i) * full.lower[i]).abs()).sum::<f64>();
    let shares: Vec<f64> = rows.iter().map(|&s| shares[s]).collect();
    let a = Scenarios::from_fn(rows.len(), free.len(), |s, i| excess(rows[s], free[i]));
    let mean = |i: usize| (0..rows.len()).map(|s| shares[s] * a.row(s)[i]).sum::<f64>().abs();
    let square = |i: usize| (0..rows.len()).map(|s| shares[s] * a.row(s)[i].powi(2)).sum::<f64>();
    let unit = (0..free.len()).map(|i| mean(i).max(square(i))).fold(f64::MIN_POSITIVE, f64::max);
    GrowthProgram {
        base: rows.iter().map(held).collect(),
        base_size: rows.iter().map(size).collect(),
        lower: free.iter().map(|&i| full.lower[i]).collect(),
        upper: free.iter().map(|&i| full.upper[i]).collect(),
        total: 1.0 - fixed.iter().map(|&i| full.lower[i]).sum::<f64>(),
        power: rule.drawdown_power,
        carry: rate.ln_1p(),
        a,
        shares,
        unit,
    }
}

/// The free weights, the price of the drawdown limit, and the steps taken.
fn best_of(program: &GrowthProgram) -> Result<(Vec<f64>, f64, usize)> {
    if cash_is_best(program) {
        return Ok((vec![0.0; program.n()], 0.0, 0));
    }
    let Some(start) = program.start() else {
        let reason = "the weights nearest to cash lose everything in a scenario; lower the lower bounds";
        return Err(Error::Infeasible { reason: reason.to_owned() });
    };
    let Some(power) = program.power else { return Ok(solved(program, &start)) };
    let free_of_limit = GrowthProgram { power: None, ..without_limit(program) };
    let (grown, _, taken) = solved(&free_of_limit, &start);
    if !program.exceeds_limit(&grown) {
        return Ok((grown, 0.0, taken));
    }
    match program.start_within_limit(&grown, power) {
        Some(start) => {
            let (x, price, more) = solved(program, &start);
            Ok((x, price, taken + more))
        }
        None => Ok((vec![0.0; program.n()], 0.0, taken)),
    }
}

/// A full weight times the fraction; at its bound the bound itself, which rounding would miss.
fn scaled_back(fraction: f64, weight: f64, i: usize, full: &Bounds, bounds: &Bounds) -> f64 {
    match full.side(i, weight) {
        Side::Lower if bounds.lower[i].is_finite() => bounds.lower[i],
        // Not where the budget closed the side instead.
        Side::Upper if full.upper[i] >= bounds.upper[i] / fraction => bounds.upper[i],
        _ => bounds.clip(i, fraction * weight),
    }
}

fn without_limit(program: &GrowthProgram) -> GrowthProgram {
    let a = Scenarios::from_fn(program.a.n_rows(), program.n(), |s, i| program.a.row(s)[i]);
    let GrowthProgram { base, base_size, shares, lower, upper, total, carry, unit, .. } = program;
    GrowthProgram {
        a,
        base: base.clone(),
        base_size: base_size.clone(),
        shares: shares.clone(),
        lower: lower.clone(),
        upper: upper.clone(),
        total: *total,
        power: None,
        carry: *carry,
        unit: *unit,
    }
}

/// Whether no asset that may be bought earns more than cash, none that may be sold less, and what is fixed leaves cash.
fn cash_is_best(program: &GrowthProgram) -> bool {
    let along: Vec<f64> =
        program.shares.iter().zip(&program.base).map(|(share, base)| share / base).collect();
    let mut gain = vec![0.0; program.n()];
    program.a.transposed_times(&along, &mut gain);
    let stays = |i: usize| {
        let (low, high) = (program.lower[i], program.upper[i]);
        low <= 0.0 && high >= 0.0 && (gain[i] <= 0.0 || high == 0.0) && (gain[i] >= 0.0 || low == 0.0)
    };
    let affordable = program.total >= 0.0 && program.survives(&vec![0.0; program.n()]);
    affordable && (0..program.n()).all(stays)
}

/// The interior point's answer, with weights that stand at a bound put exactly there.
fn solved(program: &GrowthProgram, start: &[f64]) -> (Vec<f64>, f64, usize) {
    let n = program.n();
    let (point, taken) = interior::solve(program, start);
    let price = point.prices.get(2 * n + 1).copied().unwrap_or(0.0);
    let mut snapped = point.x.clone();
    let near = |distance: f64, price: f64| distance <= AT_BOUND && distance < price;
    for (i, x) in snapped.iter_mut().enumerate() {
        let (low, high) = (point.prices[i], point.prices[n + i]);
        // Of two bounds that are both near the dearer one is meant.
        if low >= high && near(*x - program.lower[i], low) {
            *x = program.lower[i];
        } else if near(program.upper[i] - *x, high) {
            *x = program.upper[i];
        }
    }
    let sum: f64 = snapped.iter().sum();
    if sum > program.total || near(program.total - sum, point.prices[2 * n]) {
        let bounds = Bounds { lower: program.lower.clone(), upper: program.upper.clone() };
        bounds.settle(&mut snapped, program.total);
    }
    let kept = program.survives(&snapped) && !program.exceeds_limit(&snapped);
    (if kept { snapped } else { point.x }, price, taken)
}

/// Expected logarithmic growth of the final weights, cash counted.
fn growth_of(returns: ArrayView2<'_, f64>, rule: KellyRule<'_>, weights: &[f64]) -> Result<f64> {
    let cash = rule.risk_free_rate * (1.0 - weights.iter().sum::<f64>());
    let shares = shares_of(returns.nrows(), rule.probabilities);
    let mut growth = 0.0;
    for (s, (row, share)) in
        returns.rows().into_iter().zip(&shares).enumerate().filter(|(_, (_, p))| **p > 0.0)
    {
        let earned = cash + row.iter().zip(weights).map(|(r, w)| r * w).sum::<f64>();
        let size = 1.0 + cash.abs() + row.iter().zip(weights).map(|(r, w)| (r * w).abs()).sum::<f64>();
        if 1.0 + earned <= SURVIVAL * size {
            return Err(Error::Infeasible {
                reason: format!("the bounds force a loss of everything in row {s}"),
            });
        }
        growth += share * earned.ln_1p();
    }
    Ok(growth)
}
