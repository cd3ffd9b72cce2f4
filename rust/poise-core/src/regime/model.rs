//! A hidden Markov model with Gaussian observations: given parameters in, probabilities out.

use ndarray::{Array1, Array2, Array3, ArrayView1, ArrayView2, ArrayView3};

use super::bayes::Chain;
use super::columns::Columns;
use super::densities::Densities;
use super::gaussians::Gaussians;
use super::online::OnlineFilter;
use super::recursions::Forward;
use super::viterbi::viterbi;
use crate::snapshot::{Format, Reader, Writer};
use crate::{Error, Result, validate};

const FORMAT: Format = Format { mark: b"poiseHMM", version: 1, name: "a hidden Markov model" };

/// The parameters of the model and where its online filter stands.
#[derive(Debug, Clone)]
pub struct GaussianHmm {
    chain: Chain,
    gaussians: Gaussians,
    covariances: Vec<f64>,
    filter: OnlineFilter,
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
        let filter = OnlineFilter::new(&gaussians);
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
        let (densities, forward) = self.forward(observations)?;
        Ok(self.by_row(&forward.filtered, &densities))
    }

    /// Smoothed probabilities `(n_observations, n_states)`: every row knows all rows, also later ones.
    pub fn smooth(&self, observations: ArrayView2<'_, f64>) -> Result<Array2<f64>> {
        let (densities, mut forward) = self.forward(observations)?;
        let n_states = self.n_states();
        let mut smoothed = vec![0.0; n_states * densities.pitch()];
        forward.smooth(&self.chain, &mut smoothed, &mut vec![0.0; n_states * n_states]);
        Ok(self.by_row(&smoothed, &densities))
    }

    /// Log-likelihood of the observations.
    pub fn log_likelihood(&self, observations: ArrayView2<'_, f64>) -> Result<f64> {
        Ok(self.forward(observations)?.1.log_likelihood)
    }

    /// The likeliest path of states.
    pub fn viterbi(&self, observations: ArrayView2<'_, f64>) -> Result<Array1<i64>> {
        let densities = self.densities(observations)?;
        let path = viterbi(&self.chain, &densities).map_err(|t| out_of_reach(observations.row(t)))?;
        Ok(path.into_iter().map(|state| state as i64).collect())
    }

    fn densities(&self, observations: ArrayView2<'_, f64>) -> Result<Densities> {
        let data = Columns::read_like(observations, self.n_features())?;
        let mut densities = Densities::default();
        self.gaussians.densities(&data, &mut densities);
        Ok(densities)
    }

    fn forward(&self, observations: ArrayView2<'_, f64>) -> Result<(Densities, Forward)> {
        let densities = self.densities(observations)?;
        let mut forward = Forward::default();
        forward.run(&self.chain, &densities).map_err(|t| out_of_reach(observations.row(t)))?;
        Ok((densities, forward))
    }

    /// An array `(n_rows, n_states)` of one that lies `(n_states, pitch)`.
    fn by_row(&self, by_state: &[f64], densities: &Densities) -> Array2<f64> {
        let mut rows = Array2::zeros((densities.n_rows(), self.n_states()));
        for (mut to, from) in rows.columns_mut().into_iter().zip(by_state.chunks_exact(densities.pitch())) {
            to.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
        }
        rows
    }

    /// Takes one row into the online filter, in `O(n_states^2 + n_states n_features^2)`. A refused row leaves
    /// the filter as it was. Nothing is allocated for a row in one piece.
    pub fn step(&mut self, row: ArrayView1<'_, f64>) -> Result<&[f64]> {
        if let Some(row) = row.as_slice() {
            return self.step_slice(row);
        }
        self.step_slice(&row.to_vec())
    }

    fn step_slice(&mut self, row: &[f64]) -> Result<&[f64]> {
        let given = ArrayView1::from(row);
        validate::length("row", given, self.n_features())?;
        if !row.iter().all(|x| x.is_finite()) {
            validate::finite("row", given)?;
        }
        if !self.filter.step(&self.chain, row) {
            return Err(out_of_reach(given));
        }
        Ok(self.filter.filtered())
    }

    /// Leaves the online filter where the filter over `observations` ends; returns their log-likelihood.
    pub fn stand_after(&mut self, observations: ArrayView2<'_, f64>) -> Result<f64> {
        let (densities, forward) = self.forward(observations)?;
        self.filter.stand(forward.row(densities.n_rows() - 1), densities.n_rows() as u64);
        Ok(forward.log_likelihood)
    }

    /// Puts the online filter back before the first row.
    pub fn reset(&mut self) {
        self.filter.reset();
    }

    /// Filtered probabilities after the rows so far; the start probabilities before the first.
    pub fn probabilities(&self) -> &[f64] {
        if self.filter.n_rows() == 0 { &self.chain.start } else { self.filter.filtered() }
    }

    /// Rows the online filter has seen.
    pub fn n_rows(&self) -> u64 {
        self.filter.n_rows()
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
        writer.count(self.filter.n_rows());
        writer.reals(self.filter.filtered());
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
            model.filter.stand(filtered, n_rows);
        }
        Ok(model)
    }
}

/// The error of a row that no state can have produced.
pub(super) fn out_of_reach(row: ArrayView1<'_, f64>) -> Error {
    let value = row.iter().fold(0.0, |largest: f64, x| largest.max(x.abs()));
    let range = "values that some state can reach: this one lies so far off that every density is zero";
    Error::OutOfRange { what: "the largest absolute value of a row", value, range }
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
