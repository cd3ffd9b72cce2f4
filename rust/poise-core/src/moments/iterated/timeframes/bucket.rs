//! The bars of one horizon, made of base bars.

use super::super::decay::Decay;
use super::{IteratedRule, IteratedState, Running, Timeframe, bars_since_monday};
use crate::Result;

/// Horizons up to an hour see too little of an asset that hardly trades: its correlations lean to zero
/// (Epps, 1979).
const EPPS: i64 = 3_600_000_000_000;

/// The share of bars without a move above which an asset hardly trades.
const QUIET: f64 = 0.2;

/// A bar in the making, and the estimator that closed bars feed.
#[derive(Debug, Clone)]
pub(super) struct Bucket {
    pub(super) timeframe: Timeframe,
    pub(super) state: IteratedState,
    base: i64,
    decay: Decay,
    /// The number of the bar in the making, once there is one.
    pub(super) current: Option<i64>,
    /// Log returns added up, and how many they are.
    pub(super) sums: Vec<f64>,
    pub(super) counts: Vec<u64>,
    /// Of the bars that have closed.
    pub(super) returns: Vec<Running>,
    /// The decayed share of them that did not move.
    pub(super) quiet: Vec<f64>,
    /// Scratch: the bar that closes.
    closing: Vec<f64>,
}

impl Bucket {
    pub(super) fn new(n_assets: usize, timeframe: Timeframe, base: i64) -> Result<Self> {
        let Timeframe { volatility_half_life, correlation_half_life, .. } = timeframe;
        let rule = IteratedRule { volatility_half_life, correlation_half_life, ..IteratedRule::default() };
        Ok(Self {
            timeframe,
            state: IteratedState::new(n_assets, rule)?,
            base,
            decay: Decay::new("correlation_half_life", correlation_half_life)?,
            current: None,
            sums: vec![0.0; n_assets],
            counts: vec![0; n_assets],
            returns: vec![Running::default(); n_assets],
            quiet: vec![0.0; n_assets],
            closing: vec![f64::NAN; n_assets],
        })
    }

    /// Adds the log returns of a base bar, NaN where missing, and closes the bar if it is the last of it.
    pub(super) fn take(&mut self, opened: i64, logs: &[f64]) -> Result<()> {
        let (number, offset) = bars_since_monday(opened, self.timeframe.bar);
        if self.current != Some(number) {
            // A bar whose last base bar never came is not a bar.
            self.open(Some(number));
        }
        for ((sum, count), log) in self.sums.iter_mut().zip(&mut self.counts).zip(logs) {
            if !log.is_nan() {
                *sum += log;
                *count += 1;
            }
        }
        if offset == self.timeframe.bar - self.base {
            self.close(logs)?;
        }
        Ok(())
    }

    /// Variance of the bars over that of the base bars times their number; NaN where one is not known.
    pub(super) fn variance_ratio(&self, i: usize, base: &Running) -> f64 {
        let (bars, own) = (self.n_base_bars() as f64, &self.returns[i]);
        if own.count < 2 || base.spread == 0.0 {
            return f64::NAN;
        }
        own.variance_about(bars * base.mean) / (bars * base.variance_about(base.mean))
    }

    /// Whether the horizon is too short for an asset that trades so rarely.
    pub(super) fn is_quiet(&self, i: usize) -> bool {
        self.timeframe.bar <= EPPS && self.quiet[i] > QUIET
    }

    fn n_base_bars(&self) -> u64 {
        (self.timeframe.bar / self.base) as u64
    }

    fn open(&mut self, number: Option<i64>) {
        self.current = number;
        self.sums.fill(0.0);
        self.counts.fill(0);
    }

    /// A return counts with four in five of its base bars, the last among them.
    fn close(&mut self, last: &[f64]) -> Result<()> {
        let whole = self.n_base_bars();
        for (i, closing) in self.closing.iter_mut().enumerate() {
            let is_valid = !last[i].is_nan() && 5 * self.counts[i] >= 4 * whole;
            *closing = if is_valid { self.sums[i] } else { f64::NAN };
            if is_valid {
                self.returns[i].add(*closing);
                let stood = f64::from(u8::from(*closing == 0.0));
                self.quiet[i] += self.decay.gain(self.returns[i].count) * (stood - self.quiet[i]);
            }
        }
        self.open(None);
        self.state.update(ndarray::aview1(&self.closing))
    }
}
