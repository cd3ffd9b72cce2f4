//! Products with the leading rows and columns of a symmetric matrix, for two vectors at a time.
//!
//! Rows begin at a cache line and are padded with zeros to a multiple of every set's lanes.

use poise_simd::{Kernel, Simd, dispatch};

/// A multiple of every set's lanes.
pub(super) const PADDING: usize = 8;

/// Bytes.
const CACHE_LINE: usize = 64;

/// Vectors of each of two sums that are kept at a time.
const SUMS: usize = 4;

/// Numbers that begin at a cache line.
#[derive(Debug)]
pub(super) struct Aligned {
    room: Vec<f64>,
    n: usize,
}

impl Aligned {
    pub(super) fn zeros(n: usize) -> Self {
        Self { room: vec![0.0; n + CACHE_LINE / size_of::<f64>()], n }
    }

    pub(super) fn values(&mut self) -> &mut [f64] {
        let first = self.room.as_ptr().align_offset(CACHE_LINE).min(self.room.len() - self.n);
        &mut self.room[first..first + self.n]
    }
}

/// `made = matrix given` of the first `k` rows and columns.
pub(super) fn multiply(matrix: &[f64], stride: usize, k: usize, given: [&[f64]; 2], made: [&mut [f64]; 2]) {
    dispatch(Multiply { stride, k, matrix, given, made });
}

/// `matrix += left right'` of both, in the first `k` rows and columns.
pub(super) fn add_products(
    matrix: &mut [f64],
    stride: usize,
    k: usize,
    left: [&[f64]; 2],
    right: [&[f64]; 2],
) {
    dispatch(AddProducts { stride, k, matrix, left, right });
}

struct Multiply<'a> {
    stride: usize,
    k: usize,
    matrix: &'a [f64],
    given: [&'a [f64]; 2],
    made: [&'a mut [f64]; 2],
}

impl Kernel for Multiply<'_> {
    type Output = ();

    /// By columns, which are the rows: no sum runs across a vector.
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { stride, k, matrix, given: [first, second], made: [into, other] } = self;
        let given = [&first[..k], &second[..k]];
        let width = k.next_multiple_of(PADDING);
        let mut from = 0;
        while from < width {
            let n_columns = if width - from >= SUMS * S::LANES { SUMS * S::LANES } else { S::LANES };
            let made = [&mut into[from..from + n_columns], &mut other[from..from + n_columns]];
            if n_columns == S::LANES {
                multiply_columns::<S, 1>(simd, matrix, stride, from, given, made);
            } else {
                multiply_columns::<S, SUMS>(simd, matrix, stride, from, given, made);
            }
            from += n_columns;
        }
    }
}

/// `B` vectors of columns from one on, for both of the given.
#[inline(always)]
fn multiply_columns<S: Simd, const B: usize>(
    simd: S,
    matrix: &[f64],
    stride: usize,
    from: usize,
    [first, second]: [&[f64]; 2],
    [into, other]: [&mut [f64]; 2],
) {
    let mut of_first = [simd.splat(0.0); B];
    let mut of_second = [simd.splat(0.0); B];
    for (row, (x, y)) in matrix.chunks_exact(stride).zip(first.iter().zip(second)) {
        let (x, y) = (simd.splat(*x), simd.splat(*y));
        let blocks = simd.blocks(&row[from..from + B * S::LANES]).0;
        for b in 0..B {
            let entries = simd.load(&blocks[b]);
            of_first[b] = simd.mul_add(x, entries, of_first[b]);
            of_second[b] = simd.mul_add(y, entries, of_second[b]);
        }
    }
    let (into, other) = (simd.blocks_mut(into).0, simd.blocks_mut(other).0);
    for b in 0..B {
        simd.store(&mut into[b], of_first[b]);
        simd.store(&mut other[b], of_second[b]);
    }
}

struct AddProducts<'a> {
    stride: usize,
    k: usize,
    matrix: &'a mut [f64],
    left: [&'a [f64]; 2],
    right: [&'a [f64]; 2],
}

impl Kernel for AddProducts<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { stride, k, matrix, left, right } = self;
        let left = left.map(|left| &left[..k]);
        let width = k.next_multiple_of(PADDING);
        let mut from = 0;
        while from < width {
            let n_columns = if width - from >= SUMS * S::LANES { SUMS * S::LANES } else { S::LANES };
            let right = right.map(|right| &right[from..from + n_columns]);
            if n_columns == S::LANES {
                add_columns::<S, 1>(simd, matrix, stride, from, left, right);
            } else {
                add_columns::<S, SUMS>(simd, matrix, stride, from, left, right);
            }
            from += n_columns;
        }
    }
}

/// To `B` vectors of columns from one on, both products.
#[inline(always)]
fn add_columns<S: Simd, const B: usize>(
    simd: S,
    matrix: &mut [f64],
    stride: usize,
    from: usize,
    [left, other]: [&[f64]; 2],
    [right, beside]: [&[f64]; 2],
) {
    let (right, beside) = (simd.blocks(right).0, simd.blocks(beside).0);
    let (mut first, mut second) = ([simd.splat(0.0); B], [simd.splat(0.0); B]);
    for b in 0..B {
        first[b] = simd.load(&right[b]);
        second[b] = simd.load(&beside[b]);
    }
    for (row, (x, y)) in matrix.chunks_exact_mut(stride).zip(left.iter().zip(other)) {
        let (x, y) = (simd.splat(*x), simd.splat(*y));
        let blocks = simd.blocks_mut(&mut row[from..from + B * S::LANES]).0;
        for b in 0..B {
            let sum = simd.mul_add(x, first[b], simd.load(&blocks[b]));
            simd.store(&mut blocks[b], simd.mul_add(y, second[b], sum));
        }
    }
}
