//! Moments of rows without gaps: all assets share one chain of weights.
//!
//! With `d = x - m` the recursion of pandas collapses to `m <- m + new d` and `C <- past C + past new d d'`;
//! about zero it is `C <- past C + new x x'`. A deviation of exactly zero leaves the moments exactly as they
//! are, so a constant asset keeps variance zero.

use std::borrow::Cow;

use ndarray::{ArrayView2, Axis};
use poise_simd::{Kernel, Simd, dispatch};

use super::complete::for_each_row;
use super::gram::{BLOCK_ROWS, Gram};
use super::packed;
use super::scheme::{Memory, Scheme, Shares};
use super::tail::Tail;

/// Rows whose weight has fallen below this are skipped where their size allows it, 2^-66.
const NEGLIGIBLE_WEIGHT: f64 = 1.355_252_715_606_880_5e-20;

/// What skipping may cost any variance, relative to it: the rounding of one product, 2^-53.
const NEGLIGIBLE_ERROR: f64 = 1.110_223_024_625_156_5e-16;

/// Mean and second moments of all assets; the last few rows wait in a tail until there are enough to be added
/// in one pass.
#[derive(Debug, Clone)]
pub(super) struct Dense {
    pub(super) memory: Memory,
    pub(super) mean: Vec<f64>,
    /// Packed, without what is in the tail.
    pub(super) folded: Vec<f64>,
    pub(super) tail: Tail,
}

impl Dense {
    pub(super) fn new(n_assets: usize) -> Self {
        Self {
            memory: Memory::default(),
            mean: vec![0.0; n_assets],
            folded: vec![0.0; packed::size(n_assets)],
            tail: Tail::default(),
        }
    }

    /// Takes in one finite row.
    pub(super) fn update(&mut self, scheme: &Scheme, row: &[f64]) {
        let shares = self.memory.observe(scheme);
        let step = self.tail.push(shares.past, self.mean.len());
        take_step(scheme, shares, &mut self.mean, row, step);
        if self.tail.is_full(self.mean.len()) {
            self.fold();
        }
    }

    /// Moves the tail into the moments.
    pub(super) fn fold(&mut self) {
        self.tail.fold_into(&mut self.folded, self.mean.len());
    }

    /// The packed second moments.
    pub(super) fn moments(&self) -> Cow<'_, [f64]> {
        if self.tail.is_empty() {
            return Cow::Borrowed(&self.folded);
        }
        let mut moments = self.folded.clone();
        self.tail.clone().fold_into(&mut moments, self.mean.len());
        Cow::Owned(moments)
    }

    /// The second moment of each asset with itself.
    pub(super) fn variances(&self) -> Vec<f64> {
        let mut variances: Vec<f64> =
            (0..self.mean.len()).map(|i| self.folded[packed::diagonal(i)]).collect();
        if !self.tail.is_empty() {
            self.tail.add_to_variances(&mut variances);
        }
        variances
    }

    /// The second moment of the assets' sum under the weights `w`.
    pub(super) fn form(&self, w: &[f64]) -> f64 {
        let form = packed::quadratic_form(&self.folded, w);
        if self.tail.is_empty() { form } else { self.tail.add_to_form(form, w) }
    }

    /// Takes in many finite rows, as [`Dense::update`] would one by one, up to rounding.
    pub(super) fn absorb(&mut self, scheme: &Scheme, rows: ArrayView2<'_, f64>) {
        self.fold();
        let (n_old, weight) = self.negligible_rows(scheme, rows.nrows());
        if n_old == 0 {
            return self.add_rows(scheme, rows);
        }
        let before = self.clone();
        let (old, recent) = rows.split_at(Axis(0), n_old);
        let forgotten = self.forget(scheme, old);
        self.add_rows(scheme, recent);
        let harmless = forgotten
            .iter()
            .zip(self.variances())
            .all(|(forgotten, variance)| weight * forgotten <= NEGLIGIBLE_ERROR * variance);
        if !harmless {
            *self = before;
            self.add_rows(scheme, rows);
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
        let mut variances = self.variances();
        let mut step = vec![0.0; self.mean.len()];
        for_each_row(rows, |row| {
            let past = self.advance(scheme, row, &mut step);
            decay_and_square(&mut variances, past, &step);
        });
        self.folded.fill(0.0);
        variances
    }

    /// Moves weights and mean by one row, leaves in `step` the vector whose outer product belongs to the
    /// moments and returns the share that they keep.
    pub(super) fn advance(&mut self, scheme: &Scheme, row: &[f64], step: &mut [f64]) -> f64 {
        let shares = self.memory.observe(scheme);
        take_step(scheme, shares, &mut self.mean, row, step);
        shares.past
    }

    fn add_rows(&mut self, scheme: &Scheme, rows: ArrayView2<'_, f64>) {
        let n_assets = self.mean.len();
        let most_rows = BLOCK_ROWS.min(rows.nrows());
        let (mut steps, mut scales) = (vec![0.0; most_rows * n_assets], vec![0.0; most_rows]);
        let mut gram = Gram::default();
        for chunk in rows.axis_chunks_iter(Axis(0), BLOCK_ROWS) {
            let mut slots = steps.chunks_exact_mut(n_assets).zip(&mut scales);
            for_each_row(chunk, |row| {
                if let Some((step, kept)) = slots.next() {
                    *kept = self.advance(scheme, row, step);
                }
            });
            // Backwards, a row's weight is the product of the shares kept after it.
            let scales = &mut scales[..chunk.nrows()];
            let mut weight = 1.0_f64;
            for scale in scales.iter_mut().rev() {
                let kept = *scale;
                *scale = weight.sqrt();
                weight *= kept;
            }
            gram.add(&mut self.folded, weight, &steps[..scales.len() * n_assets], scales);
        }
    }
}

/// Moves the mean by one row and leaves in `step` what of it belongs to the moments.
fn take_step(scheme: &Scheme, shares: Shares, mean: &mut [f64], row: &[f64], step: &mut [f64]) {
    if scheme.demean {
        let size = (shares.past * shares.new).sqrt();
        dispatch(Deviate { mean, row, step, new: shares.new, size });
    } else {
        let size = shares.new.sqrt();
        step.iter_mut().zip(row).for_each(|(step, x)| *step = size * x);
    }
}

struct Deviate<'a> {
    mean: &'a mut [f64],
    row: &'a [f64],
    step: &'a mut [f64],
    new: f64,
    size: f64,
}

impl Kernel for Deviate<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _simd: S) {
        for ((step, mean), &x) in self.step.iter_mut().zip(self.mean).zip(self.row) {
            let deviation = x - *mean;
            // Not fused: a mean is the same on every path, dense or pair by pair.
            *mean += self.new * deviation;
            *step = self.size * deviation;
        }
    }
}

/// `v <- past v + step^2`, the diagonal of what is done to the moments.
pub(super) fn decay_and_square(variances: &mut [f64], past: f64, step: &[f64]) {
    dispatch(DecayAndSquare { variances, past, step });
}

struct DecayAndSquare<'a> {
    variances: &'a mut [f64],
    past: f64,
    step: &'a [f64],
}

impl Kernel for DecayAndSquare<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        for (variance, &step) in self.variances.iter_mut().zip(self.step) {
            *variance = simd.fma(step, step, self.past * *variance);
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
        for_each_row(rows.view(), |row| dense.update(scheme, row));
        dense.fold();
        dense
    }

    fn assert_close(fast: &Dense, slow: &Dense) {
        let scale = slow.folded.iter().fold(0.0_f64, |most, x| most.max(x.abs()));
        assert!(fast.folded.iter().zip(&slow.folded).all(|(a, b)| (a - b).abs() <= 1e-14 * scale));
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
            let (a, b) = (fast.folded[packed::diagonal(i)], slow.folded[packed::diagonal(i)]);
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
        assert_eq!(dense.folded[1..], [0.0, 0.0]);
        assert_eq!(dense.mean[1], 0.1);
    }
}
