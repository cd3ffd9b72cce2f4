//! What programs over a box and a budget have in common: finite bounds, and the best point for a linear gain.

use super::bounds::{Bounds, SUM_TOLERANCE};
use crate::{Error, Result};

/// An objective at its best weights, and by how much it can at most be improved.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Proof {
    /// The objective at the weights.
    pub objective: f64,
    /// By how much another choice could at most improve it.
    pub gap: f64,
    /// How fast it would improve if the limit beyond bounds and budget, where there is one, gave way.
    pub limit_price: f64,
}

/// The same set of weights with a finite bound on every side, where the budget supplies those that are missing.
///
/// # Errors
/// [`Error::Infeasible`] where an open side stays open: a program of losses may then have no best weights.
pub(super) fn closed(bounds: &Bounds) -> Result<Bounds> {
    let (lower, upper) = (&bounds.lower, &bounds.upper);
    let mut shut = bounds.clone();
    for i in 0..lower.len() {
        let others = |side: &[f64]| -> f64 {
            side.iter().enumerate().filter(|(j, _)| *j != i).map(|(_, bound)| bound).sum()
        };
        if upper[i].is_infinite() {
            shut.upper[i] = (1.0 - others(lower)).max(lower[i]);
        }
        if lower[i].is_infinite() {
            shut.lower[i] = (1.0 - others(upper)).min(upper[i]);
        }
        if shut.upper[i].is_infinite() || shut.lower[i].is_infinite() {
            let reason = format!(
                "asset {i} may have any weight between {} and {}, and no budget limits it; give finite bounds",
                lower[i], upper[i]
            );
            return Err(Error::Infeasible { reason });
        }
    }
    Ok(shut)
}

/// Weights of the largest `gain'w` with the sum `total`, from the most rewarding asset down.
///
/// Where `cash` pays nothing and may take what is left, assets of negative gain are left at their lower bound.
pub(super) fn greedy(gain: &[f64], lower: &[f64], upper: &[f64], total: f64, cash: bool) -> Vec<f64> {
    let mut order: Vec<usize> = (0..gain.len()).collect();
    order.sort_by(|&i, &j| gain[j].total_cmp(&gain[i]));
    let mut weights = lower.to_vec();
    let mut left = total - lower.iter().sum::<f64>();
    for i in order {
        if left <= 0.0 || (cash && gain[i] <= 0.0) {
            break;
        }
        let more = left.min(upper[i] - lower[i]);
        weights[i] += more;
        left -= more;
    }
    weights
}

/// Whether the budget leaves the bounds no choice.
pub(super) fn is_settled(lower: &[f64], upper: &[f64], total: f64) -> bool {
    let (least, most) = (lower.iter().sum::<f64>(), upper.iter().sum::<f64>());
    total - least <= SUM_TOLERANCE || most - total <= SUM_TOLERANCE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_budget_closes_one_open_side() {
        let bounds = Bounds { lower: vec![0.0, -0.5], upper: vec![f64::INFINITY, 0.3] };
        assert_eq!(closed(&bounds).unwrap().upper, [1.5, 0.3]);
        let open = Bounds { lower: vec![f64::NEG_INFINITY; 2], upper: vec![f64::INFINITY; 2] };
        assert!(matches!(closed(&open), Err(Error::Infeasible { .. })));
    }

    #[test]
    fn the_best_asset_is_filled_first() {
        let (lower, upper) = ([0.1, 0.0, 0.0], [1.0, 0.5, 0.3]);
        let filled = greedy(&[1.0, 3.0, 2.0], &lower, &upper, 1.0, false);
        assert!((filled[0] - 0.2).abs() < 1e-15 && filled[1..] == [0.5, 0.3], "{filled:?}");
        assert_eq!(greedy(&[-1.0, -3.0, 2.0], &lower, &upper, 1.0, true), [0.1, 0.0, 0.3]);
    }
}
