//! Which regime a market is in: readings, memberships, filter, label, confidence, duration, bar by bar.
//!
//! The market is the weighted mean of the assets' returns. Each bar is as likely in each regime as a Student t, in units
//! of the market's own normal volatility, makes it; a sticky Bayes filter (Hamilton, 1989) accumulates what the bars say;
//! the label follows with hysteresis. Confidence is the calibrated chance that the label agrees with the one that
//! thresholds on volatility and trend, themselves following the last 504 bars, would give to the 30 bars on either side;
//! the remaining duration comes from the hazard of past spells by age. A bar takes `O(n_assets)` and, but for spells
//! longer and more varied than before, no memory.

mod bytes;
mod calibration;
mod correlation;
mod durations;
mod engines;
mod features;
mod filter;
mod hysteresis;
mod isotonic;
mod judge;
mod likelihood;
mod moments;
mod ordered;
mod rules;
mod saved;
mod scores;
mod state;

use ndarray::{ArrayView1, ArrayView2};

use crate::{Error, Result, validate};
use calibration::{Calibration, is_due};
use durations::Durations;
use engines::{Engines, Vote};
use features::{FeatureTracker, Observed};
use filter::{UNIFORM, predict, update};
use hysteresis::Hysteresis;
use judge::{Call, Judge};
use likelihood::likelihood;
use rules::AdaptiveThresholds;

pub use durations::PRIOR_DURATIONS;
pub use engines::Engine;
pub use features::Reading;
pub use rules::{Probabilities, Thresholds};
pub use scores::{Bin, N_BINS, Scores};
pub use state::{Diagnosis, RegimeState};

/// Beyond this the square of a return times that of another leaves the range of a float.
pub const LARGEST_RETURN: f64 = 1e100;

/// Takes rows of asset returns, one at a time. A refused row leaves everything as it was.
#[derive(Debug, Clone)]
pub struct RegimeDetector {
    features: FeatureTracker,
    adaptive: AdaptiveThresholds,
    /// Of the rules, filtered.
    probabilities: Probabilities,
    engines: Option<Engines>,
    /// What the label follows: the same, or what the engines make of it.
    published: Probabilities,
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
        Self::with_engine(weights, Engine::Rules)
    }

    /// The same with another engine than the rules, or the rules in company.
    ///
    /// # Errors
    /// As [`RegimeDetector::new`].
    pub fn with_engine(weights: ArrayView1<'_, f64>, engine: Engine) -> Result<Self> {
        validate::non_empty("weights", "asset", weights)?;
        let weights = weights.to_vec();
        check_weights(&weights)?;
        Ok(Self {
            features: FeatureTracker::new(weights),
            adaptive: AdaptiveThresholds::new(),
            probabilities: UNIFORM,
            engines: Engines::new(engine),
            published: UNIFORM,
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

    /// Shares of rules, hidden Markov and jump model in the logarithm of the probabilities.
    pub fn engine_weights(&self) -> [f64; 3] {
        self.engines.as_ref().map_or([1.0, 0.0, 0.0], Engines::weights)
    }

    /// Times that engines were fitted.
    pub fn n_fits(&self) -> u64 {
        self.engines.as_ref().map_or(0, Engines::n_fits)
    }

    /// States of engines whose name changed from one fit to the next.
    pub fn label_flips(&self) -> u64 {
        self.engines.as_ref().map_or(0, Engines::flips)
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
            self.probabilities = predict(&self.probabilities);
            self.published = match &self.engines {
                Some(engines) => engines.outcome(&engines.vote(&self.probabilities)),
                None => self.probabilities,
            };
            self.hysteresis.wait();
            self.publish();
        }
    }

    fn take(&mut self, index_return: f64, reading: Reading) {
        let thresholds = self.adaptive.current();
        self.adaptive.push(reading.volatility_score, reading.trend_score);
        let likelihood = likelihood(index_return, &reading);
        self.diagnosis = Some(Diagnosis { reading, thresholds, likelihood });
        // The first state is the prior.
        let is_first = self.state.is_none();
        if !is_first {
            let predicted = predict(&self.probabilities);
            self.probabilities = update(&predicted, &likelihood);
        }
        // Of an index at rest engines know nothing.
        let vote = if reading.volatility == 0.0 { None } else { self.ask(&reading) };
        self.published = match (&self.engines, &vote) {
            (Some(engines), Some(vote)) => engines.outcome(vote),
            _ => self.probabilities,
        };
        if !is_first && let Some(spell) = self.hysteresis.step(&self.published) {
            self.durations.record(spell.label, spell.length);
        }
        self.judge(index_return);
        let state = self.publish();
        self.judge.remember(Some(Call {
            probabilities: state.probabilities,
            confidence: state.confidence,
            label: state.label,
            normal_volatility: reading.median_volatility,
            thresholds,
            vote,
        }));
    }

    /// Lets the engines see a reading and asks them.
    fn ask(&mut self, reading: &Reading) -> Option<Vote> {
        let engines = self.engines.as_mut()?;
        engines.step(reading);
        Some(engines.vote(&self.probabilities))
    }

    /// Learns from the call of 30 observations ago and fits what is due.
    fn judge(&mut self, index_return: f64) {
        if let Some((call, truth)) = self.judge.learn(index_return) {
            self.calibration.learn(&call, truth);
            if let (Some(engines), Some(vote)) = (&mut self.engines, &call.vote) {
                engines.judge(vote, truth);
            }
        }
        if is_due(self.features.n_observations()) {
            self.calibration.fit();
            self.engines.iter_mut().for_each(Engines::fit);
        }
    }

    fn publish(&mut self) -> RegimeState {
        let Hysteresis { label, age, .. } = self.hysteresis;
        let surest = self.published.iter().fold(0.0, |most: f64, p| most.max(*p));
        *self.state.insert(RegimeState {
            label,
            probabilities: self.published,
            confidence: self.calibration.confidence(surest),
            age,
            expected_remaining: self.durations.expected_remaining(label, age),
        })
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
