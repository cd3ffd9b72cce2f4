//! What can be said of the weights where the walk has ended.

use super::{NOISE, Walk};
use crate::optimization::bounds::{Bounds, SUM_TOLERANCE, Side};
use crate::optimization::duality::Proof;
use crate::optimization::quadratic::larger_or_nan;

/// A multiplier, or a pivot of the free assets' factor, above this part of its terms is certainly not zero.
pub(in crate::optimization) const MARGIN: f64 = 1e-9;

impl Walk<'_> {
    /// Whether no other weights are as good, by a margin that rounding does not reach.
    pub(in crate::optimization) fn is_unique(&self) -> bool {
        let scale = self.scale();
        let Bounds { lower, upper } = self.problem.bounds;
        let decided = |i: usize| {
            lower[i] == upper[i]
                || self.side[i] == Side::Inside
                || self.violation(i, self.side[i]) == 0.0
                    && (self.gradient[i] - self.multiplier).abs() > MARGIN * self.magnitude(i, scale)
        };
        self.free.is_definite(&self.problem.hessian.matrix, MARGIN) && (0..lower.len()).all(decided)
    }

    /// Prices and duality gap at the weights held.
    pub(in crate::optimization) fn proof(&self) -> Proof {
        let scale = self.scale();
        let rounding = |i: usize| NOISE * self.magnitude(i, scale);
        Proof::new(&self.gradient, &self.weights, self.problem.bounds, rounding)
    }

    pub(in crate::optimization) fn certificate(&self) -> f64 {
        let missing = (self.weights.iter().sum::<f64>() - self.problem.total).abs();
        if missing > SUM_TOLERANCE * self.problem.total.abs().max(1.0) {
            return f64::INFINITY;
        }
        let scale = self.scale();
        // Judged by where the weight stands, whatever the walk believed.
        let relative = |i| match self.violation(i, self.problem.bounds.side(i, self.weights[i])) {
            0.0 => 0.0,
            violation => violation / self.magnitude(i, scale),
        };
        (0..self.weights.len()).map(relative).fold(0.0, larger_or_nan)
    }
}
