//! Fitting a Gaussian hidden Markov model: standardize, start in several places, keep the best.

use ndarray::ArrayView2;

use super::bayes::Chain;
use super::columns::{Columns, Scaling};
use super::em::{Run, Task};
use super::kmeans;
use super::model::GaussianHmm;

use super::restarts::{best, in_parallel};
use super::rng::Stream;
use crate::{Error, Result};

/// Iterations after which the less promising half of the restarts is given up.
const SCREENING: usize = 20;

/// How to fit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HmmSettings {
    /// Number of states, at least 1.
    pub n_states: usize,
    /// Full covariances; otherwise features are independent within a state.
    pub full: bool,
    /// Starting points, at least 1.
    pub n_restarts: usize,
    /// Count added to every stay in the transition matrix, at least 0.
    pub sticky: f64,
    /// Most iterations of a run, at least 1.
    pub max_iterations: usize,
    /// Gain in log-likelihood per observation below which a run has converged, at least 0.
    pub tolerance: f64,
    /// Fixes the starting points.
    pub seed: u64,
}

/// A fitted model and how the fit went.
#[derive(Debug, Clone)]
pub struct HmmFit {
    /// The best model; its online filter stands after the last row.
    pub model: GaussianHmm,
    /// Log-likelihood of the observations.
    pub log_likelihood: f64,
    /// Iterations of the best run.
    pub n_iterations: usize,
    /// Whether its gain fell below the tolerance.
    pub converged: bool,
}

impl HmmSettings {
    fn check(&self, n_rows: usize) -> Result<()> {
        let Self { n_states, n_restarts, max_iterations, sticky, tolerance, .. } = *self;
        for (what, count) in
            [("n_states", n_states), ("n_restarts", n_restarts), ("max_iterations", max_iterations)]
        {
            at_least_one(what, count)?;
        }
        for (what, value) in [("sticky", sticky), ("tolerance", tolerance)] {
            not_negative(what, value)?;
        }
        let needed = n_states.saturating_mul(2);
        if n_rows < needed {
            return Err(Error::TooFew { what: "a hidden Markov model", needed, found: n_rows });
        }
        Ok(())
    }
}

pub(super) fn at_least_one(what: &'static str, count: usize) -> Result<()> {
    if count == 0 {
        return Err(Error::OutOfRange { what, value: 0.0, range: "a whole number of at least 1" });
    }
    Ok(())
}

pub(super) fn not_negative(what: &'static str, value: f64) -> Result<()> {
    if value >= 0.0 && value.is_finite() {
        return Ok(());
    }
    Err(Error::OutOfRange { what, value, range: "a finite number of at least 0" })
}

/// Fits by Baum-Welch from several starting points and keeps the model with the highest likelihood (with
/// `sticky`, the highest posterior), the first among equals. States come in ascending order of their mean in the
/// first feature, so that they keep their numbers from fit to fit.
pub fn fit_gaussian_hmm(observations: ArrayView2<'_, f64>, settings: &HmmSettings) -> Result<HmmFit> {
    let mut data = Columns::read(observations)?;
    settings.check(data.n_rows())?;
    let scaling = data.standardize()?;
    let HmmSettings { full, sticky, tolerance, .. } = *settings;
    let run = best_run(&Task { data: &data, full, sticky, tolerance }, settings)?;
    let mut model = rescaled(&run, &scaling)?;
    let log_likelihood = model.stand_after(observations)?;
    Ok(HmmFit { model, log_likelihood, n_iterations: run.n_iterations, converged: run.converged })
}

fn best_run(task: &Task<'_>, settings: &HmmSettings) -> Result<Run> {
    let HmmSettings { n_states, n_restarts, max_iterations, seed, .. } = *settings;
    let by_size = local_size(task.data);
    let screened = in_parallel(n_restarts, |restart| {
        let mut stream = Stream::new(seed, restart);
        // Regimes differ in where returns lie or in how far they swing: start from both.
        let seen = if restart % 2 == 0 { task.data } else { &by_size };
        let labels = kmeans::clusters(seen, n_states, &mut stream);
        let mut run = Run::from_clusters(task, &labels, n_states)?;
        run.advance(task, SCREENING.min(max_iterations))?;
        Ok(run)
    });
    let mut runs = screened.into_iter().collect::<Result<Vec<Run>>>()?;
    // A stable sort keeps equals in the order of their restarts.
    runs.sort_by(|a, b| b.objective.total_cmp(&a.objective));
    runs.truncate(n_restarts.div_ceil(2));
    let finished = in_parallel(runs.len(), |index| {
        let mut run = runs[index].clone();
        run.advance(task, max_iterations)?;
        Ok(run)
    });
    let mut finished = finished.into_iter().collect::<Result<Vec<Run>>>()?;
    let objectives: Vec<f64> = finished.iter().map(|run| run.objective).collect();
    Ok(finished.swap_remove(best(&objectives)))
}

/// Logarithm of the average square of a row, smoothed over the rows before.
fn local_size(data: &Columns) -> Columns {
    const MEMORY: f64 = 0.9;
    const LEAST: f64 = 1e-3;
    let mut level = 1.0;
    let sizes = (0..data.n_rows()).map(|t| {
        let square = data.row(t).map(|x| x * x).sum::<f64>() / data.n_columns() as f64;
        level = MEMORY * level + (1.0 - MEMORY) * square;
        (level + LEAST).ln()
    });
    Columns::single(sizes.collect())
}

/// The run's parameters in the units of the observations, states in order.
fn rescaled(run: &Run, scaling: &Scaling) -> Result<GaussianHmm> {
    let (n, n_states) = (scaling.scale.len(), run.chain.n_states());
    let mut order: Vec<usize> = (0..n_states).collect();
    order.sort_by(|&a, &b| {
        let mean = run.means[a * n].total_cmp(&run.means[b * n]);
        mean.then(run.covariances[a * n * n].total_cmp(&run.covariances[b * n * n]))
    });
    let start = order.iter().map(|&k| run.chain.start[k]).collect();
    let moves = order.iter().flat_map(|&k| order.iter().map(move |&l| k * n_states + l));
    let transition = moves.map(|index| run.chain.transition[index]).collect();
    let mut means = Vec::with_capacity(n_states * n);
    let mut covariances = Vec::with_capacity(n_states * n * n);
    for &k in &order {
        for i in 0..n {
            means.push(run.means[k * n + i] * scaling.scale[i] + scaling.location[i]);
            for j in 0..n {
                // The same product on both sides of the diagonal: exactly symmetric.
                covariances
                    .push(run.covariances[(k * n + i) * n + j] * (scaling.scale[i] * scaling.scale[j]));
            }
        }
    }
    GaussianHmm::from_parts(Chain { start, transition }, n, &means, covariances)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array2, Axis, Slice};

    const SETTINGS: HmmSettings = HmmSettings {
        n_states: 2,
        full: true,
        n_restarts: 6,
        sticky: 0.0,
        max_iterations: 200,
        tolerance: 1e-6,
        seed: 7,
    };

    /// Calm and wild stretches of 50 rows, equal means.
    fn market(n_rows: usize) -> Array2<f64> {
        let mut stream = Stream::new(1, 0);
        Array2::from_shape_fn((n_rows, 2), |(t, i)| {
            let sum: f64 = (0..12).map(|_| stream.uniform() - 0.5).sum();
            0.01 * sum * if t / 50 % 2 == 0 { 1.0 } else { 4.0 } + 0.001 * i as f64
        })
    }

    #[test]
    fn finds_calm_and_wild_stretches() {
        for full in [true, false] {
            let fit = fit_gaussian_hmm(market(1000).view(), &HmmSettings { full, ..SETTINGS }).unwrap();
            assert!(fit.converged);
            let mut volatility: Vec<f64> =
                fit.model.covariances().outer_iter().map(|c| c[(0, 0)].sqrt()).collect();
            volatility.sort_by(f64::total_cmp);
            assert!((volatility[0] / 0.01 - 1.0).abs() < 0.1, "{volatility:?}");
            assert!((volatility[1] / 0.04 - 1.0).abs() < 0.1, "{volatility:?}");
            assert!(fit.model.transition_matrix().diag().iter().all(|stay| *stay > 0.95));
            assert_eq!(full, fit.model.covariances()[(0, 0, 1)] != 0.0);
        }
    }

    #[test]
    fn one_state_is_the_sample() {
        let market = market(300);
        let fit = fit_gaussian_hmm(market.view(), &HmmSettings { n_states: 1, ..SETTINGS }).unwrap();
        let mean = market.column(0).mean().unwrap();
        assert!((fit.model.means()[(0, 0)] - mean).abs() < 1e-15);
        let variance = market.column(0).mapv(|x| (x - mean).powi(2)).mean().unwrap();
        assert!((fit.model.covariances()[(0, 0, 0)] / variance - 1.0).abs() < 1e-12);
        assert_eq!(fit.model.transition_matrix()[(0, 0)], 1.0);
    }

    #[test]
    fn units_do_not_matter() {
        let market = market(400);
        let fit = fit_gaussian_hmm(market.view(), &SETTINGS).unwrap();
        let scaled = fit_gaussian_hmm((&market * 1024.0).view(), &SETTINGS).unwrap();
        assert!((&fit.model.means() * 1024.0 - scaled.model.means()).iter().all(|x| x.abs() < 1e-6));
        let volume = 400.0 * 2.0 * 1024_f64.ln();
        assert!((fit.log_likelihood - volume - scaled.log_likelihood).abs() < 1e-6);
    }

    #[test]
    fn online_continues_the_fit_and_its_bytes() {
        let market = market(300);
        let mut model =
            fit_gaussian_hmm(market.slice_axis(Axis(0), Slice::from(..200)), &SETTINGS).unwrap().model;
        let filtered = model.filter(market.view()).unwrap();
        let mut copy = GaussianHmm::from_bytes(&model.to_bytes()).unwrap();
        assert_eq!(copy.n_rows(), 200);
        for t in 200..300 {
            let probabilities = model.step(market.row(t)).unwrap();
            assert_eq!(probabilities, filtered.row(t).as_slice().unwrap());
            assert_eq!(probabilities, copy.step(market.row(t)).unwrap());
        }
        let before = model.to_bytes();
        assert!(model.step(ndarray::arr1(&[f64::NAN, 0.0]).view()).is_err());
        assert!(model.step(ndarray::arr1(&[1e300, 0.0]).view()).is_err());
        assert_eq!(model.to_bytes(), before);
        assert!(GaussianHmm::from_bytes(&before[..before.len() - 1]).is_err());
    }

    #[test]
    fn mistakes_are_named() {
        let market = market(10);
        let refused = |view: ArrayView2<'_, f64>, settings: HmmSettings| {
            fit_gaussian_hmm(view, &settings).map(|_| ()).unwrap_err().to_string()
        };
        assert!(
            refused(market.slice_axis(Axis(0), Slice::from(..3)), SETTINGS)
                .contains("at least 4 observations, got 3")
        );
        assert!(refused(market.view(), HmmSettings { n_states: 0, ..SETTINGS }).contains("n_states"));
        assert!(refused(market.view(), HmmSettings { sticky: -1.0, ..SETTINGS }).contains("sticky"));
        let flat = Array2::from_shape_fn((10, 2), |(t, i)| if i == 1 { 0.1 } else { t as f64 });
        assert!(refused(flat.view(), SETTINGS).contains("column 1 of X does not vary"));
        let mut gap = market.clone();
        gap[(4, 1)] = f64::NAN;
        assert!(refused(gap.view(), SETTINGS).contains("row 4, column 1"));
    }

    #[test]
    fn repeated_rows_are_no_obstacle() {
        let coins = Array2::from_shape_fn((60, 2), |(t, _)| if t / 7 % 2 == 0 { 1.0 } else { -1.0 });
        let fit = fit_gaussian_hmm(coins.view(), &HmmSettings { n_states: 4, ..SETTINGS }).unwrap();
        assert!(fit.log_likelihood.is_finite());
        assert!(fit.model.filter(coins.view()).unwrap().iter().all(|p| p.is_finite()));
    }
}
