//! A Cholesky factor that grows by one row at a time.

use super::super::packed;

/// `L` of `A = L L'`, packed by rows.
#[derive(Debug, Default)]
pub(super) struct Factor {
    lower: Vec<f64>,
    n: usize,
}

impl Factor {
    /// Rows so far.
    pub(super) fn n_rows(&self) -> usize {
        self.n
    }

    /// Appends a row of a positive definite `A`: its entries beside the rows before, and on the diagonal.
    pub(super) fn push(&mut self, beside: &[f64], diagonal: f64) {
        let start = self.lower.len();
        self.lower.extend_from_slice(beside);
        let (done, row) = self.lower.split_at_mut(start);
        forward(done, self.n, row);
        // The caller's ridge keeps the pivot positive; rounding may not.
        let pivot = (diagonal - dot(row, row)).max(f64::EPSILON * diagonal);
        self.lower.push(pivot.sqrt());
        self.n += 1;
    }

    /// Overwrites `right` with `L^-1 right`.
    pub(super) fn forward(&self, right: &mut [f64]) {
        forward(&self.lower, self.n, right);
    }

    /// `A^-1 right`.
    pub(super) fn solve(&self, right: &[f64]) -> Vec<f64> {
        let mut solved = right.to_vec();
        self.forward(&mut solved);
        for i in (0..self.n).rev() {
            let start = packed::size(i);
            let row = &self.lower[start..=start + i];
            solved[i] /= row[i];
            let value = solved[i];
            for (x, l) in solved[..i].iter_mut().zip(row) {
                *x -= value * l;
            }
        }
        solved
    }
}

fn forward(lower: &[f64], n: usize, right: &mut [f64]) {
    for (i, row) in packed::rows(lower, n).enumerate() {
        right[i] = (right[i] - dot(&row[..i], &right[..i])) / row[i];
    }
}

/// The inner product, in four independent sums that the compiler can keep in one vector.
pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; 4];
    let ((blocks_a, rest_a), (blocks_b, rest_b)) = (a.as_chunks::<4>(), b.as_chunks::<4>());
    for (x, y) in blocks_a.iter().zip(blocks_b) {
        for ((sum, x), y) in sums.iter_mut().zip(x).zip(y) {
            *sum += x * y;
        }
    }
    sums.iter().sum::<f64>() + rest_a.iter().zip(rest_b).map(|(x, y)| x * y).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn solves_what_was_pushed() {
        let n = 11;
        let entry = |i: usize, j: usize| 0.6_f64.powi(i.abs_diff(j) as i32);
        let mut factor = Factor::default();
        for i in 0..n {
            let beside: Vec<f64> = (0..i).map(|j| entry(i, j)).collect();
            factor.push(&beside, entry(i, i));
        }
        let truth: Vec<f64> = (0..n).map(|i| (i as f64).sin()).collect();
        let right: Vec<f64> = (0..n).map(|i| (0..n).map(|j| entry(i, j) * truth[j]).sum()).collect();
        for (x, y) in factor.solve(&right).iter().zip(&truth) {
            assert!((x - y).abs() < 1e-13);
        }
    }
}
