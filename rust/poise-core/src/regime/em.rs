//! One run of Baum-Welch on standardized observations.
//!
//! Baum et al. (1970). The covariances maximise the expected likelihood subject to a floor: variances, or for
//! full covariances eigenvalues, of at least [`FLOOR`]. Clipping them is the exact constrained maximum, and so is
//! a count added to each diagonal transition under its Dirichlet prior, so no iteration lowers the objective.

use ndarray::{Array1, ArrayView2};
use poise_simd::{Kernel, Simd, dispatch};

use super::bayes::Chain;
use super::columns::{Columns, dot, sum};
use super::densities::Densities;
use super::gaussians::{Gaussians, cholesky};
use super::model::out_of_reach;
use super::recursions::Forward;
use crate::Result;
use crate::linear::SymmetricEigen;

/// Least variance of a state, as a share of that of all observations (which is 1).
const FLOOR: f64 = 1e-4;

/// Fewer expected observations than this say nothing about a state: it stays as it is.
const FEWEST: f64 = 1e-8;

/// What a run does not change.
pub(super) struct Task<'a> {
    pub(super) data: &'a Columns,
    pub(super) full: bool,
    /// Count added to every stay.
    pub(super) sticky: f64,
    /// Gain per observation below which a run has converged.
    pub(super) tolerance: f64,
}

/// Parameters and how far they came.
#[derive(Debug, Clone)]
pub(super) struct Run {
    pub(super) chain: Chain,
    pub(super) means: Vec<f64>,
    pub(super) covariances: Vec<f64>,
    /// Log-likelihood of the standardized observations plus the logarithm of the prior.
    pub(super) objective: f64,
    pub(super) n_iterations: usize,
    pub(super) converged: bool,
}

/// Memory that one run works in.
#[derive(Default)]
struct Work {
    densities: Densities,
    forward: Forward,
    /// `(n_states, pitch)`.
    smoothed: Vec<f64>,
    /// `(n_states, n_states)`.
    moves: Vec<f64>,
    weighted: Vec<f64>,
}

impl Run {
    /// A run that starts from a cluster for every row, softened so that no state is empty.
    pub(super) fn from_clusters(task: &Task<'_>, labels: &[usize], n_states: usize) -> Result<Self> {
        const SURE: f64 = 0.9;
        const STAY: f64 = 0.9;
        let (n_rows, pitch, n_features) = (task.data.n_rows(), task.data.pitch(), task.data.n_columns());
        let mut smoothed = vec![0.0; n_states * pitch];
        for state in smoothed.chunks_exact_mut(pitch) {
            state[..n_rows].fill((1.0 - SURE) / n_states as f64);
        }
        labels.iter().enumerate().for_each(|(t, state)| smoothed[state * pitch + t] += SURE);
        let leave = if n_states > 1 { (1.0 - STAY) / (n_states - 1) as f64 } else { 0.0 };
        let stay = if n_states > 1 { STAY } else { 1.0 };
        let transition =
            (0..n_states * n_states).map(|i| if i % (n_states + 1) == 0 { stay } else { leave }).collect();
        let mut run = Self {
            chain: Chain { start: vec![1.0 / n_states as f64; n_states], transition },
            means: vec![0.0; n_states * n_features],
            covariances: vec![0.0; n_states * n_features * n_features],
            objective: f64::NEG_INFINITY,
            n_iterations: 0,
            converged: false,
        };
        run.move_states(task, &smoothed, &mut vec![0.0; pitch])?;
        Ok(run)
    }

    /// Iterates until the gain is small or `n_iterations` were made in all.
    pub(super) fn advance(&mut self, task: &Task<'_>, n_iterations: usize) -> Result<()> {
        if self.converged {
            return Ok(());
        }
        let mut work = Work::default();
        self.objective = self.expect(task, &mut work)?;
        while self.n_iterations < n_iterations && !self.converged {
            self.maximize(task, &mut work)?;
            self.n_iterations += 1;
            let before = self.objective;
            self.objective = self.expect(task, &mut work)?;
            self.converged = self.objective - before < task.tolerance * task.data.n_rows() as f64;
        }
        Ok(())
    }

    /// Smoothed states and moves under the parameters; returns the objective.
    fn expect(&self, task: &Task<'_>, work: &mut Work) -> Result<f64> {
        let n_states = self.chain.n_states();
        work.smoothed.resize(n_states * task.data.pitch(), 0.0);
        work.moves.resize(n_states * n_states, 0.0);
        Gaussians::new(task.data.n_columns(), &self.means, &self.covariances)?
            .densities(task.data, &mut work.densities);
        let reached = work.forward.run(&self.chain, &work.densities);
        reached.map_err(|t| out_of_reach(Array1::from_iter(task.data.row(t)).view()))?;
        work.forward.smooth(&self.chain, &mut work.smoothed, &mut work.moves);
        Ok(work.forward.log_likelihood + self.log_prior(task.sticky))
    }

    fn log_prior(&self, sticky: f64) -> f64 {
        if sticky == 0.0 {
            return 0.0;
        }
        let n_states = self.chain.n_states();
        (0..n_states).map(|k| sticky * self.chain.transition[k * (n_states + 1)].ln()).sum()
    }

    fn maximize(&mut self, task: &Task<'_>, work: &mut Work) -> Result<()> {
        let n_states = self.chain.n_states();
        for (start, smoothed) in
            self.chain.start.iter_mut().zip(work.smoothed.chunks_exact(task.data.pitch()))
        {
            *start = smoothed[0];
        }
        normalize(&mut self.chain.start);
        for (state, row) in self.chain.transition.chunks_exact_mut(n_states).enumerate() {
            let moves = &mut work.moves[state * n_states..(state + 1) * n_states];
            moves[state] += task.sticky;
            if moves.iter().sum::<f64>() > FEWEST {
                row.copy_from_slice(moves);
                normalize(row);
            }
        }
        work.weighted.resize(task.data.pitch(), 0.0);
        self.move_states(task, &work.smoothed, &mut work.weighted)
    }

    /// Puts means and covariances at those of the rows, each with its probability of being in the state.
    fn move_states(&mut self, task: &Task<'_>, smoothed: &[f64], weighted: &mut [f64]) -> Result<()> {
        let n = task.data.n_columns();
        let states = self.means.chunks_exact_mut(n).zip(self.covariances.chunks_exact_mut(n * n));
        for ((mean, covariance), weights) in states.zip(smoothed.chunks_exact(task.data.pitch())) {
            let moments = Moments { data: task.data, full: task.full, weights, weighted, mean, covariance };
            if dispatch(moments) {
                keep_above_floor(covariance, n, task.full)?;
            }
        }
        Ok(())
    }
}

/// Mean and covariance of the rows, each with a weight.
struct Moments<'a> {
    data: &'a Columns,
    full: bool,
    weights: &'a [f64],
    weighted: &'a mut [f64],
    mean: &'a mut [f64],
    covariance: &'a mut [f64],
}

impl Kernel for Moments<'_> {
    /// Whether the weights were enough to say anything.
    type Output = bool;

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> bool {
        let Self { data, full, weights, weighted, mean, covariance } = self;
        let total = sum(simd, weights);
        if total < FEWEST {
            return false;
        }
        let n = mean.len();
        for i in 0..n {
            mean[i] = dot(simd, weights, data.padded_column(i)) / total;
            deviations(simd, weights, data.padded_column(i), mean[i], weighted);
            // The weighted deviations of one feature sum to zero, so the other needs no centring.
            for j in if full { 0 } else { i }..=i {
                let second_moment = dot(simd, weighted, data.padded_column(j)) / total;
                covariance[i * n + j] = second_moment;
                covariance[j * n + i] = second_moment;
            }
        }
        true
    }
}

/// `weight (x - mean)` of every row.
#[inline(always)]
fn deviations<S: Simd>(simd: S, weights: &[f64], column: &[f64], mean: f64, out: &mut [f64]) {
    let mean = simd.splat(mean);
    let rows = simd.blocks(weights).0.iter().zip(simd.blocks(column).0);
    for ((w, x), out) in rows.zip(simd.blocks_mut(out).0) {
        simd.store(out, simd.mul(simd.load(w), simd.sub(simd.load(x), mean)));
    }
}

/// Lifts variances, or eigenvalues, to the floor.
fn keep_above_floor(covariance: &mut [f64], n: usize, full: bool) -> Result<()> {
    if !full {
        (0..n).for_each(|i| covariance[i * (n + 1)] = covariance[i * (n + 1)].max(FLOOR));
        return Ok(());
    }
    // `covariance - FLOOR * identity` has a Cholesky factor exactly when every eigenvalue is above the floor.
    if cholesky(covariance, n, FLOOR).is_ok() {
        return Ok(());
    }
    let Ok(view) = ArrayView2::from_shape((n, n), &*covariance) else { return Ok(()) };
    let eigen = SymmetricEigen::of(view)?;
    let lifted: Vec<f64> = eigen.values.iter().map(|value| value.max(FLOOR)).collect();
    let repaired = eigen.with_values(&lifted);
    covariance.iter_mut().zip(&repaired).for_each(|(to, from)| *to = *from);
    Ok(())
}

fn normalize(probabilities: &mut [f64]) {
    let total: f64 = probabilities.iter().sum();
    probabilities.iter_mut().for_each(|p| *p /= total);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::regime::rng::Stream;
    use ndarray::Array2;

    fn observations(n_rows: usize, n_features: usize) -> Columns {
        let mut stream = Stream::new(4, 0);
        let values = Array2::from_shape_fn((n_rows, n_features), |(t, _)| {
            let sum: f64 = (0..6).map(|_| stream.uniform() - 0.5).sum();
            if t / 40 % 2 == 0 { sum } else { 3.0 * sum + 0.2 }
        });
        let mut data = Columns::read(values.view()).unwrap();
        data.standardize().unwrap();
        data
    }

    #[test]
    fn no_iteration_lowers_the_objective() {
        let data = observations(400, 3);
        for (full, sticky) in [(true, 0.0), (false, 0.0), (true, 50.0)] {
            let task = Task { data: &data, full, sticky, tolerance: 0.0 };
            let labels: Vec<usize> = (0..400).map(|t| t * 7 % 3).collect();
            let mut run = Run::from_clusters(&task, &labels, 3).unwrap();
            run.advance(&task, 0).unwrap();
            for iteration in 1..60 {
                let before = run.objective;
                run.converged = false;
                run.advance(&task, iteration).unwrap();
                assert!(
                    run.objective >= before - 1e-9 * before.abs(),
                    "{iteration}: {before} {}",
                    run.objective
                );
            }
        }
    }

    #[test]
    fn twin_features_are_lifted_to_the_floor() {
        let one = observations(200, 1);
        let values = Array2::from_shape_fn((200, 2), |(t, _)| one.padded_column(0)[t]);
        let data = Columns::read(values.view()).unwrap();
        let task = Task { data: &data, full: true, sticky: 0.0, tolerance: 1e-9 };
        let mut run = Run::from_clusters(&task, &vec![0; 200], 1).unwrap();
        run.advance(&task, 100).unwrap();
        let (variance, covariance) = (run.covariances[0], run.covariances[1]);
        assert!((variance - covariance - FLOOR).abs() < 1e-12, "{:?}", run.covariances);
        assert!((variance + covariance - 2.0).abs() < 1e-12);
        assert!(run.converged);
    }
}
