//! What a kernel is written against.

/// A computation that runs on any instruction set.
pub trait Kernel {
    /// What it computes.
    type Output;

    /// Computes with the vectors of `simd`; to be marked `#[inline(always)]`.
    fn run<S: Simd>(self, simd: S) -> Self::Output;
}

/// Vectors of an instruction set; a value is the proof that this processor has it.
///
/// Sums, products and square roots are those of IEEE 754. [`Simd::mul_add`] rounds once where the hardware fuses
/// and twice where it does not, and [`Simd::sum`] adds in the order of the set, so results differ between sets by
/// rounding.
pub trait Simd: Copy {
    /// Numbers in a vector.
    const LANES: usize;
    /// Vectors that registers can hold beside a handful of others.
    const REGISTERS: usize;
    /// A vector's worth of memory: `[f64; LANES]`.
    type Block: Copy + AsRef<[f64]> + AsMut<[f64]>;
    /// A vector in a register.
    type Vector: Copy;

    /// Splits a slice into blocks and a remainder shorter than one.
    fn blocks(self, values: &[f64]) -> (&[Self::Block], &[f64]);

    /// As [`Simd::blocks`], to be written to.
    fn blocks_mut(self, values: &mut [f64]) -> (&mut [Self::Block], &mut [f64]);

    /// A vector of equal numbers.
    fn splat(self, value: f64) -> Self::Vector;

    /// Reads a block.
    fn load(self, block: &Self::Block) -> Self::Vector;

    /// Writes a block.
    fn store(self, block: &mut Self::Block, vector: Self::Vector);

    /// `a + b`.
    fn add(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;

    /// `a - b`.
    fn sub(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;

    /// `a b`.
    fn mul(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;

    /// `a / b`.
    fn div(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;

    /// `a b + c`, fused where the hardware can.
    fn mul_add(self, a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector;

    /// `c - a b`, fused where the hardware can.
    fn neg_mul_add(self, a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector;

    /// The smaller of each pair; the second where one is NaN.
    fn min(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;

    /// The larger of each pair; the second where one is NaN.
    fn max(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;

    /// The square roots.
    fn sqrt(self, a: Self::Vector) -> Self::Vector;

    /// `yes` where `a <= b`, `no` elsewhere and where one is NaN.
    fn where_at_most(
        self,
        a: Self::Vector,
        b: Self::Vector,
        yes: Self::Vector,
        no: Self::Vector,
    ) -> Self::Vector;

    /// The numbers added, in pairs of halves.
    fn sum(self, a: Self::Vector) -> f64;

    /// The exponential, to a few units in the last place between -745 and 709; 0 below, infinite above, NaN of NaN.
    fn exp(self, a: Self::Vector) -> Self::Vector;

    /// Writes the numbers of `block` that are at most `threshold` one after another to the front of `room` and
    /// says how many they are; what follows them in `room` may be overwritten. NaN is never at most anything.
    fn compress_at_most(self, block: &Self::Block, threshold: Self::Vector, room: &mut Self::Block) -> usize;

    /// `a b + c` of single numbers, fused where the hardware can.
    fn fma(self, a: f64, b: f64, c: f64) -> f64;

    /// Reads up to a block, the rest of the lanes 0.
    #[inline(always)]
    fn load_partial(self, values: &[f64]) -> Self::Vector {
        let mut block = self.zeros();
        block.as_mut().iter_mut().zip(values).for_each(|(lane, value)| *lane = *value);
        self.load(&block)
    }

    /// Writes up to a block: the first lanes.
    #[inline(always)]
    fn store_partial(self, values: &mut [f64], vector: Self::Vector) {
        let mut block = self.zeros();
        self.store(&mut block, vector);
        values.iter_mut().zip(block.as_ref()).for_each(|(value, lane)| *value = *lane);
    }

    /// Hints that the memory of `value` will be used before long; changes nothing.
    #[inline(always)]
    fn prefetch(self, value: &f64) {
        let _ = value;
    }

    /// A block of zeros.
    fn zeros(self) -> Self::Block;
}
