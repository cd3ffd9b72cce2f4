//! The efficient frontier across the border: corner portfolios as arrays, every query as a `Solution`.

use std::time::Instant;

use ndarray::{ArrayView1, ArrayView2};
use numpy::{IntoPyArray, PyArray1, PyArray2, PyReadonlyArray1, PyReadonlyArray2};
use poise_core::optimization::{self, Bounds, Corner};
use pyo3::prelude::*;

use super::{Solution, quickly, solved, to_bounds};

/// The corner portfolios, from the highest return to the least variance.
#[pyclass(frozen, module = "poise._native")]
pub(super) struct Frontier {
    inner: optimization::Frontier,
    /// Wall time of the trace.
    #[pyo3(get)]
    seconds: f64,
}

impl Frontier {
    pub(super) fn trace(
        py: Python<'_>,
        expected: ArrayView1<'_, f64>,
        covariance: ArrayView2<'_, f64>,
        bounds: &Bounds,
    ) -> PyResult<Self> {
        let began = Instant::now();
        let solve = || optimization::efficient_frontier(expected, covariance, bounds);
        let inner = quickly(py, covariance.nrows(), solve)?;
        Ok(Self { inner, seconds: began.elapsed().as_secs_f64() })
    }

    /// A query is shorter than letting go of the interpreter and taking it back.
    fn query(
        py: Python<'_>,
        ask: impl Send + FnOnce() -> poise_core::Result<optimization::Solution>,
    ) -> PyResult<Solution> {
        solved(py, 0, ask)
    }

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
        Self::query(py, || self.inner.at_risk_tolerance(risk_tolerance))
    }

    fn at_return(&self, py: Python<'_>, target: f64) -> PyResult<Solution> {
        Self::query(py, || self.inner.at_return(target))
    }

    fn at_variance(&self, py: Python<'_>, target: f64) -> PyResult<Solution> {
        Self::query(py, || self.inner.at_variance(target))
    }

    fn minimum_variance(&self, py: Python<'_>) -> PyResult<Solution> {
        Self::query(py, || Ok(self.inner.minimum_variance()))
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
    Frontier::trace(py, expected, covariance, &to_bounds(&lower, &upper)?)
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
    solved(py, covariance.nrows(), || optimization::maximum_sharpe(expected, covariance, rate, &bounds))
}

/// Adds the frontier to the module.
pub(super) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<Frontier>()?;
    module.add_function(wrap_pyfunction!(efficient_frontier, module)?)?;
    module.add_function(wrap_pyfunction!(maximum_sharpe, module)?)
}
