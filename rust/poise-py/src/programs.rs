//! Programs over scenarios: the part of the `optimization` room that takes returns instead of a covariance.

use numpy::{PyReadonlyArray1, PyReadonlyArray2};
use poise_core::optimization::{self, KellyRule, TailRule};
use pyo3::prelude::*;

use crate::border::detached;
use crate::optimization::{BoundsPair, Solution, to_bounds, to_solution};

/// Least conditional value at risk: the solution, its objective, the gap to a dual and the price of the floor.
#[pyfunction]
fn minimum_cvar(
    py: Python<'_>,
    returns: PyReadonlyArray2<'_, f64>,
    confidence_level: f64,
    bounds: BoundsPair<'_>,
    probabilities: Option<PyReadonlyArray1<'_, f64>>,
    floor: Option<(PyReadonlyArray1<'_, f64>, f64)>,
) -> PyResult<(Solution, f64, f64, f64)> {
    let (returns, bounds) = (returns.as_array(), to_bounds(&bounds.0, &bounds.1)?);
    let rule = TailRule {
        confidence_level,
        probabilities: probabilities.as_ref().map(PyReadonlyArray1::as_array),
        floor: floor.as_ref().map(|(expected, least)| (expected.as_array(), *least)),
    };
    let (solution, proof) = detached(py, || optimization::minimum_cvar(returns, rule, &bounds))?;
    Ok((to_solution(py, solution), proof.objective, proof.gap, proof.limit_price))
}

/// Largest expected logarithmic growth: the solution, the growth of its weights and the gap of the full problem.
#[pyfunction]
fn kelly(
    py: Python<'_>,
    returns: PyReadonlyArray2<'_, f64>,
    fraction: f64,
    risk_free_rate: f64,
    bounds: BoundsPair<'_>,
    probabilities: Option<PyReadonlyArray1<'_, f64>>,
    drawdown_power: Option<f64>,
) -> PyResult<(Solution, f64, f64)> {
    let (returns, bounds) = (returns.as_array(), to_bounds(&bounds.0, &bounds.1)?);
    let probabilities = probabilities.as_ref().map(PyReadonlyArray1::as_array);
    let rule = KellyRule { probabilities, risk_free_rate, fraction, drawdown_power };
    let (solution, proof) = detached(py, || optimization::kelly(returns, rule, &bounds))?;
    Ok((to_solution(py, solution), proof.objective, proof.gap))
}

/// Adds the functions to the module.
pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(minimum_cvar, module)?)?;
    module.add_function(wrap_pyfunction!(kelly, module)?)
}
