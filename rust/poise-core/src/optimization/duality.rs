//! What the multipliers of a box problem say: the price of each bound, and how much better any answer can be.

use super::bounds::{Bounds, Side};

/// The multipliers of the bounds and the duality gap, in the units of the objective they belong to.
#[derive(Debug, Clone, Default)]
pub(super) struct Proof {
    /// What a bound costs per unit of weight where a weight stands at it, 0 elsewhere.
    pub(super) prices: Vec<f64>,
    /// No weights within the bounds have an objective lower by more than this.
    pub(super) gap: f64,
    /// The multiplier of the budget.
    pub(super) multiplier: f64,
}

impl Proof {
    /// From the gradient of a convex objective at `weights`.
    ///
    /// Its tangent is nowhere above it, so the objective falls by at most the largest fall of the tangent within
    /// the bounds and the budget. `rounding(i)` is the size below which entry `i` of the gradient is no number:
    /// towards an open side, where the least slope would count for ever, less than that is none.
    pub(super) fn new(
        gradient: &[f64],
        weights: &[f64],
        bounds: &Bounds,
        rounding: impl Fn(usize) -> f64,
    ) -> Self {
        let sides: Vec<Side> = weights.iter().enumerate().map(|(i, &w)| bounds.side(i, w)).collect();
        let multiplier = budget_multiplier(gradient, weights, &sides, bounds);
        let mut proof = Self { prices: vec![0.0; weights.len()], gap: 0.0, multiplier };
        for (i, &side) in sides.iter().enumerate() {
            let excess = gradient[i] - multiplier;
            let room = if excess > 0.0 { weights[i] - bounds.lower[i] } else { bounds.upper[i] - weights[i] };
            if room.is_finite() || excess.abs() > rounding(i) {
                proof.gap += if room > 0.0 { excess.abs() * room } else { 0.0 };
            }
            proof.prices[i] = match side {
                Side::Inside => 0.0,
                _ if bounds.lower[i] == bounds.upper[i] => excess.abs(),
                Side::Lower => excess.max(0.0),
                Side::Upper => (-excess).max(0.0),
            };
        }
        proof
    }

    /// The same in units `factor` times smaller.
    pub(super) fn scaled(mut self, factor: f64) -> Self {
        // The unit of the largest covariances overflows; nothing stays nothing in any unit.
        let converted = |value: f64| if value == 0.0 { 0.0 } else { value * factor };
        self.prices.iter_mut().for_each(|price| *price = converted(*price));
        self.gap = converted(self.gap);
        self.multiplier = converted(self.multiplier);
        self
    }
}

/// The gradient of those inside their bounds, by how far they are inside; where nobody is, one between those at
/// the lower and at the upper.
fn budget_multiplier(gradient: &[f64], weights: &[f64], sides: &[Side], bounds: &Bounds) -> f64 {
    let (mut sum, mut total) = (0.0, 0.0);
    for (i, weight) in weights.iter().enumerate().filter(|(i, _)| sides[*i] == Side::Inside) {
        // An open side counts as being far inside.
        let depth = (weight - bounds.lower[i]).min(bounds.upper[i] - weight).min(1.0);
        sum += depth * gradient[i];
        total += depth;
    }
    if total > 0.0 {
        return sum / total;
    }
    let (mut least, mut most) = (f64::INFINITY, f64::NEG_INFINITY);
    for (i, (g, side)) in gradient.iter().zip(sides).enumerate() {
        match side {
            _ if bounds.lower[i] == bounds.upper[i] => {}
            Side::Upper => most = most.max(*g),
            _ => least = least.min(*g),
        }
    }
    match (least.is_finite(), most.is_finite()) {
        (true, true) => 0.5 * (least + most),
        (true, false) => least,
        (false, true) => most,
        (false, false) => 0.0,
    }
}
