//! What the fuzz targets share: numbers, panels and matrices meant to hurt, drawn from bytes ([`draw`],
//! [`matrices`], [`limits`]), states as bytes ([`states`]), and what must hold of an answer ([`check`]).
#![forbid(unsafe_code)]

pub mod check;
pub mod draw;
pub mod limits;
pub mod matrices;
pub mod states;

pub use arbitrary::{Arbitrary, Result, Unstructured};
