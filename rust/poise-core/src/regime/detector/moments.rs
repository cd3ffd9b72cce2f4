//! Mean and standard deviation of the last `window` numbers.

use super::saved;
use crate::Result;
use crate::snapshot::{Reader, Writer};

/// A variance below this share of the mean square is rounding, not variation.
const FLAT: f64 = 1e-12;

/// Running sums, taken afresh every `window` numbers so that rounding cannot pile up.
#[derive(Debug, Clone)]
pub(super) struct RollingMoments {
    window: usize,
    /// `next` is the oldest once the window is full, 0 before.
    ring: Vec<f64>,
    next: usize,
    sum: f64,
    squares: f64,
    /// Numbers since the sums were taken afresh.
    since: usize,
}

impl RollingMoments {
    pub(super) fn new(window: usize) -> Self {
        Self { window, ring: Vec::with_capacity(window), next: 0, sum: 0.0, squares: 0.0, since: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.ring.len()
    }

    /// Adds a finite number; the oldest one leaves a full window.
    pub(super) fn push(&mut self, value: f64) {
        if self.ring.len() < self.window {
            self.ring.push(value);
        } else {
            let oldest = std::mem::replace(&mut self.ring[self.next], value);
            self.next = if self.next + 1 == self.window { 0 } else { self.next + 1 };
            self.sum -= oldest;
            self.squares -= oldest * oldest;
        }
        self.sum += value;
        self.squares += value * value;
        self.since += 1;
        if self.since == self.window {
            self.since = 0;
            self.sum = exact_sum(self.oldest_first());
            self.squares = exact_sum(self.oldest_first().map(|x| x * x));
        }
    }

    /// How many standard deviations `value` lies above the mean; 0 where nothing varied.
    pub(super) fn standardise(&self, value: f64) -> f64 {
        if self.ring.is_empty() {
            return 0.0;
        }
        let n = self.ring.len() as f64;
        let mean = self.sum / n;
        let variance = self.squares / n - mean * mean;
        if variance <= FLAT * self.squares / n { 0.0 } else { (value - mean) / variance.sqrt() }
    }

    fn oldest_first(&self) -> impl Iterator<Item = f64> {
        let (newer, older) = self.ring.split_at(self.next);
        older.iter().chain(newer).copied()
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        writer.count(self.ring.len() as u64);
        self.oldest_first().for_each(|value| writer.reals(&[value]));
        writer.reals(&[self.sum, self.squares]);
        writer.count(self.since as u64);
    }

    pub(super) fn read(reader: &mut Reader<'_>, window: usize) -> Result<Self> {
        let ring = saved::finite(reader, window)?;
        let (sum, squares) = (reader.real()?, reader.real()?);
        let since = saved::at_most(reader, window - 1)?;
        saved::all_finite("the sum of a window", &[sum])?;
        saved::not_negative("the sum of squares of a window", &[squares])?;
        let mut moments = Self { sum, squares, since, ..Self::new(window) };
        moments.ring.extend(ring);
        Ok(moments)
    }
}

/// The sum with the rounding of every addition carried along (Neumaier, 1974).
fn exact_sum(values: impl Iterator<Item = f64>) -> f64 {
    let (mut sum, mut lost) = (0.0_f64, 0.0);
    for value in values {
        let next = sum + value;
        lost += if sum.abs() >= value.abs() { (sum - next) + value } else { (value - next) + sum };
        sum = next;
    }
    sum + lost
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_number_that_left_the_window_leaves_no_trace() {
        let mut rolling = RollingMoments::new(4);
        [1e12, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0].into_iter().for_each(|value| rolling.push(value));
        assert!(rolling.standardise(5.5).abs() < 1e-12);
        assert!((rolling.standardise(7.0) - 1.5 / 1.25_f64.sqrt()).abs() < 1e-12);
    }

    #[test]
    fn nothing_stands_out_where_nothing_varies() {
        let mut rolling = RollingMoments::new(10);
        assert_eq!(rolling.standardise(1.0), 0.0);
        for _ in 0..25 {
            rolling.push(0.1);
            assert_eq!(rolling.standardise(0.7), 0.0);
        }
    }

    #[test]
    fn what_cancels_is_kept() {
        assert_eq!(exact_sum([1.0, 1e100, 1.0, -1e100].into_iter()), 2.0);
    }
}
