//! The covariance of a window that moves: a matrix, and the last few windows' changes of it beside it.
//!
//! A window changes every entry, and to go through all of them takes longer than what is asked of them. So a few
//! changes wait and are added together; until then products and rows count them in.

use poise_simd::{Kernel, Simd, dispatch};

use crate::optimization::dense::Symmetric;
use crate::optimization::quadratic::Hessian;
use crate::sums::dot;

/// Rows whose products wait: two for each window.
const WAITING: usize = 8;

/// The sample covariance of a window.
#[derive(Debug)]
pub(super) struct Moving {
    /// What does not wait; its volatilities are those of the window.
    hessian: Hessian,
    variance: Vec<f64>,
    n_waiting: usize,
    /// `left right'` of each waits.
    left: [Vec<f64>; WAITING],
    right: [Vec<f64>; WAITING],
}

impl Moving {
    pub(super) fn new(matrix: Symmetric) -> Self {
        let n = matrix.n();
        let zeros = || std::array::from_fn(|_| vec![0.0; n]);
        let variance = matrix.diagonal().collect();
        Self { hessian: Hessian::regular(matrix), variance, n_waiting: 0, left: zeros(), right: zeros() }
    }

    /// Room for two rows that are about to be exchanged.
    pub(super) fn room(&mut self) -> [&mut [f64]; 2] {
        if self.n_waiting == WAITING {
            self.add_up();
        }
        let [.., entering, leaving] = &mut self.left[..self.n_waiting + 2] else { return [&mut [], &mut []] };
        [entering, leaving]
    }

    /// Moves a window of `length` rows on by the rows in [`Moving::room`], both over its old mean.
    ///
    /// With `u` and `v` for them the scatter grows by `uu' - vv' - (u - v)(u - v)' / T`.
    pub(super) fn roll(&mut self, length: f64) {
        let (share, scale) = (1.0 / length, 1.0 / (length - 1.0));
        let at = self.n_waiting;
        let (left, right) = (&self.left[at..at + 2], &mut self.right[at..at + 2]);
        let ([entering, leaving], [for_entering, for_leaving]) = (left, right) else { return };
        for (i, variance) in self.variance.iter_mut().enumerate() {
            let (u, v) = (entering[i], leaving[i]);
            let shift = share * (u - v);
            (for_entering[i], for_leaving[i]) = (scale * (u - shift), scale * (shift - v));
            *variance += u * for_entering[i] + v * for_leaving[i];
        }
        self.n_waiting += 2;
    }

    /// The rows exchanged last.
    pub(super) fn last_rows(&self) -> (&[f64], &[f64]) {
        match &self.left[..self.n_waiting] {
            [.., entering, leaving] => (entering, leaving),
            _ => (&[], &[]),
        }
    }

    /// Brings the volatilities up to date; returns the least and the largest variance.
    pub(super) fn refresh_volatility(&mut self) -> (f64, f64) {
        let (mut least, mut largest) = (f64::INFINITY, 0.0);
        for (volatility, &variance) in self.hessian.volatility.iter_mut().zip(&self.variance) {
            (least, largest) = (variance.min(least), variance.max(largest));
            *volatility = variance.sqrt();
        }
        (least, largest)
    }

    pub(super) fn volatility(&self) -> &[f64] {
        &self.hessian.volatility
    }

    fn waiting(&self) -> impl Iterator<Item = (&Vec<f64>, &Vec<f64>)> {
        self.left.iter().zip(&self.right).take(self.n_waiting)
    }

    /// `out = covariance x`, skipping the zeros of `x`.
    pub(super) fn multiply_into(&self, x: &[f64], out: &mut [f64]) {
        self.hessian.matrix.multiply_into(x, out);
        for (left, right) in self.waiting() {
            let earned = dot(right, x);
            out.iter_mut().zip(left).for_each(|(sum, entry)| *sum += earned * entry);
        }
    }

    /// The entry of asset `i` beside each of `others`, and its variance.
    pub(super) fn row_into(&self, i: usize, others: &[usize], out: &mut [f64]) -> f64 {
        let own = self.hessian.matrix.row(i);
        out.iter_mut().zip(others).for_each(|(entry, &other)| *entry = own[other]);
        for (left, right) in self.waiting() {
            out.iter_mut().zip(others).for_each(|(entry, &other)| *entry += left[i] * right[other]);
        }
        self.variance[i]
    }

    /// The covariance with nothing left waiting.
    pub(super) fn whole(&mut self) -> &Hessian {
        self.add_up();
        &self.hessian
    }

    fn add_up(&mut self) {
        if self.n_waiting > 0 {
            self.left[self.n_waiting..].iter_mut().for_each(|left| left.fill(0.0));
            let (left, right) = (self.left.each_ref(), self.right.each_ref());
            dispatch(AddUp { matrix: &mut self.hessian.matrix, left, right });
            self.n_waiting = 0;
        }
    }
}

/// `matrix += left right'` of each.
struct AddUp<'a> {
    matrix: &'a mut Symmetric,
    left: [&'a Vec<f64>; WAITING],
    right: [&'a Vec<f64>; WAITING],
}

impl Kernel for AddUp<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { matrix, left, right } = self;
        let n = matrix.n();
        let blocks = right.map(|right| simd.blocks(right));
        // Two rows at a time: what is added to them is loaded once for both.
        let mut rows = matrix.rows_mut().chunks_exact_mut(2 * n);
        for (k, pair) in rows.by_ref().enumerate() {
            let (first, second) = pair.split_at_mut(n);
            let of_first = left.map(|left| simd.splat(left[2 * k]));
            let of_second = left.map(|left| simd.splat(left[2 * k + 1]));
            let ((first, first_last), (second, second_last)) =
                (simd.blocks_mut(first), simd.blocks_mut(second));
            for (at, (first, second)) in first.iter_mut().zip(second).enumerate() {
                let (mut one, mut other) = (simd.load(first), simd.load(second));
                for r in 0..WAITING {
                    let added = simd.load(&blocks[r].0[at]);
                    one = simd.mul_add(of_first[r], added, one);
                    other = simd.mul_add(of_second[r], added, other);
                }
                simd.store(first, one);
                simd.store(second, other);
            }
            if !first_last.is_empty() {
                let (mut one, mut other) = (simd.load_partial(first_last), simd.load_partial(second_last));
                for r in 0..WAITING {
                    let added = simd.load_partial(blocks[r].1);
                    one = simd.mul_add(of_first[r], added, one);
                    other = simd.mul_add(of_second[r], added, other);
                }
                simd.store_partial(first_last, one);
                simd.store_partial(second_last, other);
            }
        }
        if n % 2 == 1 {
            let last = n - 1;
            for (at, entry) in rows.into_remainder().iter_mut().enumerate() {
                for r in 0..WAITING {
                    *entry = simd.fma(left[r][last], right[r][at], *entry);
                }
            }
        }
    }
}
