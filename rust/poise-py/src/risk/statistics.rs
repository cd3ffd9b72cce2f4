//! Figures of a series of returns.

use numpy::{PyReadonlyArray1, PyReadonlyArray2};
use poise_core::risk::{self, Market};
use pyo3::prelude::*;

use crate::border::{detached, to_python};

/// What a series of returns did; NaN where a figure has no meaning.
#[pyclass(module = "poise._native", frozen, get_all)]
struct ReturnStatistics {
    n_observations: usize,
    mean: f64,
    deviation: f64,
    skewness: f64,
    kurtosis: f64,
    lowest: f64,
    highest: f64,
    downside_deviation: f64,
    n_gains: usize,
    sum_of_gains: f64,
    sum_of_losses: f64,
    log_growth: f64,
    max_drawdown: f64,
    longest_duration: u64,
}

/// Figures of one series, shortfalls measured from `target`.
#[pyfunction]
fn return_statistics(
    py: Python<'_>,
    returns: PyReadonlyArray1<'_, f64>,
    target: f64,
) -> PyResult<ReturnStatistics> {
    let returns = returns.as_array();
    let risk::ReturnStatistics {
        n_observations,
        mean,
        deviation,
        skewness,
        kurtosis,
        lowest,
        highest,
        downside_deviation,
        n_gains,
        sum_of_gains,
        sum_of_losses,
        log_growth,
        max_drawdown,
        longest_duration,
    } = detached(py, || risk::return_statistics(returns, target))?;
    Ok(ReturnStatistics {
        n_observations,
        mean,
        deviation,
        skewness,
        kurtosis,
        lowest,
        highest,
        downside_deviation,
        n_gains,
        sum_of_gains,
        sum_of_losses,
        log_growth,
        max_drawdown,
        longest_duration,
    })
}

/// Mean, deviation, largest drawdown and beta; the sum of the weights, that of their sizes, how many are not zero
/// and how concentrated they are.
type Told = ((f64, f64, f64, f64), (f64, f64, usize, f64));

/// What `weights` would have earned over the rows of `window`, and what they are; the market is told by its weights or
/// by its returns. None where a return is missing.
#[pyfunction]
fn hindsight(
    window: PyReadonlyArray2<'_, f64>,
    weights: PyReadonlyArray1<'_, f64>,
    market: PyReadonlyArray1<'_, f64>,
    market_is_weights: bool,
) -> PyResult<Option<Told>> {
    let (market, weights) = (market.as_array(), weights.as_array());
    let market = if market_is_weights { Market::Weights(market) } else { Market::Returns(market) };
    let Some(earned) = risk::hindsight(window.as_array(), weights, market).map_err(to_python)? else {
        return Ok(None);
    };
    let held = risk::holdings(weights).map_err(to_python)?;
    Ok(Some((
        (earned.mean, earned.deviation, earned.max_drawdown, earned.beta),
        (held.invested, held.gross, held.n_held, held.concentration_ratio),
    )))
}

/// Adds the class and its function to the module.
pub(super) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<ReturnStatistics>()?;
    module.add_function(wrap_pyfunction!(return_statistics, module)?)?;
    module.add_function(wrap_pyfunction!(hindsight, module)?)
}
