//! The iterated EWMA covariance of the `moments` room.

use numpy::{IntoPyArray, PyArray1, PyArray2, PyReadonlyArray1, PyReadonlyArray2};
use poise_core::moments::{self, IteratedRule};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::border::{detached, to_python};

/// Running volatilities and correlations; the class behind `poise.moments.IteratedEwmaCovariance`.
#[pyclass(module = "poise._native")]
struct IteratedState {
    inner: moments::IteratedState,
}

#[pymethods]
impl IteratedState {
    #[new]
    #[pyo3(signature = (n_assets, *, volatility_half_life, correlation_half_life, whiten_lag, winsor))]
    fn new(
        n_assets: usize,
        volatility_half_life: f64,
        correlation_half_life: f64,
        whiten_lag: u8,
        winsor: Option<f64>,
    ) -> PyResult<Self> {
        let whiten_lag = whiten_lag != 0;
        let rule = IteratedRule { volatility_half_life, correlation_half_life, whiten_lag, winsor };
        let inner = moments::IteratedState::new(n_assets, rule).map_err(to_python)?;
        Ok(Self { inner })
    }

    /// Takes in one row.
    fn update(&mut self, row: PyReadonlyArray1<'_, f64>) -> PyResult<()> {
        let row = row.as_array();
        self.inner.update(row).map_err(to_python)
    }

    /// Takes in many rows.
    fn absorb(&mut self, py: Python<'_>, returns: PyReadonlyArray2<'_, f64>) -> PyResult<()> {
        let returns = returns.as_array();
        let state = &mut self.inner;
        detached(py, || state.absorb(returns))
    }

    #[getter]
    fn n_assets(&self) -> usize {
        self.inner.n_assets()
    }

    #[getter]
    fn n_observations(&self) -> u64 {
        self.inner.n_observations()
    }

    fn covariance<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray2<f64>> {
        self.inner.covariance().into_pyarray(py)
    }

    fn correlation<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray2<f64>> {
        self.inner.correlation().into_pyarray(py)
    }

    fn volatility<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<f64>> {
        self.inner.volatility().into_pyarray(py)
    }

    /// Rows since each asset's last observation; NaN for one never seen.
    fn age<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<f64>> {
        self.inner.age().into_pyarray(py)
    }

    fn to_bytes<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.inner.to_bytes())
    }

    #[staticmethod]
    fn from_bytes(data: &[u8]) -> PyResult<Self> {
        Ok(Self { inner: moments::IteratedState::from_bytes(data).map_err(to_python)? })
    }
}

/// Adds the class to the module.
pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<IteratedState>()
}
