//! What the bounds of Kelly's weights cost, read off the slope of the Lagrangian.

use ndarray::ArrayView2;

use super::KellyRule;
use super::program::GrowthProgram;
use crate::optimization::Bounds;
use crate::optimization::bounds::SUM_TOLERANCE;
use crate::optimization::duality::Proof;
use crate::optimization::tail_program::shares_of;

/// What each bound of the weights returned costs the growth of the full weights, which is what is largest; cash is
/// one more asset, without a price.
pub(super) fn of_bounds(
    returns: ArrayView2<'_, f64>,
    rule: KellyRule<'_>,
    program: &GrowthProgram,
    limit_price: f64,
    (full, free): (&Bounds, &[usize]),
    weights: &[f64],
) -> Vec<f64> {
    let x: Vec<f64> = free.iter().map(|&i| weights[i]).collect();
    let (along, _) = program.pull(&x, limit_price);
    let shares = shares_of(returns.nrows(), rule.probabilities);
    let rows = (0..returns.nrows()).filter(|&s| shares[s] > 0.0);
    let mut slope = vec![0.0; weights.len() + 1];
    for (s, along) in rows.zip(&along) {
        let part = along / (1.0 + rule.risk_free_rate);
        let row = returns.row(s);
        slope.iter_mut().zip(row).for_each(|(slope, r)| *slope -= part * (r - rule.risk_free_rate));
    }
    let with_cash = Bounds {
        lower: [&full.lower[..], &[0.0]].concat(),
        upper: [&full.upper[..], &[f64::INFINITY]].concat(),
    };
    let cash = 1.0 - weights.iter().sum::<f64>();
    let held = [weights, &[if cash > SUM_TOLERANCE { cash } else { 0.0 }]].concat();
    let mut prices = Proof::new(&slope, &held, &with_cash, |_| 0.0).scaled(rule.fraction.recip()).prices;
    prices.truncate(weights.len());
    prices
}
