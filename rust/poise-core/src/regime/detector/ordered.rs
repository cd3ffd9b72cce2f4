//! The last `window` values by age and by rank: a ring beside a sorted copy of it.
//!
//! Finding a place costs `O(log window)`, making room one move of the memory between the value that leaves and the
//! one that enters. For the windows of the detector (some kilobytes) that is faster than any tree.

use std::cmp::Ordering;

/// A total order, so that equal values are interchangeable to the bit.
pub(super) trait Ranked: Copy {
    fn rank(&self, other: &Self) -> Ordering;
}

impl Ranked for f64 {
    fn rank(&self, other: &Self) -> Ordering {
        self.total_cmp(other)
    }
}

/// The last values, one at a time. All memory is taken at the start.
#[derive(Debug, Clone)]
pub(super) struct OrderedWindow<T> {
    window: usize,
    /// `next` is the oldest once the window is full, 0 before.
    ring: Vec<T>,
    next: usize,
    sorted: Vec<T>,
}

impl<T: Ranked> OrderedWindow<T> {
    pub(super) fn new(window: usize) -> Self {
        let (ring, sorted) = (Vec::with_capacity(window), Vec::with_capacity(window));
        Self { window, ring, next: 0, sorted }
    }

    pub(super) fn len(&self) -> usize {
        self.ring.len()
    }

    pub(super) fn sorted(&self) -> &[T] {
        &self.sorted
    }

    pub(super) fn oldest_first(&self) -> impl Iterator<Item = &T> {
        let (newer, older) = self.ring.split_at(self.next);
        older.iter().chain(newer)
    }

    /// Adds a value; the oldest one leaves a full window.
    pub(super) fn push(&mut self, value: T) {
        let place = self.place(&value);
        if self.ring.len() < self.window {
            self.ring.push(value);
            self.sorted.insert(place, value);
            return;
        }
        let oldest = std::mem::replace(&mut self.ring[self.next], value);
        self.next = if self.next + 1 == self.window { 0 } else { self.next + 1 };
        let left = self.place(&oldest);
        if left < place {
            self.sorted.copy_within(left + 1..place, left);
            self.sorted[place - 1] = value;
        } else {
            self.sorted.copy_within(place..left, place + 1);
            self.sorted[place] = value;
        }
    }

    /// Values that rank below `value`.
    fn place(&self, value: &T) -> usize {
        self.sorted.partition_point(|other| other.rank(value).is_lt())
    }
}

impl OrderedWindow<f64> {
    /// The quantile at `level` in [0, 1], linear between order statistics; NaN when empty.
    pub(super) fn quantile(&self, level: f64) -> f64 {
        let Some(last) = self.sorted.len().checked_sub(1) else { return f64::NAN };
        let position = level * last as f64;
        let below = position as usize;
        let share = position - below as f64;
        self.sorted[below] * (1.0 - share) + self.sorted[(below + 1).min(last)] * share
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::regime::rng::Stream;

    #[test]
    fn holds_the_window_in_order_of_age_and_of_rank() {
        let mut stream = Stream::new(1, 0);
        // Few values, so that many tie; both zeros.
        let values: Vec<f64> = (0..300).map(|_| (stream.uniform() * 7.0 - 3.5).round()).collect();
        for window in [1, 2, 17] {
            let mut ordered = OrderedWindow::new(window);
            for (t, &value) in values.iter().enumerate() {
                ordered.push(value);
                let mut expected = values[(t + 1).saturating_sub(window)..=t].to_vec();
                assert!(ordered.oldest_first().zip(&expected).all(|(a, b)| a.to_bits() == b.to_bits()));
                assert_eq!(ordered.len(), expected.len());
                expected.sort_by(f64::total_cmp);
                assert!(ordered.sorted().iter().zip(&expected).all(|(a, b)| a.to_bits() == b.to_bits()));
            }
        }
    }

    #[test]
    fn quantiles_are_linear_between_neighbours() {
        let mut ordered = OrderedWindow::new(9);
        assert!(ordered.quantile(0.5).is_nan());
        [4.0, 1.0, 2.0].into_iter().for_each(|value| ordered.push(value));
        assert_eq!([0.0, 0.25, 0.5, 1.0].map(|level| ordered.quantile(level)), [1.0, 1.5, 2.0, 4.0]);
    }
}
