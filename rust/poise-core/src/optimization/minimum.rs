//! The quadratic problem solved by a primal active set, on a matrix that may need a ridge.

use super::active_set::{NOISE, Walk};
use super::bounds::Bounds;
use super::coordinate_descent::positive_weights;
use super::dense::Symmetric;
use super::problem;
use super::program;
use super::quadratic::{Hessian, Minimum, Quadratic, TOLERANCE};
use crate::{Error, Result};

/// Up to this many assets the walk from one asset is as short as a guess.
const SHORT: usize = 16;

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
    /// Solves without a linear term, from `start` or else from a guess where one is at hand.
    ///
    /// # Errors
    ///
    /// Those of [`Quadratic::minimise`].
    pub(super) fn minimise_from_guess(&self, start: Option<&[f64]>) -> Result<Minimum> {
        let guess = if start.is_none() { self.guess() } else { None };
        let start = start.or(guess.as_deref());
        match self.minimise(start, &[]) {
            // Assets that rounding cannot tell apart may be guessed together and then be in each other's way.
            Err(_) if start.is_some() => self.minimise(None, &[]),
            outcome => outcome,
        }
    }

    /// The weights that coordinate descent leads to, where only positive ones are asked for.
    fn guess(&self) -> Option<Vec<f64>> {
        let Bounds { lower, upper } = self.bounds;
        if lower.len() <= SHORT || lower.iter().any(|low| *low != 0.0) {
            return None;
        }
        let mut weights = positive_weights(&self.hessian.matrix)?;
        weights.iter_mut().for_each(|weight| *weight *= self.total);
        weights.iter().zip(upper).all(|(weight, high)| weight <= high).then_some(weights)
    }

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

#[cfg(test)]
#[allow(clippy::unwrap_used)] // a test may stop at the first surprise
mod tests {
    use ndarray::Array2;

    use super::*;
    use crate::optimization::dense::dot;

    /// Covariances of `n` assets, the last `n_twins` of them near copies of the first.
    fn covariance(n: usize, n_twins: usize, apart: f64) -> Symmetric {
        let draw = |t: usize, i: usize| (1e4 * ((t * 131 + i + 1) as f64).sin()).fract();
        let own = n - n_twins;
        let entry = |t: usize, i: usize| draw(t, i % own) + if i < own { 0.0 } else { apart * draw(t, i) };
        let returns = Array2::from_shape_fn((4 * n, n), |(t, i)| 0.3 * draw(t, n + 7) + entry(t, i));
        Symmetric::of_rows(returns.t().dot(&returns).iter().copied().collect(), n)
    }

    #[test]
    fn a_guess_changes_the_way_and_not_the_answer() {
        for (n, n_twins, apart) in [(17, 0, 0.0), (40, 0, 0.0), (40, 6, 1e-3), (40, 6, 1e-9), (60, 20, 0.0)] {
            let assets: Vec<usize> = (0..n).collect();
            for upper in [1.0, 0.2, 2.0 / n as f64] {
                let bounds = Bounds::uniform(n, 0.0, upper).unwrap();
                let solved = |with_guess: bool| {
                    let solve = |hessian: &Hessian| {
                        let linear = vec![0.0; n];
                        let problem = Quadratic { hessian, linear: &linear, bounds: &bounds, total: 1.0 };
                        if with_guess {
                            problem.minimise_from_guess(None)
                        } else {
                            problem.minimise(None, &[])
                        }
                    };
                    solve_with(covariance(n, n_twins, apart), &assets, solve).unwrap().0
                };
                let variance =
                    |weights: &[f64]| dot(weights, &covariance(n, n_twins, apart).multiply(weights));
                let (guessed, walked) = (solved(true), solved(false));
                let (found, wanted) = (variance(&guessed.weights), variance(&walked.weights));
                assert!((found - wanted).abs() <= 1e-9 * wanted, "{n} {n_twins} {upper}: {found} {wanted}");
                assert!(guessed.certificate <= TOLERANCE);
            }
        }
    }

    #[test]
    fn a_guess_beyond_the_bounds_is_none() {
        let hessian = Hessian::regular(covariance(20, 0, 0.0));
        let linear = [0.0; 20];
        let guess = |upper: f64| {
            let bounds = Bounds::uniform(20, 0.0, upper).unwrap();
            Quadratic { hessian: &hessian, linear: &linear, bounds: &bounds, total: 1.0 }.guess()
        };
        assert!(guess(1.0).is_some());
        assert!(guess(0.05).is_none());
    }
}
