//! The slope of a conditional value at risk under the dual that proves the answer: bounds get their prices of it.

use ndarray::ArrayView2;

use super::program::{Dual, caps_of, worst_of};
use super::{TailRule, largest, shares_of};

/// By how much the CVaR rises per unit of each weight, a floor of the return at its price.
///
/// Without a dual, where the bounds or a convention left no choice, the tail of the weights themselves speaks.
pub(super) fn slope(
    returns: ArrayView2<'_, f64>,
    rule: TailRule<'_>,
    weights: &[f64],
    dual: Option<&Dual>,
    scale: f64,
) -> Vec<f64> {
    let shares = shares_of(returns.nrows(), rule.probabilities);
    let rows: Vec<usize> = (0..returns.nrows()).filter(|&s| shares[s] > 0.0).collect();
    let mut slope = vec![0.0; weights.len()];
    if let Some(((expected, _), dual)) = rule.floor.zip(dual) {
        let (unit, price) = (largest(expected), dual.y.max(0.0) * scale);
        slope.iter_mut().zip(expected).for_each(|(slope, gain)| *slope = -price * (gain / unit));
    }
    let own = || tail_of(returns, rule, weights, (&rows, &shares));
    let lam = dual.map_or_else(own, |dual| dual.lam.clone());
    for (&s, &lam) in rows.iter().zip(&lam).filter(|(_, lam)| **lam > 0.0) {
        slope.iter_mut().zip(returns.row(s)).for_each(|(slope, gain)| *slope -= lam * gain);
    }
    slope
}

/// By how much the CVaR would fall per unit of expected return by which the floor gives way.
pub(super) fn floor(rule: TailRule<'_>, dual: Option<&Dual>, scale: f64) -> f64 {
    let binding = rule.floor.zip(dual);
    binding.map_or(0.0, |((expected, _), dual)| dual.y.max(0.0) * (scale / largest(expected)))
}

/// The probabilities that attain the CVaR of the weights.
fn tail_of(
    returns: ArrayView2<'_, f64>,
    rule: TailRule<'_>,
    weights: &[f64],
    (rows, shares): (&[usize], &[f64]),
) -> Vec<f64> {
    let shares: Vec<f64> = rows.iter().map(|&s| shares[s]).collect();
    let loss = |&s: &usize| -returns.row(s).iter().zip(weights).map(|(r, w)| r * w).sum::<f64>();
    let losses: Vec<f64> = rows.iter().map(loss).collect();
    worst_of(&losses, &caps_of(&shares, rule.confidence_level))
}
