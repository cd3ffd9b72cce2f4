//! The slope of a conditional value at risk under the dual that proves the answer: bounds get their prices of it.

use ndarray::ArrayView2;

use super::program::{Dual, worst_of};
use super::{EXACT_ROOM, TailRule, caps_of, shares_of};

/// By how much the CVaR rises per unit of each weight, a floor of the return at its price.
///
/// Without a dual, where the bounds or a convention left no choice, the tail of the weights themselves speaks.
pub(super) fn slope(
    returns: ArrayView2<'_, f64>,
    rule: TailRule<'_>,
    weights: &[f64],
    dual: Option<&Dual>,
) -> Vec<f64> {
    let mut slope = vec![0.0; weights.len()];
    if let Some(((expected, _), dual)) = rule.floor.zip(dual) {
        slope.iter_mut().zip(expected).for_each(|(slope, gain)| *slope = -dual.y * gain);
    }
    let lam = dual.map_or_else(|| tail_of(returns, rule, weights), |dual| dual.lam.clone());
    for (row, &lam) in returns.rows().into_iter().zip(&lam).filter(|(_, lam)| **lam > 0.0) {
        slope.iter_mut().zip(row).for_each(|(slope, gain)| *slope -= lam * gain);
    }
    slope
}

/// The probabilities that attain the CVaR of the weights.
fn tail_of(returns: ArrayView2<'_, f64>, rule: TailRule<'_>, weights: &[f64]) -> Vec<f64> {
    let shares = shares_of(returns.nrows(), rule.probabilities);
    let loss = |row: ndarray::ArrayView1<'_, f64>| -row.iter().zip(weights).map(|(r, w)| r * w).sum::<f64>();
    let losses: Vec<f64> = returns.rows().into_iter().map(loss).collect();
    worst_of(&losses, &caps_of(&shares, rule.confidence_level, EXACT_ROOM))
}
