//! Engines beside the rules: hidden Markov and jump models, fitted anew as time goes on, alone or pooled with the rules.
//!
//! Every 90 bars, from observation 500 on, the models are fitted to the readings of the last four years. What each of
//! them said at a bar is scored 30 bars later, when the bar can be judged; which penalty the jump model pays and whether
//! the pool listens to anything but the rules follows from these walk-forward scores. A bar costs `O(1)`; a fit
//! takes some milliseconds and memory of its own.

mod hidden;
mod history;
mod jumps;
mod naming;
mod pool;

use super::features::Reading;
use super::rules::Probabilities;
use super::saved;
use crate::Result;
use crate::snapshot::{Reader, Writer};
use hidden::Hidden;
use history::History;
use jumps::Jumps;
use pool::{Listening, Track};

pub(super) use pool::Vote;

/// Prices of a change that the jump model may pay.
const PENALTIES: [f64; N_PENALTIES] = [5.0, 20.0, 50.0];
const N_PENALTIES: usize = 3;

/// The one in the middle, until there are scores.
const FIRST_PENALTY: usize = 1;

/// What the probabilities come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Engine {
    /// Two-axis rules and a sticky filter.
    #[default]
    Rules,
    /// Two hidden states on the volatility score; the trend axis by the rules.
    HiddenMarkov,
    /// Four clusters in time of volatility and trend score.
    Jump,
    /// The rules, with the others where that improves the walk-forward log score.
    Pool,
}

impl Engine {
    const ALL: [Self; 4] = [Self::Rules, Self::HiddenMarkov, Self::Jump, Self::Pool];

    pub(super) fn write(self, writer: &mut Writer) {
        writer.count(Self::ALL.iter().take_while(|engine| **engine != self).count() as u64);
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self> {
        Ok(Self::ALL[saved::at_most(reader, Self::ALL.len() - 1)?])
    }
}

/// The models, what they were fitted to and how well they did.
#[derive(Debug, Clone)]
pub(super) struct Engines {
    engine: Engine,
    history: History,
    hidden: Option<Hidden>,
    jumps: Option<[Jumps; N_PENALTIES]>,
    /// The penalty in use.
    penalty: usize,
    track: Track,
    listening: Listening,
    n_fits: u64,
    flips: u64,
}

impl Engines {
    /// None where the rules need no company.
    pub(super) fn new(engine: Engine) -> Option<Self> {
        (engine != Engine::Rules).then(|| Self {
            engine,
            history: History::new(),
            hidden: None,
            jumps: None,
            penalty: FIRST_PENALTY,
            track: Track::default(),
            listening: Listening::default(),
            n_fits: 0,
            flips: 0,
        })
    }

    pub(super) fn engine(&self) -> Engine {
        self.engine
    }

    /// Times that models were fitted.
    pub(super) fn n_fits(&self) -> u64 {
        self.n_fits
    }

    /// States in use whose name changed from one fit to the next.
    pub(super) fn flips(&self) -> u64 {
        self.flips
    }

    /// Shares of rules, hidden Markov and jump model in the logarithm of the probabilities.
    pub(super) fn weights(&self) -> [f64; 3] {
        match self.engine {
            Engine::HiddenMarkov if self.hidden.is_some() => [0.0, 1.0, 0.0],
            Engine::Jump if self.jumps.is_some() => [0.0, 0.0, 1.0],
            Engine::Pool => self.listening.weights(),
            _ => [1.0, 0.0, 0.0],
        }
    }

    /// Lets the models see a reading.
    pub(super) fn step(&mut self, reading: &Reading) {
        self.history.push(reading);
        if let Some(hidden) = &mut self.hidden {
            hidden.step(reading);
        }
        self.jumps.iter_mut().flatten().for_each(|jumps| jumps.step(reading));
    }

    /// What everybody says, the rules included.
    pub(super) fn vote(&self, rules: &Probabilities) -> Vote {
        Vote {
            rules: *rules,
            hidden: self.hidden.as_ref().map(|hidden| hidden.probabilities(rules)),
            jumps: self.jumps.as_ref().map(|jumps| jumps.each_ref().map(Jumps::probabilities)),
            penalty: self.penalty,
        }
    }

    /// What is made of it.
    pub(super) fn outcome(&self, vote: &Vote) -> Probabilities {
        vote.pooled(&self.weights())
    }

    /// Learns what a vote was worth.
    pub(super) fn judge(&mut self, vote: &Vote, truth: usize) {
        self.track.add(vote, truth);
    }

    /// Fits the models to the readings so far. One that finds no fit stays as it was.
    pub(super) fn fit(&mut self) {
        let rows = self.history.matrix();
        let mut is_fitted = false;
        if self.engine != Engine::Jump
            && let Some(hidden) = Hidden::fit(rows.view())
        {
            let flipped = self.hidden.as_ref().is_some_and(|old| old.has_volatile() != hidden.has_volatile());
            self.flips += u64::from(flipped);
            self.hidden = Some(hidden);
            is_fitted = true;
        }
        if self.engine != Engine::HiddenMarkov {
            is_fitted |= self.fit_jumps(&rows);
        }
        self.n_fits += u64::from(is_fitted);
        self.listening = self.track.listening();
    }

    fn fit_jumps(&mut self, rows: &ndarray::Array2<f64>) -> bool {
        let used = self.jumps.as_ref().map(|jumps| &jumps[self.penalty]);
        let fit = |penalty| Jumps::fit(rows.view(), penalty, used);
        let [Some(low), Some(middle), Some(high)] = PENALTIES.map(fit) else { return false };
        let jumps = [low, middle, high];
        let penalty = self.track.best_penalty().unwrap_or(self.penalty);
        self.flips += used.map_or(0, |used| jumps[penalty].flips(used));
        (self.jumps, self.penalty) = (Some(jumps), penalty);
        true
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        self.history.write(writer);
        writer.flag(self.hidden.is_some());
        self.hidden.iter().for_each(|hidden| hidden.write(writer));
        writer.flag(self.jumps.is_some());
        self.jumps.iter().flatten().for_each(|jumps| jumps.write(writer));
        writer.count(self.penalty as u64);
        self.track.write(writer);
        self.listening.write(writer);
        writer.count(self.n_fits);
        writer.count(self.flips);
    }

    pub(super) fn read(reader: &mut Reader<'_>, engine: Engine) -> Result<Option<Self>> {
        let Some(engines) = Self::new(engine) else { return Ok(None) };
        let history = History::read(reader)?;
        let hidden = if reader.flag()? { Some(Hidden::read(reader)?) } else { None };
        let jumps = if reader.flag()? {
            let [low, middle, high] = PENALTIES;
            Some([Jumps::read(reader, low)?, Jumps::read(reader, middle)?, Jumps::read(reader, high)?])
        } else {
            None
        };
        Ok(Some(Self {
            history,
            hidden,
            jumps,
            penalty: saved::at_most(reader, N_PENALTIES - 1)?,
            track: Track::read(reader)?,
            listening: Listening::read(reader)?,
            n_fits: reader.count()?,
            flips: reader.count()?,
            ..engines
        }))
    }
}
