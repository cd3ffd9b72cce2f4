//! The moments after every row, written as they move.
//!
//! One matrix runs; each row of returns passes over it once and leaves a slice of the path. Rows of the running
//! matrix are as long as whole vectors, so a slice's row may spill over its end: the next one is written later.

use poise_simd::{Kernel, Simd, dispatch};

use super::accumulator::{ZeroVariance, unit_or_nan};
use super::dense::decay_and_square;

/// The longest vector of any instruction set.
const LONGEST_VECTOR: usize = 8;

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

/// The matrix that runs along a path.
#[derive(Debug)]
pub(super) struct Running {
    shape: PathShape,
    n_assets: usize,
    /// Rows of whole vectors.
    moments: Vec<f64>,
    /// What the next row adds, filled up with zeros.
    step: Vec<f64>,
    variances: Vec<f64>,
    inverse: Vec<f64>,
}

impl Running {
    pub(super) fn new(shape: PathShape, n_assets: usize) -> Self {
        let stride = n_assets.next_multiple_of(LONGEST_VECTOR);
        Self {
            shape,
            n_assets,
            moments: vec![0.0; n_assets * stride],
            step: vec![0.0; stride],
            variances: vec![0.0; stride],
            inverse: vec![0.0; stride],
        }
    }

    /// Where to put the vector whose outer product the next row adds.
    pub(super) fn step(&mut self) -> &mut [f64] {
        &mut self.step[..self.n_assets]
    }

    /// `C <- past C + step step'`, and `correction C` into `out`.
    pub(super) fn write_covariance(&mut self, past: f64, correction: f64, out: &mut [f64]) {
        self.write(past, Scaled { correction }, out);
    }

    /// As [`Running::write_covariance`], and the correlation into `out`; NaN throughout where it is not known.
    pub(super) fn write_correlation(&mut self, past: f64, known: bool, zero: ZeroVariance, out: &mut [f64]) {
        decay_and_square(&mut self.variances, past, &self.step);
        let still = match (known, zero) {
            (true, ZeroVariance::Uncorrelated) => 0.0,
            _ => f64::NAN,
        };
        let mut inverse = std::mem::take(&mut self.inverse);
        if known {
            dispatch(InverseRoots { variances: &self.variances, still, out: &mut inverse });
        } else {
            inverse.fill(still);
        }
        self.write(past, Correlated { inverse: &inverse }, out);
        let mut start = 0;
        for (i, &inverse) in inverse[..self.n_assets].iter().enumerate() {
            out[start + i] = unit_or_nan(inverse);
            start += self.shape.row(self.n_assets, i);
        }
        self.inverse = inverse;
    }

    fn write(&mut self, past: f64, entry: impl Entry, out: &mut [f64]) {
        let Self { shape, n_assets, ref mut moments, ref step, .. } = *self;
        dispatch(Write { shape, n_assets, moments, step, past, entry, out });
    }
}

/// What a path shows of a moment.
trait Entry: Copy {
    /// The entries of a vector of moments that begins at column `block LANES` of `row`.
    fn show<S: Simd>(self, simd: S, row: usize, block: usize, moments: S::Vector) -> S::Vector;
}

#[derive(Clone, Copy)]
struct Scaled {
    correction: f64,
}

impl Entry for Scaled {
    #[inline(always)]
    fn show<S: Simd>(self, simd: S, _row: usize, _block: usize, moments: S::Vector) -> S::Vector {
        simd.mul(simd.splat(self.correction), moments)
    }
}

#[derive(Clone, Copy)]
struct Correlated<'a> {
    inverse: &'a [f64],
}

impl Entry for Correlated<'_> {
    #[inline(always)]
    fn show<S: Simd>(self, simd: S, row: usize, block: usize, moments: S::Vector) -> S::Vector {
        let (own, (others, _)) = (simd.splat(self.inverse[row]), simd.blocks(self.inverse));
        let correlations = simd.mul(moments, simd.mul(own, simd.load(&others[block])));
        // In this order of operands NaN stays NaN.
        simd.min(simd.splat(1.0), simd.max(simd.splat(-1.0), correlations))
    }
}

struct Write<'a, E> {
    shape: PathShape,
    n_assets: usize,
    moments: &'a mut [f64],
    step: &'a [f64],
    past: f64,
    entry: E,
    out: &'a mut [f64],
}

impl<E: Entry> Kernel for Write<'_, E> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let (past, (steps, _)) = (simd.splat(self.past), simd.blocks(self.step));
        let mut start = 0;
        let rows = self.moments.chunks_exact_mut(self.step.len()).zip(self.step);
        for (i, (moments, &scale)) in rows.enumerate().take(self.n_assets) {
            let (scale, length) = (simd.splat(scale), self.shape.row(self.n_assets, i));
            let (moments, _) = simd.blocks_mut(moments);
            let moments = &mut moments[..length.div_ceil(S::LANES)];
            let (whole, rest) = simd.blocks_mut(&mut self.out[start..]);
            let n_whole = whole.len().min(moments.len());
            let (inside, at_the_end) = moments.split_at_mut(n_whole);
            for (block, ((moments, out), step)) in inside.iter_mut().zip(whole).zip(steps).enumerate() {
                let moved = simd.mul_add(scale, simd.load(step), simd.mul(past, simd.load(moments)));
                simd.store(moments, moved);
                simd.store(out, self.entry.show(simd, i, block, moved));
            }
            if let (Some(moments), Some(step)) = (at_the_end.first_mut(), steps.get(n_whole)) {
                let moved = simd.mul_add(scale, simd.load(step), simd.mul(past, simd.load(moments)));
                simd.store(moments, moved);
                simd.store_partial(rest, self.entry.show(simd, i, n_whole, moved));
            }
            start += length;
        }
    }
}

/// One over the square root, `still` where there is no variance.
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
    use poise_simd::{available, dispatch_on};

    #[test]
    fn every_instruction_set_writes_what_plain_loops_write() {
        for n in (1..=20).chain([50]) {
            for shape in [PathShape::Full, PathShape::Packed] {
                let length: usize = (0..n).map(|i| shape.row(n, i)).sum();
                for set in available() {
                    let mut running = Running::new(shape, n);
                    let (mut moments, mut out) = (vec![0.0; n * n], vec![f64::NAN; length]);
                    for (k, past) in [0.0, 0.5, 0.9].into_iter().enumerate() {
                        (0..n).for_each(|i| running.step()[i] = ((k * n + i) as f64).sin());
                        let Running { ref step, moments: ref mut held, .. } = running;
                        let entry = Scaled { correction: 1.5 };
                        let n_assets = n;
                        let out = &mut out;
                        dispatch_on(set, Write { shape, n_assets, moments: held, step, past, entry, out });
                        let mut written = out.iter();
                        for i in 0..n {
                            for j in 0..n {
                                moments[i * n + j] = past * moments[i * n + j] + step[i] * step[j];
                            }
                            for moment in &moments[i * n..][..shape.row(n, i)] {
                                let found = written.next().copied().unwrap_or(f64::NAN);
                                assert!((found - 1.5 * moment).abs() < 1e-14, "{set}, n = {n}: {found}");
                            }
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn correlations_are_held_in_their_range_and_keep_what_is_not_known() {
        for n in [1, 3, 8, 11] {
            let mut running = Running::new(PathShape::Full, n);
            let mut out = vec![0.0; n * n];
            running.step().copy_from_slice(&vec![1.0 / 3.0; n]);
            running.step()[0] = 0.0;
            running.write_correlation(0.0, true, ZeroVariance::Nan, &mut out);
            assert!(out[..n].iter().all(|x| x.is_nan()));
            assert!(out.iter().skip(n).enumerate().all(|(k, x)| x.is_nan() == (k % n == 0)));
            assert!(!out.iter().any(|x| x.abs() > 1.0));
            running.write_correlation(0.0, true, ZeroVariance::Uncorrelated, &mut out);
            assert!(out[..n].iter().enumerate().all(|(j, x)| *x == if j == 0 { 1.0 } else { 0.0 }));
            running.write_correlation(0.0, false, ZeroVariance::Uncorrelated, &mut out);
            assert!(out.iter().all(|x| x.is_nan()));
        }
    }
}
