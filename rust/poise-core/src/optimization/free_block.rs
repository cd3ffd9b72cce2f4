//! Cholesky factor of the curvature among the free assets, kept while assets come and go.
//!
//! Under a budget only exchanges matter: one free asset, the reference `p`, pays for the moves of the
//! others, and the curvature is the covariance of the differences `r_i - r_p`. Taking the asset of least
//! variance as reference loses no digits, and directions without risk that change the budget do no harm.
//! An asset joins as the last row, O(n^2); one that leaves takes its row along and Givens rotations make
//! the rest triangular again, O(n^2). Only a new reference costs a new factor.

use super::cholesky::{self, BadPivot};
use super::dense::{Symmetric, dot};

/// A pivot below this part of the variances it is the rest of is rounding, not curvature.
const PIVOT_FLOOR: f64 = 1e-15;

/// A newcomer becomes the reference when its variance is this much smaller.
const MUCH_SMALLER: f64 = 0.01;

/// Rows of the factor for which there is room from the beginning.
const USUAL: usize = 16;

/// The free assets with the factor of their exchanges.
#[derive(Debug)]
pub(super) struct FreeBlock {
    stride: usize,
    reference: Option<usize>,
    /// The free assets other than the reference, in the order of the factor's rows.
    others: Vec<usize>,
    lower: Vec<f64>,
    /// Whether rotations have left their rounding in the factor; rows that join are as good as new.
    is_worn: bool,
    rotations: Vec<(f64, f64)>,
    buffer: Vec<f64>,
}

impl FreeBlock {
    /// An empty block with room for `capacity` assets.
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            stride: capacity,
            reference: None,
            others: Vec::with_capacity(capacity),
            lower: Vec::with_capacity(capacity * capacity.min(USUAL)),
            is_worn: false,
            rotations: Vec::new(),
            buffer: Vec::with_capacity(capacity),
        }
    }

    /// How many assets are free.
    pub(super) fn len(&self) -> usize {
        self.others.len() + usize::from(self.reference.is_some())
    }

    /// Adds an asset; refuses one whose exchanges are combinations of those already there.
    pub(super) fn push(&mut self, matrix: &Symmetric, asset: usize) -> Result<(), BadPivot> {
        match self.reference {
            None => {
                self.reference = Some(asset);
                Ok(())
            }
            Some(reference) if matrix.get(asset, asset) < MUCH_SMALLER * matrix.get(reference, reference) => {
                self.others.push(reference);
                self.refer_to(matrix, asset)
            }
            Some(reference) => self.append(matrix, reference, asset),
        }
    }

    /// Takes an asset out.
    pub(super) fn remove(&mut self, matrix: &Symmetric, asset: usize) -> Result<(), BadPivot> {
        if self.reference == Some(asset) {
            let variance = |i: &usize| matrix.get(*i, *i);
            let least =
                self.others.iter().copied().min_by(|i, j| variance(i).total_cmp(&variance(j)).then(i.cmp(j)));
            self.reference = None;
            return least.map_or(Ok(()), |least| {
                self.others.retain(|&i| i != least);
                self.refer_to(matrix, least)
            });
        }
        if let Some(position) = self.others.iter().position(|&i| i == asset) {
            self.delete(position);
        }
        Ok(())
    }

    /// Computes the factor afresh, without the rounding that updates leave behind.
    pub(super) fn refresh(&mut self, matrix: &Symmetric) -> Result<(), BadPivot> {
        match self.reference {
            Some(reference) if self.is_worn => self.refer_to(matrix, reference),
            _ => Ok(()),
        }
    }

    /// The exchange `d` with `(H d)_i - (H d)_p = factor (pull_i - pull_p)`, as pairs of asset and change; sums to 0.
    pub(super) fn exchange(&mut self, pull: &[f64], factor: f64, changes: &mut Vec<(usize, f64)>) {
        changes.clear();
        let Some(reference) = self.reference else { return };
        self.buffer.clear();
        self.buffer.extend(self.others.iter().map(|&i| factor * (pull[i] - pull[reference])));
        cholesky::solve(&self.lower, self.stride, &mut self.buffer);
        let paid: f64 = self.buffer.iter().sum();
        changes.extend(self.others.iter().copied().zip(self.buffer.iter().copied()));
        changes.push((reference, -paid));
    }

    /// Whether every pivot is above `part` of the variance of its asset's exchange with the reference.
    pub(super) fn is_definite(&self, matrix: &Symmetric, part: f64) -> bool {
        let Some(reference) = self.reference else { return true };
        self.others.iter().enumerate().all(|(row, &i)| {
            let pivot = self.lower[row * self.stride + row];
            pivot * pivot > part * (matrix.get(i, i) + matrix.get(reference, reference))
        })
    }

    /// One free asset, to read the common gradient from.
    pub(super) fn reference(&self) -> Option<usize> {
        self.reference
    }

    fn refer_to(&mut self, matrix: &Symmetric, reference: usize) -> Result<(), BadPivot> {
        self.reference = Some(reference);
        self.is_worn = false;
        let others = std::mem::take(&mut self.others);
        self.lower.clear();
        // All are tried: whoever is refused is free no more, the rest stays.
        let mut outcome = Ok(());
        for asset in others {
            outcome = outcome.and(self.append(matrix, reference, asset));
        }
        outcome
    }

    fn append(&mut self, matrix: &Symmetric, reference: usize, asset: usize) -> Result<(), BadPivot> {
        let (n, stride) = (self.others.len(), self.stride);
        self.lower.resize((n + 1) * stride, 0.0);
        let (above, rest) = self.lower.split_at_mut(n * stride);
        let row = &mut rest[..=n];
        let (own, base) = (matrix.row(asset), matrix.row(reference));
        // The covariance of `r_asset - r_p` with `r_other - r_p`.
        let difference = |other: usize| (own[other] - base[other]) - (own[reference] - base[reference]);
        for (j, &other) in self.others.iter().enumerate() {
            let earlier = &above[j * stride..=j * stride + j];
            row[j] = (difference(other) - dot(&row[..j], &earlier[..j])) / earlier[j];
        }
        let pivot = difference(asset) - dot(&row[..n], &row[..n]);
        if !(pivot > PIVOT_FLOOR * (own[asset] + base[reference]) && pivot > 0.0) {
            self.lower.truncate(n * stride);
            return Err(BadPivot { index: asset, value: pivot });
        }
        row[n] = pivot.sqrt();
        self.others.push(asset);
        Ok(())
    }

    fn delete(&mut self, position: usize) {
        let stride = self.stride;
        self.is_worn |= position + 1 < self.others.len();
        self.others.remove(position);
        self.rotations.clear();
        for i in position..self.others.len() {
            // What lies beyond a row's own entries need not move with it.
            let next = (i + 1) * stride;
            self.lower.copy_within(next..next + i + 2, i * stride);
            let row = &mut self.lower[i * stride..(i + 1) * stride];
            for (j, &(cosine, sine)) in (position..).zip(&self.rotations) {
                let (left, right) = (row[j], row[j + 1]);
                row[j] = cosine * left + sine * right;
                row[j + 1] = cosine * right - sine * left;
            }
            let length = row[i].hypot(row[i + 1]);
            self.rotations.push((row[i] / length, row[i + 1] / length));
            row[i] = length;
            row[i + 1] = 0.0;
        }
        self.lower.truncate(self.others.len() * stride);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn coming_and_going_leave_the_factor_of_those_who_stay() {
        let matrix = array![
            [4.0, 1.0, 0.5, 0.2, 0.1],
            [1.0, 3.0, 0.7, 0.1, 0.2],
            [0.5, 0.7, 2.0, 0.3, 0.1],
            [0.2, 0.1, 0.3, 1.0, 0.0],
            [0.1, 0.2, 0.1, 0.0, 0.001]
        ];
        let matrix = Symmetric::part(matrix.view(), &[0, 1, 2, 3, 4], 1.0);
        let pull = [1.0, -2.0, 3.0, 0.5, -0.1];
        for leaver in 0..5 {
            let mut block = FreeBlock::new(5);
            for asset in [2, 0, 3, 1, 4] {
                block.push(&matrix, asset).unwrap();
            }
            block.remove(&matrix, leaver).unwrap();
            assert_eq!(block.len(), 4);
            let mut changes = Vec::new();
            block.exchange(&pull, 1.0, &mut changes);
            let mut d = vec![0.0; 5];
            for (i, change) in changes {
                d[i] = change;
            }
            assert!(d.iter().sum::<f64>().abs() < 1e-12 && d[leaver] == 0.0, "{d:?}");
            let hd = matrix.multiply(&d);
            let rest: Vec<f64> = (0..5).filter(|&i| i != leaver).map(|i| hd[i] - pull[i]).collect();
            assert!(rest.iter().all(|r| (r - rest[0]).abs() < 1e-11), "leaver {leaver}: {rest:?}");
        }
    }
}
