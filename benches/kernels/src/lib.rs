//! The inputs that the benches and the instruction count share, and the kernels that are counted.

pub mod agreement;
pub mod counted;
pub mod inputs;
