//! The border between `poise-core` and Python: `poise._native`.
//!
//! Views come in, owned arrays go out, the interpreter is released while the core computes. A state is fed and
//! read with the interpreter held, so that to other threads each is one step; only what no other thread can
//! know yet takes in many rows without it. Each room of the core has a file of the same name here.

use pyo3::prelude::*;

mod border;
mod cpu;
mod estimators;
mod ewma;
mod follow;
mod horizons;
mod iterated;
mod moments;
mod optimization;
mod programs;
mod regime;
mod risk;
mod shared;

#[pymodule]
fn _native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    cpu::register(module)?;
    moments::register(module)?;
    ewma::register(module)?;
    iterated::register(module)?;
    estimators::register(module)?;
    follow::register(module)?;
    horizons::register(module)?;
    regime::register(module)?;
    risk::register(module)?;
    optimization::register(module)?;
    programs::register(module)
}
