//! Two axes, volatility and trend, cut by thresholds that follow the market's own past.

use super::features::{MIN_HISTORY, WINDOW};
use super::ordered::OrderedWindow;
use super::saved;
use crate::Result;
use crate::snapshot::{Reader, Writer};

/// Bull, bear, sideways, high volatility.
pub type Probabilities = [f64; 4];

pub(super) const BULL: usize = 0;
pub(super) const BEAR: usize = 1;
pub(super) const SIDEWAYS: usize = 2;
pub(super) const HIGH_VOLATILITY: usize = 3;

/// How far beyond a threshold a reading lies before there is no doubt about its side.
pub(super) const VOLATILITY_WIDTH: f64 = 0.15;
pub(super) const TREND_WIDTH: f64 = 0.35;

/// The least probability that an engine beside the rules gives to a regime.
pub(super) const FLOOR: f64 = 1e-3;

/// Where the regimes part.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Thresholds {
    /// Volatility score above which the market is volatile.
    pub volatility: f64,
    /// Trend score beyond which, either way, it trends.
    pub trend: f64,
}

/// Thresholds from the quantiles of the last 504 readings, the present one not included.
#[derive(Debug, Clone)]
pub(super) struct AdaptiveThresholds {
    volatility_scores: OrderedWindow<f64>,
    trend_scores: OrderedWindow<f64>,
}

impl AdaptiveThresholds {
    pub(super) fn new() -> Self {
        Self { volatility_scores: OrderedWindow::new(WINDOW), trend_scores: OrderedWindow::new(WINDOW) }
    }

    /// The thresholds that the readings so far imply; fixed before there are 120.
    pub(super) fn current(&self) -> Thresholds {
        if self.trend_scores.len() < MIN_HISTORY {
            return Thresholds { volatility: 1.6_f64.ln(), trend: 0.8 };
        }
        Thresholds {
            volatility: self.volatility_scores.quantile(0.85).max(1.5_f64.ln()),
            trend: self.trend_scores.quantile(0.60).clamp(0.6, 1.2),
        }
    }

    /// Remembers a reading for the next bars.
    pub(super) fn push(&mut self, volatility_score: f64, trend_score: f64) {
        self.volatility_scores.push(volatility_score);
        self.trend_scores.push(trend_score.abs());
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        saved::write_window(writer, &self.volatility_scores);
        saved::write_window(writer, &self.trend_scores);
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self> {
        let volatility_scores = saved::read_window(reader, WINDOW)?;
        Ok(Self { volatility_scores, trend_scores: saved::read_window(reader, WINDOW)? })
    }
}

/// Scaled to sum to one.
pub(super) fn normalised(weights: Probabilities) -> Probabilities {
    let total: f64 = weights.iter().sum();
    weights.map(|weight| weight / total)
}

/// The regime on whose side of the thresholds a reading lies.
pub(super) fn hard_label(volatility_score: f64, trend_score: f64, thresholds: &Thresholds) -> usize {
    if volatility_score > thresholds.volatility {
        HIGH_VOLATILITY
    } else if trend_score > thresholds.trend {
        BULL
    } else if trend_score < -thresholds.trend {
        BEAR
    } else {
        SIDEWAYS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn volatility_decides_first_then_trend() {
        let limits = Thresholds { volatility: 0.5, trend: 0.8 };
        for (volatility, trend, regime) in [
            (0.0, 3.0, BULL),
            (0.0, -3.0, BEAR),
            (0.0, 0.0, SIDEWAYS),
            (1.5, 3.0, HIGH_VOLATILITY),
            (1.5, -3.0, HIGH_VOLATILITY),
        ] {
            assert_eq!(hard_label(volatility, trend, &limits), regime);
        }
    }

    #[test]
    fn thresholds_are_fixed_first_then_follow_the_past_within_limits() {
        let mut adaptive = AdaptiveThresholds::new();
        for i in 0..120 {
            assert_eq!(adaptive.current(), Thresholds { volatility: 1.6_f64.ln(), trend: 0.8 });
            adaptive.push(f64::from(i) / 100.0, -1.0);
        }
        assert!((adaptive.current().volatility - 0.85 * 1.19).abs() < 1e-12);
        assert_eq!(adaptive.current().trend, 1.0);
        (0..504).for_each(|_| adaptive.push(-1.0, 0.01));
        assert_eq!(adaptive.current(), Thresholds { volatility: 1.5_f64.ln(), trend: 0.6 });
    }
}
