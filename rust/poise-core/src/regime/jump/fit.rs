//! Fitting a jump model: the states by dynamic programming and each centroid as the mean of its rows, by turns, from
//! several starting points.

use ndarray::ArrayView2;

use super::JumpModel;
use super::path::cheapest_path;
use crate::regime::columns::Columns;
use crate::regime::hmm::{at_least_one, not_negative};
use crate::regime::kmeans::{move_centroids, plus_plus};
use crate::regime::restarts::{best, in_parallel};
use crate::regime::rng::Stream;
use crate::{Error, Result};

/// The alternation ends by itself after finitely many turns, in practice a dozen.
const MAX_TURNS: usize = 1000;

/// How to fit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct JumpSettings {
    /// Number of states, at least 1.
    pub n_states: usize,
    /// Price of a change of state, in units of half a squared distance; at least 0.
    pub jump_penalty: f64,
    /// Starting points, at least 1.
    pub n_restarts: usize,
    /// Fixes the starting points.
    pub seed: u64,
}

/// A fitted model and how the fit went.
#[derive(Debug, Clone)]
pub struct JumpFit {
    /// The best model; its online path stands after the last row.
    pub model: JumpModel,
    /// What was minimised.
    pub objective: f64,
    /// Turns of the best run.
    pub n_iterations: usize,
    /// Whether its states stopped changing.
    pub converged: bool,
}

struct Run {
    centroids: Vec<f64>,
    objective: f64,
    n_iterations: usize,
    converged: bool,
}

/// Fits from several starting points and keeps the one with the lowest objective, the first among equals. States
/// come in ascending order of their centroid in the first feature.
pub fn fit_jump_model(observations: ArrayView2<'_, f64>, settings: &JumpSettings) -> Result<JumpFit> {
    let data = Columns::read(observations)?;
    let JumpSettings { n_states, jump_penalty, n_restarts, seed } = *settings;
    at_least_one("n_states", n_states)?;
    at_least_one("n_restarts", n_restarts)?;
    not_negative("jump_penalty", jump_penalty)?;
    let needed = n_states.saturating_mul(2);
    if data.n_rows() < needed {
        return Err(Error::TooFew { what: "a jump model", needed, found: data.n_rows() });
    }
    let runs = in_parallel(n_restarts, |restart| {
        let centroids = plus_plus(&data, n_states, &mut Stream::new(seed, restart));
        alternate(&data, centroids, jump_penalty)
    });
    let mut runs = runs.into_iter().collect::<Result<Vec<Run>>>()?;
    let gains: Vec<f64> = runs.iter().map(|run| -run.objective).collect();
    let run = runs.swap_remove(best(&gains));
    let mut model =
        JumpModel::from_parts(ordered(&run.centroids, data.n_columns()), data.n_columns(), jump_penalty);
    model.stand_after(observations)?;
    Ok(JumpFit { model, objective: run.objective, n_iterations: run.n_iterations, converged: run.converged })
}

/// Centroids and states by turns until the states stay.
fn alternate(data: &Columns, mut centroids: Vec<f64>, penalty: f64) -> Result<Run> {
    let (mut labels, mut objective) = cheapest_path(data, &centroids, penalty)?;
    let (mut n_iterations, mut converged) = (0, false);
    while n_iterations < MAX_TURNS && !converged {
        n_iterations += 1;
        move_centroids(data, &labels, &mut centroids);
        let (next, cost) = cheapest_path(data, &centroids, penalty)?;
        // Equal cost with other states is a tie, no progress.
        converged = next == labels || cost >= objective;
        (labels, objective) = (next, cost.min(objective));
    }
    Ok(Run { centroids, objective, n_iterations, converged })
}

fn ordered(centroids: &[f64], n_features: usize) -> Vec<f64> {
    let mut rows: Vec<&[f64]> = centroids.chunks_exact(n_features).collect();
    rows.sort_by(|a, b| a[0].total_cmp(&b[0]));
    rows.concat()
}
