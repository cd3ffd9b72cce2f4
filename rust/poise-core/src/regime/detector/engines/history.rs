//! The readings that engines are fitted to.

use ndarray::{Array2, ArrayView2};

use super::super::features::Reading;
use super::super::saved;
use crate::Result;
use crate::snapshot::{Reader, Writer};

/// Four years of daily bars.
const MOST_ROWS: usize = 1460;

/// Volatility and trend score.
pub(super) const N_FEATURES: usize = 2;

/// The last readings, oldest first once they are asked for.
#[derive(Debug, Clone)]
pub(super) struct History {
    /// `next` is the oldest once the ring is full, 0 before.
    ring: Vec<[f64; N_FEATURES]>,
    next: usize,
}

impl History {
    pub(super) fn new() -> Self {
        Self { ring: Vec::with_capacity(MOST_ROWS), next: 0 }
    }

    pub(super) fn push(&mut self, reading: &Reading) {
        let row = [reading.volatility_score, reading.trend_score];
        if self.ring.len() < MOST_ROWS {
            self.ring.push(row);
        } else {
            self.ring[self.next] = row;
            self.next = if self.next + 1 == MOST_ROWS { 0 } else { self.next + 1 };
        }
    }

    fn oldest_first(&self) -> impl Iterator<Item = &[f64; N_FEATURES]> {
        let (newer, older) = self.ring.split_at(self.next);
        older.iter().chain(newer)
    }

    /// `(n_rows, n_features)`.
    pub(super) fn matrix(&self) -> Array2<f64> {
        let mut matrix = Array2::zeros((self.ring.len(), N_FEATURES));
        for (mut to, from) in matrix.rows_mut().into_iter().zip(self.oldest_first()) {
            to.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
        }
        matrix
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        writer.count((self.ring.len() * N_FEATURES) as u64);
        self.oldest_first().for_each(|row| writer.reals(row));
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self> {
        let mut history = Self::new();
        let values = saved::finite(reader, MOST_ROWS * N_FEATURES)?;
        history.ring.extend(values.as_chunks().0);
        Ok(history)
    }
}

/// Mean and standard deviation of every feature; 1 where it does not vary.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Scale {
    location: [f64; N_FEATURES],
    scale: [f64; N_FEATURES],
}

/// A spread below this is rounding: scores are of the order of one.
const FLAT: f64 = 1e-9;

/// Standard deviations at which features are cut off.
const CLIP: f64 = 3.0;

impl Scale {
    pub(super) fn of(rows: ArrayView2<'_, f64>) -> Self {
        let n = rows.nrows() as f64;
        let location = std::array::from_fn(|i| rows.column(i).sum() / n);
        let scale = std::array::from_fn(|i| {
            let spread = (rows.column(i).iter().map(|x| (x - location[i]).powi(2)).sum::<f64>() / n).sqrt();
            if spread > FLAT { spread } else { 1.0 }
        });
        Self { location, scale }
    }

    /// Standardised and cut off at three.
    pub(super) fn apply(&self, row: [f64; N_FEATURES]) -> [f64; N_FEATURES] {
        std::array::from_fn(|i| ((row[i] - self.location[i]) / self.scale[i]).clamp(-CLIP, CLIP))
    }

    pub(super) fn undo(&self, row: [f64; N_FEATURES]) -> [f64; N_FEATURES] {
        std::array::from_fn(|i| self.location[i] + self.scale[i] * row[i])
    }

    /// Whether the first feature varies.
    pub(super) fn volatility_varies(rows: ArrayView2<'_, f64>) -> bool {
        let column = rows.column(0);
        let least = column.iter().fold(f64::INFINITY, |least: f64, x| least.min(*x));
        let most = column.iter().fold(f64::NEG_INFINITY, |most: f64, x| most.max(*x));
        most - least > FLAT
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        writer.reals(&self.location);
        writer.reals(&self.scale);
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self> {
        let mut read = || -> Result<[f64; N_FEATURES]> { Ok([reader.real()?, reader.real()?]) };
        let (location, scale) = (read()?, read()?);
        saved::all_finite("the location of a feature", &location)?;
        saved::not_negative("the scale of a feature", &scale.map(|scale| scale - FLAT))?;
        Ok(Self { location, scale })
    }
}
