//! Which regime a market is in: readings, memberships, filter, label, confidence, duration, bar by bar.
//!
//! The market is the weighted mean of the assets' returns. Its volatility (against its own median) and its trend (a
//! t-statistic) give soft memberships around thresholds that follow the last 504 bars; a sticky Bayes filter (Hamilton,
//! 1989) accumulates them; the label follows with hysteresis. Confidence is the calibrated chance that the label agrees
//! with the one that the 30 bars on either side would give; the remaining duration comes from the hazard of past spells
//! by age. A bar takes `O(n_assets)` and, but for spells longer and more varied than before, no memory.

mod calibration;
mod correlation;
mod durations;
mod features;
mod filter;
mod hysteresis;
mod isotonic;
mod judge;
mod moments;
mod ordered;
mod rules;
mod saved;
mod scores;

use ndarray::{ArrayView1, ArrayView2};

use crate::snapshot::{Format, Reader, Writer};
use crate::{Error, Result, validate};
use calibration::{Calibration, is_due};
use durations::Durations;
use features::{FeatureTracker, Observed};
use filter::{UNIFORM, predict, update};
use hysteresis::Hysteresis;
use judge::{Call, Judge};
use rules::{AdaptiveThresholds, at_rest, soft_membership};

pub use durations::PRIOR_DURATIONS;
pub use features::Reading;
pub use rules::{Probabilities, Thresholds};
pub use scores::{Bin, N_BINS, Scores};

const FORMAT: Format = Format { mark: b"poiseRGM", version: 1, name: "a regime detector" };

/// Beyond this the square of a return times that of another leaves the range of a float.
pub const LARGEST_RETURN: f64 = 1e100;

const CALM_MARGIN: f64 = 0.1;

/// The regime after one bar; nothing later was used.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RegimeState {
    /// Bull, bear, sideways, high volatility: 0 to 3.
    pub label: usize,
    /// Of the four, sum 1.
    pub probabilities: Probabilities,
    /// Probability that the label is right.
    pub confidence: f64,
    /// Bars since the label began.
    pub age: u64,
    /// Expected further bars before it ends.
    pub expected_remaining: f64,
}

/// What the last bar that had a return said.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Diagnosis {
    /// The measurements.
    pub reading: Reading,
    /// The thresholds that were in force.
    pub thresholds: Thresholds,
    /// How far the reading belongs to each regime, before filtering.
    pub membership: Probabilities,
}

/// Takes rows of asset returns, one at a time. A refused row leaves everything as it was.
#[derive(Debug, Clone)]
pub struct RegimeDetector {
    features: FeatureTracker,
    adaptive: AdaptiveThresholds,
    probabilities: Probabilities,
    hysteresis: Hysteresis,
    durations: Durations,
    judge: Judge,
    calibration: Calibration,
    diagnosis: Option<Diagnosis>,
    state: Option<RegimeState>,
}

impl RegimeDetector {
    /// A detector before the first row, for an index of these weights.
    ///
    /// # Errors
    /// No weight, one that is not finite or negative, all zero.
    pub fn new(weights: ArrayView1<'_, f64>) -> Result<Self> {
        validate::non_empty("weights", "asset", weights)?;
        let weights = weights.to_vec();
        check_weights(&weights)?;
        Ok(Self {
            features: FeatureTracker::new(weights),
            adaptive: AdaptiveThresholds::new(),
            probabilities: UNIFORM,
            hysteresis: Hysteresis::new(),
            durations: Durations::new(),
            judge: Judge::new(),
            calibration: Calibration::new(),
            diagnosis: None,
            state: None,
        })
    }

    /// Assets in a row.
    pub fn n_assets(&self) -> usize {
        self.features.weights().len()
    }

    /// The state after the last row; None before 20 rows had a return.
    pub fn state(&self) -> Option<&RegimeState> {
        self.state.as_ref()
    }

    /// What the last reading said; None while warming.
    pub fn diagnosis(&self) -> Option<&Diagnosis> {
        self.diagnosis.as_ref()
    }

    /// Expected bars of a whole spell of each regime.
    pub fn durations(&self) -> Probabilities {
        self.durations.durations()
    }

    /// Sums of scores over the calls that could be judged.
    pub fn scores(&self) -> &Scores {
        self.calibration.scores()
    }

    /// The probability that the present label outlasts `horizon` more bars; None while warming.
    pub fn survival(&self, horizon: u64) -> Option<f64> {
        self.state.map(|state| self.durations.survival(state.label, state.age, horizon))
    }

    /// The least number of bars within which the present label ends with probability one half.
    pub fn median_remaining(&self) -> Option<u64> {
        self.state.map(|state| self.durations.median_remaining(state.label, state.age))
    }

    /// Takes one row, NaN = missing, and returns the state after it.
    ///
    /// # Errors
    /// Another number of assets, a return beyond [`LARGEST_RETURN`].
    pub fn step(&mut self, row: ArrayView1<'_, f64>) -> Result<Option<&RegimeState>> {
        if let Some(row) = row.as_slice() {
            return self.step_slice(row);
        }
        self.step_slice(&row.to_vec())
    }

    /// The same for a row in one piece.
    ///
    /// # Errors
    /// As [`RegimeDetector::step`].
    pub fn step_slice(&mut self, row: &[f64]) -> Result<Option<&RegimeState>> {
        validate::length("row", ArrayView1::from(row), self.n_assets())?;
        if let Some((index, &value)) = row.iter().enumerate().find(|(_, value)| value.abs() > LARGEST_RETURN)
        {
            return Err(Error::NonFinite { what: "row", value, position: format!("index {index}") });
        }
        match self.features.push(row) {
            Observed::Nothing => self.pass_by(),
            Observed::Warming(index_return) => {
                self.judge(index_return);
                self.judge.remember(None);
            }
            Observed::Market(index_return, reading) => self.take(index_return, reading),
        }
        Ok(self.state.as_ref())
    }

    /// Takes all rows and hands the state after each to `each`.
    ///
    /// # Errors
    /// As [`RegimeDetector::step`]; the rows before the refused one were taken.
    pub fn follow(
        &mut self,
        rows: ArrayView2<'_, f64>,
        mut each: impl FnMut(usize, Option<&RegimeState>),
    ) -> Result<()> {
        for (t, row) in rows.rows().into_iter().enumerate() {
            each(t, self.step(row)?);
        }
        Ok(())
    }

    /// Moves the probabilities one bar ahead and leaves the label alone.
    fn pass_by(&mut self) {
        if self.state.is_some() {
            self.probabilities = predict(&self.probabilities, self.durations.matrix());
            self.hysteresis.wait();
            self.publish();
        }
    }

    fn take(&mut self, index_return: f64, reading: Reading) {
        let thresholds = self.adaptive.current();
        self.adaptive.push(reading.volatility_score, reading.trend_score);
        let membership = if reading.volatility == 0.0 {
            at_rest()
        } else {
            soft_membership(reading.volatility_score, reading.trend_score, &thresholds)
        };
        self.diagnosis = Some(Diagnosis { reading, thresholds, membership });
        // The first state is the prior.
        if self.state.is_some() {
            let predicted = predict(&self.probabilities, self.durations.matrix());
            self.probabilities = update(&predicted, &membership);
            let calm = reading.volatility_score < thresholds.volatility - CALM_MARGIN;
            if let Some(spell) = self.hysteresis.step(&self.probabilities, calm) {
                self.durations.record(spell.label, spell.length, spell.successor);
            }
        }
        self.judge(index_return);
        let state = self.publish();
        self.judge.remember(Some(Call {
            probabilities: state.probabilities,
            confidence: state.confidence,
            label: state.label,
            normal_volatility: reading.median_volatility,
            thresholds,
        }));
    }

    /// Learns from the call of 30 observations ago and fits what is due.
    fn judge(&mut self, index_return: f64) {
        if let Some((call, truth)) = self.judge.learn(index_return) {
            self.calibration.learn(&call, truth);
        }
        if is_due(self.features.n_observations()) {
            self.calibration.fit();
        }
    }

    fn publish(&mut self) -> RegimeState {
        let Hysteresis { label, age, .. } = self.hysteresis;
        let surest = self.probabilities.iter().fold(0.0, |most: f64, p| most.max(*p));
        *self.state.insert(RegimeState {
            label,
            probabilities: self.probabilities,
            confidence: self.calibration.confidence(surest),
            age,
            expected_remaining: self.durations.expected_remaining(label, age),
        })
    }

    /// The detector as bytes, from which [`RegimeDetector::from_bytes`] continues bit for bit.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut writer = Writer::new(FORMAT);
        self.features.write(&mut writer);
        self.adaptive.write(&mut writer);
        writer.reals(&self.probabilities);
        self.hysteresis.write(&mut writer);
        self.durations.write(&mut writer);
        self.judge.write(&mut writer);
        self.calibration.write(&mut writer);
        writer.flag(self.diagnosis.is_some());
        if let Some(Diagnosis { reading, thresholds, membership }) = &self.diagnosis {
            reading.write(&mut writer);
            writer.reals(&[thresholds.volatility, thresholds.trend]);
            writer.reals(membership);
        }
        writer.flag(self.state.is_some());
        writer.finish()
    }

    /// The detector that [`RegimeDetector::to_bytes`] wrote.
    ///
    /// # Errors
    /// Bytes that are short, damaged, of another state, newer, or hold what no rows could have led to.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let mut reader = Reader::open(bytes, FORMAT)?;
        let mut detector = Self {
            features: FeatureTracker::read(&mut reader)?,
            adaptive: AdaptiveThresholds::read(&mut reader)?,
            probabilities: saved::distribution(&mut reader)?,
            hysteresis: Hysteresis::read(&mut reader)?,
            durations: Durations::read(&mut reader)?,
            judge: Judge::read(&mut reader)?,
            calibration: Calibration::read(&mut reader)?,
            diagnosis: None,
            state: None,
        };
        if reader.flag()? {
            detector.diagnosis = Some(Diagnosis {
                reading: Reading::read(&mut reader)?,
                thresholds: Thresholds { volatility: reader.real()?, trend: reader.real()? },
                membership: saved::distribution(&mut reader)?,
            });
        }
        if reader.flag()? {
            detector.publish();
        }
        reader.close()?;
        Ok(detector)
    }
}

fn check_weights(weights: &[f64]) -> Result<()> {
    validate::finite("weights", ArrayView1::from(weights))?;
    if let Some(&value) = weights.iter().find(|weight| **weight < 0.0) {
        return Err(Error::OutOfRange { what: "weights", value, range: "numbers of at least 0" });
    }
    let value: f64 = weights.iter().sum();
    if value > 0.0 && value.is_finite() {
        return Ok(());
    }
    Err(Error::OutOfRange { what: "the sum of weights", value, range: "a positive finite number" })
}

#[cfg(test)]
mod tests;
