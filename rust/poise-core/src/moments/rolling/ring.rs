//! The last rows, and the sums of each asset on its own over them.

use ndarray::ArrayView1;

use super::RollingRule;

/// A spread this much smaller than the sum of squares that it came from has lost three of sixteen digits.
const CANCELLED: f64 = 1e-3;

/// What taking in a row did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// One row entered, one left: [`Ring::steps`].
    Moved,
    /// The sums are about a new reference: every product has to be taken anew.
    Renewed,
}

/// The last `window` rows; the missing ones before the first, and all missing values, count as no deviation.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Ring {
    window: usize,
    demean: bool,
    /// Row by row, the next to be replaced at `next`; NaN is missing.
    pub(super) values: Vec<f64>,
    pub(super) next: usize,
    /// Rows since the sums were taken anew.
    pub(super) since: usize,
    /// Values missing in the window, by asset.
    pub(super) missing: Vec<usize>,
    /// What deviations are taken from; NaN for an asset without a value yet.
    pub(super) reference: Vec<f64>,
    /// Sums of deviations.
    pub(super) sums: Vec<f64>,
    /// Sums of their squares.
    pub(super) squares: Vec<f64>,
    /// The largest that each has been since it was taken anew: what its rounding is relative to.
    pub(super) peaks: Vec<f64>,
    entering: Vec<f64>,
    leaving: Vec<f64>,
}

impl Ring {
    pub(super) fn new(n_assets: usize, rule: RollingRule) -> Self {
        let zeros = vec![0.0; n_assets];
        Self {
            window: rule.window,
            demean: rule.demean,
            values: vec![f64::NAN; n_assets * rule.window],
            next: 0,
            since: 0,
            missing: vec![rule.window; n_assets],
            reference: vec![if rule.demean { f64::NAN } else { 0.0 }; n_assets],
            sums: zeros.clone(),
            squares: zeros.clone(),
            peaks: zeros.clone(),
            entering: zeros.clone(),
            leaving: zeros,
        }
    }

    /// Takes in a row and says how the products follow.
    pub(super) fn advance(&mut self, row: ArrayView1<'_, f64>) -> Step {
        let n = self.n_assets();
        let place = &mut self.values[self.next * n..(self.next + 1) * n];
        for (i, (slot, &new)) in place.iter_mut().zip(row).enumerate() {
            let old = std::mem::replace(slot, new);
            if self.reference[i].is_nan() {
                self.reference[i] = new;
            }
            self.missing[i] = self.missing[i] + usize::from(new.is_nan()) - usize::from(old.is_nan());
            let (enters, leaves) = (deviation(new, self.reference[i]), deviation(old, self.reference[i]));
            self.sums[i] += enters - leaves;
            self.squares[i] += enters * enters - leaves * leaves;
            self.peaks[i] = self.peaks[i].max(self.squares[i]);
            (self.entering[i], self.leaving[i]) = (enters, leaves);
        }
        self.next = (self.next + 1) % self.window;
        self.since += 1;
        let is_worn = self.since >= self.window || (0..n).any(|i| self.is_cancelled(i));
        if !is_worn {
            return Step::Moved;
        }
        self.renew();
        Step::Renewed
    }

    pub(super) fn n_assets(&self) -> usize {
        self.sums.len()
    }

    /// The deviations of the row that entered and of the one that left.
    pub(super) fn steps(&self) -> (&[f64], &[f64]) {
        (&self.entering, &self.leaving)
    }

    /// Whether an asset has all values of the window.
    pub(super) fn is_known(&self, i: usize) -> bool {
        self.missing[i] == 0
    }

    /// Sums of deviations.
    pub(super) fn sums(&self) -> &[f64] {
        &self.sums
    }

    /// By what the product of two sums is multiplied to be the part of the mean: 0 about zero.
    pub(super) fn share_of_mean(&self) -> f64 {
        if self.demean { 1.0 / self.window as f64 } else { 0.0 }
    }

    /// What the means have in the product of two assets.
    pub(super) fn of_mean(&self, i: usize, j: usize) -> f64 {
        (self.sums[i] * self.sums[j]) * self.share_of_mean()
    }

    /// The sum of squares about the mean.
    pub(super) fn spread(&self, i: usize) -> f64 {
        (self.squares[i] - self.of_mean(i, i)).max(0.0)
    }

    /// Hands over the deviations of each row of the window, missing values as no deviation.
    pub(super) fn for_each_deviation(&self, mut visit: impl FnMut(&[f64])) {
        let mut deviations = vec![0.0; self.n_assets()];
        for row in self.values.chunks_exact(self.n_assets()) {
            for ((d, &x), &reference) in deviations.iter_mut().zip(row).zip(&self.reference) {
                *d = deviation(x, reference);
            }
            visit(&deviations);
        }
    }

    /// Whether rounding has come near what is left. Before the window is full nobody reads it.
    fn is_cancelled(&self, i: usize) -> bool {
        self.missing[i] == 0 && self.spread(i) < CANCELLED * self.peaks[i]
    }

    /// Takes the sums anew, about the mean of what is there.
    fn renew(&mut self) {
        let n = self.n_assets();
        self.since = 0;
        if self.demean {
            for i in 0..n {
                self.reference[i] = mean(self.values[i..].iter().step_by(n));
            }
        }
        let (mut sums, mut squares) = (vec![0.0; n], vec![0.0; n]);
        self.for_each_deviation(|row| {
            for ((sum, square), d) in sums.iter_mut().zip(&mut squares).zip(row) {
                *sum += d;
                *square += d * d;
            }
        });
        self.peaks.clone_from(&squares);
        (self.sums, self.squares) = (sums, squares);
    }
}

/// How far a value is from the reference; a missing one is not.
fn deviation(x: f64, reference: f64) -> f64 {
    let difference = x - reference;
    if difference.is_nan() { 0.0 } else { difference }
}

/// The mean of the values that are there, taken as distances from the first so that a constant is its own mean.
fn mean<'a>(values: impl Iterator<Item = &'a f64>) -> f64 {
    let (mut first, mut sum, mut count) = (f64::NAN, 0.0, 0.0);
    for &x in values.filter(|x| !x.is_nan()) {
        if count == 0.0 {
            first = x;
        }
        sum += x - first;
        count += 1.0;
    }
    first + sum / count
}
