//! The quadratic problem: `min 1/2 w'Hw - q'w` over `sum w = total`, `lower <= w <= upper`.

use super::active_set::NOISE;
use super::bounds::{Bounds, Side};
use super::dense::{Symmetric, dot};
use super::duality::Proof;

/// The certificate that an answer must reach.
pub(super) const TOLERANCE: f64 = 1e-8;

/// `H` of the objective.
#[derive(Debug, Clone)]
pub(super) struct Hessian {
    pub(super) matrix: Symmetric,
    pub(super) volatility: Vec<f64>,
    /// Groups of assets with the same row: nothing but the ridge tells them apart.
    pub(super) twins: Vec<Vec<usize>>,
}

impl Hessian {
    pub(super) fn regular(matrix: Symmetric) -> Self {
        let volatility = matrix.diagonal().map(f64::sqrt).collect();
        Self { matrix, volatility, twins: Vec::new() }
    }

    pub(super) fn singular(matrix: &Symmetric, ridge: f64) -> Self {
        Self { twins: matrix.twins(), ..Self::regular(matrix.with_ridge(ridge)) }
    }

    /// `w'Hw`.
    pub(super) fn variance(&self, weights: &[f64]) -> f64 {
        dot(weights, &self.matrix.multiply(weights))
    }
}

/// `f64::max` would drop a NaN.
pub(super) fn larger_or_nan(worst: f64, next: f64) -> f64 {
    if next > worst || next.is_nan() { next } else { worst }
}

/// A quadratic objective over bounds and a budget.
#[derive(Debug, Clone, Copy)]
pub(super) struct Quadratic<'a> {
    pub(super) hessian: &'a Hessian,
    pub(super) linear: &'a [f64],
    pub(super) bounds: &'a Bounds,
    pub(super) total: f64,
}

/// Its minimum with the proof.
#[derive(Debug, Clone)]
pub(super) struct Minimum {
    pub(super) weights: Vec<f64>,
    pub(super) iterations: usize,
    /// The largest violation of the optimality conditions, relative to the terms it is made of.
    pub(super) certificate: f64,
    /// How the weights of the free assets follow a unit of `extra` added to `linear`, on this face.
    pub(super) response: Vec<f64>,
    /// Whether no other weights are as good: the free assets' exchanges all cost variance, the bounds all a price.
    pub(super) is_unique: bool,
    /// Prices and duality gap, in units of the objective.
    pub(super) proof: Proof,
}

impl Quadratic<'_> {
    /// How good weights are that keep bounds and budget: the largest violation of the optimality conditions,
    /// relative to the terms they are made of, with prices and gap.
    pub(super) fn judge(&self, weights: &[f64]) -> (f64, Proof) {
        let Self { hessian, linear, bounds, .. } = *self;
        let mut gradient = hessian.matrix.multiply(weights);
        gradient.iter_mut().zip(linear).for_each(|(g, q)| *g -= q);
        let undiversified: f64 = hessian.volatility.iter().zip(weights).map(|(v, w)| v * w.abs()).sum();
        let magnitude = |i: usize| hessian.volatility[i] * undiversified + linear[i].abs();
        let proof = Proof::new(&gradient, weights, bounds, |i| NOISE * magnitude(i));
        let violation = |i: usize| {
            let excess = gradient[i] - proof.multiplier;
            let violation = match bounds.side(i, weights[i]) {
                Side::Inside => excess.abs(),
                _ if bounds.lower[i] == bounds.upper[i] => 0.0,
                Side::Lower => (-excess).max(0.0),
                Side::Upper => excess.max(0.0),
            };
            if violation == 0.0 { 0.0 } else { violation / (magnitude(i) + proof.multiplier.abs()) }
        };
        let certificate = (0..weights.len()).map(violation).fold(0.0, larger_or_nan);
        (certificate, proof)
    }

    /// Zero where the bounds allow it, then up (or down) asset by asset in the order of merit.
    pub(super) fn greedy_start(&self) -> Vec<f64> {
        let n = self.linear.len();
        let Self { hessian, linear, bounds, total } = *self;
        let alone = |i: usize| hessian.volatility[i] * hessian.volatility[i] - linear[i];
        let better = |i: &usize, j: &usize| alone(*i).total_cmp(&alone(*j));
        let mut weights: Vec<f64> = (0..n).map(|i| bounds.clip(i, 0.0)).collect();
        let mut missing = total - weights.iter().sum::<f64>();
        let upwards = missing > 0.0;
        let mut fill = |i: usize| {
            let moved = bounds.clip(i, weights[i] + missing);
            missing -= moved - weights[i];
            weights[i] = moved;
            missing
        };
        // Often the best of all takes everything.
        if upwards && (0..n).min_by(better).is_some_and(|best| fill(best) == 0.0) {
            return weights;
        }
        let mut order: Vec<usize> = (0..n).collect();
        order.sort_by(better);
        if !upwards {
            order.reverse();
        }
        order.into_iter().for_each(|i| {
            fill(i);
        });
        weights
    }
}
