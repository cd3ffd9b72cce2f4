//! The statistical jump model: clusters in time, with a price for every change of cluster.
//!
//! Bemporad, Breschi, Piga and Boyd (2018), "Fitting jump models"; Nystrup, Lindstrom and Madsen (2020). Minimises
//! `sum_t |x_t - centroid(s_t)|^2 / 2 + penalty * (number of changes)` over centroids and states. The online label
//! is the state with the least cost of a path that ends in it now.

mod fit;
mod path;
#[cfg(test)]
mod tests;

use ndarray::{Array1, Array2, ArrayView1, ArrayView2};

use super::columns::Columns;
use super::hmm::not_negative;
use crate::snapshot::{Format, Reader, Writer};
use crate::{Error, Result, validate};
pub use fit::{JumpFit, JumpSettings, fit_jump_model};
use path::{advance, cheapest_path, first_least, losses, too_large};

const FORMAT: Format = Format { mark: b"poiseJMP", version: 1, name: "a jump model" };

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
