//! How often the label turned out right, given how sure the filter was.

use std::cmp::Ordering;

use super::isotonic::IsotonicMap;
use super::judge::Call;
use super::ordered::{OrderedWindow, Ranked};
use super::saved;
use super::scores::Scores;
use crate::Result;
use crate::snapshot::{Reader, Writer};

/// Index observations before the first fit, of the map as of the engines.
pub(super) const FIRST_FIT: u64 = 500;

/// Index observations from fit to fit.
pub(super) const REFIT_EVERY: u64 = 90;

const MAX_PAIRS: usize = 2520;
const GROUP: usize = 25;

/// The groups of a full window, and one more for what a smaller one leaves.
const MOST_BLOCKS: usize = MAX_PAIRS / GROUP + 1;

/// A label's probability and whether the label was right.
#[derive(Debug, Clone, Copy)]
struct Outcome {
    probability: f64,
    right: bool,
}

impl Ranked for Outcome {
    fn rank(&self, other: &Self) -> Ordering {
        self.probability.total_cmp(&other.probability).then(self.right.cmp(&other.right))
    }
}

/// Walk-forward map from the filter's probability to the chance that the label is right.
///
/// The map is fitted at observation 500 and every 90 after that, on the last 2520 calls that could be judged,
/// neighbours averaged by 25 so that no confidence rests on fewer; before, it is a straight line through
/// (0.25, 0.25) with slope three quarters.
#[derive(Debug, Clone)]
pub(super) struct Calibration {
    outcomes: OrderedWindow<Outcome>,
    map: IsotonicMap,
    scores: Scores,
}

/// Whether maps and engines are fitted at this observation.
pub(super) fn is_due(n_observations: u64) -> bool {
    n_observations >= FIRST_FIT && (n_observations - FIRST_FIT).is_multiple_of(REFIT_EVERY)
}

impl Calibration {
    pub(super) fn new() -> Self {
        Self {
            outcomes: OrderedWindow::new(MAX_PAIRS),
            map: IsotonicMap::with_capacity(MOST_BLOCKS),
            scores: Scores::default(),
        }
    }

    pub(super) fn scores(&self) -> &Scores {
        &self.scores
    }

    /// The chance that a label held with this probability is right.
    pub(super) fn confidence(&self, probability: f64) -> f64 {
        if self.map.is_empty() {
            return 0.25 + 0.75 * (probability - 0.25);
        }
        self.map.at(probability).clamp(0.0, 1.0)
    }

    /// Takes a call and the label that was right.
    pub(super) fn learn(&mut self, call: &Call, truth: usize) {
        let probability = call.probabilities.iter().fold(0.0, |most: f64, p| most.max(*p));
        self.outcomes.push(Outcome { probability, right: call.label == truth });
        self.scores.add(call, truth);
    }

    pub(super) fn fit(&mut self) {
        self.map.clear();
        let mut rest = self.outcomes.sorted();
        let mut waiting: Option<(f64, f64, f64)> = None;
        while !rest.is_empty() {
            // The last group takes what is left.
            let size = if rest.len() < 2 * GROUP { rest.len() } else { GROUP };
            let (group, others) = rest.split_at(size);
            rest = others;
            let (x, hits, number) = summed(group);
            // Groups of one probability are one point.
            waiting = match waiting {
                Some((before, sum, n)) if before == x => Some((x, sum + hits, n + number)),
                Some((before, sum, n)) => {
                    self.map.add(before, sum, n);
                    Some((x, hits, number))
                }
                None => Some((x, hits, number)),
            };
        }
        if let Some((x, hits, number)) = waiting {
            self.map.add(x, hits, number);
        }
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        writer.count(self.outcomes.len() as u64);
        for outcome in self.outcomes.oldest_first() {
            writer.reals(&[outcome.probability]);
            writer.flag(outcome.right);
        }
        self.map.write(writer);
        self.scores.write(writer);
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self> {
        let mut calibration = Self::new();
        for _ in 0..saved::at_most(reader, MAX_PAIRS)? {
            let probability = saved::probability(reader)?;
            calibration.outcomes.push(Outcome { probability, right: reader.flag()? });
        }
        calibration.map = IsotonicMap::read(reader, MOST_BLOCKS)?;
        calibration.scores = Scores::read(reader)?;
        Ok(calibration)
    }
}

/// Mean probability, number of right labels, size. A mean of equals is exactly that.
fn summed(group: &[Outcome]) -> (f64, f64, f64) {
    let number = group.len() as f64;
    let lowest = group.first().map_or(f64::NAN, |outcome| outcome.probability);
    let above: f64 = group.iter().map(|outcome| outcome.probability - lowest).sum();
    let hits = group.iter().filter(|outcome| outcome.right).count();
    (lowest + above / number, hits as f64, number)
}

#[cfg(test)]
mod tests {
    use super::super::rules::{BULL, SIDEWAYS, Thresholds};
    use super::*;
    use crate::regime::rng::Stream;

    fn call(probability: f64, label: usize) -> Call {
        let rest = (1.0 - probability) / 3.0;
        Call {
            probabilities: [probability, rest, rest, rest],
            confidence: probability,
            label,
            normal_volatility: 0.01,
            thresholds: Thresholds { volatility: 0.4, trend: 0.8 },
            vote: None,
        }
    }

    #[test]
    fn confidence_recovers_the_frequency_of_being_right() {
        let mut stream = Stream::new(9, 0);
        let mut calibration = Calibration::new();
        assert!((calibration.confidence(0.65) - 0.55).abs() < 1e-15);
        for _ in 0..3000 {
            let probability = 0.3 + 0.6 * stream.uniform();
            let label = if stream.uniform() < probability { BULL } else { SIDEWAYS };
            calibration.learn(&call(probability, label), BULL);
        }
        calibration.fit();
        for probability in [0.4, 0.5, 0.6, 0.7, 0.8] {
            assert!((calibration.confidence(probability) - probability).abs() < 0.08);
        }
        assert!(calibration.confidence(0.0) >= 0.0 && calibration.confidence(1.0) <= 1.0);
    }

    #[test]
    fn one_probability_is_one_point_however_the_groups_fall() {
        let mut calibration = Calibration::new();
        for i in 0..83 {
            calibration.learn(&call(0.7, if i % 3 == 0 { BULL } else { SIDEWAYS }), BULL);
        }
        calibration.fit();
        assert_eq!(calibration.confidence(0.7), 28.0 / 83.0);
        assert_eq!(calibration.confidence(0.9), 28.0 / 83.0);
    }
}
