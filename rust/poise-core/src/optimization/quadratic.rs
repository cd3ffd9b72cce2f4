//! `min 1/2 w'Hw - q'w` over `sum w = total`, `lower <= w <= upper`, solved by a primal active set.

use super::active_set::{NOISE, Walk};
use super::bounds::Bounds;
use super::dense::{Symmetric, dot};
use super::problem;
use crate::{Error, Result};

/// How often an answer is taken up again where its certificate is above rounding.
const REFINEMENTS: usize = 3;

/// The certificate that an answer must reach.
pub(super) const TOLERANCE: f64 = 1e-8;

/// `H` of the objective.
#[derive(Debug)]
pub(super) struct Hessian {
    pub(super) matrix: Symmetric,
    pub(super) volatility: Vec<f64>,
    /// Groups of assets with the same row: nothing but the ridge tells them apart.
    twins: Vec<Vec<usize>>,
}

impl Hessian {
    fn regular(matrix: Symmetric) -> Self {
        let volatility = matrix.diagonal().map(f64::sqrt).collect();
        Self { matrix, volatility, twins: Vec::new() }
    }

    fn singular(matrix: &Symmetric, ridge: f64) -> Self {
        Self { twins: matrix.twins(), ..Self::regular(matrix.with_ridge(ridge)) }
    }

    /// `w'Hw`.
    pub(super) fn variance(&self, weights: &[f64]) -> f64 {
        dot(weights, &self.matrix.multiply(weights))
    }
}

/// Solves with the covariance of `assets`, and says which part of each variance it takes as a ridge.
///
/// A slightly indefinite matrix is first taken as it is: often its negative direction needs weights that
/// the bounds do not allow, and the optimality conditions of the given matrix hold.
///
/// # Errors
///
/// [`Error::NotPositiveSemidefinite`], and those of `solve`.
pub(super) fn solve_with<F>(covariance: Symmetric, assets: &[usize], solve: F) -> Result<(Minimum, f64)>
where
    F: Fn(&Hessian) -> Result<Minimum>,
{
    let ridge = problem::needed_ridge(&covariance, assets)?;
    if ridge == 0.0 {
        return Ok((solve(&Hessian::regular(covariance))?, ridge));
    }
    let singular = Hessian::singular(&covariance, ridge);
    if ridge > problem::RIDGE
        && let Ok(minimum) = solve(&Hessian::regular(covariance))
    {
        return Ok((minimum, ridge));
    }
    Ok((solve(&singular)?, ridge))
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
}

impl Quadratic<'_> {
    /// Solves from `start` (feasible) or from the assets that look best alone.
    ///
    /// # Errors
    ///
    /// [`Error::NotConverged`] where rounding keeps the certificate above [`TOLERANCE`].
    pub(super) fn minimise(&self, start: Option<&[f64]>, extra: &[f64]) -> Result<Minimum> {
        let weights = start.map_or_else(|| self.greedy_start(), <[f64]>::to_vec);
        let mut walk = Walk::new(*self, weights);
        let mut iterations = walk.descend();
        walk.polish();
        // A fresh factor and gradient may show what the updated ones hid.
        for _ in 0..REFINEMENTS {
            if walk.certificate() <= NOISE {
                break;
            }
            iterations += walk.descend();
            walk.polish();
        }
        for twins in &self.hessian.twins {
            walk.share_among(twins);
        }
        let certificate = walk.certificate();
        if certificate <= TOLERANCE {
            let response = walk.response(extra);
            return Ok(Minimum { weights: walk.into_weights(), iterations, certificate, response });
        }
        Err(Error::NotConverged { iterations, residual: certificate, tolerance: TOLERANCE })
    }

    /// Zero where the bounds allow it, then up (or down) asset by asset in the order of merit.
    fn greedy_start(&self) -> Vec<f64> {
        let n = self.linear.len();
        let alone: Vec<f64> =
            self.hessian.volatility.iter().zip(self.linear).map(|(v, q)| v * v - q).collect();
        let mut order: Vec<usize> = (0..n).collect();
        order.sort_by(|&i, &j| alone[i].total_cmp(&alone[j]));
        let mut weights: Vec<f64> = (0..n).map(|i| self.bounds.clip(i, 0.0)).collect();
        let mut missing = self.total - weights.iter().sum::<f64>();
        if missing < 0.0 {
            order.reverse();
        }
        for i in order {
            let moved = self.bounds.clip(i, weights[i] + missing);
            missing -= moved - weights[i];
            weights[i] = moved;
        }
        weights
    }
}
