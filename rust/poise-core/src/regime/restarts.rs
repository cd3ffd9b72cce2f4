//! Independent pieces of work on the machine's threads; the answer does not depend on their number.

use std::num::NonZero;
use std::panic::resume_unwind;
use std::thread;

/// `work(0), work(1), ...` in that order, computed side by side.
pub(super) fn in_parallel<T: Send>(n: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let threads = thread::available_parallelism().map_or(1, NonZero::get).min(n);
    if threads <= 1 {
        return (0..n).map(work).collect();
    }
    let share = |first: usize| -> Vec<T> { (first..n).step_by(threads).map(&work).collect() };
    let shares: Vec<Vec<T>> = thread::scope(|scope| {
        let share = &share;
        let others: Vec<_> = (1..threads)
            .map(|first| (first, thread::Builder::new().spawn_scoped(scope, move || share(first))))
            .collect();
        let mut shares = vec![share(0)];
        for (first, handle) in others {
            shares.push(match handle {
                Ok(handle) => handle.join().unwrap_or_else(|panic| resume_unwind(panic)),
                // A machine out of threads still computes.
                Err(_) => share(first),
            });
        }
        shares
    });
    let mut iterators: Vec<_> = shares.into_iter().map(Vec::into_iter).collect();
    (0..n).filter_map(|index| iterators[index % threads].next()).collect()
}

/// The position of the largest value, the first among equals.
pub(super) fn best(values: &[f64]) -> usize {
    let mut best = 0;
    for (index, value) in values.iter().enumerate() {
        if *value > values[best] {
            best = index;
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_order() {
        for n in [0, 1, 2, 7, 40] {
            assert_eq!(in_parallel(n, |index| index * index), (0..n).map(|i| i * i).collect::<Vec<_>>());
        }
    }

    #[test]
    fn the_first_among_equals_is_best() {
        assert_eq!(best(&[1.0, 3.0, 3.0, 2.0]), 1);
    }
}
