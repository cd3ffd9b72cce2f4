//! The iterated EWMA covariance of the `moments` room by horizon and by regime.

use numpy::{IntoPyArray, PyArray1, PyArray2, PyReadonlyArray1, PyReadonlyArray2};
use poise_core::moments::{self, IteratedRule, Timeframe};
use pyo3::prelude::*;

use crate::border::{detached, to_python};
use crate::shared::{counted, saved, shows_moments};

/// Running moments at several horizons; the class behind `poise.moments.MultiTimeframeCovariance`.
#[pyclass(module = "poise._native")]
struct TimeframesState {
    inner: moments::TimeframesState,
}

#[pymethods]
impl TimeframesState {
    /// `base` in nanoseconds; `timeframes` as (nanoseconds, weight, volatility and correlation half-life).
    #[new]
    #[pyo3(signature = (n_assets, *, base, timeframes))]
    #[allow(clippy::needless_pass_by_value)] // pyo3 hands over what it has read
    fn new(n_assets: usize, base: i64, timeframes: Vec<(i64, f64, f64, f64)>) -> PyResult<Self> {
        let timeframes: Vec<Timeframe> = timeframes
            .iter()
            .map(|&(bar, weight, volatility_half_life, correlation_half_life)| Timeframe {
                bar,
                weight,
                volatility_half_life,
                correlation_half_life,
            })
            .collect();
        Ok(Self { inner: moments::TimeframesState::new(n_assets, base, &timeframes).map_err(to_python)? })
    }

    /// Takes in the row of the bar that opened at `opened` nanoseconds after 1970.
    fn update(&mut self, opened: i64, row: PyReadonlyArray1<'_, f64>) -> PyResult<()> {
        let row = row.as_array();
        self.inner.update(opened, row).map_err(to_python)
    }

    /// Takes in many rows.
    fn absorb(
        &mut self,
        py: Python<'_>,
        opened: PyReadonlyArray1<'_, i64>,
        returns: PyReadonlyArray2<'_, f64>,
    ) -> PyResult<()> {
        let (opened, returns) = (opened.as_array(), returns.as_array());
        let state = &mut self.inner;
        detached(py, || state.absorb(opened, returns))
    }

    /// One row per timeframe.
    fn variance_ratio<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray2<f64>> {
        self.inner.variance_ratio().into_pyarray(py)
    }

    /// Closed bars with a return, one row per timeframe.
    fn n_closed<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray2<f64>> {
        self.inner.n_closed().into_pyarray(py)
    }
}

counted!(TimeframesState);
shows_moments!(TimeframesState);
saved!(TimeframesState, moments::TimeframesState);

/// Running correlations of each regime; the class behind `poise.moments.RegimeCovariance`.
#[pyclass(module = "poise._native")]
struct RegimesState {
    inner: moments::RegimesState,
}

#[pymethods]
impl RegimesState {
    #[new]
    #[pyo3(signature = (
        n_assets, *, n_regimes, volatility_half_life, correlation_half_life, whiten_lag, winsor
    ))]
    fn new(
        n_assets: usize,
        n_regimes: usize,
        volatility_half_life: f64,
        correlation_half_life: f64,
        whiten_lag: u8,
        winsor: Option<f64>,
    ) -> PyResult<Self> {
        let whiten_lag = whiten_lag != 0;
        let rule = IteratedRule { volatility_half_life, correlation_half_life, whiten_lag, winsor };
        Ok(Self { inner: moments::RegimesState::new(n_assets, n_regimes, rule).map_err(to_python)? })
    }

    /// Takes in one row and the probability of each regime in it.
    fn update(
        &mut self,
        row: PyReadonlyArray1<'_, f64>,
        probabilities: PyReadonlyArray1<'_, f64>,
    ) -> PyResult<()> {
        let (row, probabilities) = (row.as_array(), probabilities.as_array());
        self.inner.update(row, probabilities).map_err(to_python)
    }

    /// Takes in many rows.
    fn absorb(
        &mut self,
        py: Python<'_>,
        returns: PyReadonlyArray2<'_, f64>,
        probabilities: PyReadonlyArray2<'_, f64>,
    ) -> PyResult<()> {
        let (returns, probabilities) = (returns.as_array(), probabilities.as_array());
        let state = &mut self.inner;
        detached(py, || state.absorb(returns, probabilities))
    }

    fn conditional_correlation<'py>(
        &self,
        py: Python<'py>,
        regime: usize,
    ) -> PyResult<Bound<'py, PyArray2<f64>>> {
        Ok(self.inner.conditional_correlation(regime).map_err(to_python)?.into_pyarray(py))
    }

    fn conditional_covariance<'py>(
        &self,
        py: Python<'py>,
        regime: usize,
    ) -> PyResult<Bound<'py, PyArray2<f64>>> {
        Ok(self.inner.conditional_covariance(regime).map_err(to_python)?.into_pyarray(py))
    }

    /// Observations that each regime can speak of.
    fn n_effective<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<f64>> {
        self.inner.n_effective().into_pyarray(py)
    }
}

counted!(RegimesState);
shows_moments!(RegimesState);
saved!(RegimesState, moments::RegimesState);

/// Adds the classes to the module.
pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<TimeframesState>()?;
    module.add_class::<RegimesState>()
}
