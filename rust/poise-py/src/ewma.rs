//! The exponentially weighted covariance of the `moments` room.

use numpy::{
    IntoPyArray, PyArray1, PyArray2, PyArrayMethods, PyReadonlyArray1, PyReadonlyArray2, PyReadwriteArray2,
    PyReadwriteArray3,
};
use poise_core::moments::{self, EwmaRule, ZeroVariance};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyTuple};

use crate::border::{detached, plain_vector, to_python};
use crate::shared::{absorbs_rows, counted, saved};

/// Running EWMA moments; the class behind `poise.moments.EwmaCovariance`.
#[pyclass(module = "poise._native")]
struct EwmaState {
    inner: moments::EwmaState,
}

#[pymethods]
impl EwmaState {
    #[new]
    #[pyo3(signature = (n_assets, *, half_life, adjust, bias, ignore_na, demean))]
    fn new(
        n_assets: usize,
        half_life: f64,
        adjust: bool,
        bias: bool,
        ignore_na: bool,
        demean: bool,
    ) -> PyResult<Self> {
        let rule = EwmaRule { half_life, adjust, bias, ignore_na, demean };
        let inner = moments::EwmaState::new(n_assets, rule).map_err(to_python)?;
        Ok(Self { inner })
    }

    /// Takes in one row.
    fn update(&mut self, row: &Bound<'_, PyAny>) -> PyResult<()> {
        // A tick is shorter than letting go of the interpreter and taking it back.
        match plain_vector(row) {
            Some(values) => self.inner.update_slice(&values.to_vec()?).map_err(to_python),
            None => {
                self.inner.update(row.extract::<PyReadonlyArray1<'_, f64>>()?.as_array()).map_err(to_python)
            }
        }
    }

    fn covariance<'py>(&mut self, py: Python<'py>) -> PyResult<Bound<'py, PyArray2<f64>>> {
        self.inner.fold();
        filled(py, self.inner.n_assets(), |out| self.inner.write_covariance(out))
    }

    /// `degenerate_as_zero`: an asset that never moves has correlation 0 with others, else NaN.
    fn correlation<'py>(
        &mut self,
        py: Python<'py>,
        degenerate_as_zero: bool,
    ) -> PyResult<Bound<'py, PyArray2<f64>>> {
        self.inner.fold();
        let zero = zero_variance(degenerate_as_zero);
        filled(py, self.inner.n_assets(), |out| self.inner.write_correlation(zero, out))
    }

    /// Variance per bar of a portfolio with these weights.
    fn portfolio_variance(&self, weights: PyReadonlyArray1<'_, f64>) -> PyResult<f64> {
        self.inner.portfolio_variance(weights.as_array()).map_err(to_python)
    }

    fn volatility<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<f64>> {
        self.inner.volatility().into_pyarray(py)
    }
}

counted!(EwmaState);
absorbs_rows!(EwmaState);
saved!(EwmaState, moments::EwmaState);

/// The part of `poise.moments.EwmaCovariance` that a tick passes: a plain row reaches the state without a Python
/// frame, any other goes the labelled way.
#[pyclass(module = "poise._native", subclass)]
struct EwmaDoor {
    state: Option<Py<EwmaState>>,
}

#[pymethods]
impl EwmaDoor {
    #[new]
    #[pyo3(signature = (*_args, **_choices))]
    fn new(_args: &Bound<'_, PyTuple>, _choices: Option<&Bound<'_, PyDict>>) -> Self {
        // The subclass reads its arguments itself.
        Self { state: None }
    }

    #[getter(_state)]
    fn state(&self, py: Python<'_>) -> Option<Py<EwmaState>> {
        self.state.as_ref().map(|state| state.clone_ref(py))
    }

    #[setter(_state)]
    fn set_state(&mut self, state: Option<Py<EwmaState>>) {
        self.state = state;
    }

    /// Take in the next row.
    ///
    /// Parameters
    /// ----------
    /// row : array_like of shape (n_assets,)
    ///     Simple returns of one bar; NaN is missing. A labelled row is matched by name. A contiguous float64
    ///     array is the fastest.
    ///
    /// Returns
    /// -------
    /// EwmaCovariance
    ///     Itself.
    ///
    /// Raises
    /// ------
    /// NonFiniteError
    ///     If a return is infinite; the message names its index.
    /// ParameterError
    ///     If a return is so large (1e154) that its square is infinite.
    /// ShapeError
    ///     If the row has other assets than the rows before.
    fn partial_fit<'py>(slf: &Bound<'py, Self>, row: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        if let (Some(values), Some(state)) = (plain_vector(row), &slf.try_borrow()?.state) {
            let mut state = state.bind(slf.py()).try_borrow_mut()?;
            state.inner.update_slice(&values.to_vec()?).map_err(to_python)?;
            return Ok(slf.clone().into_any());
        }
        slf.call_method1(intern!(slf.py(), "_partial_fit_labelled"), (row,))
    }
}

/// A new matrix, of memory that NumPy asked for: in pages as large as it can get them.
fn filled<'py>(
    py: Python<'py>,
    n: usize,
    fill: impl FnOnce(&mut [f64]) -> poise_core::Result<()>,
) -> PyResult<Bound<'py, PyArray2<f64>>> {
    static EMPTY: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let matrix = EMPTY.import(py, "numpy", "empty")?.call1(((n, n),))?.cast_into::<PyArray2<f64>>()?;
    fill(matrix.try_readwrite()?.as_slice_mut()?).map_err(to_python)?;
    Ok(matrix)
}

fn zero_variance(degenerate_as_zero: bool) -> ZeroVariance {
    if degenerate_as_zero { ZeroVariance::Uncorrelated } else { ZeroVariance::Nan }
}

/// Covariance after the last row.
#[pyfunction]
#[pyo3(signature = (returns, *, half_life, adjust, bias, ignore_na, demean))]
fn ewma_covariance<'py>(
    py: Python<'py>,
    returns: PyReadonlyArray2<'py, f64>,
    half_life: f64,
    adjust: bool,
    bias: bool,
    ignore_na: bool,
    demean: bool,
) -> PyResult<Bound<'py, PyArray2<f64>>> {
    let returns = returns.as_array();
    let rule = EwmaRule { half_life, adjust, bias, ignore_na, demean };
    Ok(detached(py, || moments::ewma_covariance(returns, &rule))?.into_pyarray(py))
}

/// Correlation after the last row.
#[pyfunction]
#[pyo3(signature = (returns, *, half_life, adjust, bias, ignore_na, demean))]
fn ewma_correlation<'py>(
    py: Python<'py>,
    returns: PyReadonlyArray2<'py, f64>,
    half_life: f64,
    adjust: bool,
    bias: bool,
    ignore_na: bool,
    demean: bool,
) -> PyResult<Bound<'py, PyArray2<f64>>> {
    let returns = returns.as_array();
    let rule = EwmaRule { half_life, adjust, bias, ignore_na, demean };
    Ok(detached(py, || moments::ewma_correlation(returns, &rule, ZeroVariance::Nan))?.into_pyarray(py))
}

/// Covariance after each row, written into `out`.
#[pyfunction]
#[pyo3(signature = (returns, out, *, half_life, adjust, bias, ignore_na, demean))]
#[allow(clippy::too_many_arguments)] // one argument per keyword of the Python function
fn ewma_covariance_path(
    py: Python<'_>,
    returns: PyReadonlyArray2<'_, f64>,
    mut out: PyReadwriteArray3<'_, f64>,
    half_life: f64,
    adjust: bool,
    bias: bool,
    ignore_na: bool,
    demean: bool,
) -> PyResult<()> {
    let (returns, out) = (returns.as_array(), out.as_array_mut());
    let rule = EwmaRule { half_life, adjust, bias, ignore_na, demean };
    detached(py, || moments::ewma_covariance_path(returns, &rule, out))
}

/// Correlation after each row, written into `out`.
#[pyfunction]
#[pyo3(signature = (returns, out, *, half_life, adjust, bias, ignore_na, demean))]
#[allow(clippy::too_many_arguments)] // one argument per keyword of the Python function
fn ewma_correlation_path(
    py: Python<'_>,
    returns: PyReadonlyArray2<'_, f64>,
    mut out: PyReadwriteArray3<'_, f64>,
    half_life: f64,
    adjust: bool,
    bias: bool,
    ignore_na: bool,
    demean: bool,
) -> PyResult<()> {
    let (returns, out) = (returns.as_array(), out.as_array_mut());
    let rule = EwmaRule { half_life, adjust, bias, ignore_na, demean };
    detached(py, || moments::ewma_correlation_path(returns, &rule, ZeroVariance::Nan, out))
}

/// Lower triangle of the covariance after each row, row by row, written into `out`.
#[pyfunction]
#[pyo3(signature = (returns, out, *, half_life, adjust, bias, ignore_na, demean))]
#[allow(clippy::too_many_arguments)] // one argument per keyword of the Python function
fn ewma_covariance_packed_path(
    py: Python<'_>,
    returns: PyReadonlyArray2<'_, f64>,
    mut out: PyReadwriteArray2<'_, f64>,
    half_life: f64,
    adjust: bool,
    bias: bool,
    ignore_na: bool,
    demean: bool,
) -> PyResult<()> {
    let (returns, out) = (returns.as_array(), out.as_array_mut());
    let rule = EwmaRule { half_life, adjust, bias, ignore_na, demean };
    detached(py, || moments::ewma_covariance_packed_path(returns, &rule, out))
}

/// Lower triangle of the correlation after each row, row by row, written into `out`.
#[pyfunction]
#[pyo3(signature = (returns, out, *, half_life, adjust, bias, ignore_na, demean))]
#[allow(clippy::too_many_arguments)] // one argument per keyword of the Python function
fn ewma_correlation_packed_path(
    py: Python<'_>,
    returns: PyReadonlyArray2<'_, f64>,
    mut out: PyReadwriteArray2<'_, f64>,
    half_life: f64,
    adjust: bool,
    bias: bool,
    ignore_na: bool,
    demean: bool,
) -> PyResult<()> {
    let (returns, out) = (returns.as_array(), out.as_array_mut());
    let rule = EwmaRule { half_life, adjust, bias, ignore_na, demean };
    detached(py, || moments::ewma_correlation_packed_path(returns, &rule, ZeroVariance::Nan, out))
}

/// Adds functions and classes to the module.
pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<EwmaDoor>()?;
    module.add_class::<EwmaState>()?;
    module.add_function(wrap_pyfunction!(ewma_covariance, module)?)?;
    module.add_function(wrap_pyfunction!(ewma_correlation, module)?)?;
    module.add_function(wrap_pyfunction!(ewma_covariance_path, module)?)?;
    module.add_function(wrap_pyfunction!(ewma_covariance_packed_path, module)?)?;
    module.add_function(wrap_pyfunction!(ewma_correlation_path, module)?)?;
    module.add_function(wrap_pyfunction!(ewma_correlation_packed_path, module)?)
}
