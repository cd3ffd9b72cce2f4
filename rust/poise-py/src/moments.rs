//! The `moments` room of the border.

use numpy::{IntoPyArray, PyArray2, PyReadonlyArray1, PyReadonlyArray2};
use poise_core::moments::{self, OasFormula, Shrunk};
use pyo3::prelude::*;

use crate::border::detached;

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
    module.add_function(wrap_pyfunction!(sample_covariance, module)?)?;
    module.add_function(wrap_pyfunction!(constant_correlation_shrinkage, module)?)?;
    module.add_function(wrap_pyfunction!(ledoit_wolf, module)?)?;
    module.add_function(wrap_pyfunction!(oas, module)?)?;
    module.add_function(wrap_pyfunction!(nonlinear_shrinkage, module)?)?;
    module.add_function(wrap_pyfunction!(nearest_correlation, module)?)?;
    module.add_function(wrap_pyfunction!(hayashi_yoshida, module)?)
}
