//! The `optimization` room of the border.

use pyo3::prelude::*;

/// Adds the room's functions and classes to the module.
pub(crate) fn register(_module: &Bound<'_, PyModule>) -> PyResult<()> {
    Ok(())
}
