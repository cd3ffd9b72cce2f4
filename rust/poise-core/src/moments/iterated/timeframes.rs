//! One base bar, several horizons: a covariance per day out of hours, four hours, days and weeks.
//!
//! Log returns of the base bar add up in buckets that are aligned to UTC, weeks to Monday; a bucket that closes
//! feeds an iterated EWMA of its own horizon (`bucket`), and what the horizons say is blended (`blend`). The
//! variance ratio of each horizon is that of Lo and MacKinlay (1988), "Stock market prices do not follow random
//! walks", without overlaps.

mod blend;
mod bucket;
mod running;
mod saved;

use ndarray::{Array1, Array2, ArrayView1, ArrayView2};

use self::blend::{Blend, Horizon};
use self::bucket::Bucket;
use self::running::Running;
use super::{IteratedRule, IteratedState};
use crate::moments::gaps;
use crate::{Error, Result, validate};

/// Nanoseconds of a day.
const DAY: i64 = 86_400_000_000_000;

/// The first Monday of 1970, from which buckets are counted.
const MONDAY: i64 = 4 * DAY;

/// One horizon.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Timeframe {
    /// The length of its bar in nanoseconds.
    pub bar: i64,
    /// What it counts in the blend, beside the others that have seen enough.
    pub weight: f64,
    /// Its own bars after which a weight of the volatility has halved.
    pub volatility_half_life: f64,
    /// Its own bars after which a weight of the correlation has halved.
    pub correlation_half_life: f64,
}

impl Timeframe {
    fn bars_per_day(&self) -> f64 {
        DAY as f64 / self.bar as f64
    }

    fn check(&self, base: i64) -> Result<()> {
        if self.bar < base || self.bar % base != 0 {
            let range = "a whole number of base bars";
            return Err(Error::OutOfRange { what: "timeframe", value: self.bar as f64, range });
        }
        if !(self.weight.is_finite() && self.weight > 0.0) {
            return Err(Error::OutOfRange { what: "weight", value: self.weight, range: "a positive number" });
        }
        Ok(())
    }
}

/// Running moments at several horizons. A refused row leaves them as they were.
#[derive(Debug, Clone)]
pub struct TimeframesState {
    base: i64,
    n_observations: u64,
    /// When the last bar opened.
    last: Option<i64>,
    /// Of the log returns of the base bar, by asset.
    base_moments: Vec<Running>,
    buckets: Vec<Bucket>,
    /// Scratch: the log returns of a row.
    logs: Vec<f64>,
}

impl TimeframesState {
    /// A state that has seen nothing; `base` is the length of its bars in nanoseconds.
    pub fn new(n_assets: usize, base: i64, timeframes: &[Timeframe]) -> Result<Self> {
        if n_assets == 0 {
            return Err(Error::Empty { what: "row", unit: "asset" });
        }
        if timeframes.is_empty() {
            return Err(Error::Empty { what: "timeframes", unit: "timeframe" });
        }
        if base <= 0 {
            let range = "a positive number of nanoseconds";
            return Err(Error::OutOfRange { what: "base", value: base as f64, range });
        }
        timeframes.iter().try_for_each(|timeframe| timeframe.check(base))?;
        let bucket = |&timeframe: &Timeframe| Bucket::new(n_assets, timeframe, base);
        Ok(Self {
            base,
            n_observations: 0,
            last: None,
            base_moments: vec![Running::default(); n_assets],
            buckets: timeframes.iter().map(bucket).collect::<Result<_>>()?,
            logs: vec![f64::NAN; n_assets],
        })
    }

    /// Takes in the simple returns of the bar that opened at `opened` nanoseconds after 1970; NaN is missing.
    pub fn update(&mut self, opened: i64, row: ArrayView1<'_, f64>) -> Result<()> {
        validate::length("row", row, self.n_assets())?;
        gaps::refuse_infinite("row", row)?;
        refuse_total_loss("row", row.iter())?;
        self.check_times(std::iter::once(opened))?;
        self.take(opened, row)
    }

    /// Takes in many rows, exactly as [`TimeframesState::update`] would one by one.
    pub fn absorb(&mut self, opened: ArrayView1<'_, i64>, returns: ArrayView2<'_, f64>) -> Result<()> {
        gaps::has_gaps("R", returns)?;
        let (n_rows, n_columns) = returns.dim();
        if n_columns != self.n_assets() {
            return Err(Error::Shape {
                what: "R",
                expected: format!("({n_rows}, {})", self.n_assets()),
                found: format!("({n_rows}, {n_columns})"),
            });
        }
        if opened.len() != n_rows {
            let (expected, found) = (format!("({n_rows},)"), format!("({},)", opened.len()));
            return Err(Error::Shape { what: "times", expected, found });
        }
        refuse_total_loss("R", returns.iter())?;
        self.check_times(opened.iter().copied())?;
        opened.iter().zip(returns.rows()).try_for_each(|(&opened, row)| self.take(opened, row))
    }

    /// Assets in a row.
    pub fn n_assets(&self) -> usize {
        self.logs.len()
    }

    /// Rows taken in that held at least one value.
    pub fn n_observations(&self) -> u64 {
        self.n_observations
    }

    /// The covariance per day; NaN beside assets that no horizon knows yet.
    pub fn covariance(&self) -> Array2<f64> {
        self.blend().covariance()
    }

    /// The correlation; NaN where the covariance is.
    pub fn correlation(&self) -> Array2<f64> {
        self.blend().correlation
    }

    /// The standard deviation of each asset per day.
    pub fn volatility(&self) -> Array1<f64> {
        self.blend().volatility
    }

    /// Variance of each horizon over that of the base bar times its bars, `(n_timeframes, n_assets)`; 1 for a
    /// random walk, NaN before the second bucket.
    pub fn variance_ratio(&self) -> Array2<f64> {
        Array2::from_shape_fn((self.buckets.len(), self.n_assets()), |(k, i)| {
            self.buckets[k].variance_ratio(i, &self.base_moments[i])
        })
    }

    /// Closed buckets in which each asset had a return, `(n_timeframes, n_assets)`.
    pub fn n_closed(&self) -> Array2<f64> {
        Array2::from_shape_fn((self.buckets.len(), self.n_assets()), |(k, i)| {
            self.buckets[k].returns[i].count as f64
        })
    }

    fn take(&mut self, opened: i64, row: ArrayView1<'_, f64>) -> Result<()> {
        self.last = Some(opened);
        self.n_observations += u64::from(row.iter().any(|x| !x.is_nan()));
        for ((log, moments), x) in self.logs.iter_mut().zip(&mut self.base_moments).zip(row) {
            *log = x.ln_1p();
            moments.add(*log);
        }
        self.buckets.iter_mut().try_for_each(|bucket| bucket.take(opened, &self.logs))
    }

    /// Refuses times that do not increase or do not stand on the grid of base bars.
    fn check_times(&self, times: impl Iterator<Item = i64>) -> Result<()> {
        let mut last = self.last;
        for (index, opened) in times.enumerate() {
            if last.is_some_and(|last| opened <= last) {
                return Err(Error::NotIncreasing { what: "times", index });
            }
            if bars_since_monday(opened, self.base).1 != 0 {
                let range = "a multiple of the base bar in UTC, in nanoseconds";
                return Err(Error::OutOfRange { what: "time", value: opened as f64, range });
            }
            last = Some(opened);
        }
        Ok(())
    }

    fn blend(&self) -> Blend {
        let horizon = |bucket: &Bucket| Horizon {
            weight: bucket.timeframe.weight,
            bars_per_day: bucket.timeframe.bars_per_day(),
            correlation: bucket.state.correlation(),
            volatility: bucket.state.volatility(),
            is_quiet: (0..self.n_assets()).map(|i| bucket.is_quiet(i)).collect(),
        };
        Blend::of(&self.buckets.iter().map(horizon).collect::<Vec<_>>())
    }
}

/// The number of the bar of length `bar` that holds `time`, and how far into it that is.
fn bars_since_monday(time: i64, bar: i64) -> (i64, i64) {
    // 1970 is in range of every i64; only a time at the very edge needs the wider type.
    let (since, bar) = (i128::from(time) - i128::from(MONDAY), i128::from(bar));
    (since.div_euclid(bar) as i64, since.rem_euclid(bar) as i64)
}

/// Refuses a return that leaves nothing, whose logarithm is no number.
fn refuse_total_loss<'a>(what: &'static str, mut values: impl Iterator<Item = &'a f64>) -> Result<()> {
    match values.find(|&&x| x <= -1.0) {
        Some(&value) => Err(Error::OutOfRange { what, value, range: "simple returns above -1" }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
