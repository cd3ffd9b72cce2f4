//! The moments after every row, written as they move.
//!
//! One matrix runs; each row of returns passes over it once and leaves a slice of the path. Rows are taken in blocks:
//! first their steps, which are short, then the slices, which [`write`] fills several at a time.

mod write;

use poise_simd::{Kernel, Simd, dispatch};

use super::accumulator::ZeroVariance;
use super::dense::decay_and_square;
use write::{Correlated, Entry, Scaled, Write};

/// The longest vector of any instruction set.
const LONGEST_VECTOR: usize = 8;

/// Rows of returns in a block: enough for what is done once per block not to count.
pub(super) const BLOCK_ROWS: usize = 16;

/// What a slice of a path holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PathShape {
    /// All of a matrix.
    Full,
    /// Its lower triangle, row by row.
    Packed,
}

impl PathShape {
    /// Numbers in row `i` of a slice.
    #[inline(always)]
    fn row(self, n_assets: usize, i: usize) -> usize {
        match self {
            Self::Full => n_assets,
            Self::Packed => i + 1,
        }
    }
}

/// The matrix that runs along a path, and the block of rows that it takes in next.
#[derive(Debug)]
pub(super) struct Running {
    shape: PathShape,
    n_assets: usize,
    /// A row filled up with zeros to whole vectors.
    stride: usize,
    /// Rows of `stride`.
    moments: Vec<f64>,
    variances: Vec<f64>,
    /// What each row of the block leaves of the moments before it.
    pasts: Vec<f64>,
    /// What each row of the block adds, rows of `stride`.
    steps: Vec<f64>,
    /// By what covariances are multiplied after each row of the block.
    corrections: Vec<f64>,
    /// By what correlations are multiplied on both sides after each row of the block, rows of `stride`.
    inverse: Vec<f64>,
}

impl Running {
    pub(super) fn new(shape: PathShape, n_assets: usize) -> Self {
        let stride = n_assets.next_multiple_of(LONGEST_VECTOR);
        Self {
            shape,
            n_assets,
            stride,
            moments: vec![0.0; n_assets * stride],
            variances: vec![0.0; stride],
            pasts: Vec::with_capacity(BLOCK_ROWS),
            steps: vec![0.0; BLOCK_ROWS * stride],
            corrections: Vec::with_capacity(BLOCK_ROWS),
            inverse: vec![0.0; BLOCK_ROWS * stride],
        }
    }

    /// Where to put the vector whose outer product the next row adds; a block has room for [`BLOCK_ROWS`].
    pub(super) fn step(&mut self) -> &mut [f64] {
        &mut self.steps[self.pasts.len() * self.stride..][..self.n_assets]
    }

    /// The step is `C <- past C + step step'`, and `correction C` will be shown.
    pub(super) fn push_covariance(&mut self, past: f64, correction: f64) {
        self.pasts.push(past);
        self.corrections.push(correction);
    }

    /// The step is `C <- past C + step step'`, and the correlation will be shown; NaN throughout where it is not known.
    pub(super) fn push_correlation(&mut self, past: f64, known: bool, zero: ZeroVariance) {
        let start = self.pasts.len() * self.stride;
        let (step, inverse) =
            (&self.steps[start..][..self.stride], &mut self.inverse[start..][..self.stride]);
        decay_and_square(&mut self.variances, past, step);
        match (known, zero) {
            (false, _) => inverse.fill(f64::NAN),
            (true, ZeroVariance::Uncorrelated) => inverse_roots(&self.variances, 0.0, inverse),
            (true, ZeroVariance::Nan) => inverse_roots(&self.variances, f64::NAN, inverse),
        }
        self.pasts.push(past);
    }

    /// Takes in the block, whose rows were pushed as covariances, and writes one after each of them.
    pub(super) fn write_covariances(&mut self, outs: &mut [&mut [f64]]) {
        let corrections = std::mem::take(&mut self.corrections);
        self.write(Scaled { corrections: &corrections }, outs);
        self.corrections = corrections;
        self.corrections.clear();
    }

    /// Takes in the block, whose rows were pushed as correlations, and writes one after each of them.
    pub(super) fn write_correlations(&mut self, outs: &mut [&mut [f64]]) {
        let inverse = std::mem::take(&mut self.inverse);
        self.write(Correlated { inverse: &inverse, stride: self.stride }, outs);
        self.inverse = inverse;
    }

    fn write(&mut self, entry: impl Entry, outs: &mut [&mut [f64]]) {
        let Self { shape, n_assets, stride, ref mut moments, ref pasts, ref steps, .. } = *self;
        dispatch(Write { shape, n_assets, stride, moments, pasts, steps, entry, outs });
        self.pasts.clear();
    }
}

/// One over the square roots, `still` where there is no variance.
fn inverse_roots(variances: &[f64], still: f64, out: &mut [f64]) {
    dispatch(InverseRoots { variances, still, out });
}

struct InverseRoots<'a> {
    variances: &'a [f64],
    still: f64,
    out: &'a mut [f64],
}

impl Kernel for InverseRoots<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let ((variances, _), (out, _)) = (simd.blocks(self.variances), simd.blocks_mut(self.out));
        let (zero, one, still) = (simd.splat(0.0), simd.splat(1.0), simd.splat(self.still));
        for (variances, out) in variances.iter().zip(out) {
            let variances = simd.load(variances);
            let inverse = simd.div(one, simd.sqrt(variances));
            simd.store(out, simd.where_at_most(variances, zero, still, inverse));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn correlations_are_held_in_their_range_and_keep_what_is_not_known() {
        for n in [1, 3, 8, 11] {
            let mut running = Running::new(PathShape::Full, n);
            let choices =
                [(true, ZeroVariance::Nan), (true, ZeroVariance::Uncorrelated), (false, ZeroVariance::Nan)];
            for (known, zero) in choices {
                running.step().copy_from_slice(&vec![1.0 / 3.0; n]);
                running.step()[0] = 0.0;
                running.push_correlation(0.0, known, zero);
            }
            let mut outs = vec![vec![0.0; n * n]; choices.len()];
            running.write_correlations(&mut outs.iter_mut().map(Vec::as_mut_slice).collect::<Vec<_>>());
            assert!(outs[0][..n].iter().all(|x| x.is_nan()));
            assert!(outs[0].iter().skip(n).enumerate().all(|(k, x)| x.is_nan() == (k % n == 0)));
            assert!(!outs[0].iter().any(|x| x.abs() > 1.0));
            assert!(outs[1][..n].iter().enumerate().all(|(j, x)| *x == if j == 0 { 1.0 } else { 0.0 }));
            assert!(outs[2].iter().all(|x| x.is_nan()));
        }
    }
}
