//! Names for states that come without, and the states of one fit found again in the next.

use super::super::rules::{BEAR, BULL, HIGH_VOLATILITY, SIDEWAYS};
use super::history::N_FEATURES;

/// The most volatile state is named so from this volatility score on: `ln 1.3`.
pub(super) fn is_volatile(volatility_score: f64) -> bool {
    volatility_score >= 1.3_f64.ln()
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
    fn a_shuffled_fit_is_put_back_into_order() {
        let old = [[0.0, -1.5], [0.9, -2.0], [0.1, 0.1], [0.2, 2.0]].map(Some);
        let shuffled = [old[2], old[0], old[3], old[1]].map(|place| place.map(|[a, z]| [a + 0.05, z - 0.1]));
        assert_eq!(matched(&old, &shuffled), [1, 3, 0, 2]);
        assert_eq!(matched(&old, &old), [0, 1, 2, 3]);
        // The empty slot stands where nobody is missed.
        assert_eq!(matched(&old, &[None, old[3], old[0], old[2]]), [2, 0, 3, 1]);
    }
}
