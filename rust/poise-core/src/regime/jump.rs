//! The statistical jump model: clusters in time, with a price for every change of cluster.
//!
//! Bemporad, Breschi, Piga and Boyd (2018), "Fitting jump models"; Nystrup, Lindstrom and Madsen (2020). Minimises
//! `sum_t |x_t - centroid(s_t)|^2 / 2 + penalty * (number of changes)` over centroids and states by turns: the
//! states by dynamic programming, each centroid as the mean of its rows. The online label is the state with the
//! least cost of a path that ends in it now.

use ndarray::{Array1, Array2, ArrayView1, ArrayView2};

use super::columns::Columns;
use super::hmm::{at_least_one, not_negative};
use super::kmeans::{move_centroids, plus_plus, squared_distances};
use super::restarts::{best, in_parallel};
use super::rng::Stream;
use crate::snapshot::{Format, Reader, Writer};
use crate::{Error, Result, validate};

const FORMAT: Format = Format { mark: b"poiseJMP", version: 1, name: "a jump model" };

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

/// Centroids, penalty and where the online path stands.
#[derive(Debug, Clone, PartialEq)]
pub struct JumpModel {
    n_features: usize,
    /// `(n_states, n_features)`.
    centroids: Vec<f64>,
    penalty: f64,
    /// Least cost of a path that ends in each state, above the least of all.
    costs: Vec<f64>,
    n_rows: u64,
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

/// Half the squared distance of every row from every centroid, `(n_rows, n_states)`.
fn losses(data: &Columns, centroids: &[f64]) -> Result<Vec<f64>> {
    let n_states = centroids.len() / data.n_columns();
    let mut losses = vec![0.0; data.n_rows() * n_states];
    let mut distance = vec![0.0; data.n_rows()];
    for (state, centroid) in centroids.chunks_exact(data.n_columns()).enumerate() {
        squared_distances(data, centroid, &mut distance);
        if let Some(row) = distance.iter().position(|d| !d.is_finite()) {
            return Err(too_large(data.largest(row)));
        }
        for (row, distance) in losses.chunks_exact_mut(n_states).zip(&distance) {
            row[state] = 0.5 * distance;
        }
    }
    Ok(losses)
}

fn too_large(value: f64) -> Error {
    Error::OutOfRange { what: "X", value, range: "values whose squared distance from a centroid is finite" }
}

/// One step of the dynamic program; returns how much all costs were lowered so that the least is zero.
#[inline]
fn advance(costs: &mut [f64], losses: impl Iterator<Item = f64>, penalty: f64) -> f64 {
    let mut least = f64::INFINITY;
    for (cost, loss) in costs.iter_mut().zip(losses) {
        // The least of all is zero: staying costs `cost`, coming from the cheapest state `penalty`.
        *cost = cost.min(penalty) + loss;
        least = least.min(*cost);
    }
    costs.iter_mut().for_each(|cost| *cost -= least);
    least
}

fn first_least(costs: &[f64]) -> usize {
    let mut least = 0;
    for (state, cost) in costs.iter().enumerate() {
        if *cost < costs[least] {
            least = state;
        }
    }
    least
}

/// The states with the least cost in all, and that cost. Among equals a path stays, and ends in the lowest state.
fn cheapest_path(data: &Columns, centroids: &[f64], penalty: f64) -> Result<(Vec<usize>, f64)> {
    let losses = losses(data, centroids)?;
    let n_states = centroids.len() / data.n_columns();
    let n_rows = data.n_rows();
    let mut costs = vec![0.0; n_states];
    let mut came_from = vec![0; losses.len()];
    let mut total = 0.0;
    for (losses, came_from) in losses.chunks_exact(n_states).zip(came_from.chunks_exact_mut(n_states)) {
        let cheapest = first_least(&costs);
        for (state, (from, cost)) in came_from.iter_mut().zip(&costs).enumerate() {
            *from = if *cost <= penalty { state } else { cheapest };
        }
        total += advance(&mut costs, losses.iter().copied(), penalty);
    }
    let mut labels = vec![0; n_rows];
    let mut state = first_least(&costs);
    for t in (0..n_rows).rev() {
        labels[t] = state;
        state = came_from[t * n_states + state];
    }
    Ok((labels, total))
}

impl JumpModel {
    /// A model with the given centroids `(n_states, n_features)`.
    pub fn new(centroids: ArrayView2<'_, f64>, jump_penalty: f64) -> Result<Self> {
        if centroids.nrows() == 0 || centroids.ncols() == 0 {
            let unit = if centroids.nrows() == 0 { "state" } else { "feature" };
            return Err(Error::Empty { what: "centroids", unit });
        }
        validate::finite_matrix("centroids", centroids)?;
        not_negative("jump_penalty", jump_penalty)?;
        Ok(Self::from_parts(centroids.iter().copied().collect(), centroids.ncols(), jump_penalty))
    }

    fn from_parts(centroids: Vec<f64>, n_features: usize, penalty: f64) -> Self {
        let costs = vec![0.0; centroids.len() / n_features];
        Self { n_features, centroids, penalty, costs, n_rows: 0 }
    }

    /// Number of states.
    pub fn n_states(&self) -> usize {
        self.costs.len()
    }

    /// Number of features.
    pub fn n_features(&self) -> usize {
        self.n_features
    }

    /// `(n_states, n_features)`.
    pub fn centroids(&self) -> Array2<f64> {
        let n = self.n_features;
        Array2::from_shape_fn((self.n_states(), n), |(k, i)| self.centroids[k * n + i])
    }

    /// Least cost of a path that ends in each state now, above the least of all.
    pub(super) fn costs(&self) -> &[f64] {
        &self.costs
    }

    /// Price of a change of state.
    pub fn jump_penalty(&self) -> f64 {
        self.penalty
    }

    /// The cheapest path over all rows and its cost: every row knows all rows, also later ones.
    pub fn predict(&self, observations: ArrayView2<'_, f64>) -> Result<(Array1<i64>, f64)> {
        let data = Columns::read_like(observations, self.n_features)?;
        let (labels, cost) = cheapest_path(&data, &self.centroids, self.penalty)?;
        Ok((labels.into_iter().map(|label| label as i64).collect(), cost))
    }

    /// At every row the end of the cheapest path so far: row t knows the rows up to and including t.
    pub fn predict_online(&self, observations: ArrayView2<'_, f64>) -> Result<Array1<i64>> {
        let data = Columns::read_like(observations, self.n_features)?;
        let losses = losses(&data, &self.centroids)?;
        let mut costs = vec![0.0; self.n_states()];
        let labels = losses.chunks_exact(self.n_states()).map(|losses| {
            advance(&mut costs, losses.iter().copied(), self.penalty);
            first_least(&costs) as i64
        });
        Ok(labels.collect())
    }

    /// Takes one row into the online path, in `O(n_states n_features)` without allocating, and returns its label. A
    /// refused row leaves the path as it was.
    pub fn step(&mut self, row: ArrayView1<'_, f64>) -> Result<usize> {
        validate::length("row", row, self.n_features)?;
        validate::finite("row", row)?;
        let loss = |centroid: &[f64]| {
            0.5 * row.iter().zip(centroid).fold(0.0, |sum, (x, c)| sum + (x - c) * (x - c))
        };
        let centroids = self.centroids.chunks_exact(self.n_features);
        // Computed once more below: cheaper than room for what a refused row must not change.
        if !centroids.clone().all(|centroid| loss(centroid).is_finite()) {
            return Err(too_large(row.iter().fold(0.0, |largest: f64, x| largest.max(x.abs()))));
        }
        advance(&mut self.costs, centroids.map(loss), self.penalty);
        self.n_rows += 1;
        Ok(first_least(&self.costs))
    }

    /// Leaves the online path where that over `observations` ends.
    pub fn stand_after(&mut self, observations: ArrayView2<'_, f64>) -> Result<()> {
        let data = Columns::read_like(observations, self.n_features)?;
        let losses = losses(&data, &self.centroids)?;
        self.reset();
        for losses in losses.chunks_exact(self.n_states()) {
            advance(&mut self.costs, losses.iter().copied(), self.penalty);
        }
        self.n_rows = data.n_rows() as u64;
        Ok(())
    }

    /// Puts the online path back before the first row.
    pub fn reset(&mut self) {
        self.costs.fill(0.0);
        self.n_rows = 0;
    }

    /// Rows the online path has seen.
    pub fn n_rows(&self) -> u64 {
        self.n_rows
    }

    /// Centroids, penalty and path as bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut writer = Writer::new(FORMAT);
        writer.count(self.n_states() as u64);
        writer.count(self.n_features as u64);
        writer.reals(&self.centroids);
        writer.reals(&[self.penalty]);
        writer.reals(&self.costs);
        writer.count(self.n_rows);
        writer.finish()
    }

    /// The model that [`Self::to_bytes`] wrote; it continues bit for bit.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let mut reader = Reader::open(bytes, FORMAT)?;
        let (n_states, n_features) = (reader.size()?, reader.size()?);
        let centroids = reader.reals(n_states.saturating_mul(n_features))?;
        let penalty = reader.real()?;
        let costs = reader.reals(n_states)?;
        let n_rows = reader.count()?;
        reader.close()?;
        let unfit = |error: Error| Error::Snapshot { reason: error.to_string() };
        validate::finite("centroids", ArrayView1::from(&centroids)).map_err(unfit)?;
        not_negative("jump_penalty", penalty).map_err(unfit)?;
        costs.iter().try_for_each(|cost| not_negative("the cost of a path", *cost)).map_err(unfit)?;
        Ok(Self { n_features, centroids, penalty, costs, n_rows })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Axis, Slice};

    fn stretches(n_rows: usize) -> Array2<f64> {
        let mut stream = Stream::new(2, 0);
        Array2::from_shape_fn((n_rows, 2), |(t, _)| {
            let sum: f64 = (0..12).map(|_| stream.uniform() - 0.5).sum();
            sum + if t / 25 % 2 == 0 { -1.0 } else { 1.0 }
        })
    }

    const SETTINGS: JumpSettings = JumpSettings { n_states: 2, jump_penalty: 5.0, n_restarts: 10, seed: 3 };

    #[test]
    fn equals_the_best_of_all_paths() {
        let data = stretches(9);
        for n_states in 1..=3_usize {
            let centroids = Array2::from_shape_fn((n_states, 2), |(k, i)| k as f64 - 0.8 + 0.3 * i as f64);
            for penalty in [0.0, 0.4, 1.5, 100.0] {
                let model = JumpModel::new(centroids.view(), penalty).unwrap();
                for n_rows in 1..=9 {
                    let cost = |path: &[usize]| {
                        let mut cost = 0.0;
                        for (t, &state) in path.iter().enumerate() {
                            cost += 0.5 * (&data.row(t) - &centroids.row(state)).mapv(|x| x * x).sum();
                            cost += if t > 0 && path[t - 1] != state { penalty } else { 0.0 };
                        }
                        cost
                    };
                    let paths = (0..n_states.pow(n_rows as u32)).map(|code| {
                        (0..n_rows).map(|t| code / n_states.pow(t as u32) % n_states).collect::<Vec<_>>()
                    });
                    let best = paths.min_by(|a, b| cost(a).total_cmp(&cost(b))).unwrap();
                    let past = data.slice_axis(Axis(0), Slice::from(..n_rows));
                    let (labels, objective) = model.predict(past).unwrap();
                    let labels: Vec<usize> = labels.iter().map(|label| *label as usize).collect();
                    assert_eq!(labels, best);
                    assert!((objective - cost(&best)).abs() < 1e-12);
                    assert_eq!(model.predict_online(past).unwrap()[n_rows - 1] as usize, best[n_rows - 1]);
                }
            }
        }
    }

    #[test]
    fn finds_the_stretches() {
        let data = stretches(500);
        let fit = fit_jump_model(data.view(), &SETTINGS).unwrap();
        assert!(fit.converged);
        let (labels, objective) = fit.model.predict(data.view()).unwrap();
        assert!((objective - fit.objective).abs() < 1e-9);
        let right = labels.iter().enumerate().filter(|(t, label)| **label == (t / 25 % 2) as i64).count();
        assert!(right > 485, "{right}");
        let switches = labels.windows(2).into_iter().filter(|pair| pair[0] != pair[1]).count();
        assert_eq!(switches, 19);
    }

    #[test]
    fn online_continues_the_fit_and_its_bytes() {
        let data = stretches(300);
        let mut model =
            fit_jump_model(data.slice_axis(Axis(0), Slice::from(..200)), &SETTINGS).unwrap().model;
        let mut copy = JumpModel::from_bytes(&model.to_bytes()).unwrap();
        assert_eq!(copy, model);
        let online = model.predict_online(data.view()).unwrap();
        for t in 200..300 {
            assert_eq!(model.step(data.row(t)).unwrap() as i64, online[t]);
            assert_eq!(copy.step(data.row(t)).unwrap() as i64, online[t]);
        }
        let before = model.clone();
        assert!(model.step(ndarray::arr1(&[0.0, f64::NAN]).view()).is_err());
        assert!(model.step(ndarray::arr1(&[0.0, 1e300]).view()).is_err());
        assert_eq!(model, before);
        assert_eq!(copy.to_bytes(), model.to_bytes());
    }

    #[test]
    fn mistakes_are_named() {
        let refused = |settings: JumpSettings| {
            fit_jump_model(stretches(5).view(), &settings).map(|_| ()).unwrap_err().to_string()
        };
        assert!(refused(JumpSettings { n_states: 3, ..SETTINGS }).contains("at least 6 observations, got 5"));
        assert!(refused(JumpSettings { n_states: 0, ..SETTINGS }).contains("n_states"));
        assert!(refused(JumpSettings { jump_penalty: f64::NAN, ..SETTINGS }).contains("jump_penalty"));
        assert!(refused(JumpSettings { n_restarts: 0, ..SETTINGS }).contains("n_restarts"));
    }
}
