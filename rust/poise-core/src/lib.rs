//! The mathematics of poise, in pure Rust.
//!
//! Four rooms with the same names as in the border and the Python package: [`moments`], [`risk`],
//! [`regime`] and [`optimization`]. Functions take array views, return owned arrays and [`Result`]; they never
//! print, never panic on input, and allocate before their loops. Shapes: `(n_observations, n_assets)`, time
//! runs down. Losses are positive.

pub mod error;
mod linear;
pub mod moments;
pub mod optimization;
pub mod regime;
pub mod risk;
mod snapshot;
mod sums;
pub mod validate;

pub use error::{Error, Result};
