//! Small dense vectors and symmetric matrices, row by row in memory.

use ndarray::ArrayView2;

/// Partial sums kept apart so that the compiler can use vector registers.
const LANES: usize = 8;

/// The inner product of two slices; the shorter one decides.
pub(super) fn dot(left: &[f64], right: &[f64]) -> f64 {
    let length = left.len().min(right.len());
    let (left, right) = (&left[..length], &right[..length]);
    let mut lanes = [0.0; LANES];
    let (whole_left, whole_right) = (left.chunks_exact(LANES), right.chunks_exact(LANES));
    let tail: f64 = whole_left.remainder().iter().zip(whole_right.remainder()).map(|(x, y)| x * y).sum();
    for (x, y) in whole_left.zip(whole_right) {
        for lane in 0..LANES {
            lanes[lane] += x[lane] * y[lane];
        }
    }
    lanes.iter().sum::<f64>() + tail
}

/// `target += factor * source`.
pub(super) fn add_scaled(target: &mut [f64], factor: f64, source: &[f64]) {
    for (t, s) in target.iter_mut().zip(source) {
        *t += factor * s;
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

    pub(super) fn n(&self) -> usize {
        self.n
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
        for (i, row) in correlation.values.chunks_exact_mut(self.n).enumerate() {
            for (j, entry) in row.iter_mut().enumerate() {
                *entry = if i == j { 1.0 } else { *entry / (scale[i] * scale[j]) };
            }
        }
        correlation
    }

    /// `out = self * x`, skipping the zeros of `x`.
    pub(super) fn multiply_into(&self, x: &[f64], out: &mut [f64]) {
        out.fill(0.0);
        for (i, &value) in x.iter().enumerate() {
            if value != 0.0 {
                add_scaled(out, value, self.row(i));
            }
        }
    }

    /// `self * x`.
    pub(super) fn multiply(&self, x: &[f64]) -> Vec<f64> {
        let mut out = vec![0.0; self.n];
        self.multiply_into(x, &mut out);
        out
    }
}
