//! The `regime` room of the border.

use numpy::{
    IntoPyArray, PyArray1, PyArray2, PyArray3, PyArrayMethods, PyReadonlyArray1, PyReadonlyArray2,
    PyReadonlyArray3,
};
use poise_core::regime::{self, HmmSettings, JumpSettings};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use crate::border::{StateError, detached, plain_vector, to_python};
use crate::shared::saved;

mod detector;

/// A hidden Markov model with its online filter; what `poise.regime.GaussianHMM` holds once it is fitted.
#[pyclass(module = "poise._native")]
struct HmmState {
    inner: regime::GaussianHmm,
}

#[pymethods]
impl HmmState {
    #[new]
    fn new(
        start_probabilities: PyReadonlyArray1<'_, f64>,
        transition_matrix: PyReadonlyArray2<'_, f64>,
        means: PyReadonlyArray2<'_, f64>,
        covariances: PyReadonlyArray3<'_, f64>,
    ) -> PyResult<Self> {
        let inner = regime::GaussianHmm::new(
            start_probabilities.as_array(),
            transition_matrix.as_array(),
            means.as_array(),
            covariances.as_array(),
        );
        Ok(Self { inner: inner.map_err(to_python)? })
    }

    #[getter]
    fn n_observations(&self) -> u64 {
        self.inner.n_rows()
    }

    #[getter]
    fn start_probabilities<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<f64>> {
        self.inner.start_probabilities().into_pyarray(py)
    }

    #[getter]
    fn transition_matrix<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray2<f64>> {
        self.inner.transition_matrix().into_pyarray(py)
    }

    #[getter]
    fn means<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray2<f64>> {
        self.inner.means().into_pyarray(py)
    }

    #[getter]
    fn covariances<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray3<f64>> {
        self.inner.covariances().into_pyarray(py)
    }

    #[getter]
    fn probabilities<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<f64>> {
        PyArray1::from_slice(py, self.inner.probabilities())
    }

    fn filter<'py>(
        slf: &Bound<'py, Self>,
        py: Python<'py>,
        observations: PyReadonlyArray2<'py, f64>,
    ) -> PyResult<Bound<'py, PyArray2<f64>>> {
        let (model, observations) = (Self::model(slf), observations.as_array());
        Ok(detached(py, || model.filter(observations))?.into_pyarray(py))
    }

    fn smooth<'py>(
        slf: &Bound<'py, Self>,
        py: Python<'py>,
        observations: PyReadonlyArray2<'py, f64>,
    ) -> PyResult<Bound<'py, PyArray2<f64>>> {
        let (model, observations) = (Self::model(slf), observations.as_array());
        Ok(detached(py, || model.smooth(observations))?.into_pyarray(py))
    }

    fn viterbi<'py>(
        slf: &Bound<'py, Self>,
        py: Python<'py>,
        observations: PyReadonlyArray2<'py, f64>,
    ) -> PyResult<Bound<'py, PyArray1<i64>>> {
        let (model, observations) = (Self::model(slf), observations.as_array());
        Ok(detached(py, || model.viterbi(observations))?.into_pyarray(py))
    }

    fn log_likelihood(
        slf: &Bound<'_, Self>,
        py: Python<'_>,
        observations: PyReadonlyArray2<'_, f64>,
    ) -> PyResult<f64> {
        let (model, observations) = (Self::model(slf), observations.as_array());
        detached(py, || model.log_likelihood(observations))
    }

    /// Puts the online filter back before the first row.
    fn reset(&mut self) {
        self.inner.reset();
    }
}

saved!(HmmState, regime::GaussianHmm);

impl HmmState {
    /// A copy, so that others may take rows in while the interpreter is released.
    fn model(slf: &Bound<'_, Self>) -> regime::GaussianHmm {
        slf.borrow().inner.clone()
    }
}

/// What `poise.regime.GaussianHMM` is made of: the model it follows, and the step, which a plain row of numbers
/// takes without a Python frame.
#[pyclass(module = "poise._native", subclass)]
struct HmmFollower {
    state: Option<Py<HmmState>>,
}

#[pymethods]
impl HmmFollower {
    #[new]
    #[pyo3(signature = (*_settings, **_named))]
    fn new(_settings: &Bound<'_, PyTuple>, _named: Option<&Bound<'_, PyDict>>) -> Self {
        Self { state: None }
    }

    #[getter(_state)]
    fn state(&self, py: Python<'_>) -> Option<Py<HmmState>> {
        self.state.as_ref().map(|state| state.clone_ref(py))
    }

    #[setter(_state)]
    fn follow(&mut self, state: Option<Py<HmmState>>) {
        self.state = state;
    }

    /// Take the next row into the filter and return the probabilities after it.
    ///
    /// The bits are those of `filter` over all rows; the work does not grow with their number.
    ///
    /// Parameters
    /// ----------
    /// row : array_like of shape (n_features,)
    ///     Finite. A float64 array is the fastest.
    ///
    /// Returns
    /// -------
    /// ndarray of shape (n_states,)
    ///
    /// Raises
    /// ------
    /// StateError
    ///     If nothing was fitted.
    /// ShapeError, NonFiniteError, ParameterError
    ///     As `filter`; the filter is as before.
    fn partial_filter<'py>(
        slf: &Bound<'py, Self>,
        row: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyArray1<f64>>> {
        let py = slf.py();
        let state = fitted(slf.borrow().state.as_ref())?.clone_ref(py).into_bound(py);
        let advance = |row: &PyReadonlyArray1<'py, f64>| {
            // A step is shorter than letting go of the interpreter and taking it back.
            let mut state = state.borrow_mut();
            let probabilities = state.inner.step(row.as_array()).map_err(to_python)?;
            Ok(PyArray1::from_slice(py, probabilities))
        };
        match plain_vector(row) {
            Some(array) => advance(&array.try_readonly()?),
            None => advance(&read_row(slf, row)?),
        }
    }
}

/// What was fitted or given.
fn fitted<T>(state: Option<&Py<T>>) -> PyResult<&Py<T>> {
    state.ok_or_else(|| StateError::new_err("nothing was fitted yet; call fit first"))
}

/// Any other row as an array: the Python class reads it.
fn read_row<'py>(model: &Bound<'py, PyAny>, row: &Bound<'py, PyAny>) -> PyResult<PyReadonlyArray1<'py, f64>> {
    model.call_method1("_row_values", (row,))?.extract()
}

/// Fits a hidden Markov model; also returns log-likelihood, iterations and whether it converged.
#[pyfunction]
#[pyo3(signature = (observations, *, n_states, full, n_restarts, sticky, max_iterations, tolerance, seed))]
#[allow(clippy::too_many_arguments)] // one argument per keyword of the Python class
fn fit_hmm(
    py: Python<'_>,
    observations: PyReadonlyArray2<'_, f64>,
    n_states: usize,
    full: bool,
    n_restarts: usize,
    sticky: f64,
    max_iterations: usize,
    tolerance: f64,
    seed: u64,
) -> PyResult<(HmmState, f64, usize, bool)> {
    let observations = observations.as_array();
    let settings = HmmSettings { n_states, full, n_restarts, sticky, max_iterations, tolerance, seed };
    let fit = detached(py, || regime::fit_gaussian_hmm(observations, &settings))?;
    Ok((HmmState { inner: fit.model }, fit.log_likelihood, fit.n_iterations, fit.converged))
}

/// A jump model with its online path; what `poise.regime.JumpModel` holds once it is fitted.
#[pyclass(module = "poise._native")]
struct JumpState {
    inner: regime::JumpModel,
}

#[pymethods]
impl JumpState {
    #[new]
    fn new(centroids: PyReadonlyArray2<'_, f64>, jump_penalty: f64) -> PyResult<Self> {
        let inner = regime::JumpModel::new(centroids.as_array(), jump_penalty).map_err(to_python)?;
        Ok(Self { inner })
    }

    #[getter]
    fn n_observations(&self) -> u64 {
        self.inner.n_rows()
    }

    #[getter]
    fn centroids<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray2<f64>> {
        self.inner.centroids().into_pyarray(py)
    }

    #[getter]
    fn jump_penalty(&self) -> f64 {
        self.inner.jump_penalty()
    }

    /// The cheapest path and its cost.
    fn predict<'py>(
        slf: &Bound<'py, Self>,
        py: Python<'py>,
        observations: PyReadonlyArray2<'py, f64>,
    ) -> PyResult<(Bound<'py, PyArray1<i64>>, f64)> {
        let (model, observations) = (Self::model(slf), observations.as_array());
        let (labels, objective) = detached(py, || model.predict(observations))?;
        Ok((labels.into_pyarray(py), objective))
    }

    fn predict_online<'py>(
        slf: &Bound<'py, Self>,
        py: Python<'py>,
        observations: PyReadonlyArray2<'py, f64>,
    ) -> PyResult<Bound<'py, PyArray1<i64>>> {
        let (model, observations) = (Self::model(slf), observations.as_array());
        Ok(detached(py, || model.predict_online(observations))?.into_pyarray(py))
    }

    /// Puts the online path back before the first row.
    fn reset(&mut self) {
        self.inner.reset();
    }
}

saved!(JumpState, regime::JumpModel);

impl JumpState {
    /// A copy, so that others may take rows in while the interpreter is released.
    fn model(slf: &Bound<'_, Self>) -> regime::JumpModel {
        slf.borrow().inner.clone()
    }
}

/// What `poise.regime.JumpModel` is made of: as [`HmmFollower`].
#[pyclass(module = "poise._native", subclass)]
struct JumpFollower {
    state: Option<Py<JumpState>>,
}

#[pymethods]
impl JumpFollower {
    #[new]
    #[pyo3(signature = (*_settings, **_named))]
    fn new(_settings: &Bound<'_, PyTuple>, _named: Option<&Bound<'_, PyDict>>) -> Self {
        Self { state: None }
    }

    #[getter(_state)]
    fn state(&self, py: Python<'_>) -> Option<Py<JumpState>> {
        self.state.as_ref().map(|state| state.clone_ref(py))
    }

    #[setter(_state)]
    fn follow(&mut self, state: Option<Py<JumpState>>) {
        self.state = state;
    }

    /// Take the next row into the online path and return its state, as `predict_online` would.
    ///
    /// Parameters
    /// ----------
    /// row : array_like of shape (n_features,)
    ///     Finite. A float64 array is the fastest.
    ///
    /// Returns
    /// -------
    /// int
    ///
    /// Raises
    /// ------
    /// StateError
    ///     If nothing was fitted.
    /// ShapeError, NonFiniteError, ParameterError
    ///     As `predict`; the path is as before.
    fn partial_predict(slf: &Bound<'_, Self>, row: &Bound<'_, PyAny>) -> PyResult<usize> {
        let state = fitted(slf.borrow().state.as_ref())?.clone_ref(slf.py()).into_bound(slf.py());
        let advance = |row: &PyReadonlyArray1<'_, f64>| {
            state.borrow_mut().inner.step(row.as_array()).map_err(to_python)
        };
        match plain_vector(row) {
            Some(array) => advance(&array.try_readonly()?),
            None => advance(&read_row(slf, row)?),
        }
    }
}

/// Fits a jump model; also returns objective, iterations and whether it converged.
#[pyfunction]
#[pyo3(signature = (observations, *, n_states, jump_penalty, n_restarts, seed))]
fn fit_jump(
    py: Python<'_>,
    observations: PyReadonlyArray2<'_, f64>,
    n_states: usize,
    jump_penalty: f64,
    n_restarts: usize,
    seed: u64,
) -> PyResult<(JumpState, f64, usize, bool)> {
    let observations = observations.as_array();
    let settings = JumpSettings { n_states, jump_penalty, n_restarts, seed };
    let fit = detached(py, || regime::fit_jump_model(observations, &settings))?;
    Ok((JumpState { inner: fit.model }, fit.objective, fit.n_iterations, fit.converged))
}

/// Adds the room's functions and classes to the module.
pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    detector::register(module)?;
    module.add_class::<HmmState>()?;
    module.add_class::<HmmFollower>()?;
    module.add_class::<JumpState>()?;
    module.add_class::<JumpFollower>()?;
    module.add_function(wrap_pyfunction!(fit_hmm, module)?)?;
    module.add_function(wrap_pyfunction!(fit_jump, module)?)
}
