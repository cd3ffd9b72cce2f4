//! The covariance of a window that moves: a matrix, and the last few windows' changes of it beside it.
//!
//! A window changes every entry, and to go through all of them takes longer than what is asked of them. So a few
//! changes wait and are added together; until then products and rows count them in.

use ndarray::{ArrayView2, Axis};
use poise_simd::{Kernel, Simd, dispatch};

use super::products::{Aligned, PADDING, add_up_rows};
use super::vectors::{combine, dots};
use crate::optimization::dense::Symmetric;
use crate::optimization::quadratic::Hessian;

/// Rows whose products wait: two for each window.
const WAITING: usize = 8;

/// The sample covariance of a window.
///
/// All vectors are padded with zeros to a multiple of [`PADDING`].
#[derive(Debug)]
pub(super) struct Moving {
    n: usize,
    mean: Vec<f64>,
    /// What does not wait, row by row; one of zeros makes them an even number.
    matrix: Aligned,
    variance: Vec<f64>,
    /// As of when the changes were last added up: it only tells how large rounding is.
    volatility: Vec<f64>,
    n_waiting: usize,
    /// `left right'` of each waits.
    left: [Vec<f64>; WAITING],
    right: [Vec<f64>; WAITING],
}

impl Moving {
    /// The covariance of a window of `rows`.
    pub(super) fn new(covariance: Symmetric, rows: ArrayView2<'_, f64>) -> Self {
        let n = covariance.n();
        let stride = n.next_multiple_of(PADDING);
        let mean = (rows.sum_axis(Axis(0)) / rows.nrows() as f64).to_vec();
        let mut variance = vec![0.0; stride];
        variance.iter_mut().zip(covariance.diagonal()).for_each(|(to, from)| *to = from);
        let volatility = variance.iter().map(|variance| variance.sqrt()).collect();
        let matrix = Aligned::spread(covariance.into_rows(), n, stride);
        let zeros = || std::array::from_fn(|_| vec![0.0; stride]);
        Self { n, mean, matrix, variance, volatility, n_waiting: 0, left: zeros(), right: zeros() }
    }

    /// Lets go of the row `stale` of a window of `length` rows for the row `fresh`.
    ///
    /// With `u` and `v` for what is above the old mean of both the scatter grows by `uu' - vv' - (u - v)(u - v)' / T`.
    pub(super) fn exchange(&mut self, fresh: &[f64], stale: &[f64], length: f64) {
        if self.n_waiting == WAITING {
            self.add_up();
        }
        let (share, scale) = (1.0 / length, 1.0 / (length - 1.0));
        let (at, n) = (self.n_waiting, self.n);
        let (left, right) = (&mut self.left[at..at + 2], &mut self.right[at..at + 2]);
        let ([entering, leaving], [for_entering, for_leaving]) = (left, right) else { return };
        let (fresh, stale, variance) = (&fresh[..n], &stale[..n], &mut self.variance[..n]);
        let (entering, leaving) = (&mut entering[..n], &mut leaving[..n]);
        let (for_entering, for_leaving) = (&mut for_entering[..n], &mut for_leaving[..n]);
        for (i, mean) in self.mean[..n].iter_mut().enumerate() {
            let (u, v) = (fresh[i] - *mean, stale[i] - *mean);
            let shift = share * (u - v);
            *mean += shift;
            (entering[i], leaving[i]) = (u, v);
            (for_entering[i], for_leaving[i]) = (scale * (u - shift), scale * (shift - v));
            variance[i] += u * for_entering[i] + v * for_leaving[i];
        }
        self.n_waiting += 2;
    }

    /// The rows exchanged last, over the mean before.
    pub(super) fn last_rows(&self) -> [&[f64]; 2] {
        match &self.left[..self.n_waiting] {
            [.., entering, leaving] => [entering, leaving],
            _ => [&[], &[]],
        }
    }

    /// The least and the largest variance.
    pub(super) fn extremes(&self) -> (f64, f64) {
        let variance = &self.variance[..self.n];
        let (chunks, rest) = variance.as_chunks::<PADDING>();
        let (mut least, mut largest) = ([f64::INFINITY; PADDING], [0.0; PADDING]);
        for chunk in chunks {
            for (k, &value) in chunk.iter().enumerate() {
                least[k] = if value < least[k] { value } else { least[k] };
                largest[k] = if value > largest[k] { value } else { largest[k] };
            }
        }
        let of_rest = rest.iter().fold(f64::INFINITY, |least, value| value.min(least));
        let most = rest.iter().chain(&largest).fold(0.0, |largest: f64, value| value.max(largest));
        (least.into_iter().fold(of_rest, f64::min), most)
    }

    pub(super) fn volatility(&self) -> &[f64] {
        &self.volatility
    }

    /// `out = covariance x` of an `x` that has zeros but at the assets `held`.
    pub(super) fn multiply_into(&self, held: &[usize], x: &[f64], out: &mut [f64]) {
        add_up_rows(self.matrix.values(), held, x, out);
        for at in (0..self.n_waiting).step_by(2) {
            let (left, right) = (&self.left[at..at + 2], &self.right[at..at + 2]);
            let ([left, beside], [right, other]) = (left, right) else { return };
            let earned = dots([[right, x], [other, x]]);
            combine([out], [1.0], [earned], [left, beside]);
        }
    }

    /// Row `i`; returns its variance.
    pub(super) fn row_into(&self, i: usize, out: &mut [f64]) -> f64 {
        let stride = out.len();
        out.copy_from_slice(&self.matrix.values()[i * stride..(i + 1) * stride]);
        for at in (0..self.n_waiting).step_by(2) {
            let (left, right) = (&self.left[at..at + 2], &self.right[at..at + 2]);
            let ([left, beside], [right, other]) = (left, right) else { break };
            combine([&mut *out], [1.0], [[left[i], beside[i]]], [right, other]);
        }
        self.variance[i]
    }

    /// The covariance with nothing left waiting.
    pub(super) fn whole(&mut self) -> Hessian {
        self.add_up();
        let (n, stride) = (self.n, self.volatility.len());
        let rows =
            self.matrix.values().chunks_exact(stride).take(n).flat_map(|row| &row[..n]).copied().collect();
        Hessian::regular(Symmetric::of_rows(rows, n))
    }

    fn add_up(&mut self) {
        if self.n_waiting > 0 {
            self.left[self.n_waiting..].iter_mut().for_each(|left| left.fill(0.0));
            let (left, right) = (self.left.each_ref(), self.right.each_ref());
            dispatch(AddUp { matrix: self.matrix.values_mut(), left, right });
            self.n_waiting = 0;
        }
        self.volatility.iter_mut().zip(&self.variance).for_each(|(to, from)| *to = from.sqrt());
    }
}

/// `matrix += left right'` of each.
struct AddUp<'a> {
    matrix: &'a mut [f64],
    left: [&'a Vec<f64>; WAITING],
    right: [&'a Vec<f64>; WAITING],
}

impl Kernel for AddUp<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { matrix, left, right } = self;
        let stride = left[0].len();
        let blocks = right.map(|right| simd.blocks(right).0);
        // Two rows at a time: what is added to them is loaded once for both.
        for (k, pair) in matrix.chunks_exact_mut(2 * stride).enumerate() {
            let (first, second) = pair.split_at_mut(stride);
            let of_first = left.map(|left| simd.splat(left[2 * k]));
            let of_second = left.map(|left| simd.splat(left[2 * k + 1]));
            let (first, second) = (simd.blocks_mut(first).0, simd.blocks_mut(second).0);
            for (at, (first, second)) in first.iter_mut().zip(second).enumerate() {
                let (mut one, mut other) = (simd.load(first), simd.load(second));
                for r in 0..WAITING {
                    let added = simd.load(&blocks[r][at]);
                    one = simd.mul_add(of_first[r], added, one);
                    other = simd.mul_add(of_second[r], added, other);
                }
                simd.store(first, one);
                simd.store(second, other);
            }
        }
    }
}
