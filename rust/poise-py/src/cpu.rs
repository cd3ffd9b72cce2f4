//! Which instruction set the kernels run on.

use poise_simd::{available, chosen, requested};
use pyo3::prelude::*;

use crate::border::ConfigError;

/// The instruction set in use: `baseline`, `avx2` or `avx512`.
#[pyfunction]
fn cpu() -> &'static str {
    chosen().name()
}

/// The instruction sets that this processor has, the narrowest first.
#[pyfunction]
fn cpus() -> Vec<&'static str> {
    available().map(|set| set.name()).collect()
}

/// Refuses a `POISE_CPU` that cannot be met, and adds the room's functions to the module.
pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    requested().map_err(|refused| ConfigError::new_err((vec![refused.to_string()],)))?;
    module.add_function(wrap_pyfunction!(cpu, module)?)?;
    module.add_function(wrap_pyfunction!(cpus, module)?)
}
