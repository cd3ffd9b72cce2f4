//! The iterated EWMA covariance of the `moments` room.

use numpy::{IntoPyArray, PyArray1, PyReadonlyArray1};
use poise_core::moments::{self, BookSums, IteratedRule};
use pyo3::prelude::*;

use crate::border::to_python;
use crate::shared::{absorbs_rows, counted, saved, shows_moments};

/// The fields of [`BookSums`] in their order.
type Sums = (f64, f64, f64, f64, usize, f64, f64);

/// Running volatilities and correlations; the class behind `poise.moments.IteratedEwmaCovariance`.
#[pyclass(module = "poise._native")]
pub(crate) struct IteratedState {
    pub(crate) inner: moments::IteratedState,
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

    /// Variance and sum of a book's exposures, of their squares and sizes; how many assets it holds and their mean
    /// correlation; that of all. None where an asset is not yet measured.
    fn book(&self, weights: PyReadonlyArray1<'_, f64>) -> PyResult<Option<Sums>> {
        let found = self.inner.book(weights.as_array()).map_err(to_python)?;
        Ok(found.map(|sums| {
            let BookSums { variance, exposure, squares, gross, n_held, mean_of_held, mean } = sums;
            (variance, exposure, squares, gross, n_held, mean_of_held, mean)
        }))
    }

    /// An independent state that goes on from here.
    fn __copy__(&self) -> Self {
        Self { inner: self.inner.clone() }
    }

    /// Rows since each asset's last observation; NaN for one never seen.
    fn age<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<f64>> {
        self.inner.age().into_pyarray(py)
    }
}

counted!(IteratedState);
absorbs_rows!(IteratedState);
shows_moments!(IteratedState);
saved!(IteratedState, moments::IteratedState);

/// Adds the class to the module.
pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<IteratedState>()
}
