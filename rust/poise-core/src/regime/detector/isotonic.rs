//! The least-squares non-decreasing map of one number to another: pool adjacent violators.
//!
//! Barlow, Bartholomew, Bremner and Brunk (1972), "Statistical Inference under Order Restrictions". Linear between the
//! blocks, constant beyond the ends.

use super::saved;
use crate::Result;
use crate::snapshot::{Reader, Writer, refused};

/// Neighbours with one value.
#[derive(Debug, Clone, Copy)]
struct Block {
    first: f64,
    last: f64,
    sum: f64,
    number: f64,
}

impl Block {
    fn mean(&self) -> f64 {
        self.sum / self.number
    }
}

/// Built point by point, in ascending order; refills without allocating.
#[derive(Debug, Clone)]
pub(super) struct IsotonicMap {
    blocks: Vec<Block>,
}

impl IsotonicMap {
    pub(super) fn with_capacity(points: usize) -> Self {
        Self { blocks: Vec::with_capacity(points) }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    pub(super) fn clear(&mut self) {
        self.blocks.clear();
    }

    /// Adds `number` values at `x`, not below the last, that sum to `sum`. Equal `x` must come together.
    pub(super) fn add(&mut self, x: f64, sum: f64, number: f64) {
        let mut block = Block { first: x, last: x, sum, number };
        while let Some(before) = self.blocks.last()
            && before.mean() >= block.mean()
        {
            block = Block {
                first: before.first,
                sum: before.sum + block.sum,
                number: before.number + block.number,
                ..block
            };
            self.blocks.pop();
        }
        self.blocks.push(block);
    }

    /// The fitted value; NaN of an empty map.
    pub(super) fn at(&self, x: f64) -> f64 {
        let right = self.blocks.partition_point(|block| block.first <= x);
        let after = self.blocks.get(right);
        let Some(before) = right.checked_sub(1).map(|left| &self.blocks[left]) else {
            return after.map_or(f64::NAN, Block::mean);
        };
        match after {
            Some(after) if x > before.last => {
                let share = (x - before.last) / (after.first - before.last);
                before.mean() + share * (after.mean() - before.mean())
            }
            _ => before.mean(),
        }
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        writer.count(self.blocks.len() as u64);
        for Block { first, last, sum, number } in &self.blocks {
            writer.reals(&[*first, *last, *sum, *number]);
        }
    }

    pub(super) fn read(reader: &mut Reader<'_>, most: usize) -> Result<Self> {
        let mut map = Self::with_capacity(most);
        for _ in 0..saved::at_most(reader, most)? {
            let block = Block {
                first: reader.real()?,
                last: reader.real()?,
                sum: reader.real()?,
                number: reader.real()?,
            };
            let Block { first, last, sum, number } = block;
            let follows = map.blocks.last().is_none_or(|before| before.last < first);
            if !(follows && first <= last && sum.is_finite() && number >= 1.0 && number.is_finite()) {
                return Err(refused(format!("a block of the confidence map is {block:?}")));
            }
            map.blocks.push(block);
        }
        Ok(map)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn falling_values_are_pooled_and_rising_ones_joined() {
        let mut map = IsotonicMap::with_capacity(4);
        [(1.0, 3.0), (2.0, 2.0), (3.0, 1.0)].into_iter().for_each(|(x, y)| map.add(x, y, 1.0));
        assert_eq!([0.0, 1.5, 9.0].map(|x| map.at(x)), [2.0; 3]);
        map.add(5.0, 4.0, 1.0);
        assert_eq!([3.0, 4.0, 5.0, 6.0].map(|x| map.at(x)), [2.0, 3.0, 4.0, 4.0]);
        map.clear();
        assert!(map.is_empty() && map.at(0.0).is_nan());
    }
}
