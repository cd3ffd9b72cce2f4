//! The densities of every row under every state: their logarithms, and themselves relative to the row's largest.
//!
//! Taking out the largest first keeps the exponentials in range; a factor common to all states of a row changes
//! no probability, only the likelihood, where it is put back.

use poise_simd::{Kernel, Simd, dispatch};

use super::columns::padded;

/// Arrays of shape `(n_states, pitch)`, time along the second axis, padded as the columns are.
#[derive(Debug, Clone, Default)]
pub(super) struct Densities {
    n_rows: usize,
    pitch: usize,
    logs: Vec<f64>,
    /// `exp(log - largest)`; NaN where no state has a density above zero.
    relative: Vec<f64>,
    /// Of the logarithms of a row.
    largest: Vec<f64>,
}

impl Densities {
    /// Makes room; what is in there stays until it is written over.
    pub(super) fn resize(&mut self, n_states: usize, n_rows: usize) {
        self.n_rows = n_rows;
        self.pitch = padded(n_rows);
        self.logs.resize(n_states * self.pitch, 0.0);
        self.relative.resize(n_states * self.pitch, 0.0);
        self.largest.resize(self.pitch, 0.0);
    }

    pub(super) fn n_rows(&self) -> usize {
        self.n_rows
    }

    /// Rows with the padding.
    pub(super) fn pitch(&self) -> usize {
        self.pitch
    }

    pub(super) fn logs(&self) -> &[f64] {
        &self.logs
    }

    /// To be filled; [`Self::weigh`] then does the rest.
    pub(super) fn logs_mut(&mut self) -> &mut [f64] {
        &mut self.logs
    }

    pub(super) fn relative(&self) -> &[f64] {
        &self.relative
    }

    pub(super) fn largest(&self) -> &[f64] {
        &self.largest
    }

    /// Log densities of one row.
    pub(super) fn row(&self, row: usize) -> impl Iterator<Item = f64> {
        self.logs.chunks_exact(self.pitch).map(move |state| state[row])
    }

    /// Computes `largest` and `relative` from the logarithms.
    pub(super) fn weigh(&mut self) {
        dispatch(Weigh { logs: &self.logs, relative: &mut self.relative, largest: &mut self.largest });
    }
}

struct Weigh<'a> {
    logs: &'a [f64],
    relative: &'a mut [f64],
    largest: &'a mut [f64],
}

impl Kernel for Weigh<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let (largest, _) = simd.blocks_mut(self.largest);
        let (logs, relative) = (simd.blocks(self.logs).0, simd.blocks_mut(self.relative).0);
        let n_blocks = largest.len();
        for (block, largest) in largest.iter_mut().enumerate() {
            let of_states = logs[block..].iter().step_by(n_blocks);
            let lowest = simd.splat(f64::NEG_INFINITY);
            let most = of_states.clone().fold(lowest, |most, log| simd.max(simd.load(log), most));
            simd.store(largest, most);
            for (log, relative) in of_states.zip(relative[block..].iter_mut().step_by(n_blocks)) {
                simd.store(relative, simd.exp(simd.sub(simd.load(log), most)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Densities {
        /// From log densities `(n_rows, n_states)`.
        pub(in crate::regime) fn of_rows(n_states: usize, rows: &[f64]) -> Self {
            let mut densities = Self::default();
            densities.resize(n_states, rows.len() / n_states);
            for (t, row) in rows.chunks_exact(n_states).enumerate() {
                for (state, log) in row.iter().enumerate() {
                    densities.logs[state * densities.pitch + t] = *log;
                }
            }
            densities.weigh();
            densities
        }
    }

    #[test]
    fn the_largest_of_a_row_has_weight_one() {
        let rows: Vec<f64> = (0..11).flat_map(|t| [-1.0 - t as f64, -3.0, -800.0]).collect();
        let densities = Densities::of_rows(3, &rows);
        for t in 0..11 {
            let row: Vec<f64> = densities.row(t).collect();
            assert_eq!(row, rows[3 * t..3 * t + 3]);
            assert_eq!(densities.largest()[t], row[0].max(row[1]));
            let found = [0, 1, 2].map(|k| densities.relative()[k * densities.pitch() + t]);
            for (found, log) in found.iter().zip(&row) {
                let expected = (log - densities.largest()[t]).exp();
                assert!((found - expected).abs() <= 1e-15 * expected + 1e-300, "{t}: {found} {expected}");
            }
            assert!(found.contains(&1.0));
        }
    }

    #[test]
    fn a_row_out_of_reach_has_no_weights() {
        let none = Densities::of_rows(2, &[f64::NEG_INFINITY, f64::NEG_INFINITY, 0.0, f64::NEG_INFINITY]);
        assert!(none.relative()[0].is_nan());
        assert_eq!((none.relative()[1], none.relative()[none.pitch() + 1]), (1.0, 0.0));
    }
}
