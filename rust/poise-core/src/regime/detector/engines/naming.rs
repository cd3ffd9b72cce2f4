//! Names for states that come without, and the states of one fit found again in the next.

use super::super::rules::{BEAR, BULL, HIGH_VOLATILITY, SIDEWAYS, TREND_WIDTH, VOLATILITY_WIDTH};
use super::history::N_FEATURES;

/// The most volatile state is named so from this volatility score on: `ln 1.3`.
pub(super) fn is_volatile(volatility_score: f64) -> bool {
    volatility_score >= volatile_from()
}

fn volatile_from() -> f64 {
    1.3_f64.ln()
}

/// Names of states from their typical volatility and trend scores: the most volatile one, if it is volatile; of the
/// others the one with the highest trend is bull, with the lowest bear, any between sideways.
pub(super) fn names(typical: &[[f64; N_FEATURES]]) -> Vec<usize> {
    let n = typical.len();
    let mut names = vec![SIDEWAYS; n];
    let wildest = (0..n).fold(0, |most, k| if typical[k][0] > typical[most][0] { k } else { most });
    let has_volatile = typical.get(wildest).is_some_and(|state| is_volatile(state[0]));
    if has_volatile {
        names[wildest] = HIGH_VOLATILITY;
    }
    let mut by_trend: Vec<usize> = (0..n).filter(|k| !(has_volatile && *k == wildest)).collect();
    by_trend.sort_by(|a, b| typical[*a][1].total_cmp(&typical[*b][1]));
    if let [lowest, .., highest] = by_trend[..] {
        (names[lowest], names[highest]) = (BEAR, BULL);
    }
    names
}

/// Whether the names that the states had in an earlier fit are those of [`names`], give or take the width of a
/// threshold: then they stay, so that a name does not change hands for a hair.
pub(super) fn still_right(before: &[Option<usize>], typical: &[[f64; N_FEATURES]]) -> bool {
    let states: Vec<_> = before.iter().zip(typical).filter_map(|(name, at)| Some(((*name)?, *at))).collect();
    let by_name = |name: usize| states.iter().filter(move |state| state.0 == name).map(|state| state.1);
    let highest = typical.iter().fold(f64::NEG_INFINITY, |most: f64, state| most.max(state[0]));
    let volatile_is_right = match by_name(HIGH_VOLATILITY).next() {
        Some(state) => state[0] >= highest.max(volatile_from()) - VOLATILITY_WIDTH,
        None => highest < volatile_from() + VOLATILITY_WIDTH,
    };
    let others = || states.iter().filter(|state| state.0 != HIGH_VOLATILITY);
    let trends = || others().map(|state| state.1[1]);
    let trend_is_right = if others().count() < 2 {
        others().all(|state| state.0 == SIDEWAYS)
    } else {
        let top = trends().fold(f64::NEG_INFINITY, f64::max) - TREND_WIDTH;
        let bottom = trends().fold(f64::INFINITY, f64::min) + TREND_WIDTH;
        by_name(BULL).count() == 1
            && by_name(BEAR).count() == 1
            && by_name(BULL).all(|state| state[1] >= top)
            && by_name(BEAR).all(|state| state[1] <= bottom)
    };
    let is_known = states.len() == typical.len() && by_name(HIGH_VOLATILITY).count() <= 1;
    is_known && volatile_is_right && trend_is_right
}

/// Room for states: each has a place, or none has it.
pub(super) type Slots<const K: usize> = [Option<[f64; N_FEATURES]>; K];

/// For every old slot the new one that takes its place: the assignment with the least sum of squared distances, by
/// trying all, the first among equals. Beside an empty slot there is no distance.
pub(super) fn matched<const K: usize>(old: &Slots<K>, new: &Slots<K>) -> [usize; K] {
    let mut best = (f64::INFINITY, std::array::from_fn(|k| k));
    let mut order = std::array::from_fn(|k| k);
    permute(&mut order, 0, &mut |order| {
        let apart: f64 = (0..K).map(|k| squared_distance(&old[k], &new[order[k]])).sum();
        if apart < best.0 {
            best = (apart, *order);
        }
    });
    best.1
}

fn permute<const K: usize>(order: &mut [usize; K], first: usize, each: &mut impl FnMut(&[usize; K])) {
    if first == K {
        return each(order);
    }
    for other in first..K {
        order.swap(first, other);
        permute(order, first + 1, each);
        order.swap(first, other);
    }
}

fn squared_distance(a: &Option<[f64; N_FEATURES]>, b: &Option<[f64; N_FEATURES]>) -> f64 {
    match (a, b) {
        (Some(a), Some(b)) => a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum(),
        _ => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_named_by_volatility_and_then_by_trend() {
        let typical = [[0.0, -1.5], [0.9, -2.0], [0.1, 0.1], [0.2, 2.0]];
        assert_eq!(names(&typical), [BEAR, HIGH_VOLATILITY, SIDEWAYS, BULL]);
        let calm = [[0.0, -1.5], [0.2, -2.0], [0.1, 0.1], [0.2, 2.0]];
        assert_eq!(names(&calm), [SIDEWAYS, BEAR, SIDEWAYS, BULL]);
        assert_eq!(names(&[[0.0, 1.0], [1.0, 0.0]]), [SIDEWAYS, HIGH_VOLATILITY]);
        assert_eq!((names(&[]), names(&[[0.1, 3.0]])), (vec![], vec![SIDEWAYS]));
    }

    #[test]
    fn names_stay_unless_they_are_clearly_wrong() {
        let typical = [[0.0, -1.5], [0.9, -2.0], [0.1, 0.1], [0.2, 0.3]];
        let named = |names: [usize; 4]| names.map(Some);
        assert!(still_right(&named(names(&typical).try_into().unwrap()), &typical));
        // The last two are as good as equal: either may be the bull.
        assert!(still_right(&named([BEAR, HIGH_VOLATILITY, BULL, SIDEWAYS]), &typical));
        assert!(!still_right(&named([BULL, HIGH_VOLATILITY, BEAR, SIDEWAYS]), &typical));
        assert!(!still_right(&named([BEAR, SIDEWAYS, BULL, SIDEWAYS]), &typical));
        assert!(!still_right(&named([BEAR, HIGH_VOLATILITY, BULL, BULL]), &typical));
        assert!(!still_right(&[Some(BEAR), Some(HIGH_VOLATILITY), None, Some(BULL)], &typical));
        assert!(!still_right(&named([HIGH_VOLATILITY, BEAR, SIDEWAYS, BULL]), &typical));
        assert!(still_right(&[Some(SIDEWAYS)], &[[0.1, 3.0]]) && !still_right(&[Some(BULL)], &[[0.1, 3.0]]));
    }

    #[test]
    fn a_shuffled_fit_is_put_back_into_order() {
        let old = [[0.0, -1.5], [0.9, -2.0], [0.1, 0.1], [0.2, 2.0]].map(Some);
        let shuffled = [old[2], old[0], old[3], old[1]].map(|place| place.map(|[a, z]| [a + 0.05, z - 0.1]));
        assert_eq!(matched(&old, &shuffled), [1, 3, 0, 2]);
        assert_eq!(matched(&old, &old), [0, 1, 2, 3]);
        // The empty slot stands where nobody is missed.
        assert_eq!(matched(&old, &[None, old[3], old[0], old[2]]), [2, 0, 3, 1]);
    }
}
