//! Where the search for risk parity weights stands: the weights, what their contributions miss, the step to take.

use poise_simd::Simd;

use super::half_product::{dot, multiply, padded};

/// A whole step may take this much of a weight away.
const WHOLE_STEP: f64 = 0.7;

/// The problem and where its solution stands; vectors are padded with zeros.
pub(super) struct State<'a> {
    pub(super) covariance: &'a [f64],
    pub(super) n: usize,
    pub(super) budgets: &'a mut [f64],
    pub(super) variances: &'a mut [f64],
    pub(super) weights: &'a mut [f64],
    /// `Sw`.
    pub(super) gradient: &'a mut [f64],
    /// What the contributions miss of their budgets, less what the step so far makes up for.
    pub(super) residual: &'a mut [f64],
    pub(super) preconditioner: &'a mut [f64],
    /// The direction of the conjugate gradients; times the weights; the product of that with the covariance.
    pub(super) direction: &'a mut [f64],
    pub(super) moved: &'a mut [f64],
    pub(super) product: &'a mut [f64],
    /// The relative changes of the weights, and the change of the gradient that they make.
    pub(super) step: &'a mut [f64],
    pub(super) change: &'a mut [f64],
}

/// How many vectors a state has.
pub(super) const VECTORS: usize = 11;

impl<'a> State<'a> {
    #[inline(always)]
    pub(super) fn new(covariance: &'a [f64], budgets: &[f64], start: &[f64], room: &'a mut [f64]) -> Self {
        let n = budgets.len();
        let mut vectors = room.chunks_exact_mut(padded(n));
        let mut next = || vectors.next().unwrap_or_default();
        let state = Self {
            covariance,
            n,
            budgets: next(),
            variances: next(),
            weights: next(),
            gradient: next(),
            residual: next(),
            preconditioner: next(),
            direction: next(),
            moved: next(),
            product: next(),
            step: next(),
            change: next(),
        };
        state.budgets[..n].copy_from_slice(budgets);
        state.weights[..n].copy_from_slice(start);
        for (variance, entry) in state.variances.iter_mut().zip(covariance.iter().step_by(n + 1)) {
            *variance = *entry;
        }
        state
    }

    #[inline(always)]
    pub(super) fn compute_gradient<S: Simd>(&mut self, simd: S) {
        multiply(simd, self.covariance, self.n, self.weights, self.gradient);
    }

    /// Scales the weights to `w'Sw = 1`, as it is at the answer, and says by how much contributions miss their
    /// budgets: absolute and relative. None where rounding leaves no risk to share.
    #[inline(always)]
    pub(super) fn compute_residual<S: Simd>(&mut self, simd: S) -> Option<(f64, f64)> {
        let scale = dot(simd, self.weights, self.gradient).sqrt().recip();
        if !(scale.is_finite() && scale > 0.0) {
            return None;
        }
        let ((weights, _), (gradient, _)) = (simd.blocks_mut(self.weights), simd.blocks_mut(self.gradient));
        let ((residual, _), (preconditioner, _)) =
            (simd.blocks_mut(self.residual), simd.blocks_mut(self.preconditioner));
        let ((budgets, _), (variances, _)) = (simd.blocks(self.budgets), simd.blocks(self.variances));
        let (scale, zero, one) = (simd.splat(scale), simd.splat(0.0), simd.splat(1.0));
        // Zeros that fill up the last tile divide by something.
        let least = simd.splat(f64::MIN_POSITIVE);
        let (mut worst, mut worst_relative) = (zero, zero);
        let state = weights.iter_mut().zip(gradient).zip(residual.iter_mut().zip(preconditioner));
        for (((w, g), (r, m)), (b, v)) in state.zip(budgets.iter().zip(variances)) {
            let (weight, slope) = (simd.mul(simd.load(w), scale), simd.mul(simd.load(g), scale));
            let (budget, variance) = (simd.load(b), simd.load(v));
            let missing = simd.neg_mul_add(weight, slope, budget);
            let divisor = simd.max(budget, least);
            let curvature = simd.mul_add(simd.mul(weight, weight), variance, divisor);
            simd.store(w, weight);
            simd.store(g, slope);
            simd.store(r, missing);
            simd.store(m, simd.div(one, curvature));
            let error = simd.max(missing, simd.sub(zero, missing));
            worst = simd.max(worst, error);
            worst_relative = simd.max(worst_relative, simd.div(error, divisor));
        }
        Some((largest(simd, worst), largest(simd, worst_relative)))
    }

    /// Takes the step whole, or damped as Spinu does where it would take too much of a weight.
    #[inline(always)]
    pub(super) fn go<S: Simd>(&mut self, simd: S) {
        let zero = simd.splat(0.0);
        let (mut up, mut down) = (zero, zero);
        for changes in simd.blocks(self.step).0 {
            let changes = simd.load(changes);
            up = simd.max(up, changes);
            down = simd.max(down, simd.sub(zero, changes));
        }
        let (up, down) = (largest(simd, up), largest(simd, down));
        let length = if down < WHOLE_STEP { 1.0 } else { 1.0 / (1.0 + up.max(down)) };
        for (weight, change) in self.weights.iter_mut().zip(&*self.step) {
            *weight = simd.fma(length * change, *weight, *weight);
        }
        for (g, change) in self.gradient.iter_mut().zip(&*self.change) {
            *g = simd.fma(length, *change, *g);
        }
    }
}

#[inline(always)]
fn largest<S: Simd>(simd: S, vector: S::Vector) -> f64 {
    let mut lanes = simd.zeros();
    simd.store(&mut lanes, vector);
    lanes.as_ref().iter().fold(0.0, |largest, lane| if *lane > largest { *lane } else { largest })
}
