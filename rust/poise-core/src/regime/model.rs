//! A hidden Markov model with Gaussian observations: given parameters in, probabilities out.

use ndarray::{Array1, Array2, Array3, ArrayView1, ArrayView2, ArrayView3};

use super::columns::Columns;
use super::gaussians::Gaussians;
use super::recursions::{Chain, Forward, out_of_reach, reachable, update, viterbi};
use crate::snapshot::{Format, Reader, Writer};
use crate::{Error, Result, validate};

const FORMAT: Format = Format { mark: b"poiseHMM", version: 1, name: "a hidden Markov model" };

/// The parameters of the model and where its online filter stands.
#[derive(Debug, Clone)]
pub struct GaussianHmm {
    chain: Chain,
    gaussians: Gaussians,
    covariances: Vec<f64>,
    filter: Filter,
}

/// What the online filter knows after the rows so far.
#[derive(Debug, Clone, PartialEq)]
struct Filter {
    filtered: Vec<f64>,
    n_rows: u64,
    // Scratch, so that a step allocates nothing.
    predicted: Vec<f64>,
    log_densities: Vec<f64>,
    next: Vec<f64>,
    row: Vec<f64>,
    centered: Vec<f64>,
}

impl Filter {
    fn at_start(n_states: usize, n_features: usize) -> Self {
        let (states, features) = (vec![0.0; n_states], vec![0.0; n_features]);
        Self {
            filtered: states.clone(),
            n_rows: 0,
            predicted: states.clone(),
            log_densities: states.clone(),
            next: states,
            row: features.clone(),
            centered: features,
        }
    }
}

impl GaussianHmm {
    /// A model with the given parameters: `start` `(n_states,)`, `transition` `(n_states, n_states)`, `means`
    /// `(n_states, n_features)`, `covariances` `(n_states, n_features, n_features)`.
    pub fn new(
        start: ArrayView1<'_, f64>,
        transition: ArrayView2<'_, f64>,
        means: ArrayView2<'_, f64>,
        covariances: ArrayView3<'_, f64>,
    ) -> Result<Self> {
        let (n_states, n_features) = means.dim();
        if n_states == 0 {
            return Err(Error::Empty { what: "means", unit: "state" });
        }
        if n_features == 0 {
            return Err(Error::Empty { what: "means", unit: "feature" });
        }
        validate::finite_matrix("means", means)?;
        validate::length("start_probabilities", start, n_states)?;
        probabilities("start_probabilities", start)?;
        same_shape("transition_matrix", transition.shape(), &[n_states, n_states])?;
        for row in transition.rows() {
            probabilities("transition_matrix", row)?;
        }
        same_shape("covariances", covariances.shape(), &[n_states, n_features, n_features])?;
        for covariance in covariances.outer_iter() {
            validate::covariance("covariances", covariance)?;
        }
        let chain = Chain { start: start.to_vec(), transition: transition.iter().copied().collect() };
        let means: Vec<f64> = means.iter().copied().collect();
        Self::from_parts(chain, n_features, &means, covariances.iter().copied().collect())
    }

    /// The same without the checks, for parameters that were computed here.
    pub(super) fn from_parts(
        chain: Chain,
        n_features: usize,
        means: &[f64],
        covariances: Vec<f64>,
    ) -> Result<Self> {
        let gaussians = Gaussians::new(n_features, means, &covariances)?;
        let filter = Filter::at_start(chain.n_states(), n_features);
        Ok(Self { chain, gaussians, covariances, filter })
    }

    /// Number of states.
    pub fn n_states(&self) -> usize {
        self.chain.n_states()
    }

    /// Number of features.
    pub fn n_features(&self) -> usize {
        self.gaussians.n_features()
    }

    /// Where the chain starts.
    pub fn start_probabilities(&self) -> Array1<f64> {
        self.chain.start.clone().into()
    }

    /// From the state of the row to that of the column.
    pub fn transition_matrix(&self) -> Array2<f64> {
        let n = self.n_states();
        Array2::from_shape_fn((n, n), |(i, j)| self.chain.transition[i * n + j])
    }

    /// `(n_states, n_features)`.
    pub fn means(&self) -> Array2<f64> {
        let n = self.n_features();
        Array2::from_shape_fn((self.n_states(), n), |(k, i)| self.gaussians.means()[k * n + i])
    }

    /// `(n_states, n_features, n_features)`.
    pub fn covariances(&self) -> Array3<f64> {
        let n = self.n_features();
        Array3::from_shape_fn((self.n_states(), n, n), |(k, i, j)| self.covariances[(k * n + i) * n + j])
    }

    /// Filtered probabilities `(n_observations, n_states)`: row t knows the rows up to and including t.
    pub fn filter(&self, observations: ArrayView2<'_, f64>) -> Result<Array2<f64>> {
        let (data, forward) = self.forward(observations)?;
        let n_states = self.n_states();
        Ok(Array2::from_shape_fn((data.n_rows(), n_states), |(t, k)| forward.filtered[t * n_states + k]))
    }

    /// Smoothed probabilities `(n_observations, n_states)`: every row knows all rows, also later ones.
    pub fn smooth(&self, observations: ArrayView2<'_, f64>) -> Result<Array2<f64>> {
        let (data, forward) = self.forward(observations)?;
        let (n_rows, n_states) = (data.n_rows(), self.n_states());
        let mut smoothed = vec![0.0; n_rows * n_states];
        forward.smooth(&self.chain, &mut smoothed, &mut vec![0.0; n_states * n_states]);
        Ok(Array2::from_shape_fn((n_rows, n_states), |(t, k)| smoothed[k * n_rows + t]))
    }

    /// Log-likelihood of the observations.
    pub fn log_likelihood(&self, observations: ArrayView2<'_, f64>) -> Result<f64> {
        Ok(self.forward(observations)?.1.log_likelihood)
    }

    /// The likeliest path of states.
    pub fn viterbi(&self, observations: ArrayView2<'_, f64>) -> Result<Array1<i64>> {
        let data = Columns::read_like(observations, self.n_features())?;
        let path = viterbi(&self.chain, &self.log_densities(&data));
        let path = reachable(path, |row| data.largest(row))?;
        Ok(path.into_iter().map(|state| state as i64).collect())
    }

    fn log_densities(&self, data: &Columns) -> Vec<f64> {
        let mut log_densities = vec![0.0; data.n_rows() * self.n_states()];
        self.gaussians.log_densities(data, &mut log_densities);
        log_densities
    }

    fn forward(&self, observations: ArrayView2<'_, f64>) -> Result<(Columns, Forward)> {
        let data = Columns::read_like(observations, self.n_features())?;
        let mut forward = Forward::default();
        let outcome = forward.run(&self.chain, &self.log_densities(&data));
        reachable(outcome, |row| data.largest(row))?;
        Ok((data, forward))
    }

    /// Takes one row into the online filter, in `O(n_states^2 + n_states n_features^2)`. A refused row leaves
    /// the filter as it was.
    pub fn step(&mut self, row: ArrayView1<'_, f64>) -> Result<&[f64]> {
        validate::length("row", row, self.n_features())?;
        validate::finite("row", row)?;
        let filter = &mut self.filter;
        filter.row.iter_mut().zip(row).for_each(|(to, from)| *to = *from);
        self.gaussians.log_densities_of_row(&filter.row, &mut filter.centered, &mut filter.log_densities);
        if filter.n_rows == 0 {
            filter.predicted.copy_from_slice(&self.chain.start);
        } else {
            self.chain.predict(&filter.filtered, &mut filter.predicted);
        }
        if update(&filter.predicted, &filter.log_densities, &mut filter.next).is_none() {
            return Err(out_of_reach(row.iter().fold(0.0, |largest: f64, x| largest.max(x.abs()))));
        }
        std::mem::swap(&mut filter.filtered, &mut filter.next);
        filter.n_rows += 1;
        Ok(&filter.filtered)
    }

    /// Leaves the online filter where the filter over `observations` ends; returns their log-likelihood.
    pub fn stand_after(&mut self, observations: ArrayView2<'_, f64>) -> Result<f64> {
        let (data, forward) = self.forward(observations)?;
        let n_states = self.n_states();
        self.filter.filtered.copy_from_slice(&forward.filtered[(data.n_rows() - 1) * n_states..]);
        self.filter.n_rows = data.n_rows() as u64;
        Ok(forward.log_likelihood)
    }

    /// Puts the online filter back before the first row.
    pub fn reset(&mut self) {
        self.filter = Filter::at_start(self.n_states(), self.n_features());
    }

    /// Filtered probabilities after the rows so far; the start probabilities before the first.
    pub fn probabilities(&self) -> &[f64] {
        if self.filter.n_rows == 0 { &self.chain.start } else { &self.filter.filtered }
    }

    /// Rows the online filter has seen.
    pub fn n_rows(&self) -> u64 {
        self.filter.n_rows
    }

    /// Parameters and filter as bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut writer = Writer::new(FORMAT);
        writer.count(self.n_states() as u64);
        writer.count(self.n_features() as u64);
        writer.reals(&self.chain.start);
        writer.reals(&self.chain.transition);
        writer.reals(self.gaussians.means());
        writer.reals(&self.covariances);
        writer.count(self.filter.n_rows);
        writer.reals(&self.filter.filtered);
        writer.finish()
    }

    /// The model that [`Self::to_bytes`] wrote; it continues bit for bit.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let mut reader = Reader::open(bytes, FORMAT)?;
        let (n_states, n_features) = (reader.size()?, reader.size()?);
        let squared = |n: usize| n.saturating_mul(n);
        let start = Array1::from(reader.reals(n_states)?);
        let transition = shaped(reader.reals(squared(n_states))?, (n_states, n_states))?;
        let means = shaped(reader.reals(n_states.saturating_mul(n_features))?, (n_states, n_features))?;
        let covariances = shaped(
            reader.reals(n_states.saturating_mul(squared(n_features)))?,
            (n_states, n_features, n_features),
        )?;
        let n_rows = reader.count()?;
        let filtered = Array1::from(reader.reals(n_states)?);
        reader.close()?;
        let unfit = |error: Error| Error::Snapshot { reason: error.to_string() };
        let mut model =
            Self::new(start.view(), transition.view(), means.view(), covariances.view()).map_err(unfit)?;
        if n_rows > 0 {
            probabilities("the filter", filtered.view()).map_err(unfit)?;
            model.filter.filtered = filtered.to_vec();
            model.filter.n_rows = n_rows;
        }
        Ok(model)
    }
}

fn shaped<D: ndarray::Dimension>(
    values: Vec<f64>,
    shape: impl Into<ndarray::StrideShape<D>>,
) -> Result<ndarray::Array<f64, D>> {
    ndarray::Array::from_shape_vec(shape, values)
        .map_err(|error| Error::Snapshot { reason: error.to_string() })
}

fn same_shape(what: &'static str, found: &[usize], expected: &[usize]) -> Result<()> {
    if found == expected {
        return Ok(());
    }
    let text =
        |shape: &[usize]| format!("({})", shape.iter().map(usize::to_string).collect::<Vec<_>>().join(", "));
    Err(Error::Shape { what, expected: text(expected), found: text(found) })
}

/// Refuses what is not a distribution over the states.
fn probabilities(what: &'static str, values: ArrayView1<'_, f64>) -> Result<()> {
    validate::finite(what, values)?;
    if let Some(&value) = values.iter().find(|p| **p < 0.0) {
        return Err(Error::OutOfRange { what, value, range: "probabilities of at least 0" });
    }
    let total = values.sum();
    if (total - 1.0).abs() > 1e-8 {
        return Err(Error::OutOfRange { what, value: total, range: "rows that sum to 1" });
    }
    Ok(())
}
