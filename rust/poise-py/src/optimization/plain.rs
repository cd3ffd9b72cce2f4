//! The ordinary problem at one glance: plain arrays and plain numbers, one crossing, no look at them in Python.
//!
//! Each function answers None where an argument is anything else, where the bounds leave the budget no room, and
//! where the core refuses: the package then reads the input with care, and says what is wrong with it.

use numpy::{PyArray1, PyArray2, PyArrayMethods, PyReadonlyArray1, PyReadonlyArray2, PyUntypedArrayMethods};
use poise_core::optimization::{self, Bounds};
use pyo3::prelude::*;
use pyo3::types::{PyFloat, PyInt, PyTuple};

use super::frontier::Frontier;
use super::{Solution, solved};
use crate::border::{is_plain, plain_vector};

/// Sums of bounds closer to the budget than this part of the terms they are made of are judged with care.
const IN_DOUBT: f64 = 1e-11;

/// An argument, None where it was left out.
type Given<'a, 'py> = Option<&'a Bound<'py, PyAny>>;

/// The matrix, where `values` is one with assets in it.
fn matrix<'py>(values: &Bound<'py, PyAny>) -> Option<PyReadonlyArray2<'py, f64>> {
    let array = values.cast::<PyArray2<f64>>().ok().filter(|_| is_plain(values))?;
    let is_square = array.shape()[0] == array.shape()[1] && !array.is_empty();
    (is_square && array.is_contiguous() && array.is_aligned()).then(|| array.try_readonly().ok()).flatten()
}

fn vector<'py>(values: &Bound<'py, PyAny>) -> Option<PyReadonlyArray1<'py, f64>> {
    plain_vector(values)?.try_readonly().ok()
}

/// What `read` makes of an argument that may be left out: None inside, where it was.
fn unless_absent<'a, 'py, T>(
    given: Given<'a, 'py>,
    read: impl FnOnce(&'a Bound<'py, PyAny>) -> Option<T>,
) -> Option<Option<T>> {
    match given {
        None => Some(None),
        Some(values) => read(values).map(Some),
    }
}

fn real(value: &Bound<'_, PyAny>) -> Option<f64> {
    let is_number = value.is_exact_instance_of::<PyFloat>() || value.is_exact_instance_of::<PyInt>();
    is_number.then(|| value.extract().ok()).flatten()
}

/// One side of the bounds: a number for all, or one per asset.
fn side(values: &Bound<'_, PyAny>, n_assets: usize) -> Option<Vec<f64>> {
    if let Some(number) = real(values) {
        return Some(vec![number; n_assets]);
    }
    let array: &Bound<'_, PyArray1<f64>> = plain_vector(values)?;
    (array.len() == n_assets).then(|| array.to_vec().ok()).flatten()
}

/// How far a sum of bounds lies above the budget; 0 where rounding or an open bound leaves that in doubt.
fn excess(side: &[f64]) -> f64 {
    let doubt = IN_DOUBT * side.iter().fold(1.0, |size, bound| size + bound.abs());
    let excess = side.iter().sum::<f64>() - 1.0;
    if excess.abs() > doubt { excess } else { 0.0 }
}

/// A pair that clearly leaves room on both sides of the budget.
fn pair(given: &Bound<'_, PyAny>, n_assets: usize) -> Option<Bounds> {
    let (lower, upper) = given.cast_exact::<PyTuple>().ok()?.extract().ok()?;
    let (lower, upper) = (side(&lower, n_assets)?, side(&upper, n_assets)?);
    let has_room = excess(&lower) < 0.0 && excess(&upper) > 0.0;
    if has_room { Bounds::of_vectors(lower, upper).ok() } else { None }
}

fn long_only_unless(given: Given<'_, '_>, n_assets: usize) -> Option<Bounds> {
    match given {
        None => Bounds::uniform(n_assets, 0.0, 1.0).ok(),
        Some(given) => pair(given, n_assets),
    }
}

/// Least variance.
#[pyfunction]
pub(super) fn plain_minimum_variance(
    py: Python<'_>,
    covariance: &Bound<'_, PyAny>,
    bounds: Given<'_, '_>,
    start: Given<'_, '_>,
) -> Option<Solution> {
    let (covariance, start) = (matrix(covariance)?, unless_absent(start, vector)?);
    let (covariance, start) = (covariance.as_array(), start.as_ref().map(PyReadonlyArray1::as_array));
    let n_assets = covariance.nrows();
    let bounds = long_only_unless(bounds, n_assets)?;
    solved(py, n_assets, || optimization::minimum_variance_from(covariance, &bounds, start)).ok()
}

/// Best trade of expected return against variance.
#[pyfunction]
pub(super) fn plain_mean_variance(
    py: Python<'_>,
    expected_returns: &Bound<'_, PyAny>,
    covariance: &Bound<'_, PyAny>,
    risk_aversion: &Bound<'_, PyAny>,
    bounds: Given<'_, '_>,
    start: Given<'_, '_>,
) -> Option<Solution> {
    let (covariance, expected) = (matrix(covariance)?, vector(expected_returns)?);
    let (risk_aversion, start) = (real(risk_aversion)?, unless_absent(start, vector)?);
    let (covariance, expected) = (covariance.as_array(), expected.as_array());
    let start = start.as_ref().map(PyReadonlyArray1::as_array);
    let n_assets = covariance.nrows();
    let bounds = long_only_unless(bounds, n_assets)?;
    let solve = || optimization::mean_variance_from(expected, covariance, risk_aversion, &bounds, start);
    solved(py, n_assets, solve).ok()
}

/// Largest ratio of return above the riskless rate to volatility.
#[pyfunction]
pub(super) fn plain_maximum_sharpe(
    py: Python<'_>,
    expected_returns: &Bound<'_, PyAny>,
    covariance: &Bound<'_, PyAny>,
    rate: &Bound<'_, PyAny>,
    bounds: Given<'_, '_>,
) -> Option<Solution> {
    let (covariance, expected, rate) = (matrix(covariance)?, vector(expected_returns)?, real(rate)?);
    let (covariance, expected) = (covariance.as_array(), expected.as_array());
    let n_assets = covariance.nrows();
    let bounds = long_only_unless(bounds, n_assets)?;
    solved(py, n_assets, || optimization::maximum_sharpe(expected, covariance, rate, &bounds)).ok()
}

/// Largest diversification ratio.
#[pyfunction]
pub(super) fn plain_maximum_diversification(
    py: Python<'_>,
    covariance: &Bound<'_, PyAny>,
    bounds: Given<'_, '_>,
    start: Given<'_, '_>,
) -> Option<Solution> {
    let (covariance, start) = (matrix(covariance)?, unless_absent(start, vector)?);
    let (covariance, start) = (covariance.as_array(), start.as_ref().map(PyReadonlyArray1::as_array));
    let n_assets = covariance.nrows();
    let bounds = long_only_unless(bounds, n_assets)?;
    solved(py, n_assets, || optimization::maximum_diversification_from(covariance, &bounds, start)).ok()
}

/// Equal or budgeted risk contributions.
#[pyfunction]
pub(super) fn plain_risk_parity(
    py: Python<'_>,
    covariance: &Bound<'_, PyAny>,
    budgets: Given<'_, '_>,
    bounds: Given<'_, '_>,
    start: Given<'_, '_>,
) -> Option<Solution> {
    let (covariance, budgets) = (matrix(covariance)?, unless_absent(budgets, vector)?);
    let (covariance, start) = (covariance.as_array(), unless_absent(start, vector)?);
    let n_assets = covariance.nrows();
    let bounds = unless_absent(bounds, |given| pair(given, n_assets))?;
    let budgets = budgets.as_ref().map(PyReadonlyArray1::as_array);
    let start = start.as_ref().map(PyReadonlyArray1::as_array);
    let solve = || optimization::risk_parity_from(covariance, budgets, bounds.as_ref(), start);
    solved(py, n_assets, solve).ok()
}

/// Every corner portfolio.
#[pyfunction]
pub(super) fn plain_efficient_frontier(
    py: Python<'_>,
    expected_returns: &Bound<'_, PyAny>,
    covariance: &Bound<'_, PyAny>,
    bounds: Given<'_, '_>,
) -> Option<Frontier> {
    let (covariance, expected) = (matrix(covariance)?, vector(expected_returns)?);
    let (covariance, expected) = (covariance.as_array(), expected.as_array());
    let bounds = long_only_unless(bounds, covariance.nrows())?;
    Frontier::trace(py, expected, covariance, &bounds).ok()
}

/// Adds the functions to the module.
pub(super) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(plain_minimum_variance, module)?)?;
    module.add_function(wrap_pyfunction!(plain_mean_variance, module)?)?;
    module.add_function(wrap_pyfunction!(plain_maximum_sharpe, module)?)?;
    module.add_function(wrap_pyfunction!(plain_maximum_diversification, module)?)?;
    module.add_function(wrap_pyfunction!(plain_risk_parity, module)?)?;
    module.add_function(wrap_pyfunction!(plain_efficient_frontier, module)?)
}
