//! The published label, which follows the probabilities reluctantly.

use super::rules::{HIGH_VOLATILITY, Probabilities, SIDEWAYS};
use super::saved;
use crate::Result;
use crate::snapshot::{Reader, Writer};

const SWITCH_AT: f64 = 0.55;
const LEAD: f64 = 0.15;
const BARS_TO_SWITCH: u64 = 2;
const BARS_TO_CALM: u64 = 3;
const ALARM_AT: f64 = 0.80;

/// A completed stay in one regime.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Spell {
    pub(super) label: usize,
    pub(super) length: u64,
    pub(super) successor: usize,
}

/// The label moves when another regime has probability 0.55 or more and leads all others by 0.15 for two bars; at once
/// when high volatility reaches 0.80; and out of high volatility only after three bars on each of which the volatility
/// score was clearly below its threshold.
#[derive(Debug, Clone)]
pub(super) struct Hysteresis {
    pub(super) label: usize,
    /// Bars since the label began, 0 on its first bar.
    pub(super) age: u64,
    challenger: usize,
    bars: u64,
    began_by_default: bool,
}

impl Hysteresis {
    pub(super) fn new() -> Self {
        Self { label: SIDEWAYS, age: 0, challenger: SIDEWAYS, bars: 0, began_by_default: true }
    }

    /// Lets a bar without a reading pass.
    pub(super) fn wait(&mut self) {
        self.age += 1;
    }

    /// Takes the probabilities after a bar; the spell that it ended, if any. The first spell began because a label
    /// was needed, not because one was seen: it is not told.
    pub(super) fn step(&mut self, probabilities: &Probabilities, calm: bool) -> Option<Spell> {
        self.age += 1;
        let leader = self.challenge(probabilities, calm);
        if leader == self.label {
            return None;
        }
        let alarmed = leader == HIGH_VOLATILITY && probabilities[HIGH_VOLATILITY] >= ALARM_AT;
        let needed = if self.label == HIGH_VOLATILITY { BARS_TO_CALM } else { BARS_TO_SWITCH };
        if self.bars < needed && !alarmed {
            return None;
        }
        let spell = Spell { label: self.label, length: self.age, successor: leader };
        let is_evidence = !self.began_by_default;
        *self = Self { label: leader, age: 0, bars: 0, began_by_default: false, ..*self };
        is_evidence.then_some(spell)
    }

    /// Counts the bars of the regime that could take over; the present label when there is none.
    fn challenge(&mut self, probabilities: &Probabilities, calm: bool) -> usize {
        let (leader, best, second) = two_largest(probabilities);
        let held = self.label == HIGH_VOLATILITY && !calm;
        if leader == self.label || best < SWITCH_AT || best - second < LEAD || held {
            (self.challenger, self.bars) = (self.label, 0);
            return self.label;
        }
        self.bars = if leader == self.challenger { self.bars + 1 } else { 1 };
        self.challenger = leader;
        leader
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        writer.count(self.label as u64);
        writer.count(self.age);
        writer.count(self.challenger as u64);
        writer.count(self.bars);
        writer.flag(self.began_by_default);
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self> {
        Ok(Self {
            label: saved::at_most(reader, 3)?,
            age: reader.count()?,
            challenger: saved::at_most(reader, 3)?,
            bars: reader.count()?,
            began_by_default: reader.flag()?,
        })
    }
}

/// Position and value of the largest, the first among equals, and the next value.
fn two_largest(values: &Probabilities) -> (usize, f64, f64) {
    let (mut leader, mut best, mut second) = (0, values[0], f64::NEG_INFINITY);
    for (k, &value) in values.iter().enumerate().skip(1) {
        if value > best {
            (leader, best, second) = (k, value, best);
        } else if value > second {
            second = value;
        }
    }
    (leader, best, second)
}

#[cfg(test)]
mod tests {
    use super::super::rules::{BEAR, BULL};
    use super::*;

    const SURE_BULL: Probabilities = [0.7, 0.1, 0.1, 0.1];
    const SURE_BEAR: Probabilities = [0.1, 0.7, 0.1, 0.1];
    const VOLATILE: Probabilities = [0.1, 0.1, 0.1, 0.7];
    const ALARM: Probabilities = [0.05, 0.05, 0.1, 0.8];

    fn after(steps: &[(Probabilities, bool)]) -> Hysteresis {
        let mut hysteresis = Hysteresis::new();
        for (probabilities, calm) in steps {
            hysteresis.step(probabilities, *calm);
        }
        hysteresis
    }

    #[test]
    fn a_new_label_needs_two_bars_in_a_row() {
        let uniform = [0.25; 4];
        let waiting = [(SURE_BULL, true), (uniform, true), (SURE_BULL, true)];
        assert_eq!((after(&waiting).label, after(&waiting).age), (SIDEWAYS, 3));
        let moved = after(&[(SURE_BULL, true), (SURE_BULL, true)]);
        assert_eq!((moved.label, moved.age), (BULL, 0));
        let torn = after(&[(SURE_BULL, true), (SURE_BEAR, true), (SURE_BULL, true), (SURE_BEAR, true)]);
        assert_eq!(torn.label, SIDEWAYS);
    }

    #[test]
    fn without_a_clear_lead_the_label_stays() {
        for weak in [[0.54, 0.2, 0.2, 0.06], [0.56, 0.42, 0.01, 0.01]] {
            assert_eq!(after(&[(weak, true); 20]).label, SIDEWAYS);
        }
    }

    #[test]
    fn fast_into_high_volatility_and_slowly_out() {
        assert_eq!(after(&[(ALARM, false)]).label, HIGH_VOLATILITY);
        assert_eq!(after(&[(VOLATILE, false)]).label, SIDEWAYS);
        let mut held = after(&[(ALARM, false)]);
        for calm in [true, true, false, true, true] {
            assert_eq!(held.step(&SURE_BEAR, calm), None);
            assert_eq!(held.label, HIGH_VOLATILITY);
        }
        let spell = held.step(&SURE_BEAR, true);
        assert_eq!(spell, Some(Spell { label: HIGH_VOLATILITY, length: 6, successor: BEAR }));
    }

    #[test]
    fn the_first_spell_is_not_evidence() {
        let mut hysteresis = Hysteresis::new();
        hysteresis.wait();
        hysteresis.step(&SURE_BULL, true);
        assert_eq!(hysteresis.step(&SURE_BULL, true), None);
        assert_eq!(hysteresis.label, BULL);
    }
}
