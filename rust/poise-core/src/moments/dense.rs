//! Moments of rows without gaps: all assets share one chain of weights.
//!
//! With `d = x - m` the recursion of pandas collapses to `m <- m + new d` and `C <- past C + past new d d'`;
//! about zero it is `C <- past C + new x x'`. A deviation of exactly zero leaves the moments exactly as they
//! are, so a constant asset keeps variance zero.

use ndarray::{ArrayView1, ArrayView2, Axis};

use super::gram::{BLOCK_ROWS, GramBlock};
use super::packed;
use super::scheme::{Memory, Scheme};

/// Rows whose weight has fallen below this are skipped where their size allows it, 2^-66.
const NEGLIGIBLE_WEIGHT: f64 = 1.355_252_715_606_880_5e-20;

/// What skipping may cost any variance, relative to it: the rounding of one product, 2^-53.
const NEGLIGIBLE_ERROR: f64 = 1.110_223_024_625_156_5e-16;

/// Mean and packed second moments of all assets.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Dense {
    pub(super) memory: Memory,
    pub(super) mean: Vec<f64>,
    pub(super) moments: Vec<f64>,
    /// Scratch of the last row: what its outer product adds.
    pub(super) step: Vec<f64>,
}

impl Dense {
    pub(super) fn new(n_assets: usize) -> Self {
        Self {
            memory: Memory::default(),
            mean: vec![0.0; n_assets],
            moments: vec![0.0; packed::size(n_assets)],
            step: vec![0.0; n_assets],
        }
    }

    /// Takes in one finite row.
    pub(super) fn update(&mut self, scheme: &Scheme, row: ArrayView1<'_, f64>) {
        let past = self.advance(scheme, row);
        packed::decay_and_add(&mut self.moments, past, &self.step);
    }

    /// Moves weights and mean by one row, leaves in `step` the vector whose outer product belongs to the
    /// moments and returns the share that they keep.
    pub(super) fn advance(&mut self, scheme: &Scheme, row: ArrayView1<'_, f64>) -> f64 {
        let shares = self.memory.observe(scheme);
        if scheme.demean {
            let size = (shares.past * shares.new).sqrt();
            for ((step, mean), &x) in self.step.iter_mut().zip(&mut self.mean).zip(row) {
                let deviation = x - *mean;
                *mean += shares.new * deviation;
                *step = size * deviation;
            }
        } else {
            let size = shares.new.sqrt();
            for (step, &x) in self.step.iter_mut().zip(row) {
                *step = size * x;
            }
        }
        shares.past
    }

    /// Takes in many finite rows, as [`Dense::update`] would one by one, up to rounding.
    pub(super) fn absorb(&mut self, scheme: &Scheme, rows: ArrayView2<'_, f64>) {
        let (n_old, weight) = self.negligible_rows(scheme, rows.nrows());
        if n_old == 0 {
            return self.fold(scheme, rows);
        }
        let before = self.clone();
        let (old, recent) = rows.split_at(Axis(0), n_old);
        let forgotten = self.forget(scheme, old);
        self.fold(scheme, recent);
        let harmless = forgotten
            .iter()
            .enumerate()
            .all(|(i, variance)| weight * variance <= NEGLIGIBLE_ERROR * self.moments[packed::diagonal(i)]);
        if !harmless {
            *self = before;
            self.fold(scheme, rows);
        }
    }

    /// How many leading rows weigh next to nothing once all rows are in, and what is left of their weight.
    fn negligible_rows(&self, scheme: &Scheme, n_rows: usize) -> (usize, f64) {
        let mut memory = self.memory;
        let kept: Vec<f64> = (0..n_rows).map(|_| memory.observe(scheme).past).collect();
        let mut weight = 1.0;
        for (row, past) in kept.iter().enumerate().rev() {
            weight *= past;
            if weight < NEGLIGIBLE_WEIGHT {
                return (row, weight);
            }
        }
        (0, 1.0)
    }

    /// Moves weights and mean over `rows`, sets the moments to zero and returns the variances that they
    /// would have had: by Cauchy and Schwarz they bound what all covariances lose.
    fn forget(&mut self, scheme: &Scheme, rows: ArrayView2<'_, f64>) -> Vec<f64> {
        let mut variances: Vec<f64> =
            (0..self.mean.len()).map(|i| self.moments[packed::diagonal(i)]).collect();
        for row in rows.rows() {
            let past = self.advance(scheme, row);
            for (variance, step) in variances.iter_mut().zip(&self.step) {
                *variance = past * *variance + step * step;
            }
        }
        self.moments.fill(0.0);
        variances
    }

    fn fold(&mut self, scheme: &Scheme, rows: ArrayView2<'_, f64>) {
        let n_assets = self.mean.len();
        let mut block = GramBlock::new(n_assets);
        let mut steps = Vec::with_capacity(BLOCK_ROWS.min(rows.nrows()) * n_assets);
        let mut kept = Vec::with_capacity(BLOCK_ROWS);
        for chunk in rows.axis_chunks_iter(Axis(0), BLOCK_ROWS) {
            steps.clear();
            kept.clear();
            for row in chunk.rows() {
                kept.push(self.advance(scheme, row));
                steps.extend_from_slice(&self.step);
            }
            // Backwards, a row's weight is the product of the shares kept after it.
            let mut weight = 1.0_f64;
            for (step, past) in steps.chunks_exact(n_assets).zip(&kept).rev() {
                block.push(step, weight.sqrt());
                weight *= past;
            }
            self.moments.iter_mut().for_each(|moment| *moment *= weight);
            block.add_to(&mut self.moments);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::moments::scheme::EwmaRule;
    use ndarray::Array2;

    fn returns(n_rows: usize, n_assets: usize) -> Array2<f64> {
        Array2::from_shape_fn((n_rows, n_assets), |(t, i)| ((t * 7 + i * 13) as f64 * 0.7).sin() * 0.02)
    }

    fn one_by_one(scheme: &Scheme, rows: &Array2<f64>) -> Dense {
        let mut dense = Dense::new(rows.ncols());
        rows.rows().into_iter().for_each(|row| dense.update(scheme, row));
        dense
    }

    fn assert_close(fast: &Dense, slow: &Dense) {
        let scale = slow.moments.iter().fold(0.0_f64, |most, x| most.max(x.abs()));
        assert!(fast.moments.iter().zip(&slow.moments).all(|(a, b)| (a - b).abs() <= 1e-14 * scale));
        assert_eq!(fast.mean, slow.mean);
        assert_eq!(fast.memory, slow.memory);
    }

    #[test]
    fn absorbing_equals_updating() {
        for (n_rows, n_assets) in [(1, 1), (5, 3), (256, 4), (700, 9)] {
            for rule in [EwmaRule::new(30.0), EwmaRule { demean: false, adjust: false, ..EwmaRule::new(3.0) }]
            {
                let scheme = Scheme::exponential(&rule).unwrap();
                let rows = returns(n_rows, n_assets);
                let mut fast = Dense::new(n_assets);
                fast.absorb(&scheme, rows.view());
                assert_close(&fast, &one_by_one(&scheme, &rows));
            }
        }
    }

    #[test]
    fn rows_are_skipped_only_where_they_do_not_matter() {
        let scheme = Scheme::exponential(&EwmaRule::new(5.0)).unwrap();
        let mut rows = returns(1000, 3);
        assert!(Dense::new(3).negligible_rows(&scheme, 1000).0 > 500);
        // A past so large that it outweighs 2^-66 must survive.
        rows.column_mut(1).iter_mut().take(500).for_each(|x| *x *= 1e12);
        let mut fast = Dense::new(3);
        fast.absorb(&scheme, rows.view());
        let slow = one_by_one(&scheme, &rows);
        for i in 0..3 {
            let (a, b) = (fast.moments[packed::diagonal(i)], slow.moments[packed::diagonal(i)]);
            assert!((a - b).abs() <= 1e-12 * b);
        }
    }

    #[test]
    fn a_constant_asset_has_exactly_no_variance() {
        let scheme = Scheme::equal_weights(1);
        let mut rows = returns(300, 2);
        rows.column_mut(1).fill(0.1);
        let mut dense = Dense::new(2);
        dense.absorb(&scheme, rows.view());
        assert_eq!(dense.moments[1..], [0.0, 0.0]);
        assert_eq!(dense.mean[1], 0.1);
    }
}
