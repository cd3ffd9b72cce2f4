//! The one place where the interpreter is released, where a core error becomes a Python exception and where a
//! plain row of numbers is told from anything else.

use numpy::{PyArray1, PyUntypedArray, PyUntypedArrayMethods};
use poise_core::Error;
use pyo3::prelude::*;

pyo3::import_exception!(poise.errors, ConfigError);
pyo3::import_exception!(poise.errors, EmptyInputError);
pyo3::import_exception!(poise.errors, InfeasibleError);
pyo3::import_exception!(poise.errors, InputError);
pyo3::import_exception!(poise.errors, NonFiniteError);
pyo3::import_exception!(poise.errors, NotConvergedError);
pyo3::import_exception!(poise.errors, NotEnoughDataError);
pyo3::import_exception!(poise.errors, NotPositiveSemidefiniteError);
pyo3::import_exception!(poise.errors, ParameterError);
pyo3::import_exception!(poise.errors, ShapeError);
pyo3::import_exception!(poise.errors, StateError);

/// Runs `compute` without holding the interpreter and maps its error.
pub(crate) fn detached<T, F>(py: Python<'_>, compute: F) -> PyResult<T>
where
    F: Send + FnOnce() -> poise_core::Result<T>,
    T: Send,
{
    py.detach(compute).map_err(to_python)
}

/// The exception of `poise.errors` that says what `error` says.
pub(crate) fn to_python(error: Error) -> PyErr {
    let message = error.to_string();
    match error {
        Error::Empty { .. } => EmptyInputError::new_err(message),
        Error::Shape { .. } | Error::NotSymmetric { .. } => ShapeError::new_err(message),
        Error::NotIncreasing { .. } => InputError::new_err(message),
        Error::NonFinite { .. } => NonFiniteError::new_err(message),
        Error::Constant { .. } => InputError::new_err(message),
        Error::OutOfRange { .. } => ParameterError::new_err(message),
        Error::TooFew { .. } => NotEnoughDataError::new_err(message),
        Error::NotPositiveSemidefinite { .. } => NotPositiveSemidefiniteError::new_err(message),
        Error::Infeasible { .. } => InfeasibleError::new_err(message),
        Error::NotConverged { .. } => NotConvergedError::new_err(message),
        Error::Snapshot { .. } => StateError::new_err(message),
    }
}

/// Whether `values` is an array and no subclass, which may mean something else by its numbers: a masked array does.
pub(crate) fn is_plain(values: &Bound<'_, PyAny>) -> bool {
    values.is_exact_instance_of::<PyUntypedArray>()
}

/// The array, where `values` is exactly that: contiguous native numbers on one axis.
pub(crate) fn plain_vector<'a, 'py>(values: &'a Bound<'py, PyAny>) -> Option<&'a Bound<'py, PyArray1<f64>>> {
    if !is_plain(values) {
        return None;
    }
    let array = values.cast::<PyArray1<f64>>().ok()?;
    (array.is_contiguous() && array.is_aligned()).then_some(array)
}
