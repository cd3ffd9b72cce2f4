//! Vectors of 256 bits with fused multiply-add.

use std::arch::x86_64::*;

use super::of_the_set;
use crate::exp::{Scale, exponential};
use crate::simd::{Kernel, Simd};

const LANES: usize = 4;

/// Proof that this processor has the set.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Avx2(());

impl Avx2 {
    pub(crate) fn detect() -> Option<Self> {
        let found = std::arch::is_x86_feature_detected!("avx2")
            && std::arch::is_x86_feature_detected!("fma")
            && std::arch::is_x86_feature_detected!("bmi1")
            && std::arch::is_x86_feature_detected!("bmi2")
            && std::arch::is_x86_feature_detected!("popcnt");
        found.then_some(Self(()))
    }

    #[inline(always)]
    pub(crate) fn run<K: Kernel>(self, kernel: K) -> K::Output {
        #[target_feature(enable = "avx2,fma,bmi1,bmi2,popcnt")]
        fn compiled_for_the_set<K: Kernel>(kernel: K, simd: Avx2) -> K::Output {
            kernel.run(simd)
        }
        of_the_set!(compiled_for_the_set(kernel, self))
    }
}

impl Simd for Avx2 {
    const LANES: usize = LANES;
    const REGISTERS: usize = 12;
    type Block = [f64; LANES];
    type Vector = __m256d;

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
    fn splat(self, value: f64) -> __m256d {
        of_the_set!(_mm256_set1_pd(value))
    }

    #[inline(always)]
    fn load(self, block: &Self::Block) -> __m256d {
        // SAFETY: the block is as long as a vector, a load may be unaligned; the set is there as `self` is.
        unsafe { _mm256_loadu_pd(block.as_ptr()) }
    }

    #[inline(always)]
    fn store(self, block: &mut Self::Block, vector: __m256d) {
        // SAFETY: the block is as long as a vector, a store may be unaligned; the set is there as `self` is.
        unsafe { _mm256_storeu_pd(block.as_mut_ptr(), vector) }
    }

    #[inline(always)]
    fn load_partial(self, values: &[f64]) -> __m256d {
        let lanes = &FIRST_LANES[LANES - values.len().min(LANES)..][..LANES];
        // SAFETY: the mask is as long as a vector and lets only lanes be read that the slice has; the set is there
        // as `self` is.
        unsafe { _mm256_maskload_pd(values.as_ptr(), _mm256_loadu_si256(lanes.as_ptr().cast())) }
    }

    #[inline(always)]
    fn store_partial(self, values: &mut [f64], vector: __m256d) {
        // Not the store with a mask, which is many times slower on some processors.
        let (low, high) = of_the_set!((_mm256_castpd256_pd128(vector), _mm256_extractf128_pd::<1>(vector)));
        let (pairs, rest) = values.as_chunks_mut::<2>();
        for (pair, half) in pairs.iter_mut().zip([low, high]) {
            // SAFETY: the pair is as long as a half, a store may be unaligned; the set is there as `self` is.
            unsafe { _mm_storeu_pd(pair.as_mut_ptr(), half) }
        }
        if let (Some(last), Some(&half)) = (rest.first_mut(), [low, high].get(pairs.len())) {
            *last = of_the_set!(_mm_cvtsd_f64(half));
        }
    }

    #[inline(always)]
    fn prefetch(self, value: &f64) {
        // SAFETY: the hint reads nothing, and its address is that of a value; the set is there as `self` is.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(value).cast()) }
    }

    #[inline(always)]
    fn add(self, a: __m256d, b: __m256d) -> __m256d {
        of_the_set!(_mm256_add_pd(a, b))
    }

    #[inline(always)]
    fn sub(self, a: __m256d, b: __m256d) -> __m256d {
        of_the_set!(_mm256_sub_pd(a, b))
    }

    #[inline(always)]
    fn mul(self, a: __m256d, b: __m256d) -> __m256d {
        of_the_set!(_mm256_mul_pd(a, b))
    }

    #[inline(always)]
    fn div(self, a: __m256d, b: __m256d) -> __m256d {
        of_the_set!(_mm256_div_pd(a, b))
    }

    #[inline(always)]
    fn mul_add(self, a: __m256d, b: __m256d, c: __m256d) -> __m256d {
        of_the_set!(_mm256_fmadd_pd(a, b, c))
    }

    #[inline(always)]
    fn neg_mul_add(self, a: __m256d, b: __m256d, c: __m256d) -> __m256d {
        of_the_set!(_mm256_fnmadd_pd(a, b, c))
    }

    #[inline(always)]
    fn min(self, a: __m256d, b: __m256d) -> __m256d {
        of_the_set!(_mm256_min_pd(a, b))
    }

    #[inline(always)]
    fn max(self, a: __m256d, b: __m256d) -> __m256d {
        of_the_set!(_mm256_max_pd(a, b))
    }

    #[inline(always)]
    fn sqrt(self, a: __m256d) -> __m256d {
        of_the_set!(_mm256_sqrt_pd(a))
    }

    #[inline(always)]
    fn exp(self, a: __m256d) -> __m256d {
        exponential(self, a)
    }

    #[inline(always)]
    fn fma(self, a: f64, b: f64, c: f64) -> f64 {
        a.mul_add(b, c)
    }

    #[inline(always)]
    fn where_at_most(self, a: __m256d, b: __m256d, yes: __m256d, no: __m256d) -> __m256d {
        of_the_set!(_mm256_blendv_pd(no, yes, _mm256_cmp_pd::<_CMP_LE_OQ>(a, b)))
    }

    #[inline(always)]
    fn sum(self, a: __m256d) -> f64 {
        let lanes: Self::Block = {
            let mut block = self.zeros();
            self.store(&mut block, a);
            block
        };
        (lanes[0] + lanes[2]) + (lanes[1] + lanes[3])
    }

    #[inline(always)]
    fn compress_at_most(self, block: &Self::Block, threshold: __m256d, room: &mut Self::Block) -> usize {
        let values = self.load(block);
        let kept =
            of_the_set!(_mm256_movemask_pd(_mm256_cmp_pd::<_CMP_LE_OQ>(values, threshold))) as usize & 15;
        let halves = &KEPT_FIRST[kept];
        // SAFETY: the entry is as long as a vector, a load may be unaligned; the set is there as `self` is.
        let order = unsafe { _mm256_loadu_si256(halves.as_ptr().cast()) };
        let packed = of_the_set!(_mm256_castps_pd(_mm256_permutevar8x32_ps(_mm256_castpd_ps(values), order)));
        self.store(room, packed);
        kept.count_ones() as usize
    }
}

/// Read from the lane `LANES - n` on, the mask of the first `n` lanes.
const FIRST_LANES: [i64; 2 * LANES] = [-1, -1, -1, -1, 0, 0, 0, 0];

/// For each set of lanes the order of half lanes that puts them first.
const KEPT_FIRST: [[i32; 8]; 16] = {
    let mut table = [[0; 8]; 16];
    let mut kept = 0;
    while kept < 16 {
        let (mut lane, mut filled) = (0, 0);
        while lane < 4 {
            if kept & (1 << lane) != 0 {
                table[kept][2 * filled] = 2 * lane;
                table[kept][2 * filled + 1] = 2 * lane + 1;
                filled += 1;
            }
            lane += 1;
        }
        kept += 1;
    }
    table
};

impl Scale for Avx2 {
    #[inline(always)]
    fn round(self, a: __m256d) -> __m256d {
        of_the_set!(_mm256_round_pd::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(a))
    }

    #[inline(always)]
    fn times_power_of_two(self, a: __m256d, n: __m256d) -> __m256d {
        // In two steps, since a single power of two reaches neither the smallest nor the largest results.
        let half = self.round(self.mul(n, self.splat(0.5)));
        let rest = self.sub(n, half);
        self.mul(self.mul(a, self.power_of_two(half)), self.power_of_two(rest))
    }
}

impl Avx2 {
    /// `2^n` for whole `n` between -1022 and 1023: `n + 1023` moved to where the exponent is.
    #[inline(always)]
    fn power_of_two(self, n: __m256d) -> __m256d {
        // Added to this, a whole number shows as such in the low bits.
        let shifter = self.splat(6_755_399_441_055_744.0 + 1023.0);
        of_the_set!(_mm256_castsi256_pd(_mm256_slli_epi64::<52>(_mm256_castpd_si256(_mm256_add_pd(
            n, shifter
        )))))
    }
}
