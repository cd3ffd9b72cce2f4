//! One bar of a live outlook.

use numpy::{IntoPyArray, PyArray1, PyArrayMethods, PyReadonlyArray1, PyReadwriteArray1, PyReadwriteArray2};
use poise_core::moments::{self, Followed};
use pyo3::prelude::*;

use crate::border::{plain_vector, to_python};
use crate::estimators::ShrunkState;
use crate::iterated::IteratedState;

/// Next volatilities, the least of them, the mean return and the one by inverse volatility.
type Told<'py> = (Bound<'py, PyArray1<f64>>, f64, f64, f64);

/// Takes one row into both states, the second in units of `volatility` and pulled in to `winsor` of them. None, and
/// nothing changed, where a return is missing.
#[pyfunction]
fn follow<'py>(
    py: Python<'py>,
    mut iterated: PyRefMut<'py, IteratedState>,
    mut noise: PyRefMut<'py, ShrunkState>,
    row: PyReadonlyArray1<'py, f64>,
    volatility: PyReadonlyArray1<'py, f64>,
    winsor: f64,
) -> PyResult<Option<Told<'py>>> {
    let (iterated, noise) = (&mut iterated.inner, &mut noise.inner);
    let found = moments::follow(iterated, noise, row.as_array(), volatility.as_array(), winsor);
    Ok(found.map_err(to_python)?.map(|followed| {
        let Followed { volatility, least_volatility, market_return, base_return } = followed;
        (volatility.into_pyarray(py), least_volatility, market_return, base_return)
    }))
}

/// Takes the closes of a bar into `last` and into row `place` of `kept`, and what they earned since into that row of
/// `earned`; gives the returns. None, and nothing changed, where a close is missing or is no price.
#[pyfunction]
fn take_closes<'py>(
    closes: &Bound<'py, PyAny>,
    mut last: PyReadwriteArray1<'py, f64>,
    mut kept: PyReadwriteArray2<'py, f64>,
    mut earned: PyReadwriteArray2<'py, f64>,
    place: usize,
) -> PyResult<Option<Bound<'py, PyArray1<f64>>>> {
    let Some(closes) = plain_vector(closes) else { return Ok(None) };
    let view = closes.try_readonly()?;
    let (values, last) = (view.as_slice()?, last.as_slice_mut()?);
    let in_row = place * values.len()..(place + 1) * values.len();
    let (kept, earned) =
        (kept.as_slice_mut()?.get_mut(in_row.clone()), earned.as_slice_mut()?.get_mut(in_row));
    let (Some(kept), Some(earned)) = (kept, earned) else { return Ok(None) };
    let took = moments::take_closes(values, last, kept, earned);
    Ok(took.then(|| PyArray1::from_slice(closes.py(), earned)))
}

/// The mean of a row.
#[pyfunction]
fn row_mean(row: PyReadonlyArray1<'_, f64>) -> f64 {
    moments::mean(row.as_array())
}

/// The mean of a row weighted by one over the volatilities.
#[pyfunction]
fn inverse_volatility_mean(row: PyReadonlyArray1<'_, f64>, volatility: PyReadonlyArray1<'_, f64>) -> f64 {
    moments::inverse_volatility_mean(row.as_array(), volatility.as_array())
}

/// Adds the functions to the module.
pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(follow, module)?)?;
    module.add_function(wrap_pyfunction!(take_closes, module)?)?;
    module.add_function(wrap_pyfunction!(row_mean, module)?)?;
    module.add_function(wrap_pyfunction!(inverse_volatility_mean, module)?)
}
