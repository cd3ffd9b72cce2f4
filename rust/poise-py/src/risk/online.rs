//! Drawdowns and tails that take in one return at a time.

use poise_core::risk::{self, Tail};
use pyo3::prelude::*;

use crate::border::to_python;
use crate::shared::saved;

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

/// Adds the classes to the module.
pub(super) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<DrawdownTracker>()?;
    module.add_class::<RollingTail>()
}
