//! Rows that are not yet part of the moments.
//!
//! A row costs `n_assets` operations to append and twenty times less memory traffic to add once there are many:
//! `C <- past C + d d'` for each of `k` rows is `C <- keep C + sum_k weight_k d_k d_k'`, one pass over `C`.

use super::gram::Gram;
use super::packed;
use crate::sums::dot;

/// Rows that are added together: more gain little and make the row that fills the tail slower still.
const MOST_ROWS: usize = 16;

/// Below so many assets a row is added at once: the moments are in the nearest cache anyway.
const FEWEST_ASSETS: usize = 24;

/// From so many rows on panels are worth filling.
const FEWEST_ROWS: usize = 4;

/// Recent rows with the share that each leaves to the moments before it.
#[derive(Debug, Clone, Default)]
pub(super) struct Tail {
    /// One after another, the oldest first.
    rows: Vec<f64>,
    kept: Vec<f64>,
    gram: Gram,
}

impl Tail {
    pub(super) fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// Whether it is time to add the rows to the moments.
    pub(super) fn is_full(&self, n_assets: usize) -> bool {
        self.kept.len() >= most_rows(n_assets)
    }

    /// Room for the next row, which leaves `past` to what came before it.
    pub(super) fn push(&mut self, past: f64, n_assets: usize) -> &mut [f64] {
        if self.rows.capacity() == 0 {
            self.rows.reserve_exact(most_rows(n_assets) * n_assets);
            self.kept.reserve_exact(most_rows(n_assets));
        }
        self.kept.push(past);
        let start = self.rows.len();
        self.rows.resize(start + n_assets, 0.0);
        &mut self.rows[start..]
    }

    /// The rows with the weight of each, the newest first.
    fn weighted(&self, n_assets: usize) -> impl Iterator<Item = (&[f64], f64)> {
        let mut weight = 1.0;
        self.rows.chunks_exact(n_assets).zip(&self.kept).rev().map(move |(row, past)| {
            let own = weight;
            weight *= past;
            (row, own)
        })
    }

    /// What the rows leave of the moments before them.
    fn keep(&self) -> f64 {
        self.kept.iter().rev().product()
    }

    /// Moves the rows into the moments.
    pub(super) fn fold_into(&mut self, moments: &mut [f64], n_assets: usize) {
        if self.kept.len() < FEWEST_ROWS {
            for (row, &past) in self.rows.chunks_exact(n_assets).zip(&self.kept) {
                packed::decay_and_add(moments, past, row);
            }
        } else {
            let mut scales = [0.0; MOST_ROWS];
            let scales = &mut scales[..self.kept.len()];
            for (scale, (_, weight)) in scales.iter_mut().rev().zip(self.weighted(n_assets)) {
                *scale = weight.sqrt();
            }
            let keep = self.keep();
            self.gram.add(moments, keep, &self.rows, scales);
        }
        self.rows.clear();
        self.kept.clear();
    }

    /// Adds the rows to variances.
    pub(super) fn add_to_variances(&self, variances: &mut [f64]) {
        let keep = self.keep();
        variances.iter_mut().for_each(|variance| *variance *= keep);
        for (row, weight) in self.weighted(variances.len()) {
            for (variance, step) in variances.iter_mut().zip(row) {
                *variance += weight * (step * step);
            }
        }
    }

    /// `w'Cw` after the rows, given what it was before them.
    pub(super) fn add_to_form(&self, form: f64, w: &[f64]) -> f64 {
        let recent = self.weighted(w.len()).map(|(row, weight)| weight * dot(row, w).powi(2));
        self.keep() * form + recent.sum::<f64>()
    }

    /// Its rows and shares, to be saved.
    pub(super) fn parts(&self) -> (&[f64], &[f64]) {
        (&self.rows, &self.kept)
    }

    /// The tail of saved parts; `None` where it could not have been written.
    pub(super) fn from_parts(rows: Vec<f64>, kept: Vec<f64>, n_assets: usize) -> Option<Self> {
        let fits = kept.len() < most_rows(n_assets) && rows.len() == kept.len() * n_assets;
        fits.then(|| Self { rows, kept, gram: Gram::default() })
    }
}

fn most_rows(n_assets: usize) -> usize {
    if n_assets < FEWEST_ASSETS { 1 } else { MOST_ROWS }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_rows_by_hand() {
        let mut tail = Tail::default();
        tail.push(0.5, 2).copy_from_slice(&[1.0, -1.0]);
        tail.push(0.25, 2).copy_from_slice(&[2.0, 3.0]);
        // 0.125 of what was, 0.25 of the first row, all of the second.
        let (mut variances, mut moments) = ([8.0, 8.0], vec![8.0, 0.0, 8.0]);
        tail.add_to_variances(&mut variances);
        assert_eq!(variances, [5.25, 10.25]);
        assert_eq!(tail.add_to_form(8.0, &[1.0, 1.0]), 1.0 + 25.0);
        tail.fold_into(&mut moments, 2);
        assert_eq!(moments, [5.25, 5.75, 10.25]);
        assert!(tail.is_empty());
    }

    #[test]
    fn few_assets_do_not_wait() {
        let mut tail = Tail::default();
        for (n_assets, most) in [(1, 1), (FEWEST_ASSETS - 1, 1), (FEWEST_ASSETS, MOST_ROWS)] {
            tail.fold_into(&mut vec![0.0; packed::size(n_assets)], n_assets);
            for k in 1..=most {
                tail.push(0.5, n_assets).fill(1.0);
                assert_eq!(tail.is_full(n_assets), k == most);
            }
            assert!(Tail::from_parts(vec![0.0; most * n_assets], vec![0.5; most], n_assets).is_none());
            tail = Tail::default();
        }
    }
}
