//! Vectors of 512 bits.

use std::arch::x86_64::*;

use super::of_the_set;
use crate::exp::{Scale, exponential};
use crate::simd::{Kernel, Simd};

const LANES: usize = 8;

/// Proof that this processor has the set.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Avx512(());

impl Avx512 {
    pub(crate) fn detect() -> Option<Self> {
        let found = std::arch::is_x86_feature_detected!("avx512f")
            && std::arch::is_x86_feature_detected!("avx512cd")
            && std::arch::is_x86_feature_detected!("avx512bw")
            && std::arch::is_x86_feature_detected!("avx512dq")
            && std::arch::is_x86_feature_detected!("avx512vl")
            && std::arch::is_x86_feature_detected!("avx2")
            && std::arch::is_x86_feature_detected!("fma")
            && std::arch::is_x86_feature_detected!("bmi1")
            && std::arch::is_x86_feature_detected!("bmi2")
            && std::arch::is_x86_feature_detected!("popcnt");
        found.then_some(Self(()))
    }

    #[inline(always)]
    pub(crate) fn run<K: Kernel>(self, kernel: K) -> K::Output {
        #[target_feature(enable = "avx512f,avx512cd,avx512bw,avx512dq,avx512vl,avx2,fma,bmi1,bmi2,popcnt")]
        fn compiled_for_the_set<K: Kernel>(kernel: K, simd: Avx512) -> K::Output {
            kernel.run(simd)
        }
        of_the_set!(compiled_for_the_set(kernel, self))
    }
}

impl Simd for Avx512 {
    const LANES: usize = LANES;
    const REGISTERS: usize = 24;
    type Block = [f64; LANES];
    type Vector = __m512d;

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
    fn splat(self, value: f64) -> __m512d {
        of_the_set!(_mm512_set1_pd(value))
    }

    #[inline(always)]
    fn load(self, block: &Self::Block) -> __m512d {
        // SAFETY: the block is as long as a vector, a load may be unaligned; the set is there as `self` is.
        unsafe { _mm512_loadu_pd(block.as_ptr()) }
    }

    #[inline(always)]
    fn store(self, block: &mut Self::Block, vector: __m512d) {
        // SAFETY: the block is as long as a vector, a store may be unaligned; the set is there as `self` is.
        unsafe { _mm512_storeu_pd(block.as_mut_ptr(), vector) }
    }

    #[inline(always)]
    fn load_partial(self, values: &[f64]) -> __m512d {
        let lanes = first_lanes(values.len());
        // SAFETY: only lanes that the slice has are read; the set is there as `self` is.
        unsafe { _mm512_maskz_loadu_pd(lanes, values.as_ptr()) }
    }

    #[inline(always)]
    fn store_partial(self, values: &mut [f64], vector: __m512d) {
        let lanes = first_lanes(values.len());
        // SAFETY: only lanes that the slice has are written; the set is there as `self` is.
        unsafe { _mm512_mask_storeu_pd(values.as_mut_ptr(), lanes, vector) }
    }

    #[inline(always)]
    fn add(self, a: __m512d, b: __m512d) -> __m512d {
        of_the_set!(_mm512_add_pd(a, b))
    }

    #[inline(always)]
    fn sub(self, a: __m512d, b: __m512d) -> __m512d {
        of_the_set!(_mm512_sub_pd(a, b))
    }

    #[inline(always)]
    fn mul(self, a: __m512d, b: __m512d) -> __m512d {
        of_the_set!(_mm512_mul_pd(a, b))
    }

    #[inline(always)]
    fn div(self, a: __m512d, b: __m512d) -> __m512d {
        of_the_set!(_mm512_div_pd(a, b))
    }

    #[inline(always)]
    fn mul_add(self, a: __m512d, b: __m512d, c: __m512d) -> __m512d {
        of_the_set!(_mm512_fmadd_pd(a, b, c))
    }

    #[inline(always)]
    fn neg_mul_add(self, a: __m512d, b: __m512d, c: __m512d) -> __m512d {
        of_the_set!(_mm512_fnmadd_pd(a, b, c))
    }

    #[inline(always)]
    fn min(self, a: __m512d, b: __m512d) -> __m512d {
        of_the_set!(_mm512_min_pd(a, b))
    }

    #[inline(always)]
    fn max(self, a: __m512d, b: __m512d) -> __m512d {
        of_the_set!(_mm512_max_pd(a, b))
    }

    #[inline(always)]
    fn sqrt(self, a: __m512d) -> __m512d {
        of_the_set!(_mm512_sqrt_pd(a))
    }

    #[inline(always)]
    fn exp(self, a: __m512d) -> __m512d {
        exponential(self, a)
    }

    #[inline(always)]
    fn fma(self, a: f64, b: f64, c: f64) -> f64 {
        a.mul_add(b, c)
    }

    #[inline(always)]
    fn where_at_most(self, a: __m512d, b: __m512d, yes: __m512d, no: __m512d) -> __m512d {
        of_the_set!(_mm512_mask_blend_pd(_mm512_cmp_pd_mask::<_CMP_LE_OQ>(a, b), no, yes))
    }

    #[inline(always)]
    fn sum(self, a: __m512d) -> f64 {
        of_the_set!(_mm512_reduce_add_pd(a))
    }

    #[inline(always)]
    fn compress_at_most(self, block: &Self::Block, threshold: __m512d, room: &mut Self::Block) -> usize {
        let values = self.load(block);
        let kept = of_the_set!(_mm512_cmp_pd_mask::<_CMP_LE_OQ>(values, threshold));
        // Compressing in a register and storing all of it is many times faster than the store that compresses.
        self.store(room, of_the_set!(_mm512_maskz_compress_pd(kept, values)));
        kept.count_ones() as usize
    }
}

/// The lanes that `length` numbers fill, at most all.
#[inline(always)]
fn first_lanes(length: usize) -> __mmask8 {
    !(u32::MAX << length.min(LANES)) as __mmask8
}

impl Scale for Avx512 {
    #[inline(always)]
    fn round(self, a: __m512d) -> __m512d {
        of_the_set!(_mm512_roundscale_pd::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(a))
    }

    #[inline(always)]
    fn times_power_of_two(self, a: __m512d, n: __m512d) -> __m512d {
        of_the_set!(_mm512_scalef_pd(a, n))
    }
}
