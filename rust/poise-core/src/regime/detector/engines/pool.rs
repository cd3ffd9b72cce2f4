//! Votes, their walk-forward scores, and whom the pool listens to.

use super::super::rules::{Probabilities, normalised};
use super::super::saved;
use super::super::scores::log_score;
use super::N_PENALTIES;
use crate::Result;
use crate::snapshot::{Reader, Writer, refused};

/// The share of the rules in a pool; the others share the rest evenly.
const RULES: f64 = 0.6;

/// Judged votes before scores are trusted: those of one period between fits.
const MIN_VOTES: u64 = 90;

/// A gain per vote that is more than rounding.
const WORTHWHILE: f64 = 1e-6;

/// What everybody said at a bar.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in super::super) struct Vote {
    pub(super) rules: Probabilities,
    pub(super) hidden: Option<Probabilities>,
    pub(super) jumps: Option<[Probabilities; N_PENALTIES]>,
    /// Which of the jump models was in use.
    pub(super) penalty: usize,
}

impl Vote {
    /// The geometric mean with these weights of rules, hidden Markov and jump model; who did not vote is left out.
    pub(super) fn pooled(&self, weights: &[f64; 3]) -> Probabilities {
        let jump = self.jumps.map(|jumps| jumps[self.penalty]);
        let voters = [Some(self.rules), self.hidden, jump];
        let given = weights
            .iter()
            .zip(voters)
            .filter_map(|(weight, p)| p.filter(|_| *weight > 0.0).map(|p| (*weight, p)));
        let mut only = given.clone();
        // One voter's word is taken to the bit.
        if let (Some((_, alone)), None) = (only.next(), only.next()) {
            return alone;
        }
        normalised(
            given.fold([1.0; 4], |product, (weight, p)| {
                std::array::from_fn(|k| product[k] * p[k].powf(weight))
            }),
        )
    }

    pub(in super::super) fn write(&self, writer: &mut Writer) {
        writer.reals(&self.rules);
        writer.flag(self.hidden.is_some());
        self.hidden.iter().for_each(|p| writer.reals(p));
        writer.flag(self.jumps.is_some());
        self.jumps.iter().flatten().for_each(|p| writer.reals(p));
        writer.count(self.penalty as u64);
    }

    pub(in super::super) fn read(reader: &mut Reader<'_>) -> Result<Self> {
        let rules = saved::distribution(reader)?;
        let hidden = if reader.flag()? { Some(saved::distribution(reader)?) } else { None };
        let jumps = if reader.flag()? {
            let mut jumps = [[0.0; 4]; N_PENALTIES];
            for p in &mut jumps {
                *p = saved::distribution(reader)?;
            }
            Some(jumps)
        } else {
            None
        };
        Ok(Self { rules, hidden, jumps, penalty: saved::at_most(reader, N_PENALTIES - 1)? })
    }
}

/// By how much somebody's log score was better than that of the rules.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Gain {
    votes: u64,
    sum: f64,
}

impl Gain {
    fn add(&mut self, gain: f64) {
        self.votes += 1;
        self.sum += gain;
    }

    /// None while there are too few.
    fn mean(&self) -> Option<f64> {
        (self.votes >= MIN_VOTES).then(|| self.sum / self.votes as f64)
    }

    fn write(&self, writer: &mut Writer) {
        writer.count(self.votes);
        writer.reals(&[self.sum]);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        let gain = Self { votes: reader.count()?, sum: reader.real()? };
        saved::all_finite("the gain of an engine", &[gain.sum])?;
        Ok(gain)
    }
}

/// Whom a pool listens to beside the rules.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Listening {
    hidden: bool,
    jump: bool,
}

impl Listening {
    const SOMEBODY: [Self; 3] = [
        Self { hidden: true, jump: false },
        Self { hidden: false, jump: true },
        Self { hidden: true, jump: true },
    ];

    pub(super) fn weights(self) -> [f64; 3] {
        match (self.hidden, self.jump) {
            (false, false) => [1.0, 0.0, 0.0],
            (true, false) => [RULES, 1.0 - RULES, 0.0],
            (false, true) => [RULES, 0.0, 1.0 - RULES],
            (true, true) => [RULES, 0.5 * (1.0 - RULES), 0.5 * (1.0 - RULES)],
        }
    }

    pub(super) fn write(self, writer: &mut Writer) {
        writer.flag(self.hidden);
        writer.flag(self.jump);
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self> {
        Ok(Self { hidden: reader.flag()?, jump: reader.flag()? })
    }
}

/// The walk-forward scores of all votes judged so far.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Track {
    penalties: [Gain; N_PENALTIES],
    pools: [Gain; Listening::SOMEBODY.len()],
}

impl Track {
    pub(super) fn add(&mut self, vote: &Vote, truth: usize) {
        let rules = log_score(&vote.rules, truth);
        for (gain, p) in self.penalties.iter_mut().zip(vote.jumps.iter().flatten()) {
            gain.add(rules - log_score(p, truth));
        }
        for (gain, listening) in self.pools.iter_mut().zip(Listening::SOMEBODY) {
            let all_voted =
                (vote.hidden.is_some() || !listening.hidden) && (vote.jumps.is_some() || !listening.jump);
            if all_voted {
                gain.add(rules - log_score(&vote.pooled(&listening.weights()), truth));
            }
        }
    }

    /// The penalty whose jump model scored best, the first among equals.
    pub(super) fn best_penalty(&self) -> Option<usize> {
        best(&self.penalties).map(|(place, _)| place)
    }

    /// The pool that scored best, if better than the rules alone.
    pub(super) fn listening(&self) -> Listening {
        match best(&self.pools) {
            Some((place, gain)) if gain > WORTHWHILE => Listening::SOMEBODY[place],
            _ => Listening::default(),
        }
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        self.penalties.iter().chain(&self.pools).for_each(|gain| gain.write(writer));
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self> {
        let mut track = Self::default();
        for gain in track.penalties.iter_mut().chain(&mut track.pools) {
            *gain = Gain::read(reader)?;
        }
        if track.penalties.iter().any(|gain| gain.votes != track.penalties[0].votes) {
            return Err(refused("the jump models were judged unequally often".to_owned()));
        }
        Ok(track)
    }
}

fn best(gains: &[Gain]) -> Option<(usize, f64)> {
    let mut best: Option<(usize, f64)> = None;
    for (place, mean) in gains.iter().enumerate().filter_map(|(place, gain)| Some((place, gain.mean()?))) {
        if best.is_none_or(|(_, most)| mean > most) {
            best = Some((place, mean));
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    const SURE: Probabilities = [0.97, 0.01, 0.01, 0.01];
    const EVEN: Probabilities = [0.25; 4];

    fn vote() -> Vote {
        Vote { rules: SURE, hidden: Some(EVEN), jumps: Some([EVEN, SURE, EVEN]), penalty: 1 }
    }

    #[test]
    fn a_pool_is_a_geometric_mean_of_those_who_voted() {
        let vote = vote();
        assert_eq!(vote.pooled(&[1.0, 0.0, 0.0]), SURE);
        let expected = normalised(SURE.map(|p| p.powf(0.6) * 0.25_f64.powf(0.4)));
        let found = vote.pooled(&[0.6, 0.4, 0.0]);
        assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-15));
        assert_eq!(Vote { hidden: None, ..vote }.pooled(&[0.6, 0.4, 0.0]), SURE);
        let both = vote.pooled(&[0.6, 0.2, 0.2]);
        let expected = normalised(SURE.map(|p| p.powf(0.8) * 0.25_f64.powf(0.2)));
        assert!(both.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-15));
    }

    #[test]
    fn the_pool_listens_only_where_that_helped() {
        let mut track = Track::default();
        (0..MIN_VOTES - 1).for_each(|_| track.add(&vote(), 3));
        assert_eq!((track.listening(), track.best_penalty()), (Listening::default(), None));
        track.add(&vote(), 3);
        // The rules were sure and wrong: who is even helps most, the penalty that was as sure does not.
        assert_eq!(track.listening(), Listening { hidden: true, jump: false });
        assert_eq!(track.best_penalty(), Some(0));
        let mut right = Track::default();
        (0..200).for_each(|_| right.add(&vote(), 0));
        assert_eq!(right.listening().weights(), [1.0, 0.0, 0.0]);
        assert_eq!(right.best_penalty(), Some(1));
    }
}
