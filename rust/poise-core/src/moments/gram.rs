//! Sums of outer products, many rows at a time.
//!
//! Rows are copied to panels of a few vectors' width, so that a tile of sums stays in registers while all rows
//! pass through the nearest cache; only tiles that meet the lower triangle are computed. Every entry is made by
//! the same chain of operations wherever it stands, so assets that are alike have entries that are alike.

use poise_simd::{Kernel, Simd, dispatch};

/// Rows to add at a time where there are many: a pair of panels fits the first-level cache.
pub(crate) const BLOCK_ROWS: usize = 256;

/// Vectors in the width of a panel.
const VECTORS: usize = 2;

/// Adds rows to packed lower triangles.
#[derive(Debug, Clone, Default)]
pub(crate) struct Gram {
    panels: Vec<f64>,
}

impl Gram {
    /// `P <- keep P + sum_k (scales_k rows_k)(scales_k rows_k)'` for rows that stand one after another.
    pub(crate) fn add(&mut self, packed: &mut [f64], keep: f64, rows: &[f64], scales: &[f64]) {
        let n_columns = rows.len() / scales.len().max(1);
        dispatch(Syrk { panels: &mut self.panels, packed, keep, rows, scales, n_columns });
    }
}

struct Syrk<'a> {
    panels: &'a mut Vec<f64>,
    packed: &'a mut [f64],
    keep: f64,
    rows: &'a [f64],
    scales: &'a [f64],
    n_columns: usize,
}

impl Kernel for Syrk<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        if self.n_columns == 0 {
            return;
        }
        // As many sums as registers hold beside a row of two panels.
        match S::REGISTERS {
            16.. => self.add::<S, 8>(simd),
            8.. => self.add::<S, 4>(simd),
            _ => self.add::<S, 2>(simd),
        }
    }
}

impl Syrk<'_> {
    #[inline(always)]
    fn add<S: Simd, const HEIGHT: usize>(self, simd: S) {
        let (n, width) = (self.n_columns, VECTORS * S::LANES);
        let size = width * self.scales.len();
        self.panels.resize(size * n.div_ceil(width), 0.0);
        fill_panels(simd, self.panels, self.rows, self.scales, n);
        let keep = simd.splat(self.keep);
        let mut left_panels = self.panels.chunks_exact(size);
        let mut left = left_panels.next().unwrap_or_default();
        for top in (0..n).step_by(HEIGHT) {
            if top > 0 && top % width == 0 {
                left = left_panels.next().unwrap_or_default();
            }
            let last = n.min(top + HEIGHT);
            for (panel, right) in self.panels.chunks_exact(size).take(last.div_ceil(width)).enumerate() {
                let sums = tile::<S, HEIGHT>(simd, left, top % width, right);
                let start = panel * width;
                for (i, sums) in (top..last).zip(&sums) {
                    let end = (start + width).min(i + 1);
                    if start < end {
                        let row = i * (i + 1) / 2;
                        add_row(simd, &mut self.packed[row + start..row + end], keep, sums);
                    }
                }
            }
        }
    }
}

/// Copies scaled rows to panels: all rows of the first few columns, then of the next few, the last ones zero.
#[inline(always)]
fn fill_panels<S: Simd>(simd: S, panels: &mut [f64], rows: &[f64], scales: &[f64], n: usize) {
    let width = VECTORS * S::LANES;
    for (k, (row, &scale)) in rows.chunks_exact(n).zip(scales).enumerate() {
        let factor = simd.splat(scale);
        let slots = panels.chunks_exact_mut(width * scales.len());
        for (slot, values) in slots.map(|panel| &mut panel[k * width..][..width]).zip(row.chunks(width)) {
            let (slot, (values, rest)) = (simd.blocks_mut(slot).0, simd.blocks(values));
            let (whole, after) = slot.split_at_mut(values.len());
            for (block, values) in whole.iter_mut().zip(values) {
                simd.store(block, simd.mul(factor, simd.load(values)));
            }
            if let Some((last, beyond)) = after.split_first_mut() {
                simd.store(last, simd.mul(factor, simd.load_partial(rest)));
                beyond.fill(simd.zeros());
            }
        }
    }
}

/// The products of `HEIGHT` columns of one panel with all of another, summed over the rows.
#[inline(always)]
fn tile<S: Simd, const HEIGHT: usize>(
    simd: S,
    left: &[f64],
    first: usize,
    right: &[f64],
) -> [[S::Vector; VECTORS]; HEIGHT] {
    let width = VECTORS * S::LANES;
    let mut sums = [[simd.splat(0.0); VECTORS]; HEIGHT];
    for (a, b) in left.chunks_exact(width).zip(right.chunks_exact(width)) {
        let Some(a) = a[first..].first_chunk::<HEIGHT>() else { break };
        let (b, _) = simd.blocks(b);
        let b = [simd.load(&b[0]), simd.load(&b[1])];
        for (sums, &x) in sums.iter_mut().zip(a) {
            let x = simd.splat(x);
            sums[0] = simd.mul_add(x, b[0], sums[0]);
            sums[1] = simd.mul_add(x, b[1], sums[1]);
        }
    }
    sums
}

#[inline(always)]
fn add_row<S: Simd>(simd: S, row: &mut [f64], keep: S::Vector, sums: &[S::Vector; VECTORS]) {
    let (blocks, rest) = simd.blocks_mut(row);
    let mut sums = sums.iter();
    for (block, sum) in blocks.iter_mut().zip(&mut sums) {
        simd.store(block, simd.mul_add(keep, simd.load(block), *sum));
    }
    if let Some(sum) = sums.next().filter(|_| !rest.is_empty()) {
        let added = simd.mul_add(keep, simd.load_partial(rest), *sum);
        simd.store_partial(rest, added);
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
                let (mut panels, mut packed) = (vec![f64::NAN; 4000], vec![1.0; n * (n + 1) / 2]);
                let (panels, packed) = (&mut panels, &mut packed);
                let (rows, scales) = (&rows, &scales);
                dispatch_on(set, Syrk { panels, packed, keep: 0.25, rows, scales, n_columns: n });
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
