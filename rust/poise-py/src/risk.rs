//! The `risk` room of the border.

use numpy::{IntoPyArray, PyArray1, PyArray2, PyArrayMethods, PyReadonlyArray1, PyReadonlyArray2};
use poise_core::risk;
use pyo3::prelude::*;
use pyo3::types::PyFloat;

use crate::border::{detached, plain_vector, to_python};

mod backtests;
mod engine;
mod online;
mod statistics;

type Vector<'py> = Bound<'py, PyArray1<f64>>;
/// Observations from which other threads may run meanwhile.
const WORTH_DETACHING: usize = 4096;

type Matrix<'py> = Bound<'py, PyArray2<f64>>;

/// Historical VaR and CVaR of one series.
#[pyfunction]
fn historical_tail(
    py: Python<'_>,
    returns: PyReadonlyArray1<'_, f64>,
    confidence_level: f64,
) -> PyResult<(f64, f64)> {
    let returns = returns.as_array();
    let tail = detached(py, || risk::historical_tail(returns, confidence_level))?;
    Ok((tail.value_at_risk, tail.conditional_value_at_risk))
}

/// As `historical_tail` where no label, stride or type is in the way and the level is a float; None otherwise.
#[pyfunction]
fn plain_historical_tail(
    returns: &Bound<'_, PyAny>,
    confidence_level: &Bound<'_, PyAny>,
) -> PyResult<Option<(f64, f64)>> {
    let (Some(array), Ok(level)) = (plain_vector(returns), confidence_level.cast_exact::<PyFloat>()) else {
        return Ok(None);
    };
    let view = array.try_readonly()?;
    let (returns, level) = (view.as_array(), level.value());
    let compute = || risk::historical_tail(returns, level);
    // Letting other threads run takes as long as a short sample.
    let tail = if returns.len() < WORTH_DETACHING {
        compute().map_err(to_python)?
    } else {
        detached(array.py(), compute)?
    };
    Ok(Some((tail.value_at_risk, tail.conditional_value_at_risk)))
}

/// Historical VaR and CVaR of every column.
#[pyfunction]
fn historical_tail_columns<'py>(
    py: Python<'py>,
    returns: PyReadonlyArray2<'py, f64>,
    confidence_level: f64,
) -> PyResult<(Vector<'py>, Vector<'py>)> {
    let returns = returns.as_array();
    let (var, cvar) = detached(py, || risk::historical_tail_columns(returns, confidence_level))?;
    Ok((var.into_pyarray(py), cvar.into_pyarray(py)))
}

/// VaR and CVaR of every column with a weight per observation.
#[pyfunction]
fn weighted_tail<'py>(
    py: Python<'py>,
    returns: PyReadonlyArray2<'py, f64>,
    weights: PyReadonlyArray1<'py, f64>,
    confidence_level: f64,
) -> PyResult<(Vector<'py>, Vector<'py>)> {
    let (returns, weights) = (returns.as_array(), weights.as_array());
    let (var, cvar) = detached(py, || risk::weighted_tail(returns, weights, confidence_level))?;
    Ok((var.into_pyarray(py), cvar.into_pyarray(py)))
}

/// VaR and CVaR over a moving window, column by column.
#[pyfunction]
fn rolling_tail<'py>(
    py: Python<'py>,
    returns: PyReadonlyArray2<'py, f64>,
    window: usize,
    confidence_level: f64,
) -> PyResult<(Matrix<'py>, Matrix<'py>)> {
    let returns = returns.as_array();
    let (var, cvar) = detached(py, || risk::rolling_tail(returns, window, confidence_level))?;
    Ok((var.into_pyarray(py), cvar.into_pyarray(py)))
}

/// Drawdowns, column by column.
#[pyfunction]
fn drawdowns<'py>(py: Python<'py>, returns: PyReadonlyArray2<'py, f64>) -> PyResult<Matrix<'py>> {
    let returns = returns.as_array();
    let drawdowns = detached(py, || risk::drawdowns(returns))?;
    Ok(drawdowns.into_pyarray(py))
}

/// The largest drawdown of one series.
#[pyfunction]
fn max_drawdown(py: Python<'_>, returns: PyReadonlyArray1<'_, f64>) -> PyResult<f64> {
    let returns = returns.as_array();
    detached(py, || risk::max_drawdown(returns))
}

/// The largest drawdown of every column.
#[pyfunction]
fn max_drawdown_columns<'py>(py: Python<'py>, returns: PyReadonlyArray2<'py, f64>) -> PyResult<Vector<'py>> {
    let returns = returns.as_array();
    let drawdowns = detached(py, || risk::max_drawdown_columns(returns))?;
    Ok(drawdowns.into_pyarray(py))
}

/// Root mean square of the drawdowns of every column.
#[pyfunction]
fn ulcer_index<'py>(py: Python<'py>, returns: PyReadonlyArray2<'py, f64>) -> PyResult<Vector<'py>> {
    let returns = returns.as_array();
    let ulcers = detached(py, || risk::ulcer_index(returns))?;
    Ok(ulcers.into_pyarray(py))
}

/// Longest run of returns under water of every column.
#[pyfunction]
fn drawdown_duration<'py>(
    py: Python<'py>,
    returns: PyReadonlyArray2<'py, f64>,
) -> PyResult<Bound<'py, PyArray1<u64>>> {
    let returns = returns.as_array();
    let durations = detached(py, || risk::drawdown_duration(returns))?;
    Ok(durations.into_pyarray(py))
}

/// Mean of the deepest drawdowns of every column.
#[pyfunction]
fn conditional_drawdown_at_risk<'py>(
    py: Python<'py>,
    returns: PyReadonlyArray2<'py, f64>,
    confidence_level: f64,
) -> PyResult<Vector<'py>> {
    let returns = returns.as_array();
    let deepest = detached(py, || risk::conditional_drawdown_at_risk(returns, confidence_level))?;
    Ok(deepest.into_pyarray(py))
}

/// Portfolio volatility.
#[pyfunction]
fn portfolio_volatility(
    py: Python<'_>,
    weights: PyReadonlyArray1<'_, f64>,
    covariance: PyReadonlyArray2<'_, f64>,
) -> PyResult<f64> {
    let (weights, covariance) = (weights.as_array(), covariance.as_array());
    detached(py, || risk::portfolio_volatility(weights, covariance))
}

/// Contributions to portfolio volatility.
#[pyfunction]
fn risk_contributions<'py>(
    py: Python<'py>,
    weights: PyReadonlyArray1<'py, f64>,
    covariance: PyReadonlyArray2<'py, f64>,
) -> PyResult<Vector<'py>> {
    let (weights, covariance) = (weights.as_array(), covariance.as_array());
    let contributions = detached(py, || risk::risk_contributions(weights, covariance))?;
    Ok(contributions.into_pyarray(py))
}

/// Mean volatility of the positions over portfolio volatility.
#[pyfunction]
fn diversification_ratio(
    py: Python<'_>,
    weights: PyReadonlyArray1<'_, f64>,
    covariance: PyReadonlyArray2<'_, f64>,
) -> PyResult<f64> {
    let (weights, covariance) = (weights.as_array(), covariance.as_array());
    detached(py, || risk::diversification_ratio(weights, covariance))
}

/// Exponential of the entropy of the risk shares.
#[pyfunction]
fn effective_bets(
    py: Python<'_>,
    weights: PyReadonlyArray1<'_, f64>,
    covariance: PyReadonlyArray2<'_, f64>,
) -> PyResult<f64> {
    let (weights, covariance) = (weights.as_array(), covariance.as_array());
    detached(py, || risk::effective_bets(weights, covariance))
}

/// Sum of squared shares of the risky weights.
#[pyfunction]
fn concentration_ratio(py: Python<'_>, weights: PyReadonlyArray1<'_, f64>) -> PyResult<f64> {
    let weights = weights.as_array();
    detached(py, || risk::concentration_ratio(weights))
}

/// Number of equal positions with the same concentration.
#[pyfunction]
fn effective_number_of_assets(py: Python<'_>, weights: PyReadonlyArray1<'_, f64>) -> PyResult<f64> {
    let weights = weights.as_array();
    detached(py, || risk::effective_number_of_assets(weights))
}

/// Contributions to historical CVaR.
#[pyfunction]
fn component_conditional_value_at_risk<'py>(
    py: Python<'py>,
    weights: PyReadonlyArray1<'py, f64>,
    returns: PyReadonlyArray2<'py, f64>,
    confidence_level: f64,
) -> PyResult<Vector<'py>> {
    let (weights, returns) = (weights.as_array(), returns.as_array());
    let components =
        detached(py, || risk::component_conditional_value_at_risk(weights, returns, confidence_level))?;
    Ok(components.into_pyarray(py))
}

/// Past returns at today's volatility.
#[pyfunction]
fn filtered_scenarios<'py>(
    py: Python<'py>,
    returns: PyReadonlyArray2<'py, f64>,
    half_life: f64,
) -> PyResult<Matrix<'py>> {
    let returns = returns.as_array();
    let scenarios = detached(py, || risk::filtered_scenarios(returns, half_life))?;
    Ok(scenarios.into_pyarray(py))
}

/// VaR and CVaR of a portfolio on filtered historical scenarios; false while these are plain ones.
#[pyfunction]
fn filtered_tail(
    py: Python<'_>,
    returns: PyReadonlyArray2<'_, f64>,
    weights: PyReadonlyArray1<'_, f64>,
    confidence_level: f64,
    half_life: f64,
) -> PyResult<(f64, f64, bool)> {
    let (returns, weights) = (returns.as_array(), weights.as_array());
    let (tail, filtered) =
        detached(py, || risk::filtered_tail(returns, weights, confidence_level, half_life))?;
    Ok((tail.value_at_risk, tail.conditional_value_at_risk, filtered))
}

/// Adds the room's functions and classes to the module.
pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(historical_tail, module)?)?;
    module.add_function(wrap_pyfunction!(plain_historical_tail, module)?)?;
    module.add_function(wrap_pyfunction!(historical_tail_columns, module)?)?;
    module.add_function(wrap_pyfunction!(weighted_tail, module)?)?;
    module.add_function(wrap_pyfunction!(rolling_tail, module)?)?;
    module.add_function(wrap_pyfunction!(drawdowns, module)?)?;
    module.add_function(wrap_pyfunction!(max_drawdown, module)?)?;
    module.add_function(wrap_pyfunction!(max_drawdown_columns, module)?)?;
    module.add_function(wrap_pyfunction!(ulcer_index, module)?)?;
    module.add_function(wrap_pyfunction!(drawdown_duration, module)?)?;
    module.add_function(wrap_pyfunction!(conditional_drawdown_at_risk, module)?)?;
    module.add_function(wrap_pyfunction!(portfolio_volatility, module)?)?;
    module.add_function(wrap_pyfunction!(risk_contributions, module)?)?;
    module.add_function(wrap_pyfunction!(diversification_ratio, module)?)?;
    module.add_function(wrap_pyfunction!(effective_bets, module)?)?;
    module.add_function(wrap_pyfunction!(concentration_ratio, module)?)?;
    module.add_function(wrap_pyfunction!(effective_number_of_assets, module)?)?;
    module.add_function(wrap_pyfunction!(component_conditional_value_at_risk, module)?)?;
    module.add_function(wrap_pyfunction!(filtered_scenarios, module)?)?;
    module.add_function(wrap_pyfunction!(filtered_tail, module)?)?;
    backtests::register(module)?;
    engine::register(module)?;
    online::register(module)?;
    statistics::register(module)
}
