//! The instruction sets of x86-64. A value of [`Avx2`] or [`Avx512`] exists only where `detect` found the set, so
//! holding one is the reason why its instructions may be executed.

mod avx2;
mod avx512;

pub(crate) use avx2::Avx2;
pub(crate) use avx512::Avx512;

/// Executes instructions of the set whose token is at hand.
macro_rules! of_the_set {
    ($instructions:expr) => {
        // SAFETY: the set's token (`self`) exists only where the processor was found to have its instructions.
        unsafe { $instructions }
    };
}
use of_the_set;
