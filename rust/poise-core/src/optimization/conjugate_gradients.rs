//! The step of a truncated Newton method by preconditioned conjugate gradients.

use poise_simd::Simd;

use super::half_product::multiply;
use super::parity_state::State;

/// Products with the covariance to spend, where the number of assets does not allow for more.
pub(super) const PRODUCTS: usize = 100;

/// The first systems are solved to this part of their residual, later ones to the root of the error.
const LOOSE: f64 = 0.5;

impl State<'_> {
    /// Solves for the step as far as `error` is worth and `goal` asks for; returns the products spent, None where the curvature is not
    /// positive.
    #[inline(always)]
    pub(super) fn compute_step<S: Simd>(&mut self, simd: S, error: f64, goal: f64) -> Option<usize> {
        let limit = self.n.max(PRODUCTS);
        self.step.fill(0.0);
        self.change.fill(0.0);
        let mut left = 0.0;
        let part = error.sqrt().min(LOOSE).max(0.3 * goal / error);
        let mut enough = 0.0;
        for products in 0..limit {
            // r'Mr, and the next direction.
            let next = self.weighted_residual(simd);
            if products == 0 {
                enough = part * part * next;
                self.turn(simd, 0.0);
            } else if next <= enough {
                return Some(products);
            } else {
                self.turn(simd, next / left);
            }
            left = next;
            multiply(simd, self.covariance, self.n, self.moved, self.product);
            let curvature = self.curvature(simd);
            if curvature.is_nan() || curvature <= 0.0 {
                return None;
            }
            self.advance(simd, left / curvature);
        }
        Some(limit)
    }

    /// `r'Mr` with the preconditioner `M`.
    #[inline(always)]
    fn weighted_residual<S: Simd>(&self, simd: S) -> f64 {
        let (residual, _) = simd.blocks(self.residual);
        let (preconditioner, _) = simd.blocks(self.preconditioner);
        let mut sum = simd.splat(0.0);
        for (r, m) in residual.iter().zip(preconditioner) {
            let r = simd.load(r);
            sum = simd.mul_add(simd.mul(r, simd.load(m)), r, sum);
        }
        simd.sum(sum)
    }

    /// The steepest descent and `kept` of the direction before.
    #[inline(always)]
    fn turn<S: Simd>(&mut self, simd: S, kept: f64) {
        let ((residual, _), (preconditioner, _)) =
            (simd.blocks(self.residual), simd.blocks(self.preconditioner));
        let ((direction, _), (moved, _)) = (simd.blocks_mut(self.direction), simd.blocks_mut(self.moved));
        let (weights, _) = simd.blocks(self.weights);
        let kept = simd.splat(kept);
        for (((r, m), (d, moved)), w) in
            residual.iter().zip(preconditioner).zip(direction.iter_mut().zip(moved)).zip(weights)
        {
            let next = simd.mul_add(kept, simd.load(d), simd.mul(simd.load(r), simd.load(m)));
            simd.store(d, next);
            simd.store(moved, simd.mul(next, simd.load(w)));
        }
    }

    /// `d'(W S W + diag b) d`; the product becomes `S W d`.
    #[inline(always)]
    fn curvature<S: Simd>(&self, simd: S) -> f64 {
        let ((direction, _), (moved, _)) = (simd.blocks(self.direction), simd.blocks(self.moved));
        let ((product, _), (budgets, _)) = (simd.blocks(self.product), simd.blocks(self.budgets));
        let mut sum = simd.splat(0.0);
        for ((d, m), (p, b)) in direction.iter().zip(moved).zip(product.iter().zip(budgets)) {
            let d = simd.load(d);
            sum = simd.mul_add(simd.load(m), simd.load(p), sum);
            sum = simd.mul_add(simd.mul(simd.load(b), d), d, sum);
        }
        simd.sum(sum)
    }

    #[inline(always)]
    fn advance<S: Simd>(&mut self, simd: S, length: f64) {
        let ((direction, _), (product, _)) = (simd.blocks(self.direction), simd.blocks(self.product));
        let ((weights, _), (budgets, _)) = (simd.blocks(self.weights), simd.blocks(self.budgets));
        let ((step, _), (change, _)) = (simd.blocks_mut(self.step), simd.blocks_mut(self.change));
        let (residual, _) = simd.blocks_mut(self.residual);
        let length = simd.splat(length);
        let known = direction.iter().zip(product).zip(weights.iter().zip(budgets));
        for (((d, p), (w, b)), ((step, change), r)) in known.zip(step.iter_mut().zip(change).zip(residual)) {
            let (d, p) = (simd.load(d), simd.load(p));
            let own = simd.mul_add(simd.load(w), p, simd.mul(simd.load(b), d));
            simd.store(step, simd.mul_add(length, d, simd.load(step)));
            simd.store(change, simd.mul_add(length, p, simd.load(change)));
            simd.store(r, simd.neg_mul_add(length, own, simd.load(r)));
        }
    }
}
