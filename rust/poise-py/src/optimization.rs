//! The `optimization` room of the border.

mod frontier;
mod plain;
mod program;

use std::time::Instant;

use numpy::{IntoPyArray, PyArray1, PyReadonlyArray1, PyReadonlyArray2, PyReadwriteArray2};
use poise_core::optimization::{self, Bounds, Side, Status};
use pyo3::exceptions::PyValueError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use crate::border::{detached, to_python};

/// Below this size a solution takes less time than letting go of the interpreter and taking it back.
const QUICK: usize = 64;

/// Weights with their proof; `poise.optimization` makes an `OptimizationResult` of it.
#[pyclass(frozen, module = "poise._native")]
pub(crate) struct Solution {
    #[pyo3(get)]
    weights: Py<PyArray1<f64>>,
    /// Wall time; NaN where it was not taken.
    #[pyo3(get)]
    seconds: f64,
    solution: optimization::Solution,
}

#[pymethods]
impl Solution {
    #[getter]
    fn status(&self) -> &'static str {
        match self.solution.status {
            Status::Optimal => "optimal",
            Status::Degenerate => "degenerate",
            Status::Inaccurate => "inaccurate",
            Status::Relaxed => "relaxed",
        }
    }

    /// -1 at the lower bound, 1 at the upper bound, 0 between.
    #[getter]
    fn sides<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<i8>> {
        self.solution.sides.iter().map(|&side| side_number(side)).collect::<Vec<i8>>().into_pyarray(py)
    }

    /// The fields of the result that an optimal answer makes of which there is nothing to say, none of another; a
    /// budget gap above `worth_saying` is to be said. `binding` only where no bound is in the way.
    fn plain_fields<'py>(
        &self,
        py: Python<'py>,
        status: &Bound<'py, PyAny>,
        worth_saying: f64,
    ) -> PyResult<Option<Bound<'py, PyDict>>> {
        let Solution { weights, solution, seconds } = self;
        let is_plain =
            solution.status == Status::Optimal && solution.ridge == 0.0 && solution.riskless.is_empty();
        let misses_budgets = solution.budget_gap > worth_saying;
        if !is_plain || misses_budgets {
            return Ok(None);
        }
        let fields = PyDict::new(py);
        fields.set_item(intern!(py, "weights"), weights)?;
        fields.set_item(intern!(py, "status"), status)?;
        fields.set_item(intern!(py, "certificate"), solution.certificate)?;
        fields.set_item(intern!(py, "iterations"), solution.iterations)?;
        fields.set_item(intern!(py, "budget_gap"), solution.budget_gap)?;
        fields.set_item(intern!(py, "objective"), solution.objective)?;
        fields.set_item(intern!(py, "duality_gap"), solution.gap)?;
        fields.set_item(intern!(py, "seconds"), seconds)?;
        if solution.sides.iter().all(|&side| side == Side::Inside) {
            fields.set_item(intern!(py, "binding"), PyTuple::empty(py))?;
        }
        Ok(Some(fields))
    }

    #[getter]
    fn iterations(&self) -> usize {
        self.solution.iterations
    }

    #[getter]
    fn certificate(&self) -> f64 {
        self.solution.certificate
    }

    #[getter]
    fn ridge(&self) -> f64 {
        self.solution.ridge
    }

    #[getter]
    fn riskless(&self) -> Vec<usize> {
        self.solution.riskless.clone()
    }

    #[getter]
    fn budget_gap(&self) -> f64 {
        self.solution.budget_gap
    }

    /// Of each bound at which a weight stands; None where the solver knows none.
    #[getter]
    fn prices<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyArray1<f64>>> {
        let prices = &self.solution.prices;
        (!prices.is_empty()).then(|| prices.clone().into_pyarray(py))
    }

    #[getter]
    fn objective(&self) -> f64 {
        self.solution.objective
    }

    #[getter]
    fn gap(&self) -> f64 {
        self.solution.gap
    }
}

/// Solves without the interpreter where that is worth the way.
fn quickly<T: Send>(
    py: Python<'_>,
    n_assets: usize,
    solve: impl Send + FnOnce() -> poise_core::Result<T>,
) -> PyResult<T> {
    if n_assets < QUICK { solve().map_err(to_python) } else { detached(py, solve) }
}

pub(crate) fn to_solution(py: Python<'_>, mut solution: optimization::Solution) -> Solution {
    let weights = std::mem::take(&mut solution.weights);
    Solution { weights: weights.into_pyarray(py).unbind(), seconds: f64::NAN, solution }
}

/// Solves and takes the time.
fn solved(
    py: Python<'_>,
    n_assets: usize,
    solve: impl Send + FnOnce() -> poise_core::Result<optimization::Solution>,
) -> PyResult<Solution> {
    let began = Instant::now();
    let solution = quickly(py, n_assets, solve)?;
    let seconds = began.elapsed().as_secs_f64();
    Ok(Solution { seconds, ..to_solution(py, solution) })
}

fn side_number(side: Side) -> i8 {
    match side {
        Side::Lower => -1,
        Side::Inside => 0,
        Side::Upper => 1,
    }
}

pub(crate) fn to_bounds(
    lower: &PyReadonlyArray1<'_, f64>,
    upper: &PyReadonlyArray1<'_, f64>,
) -> PyResult<Bounds> {
    Bounds::new(lower.as_array(), upper.as_array()).map_err(to_python)
}

/// The bounds given, 0 and 1 where one is not.
fn long_only_unless(
    lower: Option<PyReadonlyArray1<'_, f64>>,
    upper: Option<PyReadonlyArray1<'_, f64>>,
    n_assets: usize,
) -> PyResult<Bounds> {
    match (lower, upper) {
        (Some(lower), Some(upper)) => to_bounds(&lower, &upper),
        (None, None) => Bounds::uniform(n_assets, 0.0, 1.0).map_err(to_python),
        _ => Err(PyValueError::new_err("lower and upper bounds come together")),
    }
}

/// Lower and upper bounds, one per asset.
pub(crate) type BoundsPair<'py> = (PyReadonlyArray1<'py, f64>, PyReadonlyArray1<'py, f64>);

/// Equal or budgeted risk contributions; long-only without bounds, from scratch without a start.
#[pyfunction]
fn risk_parity(
    py: Python<'_>,
    covariance: PyReadonlyArray2<'_, f64>,
    budgets: Option<PyReadonlyArray1<'_, f64>>,
    bounds: Option<BoundsPair<'_>>,
    start: Option<PyReadonlyArray1<'_, f64>>,
) -> PyResult<Solution> {
    let covariance = covariance.as_array();
    let bounds = bounds.map(|(lower, upper)| to_bounds(&lower, &upper)).transpose()?;
    let budgets = budgets.as_ref().map(PyReadonlyArray1::as_array);
    let start = start.as_ref().map(PyReadonlyArray1::as_array);
    solved(py, covariance.nrows(), || {
        optimization::risk_parity_from(covariance, budgets, bounds.as_ref(), start)
    })
}

/// Least variance.
#[pyfunction]
#[pyo3(signature = (covariance, lower, upper, start=None))]
fn minimum_variance(
    py: Python<'_>,
    covariance: PyReadonlyArray2<'_, f64>,
    lower: Option<PyReadonlyArray1<'_, f64>>,
    upper: Option<PyReadonlyArray1<'_, f64>>,
    start: Option<PyReadonlyArray1<'_, f64>>,
) -> PyResult<Solution> {
    let covariance = covariance.as_array();
    let bounds = long_only_unless(lower, upper, covariance.nrows())?;
    let start = start.as_ref().map(PyReadonlyArray1::as_array);
    solved(py, covariance.nrows(), || optimization::minimum_variance_from(covariance, &bounds, start))
}

/// Least variance over a rolling window, after every row.
#[pyfunction]
fn rolling_minimum_variance(
    py: Python<'_>,
    returns: PyReadonlyArray2<'_, f64>,
    mut out: PyReadwriteArray2<'_, f64>,
    window: usize,
    step: usize,
    lower: PyReadonlyArray1<'_, f64>,
    upper: PyReadonlyArray1<'_, f64>,
) -> PyResult<()> {
    let (returns, out, bounds) = (returns.as_array(), out.as_array_mut(), to_bounds(&lower, &upper)?);
    detached(py, || optimization::rolling_minimum_variance(returns, window, step, &bounds, out))
}

/// Best trade of expected return against variance.
#[pyfunction]
#[pyo3(signature = (expected_returns, covariance, risk_aversion, lower, upper, start=None))]
fn mean_variance(
    py: Python<'_>,
    expected_returns: PyReadonlyArray1<'_, f64>,
    covariance: PyReadonlyArray2<'_, f64>,
    risk_aversion: f64,
    lower: Option<PyReadonlyArray1<'_, f64>>,
    upper: Option<PyReadonlyArray1<'_, f64>>,
    start: Option<PyReadonlyArray1<'_, f64>>,
) -> PyResult<Solution> {
    let (expected, covariance) = (expected_returns.as_array(), covariance.as_array());
    let bounds = long_only_unless(lower, upper, covariance.nrows())?;
    let start = start.as_ref().map(PyReadonlyArray1::as_array);
    solved(py, covariance.nrows(), || {
        optimization::mean_variance_from(expected, covariance, risk_aversion, &bounds, start)
    })
}

/// Largest diversification ratio.
#[pyfunction]
#[pyo3(signature = (covariance, lower, upper, start=None))]
fn maximum_diversification(
    py: Python<'_>,
    covariance: PyReadonlyArray2<'_, f64>,
    lower: Option<PyReadonlyArray1<'_, f64>>,
    upper: Option<PyReadonlyArray1<'_, f64>>,
    start: Option<PyReadonlyArray1<'_, f64>>,
) -> PyResult<Solution> {
    let covariance = covariance.as_array();
    let bounds = long_only_unless(lower, upper, covariance.nrows())?;
    let start = start.as_ref().map(PyReadonlyArray1::as_array);
    solved(py, covariance.nrows(), || optimization::maximum_diversification_from(covariance, &bounds, start))
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
    module.add_class::<program::ProgramSolution>()?;
    module.add_function(wrap_pyfunction!(program::quadratic_program, module)?)?;
    module.add_function(wrap_pyfunction!(program::maximum_ratio_program, module)?)?;
    frontier::register(module)?;
    plain::register(module)?;
    module.add_function(wrap_pyfunction!(risk_parity, module)?)?;
    module.add_function(wrap_pyfunction!(minimum_variance, module)?)?;
    module.add_function(wrap_pyfunction!(rolling_minimum_variance, module)?)?;
    module.add_function(wrap_pyfunction!(mean_variance, module)?)?;
    module.add_function(wrap_pyfunction!(maximum_diversification, module)?)?;
    module.add_function(wrap_pyfunction!(fill, module)?)
}
