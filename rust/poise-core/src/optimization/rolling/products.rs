//! Products with rows of a symmetric matrix.
//!
//! Rows begin at a cache line; rows and vectors are padded with zeros to a multiple of every set's lanes. Sums of
//! columns stay in registers while the rows go by: no sum runs across a vector.

use poise_simd::{Kernel, Simd, dispatch};

/// A multiple of every set's lanes.
pub(super) const PADDING: usize = 8;

/// Bytes.
const CACHE_LINE: usize = 64;

/// Calls a function for a number of vectors that it is compiled for, one to eight.
macro_rules! of_width {
    ($width:expr, $function:ident::<$set:ident $(, $vectors:ident)?>($($argument:expr),*)) => {
        match $width {
            1 => $function::<$set, 1 $(, $vectors)?>($($argument),*),
            2 => $function::<$set, 2 $(, $vectors)?>($($argument),*),
            3 => $function::<$set, 3 $(, $vectors)?>($($argument),*),
            4 => $function::<$set, 4 $(, $vectors)?>($($argument),*),
            5 => $function::<$set, 5 $(, $vectors)?>($($argument),*),
            6 => $function::<$set, 6 $(, $vectors)?>($($argument),*),
            7 => $function::<$set, 7 $(, $vectors)?>($($argument),*),
            _ => $function::<$set, 8 $(, $vectors)?>($($argument),*),
        }
    };
}

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

    /// The rows of a matrix, `stride` apart, and one of zeros where their number is odd.
    ///
    /// They move apart where they are, from the last one on: fresh memory would cost as much as filling it.
    pub(super) fn spread(mut rows: Vec<f64>, n: usize, stride: usize) -> Self {
        let length = n.next_multiple_of(2) * stride + CACHE_LINE / size_of::<f64>();
        rows.reserve_exact(length - rows.len());
        rows.resize(length, 0.0);
        let mut spread = Self { room: rows, n: n.next_multiple_of(2) * stride };
        let first = spread.first();
        for i in (0..n).rev() {
            let to = first + i * stride;
            spread.room.copy_within(i * n..(i + 1) * n, to);
            spread.room[to + n..to + stride].fill(0.0);
        }
        spread.values_mut()[n * stride..].fill(0.0);
        spread
    }

    fn first(&self) -> usize {
        self.room.as_ptr().align_offset(CACHE_LINE).min(self.room.len() - self.n)
    }

    pub(super) fn values(&self) -> &[f64] {
        &self.room[self.first()..][..self.n]
    }

    pub(super) fn values_mut(&mut self) -> &mut [f64] {
        let first = self.first();
        &mut self.room[first..][..self.n]
    }
}

/// The width of the next of strips that hardly differ, in vectors.
fn strip(left: usize, most: usize) -> usize {
    left.div_ceil(left.div_ceil(most))
}

/// `made = matrix given` of the first `k` rows and columns, for each vector.
pub(super) fn multiply<const R: usize>(
    matrix: &[f64],
    stride: usize,
    k: usize,
    given: [&[f64]; R],
    made: [&mut [f64]; R],
) {
    dispatch(Multiply { matrix, stride, k, given, made });
}

/// `matrix += left right'` of each, in the first `k` rows and columns.
pub(super) fn add_products<const R: usize>(
    matrix: &mut [f64],
    stride: usize,
    k: usize,
    left: [&[f64]; R],
    right: [&[f64]; R],
) {
    dispatch(AddProducts { matrix, stride, k, left, right });
}

/// `out = matrix x` of a symmetric matrix and an `x` that has zeros but in the rows `held`.
pub(super) fn add_up_rows(matrix: &[f64], held: &[usize], x: &[f64], out: &mut [f64]) {
    dispatch(AddUpRows { matrix, held, x, out });
}

struct Multiply<'a, const R: usize> {
    matrix: &'a [f64],
    stride: usize,
    k: usize,
    given: [&'a [f64]; R],
    made: [&'a mut [f64]; R],
}

impl<const R: usize> Kernel for Multiply<'_, R> {
    type Output = ();

    /// By columns, which are the rows.
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { matrix, stride, k, given, mut made } = self;
        let given = given.map(|given| &given[..k]);
        let (mut from, width) = (0, k.next_multiple_of(PADDING) / S::LANES);
        while from < width {
            let n_blocks = strip(width - from, 8 / R);
            let made = made.each_mut().map(|made| &mut made[from * S::LANES..]);
            of_width!(n_blocks, multiply_strip::<S, R>(simd, matrix, (stride, from), given, made));
            from += n_blocks;
        }
    }
}

/// `B` vectors of columns from one on, for all that is given.
#[inline(always)]
fn multiply_strip<S: Simd, const B: usize, const R: usize>(
    simd: S,
    matrix: &[f64],
    (stride, from): (usize, usize),
    given: [&[f64]; R],
    made: [&mut [f64]; R],
) {
    let mut sums = [[simd.splat(0.0); B]; R];
    for (i, row) in matrix.chunks_exact(stride).enumerate().take(given[0].len()) {
        let blocks = &simd.blocks(row).0[from..from + B];
        for r in 0..R {
            let factor = simd.splat(given[r][i]);
            for b in 0..B {
                sums[r][b] = simd.mul_add(factor, simd.load(&blocks[b]), sums[r][b]);
            }
        }
    }
    for (made, sums) in made.into_iter().zip(sums) {
        let blocks = simd.blocks_mut(made).0;
        for b in 0..B {
            simd.store(&mut blocks[b], sums[b]);
        }
    }
}

struct AddUpRows<'a> {
    matrix: &'a [f64],
    held: &'a [usize],
    x: &'a [f64],
    out: &'a mut [f64],
}

impl Kernel for AddUpRows<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { matrix, held, x, out } = self;
        let (mut from, width) = (0, out.len() / S::LANES);
        while from < width {
            let n_blocks = strip(width - from, 8);
            of_width!(n_blocks, add_up_strip::<S>(simd, matrix, held, x, &mut *out, from));
            from += n_blocks;
        }
    }
}

/// `B` vectors of the sums from one on.
#[inline(always)]
fn add_up_strip<S: Simd, const B: usize>(
    simd: S,
    matrix: &[f64],
    held: &[usize],
    x: &[f64],
    out: &mut [f64],
    from: usize,
) {
    let stride = out.len();
    let mut sums = [simd.splat(0.0); B];
    for &i in held {
        let factor = simd.splat(x[i]);
        let blocks = &simd.blocks(&matrix[i * stride..(i + 1) * stride]).0[from..from + B];
        for b in 0..B {
            sums[b] = simd.mul_add(factor, simd.load(&blocks[b]), sums[b]);
        }
    }
    let blocks = &mut simd.blocks_mut(out).0[from..from + B];
    for b in 0..B {
        simd.store(&mut blocks[b], sums[b]);
    }
}

struct AddProducts<'a, const R: usize> {
    matrix: &'a mut [f64],
    stride: usize,
    k: usize,
    left: [&'a [f64]; R],
    right: [&'a [f64]; R],
}

impl<const R: usize> Kernel for AddProducts<'_, R> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { matrix, stride, k, left, right } = self;
        let left = left.map(|left| &left[..k]);
        let (mut from, width) = (0, k.next_multiple_of(PADDING) / S::LANES);
        while from < width {
            let n_blocks = strip(width - from, 8 / R);
            of_width!(n_blocks, add_to_strip::<S, R>(simd, &mut *matrix, (stride, from), left, right));
            from += n_blocks;
        }
    }
}

/// To `B` vectors of columns from one on, all products.
#[inline(always)]
fn add_to_strip<S: Simd, const B: usize, const R: usize>(
    simd: S,
    matrix: &mut [f64],
    (stride, from): (usize, usize),
    left: [&[f64]; R],
    right: [&[f64]; R],
) {
    let mut added = [[simd.splat(0.0); B]; R];
    for r in 0..R {
        let blocks = &simd.blocks(right[r]).0[from..from + B];
        for b in 0..B {
            added[r][b] = simd.load(&blocks[b]);
        }
    }
    for (i, row) in matrix.chunks_exact_mut(stride).enumerate().take(left[0].len()) {
        let blocks = &mut simd.blocks_mut(row).0[from..from + B];
        for b in 0..B {
            let mut sum = simd.load(&blocks[b]);
            for r in 0..R {
                sum = simd.mul_add(simd.splat(left[r][i]), added[r][b], sum);
            }
            simd.store(&mut blocks[b], sum);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers without a pattern.
    fn draw(n: usize, seed: usize) -> Vec<f64> {
        (0..n).map(|i| ((i * 7919 + seed * 104_729) % 1009) as f64 / 1009.0 - 0.5).collect()
    }

    fn near(left: f64, right: f64) -> bool {
        (left - right).abs() < 1e-13
    }

    #[test]
    fn strips_of_every_width() {
        for k in (1_usize..75).chain([129, 200]) {
            let stride = k.next_multiple_of(PADDING);
            let rows = draw(k * k, 1);
            let mut matrix = Aligned::spread(rows.clone(), k, stride);
            assert_eq!(matrix.values().as_ptr().align_offset(CACHE_LINE), 0);
            let padded = |seed| [draw(k, seed), vec![0.0; stride - k]].concat();
            let (x, y) = (padded(2), padded(3));
            let (mut of_x, mut of_y, mut of_some) = (vec![9.0; stride], vec![9.0; stride], vec![9.0; stride]);
            multiply(matrix.values(), stride, k, [&x, &y], [&mut of_x, &mut of_y]);
            let some: Vec<usize> = (0..k).filter(|i| i % 3 == 1).collect();
            add_up_rows(matrix.values(), &some, &x, &mut of_some);
            for j in 0..stride {
                let entry = |i: usize| if j < k { rows[i * k + j] } else { 0.0 };
                assert!(near(of_x[j], (0..k).map(|i| x[i] * entry(i)).sum()), "{k} {j}");
                assert!(near(of_y[j], (0..k).map(|i| y[i] * entry(i)).sum()), "{k} {j}");
                assert!(near(of_some[j], some.iter().map(|&i| x[i] * entry(i)).sum()), "{k} {j}");
            }
            add_products(matrix.values_mut(), stride, k, [&x, &y], [&y, &x]);
            for (i, row) in matrix.values().chunks_exact(stride).take(k).enumerate() {
                for (j, entry) in row.iter().enumerate() {
                    let before = if j < k { rows[i * k + j] } else { 0.0 };
                    assert!(near(*entry, before + x[i] * y[j] + y[i] * x[j]), "{k} {i} {j}");
                }
            }
        }
    }
}
