//! The `moments` room of the border.

use numpy::{IntoPyArray, PyArray1, PyArray2, PyReadonlyArray1, PyReadonlyArray2, PyReadwriteArray3};
use poise_core::moments::{self, EwmaRule, OasFormula, Shrunk, ZeroVariance};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::border::{detached, to_python};

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
    fn update(&mut self, row: PyReadonlyArray1<'_, f64>) -> PyResult<()> {
        // A tick is shorter than letting go of the interpreter and taking it back.
        self.inner.update(row.as_array()).map_err(to_python)
    }

    /// Takes in many rows.
    fn absorb(&mut self, py: Python<'_>, returns: PyReadonlyArray2<'_, f64>) -> PyResult<()> {
        let returns = returns.as_array();
        let state = &mut self.inner;
        detached(py, || state.absorb(returns))
    }

    #[getter]
    fn n_assets(&self) -> usize {
        self.inner.n_assets()
    }

    #[getter]
    fn n_observations(&self) -> u64 {
        self.inner.n_observations()
    }

    fn covariance<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray2<f64>> {
        self.inner.covariance().into_pyarray(py)
    }

    /// `degenerate_as_zero`: an asset that never moves has correlation 0 with others, else NaN.
    fn correlation<'py>(&self, py: Python<'py>, degenerate_as_zero: bool) -> Bound<'py, PyArray2<f64>> {
        self.inner.correlation(zero_variance(degenerate_as_zero)).into_pyarray(py)
    }

    fn volatility<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<f64>> {
        self.inner.volatility().into_pyarray(py)
    }

    fn to_bytes<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.inner.to_bytes())
    }

    #[staticmethod]
    fn from_bytes(data: &[u8]) -> PyResult<Self> {
        Ok(Self { inner: moments::EwmaState::from_bytes(data).map_err(to_python)? })
    }
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

/// Covariance with equal weights and divisor `n - ddof`.
#[pyfunction]
fn sample_covariance<'py>(
    py: Python<'py>,
    returns: PyReadonlyArray2<'py, f64>,
    ddof: u64,
) -> PyResult<Bound<'py, PyArray2<f64>>> {
    let returns = returns.as_array();
    Ok(detached(py, || moments::sample_covariance(returns, ddof))?.into_pyarray(py))
}

/// Covariance shrunk towards constant correlation, and the intensity.
#[pyfunction]
fn constant_correlation_shrinkage<'py>(
    py: Python<'py>,
    returns: PyReadonlyArray2<'py, f64>,
    half_life: Option<f64>,
    demean: bool,
) -> PyResult<(Bound<'py, PyArray2<f64>>, f64)> {
    let returns = returns.as_array();
    Ok(parts(py, detached(py, || moments::constant_correlation_shrinkage(returns, half_life, demean))?))
}

/// Covariance shrunk towards its mean variance, and Ledoit and Wolf's intensity.
#[pyfunction]
fn ledoit_wolf<'py>(
    py: Python<'py>,
    returns: PyReadonlyArray2<'py, f64>,
) -> PyResult<(Bound<'py, PyArray2<f64>>, f64)> {
    let returns = returns.as_array();
    Ok(parts(py, detached(py, || moments::ledoit_wolf(returns))?))
}

/// Covariance shrunk towards its mean variance, and the oracle approximating intensity.
#[pyfunction]
fn oas<'py>(
    py: Python<'py>,
    returns: PyReadonlyArray2<'py, f64>,
    paper: bool,
) -> PyResult<(Bound<'py, PyArray2<f64>>, f64)> {
    let returns = returns.as_array();
    let formula = if paper { OasFormula::Paper } else { OasFormula::ScikitLearn };
    Ok(parts(py, detached(py, || moments::oas(returns, formula))?))
}

fn parts(py: Python<'_>, shrunk: Shrunk) -> (Bound<'_, PyArray2<f64>>, f64) {
    (shrunk.covariance.into_pyarray(py), shrunk.intensity)
}

/// Covariance whose eigenvalues each move by their own amount.
#[pyfunction]
fn nonlinear_shrinkage<'py>(
    py: Python<'py>,
    returns: PyReadonlyArray2<'py, f64>,
) -> PyResult<Bound<'py, PyArray2<f64>>> {
    let returns = returns.as_array();
    Ok(detached(py, || moments::nonlinear_shrinkage(returns))?.into_pyarray(py))
}

/// The correlation matrix nearest to a symmetric one.
#[pyfunction]
fn nearest_correlation<'py>(
    py: Python<'py>,
    matrix: PyReadonlyArray2<'py, f64>,
) -> PyResult<Bound<'py, PyArray2<f64>>> {
    let matrix = matrix.as_array();
    Ok(detached(py, || moments::nearest_correlation(matrix))?.into_pyarray(py))
}

/// Covariance and correlation of two series observed at their own moments.
#[pyfunction]
fn hayashi_yoshida(
    py: Python<'_>,
    times_x: PyReadonlyArray1<'_, i64>,
    x: PyReadonlyArray1<'_, f64>,
    times_y: PyReadonlyArray1<'_, i64>,
    y: PyReadonlyArray1<'_, f64>,
) -> PyResult<(f64, f64)> {
    let (times_x, x, times_y, y) = (times_x.as_array(), x.as_array(), times_y.as_array(), y.as_array());
    let found = detached(py, || moments::hayashi_yoshida(times_x, x, times_y, y))?;
    Ok((found.covariance, found.correlation))
}

/// Adds the room's functions and classes to the module.
pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<EwmaState>()?;
    module.add_function(wrap_pyfunction!(ewma_covariance, module)?)?;
    module.add_function(wrap_pyfunction!(ewma_correlation, module)?)?;
    module.add_function(wrap_pyfunction!(ewma_covariance_path, module)?)?;
    module.add_function(wrap_pyfunction!(ewma_correlation_path, module)?)?;
    module.add_function(wrap_pyfunction!(sample_covariance, module)?)?;
    module.add_function(wrap_pyfunction!(constant_correlation_shrinkage, module)?)?;
    module.add_function(wrap_pyfunction!(ledoit_wolf, module)?)?;
    module.add_function(wrap_pyfunction!(oas, module)?)?;
    module.add_function(wrap_pyfunction!(nonlinear_shrinkage, module)?)?;
    module.add_function(wrap_pyfunction!(nearest_correlation, module)?)?;
    module.add_function(wrap_pyfunction!(hayashi_yoshida, module)?)
}
