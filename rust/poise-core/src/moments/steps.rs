//! One row's step of the mean, and what of it belongs to the moments.
//!
//! The mean is never fused: it is the same on every path, dense or pair by pair, one row or many at a time.

use poise_simd::{Kernel, Simd, dispatch};

use super::panels::{Slots, Source};
use super::scheme::{Scheme, Shares};

/// Moves the mean by one row and leaves in `step` what of it belongs to the moments.
pub(super) fn take_step(scheme: &Scheme, shares: Shares, mean: &mut [f64], row: &[f64], step: &mut [f64]) {
    if scheme.demean {
        dispatch(Deviate { mean, row, step, new: shares.new, size: size(scheme, shares) });
    } else {
        let size = size(scheme, shares);
        step.iter_mut().zip(row).for_each(|(step, x)| *step = size * x);
    }
}

/// By what a deviation, or a return about zero, is multiplied so that its square belongs to the moments.
pub(super) fn size(scheme: &Scheme, shares: Shares) -> f64 {
    if scheme.demean { (shares.past * shares.new).sqrt() } else { shares.new.sqrt() }
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
    fn run<S: Simd>(self, simd: S) {
        let (new, size) = (simd.splat(self.new), simd.splat(self.size));
        let ((means, means_rest), (rows, row_rest)) = (simd.blocks_mut(self.mean), simd.blocks(self.row));
        let (steps, step_rest) = simd.blocks_mut(self.step);
        for ((mean, row), step) in means.iter_mut().zip(rows).zip(steps) {
            let (moved, deviation) = deviate(simd, new, simd.load(mean), simd.load(row));
            simd.store(mean, moved);
            simd.store(step, simd.mul(size, deviation));
        }
        if !row_rest.is_empty() {
            let (mean, row) = (simd.load_partial(means_rest), simd.load_partial(row_rest));
            let (moved, deviation) = deviate(simd, new, mean, row);
            simd.store_partial(means_rest, moved);
            simd.store_partial(step_rest, simd.mul(size, deviation));
        }
    }
}

/// The mean after `x`, and the distance of `x` from the mean before it.
#[inline(always)]
fn deviate<S: Simd>(simd: S, new: S::Vector, mean: S::Vector, x: S::Vector) -> (S::Vector, S::Vector) {
    let deviation = simd.sub(x, mean);
    (simd.add(mean, simd.mul(new, deviation)), deviation)
}

/// Makes the steps of many rows, each with the weight that it has in the end.
pub(super) struct Deviations<'a> {
    pub(super) mean: &'a mut [f64],
    /// The share of each row in the mean.
    pub(super) new: &'a [f64],
    /// What each deviation is multiplied by.
    pub(super) scales: &'a [f64],
}

impl Source for Deviations<'_> {
    #[inline(always)]
    fn put<S: Simd>(&mut self, simd: S, k: usize, row: &[f64], mut slots: Slots<'_, S::Block>) {
        let (new, scale) = (simd.splat(self.new[k]), simd.splat(self.scales[k]));
        let ((means, means_rest), (rows, row_rest)) = (simd.blocks_mut(self.mean), simd.blocks(row));
        for (v, (mean, row)) in means.iter_mut().zip(rows).enumerate() {
            let (moved, deviation) = deviate(simd, new, simd.load(mean), simd.load(row));
            simd.store(mean, moved);
            if let Some(slot) = slots.get(v) {
                simd.store(slot, simd.mul(scale, deviation));
            }
        }
        if let Some(slot) = slots.get(rows.len()).filter(|_| !row_rest.is_empty()) {
            let (mean, row) = (simd.load_partial(means_rest), simd.load_partial(row_rest));
            let (moved, deviation) = deviate(simd, new, mean, row);
            simd.store_partial(means_rest, moved);
            simd.store(slot, simd.mul(scale, deviation));
        }
    }
}

/// Moves mean and variances by rows that are to be forgotten: `v <- past (v + new d^2)`, or `past v + new x^2`.
pub(super) fn forget(scheme: &Scheme, shares: Shares, mean: &mut [f64], variances: &mut [f64], row: &[f64]) {
    if scheme.demean {
        dispatch(Forget { mean, variances, row, shares });
    } else {
        for (variance, x) in variances.iter_mut().zip(row) {
            *variance = shares.past * *variance + shares.new * x * x;
        }
    }
}

struct Forget<'a> {
    mean: &'a mut [f64],
    variances: &'a mut [f64],
    row: &'a [f64],
    shares: Shares,
}

impl Kernel for Forget<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let (past, new) = (simd.splat(self.shares.past), simd.splat(self.shares.new));
        let ((means, means_rest), (rows, row_rest)) = (simd.blocks_mut(self.mean), simd.blocks(self.row));
        let (variances, variances_rest) = simd.blocks_mut(self.variances);
        for ((mean, row), variance) in means.iter_mut().zip(rows).zip(variances) {
            let (moved, deviation) = deviate(simd, new, simd.load(mean), simd.load(row));
            simd.store(mean, moved);
            let grown = simd.mul_add(simd.mul(new, deviation), deviation, simd.load(variance));
            simd.store(variance, simd.mul(past, grown));
        }
        if !row_rest.is_empty() {
            let (mean, row) = (simd.load_partial(means_rest), simd.load_partial(row_rest));
            let (moved, deviation) = deviate(simd, new, mean, row);
            simd.store_partial(means_rest, moved);
            let variance = simd.load_partial(variances_rest);
            let grown = simd.mul_add(simd.mul(new, deviation), deviation, variance);
            simd.store_partial(variances_rest, simd.mul(past, grown));
        }
    }
}
