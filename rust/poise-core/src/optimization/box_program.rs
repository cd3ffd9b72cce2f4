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

/// A bound beyond it is as good as none: beside it the budget of 1 is rounding.
const VAST: f64 = 1e9;

/// The same set of weights with a finite bound on every side, where the budget supplies those that are missing.
///
/// # Errors
/// [`Error::Infeasible`] where an open side stays open: a program of losses may then have no best weights.
pub(super) fn closed(bounds: &Bounds) -> Result<Bounds> {
    let mut shut = closed_above(bounds)?;
    for i in (0..shut.lower.len()).filter(|&i| bounds.lower[i] < -VAST) {
        let low = (1.0 - others(&bounds.upper, i)).max(bounds.lower[i]).min(bounds.upper[i]);
        shut.lower[i] = low;
        if low.is_infinite() {
            return Err(stays_open(bounds, i));
        }
    }
    Ok(shut)
}

/// As [`closed`], for a budget that need not be spent: it closes no lower side.
pub(super) fn closed_above(bounds: &Bounds) -> Result<Bounds> {
    let mut shut = bounds.clone();
    for i in (0..shut.upper.len()).filter(|&i| bounds.upper[i] > VAST) {
        let high = (1.0 - others(&bounds.lower, i)).min(bounds.upper[i]).max(bounds.lower[i]);
        shut.upper[i] = high;
        if high.is_infinite() {
            return Err(stays_open(bounds, i));
        }
    }
    Ok(shut)
}

fn others(side: &[f64], i: usize) -> f64 {
    side.iter().enumerate().filter(|(j, _)| *j != i).map(|(_, bound)| bound).sum()
}

fn stays_open(bounds: &Bounds, i: usize) -> Error {
    let (low, high) = (bounds.lower[i], bounds.upper[i]);
    let reason = format!(
        "asset {i} may have any weight between {low} and {high}, and no budget limits it; give finite bounds"
    );
    Error::Infeasible { reason }
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

/// Whether bounds leave a weight more room than rounding takes: an interior point divides by that room.
pub(super) fn has_room(low: f64, high: f64) -> bool {
    high - low > SUM_TOLERANCE * low.abs().max(high.abs()).max(1.0)
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
        let vast = Bounds { lower: vec![-0.1, -1e75], upper: vec![1e10, 0.3] };
        assert_eq!(closed(&vast).unwrap(), Bounds { lower: vec![-0.1, 1.0 - 1e10], upper: vec![1e10, 0.3] });
        let open = Bounds { lower: vec![f64::NEG_INFINITY; 2], upper: vec![f64::INFINITY; 2] };
        assert!(matches!(closed(&open), Err(Error::Infeasible { .. })));
    }

    #[test]
    fn room_is_what_rounding_does_not_take() {
        assert!(has_room(0.0, 1e-9) && has_room(-1.0, 1.0));
        assert!(!has_room(1.0 - 1e-16, 1.0) && !has_room(1e9, 1e9 + 1e-6) && !has_room(0.3, 0.3));
    }

    #[test]
    fn the_best_asset_is_filled_first() {
        let (lower, upper) = ([0.1, 0.0, 0.0], [1.0, 0.5, 0.3]);
        let filled = greedy(&[1.0, 3.0, 2.0], &lower, &upper, 1.0, false);
        assert!((filled[0] - 0.2).abs() < 1e-15 && filled[1..] == [0.5, 0.3], "{filled:?}");
        assert_eq!(greedy(&[-1.0, -3.0, 2.0], &lower, &upper, 1.0, true), [0.1, 0.0, 0.3]);
    }
}
