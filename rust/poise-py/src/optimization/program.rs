//! Quadratic programs with rows, turnover and costs.

use numpy::{IntoPyArray, PyArray1, PyReadonlyArray1, PyReadonlyArray2};
use poise_core::optimization::{self, Program, Status, Trading};
use pyo3::prelude::*;

use super::to_bounds;
use crate::border::{detached, to_python};

/// Weights with their proof, their prices and what had to give way.
#[pyclass(frozen, module = "poise._native")]
pub(super) struct ProgramSolution {
    #[pyo3(get)]
    weights: Py<PyArray1<f64>>,
    #[pyo3(get)]
    bound_prices: Py<PyArray1<f64>>,
    #[pyo3(get)]
    row_prices: Py<PyArray1<f64>>,
    #[pyo3(get)]
    row_relaxations: Py<PyArray1<f64>>,
    solution: optimization::ProgramSolution,
}

#[pymethods]
impl ProgramSolution {
    #[getter]
    fn status(&self) -> &'static str {
        match self.solution.status {
            Status::Optimal => "optimal",
            Status::Degenerate => "degenerate",
            Status::Inaccurate => "inaccurate",
            Status::Relaxed => "infeasible",
        }
    }

    #[getter]
    fn iterations(&self) -> usize {
        self.solution.iterations
    }

    #[getter]
    fn objective(&self) -> f64 {
        self.solution.objective
    }

    #[getter]
    fn duality_gap(&self) -> f64 {
        self.solution.duality_gap
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
    fn budget_price(&self) -> f64 {
        self.solution.budget_price
    }

    #[getter]
    fn turnover_price(&self) -> f64 {
        self.solution.turnover_price
    }

    #[getter]
    fn budget_relaxation(&self) -> f64 {
        self.solution.budget_relaxation
    }

    #[getter]
    fn turnover_relaxation(&self) -> f64 {
        self.solution.turnover_relaxation
    }
}

fn to_solution(py: Python<'_>, mut solution: optimization::ProgramSolution) -> ProgramSolution {
    let array = |values: &mut Vec<f64>| std::mem::take(values).into_pyarray(py).unbind();
    ProgramSolution {
        weights: array(&mut solution.weights),
        bound_prices: array(&mut solution.bound_prices),
        row_prices: array(&mut solution.row_prices),
        row_relaxations: array(&mut solution.row_relaxations),
        solution,
    }
}

/// Least `w'Hw / 2 - q'w` and costs within bounds, a budget, rows and a limit of turnover.
#[pyfunction]
#[pyo3(signature = (hessian, linear, lower, upper, total, rows, row_lower, row_upper, current=None,
    linear_cost=None, impact_cost=None, turnover=f64::INFINITY, start=None))]
#[allow(clippy::too_many_arguments)] // the border's calls are plain lists of arrays
pub(super) fn quadratic_program(
    py: Python<'_>,
    hessian: PyReadonlyArray2<'_, f64>,
    linear: PyReadonlyArray1<'_, f64>,
    lower: PyReadonlyArray1<'_, f64>,
    upper: PyReadonlyArray1<'_, f64>,
    total: (f64, f64),
    rows: PyReadonlyArray2<'_, f64>,
    row_lower: PyReadonlyArray1<'_, f64>,
    row_upper: PyReadonlyArray1<'_, f64>,
    current: Option<PyReadonlyArray1<'_, f64>>,
    linear_cost: Option<PyReadonlyArray1<'_, f64>>,
    impact_cost: Option<PyReadonlyArray1<'_, f64>>,
    turnover: f64,
    start: Option<PyReadonlyArray1<'_, f64>>,
) -> PyResult<ProgramSolution> {
    let bounds = to_bounds(&lower, &upper)?;
    let program = Program {
        hessian: hessian.as_array(),
        linear: linear.as_array(),
        bounds: &bounds,
        total,
        rows: rows.as_array(),
        row_lower: row_lower.as_array(),
        row_upper: row_upper.as_array(),
        trading: trading(&current, &linear_cost, &impact_cost, turnover)?,
    };
    let start = start.as_ref().map(PyReadonlyArray1::as_array);
    let solution = detached(py, || optimization::quadratic_program(&program, start))?;
    Ok(to_solution(py, solution))
}

/// Largest `excess'w / sqrt(w'Hw)` over the same limits.
#[pyfunction]
#[pyo3(signature = (excess, hessian, lower, upper, total, rows, row_lower, row_upper, current=None,
    turnover=f64::INFINITY, start=None))]
#[allow(clippy::too_many_arguments)] // as above
pub(super) fn maximum_ratio_program(
    py: Python<'_>,
    excess: PyReadonlyArray1<'_, f64>,
    hessian: PyReadonlyArray2<'_, f64>,
    lower: PyReadonlyArray1<'_, f64>,
    upper: PyReadonlyArray1<'_, f64>,
    total: (f64, f64),
    rows: PyReadonlyArray2<'_, f64>,
    row_lower: PyReadonlyArray1<'_, f64>,
    row_upper: PyReadonlyArray1<'_, f64>,
    current: Option<PyReadonlyArray1<'_, f64>>,
    turnover: f64,
    start: Option<PyReadonlyArray1<'_, f64>>,
) -> PyResult<ProgramSolution> {
    let bounds = to_bounds(&lower, &upper)?;
    let program = Program {
        hessian: hessian.as_array(),
        linear: excess.as_array(),
        bounds: &bounds,
        total,
        rows: rows.as_array(),
        row_lower: row_lower.as_array(),
        row_upper: row_upper.as_array(),
        trading: trading(&current, &None, &None, turnover)?,
    };
    let start = start.as_ref().map(PyReadonlyArray1::as_array);
    let solution = detached(py, || optimization::maximum_ratio_program(&program, start))?;
    Ok(to_solution(py, solution))
}

/// Costs and limits of trading, which need weights to trade from.
fn trading<'a>(
    current: &'a Option<PyReadonlyArray1<'_, f64>>,
    linear_cost: &'a Option<PyReadonlyArray1<'_, f64>>,
    impact_cost: &'a Option<PyReadonlyArray1<'_, f64>>,
    turnover: f64,
) -> PyResult<Option<Trading<'a>>> {
    let [current, linear_cost, impact_cost] =
        [current, linear_cost, impact_cost].map(|values| values.as_ref().map(PyReadonlyArray1::as_array));
    if current.is_none() && (linear_cost.is_some() || impact_cost.is_some() || turnover != f64::INFINITY) {
        let range = "given where costs or turnover are";
        return Err(to_python(poise_core::Error::OutOfRange { what: "current", value: f64::NAN, range }));
    }
    Ok(current.map(|current| Trading { current, linear_cost, impact_cost, turnover }))
}
