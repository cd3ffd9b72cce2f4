//! Tests of risk models against what followed.

use ndarray::{Array2, ArrayView1};
use numpy::{IntoPyArray, PyArray2, PyReadonlyArray1, PyReadonlyArray2};
use poise_core::risk::{self, Forecast, LikelihoodRatio, Tail, Zone};
use pyo3::prelude::*;

use super::online::FilteredHistory;
use crate::border::{ShapeError, detached, to_python};

type Pair = (f64, f64);
/// Exceptions, then three p-values.
type Coverage = (u64, f64, f64, f64);

/// Statistic and p-value of the frequency of exceptions.
#[pyfunction]
fn kupiec(py: Python<'_>, n_exceptions: u64, n_observations: u64, confidence_level: f64) -> PyResult<Pair> {
    Ok(pair(detached(py, || risk::kupiec(n_exceptions, n_observations, confidence_level))?))
}

/// Statistics and p-values of coverage, independence and both, and the four counts of transitions.
#[pyfunction]
fn christoffersen(
    py: Python<'_>,
    exceptions: PyReadonlyArray1<'_, bool>,
    confidence_level: f64,
) -> PyResult<(Pair, Pair, Pair, [u64; 4])> {
    let exceptions = exceptions.as_array();
    let found = detached(py, || risk::christoffersen(exceptions, confidence_level))?;
    let both = pair(found.conditional_coverage);
    Ok((pair(found.coverage), pair(found.independence), both, found.transitions))
}

/// The Basel zone, the chance of so many exceptions or fewer, and that of so many or more.
#[pyfunction]
fn traffic_light(
    py: Python<'_>,
    n_exceptions: u64,
    n_observations: u64,
    confidence_level: f64,
) -> PyResult<(&'static str, f64, f64)> {
    let light = detached(py, || risk::traffic_light(n_exceptions, n_observations, confidence_level))?;
    let zone = match light.zone {
        Zone::Green => "green",
        Zone::Yellow => "yellow",
        Zone::Red => "red",
    };
    Ok((zone, light.cumulative_probability, light.p_value))
}

/// Z1, Z2 and the number of exceptions.
#[pyfunction]
fn acerbi_szekely(
    py: Python<'_>,
    returns: PyReadonlyArray1<'_, f64>,
    value_at_risk: PyReadonlyArray1<'_, f64>,
    expected_shortfall: PyReadonlyArray1<'_, f64>,
    confidence_level: f64,
) -> PyResult<(f64, f64, u64)> {
    let (returns, var) = (returns.as_array(), value_at_risk.as_array());
    let shortfall = expected_shortfall.as_array();
    let found = detached(py, || risk::acerbi_szekely(returns, var, shortfall, confidence_level))?;
    Ok((found.z1, found.z2, found.n_exceptions))
}

/// Value at risk and expected shortfall, each at every level.
type Levels = [f64; risk::LEVELS];

/// The forecasts of a model and what came; the class behind `poise.risk.VarBacktest`.
#[pyclass(module = "poise._native")]
pub(super) struct Forecasts {
    pub(super) inner: risk::Forecasts,
}

#[pymethods]
impl Forecasts {
    #[new]
    fn new(window: usize) -> PyResult<Self> {
        Ok(Self { inner: risk::Forecasts::new(window).map_err(to_python)? })
    }

    /// What `rows`, as [`Forecasts::rows`] gives them, leave of `n_observations`.
    #[staticmethod]
    fn restored(window: usize, n_observations: u64, rows: PyReadonlyArray2<'_, f64>) -> PyResult<Self> {
        let rows = rows.as_array();
        let read = |row: ArrayView1<'_, f64>| row.iter().copied().collect::<Vec<f64>>().try_into();
        let rows: Result<Vec<_>, _> = rows.outer_iter().map(read).collect();
        let rows = rows.map_err(|_| ShapeError::new_err("a forecast has another number of columns"))?;
        let rows: Vec<Forecast> = rows.into_iter().map(Forecast::of_row).collect();
        let inner = risk::Forecasts::restored(window, n_observations, &rows).map_err(to_python)?;
        Ok(Self { inner })
    }

    /// Takes in one bar.
    fn push(&mut self, realised: f64, value_at_risk: Levels, expected_shortfall: Levels) -> PyResult<()> {
        self.inner.push(Forecast { realised, value_at_risk, expected_shortfall }).map_err(to_python)
    }

    /// What came, then both forecasts at every level; oldest first.
    fn rows<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray2<f64>> {
        let mut rows = Array2::zeros((self.inner.rows().count(), Forecast::N_COLUMNS));
        for (mut into, row) in rows.outer_iter_mut().zip(self.inner.rows()) {
            into.assign(&ArrayView1::from(&row.to_row()));
        }
        rows.into_pyarray(py)
    }

    #[getter]
    fn window(&self) -> usize {
        self.inner.window()
    }

    #[getter]
    fn n_observations(&self) -> u64 {
        self.inner.n_observations()
    }

    /// At the first and the last level: exceptions, p-values of coverage, independence and both; then exceptions
    /// at the last level among the `recent` bars, Z2 at the middle level and the median of shortfall over value at
    /// risk.
    fn on_trial(&self, levels: Levels, recent: usize) -> PyResult<([Coverage; 2], u64, f64, f64)> {
        let found = self.inner.on_trial(levels, recent).map_err(to_python)?;
        let coverage = found.coverage.map(|level| {
            let also = level.christoffersen;
            let (independence, both) = (also.independence.p_value, also.conditional_coverage.p_value);
            (level.n_exceptions, level.kupiec.p_value, independence, both)
        });
        Ok((coverage, found.n_recent, found.shortfall_statistic, found.tail_ratio))
    }

    fn __copy__(&self) -> Self {
        Self { inner: self.inner.clone() }
    }
}

/// Puts the forecast of a bar, one pair per level, on trial and takes the bar's row into `history`; whether it did,
/// for a row with a gap is left to others.
#[pyfunction]
fn judge(
    mut history: PyRefMut<'_, FilteredHistory>,
    mut forecasts: PyRefMut<'_, Forecasts>,
    row: PyReadonlyArray1<'_, f64>,
    weights: PyReadonlyArray1<'_, f64>,
    outlook: Option<[Pair; risk::LEVELS]>,
) -> PyResult<bool> {
    let tail = |(value_at_risk, conditional_value_at_risk)| Tail { value_at_risk, conditional_value_at_risk };
    let outlook = outlook.map(|levels| levels.map(tail));
    let (row, weights) = (row.as_array(), weights.as_array());
    risk::judge(&mut history.inner, &mut forecasts.inner, row, weights, outlook).map_err(to_python)
}

fn pair(ratio: LikelihoodRatio) -> Pair {
    (ratio.statistic, ratio.p_value)
}

/// Adds the functions to the module.
pub(super) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(kupiec, module)?)?;
    module.add_function(wrap_pyfunction!(christoffersen, module)?)?;
    module.add_function(wrap_pyfunction!(traffic_light, module)?)?;
    module.add_function(wrap_pyfunction!(acerbi_szekely, module)?)?;
    module.add_function(wrap_pyfunction!(judge, module)?)?;
    module.add_class::<Forecasts>()
}
