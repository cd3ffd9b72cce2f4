//! How deep and how long a compounded value stays under water.
//!
//! Everything is read off one running state, so the batch functions and the live tracker agree bit for bit.
//! Martin and McCann (1989), "The investor's guide to Fidelity funds", for the ulcer index; Chekhlov, Uryasev and
//! Zabarankin (2005), "Drawdown measure in portfolio optimization", for conditional drawdown at risk.

use ndarray::{Array1, ArrayView1, ArrayView2, Axis};

use super::drawdown::{refuse_bad_matrix, step};
use super::historical::select;
use super::tail::TailRank;
use crate::snapshot::{Format, Reader, Writer, refused};
use crate::{Result, validate};

const FORMAT: Format = Format { mark: b"poiseDDT", version: 1, name: "a drawdown tracker" };

/// A drawdown up to this is what rounding leaves of a full recovery.
pub(super) const RECOVERED: f64 = 1e-12;

/// Drawdowns of a compounded value, one return at a time. A refused return leaves them as they were.
#[derive(Debug, Clone, PartialEq)]
pub struct DrawdownTracker {
    /// The value over its running maximum, and the least it was.
    relative: f64,
    lowest: f64,
    /// The sum of squared drawdowns, and what its last addition lost to rounding (Kahan).
    squares: f64,
    lost: f64,
    n_observations: u64,
    duration: u64,
    longest: u64,
}

impl Default for DrawdownTracker {
    /// A value at its maximum that has not moved.
    fn default() -> Self {
        Self {
            relative: 1.0,
            lowest: 1.0,
            squares: 0.0,
            lost: 0.0,
            n_observations: 0,
            duration: 0,
            longest: 0,
        }
    }
}

impl DrawdownTracker {
    /// Takes in one return and says how far the value stands below its maximum.
    ///
    /// # Errors
    /// A return that is not finite; nothing has changed then.
    pub fn update(&mut self, value: f64) -> Result<f64> {
        validate::finite("return", ArrayView1::from(&[value]))?;
        self.advance(value);
        Ok(self.drawdown())
    }

    /// Takes in a finite return.
    pub(super) fn advance(&mut self, value: f64) {
        self.relative = step(self.relative, value);
        self.lowest = self.lowest.min(self.relative);
        let addend = self.drawdown().powi(2) - self.lost;
        let squares = self.squares + addend;
        self.lost = (squares - self.squares) - addend;
        self.squares = squares;
        self.n_observations += 1;
        self.duration = if self.drawdown() > RECOVERED { self.duration + 1 } else { 0 };
        self.longest = self.longest.max(self.duration);
    }

    /// The drawdown after the last return; 0 before the first.
    pub fn drawdown(&self) -> f64 {
        1.0 - self.relative
    }

    /// The largest drawdown so far.
    pub fn max_drawdown(&self) -> f64 {
        1.0 - self.lowest
    }

    /// The root of the mean squared drawdown; NaN before the first return.
    pub fn ulcer_index(&self) -> f64 {
        (self.squares / self.n_observations as f64).sqrt()
    }

    /// Returns since the last maximum.
    pub fn duration(&self) -> u64 {
        self.duration
    }

    /// The longest run of returns under water, the running one included.
    pub fn longest_duration(&self) -> u64 {
        self.longest
    }

    /// Returns taken in.
    pub fn n_observations(&self) -> u64 {
        self.n_observations
    }

    /// The state as bytes, from which [`DrawdownTracker::from_bytes`] continues bit for bit.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut writer = Writer::new(FORMAT);
        writer.reals(&[self.relative, self.lowest, self.squares, self.lost]);
        for count in [self.n_observations, self.duration, self.longest] {
            writer.count(count);
        }
        writer.finish()
    }

    /// The state that [`DrawdownTracker::to_bytes`] wrote.
    ///
    /// # Errors
    /// Bytes that are short, damaged, of another state, newer, or say what no returns could have led to.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let mut reader = Reader::open(bytes, FORMAT)?;
        let tracker = Self {
            relative: reader.real()?,
            lowest: reader.real()?,
            squares: reader.real()?,
            lost: reader.real()?,
            n_observations: reader.count()?,
            duration: reader.count()?,
            longest: reader.count()?,
        };
        reader.close()?;
        let ordered = 0.0 <= tracker.lowest && tracker.lowest <= tracker.relative && tracker.relative <= 1.0;
        let counted = tracker.duration <= tracker.longest && tracker.longest <= tracker.n_observations;
        let summed = tracker.squares >= 0.0 && tracker.squares.is_finite() && tracker.lost.is_finite();
        if ordered && counted && summed {
            return Ok(tracker);
        }
        Err(refused("its numbers contradict each other".to_owned()))
    }
}

/// The ulcer index of every column.
///
/// # Errors
/// Empty or not finite returns.
pub fn ulcer_index(returns: ArrayView2<'_, f64>) -> Result<Array1<f64>> {
    Ok(trackers(returns)?.iter().map(DrawdownTracker::ulcer_index).collect())
}

/// The longest run of returns under water, for every column.
///
/// # Errors
/// As [`ulcer_index`].
pub fn drawdown_duration(returns: ArrayView2<'_, f64>) -> Result<Array1<u64>> {
    Ok(trackers(returns)?.iter().map(DrawdownTracker::longest_duration).collect())
}

/// The mean of the deepest `1 - confidence_level` of the drawdowns, for every column, by the rule of CVaR.
///
/// # Errors
/// Empty or not finite returns, a level outside (0, 1).
pub fn conditional_drawdown_at_risk(
    returns: ArrayView2<'_, f64>,
    confidence_level: f64,
) -> Result<Array1<f64>> {
    validate::confidence_level(confidence_level)?;
    refuse_bad_matrix(returns)?;
    let rank = TailRank::new(returns.nrows(), confidence_level);
    let mut scratch = Vec::with_capacity(returns.nrows());
    let mean_of_deepest = |column: ArrayView1<'_, f64>| {
        let mut relative = 1.0;
        scratch.clear();
        scratch.extend(column.iter().map(|value| {
            relative = step(relative, *value);
            relative - 1.0
        }));
        select(&mut scratch, rank).conditional_value_at_risk
    };
    Ok(returns.axis_iter(Axis(1)).map(mean_of_deepest).collect())
}

fn trackers(returns: ArrayView2<'_, f64>) -> Result<Vec<DrawdownTracker>> {
    refuse_bad_matrix(returns)?;
    let track = |column: ArrayView1<'_, f64>| {
        let mut tracker = DrawdownTracker::default();
        column.iter().for_each(|value| tracker.advance(*value));
        tracker
    };
    Ok(returns.axis_iter(Axis(1)).map(track).collect())
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, arr2};
    use proptest::prelude::*;

    use super::super::drawdown::drawdowns;
    use super::super::historical::historical_tail;
    use super::super::testing::noise;
    use super::*;
    use crate::Error;

    fn fed(returns: &[f64]) -> DrawdownTracker {
        let mut tracker = DrawdownTracker::default();
        for value in returns {
            tracker.update(*value).unwrap();
        }
        tracker
    }

    #[test]
    fn by_hand() {
        let tracker = fed(&[-0.5, 1.0, -0.25, 0.0, 0.0]);
        assert_eq!((tracker.drawdown(), tracker.max_drawdown()), (0.25, 0.5));
        assert_eq!((tracker.duration(), tracker.longest_duration(), tracker.n_observations()), (3, 3, 5));
        assert!((tracker.ulcer_index() - ((0.25 + 3.0 * 0.0625) / 5.0_f64).sqrt()).abs() < 1e-15);
    }

    #[test]
    fn a_recovery_up_to_rounding_is_one() {
        // Prices 100, 62, 100, 87, 100: each return to 100 ends an ulp below it.
        let tracker = fed(&[-0.38, 100.0 / 62.0 - 1.0, -0.13, 100.0 / 87.0 - 1.0]);
        assert!(tracker.drawdown() > 0.0);
        assert_eq!((tracker.duration(), tracker.longest_duration()), (0, 1));
    }

    #[test]
    fn a_fresh_tracker_knows_nothing() {
        let fresh = DrawdownTracker::default();
        assert_eq!((fresh.drawdown(), fresh.max_drawdown(), fresh.longest_duration()), (0.0, 0.0, 0));
        assert!(fresh.ulcer_index().is_nan());
        assert_eq!(DrawdownTracker::from_bytes(&fresh.to_bytes()).unwrap(), fresh);
    }

    #[test]
    fn a_refused_return_changes_nothing() {
        let mut tracker = fed(&[-0.1, 0.05]);
        let before = tracker.clone();
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert!(matches!(tracker.update(bad), Err(Error::NonFinite { .. })));
        }
        assert_eq!(tracker, before);
    }

    #[test]
    fn every_damaged_byte_is_noticed() {
        let bytes = fed(&[-0.1, 0.05]).to_bytes();
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 0x10;
            assert!(matches!(DrawdownTracker::from_bytes(&damaged), Err(Error::Snapshot { .. })));
            assert!(matches!(DrawdownTracker::from_bytes(&bytes[..at]), Err(Error::Snapshot { .. })));
        }
    }

    #[test]
    fn numbers_that_contradict_each_other_are_refused() {
        let good = fed(&[-0.1, 0.05]);
        let bad = [
            DrawdownTracker { relative: 1.5, ..good.clone() },
            DrawdownTracker { lowest: f64::NAN, ..good.clone() },
            DrawdownTracker { squares: -1.0, ..good.clone() },
            DrawdownTracker { lost: f64::INFINITY, ..good.clone() },
            DrawdownTracker { longest: 9, ..good.clone() },
            DrawdownTracker { duration: 3, ..good },
        ];
        for tracker in bad {
            assert!(DrawdownTracker::from_bytes(&tracker.to_bytes()).is_err(), "{tracker:?}");
        }
    }

    #[test]
    fn bad_input_is_refused() {
        let holed = arr2(&[[0.1, f64::NAN]]);
        let nothing = Array2::zeros((0, 2));
        for returns in [holed, nothing] {
            assert!(ulcer_index(returns.view()).is_err());
            assert!(drawdown_duration(returns.view()).is_err());
            assert!(conditional_drawdown_at_risk(returns.view(), 0.9).is_err());
        }
        assert!(conditional_drawdown_at_risk(Array2::zeros((3, 1)).view(), 1.0).is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn batch_and_tracker_agree(n in 1_usize..400, seed in any::<u32>(), cut in 0_usize..400) {
            let returns = noise(n, seed, seed % 2 == 0);
            let column = ArrayView2::from_shape((n, 1), &returns).unwrap();
            let whole = fed(&returns);
            let (early, late) = returns.split_at(cut.min(n));
            let mut restored = DrawdownTracker::from_bytes(&fed(early).to_bytes()).unwrap();
            late.iter().for_each(|value| restored.advance(*value));
            prop_assert_eq!(&restored, &whole);
            prop_assert_eq!(ulcer_index(column).unwrap()[0], whole.ulcer_index());
            prop_assert_eq!(drawdown_duration(column).unwrap()[0], whole.longest_duration());

            let all = drawdowns(column).unwrap().column(0).to_owned();
            prop_assert_eq!(all[n - 1], whole.drawdown());
            let squares: f64 = all.iter().map(|drawdown| drawdown * drawdown).sum();
            prop_assert!((whole.ulcer_index() - (squares / n as f64).sqrt()).abs() < 1e-12);
            let found = conditional_drawdown_at_risk(column, 0.9).unwrap()[0];
            let expected = historical_tail((-all).view(), 0.9).unwrap().conditional_value_at_risk;
            prop_assert!((found - expected).abs() < 1e-12);
            prop_assert!(found <= whole.max_drawdown() + 1e-12);
            prop_assert!(found >= 0.0);
        }
    }
}
