//! Rows in the order in which their products are summed: all rows of the first few columns, then of the next few.
//!
//! A source writes its rows here as it makes them (centred, scaled, decayed), so that no copy stands in between.

use ndarray::ArrayView2;
use poise_simd::{Kernel, Simd, dispatch};

/// Vectors in the width of a panel.
pub(super) const VECTORS: usize = 2;

/// Enough for the widest panel, and what its beginning may move to stand at a line of the cache.
const LINE: usize = 8;
const WIDEST: usize = VECTORS * LINE;

/// Room for the rows of one block.
#[derive(Debug, Default)]
pub(super) struct Panels {
    values: Vec<f64>,
    n_rows: usize,
    n_columns: usize,
}

/// Makes one row of panels out of one row of data.
pub(super) trait Source {
    /// Puts row `k`, made of `row`, into its slots.
    fn put<S: Simd>(&mut self, simd: S, k: usize, row: &[f64], slots: Slots<'_, S::Block>);
}

/// Where one row goes.
pub(super) struct Slots<'a, B> {
    blocks: &'a mut [B],
    row: usize,
    stride: usize,
}

impl<B> Slots<'_, B> {
    /// The slot of the row's vector `v`.
    #[inline(always)]
    pub(super) fn get(&mut self, v: usize) -> Option<&mut B> {
        self.blocks.get_mut(v / VECTORS * self.stride + self.row + v % VECTORS)
    }
}

impl Panels {
    /// Makes room; what stood in it stays as if it were never read.
    pub(super) fn reshape(&mut self, n_rows: usize, n_columns: usize) {
        (self.n_rows, self.n_columns) = (n_rows, n_columns);
        let size = n_rows * n_columns.next_multiple_of(WIDEST) + LINE;
        if self.values.len() < size {
            self.values = vec![0.0; size];
        }
    }

    pub(super) fn n_columns(&self) -> usize {
        self.n_columns
    }

    /// Fills the rows from `first` on.
    pub(super) fn fill(&mut self, first: usize, rows: &[f64], source: &mut impl Source) {
        if self.n_columns > 0 {
            dispatch(Fill { panels: self, first, rows, source });
        }
    }

    #[cfg(test)]
    pub(super) fn fill_on(
        &mut self,
        set: poise_simd::InstructionSet,
        rows: &[f64],
        source: &mut impl Source,
    ) {
        poise_simd::dispatch_on(set, Fill { panels: self, first: 0, rows, source });
    }

    /// Makes room for as many rows and fills it; strided rows are copied one by one.
    pub(super) fn fill_from(&mut self, rows: ArrayView2<'_, f64>, source: &mut impl Source) {
        self.reshape(rows.nrows(), rows.ncols());
        if let Some(values) = rows.as_slice() {
            return self.fill(0, values, source);
        }
        for (k, row) in rows.rows().into_iter().enumerate() {
            self.fill(k, &row.to_vec(), source);
        }
    }

    /// The panels, one after another, each of `VECTORS` blocks a row.
    #[inline(always)]
    pub(super) fn blocks<S: Simd>(&self, simd: S) -> std::slice::ChunksExact<'_, S::Block> {
        let start = self.start();
        simd.blocks(&self.values[start..]).0.chunks_exact(VECTORS * self.n_rows)
    }

    /// The first value that stands at a line of the cache.
    #[inline(always)]
    fn start(&self) -> usize {
        self.values.as_ptr().align_offset(LINE * size_of::<f64>()).min(LINE)
    }
}

struct Fill<'a, T> {
    panels: &'a mut Panels,
    first: usize,
    rows: &'a [f64],
    source: &'a mut T,
}

impl<T: Source> Kernel for Fill<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let (start, stride) = (self.panels.start(), VECTORS * self.panels.n_rows);
        let (blocks, _) = simd.blocks_mut(&mut self.panels.values[start..]);
        for (k, row) in (self.first..).zip(self.rows.chunks_exact(self.panels.n_columns)) {
            self.source.put(simd, k, row, Slots { blocks: &mut *blocks, row: VECTORS * k, stride });
        }
    }
}

/// Rows times a scale each.
pub(super) struct Scaled<'a>(pub(super) &'a [f64]);

impl Source for Scaled<'_> {
    #[inline(always)]
    fn put<S: Simd>(&mut self, simd: S, k: usize, row: &[f64], mut slots: Slots<'_, S::Block>) {
        let scale = simd.splat(self.0[k]);
        let (blocks, rest) = simd.blocks(row);
        for (v, block) in blocks.iter().enumerate() {
            if let Some(slot) = slots.get(v) {
                simd.store(slot, simd.mul(scale, simd.load(block)));
            }
        }
        if let Some(slot) = slots.get(blocks.len()).filter(|_| !rest.is_empty()) {
            simd.store(slot, simd.mul(scale, simd.load_partial(rest)));
        }
    }
}
