//! The quadratic problem solved by a primal active set, on a matrix that may need a ridge.

use super::active_set::{NOISE, Walk};
use super::dense::Symmetric;
use super::problem;
use super::program;
use super::quadratic::{Hessian, Minimum, Quadratic, TOLERANCE};
use crate::{Error, Result};

/// How often an answer is taken up again where its certificate is above rounding.
const REFINEMENTS: usize = 3;

/// Solves with the covariance of `assets`, and says which part of each variance it takes as a ridge.
///
/// A slightly indefinite matrix is first taken as it is: often its negative direction needs weights that
/// the bounds do not allow, and the optimality conditions of the given matrix hold. Of a large matrix only a search
/// looks for a negative direction where the answer needs no ridge to be the only one: a factor would cost many times
/// the answer.
///
/// # Errors
///
/// [`Error::NotPositiveSemidefinite`], and those of `solve`.
pub(super) fn solve_with<F>(covariance: Symmetric, assets: &[usize], solve: F) -> Result<(Minimum, f64)>
where
    F: Fn(&Hessian) -> Result<Minimum>,
{
    let mut covariance = covariance;
    if problem::seems_definite(&covariance) {
        let hessian = Hessian::regular(covariance);
        if let Ok(minimum) = solve(&hessian)
            && minimum.is_unique
        {
            return Ok((minimum, 0.0));
        }
        covariance = hessian.matrix;
    }
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
        walk.share_among(&self.hessian.twins);
        let certificate = walk.certificate();
        if certificate <= TOLERANCE {
            let response = walk.response(extra);
            let proof = walk.proof();
            let is_unique = walk.is_unique();
            let weights = walk.into_weights();
            return Ok(Minimum { weights, iterations, certificate, response, is_unique, proof });
        }
        // A factor that rounding broke on the way leaves the walk stuck; without a response nobody else is needed.
        match program::minimum(self) {
            Some(mut minimum) if extra.is_empty() => {
                self.bounds.settle(&mut minimum.weights, self.total);
                Ok(minimum)
            }
            _ => Err(Error::NotConverged { iterations, residual: certificate, tolerance: TOLERANCE }),
        }
    }
}
