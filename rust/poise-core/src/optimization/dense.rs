//! Small dense vectors and symmetric matrices, row by row in memory.

use ndarray::ArrayView2;
use poise_simd::{Kernel, Simd, dispatch};

/// Shorter slices are done before a kernel is chosen.
const SHORT: usize = 24;

/// The inner product of two slices; the shorter one decides.
pub(super) fn dot(left: &[f64], right: &[f64]) -> f64 {
    let length = left.len().min(right.len());
    if length < SHORT {
        return short_dot(&left[..length], &right[..length]);
    }
    dispatch(Dot { left: &left[..length], right: &right[..length] })
}

/// Four sums side by side: one alone would wait for every addition.
fn short_dot(left: &[f64], right: &[f64]) -> f64 {
    let ((left, left_rest), (right, right_rest)) = (left.as_chunks::<4>(), right.as_chunks::<4>());
    let mut sums = [0.0; 4];
    for (x, y) in left.iter().zip(right) {
        for (sum, (x, y)) in sums.iter_mut().zip(x.iter().zip(y)) {
            *sum += x * y;
        }
    }
    let rest: f64 = left_rest.iter().zip(right_rest).map(|(x, y)| x * y).sum();
    (sums[0] + sums[2]) + (sums[1] + sums[3]) + rest
}

/// `left' |right|`, to judge rounding by.
pub(super) fn size(left: &[f64], right: &[f64]) -> f64 {
    let ((left, left_rest), (right, right_rest)) = (left.as_chunks::<8>(), right.as_chunks::<8>());
    let mut sums = [0.0; 8];
    for (x, y) in left.iter().zip(right) {
        for (sum, (x, y)) in sums.iter_mut().zip(x.iter().zip(y)) {
            *sum += x * y.abs();
        }
    }
    sums.iter().sum::<f64>() + left_rest.iter().zip(right_rest).map(|(x, y)| x * y.abs()).sum::<f64>()
}

/// `target += factor * source`.
pub(super) fn add_scaled(target: &mut [f64], factor: f64, source: &[f64]) {
    dispatch(AddScaled { target, factor, source });
}

struct Dot<'a> {
    left: &'a [f64],
    right: &'a [f64],
}

impl Kernel for Dot<'_> {
    type Output = f64;

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> f64 {
        let ((left, left_rest), (right, right_rest)) = (simd.blocks(self.left), simd.blocks(self.right));
        let ((left, left_last), (right, right_last)) = (left.as_chunks::<2>(), right.as_chunks::<2>());
        let (mut even, mut odd) = (simd.splat(0.0), simd.splat(0.0));
        for (x, y) in left.iter().zip(right) {
            even = simd.mul_add(simd.load(&x[0]), simd.load(&y[0]), even);
            odd = simd.mul_add(simd.load(&x[1]), simd.load(&y[1]), odd);
        }
        for (x, y) in left_last.iter().zip(right_last) {
            even = simd.mul_add(simd.load(x), simd.load(y), even);
        }
        let rest: f64 = left_rest.iter().zip(right_rest).map(|(x, y)| x * y).sum();
        simd.sum(simd.add(even, odd)) + rest
    }
}

struct AddScaled<'a> {
    target: &'a mut [f64],
    factor: f64,
    source: &'a [f64],
}

impl Kernel for AddScaled<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        for (t, s) in self.target.iter_mut().zip(self.source) {
            *t = simd.fma(self.factor, *s, *t);
        }
    }
}

/// `target += matrix factors`, skipping the zeros among the factors.
struct AddRows<'a> {
    matrix: &'a Symmetric,
    factors: &'a [f64],
    target: &'a mut [f64],
}

impl Kernel for AddRows<'_> {
    type Output = ();

    // Four rows at a time, so that the sums are read and written a quarter as often.
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { matrix, factors, target } = self;
        let (mut waiting, mut n_waiting) = ([0; 4], 0);
        for (i, factor) in factors.iter().enumerate() {
            if *factor != 0.0 {
                waiting[n_waiting] = i;
                n_waiting += 1;
                if n_waiting == waiting.len() {
                    add_rows(simd, matrix, factors, waiting, target);
                    n_waiting = 0;
                }
            }
        }
        for &i in &waiting[..n_waiting] {
            add_rows(simd, matrix, factors, [i], target);
        }
    }
}

/// `target += factor row` of some assets.
#[inline(always)]
fn add_rows<S: Simd, const R: usize>(
    simd: S,
    matrix: &Symmetric,
    factors: &[f64],
    assets: [usize; R],
    target: &mut [f64],
) {
    let rows = assets.map(|i| simd.blocks(matrix.row(i)));
    let multiples = assets.map(|i| simd.splat(factors[i]));
    let (blocks, last) = simd.blocks_mut(target);
    for (k, block) in blocks.iter_mut().enumerate() {
        let mut sum = simd.load(block);
        for r in 0..R {
            sum = simd.mul_add(multiples[r], simd.load(&rows[r].0[k]), sum);
        }
        simd.store(block, sum);
    }
    if !last.is_empty() {
        let mut sum = simd.load_partial(last);
        for r in 0..R {
            sum = simd.mul_add(multiples[r], simd.load_partial(rows[r].1), sum);
        }
        simd.store_partial(last, sum);
    }
}

struct Normalise<'a> {
    matrix: &'a mut Symmetric,
    scale: &'a [f64],
}

impl Kernel for Normalise<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        for (row, own) in self.matrix.values.chunks_exact_mut(self.matrix.n).zip(self.scale) {
            for (entry, other) in row.iter_mut().zip(self.scale) {
                *entry /= own * other;
            }
        }
    }
}

/// A symmetric matrix with contiguous rows.
#[derive(Debug, Clone)]
pub(super) struct Symmetric {
    n: usize,
    values: Vec<f64>,
}

impl Symmetric {
    /// The symmetric part of the rows and columns `kept`, times `factor`.
    pub(super) fn part(matrix: ArrayView2<'_, f64>, kept: &[usize], factor: f64) -> Self {
        let n = kept.len();
        let mut values = vec![0.0; n * n];
        for (row, &i) in kept.iter().enumerate() {
            for (column, &j) in kept[..=row].iter().enumerate() {
                // Each half is scaled first: entries near the largest float must not overflow.
                let value = 0.5 * (factor * matrix[(i, j)]) + 0.5 * (factor * matrix[(j, i)]);
                values[row * n + column] = value;
                values[column * n + row] = value;
            }
        }
        Self { n, values }
    }

    /// A matrix that is symmetric as it lies, row by row.
    pub(super) fn of_rows(values: Vec<f64>, n: usize) -> Self {
        Self { n, values }
    }

    /// The same, times `factor`.
    pub(super) fn scaled(rows: &[f64], n: usize, factor: f64) -> Self {
        Self { n, values: rows.iter().map(|entry| factor * entry).collect() }
    }

    pub(super) fn n(&self) -> usize {
        self.n
    }

    /// The entries, row by row.
    pub(super) fn rows(&self) -> &[f64] {
        &self.values
    }

    /// The entries, row by row, for good.
    pub(super) fn into_rows(self) -> Vec<f64> {
        self.values
    }

    /// The entries, row by row, to be overwritten by a factorisation.
    pub(super) fn copied(&self) -> Vec<f64> {
        self.values.clone()
    }

    pub(super) fn row(&self, i: usize) -> &[f64] {
        &self.values[i * self.n..(i + 1) * self.n]
    }

    pub(super) fn get(&self, i: usize, j: usize) -> f64 {
        self.values[i * self.n + j]
    }

    pub(super) fn diagonal(&self) -> impl Iterator<Item = f64> + '_ {
        self.values.iter().step_by(self.n + 1).copied()
    }

    /// The matrix with `part` of every diagonal entry added to it; a zero counts as the mean entry.
    pub(super) fn with_ridge(&self, part: f64) -> Self {
        let mean = self.diagonal().sum::<f64>() / self.n as f64;
        let instead = if mean > 0.0 { mean } else { 1.0 };
        let mut ridged = self.clone();
        for entry in ridged.values.iter_mut().step_by(self.n + 1) {
            *entry += part * if *entry > 0.0 { *entry } else { instead };
        }
        ridged
    }

    /// Groups of two or more whose rows are the same up to rounding.
    pub(super) fn twins(&self) -> Vec<Vec<usize>> {
        let scale: Vec<f64> = self.diagonal().map(f64::sqrt).collect();
        let same = |i: usize, j: usize, k: usize| {
            (self.get(i, k) - self.get(j, k)).abs() <= 1e-12 * scale[i].max(scale[j]) * scale[k]
        };
        let mut grouped = vec![false; self.n];
        let mut groups = Vec::new();
        for i in 0..self.n {
            let twin = |&j: &usize| {
                !grouped[j] && same(i, j, i) && same(i, j, j) && (0..self.n).all(|k| same(i, j, k))
            };
            let others: Vec<usize> = (i + 1..self.n).filter(twin).collect();
            if grouped[i] || others.is_empty() {
                continue;
            }
            let group: Vec<usize> = std::iter::once(i).chain(others).collect();
            for &j in &group {
                grouped[j] = true;
            }
            groups.push(group);
        }
        groups
    }

    /// Divides row and column `i` by `scale[i]` and puts ones on the diagonal.
    pub(super) fn to_correlation(&self, scale: &[f64]) -> Self {
        let mut correlation = self.clone();
        dispatch(Normalise { matrix: &mut correlation, scale });
        correlation.values.iter_mut().step_by(self.n + 1).for_each(|entry| *entry = 1.0);
        correlation
    }

    /// `out = self * x`, skipping the zeros of `x`.
    pub(super) fn multiply_into(&self, x: &[f64], out: &mut [f64]) {
        out.fill(0.0);
        dispatch(AddRows { matrix: self, factors: x, target: out });
    }

    /// `self * x`.
    pub(super) fn multiply(&self, x: &[f64]) -> Vec<f64> {
        let mut out = vec![0.0; self.n];
        self.multiply_into(x, &mut out);
        out
    }
}
