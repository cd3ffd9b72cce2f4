//! The efficient frontier across the border: corner portfolios as arrays, every query as a `Solution`.

use numpy::{IntoPyArray, PyArray1, PyArray2, PyReadonlyArray1, PyReadonlyArray2};
use poise_core::optimization::{self, Corner};
use pyo3::prelude::*;

use super::{Solution, quickly, to_bounds, to_solution};
use crate::border::to_python;

/// The corner portfolios, from the highest return to the least variance.
#[pyclass(frozen, module = "poise._native")]
struct Frontier {
    inner: optimization::Frontier,
}

impl Frontier {
    fn figures<'py>(&self, py: Python<'py>, figure: impl Fn(&Corner) -> f64) -> Bound<'py, PyArray1<f64>> {
        self.inner.corners().iter().map(figure).collect::<Vec<f64>>().into_pyarray(py)
    }
}

#[pymethods]
impl Frontier {
    /// One row of weights per corner.
    #[getter]
    fn weights<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyArray2<f64>>> {
        let rows: Vec<Vec<f64>> = self.inner.corners().iter().map(|corner| corner.weights.clone()).collect();
        Ok(PyArray2::from_vec2(py, &rows)?)
    }

    #[getter]
    fn expected_returns<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<f64>> {
        self.figures(py, |corner| corner.expected_return)
    }

    #[getter]
    fn variances<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<f64>> {
        self.figures(py, |corner| corner.variance)
    }

    #[getter]
    fn risk_tolerances<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<f64>> {
        self.figures(py, |corner| corner.risk_tolerance)
    }

    #[getter]
    fn certificates<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<f64>> {
        self.figures(py, |corner| corner.certificate)
    }

    /// Whether returns have no highest.
    #[getter]
    fn is_endless(&self) -> bool {
        self.inner.is_endless()
    }

    #[getter]
    fn steps(&self) -> usize {
        self.inner.steps()
    }

    fn at_risk_tolerance(&self, py: Python<'_>, risk_tolerance: f64) -> PyResult<Solution> {
        Ok(to_solution(py, self.inner.at_risk_tolerance(risk_tolerance).map_err(to_python)?))
    }

    fn at_return(&self, py: Python<'_>, target: f64) -> PyResult<Solution> {
        Ok(to_solution(py, self.inner.at_return(target).map_err(to_python)?))
    }

    fn at_variance(&self, py: Python<'_>, target: f64) -> PyResult<Solution> {
        Ok(to_solution(py, self.inner.at_variance(target).map_err(to_python)?))
    }

    fn minimum_variance(&self, py: Python<'_>) -> Solution {
        to_solution(py, self.inner.minimum_variance())
    }
}

/// Every corner portfolio.
#[pyfunction]
fn efficient_frontier(
    py: Python<'_>,
    expected_returns: PyReadonlyArray1<'_, f64>,
    covariance: PyReadonlyArray2<'_, f64>,
    lower: PyReadonlyArray1<'_, f64>,
    upper: PyReadonlyArray1<'_, f64>,
) -> PyResult<Frontier> {
    let (expected, covariance) = (expected_returns.as_array(), covariance.as_array());
    let bounds = to_bounds(&lower, &upper)?;
    let solve = || optimization::efficient_frontier(expected, covariance, &bounds);
    Ok(Frontier { inner: quickly(py, covariance.nrows(), solve)? })
}

/// Largest ratio of return above the riskless rate to volatility.
#[pyfunction]
fn maximum_sharpe(
    py: Python<'_>,
    expected_returns: PyReadonlyArray1<'_, f64>,
    covariance: PyReadonlyArray2<'_, f64>,
    rate: f64,
    lower: PyReadonlyArray1<'_, f64>,
    upper: PyReadonlyArray1<'_, f64>,
) -> PyResult<Solution> {
    let (expected, covariance) = (expected_returns.as_array(), covariance.as_array());
    let bounds = to_bounds(&lower, &upper)?;
    let solve = || optimization::maximum_sharpe(expected, covariance, rate, &bounds);
    Ok(to_solution(py, quickly(py, covariance.nrows(), solve)?))
}

/// Adds the frontier to the module.
pub(super) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<Frontier>()?;
    module.add_function(wrap_pyfunction!(efficient_frontier, module)?)?;
    module.add_function(wrap_pyfunction!(maximum_sharpe, module)?)
}
