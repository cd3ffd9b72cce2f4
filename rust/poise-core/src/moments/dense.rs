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
use super::panels::Scaled;
use super::scheme::{Memory, Scheme, Shares};
use super::steps::{self, Deviations, take_step};
use super::tail::Tail;

/// Rows whose weight has fallen below this are skipped where their size allows it: 2^-58, else 2^-66.
const NEGLIGIBLE_WEIGHTS: [f64; 2] = [3.469_446_951_953_614e-18, 1.355_252_715_606_880_5e-20];

/// The weight of what the rows leave out that bound the variances from below.
const REST_WEIGHT: f64 = 0.25;

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
        let shares: Vec<Shares> = (0..rows.nrows()).map(|_| self.memory.observe(scheme)).collect();
        for limit in NEGLIGIBLE_WEIGHTS {
            let (n_old, weight) = negligible_rows(&shares, limit);
            if n_old > 0 && self.absorb_recent(scheme, &shares, rows, n_old, weight) {
                return;
            }
        }
        self.add_rows(scheme, &shares, rows);
    }

    /// Takes in `rows` without the products of the first `n_old` and of all before them, whose weight has fallen
    /// to `weight`; where that could be seen in the result, says no and leaves the moments as they were.
    fn absorb_recent(
        &mut self,
        scheme: &Scheme,
        shares: &[Shares],
        rows: ArrayView2<'_, f64>,
        n_old: usize,
        weight: f64,
    ) -> bool {
        let (old, recent) = rows.split_at(Axis(0), n_old);
        let (mut mean, mut forgotten) = (self.mean.clone(), self.variances());
        let mut slots = shares.iter();
        for_each_row(old, |row| {
            if let Some(&shares) = slots.next() {
                steps::forget(scheme, shares, &mut mean, &mut forgotten, row);
            }
        });
        // By Cauchy and Schwarz what variances lose bounds what covariances lose.
        let least = least_variances(scheme, shares, rows);
        let harmless = forgotten
            .iter()
            .zip(least)
            .all(|(forgotten, least)| least.is_finite() && weight * forgotten <= NEGLIGIBLE_ERROR * least);
        if harmless {
            self.mean = mean;
            self.folded.fill(0.0);
            self.add_rows(scheme, &shares[n_old..], recent);
        }
        harmless
    }

    /// Moves the mean by one row, leaves in `step` the vector whose outer product belongs to the
    /// moments and returns the share that they keep.
    pub(super) fn advance(&mut self, scheme: &Scheme, row: &[f64], step: &mut [f64]) -> f64 {
        let shares = self.memory.observe(scheme);
        take_step(scheme, shares, &mut self.mean, row, step);
        shares.past
    }

    fn add_rows(&mut self, scheme: &Scheme, shares: &[Shares], rows: ArrayView2<'_, f64>) {
        let (mut gram, mut scales, mut new) = (Gram::default(), Vec::new(), Vec::new());
        for (rows, shares) in rows.axis_chunks_iter(Axis(0), BLOCK_ROWS).zip(shares.chunks(BLOCK_ROWS)) {
            new.clear();
            new.extend(shares.iter().map(|shares| shares.new));
            // Backwards, a row's weight is the product of the shares kept after it.
            scales.clear();
            scales.extend(shares.iter().map(|&shares| steps::size(scheme, shares)));
            let mut weight = 1.0_f64;
            for (scale, shares) in scales.iter_mut().zip(shares).rev() {
                *scale *= weight.sqrt();
                weight *= shares.past;
            }
            if scheme.demean {
                let mut deviations = Deviations { mean: &mut self.mean, new: &new, scales: &scales };
                gram.add_made(&mut self.folded, weight, rows, &mut deviations);
            } else {
                gram.add_made(&mut self.folded, weight, rows, &mut Scaled(&scales));
            }
        }
    }
}

/// How many leading rows weigh less than `limit` once all rows are in, and what is left of their weight.
fn negligible_rows(shares: &[Shares], limit: f64) -> (usize, f64) {
    let mut weight = 1.0;
    for (row, shares) in shares.iter().enumerate().rev() {
        weight *= shares.past;
        if weight < limit {
            return (row, weight);
        }
    }
    (0, 1.0)
}

/// What the variances after all rows are at least: those of the last rows about their own mean, weighted.
///
/// Distances are taken from the very last row, so that an asset that stands still has exactly no variance.
fn least_variances(scheme: &Scheme, shares: &[Shares], rows: ArrayView2<'_, f64>) -> Vec<f64> {
    let n_assets = rows.ncols();
    let (mut sums, mut squares) = (vec![0.0; n_assets], vec![0.0; n_assets]);
    let origin = match rows.rows().into_iter().next_back() {
        Some(last) if scheme.demean => last.to_vec(),
        _ => sums.clone(),
    };
    let (mut weight, mut total) = (1.0, 0.0);
    for (row, shares) in rows.rows().into_iter().zip(shares).rev() {
        let own = weight * shares.new;
        for (((x, origin), sum), square) in row.iter().zip(&origin).zip(&mut sums).zip(&mut squares) {
            let distance = x - origin;
            *sum += own * distance;
            *square += own * distance * distance;
        }
        (weight, total) = (weight * shares.past, total + own);
        if weight < REST_WEIGHT {
            break;
        }
    }
    if scheme.demean {
        squares.iter_mut().zip(sums).for_each(|(square, sum)| *square -= sum * sum / total);
    }
    squares
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
        let mut memory = Memory::default();
        let shares: Vec<Shares> = (0..1000).map(|_| memory.observe(&scheme)).collect();
        assert!(NEGLIGIBLE_WEIGHTS.iter().all(|&limit| negligible_rows(&shares, limit).0 > 500));
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
