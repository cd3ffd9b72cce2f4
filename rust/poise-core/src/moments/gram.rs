//! Sums of outer products, many rows at a time.
//!
//! A tile of sums stays in registers while all rows of two panels pass through the nearest cache; only tiles that
//! meet the lower triangle are computed. Every entry is made by the same chain of operations wherever it stands,
//! so assets that are alike have entries that are alike.

use ndarray::ArrayView2;
use poise_simd::{Kernel, Simd, dispatch};

use super::panels::{Panels, Scaled, Source, VECTORS};

/// Rows to add at a time where there are many: a pair of panels fits the first-level cache.
pub(crate) const BLOCK_ROWS: usize = 96;

/// Adds rows to packed lower triangles.
#[derive(Debug, Default)]
pub(crate) struct Gram {
    panels: Panels,
}

impl Clone for Gram {
    /// Panels are scratch, not worth copying.
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl Gram {
    /// `P <- keep P + sum_k (scales_k rows_k)(scales_k rows_k)'` for rows that stand one after another.
    pub(crate) fn add(&mut self, packed: &mut [f64], keep: f64, rows: &[f64], scales: &[f64]) {
        self.panels.reshape(scales.len(), rows.len() / scales.len().max(1));
        self.panels.fill(0, rows, &mut Scaled(scales));
        self.add_panels(packed, keep);
    }

    /// `P <- keep P + sum_k z_k z_k'` for the vectors `z` that `source` makes of the rows.
    pub(super) fn add_made(
        &mut self,
        packed: &mut [f64],
        keep: f64,
        rows: ArrayView2<'_, f64>,
        source: &mut impl Source,
    ) {
        self.panels.fill_from(rows, source);
        self.add_panels(packed, keep);
    }

    fn add_panels(&self, packed: &mut [f64], keep: f64) {
        dispatch(Syrk { panels: &self.panels, packed, keep });
    }
}

struct Syrk<'a> {
    panels: &'a Panels,
    packed: &'a mut [f64],
    keep: f64,
}

impl Kernel for Syrk<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        if self.panels.n_columns() == 0 {
            return;
        }
        // As many sums as registers hold beside a row of two panels.
        match S::REGISTERS {
            16.. => self.add::<S, 8, 4>(simd),
            8.. => self.add::<S, 4, 2>(simd),
            _ => self.add::<S, 2, 1>(simd),
        }
    }
}

impl Syrk<'_> {
    #[inline(always)]
    fn add<S: Simd, const HEIGHT: usize, const HALF: usize>(self, simd: S) {
        let (n, width) = (self.panels.n_columns(), VECTORS * S::LANES);
        let keep = simd.splat(self.keep);
        for (left_at, left) in (0..n).step_by(width).zip(self.panels.blocks(simd)) {
            for (right_at, right) in (0..=left_at).step_by(width).zip(self.panels.blocks(simd)) {
                // Both panels stay in the cache while the height of the left one is worked off.
                for top in (left_at..n.min(left_at + width)).step_by(HEIGHT) {
                    let place = Place { top, bottom: n.min(top + HEIGHT), left: right_at };
                    let (packed, first) = (&mut *self.packed, top - left_at);
                    if place.bottom - top <= HALF {
                        let sums = tile::<S, HALF, VECTORS>(simd, left, first, right);
                        place.add_partial(simd, packed, keep, &sums);
                    } else if right_at + width <= top + 1 && place.bottom == top + HEIGHT {
                        place.prefetch::<S, HEIGHT>(simd, packed);
                        let sums = tile::<S, HEIGHT, VECTORS>(simd, left, first, right);
                        place.add_whole(simd, packed, keep, &sums);
                    } else if place.bottom <= right_at + S::LANES {
                        let sums = tile::<S, HEIGHT, 1>(simd, left, first, right);
                        place.add_partial(simd, packed, keep, &sums);
                    } else {
                        let sums = tile::<S, HEIGHT, VECTORS>(simd, left, first, right);
                        place.add_partial(simd, packed, keep, &sums);
                    }
                }
            }
        }
    }
}

/// The products of `HEIGHT` columns of one panel with the first `WIDTH` vectors of another, summed over the rows.
#[inline(always)]
fn tile<S: Simd, const HEIGHT: usize, const WIDTH: usize>(
    simd: S,
    left: &[S::Block],
    first: usize,
    right: &[S::Block],
) -> [[S::Vector; WIDTH]; HEIGHT] {
    let mut sums = [[simd.splat(0.0); WIDTH]; HEIGHT];
    let (at, first) = (first / S::LANES, first % S::LANES);
    for (a, b) in left.as_chunks::<VECTORS>().0.iter().zip(right.as_chunks::<VECTORS>().0) {
        let Some(a) = a[at].as_ref()[first..].first_chunk::<HEIGHT>() else { break };
        let mut row = [simd.splat(0.0); WIDTH];
        for (row, b) in row.iter_mut().zip(b) {
            *row = simd.load(b);
        }
        for (sums, &x) in sums.iter_mut().zip(a) {
            let x = simd.splat(x);
            for (sum, &b) in sums.iter_mut().zip(&row) {
                *sum = simd.mul_add(x, b, *sum);
            }
        }
    }
    sums
}

/// Where a tile belongs: rows `top..bottom`, columns from `left` on.
struct Place {
    top: usize,
    bottom: usize,
    left: usize,
}

impl Place {
    /// Asks for the entries of a whole tile, which arrive while its sums are taken.
    #[inline(always)]
    fn prefetch<S: Simd, const HEIGHT: usize>(&self, simd: S, packed: &[f64]) {
        let (mut row, mut length) = (self.top * (self.top + 1) / 2 + self.left, self.top + 1);
        for _ in 0..HEIGHT {
            // The last entry of each vector: its line is the one that the tile to the left has not touched.
            for v in 1..=VECTORS {
                if let Some(entry) = packed.get(row + v * S::LANES - 1) {
                    simd.prefetch(entry);
                }
            }
            row += length;
            length += 1;
        }
    }

    /// Adds a tile that lies below the diagonal with all its entries.
    #[inline(always)]
    fn add_whole<S: Simd, const HEIGHT: usize>(
        &self,
        simd: S,
        packed: &mut [f64],
        keep: S::Vector,
        sums: &[[S::Vector; VECTORS]; HEIGHT],
    ) {
        let (mut row, mut length) = (self.top * (self.top + 1) / 2 + self.left, self.top + 1);
        for sums in sums {
            let (blocks, _) = simd.blocks_mut(&mut packed[row..row + VECTORS * S::LANES]);
            for (block, &sum) in blocks.iter_mut().zip(sums) {
                simd.store(block, simd.mul_add(keep, simd.load(block), sum));
            }
            row += length;
            length += 1;
        }
    }

    /// Adds the entries of a tile that lie in the triangle.
    #[inline(always)]
    fn add_partial<S: Simd, const HEIGHT: usize, const WIDTH: usize>(
        &self,
        simd: S,
        packed: &mut [f64],
        keep: S::Vector,
        sums: &[[S::Vector; WIDTH]; HEIGHT],
    ) {
        for (i, sums) in (self.top..self.bottom).zip(sums) {
            let row = &mut packed[i * (i + 1) / 2..][..=i];
            for (v, &sum) in sums.iter().enumerate() {
                let start = self.left + v * S::LANES;
                let end = (start + S::LANES).min(i + 1);
                if start < end {
                    let entries = &mut row[start..end];
                    let added = simd.mul_add(keep, simd.load_partial(entries), sum);
                    simd.store_partial(entries, added);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use poise_simd::{available, dispatch_on};

    fn rows(n_rows: usize, n: usize) -> Vec<f64> {
        (0..n_rows * n).map(|k| (k as f64 * 1.3).sin()).collect()
    }

    #[test]
    fn equals_the_plain_sums_on_every_instruction_set() {
        for (n, n_rows) in [(1, 3), (3, 1), (7, 5), (8, 4), (16, 9), (17, 2), (31, 40), (50, 6)] {
            let rows = rows(n_rows, n);
            let scales: Vec<f64> = (0..n_rows).map(|k| 0.5 + k as f64).collect();
            let mut expected = vec![1.0; n * (n + 1) / 2];
            for i in 0..n {
                for j in 0..=i {
                    let products = (0..n_rows).map(|k| scales[k].powi(2) * rows[k * n + i] * rows[k * n + j]);
                    expected[i * (i + 1) / 2 + j] = 0.25 + products.sum::<f64>();
                }
            }
            let scale = expected.iter().fold(0.0_f64, |most, x| most.max(x.abs()));
            for set in available() {
                // What an earlier call left in the panels must not matter.
                let (mut panels, mut packed) = (Panels::default(), vec![1.0; n * (n + 1) / 2]);
                panels.reshape(n_rows, n);
                panels.fill_on(set, &vec![f64::NAN; n_rows * n], &mut Scaled(&scales));
                panels.fill_on(set, &rows, &mut Scaled(&scales));
                dispatch_on(set, Syrk { panels: &panels, packed: &mut packed, keep: 0.25 });
                for (a, b) in packed.iter().zip(&expected) {
                    assert!((a - b).abs() <= 1e-14 * scale, "{set}, n = {n}: {a}, not {b}");
                }
            }
        }
    }

    #[test]
    fn assets_that_are_alike_have_entries_that_are_alike() {
        let (n, n_rows) = (21, 30);
        let mut rows = rows(n_rows, n);
        rows.chunks_exact_mut(n).for_each(|row| row[n - 1] = row[2]);
        let mut packed = vec![0.0; n * (n + 1) / 2];
        Gram::default().add(&mut packed, 1.0, &rows, &vec![0.3; n_rows]);
        let entry = |i: usize, j: usize| packed[i.max(j) * (i.max(j) + 1) / 2 + i.min(j)];
        for j in 0..n - 1 {
            assert_eq!(entry(n - 1, j), entry(2, j));
        }
    }

    #[test]
    fn nothing_to_add() {
        let mut packed = vec![2.0];
        Gram::default().add(&mut packed, 0.5, &[], &[]);
        assert_eq!(packed, [2.0]);
    }
}
