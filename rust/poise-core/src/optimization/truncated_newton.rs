//! Risk budgeting without bounds by Newton's method whose systems are solved no further than they deserve.
//!
//! Spinu (2013), "An Algorithm for Computing Risk Parity Weights", minimises `1/2 w'Sw - sum b_i ln w_i`. In the
//! relative changes `d_i` of the weights its Newton system is `(W S W + diag b) d = b - w * Sw`: what is missing
//! of each budget on the right, and volatilities have dropped out. Dembo and Steihaug (1983), "Truncated-Newton
//! algorithms for large-scale unconstrained optimization": conjugate gradients solve it as far as the residual
//! on the right is worth. The diagonal as preconditioner leaves eigenvalues near 1, and one near 2 for the common
//! move of all weights, which a rescaling before each step has already taken out: about a dozen products with the
//! covariance in all, where a sweep over the coordinates waits for a square root per asset.
//!
//! It answers or gives up: what it finds is proven by the contributions themselves, and where curvature turns out
//! negative, or the way gets long, other means are due.

use poise_simd::{Kernel, Simd, dispatch};

use super::conjugate_gradients::PRODUCTS;
use super::half_product::padded;
use super::parity_state::{State, VECTORS};

/// Goals for the error of every contribution relative to its budget: from scratch, and from a neighbour's answer.
pub(super) const FROM_SCRATCH: f64 = 5e-11;
pub(super) const FROM_NEIGHBOUR: f64 = 5e-9;

/// What a fresh product with the answer must still show, in goals.
const PROOF: f64 = 2.0;

/// Newton steps; a regular problem takes five or six.
const STEPS: usize = 40;

/// Where it ended.
#[derive(Debug, Clone)]
pub(super) struct Parity {
    /// In the units of the covariance, `w'Sw = 1`.
    pub(super) weights: Vec<f64>,
    /// Products with the covariance.
    pub(super) products: usize,
    /// The largest error of a contribution, as a fraction of the risk.
    pub(super) error: f64,
}

/// Solves for positive weights with `w_i (Sw)_i = b_i`; None where it gives up.
///
/// `covariance` is symmetric, row by row, with positive variances; `budgets` are positive and sum to 1; `start` is
/// positive and of any scale; `goal` is [`FROM_SCRATCH`] or [`FROM_NEIGHBOUR`].
pub(super) fn solve(covariance: &[f64], budgets: &[f64], start: &[f64], goal: f64) -> Option<Parity> {
    dispatch(Newton { covariance, budgets, start, goal })
}

/// Where every volatility gets the root of its budget: the answer without correlations.
pub(super) fn uncorrelated(covariance: &[f64], budgets: &[f64]) -> Vec<f64> {
    let variances = covariance.iter().step_by(budgets.len() + 1);
    budgets.iter().zip(variances).map(|(b, v)| (b / v).sqrt()).collect()
}

struct Newton<'a> {
    covariance: &'a [f64],
    budgets: &'a [f64],
    start: &'a [f64],
    goal: f64,
}

impl Kernel for Newton<'_> {
    type Output = Option<Parity>;

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> Option<Parity> {
        let Self { covariance, budgets, start, goal } = self;
        let mut room = vec![0.0; VECTORS * padded(budgets.len())];
        let mut state = State::new(covariance, budgets, start, &mut room);
        let mut products = 1;
        let mut fresh = true;
        state.compute_gradient(simd);
        for _ in 0..STEPS {
            let (error, relative) = state.compute_residual(simd)?;
            if fresh && relative <= PROOF * goal {
                let weights = state.weights[..state.n].to_vec();
                return Some(Parity { weights, products, error });
            }
            if relative <= goal {
                state.compute_gradient(simd);
                products += 1;
                fresh = true;
                continue;
            }
            products += state.compute_step(simd, relative, goal)?;
            if products > PRODUCTS.max(state.n) {
                return None;
            }
            state.go(simd);
            fresh = false;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(covariance: &[f64], budgets: &[f64], start: &[f64], goal: f64) -> Parity {
        let n = budgets.len();
        let parity = solve(covariance, budgets, start, goal).unwrap();
        let contribution = |i: usize| -> f64 {
            (0..n).map(|j| parity.weights[i] * covariance[i * n + j] * parity.weights[j]).sum()
        };
        for (i, budget) in budgets.iter().enumerate() {
            assert!((contribution(i) / budget - 1.0).abs() <= 1.1 * PROOF * goal, "asset {i}: {parity:?}");
        }
        parity
    }

    fn one_factor(n: usize) -> Vec<f64> {
        let exposure = |i: usize| 0.2 + (i as f64 * 0.37).sin().abs();
        let own = |i: usize| 0.1 + (i as f64 * 0.71).cos().powi(2);
        (0..n * n)
            .map(|k| exposure(k / n) * exposure(k % n) + if k / n == k % n { own(k / n) } else { 0.0 })
            .collect()
    }

    #[test]
    fn contributions_meet_even_and_uneven_budgets() {
        for n in [1, 2, 3, 9, 40, 130] {
            let covariance = one_factor(n);
            let even = vec![1.0 / n as f64; n];
            checked(&covariance, &even, &uncorrelated(&covariance, &even), FROM_SCRATCH);
            let raw: Vec<f64> = (0..n).map(|i| 10.0_f64.powf(-4.0 * (i as f64 * 0.61).fract())).collect();
            let uneven: Vec<f64> = raw.iter().map(|b| b / raw.iter().sum::<f64>()).collect();
            checked(&covariance, &uneven, &uncorrelated(&covariance, &uneven), FROM_SCRATCH);
        }
    }

    #[test]
    fn a_near_start_is_quicker_and_any_start_has_the_same_answer() {
        let n = 60;
        let covariance = one_factor(n);
        let budgets = vec![1.0 / n as f64; n];
        let cold = checked(&covariance, &budgets, &uncorrelated(&covariance, &budgets), FROM_SCRATCH);
        let near: Vec<f64> =
            cold.weights.iter().enumerate().map(|(i, w)| 7.0 * w * (1.0 + 1e-3 * (i as f64).sin())).collect();
        let far: Vec<f64> = (0..n).map(|i| 10.0_f64.powi(i as i32 % 7 - 3)).collect();
        let (warm, distant) = (
            checked(&covariance, &budgets, &near, FROM_NEIGHBOUR),
            checked(&covariance, &budgets, &far, FROM_SCRATCH),
        );
        assert!(3 * warm.products <= 2 * cold.products, "{} against {}", warm.products, cold.products);
        for (w, d) in cold.weights.iter().zip(&distant.weights) {
            assert!((w / d - 1.0).abs() < 1e-9, "{w} against {d}");
        }
    }

    #[test]
    fn it_gives_up_where_there_is_nothing_to_share() {
        let hedge = [1.0, -1.0, -1.0, 1.0];
        assert!(solve(&hedge, &[0.5, 0.5], &[1.0, 1.0], FROM_SCRATCH).is_none());
        assert!(solve(&[1.0, -2.0, -2.0, 1.0], &[0.5, 0.5], &[1.0, 0.2], FROM_SCRATCH).is_none());
    }
}
