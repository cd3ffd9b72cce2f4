//! The exponential, for sets that have no function of their own to call.

use crate::simd::Simd;

/// `1 / k!` for `k` from 13 down to 2: within half a logarithm of two the next term is below a rounding.
const COEFFICIENTS: [f64; 12] = [
    1.0 / 6_227_020_800.0,
    1.0 / 479_001_600.0,
    1.0 / 39_916_800.0,
    1.0 / 3_628_800.0,
    1.0 / 362_880.0,
    1.0 / 40_320.0,
    1.0 / 5_040.0,
    1.0 / 720.0,
    1.0 / 120.0,
    1.0 / 24.0,
    1.0 / 6.0,
    0.5,
];

/// The logarithm of two in two parts, of which the first times a whole number below 2048 is exact
/// (Cody and Waite, 1980).
const LN_2_HIGH: f64 = 0.693_147_180_369_123_8;
const LN_2_LOW: f64 = 1.908_214_929_270_587_7e-10;

/// Beyond this the exponential is 0 or infinite.
const LARGEST: f64 = 800.0;

/// What the exponential needs beside [`Simd`].
pub(crate) trait Scale: Simd {
    /// The nearest whole numbers.
    fn round(self, a: Self::Vector) -> Self::Vector;

    /// `a 2^n` for whole `n` between -1200 and 1200.
    fn times_power_of_two(self, a: Self::Vector, n: Self::Vector) -> Self::Vector;
}

#[inline(always)]
pub(crate) fn exponential<S: Scale>(simd: S, x: S::Vector) -> S::Vector {
    // In this order of operands NaN passes.
    let x = simd.min(simd.splat(LARGEST), simd.max(simd.splat(-LARGEST), x));
    let n = simd.round(simd.mul(x, simd.splat(std::f64::consts::LOG2_E)));
    let r = simd.neg_mul_add(n, simd.splat(LN_2_HIGH), x);
    let r = simd.neg_mul_add(n, simd.splat(LN_2_LOW), r);
    let mut sum = simd.splat(COEFFICIENTS[0]);
    for coefficient in &COEFFICIENTS[1..] {
        sum = simd.mul_add(sum, r, simd.splat(*coefficient));
    }
    let one = simd.splat(1.0);
    let sum = simd.mul_add(simd.mul_add(sum, r, one), r, one);
    simd.times_power_of_two(sum, n)
}
