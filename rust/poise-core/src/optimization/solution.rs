//! What every solver returns.

use super::bounds::{Bounds, Side};

/// How an answer came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// The stated problem is solved to its certificate.
    Optimal,
    /// Solved, but a convention chose among many answers or left assets without risk out.
    Degenerate,
    /// Rounding stopped the solver above its goal; the certificate says how far.
    Inaccurate,
    /// The stated problem has no answer within the bounds; the nearest one that has is solved.
    Relaxed,
}

/// Weights with their proof.
#[derive(Debug, Clone, PartialEq)]
pub struct Solution {
    /// Fractions that sum to 1 and keep every bound.
    pub weights: Vec<f64>,
    /// How the answer came about.
    pub status: Status,
    /// Steps taken.
    pub iterations: usize,
    /// How far the optimality conditions are from holding, relative; each solver says of what.
    pub certificate: f64,
    /// Where each weight stands between its bounds.
    pub sides: Vec<Side>,
    /// The part of each variance that makes the matrix definite: 0, `1e-10` for a singular one, more for one
    /// with a slightly negative direction.
    pub ridge: f64,
    /// Assets without variance.
    pub riskless: Vec<usize>,
    /// The largest difference between a share of risk and its budget; NaN where there are no budgets.
    pub budget_gap: f64,
    /// How fast the objective would improve if the bound at which a weight stands gave way, per unit of weight;
    /// 0 for weights inside, empty where the solver knows no prices.
    pub prices: Vec<f64>,
    /// The objective as its solver states it; NaN where that is not one number.
    pub objective: f64,
    /// By how much no weights can better the objective; NaN where no dual is at hand.
    pub gap: f64,
}

impl Solution {
    /// The answer that bounds and conventions leave without solving anything.
    pub(super) fn settled(weights: Vec<f64>, bounds: &Bounds, riskless: Vec<usize>) -> Self {
        let sides = weights.iter().enumerate().map(|(i, &weight)| bounds.side(i, weight)).collect();
        Self {
            weights,
            status: if riskless.is_empty() { Status::Optimal } else { Status::Degenerate },
            iterations: 0,
            certificate: 0.0,
            sides,
            ridge: 0.0,
            riskless,
            budget_gap: f64::NAN,
            prices: Vec::new(),
            objective: f64::NAN,
            gap: f64::NAN,
        }
    }
}
