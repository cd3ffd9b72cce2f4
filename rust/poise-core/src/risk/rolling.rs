//! Value at risk and conditional value at risk over a moving window.
//!
//! Only the lowest returns of the window matter, so only they are kept in order: the *tail list*. A return above
//! the list's threshold enters and leaves the window without touching it, which is what most do, so the cost of a
//! step hardly grows with the window. The list is filled anew by selection when too few are left in it.
//!
//! Invariant: every return of the window outside the list is at least `threshold`, every one in it at most that.
//! Equal returns are interchangeable, so ties need no care. The tail sum is never updated, always summed anew over
//! the ordered list: it cannot drift, and the answer depends on the window alone.
//!
//! A place of the window may be empty (NaN): the rank follows the returns there are, which also covers a window
//! that is still filling.

use ndarray::{Array2, ArrayView1, ArrayView2, Axis};

use super::tail::{Tail, TailRank};
use crate::snapshot::{Format, MOST_COUNTED, Reader, Writer, refused};
use crate::sums::sum;
use crate::{Error, Result, validate};

const FORMAT: Format = Format { mark: b"poiseTRW", version: 1, name: "a rolling tail" };

/// The tail of the last `window` returns, one return at a time.
#[derive(Debug, Clone)]
pub struct RollingTail {
    confidence_level: f64,
    window: usize,
    /// The places of the window, NaN where there was no return; `next` is the oldest once the window is full.
    ring: Vec<f64>,
    next: usize,
    /// Returns in the window, and the rank that belongs to so many.
    held: usize,
    rank: TailRank,
    /// The lowest returns of the window, ascending; empty until the first [`RollingTail::measure`].
    lowest: Vec<f64>,
    threshold: f64,
    /// The sum of the `rank.index` lowest returns, if it is still true.
    beyond: Option<f64>,
    scratch: Vec<f64>,
    /// What [`RollingTail::push`] answered last.
    current: Option<Tail>,
}

impl RollingTail {
    /// An empty window.
    ///
    /// # Errors
    /// A window of zero observations, a level outside (0, 1).
    pub fn new(window: usize, confidence_level: f64) -> Result<Self> {
        validate::confidence_level(confidence_level)?;
        if window == 0 || window as u64 > MOST_COUNTED {
            return Err(Error::OutOfRange {
                what: "window",
                value: window as f64,
                range: "a whole number of observations, at least 1 and at most 2^53",
            });
        }
        Ok(Self {
            confidence_level,
            window,
            ring: Vec::new(),
            next: 0,
            held: 0,
            rank: TailRank::new(1, confidence_level),
            lowest: Vec::new(),
            threshold: f64::NEG_INFINITY,
            beyond: None,
            scratch: Vec::new(),
            current: None,
        })
    }

    /// Takes all the memory that the window will ever need.
    pub(super) fn reserve(&mut self) {
        let most = list_size(TailRank::new(self.window, self.confidence_level), self.window);
        self.ring.reserve_exact(self.window);
        self.scratch.reserve_exact(self.window);
        self.lowest.reserve_exact(2 * most + 1);
    }

    /// Takes in one return and drops the oldest; `None` until the window is full.
    ///
    /// # Errors
    /// A return that is not finite; the window is then unchanged.
    pub fn push(&mut self, value: f64) -> Result<Option<Tail>> {
        validate::finite("return", ArrayView1::from(&[value]))?;
        self.admit(value);
        self.current = if self.is_full() { self.measure() } else { None };
        Ok(self.current)
    }

    /// The tail of the window; `None` until it is full.
    pub fn tail(&self) -> Option<Tail> {
        self.current
    }

    /// Returns that a full window holds.
    pub fn window(&self) -> usize {
        self.window
    }

    /// The level of both numbers.
    pub fn confidence_level(&self) -> f64 {
        self.confidence_level
    }

    /// Returns in the window.
    pub fn n_observations(&self) -> usize {
        self.ring.len()
    }

    /// The window as bytes, from which [`RollingTail::from_bytes`] continues bit for bit.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut writer = Writer::new(FORMAT);
        writer.count(self.window as u64);
        writer.reals(&[self.confidence_level]);
        writer.count(self.ring.len() as u64);
        // Oldest first: where the ring begins is nobody's business.
        let (newer, older) = self.ring.split_at(self.next);
        writer.reals(older);
        writer.reals(newer);
        writer.finish()
    }

    /// The window that [`RollingTail::to_bytes`] wrote; the tail list, a matter of speed, is made anew.
    ///
    /// # Errors
    /// Bytes that are short, damaged, of another state, newer, or hold no possible window.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let mut reader = Reader::open(bytes, FORMAT)?;
        let window = reader.count()?;
        let confidence_level = reader.real()?;
        let held = reader.count()?;
        if held > window {
            return Err(refused(format!("{held} returns do not fit a window of {window}")));
        }
        let size = |count: u64| usize::try_from(count).map_err(|error| refused(error.to_string()));
        let values = reader.reals(size(held)?)?;
        reader.close()?;
        let restore = || {
            let mut rolling = Self::new(size(window)?, confidence_level)?;
            for value in values {
                rolling.push(value)?;
            }
            Ok(rolling)
        };
        restore().map_err(|error: Error| refused(error.to_string()))
    }

    /// Whether every place of the window is taken, by a return or by none.
    fn is_full(&self) -> bool {
        self.ring.len() == self.window
    }

    /// Returns in the window, empty places not counted.
    pub(super) fn n_returns(&self) -> usize {
        self.held
    }

    /// Forgets every return.
    pub(super) fn clear(&mut self) {
        self.ring.clear();
        self.lowest.clear();
        (self.next, self.held, self.threshold, self.beyond) = (0, 0, f64::NEG_INFINITY, None);
    }

    /// Takes in a return, or NaN for none, and drops the oldest place of a full window.
    pub(super) fn admit(&mut self, value: f64) {
        if self.is_full() {
            let oldest = std::mem::replace(&mut self.ring[self.next], value);
            self.next = if self.next + 1 == self.window { 0 } else { self.next + 1 };
            self.held -= usize::from(!oldest.is_nan());
            if oldest <= self.threshold {
                self.remove(oldest);
            }
        } else {
            self.ring.push(value);
        }
        self.held += usize::from(!value.is_nan());
        if value <= self.threshold {
            self.insert(value);
        }
    }

    /// The tail of the returns in the window, if there are any.
    pub(super) fn measure(&mut self) -> Option<Tail> {
        if self.held == 0 {
            return None;
        }
        if self.rank.n != self.held {
            self.rank = TailRank::new(self.held, self.confidence_level);
            self.beyond = None;
        }
        if self.lowest.len() <= self.rank.index {
            self.refill();
        }
        let beyond = *self.beyond.get_or_insert_with(|| sum(&self.lowest[..self.rank.index]));
        Some(self.rank.tail(beyond, self.lowest[self.rank.index]))
    }

    fn remove(&mut self, value: f64) {
        let place = self.lowest.partition_point(|kept| *kept < value);
        // A return equal to the threshold may have been left outside.
        if self.lowest.get(place) == Some(&value) {
            self.lowest.remove(place);
            self.forget_sum(place);
        }
    }

    fn insert(&mut self, value: f64) {
        let place = self.lowest.partition_point(|kept| *kept < value);
        self.lowest.insert(place, value);
        self.forget_sum(place);
        let size = list_size(self.rank, self.held);
        if self.lowest.len() > 2 * size {
            self.lowest.truncate(size);
            self.threshold = self.lowest[size - 1];
        }
    }

    fn forget_sum(&mut self, changed: usize) {
        if changed < self.rank.index {
            self.beyond = None;
        }
    }

    fn refill(&mut self) {
        let size = list_size(self.rank, self.held);
        self.scratch.clear();
        self.scratch.extend(self.ring.iter().filter(|value| !value.is_nan()));
        if size < self.held {
            self.scratch.select_nth_unstable_by(size - 1, f64::total_cmp);
        }
        self.lowest.clear();
        self.lowest.extend_from_slice(&self.scratch[..size]);
        self.lowest.sort_unstable_by(f64::total_cmp);
        self.threshold = self.lowest[size - 1];
        self.beyond = None;
    }
}

/// How many of `held` returns a fresh list holds: twice the tail, so that refills are rare.
fn list_size(rank: TailRank, held: usize) -> usize {
    (2 * (rank.index + 1) + 16).min(held)
}

/// Value at risk and conditional value at risk of every full window, column by column; NaN before the first.
///
/// # Errors
/// Empty or not finite returns, a window of zero observations, a level outside (0, 1).
pub fn rolling_tail(
    returns: ArrayView2<'_, f64>,
    window: usize,
    confidence_level: f64,
) -> Result<(Array2<f64>, Array2<f64>)> {
    let fresh = RollingTail::new(window, confidence_level)?;
    if returns.nrows() == 0 {
        return Err(Error::Empty { what: "returns", unit: "observation" });
    }
    validate::finite_matrix("returns", returns)?;
    let mut value_at_risk = Array2::from_elem(returns.dim(), f64::NAN);
    let mut conditional = value_at_risk.clone();
    if window > returns.nrows() {
        return Ok((value_at_risk, conditional));
    }
    let out = value_at_risk.axis_iter_mut(Axis(1)).zip(conditional.axis_iter_mut(Axis(1)));
    for (column, (mut value_at_risk, mut conditional)) in returns.axis_iter(Axis(1)).zip(out) {
        let mut rolling = fresh.clone();
        for ((value, var), cvar) in column.iter().zip(&mut value_at_risk).zip(&mut conditional) {
            rolling.admit(*value);
            if !rolling.is_full() {
                continue;
            }
            if let Some(tail) = rolling.measure() {
                *var = tail.value_at_risk;
                *cvar = tail.conditional_value_at_risk;
            }
        }
    }
    Ok((value_at_risk, conditional))
}

#[cfg(test)]
mod tests;
