//! The regime detector. A plain row of numbers passes without a Python frame.

use ndarray::{Array1, Array2};
use numpy::{IntoPyArray, PyArray1, PyArray2, PyArrayMethods, PyReadonlyArray1, PyReadonlyArray2};
use poise_core::regime::{self, Engine, LARGEST_RETURN, N_BINS, Probabilities};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyTuple};

use crate::border::{ParameterError, detached, plain_vector, to_python};

/// Label, probabilities, confidence, age and expected remaining bars.
type State = (usize, Probabilities, f64, u64, f64);

/// The same by row; the label is -1 while warming, numbers are NaN or 0.
type History<'py> = (
    Bound<'py, PyArray1<i64>>,
    Bound<'py, PyArray2<f64>>,
    Bound<'py, PyArray1<f64>>,
    Bound<'py, PyArray1<i64>>,
    Bound<'py, PyArray1<f64>>,
);

/// Number, sums of the three scores, and for each step of confidence number, sum of confidences and right calls.
type Scores = (u64, f64, f64, f64, [(u64, f64, u64); N_BINS]);

/// A detector for one market; what `poise.regime.RegimeDetector` holds once it has seen a row.
#[pyclass(module = "poise._native")]
struct DetectorState {
    inner: regime::RegimeDetector,
}

#[pymethods]
impl DetectorState {
    #[new]
    fn new(weights: PyReadonlyArray1<'_, f64>, engine: &str) -> PyResult<Self> {
        let engine = match engine {
            "rules" => Engine::Rules,
            "hidden_markov" => Engine::HiddenMarkov,
            "jump" => Engine::Jump,
            "pool" => Engine::Pool,
            other => return Err(ParameterError::new_err(format!("there is no engine {other:?}"))),
        };
        let inner = regime::RegimeDetector::with_engine(weights.as_array(), engine);
        Ok(Self { inner: inner.map_err(to_python)? })
    }

    /// Takes a row in.
    fn step(&mut self, row: PyReadonlyArray1<'_, f64>) -> PyResult<()> {
        self.inner.step(row.as_array()).map_err(to_python)?;
        Ok(())
    }

    /// Takes in all rows. Nobody else may hold the detector: the interpreter is released.
    fn fit(slf: &Bound<'_, Self>, py: Python<'_>, returns: PyReadonlyArray2<'_, f64>) -> PyResult<()> {
        let mut detector = slf.borrow().inner.clone();
        let returns = returns.as_array();
        slf.borrow_mut().inner = detached(py, || {
            detector.follow(returns, |_, _| {})?;
            Ok(detector)
        })?;
        Ok(())
    }

    /// The same, and the state after each row.
    fn history<'py>(
        slf: &Bound<'py, Self>,
        py: Python<'py>,
        returns: PyReadonlyArray2<'py, f64>,
    ) -> PyResult<History<'py>> {
        let mut detector = slf.borrow().inner.clone();
        let returns = returns.as_array();
        let (detector, path) = detached(py, || {
            let mut path = Path::new(returns.nrows());
            detector.follow(returns, |t, state| path.set(t, state))?;
            Ok((detector, path))
        })?;
        slf.borrow_mut().inner = detector;
        Ok((
            path.labels.into_pyarray(py),
            path.probabilities.into_pyarray(py),
            path.confidences.into_pyarray(py),
            path.ages.into_pyarray(py),
            path.remaining.into_pyarray(py),
        ))
    }

    #[getter]
    fn n_assets(&self) -> usize {
        self.inner.n_assets()
    }

    #[getter]
    fn state(&self) -> Option<State> {
        let state = self.inner.state()?;
        let regime::RegimeState { label, probabilities, confidence, age, expected_remaining } = *state;
        Some((label, probabilities, confidence, age, expected_remaining))
    }

    /// In the order of the fields of the core.
    #[getter]
    fn reading(&self) -> Option<[f64; 7]> {
        let reading = &self.inner.diagnosis()?.reading;
        Some([
            reading.volatility,
            reading.median_volatility,
            reading.volatility_score,
            reading.trend_score,
            reading.average_correlation,
            reading.correlation_score,
            reading.drawdown,
        ])
    }

    /// Of volatility and trend.
    #[getter]
    fn thresholds(&self) -> Option<(f64, f64)> {
        let thresholds = self.inner.diagnosis()?.thresholds;
        Some((thresholds.volatility, thresholds.trend))
    }

    #[getter]
    fn likelihood(&self) -> Option<Probabilities> {
        Some(self.inner.diagnosis()?.likelihood)
    }

    #[getter]
    fn durations(&self) -> Probabilities {
        self.inner.durations()
    }

    #[getter]
    fn scores(&self) -> Scores {
        let scores = self.inner.scores();
        let bins = scores.bins.map(|bin| (bin.number, bin.confidence, bin.right));
        (scores.number, scores.brier, scores.confidence_brier, scores.log, bins)
    }

    /// Shares of rules, hidden Markov and jump model.
    #[getter]
    fn engine_weights(&self) -> [f64; 3] {
        self.inner.engine_weights()
    }

    #[getter]
    fn n_fits(&self) -> u64 {
        self.inner.n_fits()
    }

    #[getter]
    fn label_flips(&self) -> u64 {
        self.inner.label_flips()
    }

    fn survival(&self, horizon: u64) -> Option<f64> {
        self.inner.survival(horizon)
    }

    fn median_remaining(&self) -> Option<u64> {
        self.inner.median_remaining()
    }

    fn to_bytes<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.inner.to_bytes())
    }

    #[staticmethod]
    fn from_bytes(data: &[u8]) -> PyResult<Self> {
        Ok(Self { inner: regime::RegimeDetector::from_bytes(data).map_err(to_python)? })
    }
}

/// States by row.
struct Path {
    labels: Array1<i64>,
    probabilities: Array2<f64>,
    confidences: Array1<f64>,
    ages: Array1<i64>,
    remaining: Array1<f64>,
}

impl Path {
    fn new(n_rows: usize) -> Self {
        let missing = Array1::from_elem(n_rows, f64::NAN);
        Self {
            labels: Array1::from_elem(n_rows, -1),
            probabilities: Array2::from_elem((n_rows, 4), f64::NAN),
            confidences: missing.clone(),
            ages: Array1::zeros(n_rows),
            remaining: missing,
        }
    }

    fn set(&mut self, t: usize, state: Option<&regime::RegimeState>) {
        let Some(state) = state else { return };
        self.labels[t] = state.label as i64;
        self.probabilities.row_mut(t).iter_mut().zip(state.probabilities).for_each(|(to, from)| *to = from);
        self.confidences[t] = state.confidence;
        self.ages[t] = state.age as i64;
        self.remaining[t] = state.expected_remaining;
    }
}

/// What `poise.regime.RegimeDetector` is made of: its state, and the step.
#[pyclass(module = "poise._native", subclass)]
struct DetectorFollower {
    state: Option<Py<DetectorState>>,
}

#[pymethods]
impl DetectorFollower {
    #[new]
    #[pyo3(signature = (*_settings, **_named))]
    fn new(_settings: &Bound<'_, PyTuple>, _named: Option<&Bound<'_, PyDict>>) -> Self {
        Self { state: None }
    }

    #[getter(_state)]
    fn state(&self, py: Python<'_>) -> Option<Py<DetectorState>> {
        self.state.as_ref().map(|state| state.clone_ref(py))
    }

    #[setter(_state)]
    fn follow(&mut self, state: Option<Py<DetectorState>>) {
        self.state = state;
    }

    /// Take the next row.
    ///
    /// Parameters
    /// ----------
    /// row : array_like of shape (n_assets,)
    ///     Simple returns of one day; NaN = missing. Labelled values are matched by name with the assets of
    ///     earlier labelled rows. A float64 array is the fastest.
    ///
    /// Returns
    /// -------
    /// RegimeDetector
    ///     Itself.
    ///
    /// Raises
    /// ------
    /// EmptyUniverseError
    ///     If there is no asset.
    /// ShapeError
    ///     If the number of assets differs from that of earlier rows or of `weights`.
    /// NonFiniteError
    ///     If a return is infinite; the message names the column, and nothing has changed.
    fn partial_fit<'py>(slf: Bound<'py, Self>, row: &Bound<'py, PyAny>) -> PyResult<Bound<'py, Self>> {
        if !Self::took(&slf, row)? {
            // The first row, one of another kind, or one to refuse by name: the Python class reads it.
            slf.call_method1("_take", (row,))?;
        }
        Ok(slf)
    }
}

impl DetectorFollower {
    /// Takes a plain row of good numbers; whether it was one.
    fn took(slf: &Bound<'_, Self>, row: &Bound<'_, PyAny>) -> PyResult<bool> {
        let Some(array) = plain_vector(row) else { return Ok(false) };
        let Some(state) = slf.borrow().state.as_ref().map(|state| state.clone_ref(slf.py())) else {
            return Ok(false);
        };
        let values = array.try_readonly()?;
        let values = values.as_slice()?;
        // A step is shorter than letting go of the interpreter and taking it back.
        let mut state = state.bind(slf.py()).borrow_mut();
        // NaN passes: it is missing.
        let is_good = !values.iter().any(|value| value.abs() > LARGEST_RETURN);
        if values.len() != state.inner.n_assets() || !is_good {
            return Ok(false);
        }
        state.inner.step_slice(values).map_err(to_python)?;
        Ok(true)
    }
}

/// Adds the classes to the module.
pub(super) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("PRIOR_DURATIONS", regime::PRIOR_DURATIONS)?;
    module.add_class::<DetectorState>()?;
    module.add_class::<DetectorFollower>()
}
