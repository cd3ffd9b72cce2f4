//! One Newton step: a Cholesky factor of the assets' block and a Schur complement of the few rows.
//!
//! `M dx - G'dy = right_x`, `G dx + C dy = right_y`; with `M = LL'` and `V = L^-1 G'` the rows' system is
//! `(V'V + C) dy = right_y - V'L^-1 right_x`, and `dx = L'^-1 (L^-1 right_x + V dy)`.

use crate::linear::Factor;
use crate::optimization::cholesky;
use crate::optimization::dense::{add_scaled, dot};

/// The factors of one step, written again at each.
pub(super) struct System {
    n: usize,
    n_rows: usize,
    factor: Factor,
    /// `V`, a column per row of the problem.
    half: Vec<f64>,
    schur: Vec<f64>,
}

impl System {
    pub(super) fn new(n: usize, n_rows: usize) -> Self {
        let (half, schur) = (vec![0.0; n * n_rows], vec![0.0; n_rows * n_rows]);
        Self { n, n_rows, factor: Factor::new(n), half, schur }
    }

    /// The place of `M`.
    pub(super) fn block_mut(&mut self) -> &mut [f64] {
        self.factor.entries_mut()
    }

    /// Factorises what `block_mut` was given, with `G` row by row and `C`.
    ///
    /// `softness`, as a part of each row's own entry, keeps rows that repeat each other apart: a step leaves that
    /// part of their error to the next one.
    pub(super) fn compute(&mut self, rows: &[f64], corner: &[f64], softness: f64) -> bool {
        if !self.factor.compute() {
            return false;
        }
        self.half.copy_from_slice(rows);
        self.factor.forward(&mut self.half);
        let m = self.n_rows;
        for j in 0..m {
            for k in 0..=j {
                let value = dot(self.column(j), self.column(k)) + corner[j * m + k];
                self.schur[j * m + k] = value;
                self.schur[k * m + j] = value;
            }
            let entry = &mut self.schur[j * m + j];
            *entry += softness * *entry;
            if *entry <= 0.0 {
                *entry = 1.0;
            }
        }
        cholesky::factor(&mut self.schur, m, 0.0).is_ok()
    }

    fn column(&self, j: usize) -> &[f64] {
        &self.half[j * self.n..(j + 1) * self.n]
    }

    /// Overwrites the right-hand sides by the step.
    pub(super) fn solve(&self, x: &mut [f64], y: &mut [f64]) {
        self.factor.forward(x);
        for (j, value) in y.iter_mut().enumerate() {
            *value -= dot(self.column(j), x);
        }
        cholesky::solve(&self.schur, self.n_rows, y);
        for (j, value) in y.iter().enumerate() {
            add_scaled(x, *value, self.column(j));
        }
        self.factor.backward(x);
    }
}
