//! Risk of a portfolio, bar by bar. A plain row of numbers passes without a Python frame.

use numpy::{IntoPyArray, PyArray1, PyArrayMethods, PyReadonlyArray1};
use poise_core::risk::{self, RiskRule, Tail};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use super::{Matrix, Vector};
use crate::border::{plain_vector, to_python};

/// The class behind `poise.risk.RiskEngine`, which reads labels and writes them back.
#[pyclass(module = "poise._native", subclass)]
struct RiskEngine {
    inner: risk::RiskEngine,
}

#[pymethods]
impl RiskEngine {
    #[new]
    #[pyo3(signature = (n_assets, *, half_life, window, confidence_level, min_observations))]
    fn new(
        n_assets: usize,
        half_life: f64,
        window: usize,
        confidence_level: f64,
        min_observations: usize,
    ) -> PyResult<Self> {
        let rule = RiskRule { half_life, window, confidence_level, min_observations };
        Ok(Self { inner: risk::RiskEngine::new(n_assets, rule).map_err(to_python)? })
    }

    /// Take in the asset returns of the next bar, earned with the weights held until now.
    ///
    /// Parameters
    /// ----------
    /// row : array_like of shape (n_assets,), or mapping of symbol to return
    ///     Simple returns of one bar, as fractions. NaN is missing, as is a symbol that a mapping leaves out. A
    ///     labelled row is matched by name. A float64 array in the order of the assets is the fastest.
    ///
    /// Returns
    /// -------
    /// float
    ///     The portfolio's return over the bar; NaN where a held asset is missing.
    ///
    /// Raises
    /// ------
    /// NonFiniteError
    ///     If a return is infinite; the message names its index.
    /// ParameterError
    ///     If a return is so large (1e154) that its square is infinite.
    /// ShapeError
    ///     If the row has other assets.
    /// UnknownSymbolError
    ///     If a mapping names a symbol that is none of the assets.
    fn update(slf: &Bound<'_, Self>, row: &Bound<'_, PyAny>) -> PyResult<f64> {
        if let Some(array) = plain_vector(row) {
            return Self::advance(slf, &array.try_readonly()?);
        }
        let values: PyReadonlyArray1<'_, f64> = slf.call_method1("_row_values", (row,))?.extract()?;
        Self::advance(slf, &values)
    }

    /// Whether tail and volatilities of what is held are known.
    #[getter]
    fn is_warm(&self) -> bool {
        self.inner.is_warm()
    }

    /// Assets in a row.
    #[getter]
    fn n_assets(&self) -> usize {
        self.inner.n_assets()
    }

    /// Bars taken in that held at least one value.
    #[getter]
    fn n_observations(&self) -> u64 {
        self.inner.n_observations()
    }

    /// Returns in the window of the pro-forma portfolio.
    #[getter]
    fn n_returns(&self) -> usize {
        self.inner.n_returns()
    }

    /// The portfolio's return over the last bar; NaN where a held asset was missing.
    #[getter]
    fn portfolio_return(&self) -> f64 {
        self.inner.portfolio_return()
    }

    /// Standard deviation of the pro-forma portfolio per bar.
    #[getter]
    fn portfolio_volatility(&self) -> f64 {
        self.inner.portfolio_volatility()
    }

    /// Loss of the pro-forma portfolio exceeded with probability ``1 - confidence_level``.
    #[getter]
    fn value_at_risk(&self) -> f64 {
        self.number(|tail| tail.value_at_risk)
    }

    /// Mean loss of the worst ``1 - confidence_level`` of the pro-forma portfolio.
    #[getter]
    fn conditional_value_at_risk(&self) -> f64 {
        self.number(|tail| tail.conditional_value_at_risk)
    }

    /// Loss of the account since its highest value.
    #[getter]
    fn drawdown(&self) -> f64 {
        self.inner.account().drawdown()
    }

    /// Largest drawdown of the account.
    #[getter]
    fn max_drawdown(&self) -> f64 {
        self.inner.account().max_drawdown()
    }

    /// Root mean square of the account's drawdowns.
    #[getter]
    fn ulcer_index(&self) -> f64 {
        self.inner.account().ulcer_index()
    }

    /// Bars since the account's last maximum.
    #[getter]
    fn drawdown_duration(&self) -> u64 {
        self.inner.account().duration()
    }

    /// Standard deviation of every asset.
    #[getter]
    fn volatility<'py>(&self, py: Python<'py>) -> Vector<'py> {
        self.inner.volatility().into_pyarray(py)
    }

    /// Covariance of the assets.
    #[getter]
    fn covariance<'py>(&self, py: Python<'py>) -> Matrix<'py> {
        self.inner.covariance().into_pyarray(py)
    }

    /// Correlation of the assets.
    #[getter]
    fn correlation<'py>(&self, py: Python<'py>) -> Matrix<'py> {
        self.inner.correlation().into_pyarray(py)
    }

    /// Contribution of every asset to the portfolio's volatility.
    #[getter]
    fn risk_contributions<'py>(&self, py: Python<'py>) -> PyResult<Vector<'py>> {
        Ok(self.inner.risk_contributions().map_err(to_python)?.into_pyarray(py))
    }

    /// Mean volatility of the positions over the portfolio's; 1 when all is cash.
    #[getter]
    fn diversification_ratio(&self) -> PyResult<f64> {
        self.inner.diversification_ratio().map_err(to_python)
    }

    /// The weights held.
    #[getter]
    fn weights<'py>(&self, py: Python<'py>) -> Vector<'py> {
        PyArray1::from_slice(py, self.inner.weights())
    }

    /// Holds other weights.
    fn hold(&mut self, weights: PyReadonlyArray1<'_, f64>) -> PyResult<()> {
        self.inner.hold(weights.as_array()).map_err(to_python)
    }

    fn to_bytes<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.inner.to_bytes())
    }

    /// Becomes the engine that `to_bytes` wrote.
    fn restore(&mut self, data: &[u8]) -> PyResult<()> {
        self.inner = risk::RiskEngine::from_bytes(data).map_err(to_python)?;
        Ok(())
    }
}

impl RiskEngine {
    fn advance(slf: &Bound<'_, Self>, row: &PyReadonlyArray1<'_, f64>) -> PyResult<f64> {
        let mut engine = slf.try_borrow_mut()?;
        let updated = match row.as_slice() {
            Ok(values) => engine.inner.update(values),
            Err(_) => engine.inner.update(&row.as_array().to_vec()),
        };
        updated.map_err(to_python)
    }

    fn number(&self, read: impl FnOnce(Tail) -> f64) -> f64 {
        self.inner.tail().map_or(f64::NAN, read)
    }
}

/// Adds the class to the module.
pub(super) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<RiskEngine>()
}
