//! How long regimes last: prior durations, shrunk towards the spells seen.
//!
//! The hazard at an age is the share of the spells at risk that ended there, with a beta prior of five spells around
//! `1/d`. It is constant between the ages at which spells ended, so what follows from it is summed stretch by stretch:
//! the memory and the work grow with the number of different lengths, not with the lengths.

use super::rules::Probabilities;
use crate::Result;
use crate::snapshot::{Reader, Writer, refused};

/// Bars that a bull, bear, sideways and volatile spell lasts before anything was seen.
pub const PRIOR_DURATIONS: Probabilities = [60.0, 60.0, 45.0, 20.0];

const PRIOR_SPELLS: f64 = 5.0;

/// Different lengths for which there is room at the start.
const ROOM: usize = 64;

/// Spells that ended at one age.
#[derive(Debug, Clone, Copy)]
struct Ends {
    /// The age of their last bar.
    age: u64,
    number: u64,
    /// Bars to expect from a spell that reached this age.
    remaining: f64,
}

/// The completed spells of one regime and what follows from them.
#[derive(Debug, Clone)]
struct Spells {
    prior: f64,
    /// Ascending by age.
    ends: Vec<Ends>,
    duration: f64,
}

impl Spells {
    fn new(prior: f64) -> Self {
        Self { prior, ends: Vec::with_capacity(ROOM), duration: prior }
    }

    fn record(&mut self, length: u64) {
        let age = length.saturating_sub(1);
        let place = self.ends.partition_point(|ends| ends.age < age);
        match self.ends.get_mut(place) {
            Some(ends) if ends.age == age => ends.number += 1,
            _ => self.ends.insert(place, Ends { age, number: 1, remaining: 0.0 }),
        }
        self.learn();
    }

    /// Duration from the spells, and `E(a) = 1 + (1 - h(a)) E(a + 1)` backwards from the geometric tail `E = d`.
    fn learn(&mut self) {
        let number: f64 = self.ends.iter().map(|ends| ends.number as f64).sum();
        let bars: f64 = self.ends.iter().map(|ends| ends.number as f64 * (ends.age + 1) as f64).sum();
        self.duration = (PRIOR_SPELLS * self.prior + bars) / (PRIOR_SPELLS + number);
        let mut at_risk = 0.0;
        let mut after = self.duration;
        for place in (0..self.ends.len()).rev() {
            at_risk += self.ends[place].number as f64;
            let ending = self.hazard(at_risk, self.ends[place].number as f64);
            let remaining = 1.0 + (1.0 - ending) * after;
            self.ends[place].remaining = remaining;
            let previous = if place == 0 { 0 } else { self.ends[place - 1].age + 1 };
            after = waiting(self.hazard(at_risk, 0.0), self.ends[place].age - previous, remaining);
        }
    }

    /// `ended` of `at_risk` spells, with the prior.
    fn hazard(&self, at_risk: f64, ended: f64) -> f64 {
        (PRIOR_SPELLS / self.duration + ended) / (PRIOR_SPELLS + at_risk)
    }

    /// Ages from `age` on at which spells ended, each with the number at risk there.
    fn ahead(&self, age: u64) -> impl Iterator<Item = (&Ends, f64)> {
        let ahead = &self.ends[self.ends.partition_point(|ends| ends.age < age)..];
        let at_risk: f64 = ahead.iter().map(|ends| ends.number as f64).sum();
        ahead.iter().scan(at_risk, |left, ends| {
            let here = *left;
            *left -= ends.number as f64;
            Some((ends, here))
        })
    }

    fn expected_remaining(&self, age: u64) -> f64 {
        match self.ahead(age).next() {
            Some((ends, at_risk)) => waiting(self.hazard(at_risk, 0.0), ends.age - age, ends.remaining),
            None => self.duration,
        }
    }

    fn survival(&self, age: u64, horizon: u64) -> f64 {
        let (mut age, mut left, mut alive) = (age, horizon, 1.0);
        for (ends, at_risk) in self.ahead(age) {
            let quiet = left.min(ends.age - age);
            alive *= (1.0 - self.hazard(at_risk, 0.0)).powf(quiet as f64);
            left -= quiet;
            if left == 0 {
                return alive;
            }
            alive *= 1.0 - self.hazard(at_risk, ends.number as f64);
            left -= 1;
            age = ends.age + 1;
        }
        alive * (1.0 - 1.0 / self.duration).powf(left as f64)
    }

    /// The least number of bars within which a spell of this age ends with probability one half.
    fn median_remaining(&self, age: u64) -> u64 {
        let mut many = 1;
        while self.survival(age, many) > 0.5 && many < crate::snapshot::MOST_COUNTED {
            many *= 2;
        }
        let mut few = many / 2;
        while many - few > 1 {
            let middle = few + (many - few) / 2;
            if self.survival(age, middle) > 0.5 { few = middle } else { many = middle }
        }
        many
    }
}

/// `E(a)` where `n` bars of constant hazard `h` come before `after`: `(1 - (1 - h)^n) / h + (1 - h)^n after`.
fn waiting(hazard: f64, n: u64, after: f64) -> f64 {
    if n == 0 {
        return after;
    }
    let exponent = n as f64 * (-hazard).ln_1p();
    -exponent.exp_m1() / hazard + exponent.exp() * after
}

/// The spells of all regimes.
#[derive(Debug, Clone)]
pub(super) struct Durations {
    spells: [Spells; 4],
}

impl Durations {
    pub(super) fn new() -> Self {
        Self { spells: PRIOR_DURATIONS.map(Spells::new) }
    }

    /// Learns that a spell of `label` lasted `length` bars.
    pub(super) fn record(&mut self, label: usize, length: u64) {
        self.spells[label].record(length);
    }

    pub(super) fn durations(&self) -> Probabilities {
        std::array::from_fn(|k| self.spells[k].duration)
    }

    pub(super) fn expected_remaining(&self, label: usize, age: u64) -> f64 {
        self.spells[label].expected_remaining(age)
    }

    /// The probability that a spell of this age outlasts `horizon` more bars.
    pub(super) fn survival(&self, label: usize, age: u64, horizon: u64) -> f64 {
        self.spells[label].survival(age, horizon)
    }

    pub(super) fn median_remaining(&self, label: usize, age: u64) -> u64 {
        self.spells[label].median_remaining(age)
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        for spells in &self.spells {
            writer.count(spells.ends.len() as u64);
            for ends in &spells.ends {
                writer.count(ends.age);
                writer.count(ends.number);
            }
        }
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self> {
        let mut durations = Self::new();
        for spells in &mut durations.spells {
            for _ in 0..reader.count()? {
                let (age, number) = (reader.count()?, reader.count()?);
                if spells.ends.last().is_some_and(|last| last.age >= age) {
                    return Err(refused(format!("a spell of {age} bars is out of order")));
                }
                spells.ends.push(Ends { age, number, remaining: 0.0 });
            }
            spells.learn();
        }
        Ok(durations)
    }
}

#[cfg(test)]
mod tests {
    use super::super::rules::{BEAR, BULL};
    use super::*;

    #[test]
    fn without_spells_the_hazard_is_constant() {
        // Hamilton's identity: a stay probability of 1 - 1/d means d more bars at any age.
        let durations = Durations::new();
        for (regime, d) in PRIOR_DURATIONS.into_iter().enumerate() {
            for age in [0, 7, 500] {
                assert_eq!(durations.expected_remaining(regime, age), d);
                let stays = 1.0 - 1.0 / d;
                assert!((durations.survival(regime, age, 10) / stays.powi(10) - 1.0).abs() < 1e-14);
                let median = (0.5_f64.ln() / stays.ln()).ceil() as u64;
                assert_eq!(durations.median_remaining(regime, age), median);
            }
        }
    }

    #[test]
    fn stretches_add_up_to_what_the_recursion_by_age_gives() {
        let mut durations = Durations::new();
        for length in [4, 9, 9, 30, 31, 1, 1, 200] {
            durations.record(BULL, length);
        }
        let spells = &durations.spells[BULL];
        let hazard = |age: u64| {
            let at_risk: u64 =
                spells.ends.iter().filter(|ends| ends.age >= age).map(|ends| ends.number).sum();
            let ended = spells.ends.iter().find(|ends| ends.age == age).map_or(0, |ends| ends.number);
            spells.hazard(at_risk as f64, ended as f64)
        };
        let mut expected = spells.duration;
        for age in (0..200).rev() {
            expected = 1.0 + (1.0 - hazard(age)) * expected;
            assert!((durations.expected_remaining(BULL, age) / expected - 1.0).abs() < 1e-13, "{age}");
            let alive: f64 = (age..age + 77).map(|a| 1.0 - hazard(a)).product();
            assert!((durations.survival(BULL, age, 77) / alive - 1.0).abs() < 1e-13, "{age}");
            let median = durations.median_remaining(BULL, age);
            assert!(durations.survival(BULL, age, median) <= 0.5);
            assert!(durations.survival(BULL, age, median - 1) > 0.5);
        }
    }

    #[test]
    fn durations_are_shrunk() {
        let mut durations = Durations::new();
        for length in [10, 20] {
            durations.record(BEAR, length);
        }
        assert!((durations.durations()[BEAR] - (5.0 * 60.0 + 30.0) / 7.0).abs() < 1e-13);
        assert_eq!(durations.durations()[BULL], PRIOR_DURATIONS[BULL]);
    }
}
