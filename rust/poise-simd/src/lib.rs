//! One kernel, compiled for each instruction set that this machine's family has, the widest one chosen at run
//! time: a wheel cannot assume more than the baseline processor of its target.
//!
//! A kernel is a value that implements [`Kernel`], written once against [`Simd`]; [`dispatch`] runs it. The rest
//! of poise writes no `unsafe`: what a wider instruction set needs of it is here, each block with its reason.
//!
//! ```
//! use poise_simd::{Kernel, Simd, dispatch};
//!
//! struct Dot<'a>(&'a [f64], &'a [f64]);
//!
//! impl Kernel for Dot<'_> {
//!     type Output = f64;
//!
//!     #[inline(always)]
//!     fn run<S: Simd>(self, simd: S) -> f64 {
//!         let (x, x_rest) = simd.blocks(self.0);
//!         let (y, y_rest) = simd.blocks(self.1);
//!         let mut sum = simd.splat(0.0);
//!         for (x, y) in x.iter().zip(y) {
//!             sum = simd.mul_add(simd.load(x), simd.load(y), sum);
//!         }
//!         let rest: f64 = x_rest.iter().zip(y_rest).map(|(x, y)| x * y).sum();
//!         simd.sum(sum) + rest
//!     }
//! }
//!
//! assert_eq!(dispatch(Dot(&[1.0; 11], &[2.0; 11])), 22.0);
//! ```
//!
//! `#[inline(always)]` on `run`, and on every helper that takes a [`Simd`], is what carries a kernel into the
//! function that is compiled for the set: without it the result is right and slow.

mod baseline;
mod choice;
mod exp;
mod simd;
#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code, reason = "instructions of a set may be executed only where the processor has it")]
mod x86;

pub use choice::{InstructionSet, UnknownInstructionSet, available, chosen, requested};
pub use simd::{Kernel, Simd};

use baseline::Baseline;
use choice::Token;

/// Runs `kernel` compiled for [`chosen`]'s instruction set.
#[inline]
pub fn dispatch<K: Kernel>(kernel: K) -> K::Output {
    run(choice::token(), kernel)
}

/// Runs `kernel` compiled for `set`, or for the baseline where this processor lacks it.
pub fn dispatch_on<K: Kernel>(set: InstructionSet, kernel: K) -> K::Output {
    run(set.token().unwrap_or(Token::Baseline), kernel)
}

#[inline]
fn run<K: Kernel>(token: Token, kernel: K) -> K::Output {
    match token {
        Token::Baseline => kernel.run(Baseline),
        #[cfg(target_arch = "x86_64")]
        Token::Avx2(simd) => simd.run(kernel),
        #[cfg(target_arch = "x86_64")]
        Token::Avx512(simd) => simd.run(kernel),
    }
}

#[cfg(test)]
mod tests;
