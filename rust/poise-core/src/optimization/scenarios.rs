//! A table of scenarios, one a row, and the three products with it that interior points are made of.

use poise_simd::{Kernel, Simd, dispatch};

use crate::moments::gram::{BLOCK_ROWS, Gram};

/// Rows stand this many numbers apart, or a multiple of it: no vector is left with a part of itself.
const STEP: usize = 8;

/// Rows whose product is so small a part of the largest one are left out of a sum of products: what they would
/// change, the next step's residual shows and mends.
const NEGLIGIBLE: f64 = 1e-13;

/// Scenarios by row, padded with zeros.
#[derive(Debug)]
pub(super) struct Scenarios {
    values: Vec<f64>,
    n_rows: usize,
    n_columns: usize,
    stride: usize,
}

/// Room for the sums of products.
#[derive(Debug, Default)]
pub(super) struct GramRoom {
    gram: Gram,
    packed: Vec<f64>,
    rows: Vec<f64>,
    scales: Vec<f64>,
}

impl Scenarios {
    pub(super) fn from_fn(
        n_rows: usize,
        n_columns: usize,
        mut entry: impl FnMut(usize, usize) -> f64,
    ) -> Self {
        // A table without columns still has rows.
        let stride = n_columns.next_multiple_of(STEP).max(STEP);
        let mut values = vec![0.0; n_rows * stride];
        for (s, row) in values.chunks_exact_mut(stride).enumerate() {
            for (i, value) in row[..n_columns].iter_mut().enumerate() {
                *value = entry(s, i);
            }
        }
        Self { values, n_rows, n_columns, stride }
    }

    pub(super) fn n_rows(&self) -> usize {
        self.n_rows
    }

    pub(super) fn row(&self, s: usize) -> &[f64] {
        &self.values[s * self.stride..][..self.n_columns]
    }

    /// `out = X x`.
    pub(super) fn times(&self, x: &[f64], out: &mut [f64]) {
        let mut padded = vec![0.0; self.stride];
        padded[..self.n_columns].copy_from_slice(&x[..self.n_columns]);
        dispatch(Times { scenarios: self, x: &padded, out });
    }

    /// `out = X' y`.
    pub(super) fn transposed_times(&self, y: &[f64], out: &mut [f64]) {
        let mut padded = vec![0.0; self.stride];
        dispatch(TransposedTimes { scenarios: self, y, out: &mut padded });
        out[..self.n_columns].copy_from_slice(&padded[..self.n_columns]);
    }

    /// The lower triangle of `out = X' diag(weights) X`, row by row; weights are not negative.
    pub(super) fn gram(&self, weights: &[f64], room: &mut GramRoom, out: &mut [f64]) {
        let n = self.n_columns;
        room.packed.clear();
        room.packed.resize(n * (n + 1) / 2, 0.0);
        let least = NEGLIGIBLE * weights.iter().fold(0.0_f64, |most, weight| most.max(*weight));
        let counted = weights.iter().enumerate().filter(|(_, weight)| **weight > least);
        for (s, weight) in counted {
            room.rows.extend_from_slice(self.row(s));
            room.scales.push(weight.sqrt());
            if room.scales.len() == BLOCK_ROWS {
                room.flush();
            }
        }
        room.flush();
        let mut from = 0;
        for (i, row) in out.chunks_exact_mut(n).enumerate() {
            row[..=i].copy_from_slice(&room.packed[from..=from + i]);
            from += i + 1;
        }
    }
}

impl GramRoom {
    fn flush(&mut self) {
        self.gram.add(&mut self.packed, 1.0, &self.rows, &self.scales);
        self.rows.clear();
        self.scales.clear();
    }
}

struct Times<'a> {
    scenarios: &'a Scenarios,
    x: &'a [f64],
    out: &'a mut [f64],
}

impl Kernel for Times<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let (x, _) = simd.blocks(self.x);
        let rows = self.scenarios.values.chunks_exact(self.scenarios.stride);
        for (out, row) in self.out.iter_mut().zip(rows) {
            let mut sum = simd.splat(0.0);
            for (a, b) in simd.blocks(row).0.iter().zip(x) {
                sum = simd.mul_add(simd.load(a), simd.load(b), sum);
            }
            *out = simd.sum(sum);
        }
    }
}

struct TransposedTimes<'a> {
    scenarios: &'a Scenarios,
    y: &'a [f64],
    out: &'a mut [f64],
}

impl Kernel for TransposedTimes<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Scenarios { values, stride, .. } = self.scenarios;
        let (out, _) = simd.blocks_mut(self.out);
        for (row, y) in values.chunks_exact(*stride).zip(self.y) {
            let factor = simd.splat(*y);
            for (sum, a) in out.iter_mut().zip(simd.blocks(row).0) {
                simd.store(sum, simd.mul_add(factor, simd.load(a), simd.load(sum)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_are_those_of_plain_loops() {
        for (n_rows, n) in [(1, 1), (3, 7), (200, 9), (97, 17)] {
            let entry = |s: usize, i: usize| ((s * n + i) as f64 * 1.3).sin();
            let table = Scenarios::from_fn(n_rows, n, entry);
            let x: Vec<f64> = (0..n).map(|i| (i as f64).cos()).collect();
            let y: Vec<f64> = (0..n_rows).map(|s| 0.1 + (s as f64).sin().abs()).collect();
            let (mut along, mut down) = (vec![0.0; n_rows], vec![0.0; n]);
            let mut gram = vec![0.0; n * n];
            table.times(&x, &mut along);
            table.transposed_times(&y, &mut down);
            table.gram(&y, &mut GramRoom::default(), &mut gram);
            for (s, found) in along.iter().enumerate() {
                let wanted: f64 = (0..n).map(|i| entry(s, i) * x[i]).sum();
                assert!((found - wanted).abs() < 1e-12);
            }
            for i in 0..n {
                let wanted: f64 = (0..n_rows).map(|s| entry(s, i) * y[s]).sum();
                assert!((down[i] - wanted).abs() < 1e-11);
                for j in 0..=i {
                    let wanted: f64 = (0..n_rows).map(|s| y[s] * entry(s, i) * entry(s, j)).sum();
                    assert!((gram[i * n + j] - wanted).abs() < 1e-11, "({i}, {j}) of {n}");
                }
            }
        }
    }
}
