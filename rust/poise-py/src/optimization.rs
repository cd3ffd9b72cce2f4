//! The `optimization` room of the border.

use numpy::{IntoPyArray, PyArray1, PyReadonlyArray1, PyReadonlyArray2};
use poise_core::optimization::{self, Bounds, Side, Status};
use pyo3::prelude::*;

use crate::border::{detached, to_python};

/// Weights with their proof; `poise.optimization` makes an `OptimizationResult` of it.
#[pyclass(frozen, get_all, module = "poise._native")]
struct Solution {
    weights: Py<PyArray1<f64>>,
    /// -1 at the lower bound, 1 at the upper bound, 0 between.
    sides: Py<PyArray1<i8>>,
    status: &'static str,
    iterations: usize,
    certificate: f64,
    ridge: f64,
    riskless: Vec<usize>,
    budget_gap: f64,
}

fn to_solution(py: Python<'_>, solution: optimization::Solution) -> Solution {
    let sides: Vec<i8> = solution.sides.iter().map(|&side| side_number(side)).collect();
    Solution {
        weights: solution.weights.into_pyarray(py).unbind(),
        sides: sides.into_pyarray(py).unbind(),
        status: match solution.status {
            Status::Optimal => "optimal",
            Status::Degenerate => "degenerate",
            Status::Inaccurate => "inaccurate",
            Status::Relaxed => "relaxed",
        },
        iterations: solution.iterations,
        certificate: solution.certificate,
        ridge: solution.ridge,
        riskless: solution.riskless,
        budget_gap: solution.budget_gap,
    }
}

fn side_number(side: Side) -> i8 {
    match side {
        Side::Lower => -1,
        Side::Inside => 0,
        Side::Upper => 1,
    }
}

fn to_bounds(lower: &PyReadonlyArray1<'_, f64>, upper: &PyReadonlyArray1<'_, f64>) -> PyResult<Bounds> {
    Bounds::new(lower.as_array(), upper.as_array()).map_err(to_python)
}

/// Equal or budgeted risk contributions.
#[pyfunction]
fn risk_parity(
    py: Python<'_>,
    covariance: PyReadonlyArray2<'_, f64>,
    budgets: Option<PyReadonlyArray1<'_, f64>>,
    lower: PyReadonlyArray1<'_, f64>,
    upper: PyReadonlyArray1<'_, f64>,
) -> PyResult<Solution> {
    let (covariance, bounds) = (covariance.as_array(), to_bounds(&lower, &upper)?);
    let budgets = budgets.as_ref().map(PyReadonlyArray1::as_array);
    let solution = detached(py, || optimization::risk_parity(covariance, budgets, &bounds))?;
    Ok(to_solution(py, solution))
}

/// Least variance.
#[pyfunction]
fn minimum_variance(
    py: Python<'_>,
    covariance: PyReadonlyArray2<'_, f64>,
    lower: PyReadonlyArray1<'_, f64>,
    upper: PyReadonlyArray1<'_, f64>,
) -> PyResult<Solution> {
    let (covariance, bounds) = (covariance.as_array(), to_bounds(&lower, &upper)?);
    let solution = detached(py, || optimization::minimum_variance(covariance, &bounds))?;
    Ok(to_solution(py, solution))
}

/// Best trade of expected return against variance.
#[pyfunction]
fn mean_variance(
    py: Python<'_>,
    expected_returns: PyReadonlyArray1<'_, f64>,
    covariance: PyReadonlyArray2<'_, f64>,
    risk_aversion: f64,
    lower: PyReadonlyArray1<'_, f64>,
    upper: PyReadonlyArray1<'_, f64>,
) -> PyResult<Solution> {
    let (expected, covariance) = (expected_returns.as_array(), covariance.as_array());
    let bounds = to_bounds(&lower, &upper)?;
    let solution =
        detached(py, || optimization::mean_variance(expected, covariance, risk_aversion, &bounds))?;
    Ok(to_solution(py, solution))
}

/// Largest diversification ratio.
#[pyfunction]
fn maximum_diversification(
    py: Python<'_>,
    covariance: PyReadonlyArray2<'_, f64>,
    lower: PyReadonlyArray1<'_, f64>,
    upper: PyReadonlyArray1<'_, f64>,
) -> PyResult<Solution> {
    let (covariance, bounds) = (covariance.as_array(), to_bounds(&lower, &upper)?);
    let solution = detached(py, || optimization::maximum_diversification(covariance, &bounds))?;
    Ok(to_solution(py, solution))
}

/// Weights proportional to `pull` as far as the bounds allow, with the sum `total` or the most below it.
#[pyfunction]
fn fill<'py>(
    py: Python<'py>,
    pull: PyReadonlyArray1<'py, f64>,
    lower: PyReadonlyArray1<'py, f64>,
    upper: PyReadonlyArray1<'py, f64>,
    total: f64,
) -> PyResult<Bound<'py, PyArray1<f64>>> {
    let bounds = to_bounds(&lower, &upper)?;
    // Shorter than letting go of the interpreter and taking it back.
    Ok(optimization::fill(pull.as_array(), &bounds, total).map_err(to_python)?.into_pyarray(py))
}

/// Adds the room's functions and classes to the module.
pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<Solution>()?;
    module.add_function(wrap_pyfunction!(risk_parity, module)?)?;
    module.add_function(wrap_pyfunction!(minimum_variance, module)?)?;
    module.add_function(wrap_pyfunction!(mean_variance, module)?)?;
    module.add_function(wrap_pyfunction!(maximum_diversification, module)?)?;
    module.add_function(wrap_pyfunction!(fill, module)?)
}
