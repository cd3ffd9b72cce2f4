//! What the market turned out to be: the rules with thirty bars on either side.
//!
//! The *ex-post* label of a bar comes from the same rules on the 30 bars before and after it (root mean square against
//! the normal volatility, t-statistic of the mean, the thresholds of the bar itself). It is known 30 bars later, so
//! nothing that waits for it looks ahead.

use super::engines::Vote;
use super::features::log_ratio;
use super::rules::{Probabilities, Thresholds, hard_label};
use super::saved;
use crate::Result;
use crate::snapshot::{Reader, Writer};

/// Bars before and after a bar that the ex-post label looks at.
pub(super) const SIDE: usize = 30;

const SPAN: usize = 2 * SIDE + 1;

/// What was said at a bar, kept until the bar can be judged.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Call {
    pub(super) probabilities: Probabilities,
    pub(super) confidence: f64,
    pub(super) label: usize,
    pub(super) normal_volatility: f64,
    pub(super) thresholds: Thresholds,
    /// What the engines said.
    pub(super) vote: Option<Vote>,
}

/// The last 61 index returns and the calls that wait for the later half of them.
#[derive(Debug, Clone)]
pub(super) struct Judge {
    /// A ring of returns; `next` is the oldest once it is full, 0 before.
    returns: Vec<f64>,
    next: usize,
    /// A ring of the last 30 calls; `oldest` likewise.
    calls: Vec<Option<Call>>,
    oldest: usize,
}

impl Judge {
    pub(super) fn new() -> Self {
        Self { returns: Vec::with_capacity(SPAN), next: 0, calls: Vec::with_capacity(SIDE), oldest: 0 }
    }

    /// Takes an index return; the call of 30 observations ago, if there was one, and the label that was right.
    pub(super) fn learn(&mut self, index_return: f64) -> Option<(Call, usize)> {
        if self.returns.len() < SPAN {
            self.returns.push(index_return);
        } else {
            self.returns[self.next] = index_return;
            self.next = if self.next + 1 == SPAN { 0 } else { self.next + 1 };
        }
        if self.returns.len() < SPAN {
            return None;
        }
        let call = self.calls.get(self.oldest).copied().flatten()?;
        Some((call, self.label_after(&call)))
    }

    /// Remembers what was said at the last observation, None while warming.
    pub(super) fn remember(&mut self, call: Option<Call>) {
        if self.calls.len() < SIDE {
            self.calls.push(call);
        } else {
            self.calls[self.oldest] = call;
            self.oldest = if self.oldest + 1 == SIDE { 0 } else { self.oldest + 1 };
        }
    }

    fn label_after(&self, call: &Call) -> usize {
        let (sum, squares) = returns_oldest_first(&self.returns, self.next)
            .fold((0.0, 0.0), |(sum, squares), r| (sum + r, squares + r * r));
        let volatility = (squares / SPAN as f64).sqrt();
        let trend = if squares > 0.0 { sum / squares.sqrt() } else { 0.0 };
        hard_label(log_ratio(volatility, call.normal_volatility), trend, &call.thresholds)
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        writer.count(self.returns.len() as u64);
        returns_oldest_first(&self.returns, self.next).for_each(|r| writer.reals(&[r]));
        writer.count(self.calls.len() as u64);
        let (newer, older) = self.calls.split_at(self.oldest);
        for call in older.iter().chain(newer) {
            writer.flag(call.is_some());
            if let Some(call) = call {
                call.write(writer);
            }
        }
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self> {
        let mut judge = Self::new();
        judge.returns.extend(saved::finite(reader, SPAN)?);
        for _ in 0..saved::at_most(reader, SIDE)? {
            let call = if reader.flag()? { Some(Call::read(reader)?) } else { None };
            judge.calls.push(call);
        }
        Ok(judge)
    }
}

fn returns_oldest_first(ring: &[f64], next: usize) -> impl Iterator<Item = f64> {
    let (newer, older) = ring.split_at(next);
    older.iter().chain(newer).copied()
}

impl Call {
    fn write(&self, writer: &mut Writer) {
        writer.reals(&self.probabilities);
        writer.reals(&[self.confidence, self.normal_volatility]);
        writer.reals(&[self.thresholds.volatility, self.thresholds.trend]);
        writer.count(self.label as u64);
        writer.flag(self.vote.is_some());
        self.vote.iter().for_each(|vote| vote.write(writer));
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        Ok(Self {
            probabilities: saved::distribution(reader)?,
            confidence: saved::probability(reader)?,
            normal_volatility: reader.real()?,
            thresholds: Thresholds { volatility: reader.real()?, trend: reader.real()? },
            label: saved::at_most(reader, 3)?,
            vote: if reader.flag()? { Some(Vote::read(reader)?) } else { None },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::rules::HIGH_VOLATILITY;
    use super::*;

    const CALL: Call = Call {
        probabilities: [0.1, 0.1, 0.1, 0.7],
        confidence: 0.6,
        label: HIGH_VOLATILITY,
        normal_volatility: 0.01,
        thresholds: Thresholds { volatility: 0.4, trend: 0.8 },
        vote: None,
    };

    #[test]
    fn a_bar_is_judged_thirty_bars_later_by_thirty_bars_on_either_side() {
        let (calm, wild) = (0.002_f64, 0.05_f64);
        let mut judge = Judge::new();
        let mut first_volatile = None;
        for t in 0..300_usize {
            let size = if t < 150 { calm } else { wild };
            let judged = judge.learn(if t % 2 == 0 { size } else { -size });
            assert_eq!(judged.is_some(), t >= 2 * SIDE);
            if judged.is_some_and(|(_, label)| label == HIGH_VOLATILITY) {
                first_volatile = first_volatile.or(Some(t - SIDE));
            }
            judge.remember(Some(CALL));
        }
        // 0.01 exp(0.4) = 0.0149: the window is volatile once its mean square exceeds the square of that.
        let limit = (0.01 * 0.4_f64.exp()).powi(2) * SPAN as f64;
        let k = (0..=SPAN).find(|k| (*k as f64) * wild * wild + ((SPAN - k) as f64) * calm * calm > limit);
        assert_eq!(first_volatile, k.map(|k| 150 + k - 1 - SIDE));
    }
}
