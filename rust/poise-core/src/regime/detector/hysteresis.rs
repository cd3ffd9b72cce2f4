//! The published label, which follows the probabilities reluctantly.

use super::rules::{Probabilities, SIDEWAYS};
use super::saved;
use crate::Result;
use crate::snapshot::{Reader, Writer};

/// A regime with this probability is likelier than all others together, and not by a hair.
const SWITCH_AT: f64 = 0.6;

/// A completed stay in one regime.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Spell {
    pub(super) label: usize,
    pub(super) length: u64,
}

/// The label moves when another regime has probability 0.6 or more. The filter has waited already: at this rate of
/// changes more bars of patience bring no better labels.
#[derive(Debug, Clone)]
pub(super) struct Hysteresis {
    pub(super) label: usize,
    /// Bars since the label began, 0 on its first bar.
    pub(super) age: u64,
    began_by_default: bool,
}

impl Hysteresis {
    pub(super) fn new() -> Self {
        Self { label: SIDEWAYS, age: 0, began_by_default: true }
    }

    /// Lets a bar without a reading pass.
    pub(super) fn wait(&mut self) {
        self.age += 1;
    }

    /// Takes the probabilities after a bar; the spell that it ended, if any. The first spell began because a label
    /// was needed, not because one was seen: it is not told.
    pub(super) fn step(&mut self, probabilities: &Probabilities) -> Option<Spell> {
        self.age += 1;
        let successor = probabilities.iter().position(|p| *p >= SWITCH_AT).filter(|k| *k != self.label)?;
        let spell = Spell { label: self.label, length: self.age };
        let is_evidence = !self.began_by_default;
        *self = Self { label: successor, age: 0, began_by_default: false };
        is_evidence.then_some(spell)
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        writer.count(self.label as u64);
        writer.count(self.age);
        writer.flag(self.began_by_default);
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self> {
        Ok(Self { label: saved::at_most(reader, 3)?, age: reader.count()?, began_by_default: reader.flag()? })
    }
}

#[cfg(test)]
mod tests {
    use super::super::rules::{BEAR, BULL};
    use super::*;

    const SURE_BULL: Probabilities = [0.7, 0.1, 0.1, 0.1];
    const SURE_BEAR: Probabilities = [0.1, 0.7, 0.1, 0.1];

    #[test]
    fn a_regime_likelier_than_all_others_together_takes_over_at_once() {
        let mut hysteresis = Hysteresis::new();
        hysteresis.step(&SURE_BULL);
        assert_eq!((hysteresis.label, hysteresis.age), (BULL, 0));
        for weak in [[0.25; 4], [0.1, 0.59, 0.2, 0.11], SURE_BULL] {
            assert_eq!(hysteresis.step(&weak), None);
        }
        assert_eq!((hysteresis.label, hysteresis.age), (BULL, 3));
        hysteresis.step(&[0.2, 0.6, 0.15, 0.05]);
        assert_eq!((hysteresis.label, hysteresis.age), (BEAR, 0));
    }

    #[test]
    fn the_first_spell_is_not_evidence() {
        let mut hysteresis = Hysteresis::new();
        hysteresis.wait();
        assert_eq!(hysteresis.step(&SURE_BULL), None);
        hysteresis.wait();
        assert_eq!(hysteresis.step(&SURE_BEAR), Some(Spell { label: BULL, length: 2 }));
    }
}
