//! Sums of outer products, many rows at a time.
//!
//! The rows of a block are kept in panels of [`WIDTH`] columns, so that a tile of `WIDTH x WIDTH` sums stays
//! in registers while a block passes through the nearest cache; only the lower triangle is computed.

/// Columns of a panel: 4 x 4 sums fill the registers of the smallest machine we build for.
const WIDTH: usize = 4;

/// Rows of a block: a pair of panels fits the first-level cache.
pub(super) const BLOCK_ROWS: usize = 256;

/// Up to [`BLOCK_ROWS`] rows waiting to be summed.
pub(super) struct GramBlock {
    n_columns: usize,
    n_rows: usize,
    panels: Vec<f64>,
}

impl GramBlock {
    pub(super) fn new(n_columns: usize) -> Self {
        let panels = vec![0.0; n_columns.div_ceil(WIDTH) * BLOCK_ROWS * WIDTH];
        Self { n_columns, n_rows: 0, panels }
    }

    /// Stores `scale * row` as the next row of the block.
    pub(super) fn push(&mut self, row: &[f64], scale: f64) {
        let start = self.n_rows * WIDTH;
        let panels = self.panels.chunks_exact_mut(BLOCK_ROWS * WIDTH);
        for (panel, values) in panels.zip(row.chunks(WIDTH)) {
            for (slot, value) in panel[start..].iter_mut().zip(values) {
                *slot = scale * value;
            }
        }
        self.n_rows += 1;
    }

    /// Adds the outer products of the stored rows to a packed lower triangle and empties the block.
    pub(super) fn add_to(&mut self, packed: &mut [f64]) {
        let filled = self.n_rows * WIDTH;
        let panels: Vec<&[f64]> =
            self.panels.chunks_exact(BLOCK_ROWS * WIDTH).map(|panel| &panel[..filled]).collect();
        for (upper, left) in panels.iter().enumerate() {
            for (lower, right) in panels[..=upper].iter().enumerate() {
                add_tile(packed, self.n_columns, upper * WIDTH, lower * WIDTH, &tile(left, right));
            }
        }
        self.n_rows = 0;
    }
}

/// The products of two panels, summed over their rows.
fn tile(left: &[f64], right: &[f64]) -> [[f64; WIDTH]; WIDTH] {
    let mut sums = [[0.0; WIDTH]; WIDTH];
    for (a, b) in left.as_chunks::<WIDTH>().0.iter().zip(right.as_chunks::<WIDTH>().0) {
        for (sum, x) in sums.iter_mut().zip(a) {
            for (s, y) in sum.iter_mut().zip(b) {
                *s += x * y;
            }
        }
    }
    sums
}

fn add_tile(packed: &mut [f64], n: usize, top: usize, left: usize, sums: &[[f64; WIDTH]; WIDTH]) {
    for (i, row) in (top..n).zip(sums) {
        let start = i * (i + 1) / 2;
        for (j, value) in (left..=i).zip(row) {
            packed[start + j] += value;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::moments::packed;

    #[test]
    fn equals_one_update_per_row() {
        for n in [1, 3, 4, 5, 9] {
            let mut block = GramBlock::new(n);
            let (mut fast, mut slow) = (vec![1.0; packed::size(n)], vec![1.0; packed::size(n)]);
            // Twice, since the second block must not see rows of the first.
            for n_rows in [7, 3] {
                for k in 0..n_rows {
                    let row: Vec<f64> = (0..n).map(|j| ((k * n + j) as f64).sin()).collect();
                    block.push(&row, 0.5);
                    let scaled: Vec<f64> = row.iter().map(|x| 0.5 * x).collect();
                    packed::decay_and_add(&mut slow, 1.0, &scaled);
                }
                block.add_to(&mut fast);
            }
            for (a, b) in fast.iter().zip(&slow) {
                assert!((a - b).abs() < 1e-14);
            }
        }
    }
}
