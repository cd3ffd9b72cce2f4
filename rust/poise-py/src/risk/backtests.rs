//! Tests of risk models against what followed.

use numpy::{PyReadonlyArray1, PyReadonlyArray2};
use poise_core::risk::{self, LikelihoodRatio, Zone};
use pyo3::prelude::*;

use crate::border::{detached, to_python};

type Pair = (f64, f64);
/// Exceptions, then three p-values.
type Coverage = (u64, f64, f64, f64);

/// Statistic and p-value of the frequency of exceptions.
#[pyfunction]
fn kupiec(py: Python<'_>, n_exceptions: u64, n_observations: u64, confidence_level: f64) -> PyResult<Pair> {
    Ok(pair(detached(py, || risk::kupiec(n_exceptions, n_observations, confidence_level))?))
}

/// Statistics and p-values of coverage, independence and both, and the four counts of transitions.
#[pyfunction]
fn christoffersen(
    py: Python<'_>,
    exceptions: PyReadonlyArray1<'_, bool>,
    confidence_level: f64,
) -> PyResult<(Pair, Pair, Pair, [u64; 4])> {
    let exceptions = exceptions.as_array();
    let found = detached(py, || risk::christoffersen(exceptions, confidence_level))?;
    let both = pair(found.conditional_coverage);
    Ok((pair(found.coverage), pair(found.independence), both, found.transitions))
}

/// The Basel zone, the chance of so many exceptions or fewer, and that of so many or more.
#[pyfunction]
fn traffic_light(
    py: Python<'_>,
    n_exceptions: u64,
    n_observations: u64,
    confidence_level: f64,
) -> PyResult<(&'static str, f64, f64)> {
    let light = detached(py, || risk::traffic_light(n_exceptions, n_observations, confidence_level))?;
    let zone = match light.zone {
        Zone::Green => "green",
        Zone::Yellow => "yellow",
        Zone::Red => "red",
    };
    Ok((zone, light.cumulative_probability, light.p_value))
}

/// Z1, Z2 and the number of exceptions.
#[pyfunction]
fn acerbi_szekely(
    py: Python<'_>,
    returns: PyReadonlyArray1<'_, f64>,
    value_at_risk: PyReadonlyArray1<'_, f64>,
    expected_shortfall: PyReadonlyArray1<'_, f64>,
    confidence_level: f64,
) -> PyResult<(f64, f64, u64)> {
    let (returns, var) = (returns.as_array(), value_at_risk.as_array());
    let shortfall = expected_shortfall.as_array();
    let found = detached(py, || risk::acerbi_szekely(returns, var, shortfall, confidence_level))?;
    Ok((found.z1, found.z2, found.n_exceptions))
}

/// At the first and the last level: exceptions, p-values of coverage, independence and both; then exceptions at
/// the last level among the `recent` bars, Z2 at the middle level and the median of shortfall over value at risk.
#[pyfunction]
fn on_trial(
    ring: PyReadonlyArray2<'_, f64>,
    oldest: usize,
    levels: [f64; 3],
    recent: usize,
) -> PyResult<([Coverage; 2], u64, f64, f64)> {
    let found = risk::on_trial(ring.as_array(), oldest, levels, recent).map_err(to_python)?;
    let coverage = found.coverage.map(|level| {
        let also = level.christoffersen;
        let (independence, both) = (also.independence.p_value, also.conditional_coverage.p_value);
        (level.n_exceptions, level.kupiec.p_value, independence, both)
    });
    Ok((coverage, found.n_recent, found.shortfall_statistic, found.tail_ratio))
}

fn pair(ratio: LikelihoodRatio) -> Pair {
    (ratio.statistic, ratio.p_value)
}

/// Adds the functions to the module.
pub(super) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(kupiec, module)?)?;
    module.add_function(wrap_pyfunction!(christoffersen, module)?)?;
    module.add_function(wrap_pyfunction!(traffic_light, module)?)?;
    module.add_function(wrap_pyfunction!(acerbi_szekely, module)?)?;
    module.add_function(wrap_pyfunction!(on_trial, module)?)
}
