//! Value at risk and conditional value at risk over a moving window.
//!
//! Only the lowest returns of the window matter, so only they are kept in order: the *tail list*. A return above
//! the list's threshold enters and leaves the window without touching it, which is what most do, so the cost of a
//! step hardly grows with the window. The list is filled anew by selection when too few are left in it.
//!
//! Invariant: every return of the window outside the list is at least `threshold`, every one in it at most that.
//! Equal returns are interchangeable, so ties need no care. The tail sum is never updated, always summed anew over
//! the ordered list: it cannot drift, and the answer depends on the window alone.

use ndarray::{Array2, ArrayView1, ArrayView2, Axis};

use super::tail::{Tail, TailRank, sum};
use crate::snapshot::{Format, Reader, Writer, refused};
use crate::{Error, Result, validate};

const FORMAT: Format = Format { mark: b"poiseTRW", version: 1, name: "a rolling tail" };

/// The tail of the last `window` returns, one return at a time.
#[derive(Debug, Clone)]
pub struct RollingTail {
    rank: TailRank,
    confidence_level: f64,
    /// The returns of the window; `next` is the place of the oldest once the window is full.
    ring: Vec<f64>,
    window: usize,
    next: usize,
    /// The lowest returns of the window, ascending; empty until the window is full.
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
        if window == 0 {
            return Err(Error::OutOfRange {
                what: "window",
                value: 0.0,
                range: "a whole number of observations, at least 1",
            });
        }
        Ok(Self {
            rank: TailRank::new(window, confidence_level),
            confidence_level,
            ring: Vec::new(),
            window,
            next: 0,
            lowest: Vec::new(),
            threshold: f64::NEG_INFINITY,
            beyond: None,
            scratch: Vec::new(),
            current: None,
        })
    }

    /// Takes in one return and drops the oldest; `None` until the window is full.
    ///
    /// # Errors
    /// A return that is not finite; the window is then unchanged.
    pub fn push(&mut self, value: f64) -> Result<Option<Tail>> {
        validate::finite("return", ArrayView1::from(&[value]))?;
        self.current = self.advance(value);
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

    fn advance(&mut self, value: f64) -> Option<Tail> {
        if self.ring.len() < self.window {
            self.ring.push(value);
            if self.ring.len() < self.window {
                return None;
            }
        } else {
            let oldest = std::mem::replace(&mut self.ring[self.next], value);
            self.next = if self.next + 1 == self.window { 0 } else { self.next + 1 };
            if oldest <= self.threshold {
                self.remove(oldest);
            }
            if value <= self.threshold {
                self.insert(value);
            }
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
        let size = self.list_size();
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

    /// How many returns a fresh list holds: twice the tail, so that refills are rare.
    fn list_size(&self) -> usize {
        (2 * (self.rank.index + 1) + 16).min(self.window)
    }

    fn refill(&mut self) {
        let size = self.list_size();
        self.scratch.clear();
        self.scratch.extend_from_slice(&self.ring);
        if size < self.window {
            self.scratch.select_nth_unstable_by(size - 1, f64::total_cmp);
        }
        self.lowest.clear();
        self.lowest.extend_from_slice(&self.scratch[..size]);
        self.lowest.sort_unstable_by(f64::total_cmp);
        self.threshold = self.lowest[size - 1];
        self.beyond = None;
    }
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
            if let Some(tail) = rolling.advance(*value) {
                *var = tail.value_at_risk;
                *cvar = tail.conditional_value_at_risk;
            }
        }
    }
    Ok((value_at_risk, conditional))
}

#[cfg(test)]
mod tests {
    use ndarray::Array1;
    use proptest::prelude::*;

    use super::super::historical::historical_tail;
    use super::super::testing::noise;
    use super::*;

    fn compare(returns: &[f64], window: usize, level: f64) {
        let column = ArrayView2::from_shape((returns.len(), 1), returns).unwrap();
        let (var, cvar) = rolling_tail(column, window, level).unwrap();
        for t in 0..returns.len() {
            if t + 1 < window {
                assert!(var[(t, 0)].is_nan() && cvar[(t, 0)].is_nan());
                continue;
            }
            let naive = historical_tail(ArrayView1::from(&returns[t + 1 - window..=t]), level).unwrap();
            assert_eq!(var[(t, 0)], naive.value_at_risk, "t {t} window {window} level {level}");
            assert!((cvar[(t, 0)] - naive.conditional_value_at_risk).abs() <= 1e-12);
        }
    }

    #[test]
    fn hostile_orders_agree_with_a_sort_of_each_window() {
        let n = 700;
        let rising: Vec<f64> = (0..n).map(f64::from).collect();
        let falling: Vec<f64> = (0..n).map(|i| -f64::from(i)).collect();
        let saw: Vec<f64> = (0..n).map(|i| f64::from(i % 37) - f64::from(i % 5)).collect();
        let constant = vec![0.01; n as usize];
        let signed_zeros: Vec<f64> = (0..n).map(|i| if i % 3 == 0 { 0.0 } else { -0.0 }).collect();
        for returns in [rising, falling, saw, constant, signed_zeros] {
            for window in [1, 2, 20, 250, 700] {
                for level in [0.01, 0.5, 0.95, 0.975, 0.999] {
                    compare(&returns, window, level);
                }
            }
        }
    }

    #[test]
    fn a_window_longer_than_the_series_never_fills() {
        let (var, cvar) = rolling_tail(Array2::zeros((3, 2)).view(), 4, 0.95).unwrap();
        assert!(var.iter().chain(&cvar).all(|value| value.is_nan()));
        assert_eq!(var.dim(), (3, 2));
    }

    #[test]
    fn a_refused_return_leaves_the_window_as_it_was() {
        let mut rolling = RollingTail::new(2, 0.95).unwrap();
        assert_eq!(rolling.push(-0.01).unwrap(), None);
        assert!(rolling.push(f64::NAN).is_err());
        assert_eq!(rolling.push(-0.03).unwrap().unwrap().value_at_risk, 0.03);
        assert!(RollingTail::new(0, 0.95).is_err());
    }

    #[test]
    fn every_damaged_byte_is_noticed() {
        for returns in [&[-0.01][..], &[0.02, -0.03, 0.01, -0.02]] {
            let mut rolling = RollingTail::new(3, 0.5).unwrap();
            returns.iter().for_each(|value| assert!(rolling.push(*value).is_ok()));
            let bytes = rolling.to_bytes();
            for at in 0..bytes.len() {
                let mut damaged = bytes.clone();
                damaged[at] ^= 0x10;
                assert!(matches!(RollingTail::from_bytes(&damaged), Err(Error::Snapshot { .. })));
                assert!(matches!(RollingTail::from_bytes(&bytes[..at]), Err(Error::Snapshot { .. })));
            }
        }
    }

    #[test]
    fn windows_that_cannot_be_are_refused() {
        for (window, level, returns) in
            [(0, 0.9, &[][..]), (3, 1.5, &[]), (1, 0.9, &[0.1, 0.2]), (2, 0.9, &[f64::NAN])]
        {
            let mut writer = Writer::new(FORMAT);
            writer.count(window);
            writer.reals(&[level]);
            writer.count(returns.len() as u64);
            writer.reals(returns);
            assert!(matches!(RollingTail::from_bytes(&writer.finish()), Err(Error::Snapshot { .. })));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn every_window_agrees_with_its_sort(
            n in 1_usize..900, window in 1_usize..300, seed in any::<u32>(), levels in 1_u32..1000,
            coarse in any::<bool>(),
        ) {
            compare(&noise(n, seed, coarse), window, f64::from(levels) / 1000.0);
        }

        #[test]
        fn a_restored_window_goes_on_bit_for_bit(
            n in 1_usize..300, cut in 0_usize..300, window in 1_usize..90, seed in any::<u32>(),
            coarse in any::<bool>(),
        ) {
            let returns = noise(n, seed, coarse);
            let mut rolling = RollingTail::new(window, 0.9).unwrap();
            let (early, late) = returns.split_at(cut.min(n));
            early.iter().for_each(|value| assert!(rolling.push(*value).is_ok()));
            let mut restored = RollingTail::from_bytes(&rolling.to_bytes()).unwrap();
            prop_assert_eq!(restored.tail(), rolling.tail());
            for value in late {
                prop_assert_eq!(restored.push(*value).unwrap(), rolling.push(*value).unwrap());
                prop_assert_eq!(restored.tail(), rolling.tail());
            }
            prop_assert_eq!(restored.to_bytes(), rolling.to_bytes());
        }

        #[test]
        fn the_future_changes_nothing(seed in any::<u32>(), cut in 1_usize..200) {
            let returns = Array1::from(noise(200, seed, false)).insert_axis(Axis(1));
            let whole = rolling_tail(returns.view(), 20, 0.9).unwrap().1;
            let (past, _) = returns.view().split_at(Axis(0), cut);
            let part = rolling_tail(past, 20, 0.9).unwrap().1;
            for (now, then) in part.iter().zip(&whole) {
                prop_assert!(now == then || (now.is_nan() && then.is_nan()));
            }
        }
    }
}
