//! Drawdowns, tails and scenarios that take in one bar at a time.

use numpy::{IntoPyArray, PyArray1, PyReadonlyArray1};
use poise_core::risk::{self, Tail};
use pyo3::prelude::*;

use super::{Matrix, Vector};
use crate::border::to_python;
use crate::shared::{counted, saved};

/// Drawdowns of a compounded value; the class behind `poise.risk.DrawdownTracker`.
#[pyclass(module = "poise._native")]
#[derive(Default)]
struct DrawdownTracker {
    inner: risk::DrawdownTracker,
}

#[pymethods]
impl DrawdownTracker {
    #[new]
    fn new() -> Self {
        Self::default()
    }

    /// Takes in one return and gives the drawdown after it.
    fn update(&mut self, value: f64) -> PyResult<f64> {
        self.inner.update(value).map_err(to_python)
    }

    #[getter]
    fn drawdown(&self) -> f64 {
        self.inner.drawdown()
    }

    #[getter]
    fn max_drawdown(&self) -> f64 {
        self.inner.max_drawdown()
    }

    #[getter]
    fn ulcer_index(&self) -> f64 {
        self.inner.ulcer_index()
    }

    #[getter]
    fn duration(&self) -> u64 {
        self.inner.duration()
    }

    #[getter]
    fn longest_duration(&self) -> u64 {
        self.inner.longest_duration()
    }

    #[getter]
    fn n_observations(&self) -> u64 {
        self.inner.n_observations()
    }
}

saved!(DrawdownTracker, risk::DrawdownTracker);

/// The tail of a moving window; the class behind `poise.risk.RollingTailRisk`.
#[pyclass(module = "poise._native")]
struct RollingTail {
    inner: risk::RollingTail,
}

#[pymethods]
impl RollingTail {
    #[new]
    fn new(window: usize, confidence_level: f64) -> PyResult<Self> {
        Ok(Self { inner: risk::RollingTail::new(window, confidence_level).map_err(to_python)? })
    }

    /// Takes in one return.
    fn push(&mut self, value: f64) -> PyResult<()> {
        self.inner.push(value).map_err(to_python)?;
        Ok(())
    }

    /// NaN until the window is full.
    #[getter]
    fn value_at_risk(&self) -> f64 {
        self.number(|tail| tail.value_at_risk)
    }

    #[getter]
    fn conditional_value_at_risk(&self) -> f64 {
        self.number(|tail| tail.conditional_value_at_risk)
    }

    #[getter]
    fn window(&self) -> usize {
        self.inner.window()
    }

    #[getter]
    fn confidence_level(&self) -> f64 {
        self.inner.confidence_level()
    }

    #[getter]
    fn n_observations(&self) -> usize {
        self.inner.n_observations()
    }
}

saved!(RollingTail, risk::RollingTail);

impl RollingTail {
    fn number(&self, read: impl FnOnce(Tail) -> f64) -> f64 {
        self.inner.tail().map_or(f64::NAN, read)
    }
}

/// Scenarios of filtered historical simulation; the class behind `poise.risk.FilteredHistory`.
#[pyclass(module = "poise._native")]
pub(super) struct FilteredHistory {
    pub(super) inner: risk::FilteredHistory,
}

#[pymethods]
impl FilteredHistory {
    #[new]
    fn new(n_assets: usize, window: usize, half_life: f64) -> PyResult<Self> {
        Ok(Self { inner: risk::FilteredHistory::new(n_assets, window, half_life).map_err(to_python)? })
    }

    /// Takes in one row, NaN where a return is missing.
    fn push(&mut self, row: PyReadonlyArray1<'_, f64>) -> PyResult<()> {
        self.inner.push(row.as_array()).map_err(to_python)
    }

    #[getter]
    fn window(&self) -> usize {
        self.inner.window()
    }

    #[getter]
    fn half_life(&self) -> f64 {
        self.inner.half_life()
    }

    fn volatility<'py>(&self, py: Python<'py>) -> Vector<'py> {
        PyArray1::from_slice(py, self.inner.volatility())
    }

    fn observations<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<i64>> {
        // Counts of rows stay far below the signed limit.
        self.inner.observations().iter().map(|count| *count as i64).collect::<Vec<_>>().into_pyarray(py)
    }

    fn scenarios<'py>(&self, py: Python<'py>) -> Matrix<'py> {
        self.inner.scenarios().into_pyarray(py)
    }

    /// What the weights earn in every scenario that they have.
    fn outcomes<'py>(
        &mut self,
        py: Python<'py>,
        weights: PyReadonlyArray1<'py, f64>,
    ) -> PyResult<Vector<'py>> {
        Ok(PyArray1::from_slice(py, self.inner.outcomes(weights.as_array()).map_err(to_python)?))
    }

    /// VaR and CVaR of the weights at every level; empty below `least` scenarios.
    fn tails(
        &mut self,
        weights: PyReadonlyArray1<'_, f64>,
        levels: Vec<f64>,
        least: usize,
    ) -> PyResult<Vec<(f64, f64)>> {
        let tails = self.inner.tails(weights.as_array(), &levels, least).map_err(to_python)?;
        Ok(tails.iter().map(|tail| (tail.value_at_risk, tail.conditional_value_at_risk)).collect())
    }
}

saved!(FilteredHistory, risk::FilteredHistory);
counted!(FilteredHistory);

/// Adds the classes to the module.
pub(super) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<DrawdownTracker>()?;
    module.add_class::<RollingTail>()?;
    module.add_class::<FilteredHistory>()
}
