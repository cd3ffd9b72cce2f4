//! What the detector measures on the market index, one bar at a time, from the past only.

use super::correlation::AverageCorrelation;
use super::moments::RollingMoments;
use super::ordered::OrderedWindow;
use super::saved;
use crate::Result;
use crate::snapshot::{Reader, Writer, refused};

/// Index observations before the first reading.
pub(super) const WARMING: u64 = 20;

/// Bars of history that a reading is compared with.
pub(super) const WINDOW: usize = 504;

/// Readings before a comparison with the own past is trusted.
pub(super) const MIN_HISTORY: usize = 120;

const VOLATILITY_HALF_LIFE: f64 = 10.0;
const TREND_HALF_LIFE: f64 = 20.0;
const TREND_SCALE_HALF_LIFE: f64 = 60.0;
const CORRELATION_HALF_LIFE: f64 = 20.0;
const CORRELATION_WEIGHT: f64 = 0.1;
const LOG_RATIO_CAP: f64 = 3.0;

/// The market after one bar.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reading {
    /// Root mean square of the index return, half-life 10 bars.
    pub volatility: f64,
    /// Median of `volatility` over the last 504 bars (all there are, before).
    pub median_volatility: f64,
    /// `ln(volatility / median_volatility)`, plus a tenth of `correlation_score` where positive.
    pub volatility_score: f64,
    /// Mean return over root mean square, times the root of the mean's effective number of observations: about
    /// standard normal without drift.
    pub trend_score: f64,
    /// Weighted mean of the pairwise correlations, half-life 20; NaN below two varying assets.
    pub average_correlation: f64,
    /// `average_correlation` standardised by its own last 504 values; 0 before there are 120.
    pub correlation_score: f64,
    /// Fall of the index from its peak, a positive fraction.
    pub drawdown: f64,
}

impl Reading {
    pub(super) fn write(&self, writer: &mut Writer) {
        writer.reals(&[
            self.volatility,
            self.median_volatility,
            self.volatility_score,
            self.trend_score,
            self.average_correlation,
            self.correlation_score,
            self.drawdown,
        ]);
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self> {
        Ok(Self {
            volatility: reader.real()?,
            median_volatility: reader.real()?,
            volatility_score: reader.real()?,
            trend_score: reader.real()?,
            average_correlation: reader.real()?,
            correlation_score: reader.real()?,
            drawdown: reader.real()?,
        })
    }
}

/// Exponentially weighted mean with weights that sum to one from the first number on.
#[derive(Debug, Clone)]
struct ExponentialMean {
    decay: f64,
    sum: f64,
    weight: f64,
    weight_of_squares: f64,
}

impl ExponentialMean {
    fn new(half_life: f64) -> Self {
        Self { decay: 0.5_f64.powf(1.0 / half_life), sum: 0.0, weight: 0.0, weight_of_squares: 0.0 }
    }

    /// Adds a finite number and returns the mean.
    fn push(&mut self, value: f64) -> f64 {
        self.sum = self.decay * self.sum + value;
        self.weight = self.decay * self.weight + 1.0;
        self.weight_of_squares = self.decay * self.decay * self.weight_of_squares + 1.0;
        self.sum / self.weight
    }

    /// `1 / sum(p^2)` for the normalised weights `p`.
    fn effective_observations(&self) -> f64 {
        self.weight * self.weight / self.weight_of_squares
    }

    fn write(&self, writer: &mut Writer) {
        writer.reals(&[self.sum, self.weight, self.weight_of_squares]);
    }

    fn read(reader: &mut Reader<'_>, half_life: f64) -> Result<Self> {
        let (sum, weight, weight_of_squares) = (reader.real()?, reader.real()?, reader.real()?);
        saved::all_finite("a decayed sum", &[sum])?;
        saved::not_negative("a decayed weight", &[weight, weight_of_squares])?;
        Ok(Self { sum, weight, weight_of_squares, ..Self::new(half_life) })
    }
}

/// `ln(volatility / normal)` within three either way, also where one of them is zero.
pub(super) fn log_ratio(volatility: f64, normal: f64) -> f64 {
    if volatility <= 0.0 {
        return -LOG_RATIO_CAP;
    }
    if normal <= 0.0 {
        return LOG_RATIO_CAP;
    }
    (volatility / normal).ln().clamp(-LOG_RATIO_CAP, LOG_RATIO_CAP)
}

/// Turns rows of asset returns into readings of the market index.
#[derive(Debug, Clone)]
pub(super) struct FeatureTracker {
    weights: Vec<f64>,
    mean_square: ExponentialMean,
    mean: ExponentialMean,
    scale: ExponentialMean,
    correlation: AverageCorrelation,
    past_volatility: OrderedWindow<f64>,
    past_correlation: RollingMoments,
    share_of_peak: f64,
    n_observations: u64,
}

/// What a row said.
pub(super) enum Observed {
    /// No weighted asset has a return.
    Nothing,
    /// An index return, too early for a reading.
    Warming(f64),
    /// An index return and the reading after it.
    Market(f64, Reading),
}

impl FeatureTracker {
    pub(super) fn new(weights: Vec<f64>) -> Self {
        Self {
            mean_square: ExponentialMean::new(VOLATILITY_HALF_LIFE),
            mean: ExponentialMean::new(TREND_HALF_LIFE),
            scale: ExponentialMean::new(TREND_SCALE_HALF_LIFE),
            correlation: AverageCorrelation::new(weights.len(), CORRELATION_HALF_LIFE),
            past_volatility: OrderedWindow::new(WINDOW),
            past_correlation: RollingMoments::new(WINDOW),
            share_of_peak: 1.0,
            n_observations: 0,
            weights,
        }
    }

    pub(super) fn weights(&self) -> &[f64] {
        &self.weights
    }

    /// Rows so far that had an index return.
    pub(super) fn n_observations(&self) -> u64 {
        self.n_observations
    }

    /// Adds one row, NaN where missing.
    pub(super) fn push(&mut self, row: &[f64]) -> Observed {
        let Some(r) = self.index_return(row) else { return Observed::Nothing };
        self.n_observations += 1;
        let volatility = self.mean_square.push(r * r).sqrt();
        let mean = self.mean.push(r);
        let scale = self.scale.push(r * r).sqrt();
        let correlation = self.correlation.push(row, &self.weights);
        self.share_of_peak = (self.share_of_peak * (1.0 + r)).clamp(0.0, 1.0);
        if self.n_observations < WARMING {
            return Observed::Warming(r);
        }
        self.past_volatility.push(volatility);
        let normal = self.past_volatility.quantile(0.5);
        let correlation_score = self.correlation_score(correlation);
        let trend = if scale > 0.0 { mean / scale * self.mean.effective_observations().sqrt() } else { 0.0 };
        let reading = Reading {
            volatility,
            median_volatility: normal,
            volatility_score: log_ratio(volatility, normal) + CORRELATION_WEIGHT * correlation_score.max(0.0),
            trend_score: trend,
            average_correlation: correlation,
            correlation_score,
            drawdown: 1.0 - self.share_of_peak,
        };
        Observed::Market(r, reading)
    }

    /// The weighted mean over the assets that have a return.
    fn index_return(&self, row: &[f64]) -> Option<f64> {
        let (mut available, mut sum) = (0.0, 0.0);
        for (weight, value) in self.weights.iter().zip(row) {
            if !value.is_nan() {
                available += weight;
                sum += weight * value;
            }
        }
        (available != 0.0).then(|| sum / available)
    }

    fn correlation_score(&mut self, correlation: f64) -> f64 {
        if correlation.is_nan() {
            return 0.0;
        }
        let past = &mut self.past_correlation;
        let score = if past.len() >= MIN_HISTORY { past.standardise(correlation) } else { 0.0 };
        past.push(correlation);
        score
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        writer.count(self.weights.len() as u64);
        writer.reals(&self.weights);
        writer.count(self.n_observations);
        [&self.mean_square, &self.mean, &self.scale].into_iter().for_each(|mean| mean.write(writer));
        self.correlation.write(writer);
        saved::write_window(writer, &self.past_volatility);
        self.past_correlation.write(writer);
        writer.reals(&[self.share_of_peak]);
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self> {
        let n_assets = reader.size()?;
        let weights = reader.reals(n_assets)?;
        super::check_weights(&weights).map_err(saved::unfit)?;
        let n_observations = reader.count()?;
        let mean_square = ExponentialMean::read(reader, VOLATILITY_HALF_LIFE)?;
        let mean = ExponentialMean::read(reader, TREND_HALF_LIFE)?;
        let scale = ExponentialMean::read(reader, TREND_SCALE_HALF_LIFE)?;
        let correlation = AverageCorrelation::read(reader, n_assets, CORRELATION_HALF_LIFE)?;
        let past_volatility = saved::read_window(reader, WINDOW)?;
        let past_correlation = RollingMoments::read(reader, WINDOW)?;
        let share_of_peak = reader.real()?;
        saved::not_negative("a mean square", &[mean_square.sum, scale.sum])?;
        if !(0.0..=1.0).contains(&share_of_peak) {
            return Err(refused(format!("the share of the peak is {share_of_peak}")));
        }
        Ok(Self {
            weights,
            mean_square,
            mean,
            scale,
            correlation,
            past_volatility,
            past_correlation,
            share_of_peak,
            n_observations,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_ratios_stay_finite() {
        let cases = [
            (0.02, 0.01, 2_f64.ln()),
            (0.0, 0.0, -3.0),
            (0.01, 0.0, 3.0),
            (1e-9, 1.0, -3.0),
            (1.0, 1e-9, 3.0),
        ];
        for (volatility, normal, expected) in cases {
            assert!((log_ratio(volatility, normal) - expected).abs() < 1e-15);
        }
    }

    #[test]
    fn weights_of_the_missing_go_to_the_others() {
        let mut tracker = FeatureTracker::new(vec![0.5, 0.3, 0.2]);
        let Observed::Warming(r) = tracker.push(&[f64::NAN, 0.01, 0.06]) else { panic!("too early") };
        assert!((r - 0.03).abs() < 1e-16);
        assert!(matches!(tracker.push(&[f64::NAN; 3]), Observed::Nothing));
        assert_eq!(tracker.n_observations, 1);
        let mut unweighted = FeatureTracker::new(vec![1.0, 0.0]);
        assert!(matches!(unweighted.push(&[f64::NAN, 0.05]), Observed::Nothing));
    }

    #[test]
    fn steady_growth_is_a_strong_trend() {
        let mut tracker = FeatureTracker::new(vec![1.0]);
        let decay = 0.5_f64.powf(0.05);
        let mut last = f64::NAN;
        for _ in 0..400 {
            if let Observed::Market(_, reading) = tracker.push(&[0.001]) {
                last = reading.trend_score;
            }
        }
        assert!((last / ((1.0 + decay) / (1.0 - decay)).sqrt() - 1.0).abs() < 1e-4);
    }
}
