//! What a regime lets expect of an asset that it has not seen: the regression of the whole past.
//!
//! With `b = S_oo^-1 S_oi` of the whole and `c = S_ii - S_io b` that the others leave open, an asset filled with
//! `b' z` on every bar would have `S_k b` beside the others and `b' S_k b + w_k c` on the diagonal. The matrix
//! bordered so is positive semidefinite because `S_k` is and `c` is not negative.

use ndarray::Array2;

use super::super::factor::{Factor, dot};
use crate::moments::packed;

/// The ridge under the block that is solved with, as in `masked`.
const RIDGE: f64 = 1e-6;

/// The regression of one asset on others.
pub(super) struct Expected {
    slopes: Vec<f64>,
    open: f64,
}

impl Expected {
    /// The regression of asset `i` on `others` by packed moments.
    pub(super) fn of(moments: &[f64], others: &[usize], i: usize) -> Self {
        Self::by(|a, b| moments[packed::size(a.max(b)) + a.min(b)], others, i)
    }

    fn by(entry: impl Fn(usize, usize) -> f64, others: &[usize], i: usize) -> Self {
        let mut factor = Factor::default();
        for (k, &a) in others.iter().enumerate() {
            let beside: Vec<f64> = others[..k].iter().map(|&b| entry(a, b)).collect();
            let variance = entry(a, a);
            factor.push(&beside, if variance > 0.0 { (1.0 + RIDGE) * variance } else { 1.0 });
        }
        let own: Vec<f64> = others.iter().map(|&b| entry(i, b)).collect();
        let slopes = factor.solve(&own);
        let open = (entry(i, i) - dot(&slopes, &own)).max(0.0);
        Self { slopes, open }
    }

    /// Writes the row of asset `i` into the moments of a regime of weight `weight`.
    pub(super) fn write(&self, moments: &mut [f64], weight: f64, others: &[usize], i: usize) {
        let (beside, own) = self.row(|a, b| moments[packed::size(a.max(b)) + a.min(b)], weight, others);
        for (&j, value) in others.iter().zip(beside) {
            moments[packed::size(i.max(j)) + i.min(j)] = value;
        }
        moments[packed::diagonal(i)] = own;
    }

    /// `S_k b` and `b' S_k b + weight c`.
    fn row(&self, entry: impl Fn(usize, usize) -> f64, weight: f64, others: &[usize]) -> (Vec<f64>, f64) {
        let beside =
            |&a: &usize| others.iter().zip(&self.slopes).map(|(&b, slope)| slope * entry(a, b)).sum();
        let beside: Vec<f64> = others.iter().map(beside).collect();
        let own = dot(&beside, &self.slopes) + weight * self.open;
        (beside, own)
    }
}

/// The correlation of a regime over the `shown` assets, in their order; 0 beside one that never moved in it.
/// `whole` is the correlation that stands in for those that are no members of it yet.
pub(super) fn correlation(
    moments: &[f64],
    is_member: &[bool],
    shown: &[usize],
    whole: &Array2<f64>,
) -> Array2<f64> {
    let mut own = Array2::from_diag_elem(whole.nrows(), 1.0);
    let (mut done, later): (Vec<usize>, Vec<usize>) = shown.iter().partition(|&&i| is_member[i]);
    let deviation = |i: usize| moments[packed::diagonal(i)].sqrt();
    for (a, &i) in done.iter().enumerate() {
        for &j in &done[..a] {
            let scale = deviation(i) * deviation(j);
            let moment = moments[packed::size(i) + j];
            let rho = if scale > 0.0 { (moment / scale).clamp(-1.0, 1.0) } else { 0.0 };
            (own[(i, j)], own[(j, i)]) = (rho, rho);
        }
    }
    for i in later {
        let expected = Expected::by(|a, b| whole[(a, b)], &done, i);
        let (beside, variance) = expected.row(|a, b| own[(a, b)], 1.0, &done);
        for (&j, value) in done.iter().zip(beside) {
            let rho = if variance > 0.0 { (value / variance.sqrt()).clamp(-1.0, 1.0) } else { 0.0 };
            (own[(i, j)], own[(j, i)]) = (rho, rho);
        }
        done.push(i);
    }
    Array2::from_shape_fn((shown.len(), shown.len()), |(a, b)| own[(shown[a], shown[b])])
}
