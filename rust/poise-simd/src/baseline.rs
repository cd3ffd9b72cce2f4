//! Portable Rust that any target compiles: four lanes, which the compiler maps to what the target has.

use crate::simd::Simd;

const LANES: usize = 4;

/// The set of every processor.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Baseline;

#[inline(always)]
fn lanes(f: impl Fn(usize) -> f64) -> [f64; LANES] {
    [f(0), f(1), f(2), f(3)]
}

impl Simd for Baseline {
    const LANES: usize = LANES;
    const REGISTERS: usize = 6;
    type Block = [f64; LANES];
    type Vector = [f64; LANES];

    #[inline(always)]
    fn blocks(self, values: &[f64]) -> (&[Self::Block], &[f64]) {
        values.as_chunks()
    }

    #[inline(always)]
    fn blocks_mut(self, values: &mut [f64]) -> (&mut [Self::Block], &mut [f64]) {
        values.as_chunks_mut()
    }

    #[inline(always)]
    fn zeros(self) -> Self::Block {
        [0.0; LANES]
    }

    #[inline(always)]
    fn splat(self, value: f64) -> Self::Vector {
        [value; LANES]
    }

    #[inline(always)]
    fn load(self, block: &Self::Block) -> Self::Vector {
        *block
    }

    #[inline(always)]
    fn store(self, block: &mut Self::Block, vector: Self::Vector) {
        *block = vector;
    }

    #[inline(always)]
    fn add(self, a: Self::Vector, b: Self::Vector) -> Self::Vector {
        lanes(|i| a[i] + b[i])
    }

    #[inline(always)]
    fn sub(self, a: Self::Vector, b: Self::Vector) -> Self::Vector {
        lanes(|i| a[i] - b[i])
    }

    #[inline(always)]
    fn mul(self, a: Self::Vector, b: Self::Vector) -> Self::Vector {
        lanes(|i| a[i] * b[i])
    }

    #[inline(always)]
    fn div(self, a: Self::Vector, b: Self::Vector) -> Self::Vector {
        lanes(|i| a[i] / b[i])
    }

    #[inline(always)]
    fn mul_add(self, a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector {
        lanes(|i| a[i] * b[i] + c[i])
    }

    #[inline(always)]
    fn neg_mul_add(self, a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector {
        lanes(|i| c[i] - a[i] * b[i])
    }

    #[inline(always)]
    fn min(self, a: Self::Vector, b: Self::Vector) -> Self::Vector {
        lanes(|i| if a[i] < b[i] { a[i] } else { b[i] })
    }

    #[inline(always)]
    fn max(self, a: Self::Vector, b: Self::Vector) -> Self::Vector {
        lanes(|i| if a[i] > b[i] { a[i] } else { b[i] })
    }

    #[inline(always)]
    fn sqrt(self, a: Self::Vector) -> Self::Vector {
        lanes(|i| a[i].sqrt())
    }

    #[inline(always)]
    fn where_at_most(
        self,
        a: Self::Vector,
        b: Self::Vector,
        yes: Self::Vector,
        no: Self::Vector,
    ) -> Self::Vector {
        lanes(|i| if a[i] <= b[i] { yes[i] } else { no[i] })
    }

    #[inline(always)]
    fn sum(self, a: Self::Vector) -> f64 {
        (a[0] + a[2]) + (a[1] + a[3])
    }

    #[inline(always)]
    fn exp(self, a: Self::Vector) -> Self::Vector {
        lanes(|i| a[i].exp())
    }

    #[inline(always)]
    fn compress_at_most(self, block: &Self::Block, threshold: Self::Vector, room: &mut Self::Block) -> usize {
        let mut filled = 0;
        for (value, bound) in block.iter().zip(threshold) {
            // At most three were kept before any of the four, so the mask changes nothing but spares the check.
            room[filled & (LANES - 1)] = *value;
            filled += usize::from(*value <= bound);
        }
        filled
    }

    #[inline(always)]
    fn fma(self, a: f64, b: f64, c: f64) -> f64 {
        a * b + c
    }
}
