//! Slices of a path, several at a time.
//!
//! A vector of running moments stays in a register while a few rows of returns pass over it and leave theirs in as
//! many slices, so that each number of a path costs little more than the store that writes it. Rows of the running
//! matrix are as long as whole vectors, so a slice's row may spill over its end: the next one is written later.
//!
//! The stores are ordinary ones. Stores that pass the caches by would gain a tenth where the slices are old memory,
//! and lose a fifth where they are new, since what the system has just cleared is still in the caches.

#[cfg(test)]
mod tests;

use std::array;

use poise_simd::{Kernel, Simd};

use super::super::accumulator::unit_or_nan;
use super::PathShape;

/// Slices up to this size are written one at a time: the running matrix is in the nearest cache anyway, and memory
/// likes it best when it is written from front to back.
const SMALL_SLICE: usize = 16 << 10;

/// What the rows in play may take of the nearest cache, three quarters of the 32 KiB of most processors.
const NEAR: usize = 24 << 10;

/// What a path shows of a moment, row of returns by row.
pub(super) trait Entry: Copy {
    /// What is the same along `row` of the slice after the row of returns `tick`.
    fn factor<S: Simd>(self, simd: S, tick: usize, row: usize) -> S::Vector;

    /// The entries of a vector of moments that begins at column `block LANES`.
    fn show<S: Simd>(
        self,
        simd: S,
        tick: usize,
        factor: S::Vector,
        block: usize,
        moments: S::Vector,
    ) -> S::Vector;

    /// What the diagonal shows, where it is not as other entries.
    fn diagonal(self, tick: usize, row: usize) -> Option<f64>;
}

#[derive(Clone, Copy)]
pub(super) struct Scaled<'a> {
    pub(super) corrections: &'a [f64],
}

impl Entry for Scaled<'_> {
    #[inline(always)]
    fn factor<S: Simd>(self, simd: S, tick: usize, _row: usize) -> S::Vector {
        simd.splat(self.corrections[tick])
    }

    #[inline(always)]
    fn show<S: Simd>(
        self,
        simd: S,
        _tick: usize,
        factor: S::Vector,
        _block: usize,
        moments: S::Vector,
    ) -> S::Vector {
        simd.mul(factor, moments)
    }

    #[inline(always)]
    fn diagonal(self, _tick: usize, _row: usize) -> Option<f64> {
        None
    }
}

#[derive(Clone, Copy)]
pub(super) struct Correlated<'a> {
    /// Rows of `stride`.
    pub(super) inverse: &'a [f64],
    pub(super) stride: usize,
}

impl Entry for Correlated<'_> {
    #[inline(always)]
    fn factor<S: Simd>(self, simd: S, tick: usize, row: usize) -> S::Vector {
        simd.splat(self.inverse[tick * self.stride + row])
    }

    #[inline(always)]
    fn show<S: Simd>(
        self,
        simd: S,
        tick: usize,
        factor: S::Vector,
        block: usize,
        moments: S::Vector,
    ) -> S::Vector {
        let (others, _) = simd.blocks(self.inverse);
        let others = simd.load(&others[tick * (self.stride / S::LANES) + block]);
        let correlations = simd.mul(moments, simd.mul(factor, others));
        // In this order of operands NaN stays NaN.
        simd.min(simd.splat(1.0), simd.max(simd.splat(-1.0), correlations))
    }

    #[inline(always)]
    fn diagonal(self, tick: usize, row: usize) -> Option<f64> {
        Some(unit_or_nan(self.inverse[tick * self.stride + row]))
    }
}

/// `C <- past C + step step'` for each step, and the entries of `C` after it into its slice.
pub(super) struct Write<'a, 'b, E> {
    pub(super) shape: PathShape,
    pub(super) n_assets: usize,
    pub(super) stride: usize,
    /// Rows of `stride`.
    pub(super) moments: &'a mut [f64],
    pub(super) pasts: &'a [f64],
    /// Rows of `stride`.
    pub(super) steps: &'a [f64],
    pub(super) entry: E,
    pub(super) outs: &'a mut [&'b mut [f64]],
}

impl<E: Entry> Kernel for Write<'_, '_, E> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, simd: S) {
        match together(self.n_assets) {
            4 => self.in_groups::<S, 4>(simd),
            2 => self.in_groups::<S, 2>(simd),
            _ => self.in_groups::<S, 1>(simd),
        }
    }
}

/// How many slices are written at a time: their rows, the steps and the moments share the nearest cache.
fn together(n_assets: usize) -> usize {
    let row = n_assets * size_of::<f64>();
    let fits = |ticks: usize| (2 * ticks + 1) * row <= NEAR;
    if n_assets * row <= SMALL_SLICE {
        return 1;
    }
    [4, 2].into_iter().find(|&ticks| fits(ticks)).unwrap_or(1)
}

impl<E: Entry> Write<'_, '_, E> {
    #[inline(always)]
    fn in_groups<S: Simd, const TICKS: usize>(&mut self, simd: S) {
        let Self { shape, n_assets, stride, ref mut moments, pasts, steps, entry, ref mut outs } = *self;
        let pass = Pass { shape, n_assets, stride, pasts, steps, entry };
        let n_grouped = outs.len() - outs.len() % TICKS;
        let (groups, rest) = outs.as_chunks_mut::<TICKS>();
        for (first, outs) in (0..).step_by(TICKS).zip(groups) {
            pass.run(simd, first, moments, outs);
        }
        for (first, out) in (n_grouped..).zip(rest) {
            pass.run(simd, first, moments, array::from_mut(out));
        }
    }
}

#[derive(Clone, Copy)]
struct Pass<'a, E> {
    shape: PathShape,
    n_assets: usize,
    stride: usize,
    pasts: &'a [f64],
    steps: &'a [f64],
    entry: E,
}

impl<E: Entry> Pass<'_, E> {
    /// Passes over the moments once with the steps from `first` on.
    #[inline(always)]
    fn run<S: Simd, const TICKS: usize>(
        self,
        simd: S,
        first: usize,
        moments: &mut [f64],
        outs: &mut [&mut [f64]; TICKS],
    ) {
        let Self { shape, n_assets, stride, entry, .. } = self;
        let steps: [&[f64]; TICKS] = array::from_fn(|k| &self.steps[(first + k) * stride..][..stride]);
        let mut pasts = [simd.splat(0.0); TICKS];
        for (k, past) in pasts.iter_mut().enumerate() {
            *past = simd.splat(self.pasts[first + k]);
        }
        let mut start = 0;
        for (row, moments) in moments.chunks_exact_mut(stride).enumerate().take(n_assets) {
            let length = shape.row(n_assets, row);
            let n_blocks = length.div_ceil(S::LANES);
            let n_whole = n_blocks.min((outs[0].len() - start) / S::LANES);
            let (mut scales, mut factors) = (pasts, pasts);
            for k in 0..TICKS {
                scales[k] = simd.splat(steps[k][row]);
                factors[k] = entry.factor(simd, first + k, row);
            }
            let steps = steps.map(|step| &simd.blocks(step).0[..n_blocks]);
            let slots = outs.each_mut().map(|out| &mut simd.blocks_mut(&mut out[start..]).0[..n_whole]);
            let (moments, _) = simd.blocks_mut(moments);
            let (inside, at_the_end) = moments[..n_blocks].split_at_mut(n_whole);
            for (block, moments) in inside.iter_mut().enumerate() {
                let mut moved = simd.load(moments);
                for k in 0..TICKS {
                    let old = simd.mul(pasts[k], moved);
                    moved = simd.mul_add(scales[k], simd.load(&steps[k][block]), old);
                    simd.store(&mut slots[k][block], entry.show(simd, first + k, factors[k], block, moved));
                }
                simd.store(moments, moved);
            }
            if let Some(moments) = at_the_end.first_mut() {
                let mut moved = simd.load(moments);
                for k in 0..TICKS {
                    let old = simd.mul(pasts[k], moved);
                    moved = simd.mul_add(scales[k], simd.load(&steps[k][n_whole]), old);
                    let rest = &mut outs[k][start + n_whole * S::LANES..];
                    simd.store_partial(rest, entry.show(simd, first + k, factors[k], n_whole, moved));
                }
                simd.store(moments, moved);
            }
            for (tick, out) in (first..).zip(&mut *outs) {
                if let Some(diagonal) = entry.diagonal(tick, row) {
                    out[start + row] = diagonal;
                }
            }
            start += length;
        }
    }
}
