//! The last rows of a filtered history: returns, the volatilities before them and their quotients.

use ndarray::ArrayView1;

/// A return of so many volatilities came after one that counts, or soon will count, as zero.
const WORST_QUOTIENT: f64 = 1e6;

/// Numbers up to which a window takes its memory at once; a longer one grows as it fills.
const RESERVED: usize = 1 << 24;

/// A ring of rows.
#[derive(Debug, Clone)]
pub(super) struct Window {
    n_assets: usize,
    capacity: usize,
    returns: Vec<f64>,
    before: Vec<f64>,
    quotients: Vec<f64>,
    /// The largest loss of each row in volatilities; infinite where a quotient is missing or too large.
    losses: Vec<f64>,
    /// The place of the oldest row once there are `capacity` of them.
    oldest: usize,
}

impl Window {
    pub(super) fn new(n_assets: usize, capacity: usize) -> Self {
        let numbers = capacity.saturating_mul(n_assets);
        let reserved = if numbers <= RESERVED { numbers } else { 0 };
        Self {
            n_assets,
            capacity,
            returns: Vec::with_capacity(reserved),
            before: Vec::with_capacity(reserved),
            quotients: Vec::with_capacity(reserved),
            losses: Vec::with_capacity(reserved / n_assets),
            oldest: 0,
        }
    }

    pub(super) fn capacity(&self) -> usize {
        self.capacity
    }

    pub(super) fn n_rows(&self) -> usize {
        self.losses.len()
    }

    /// Takes in a row of returns and the volatilities before it; from a full window the oldest leaves.
    pub(super) fn push(&mut self, row: ArrayView1<'_, f64>, before: impl Iterator<Item = f64>) {
        let place = self.make_room();
        let start = place * self.n_assets;
        let (mut lowest, mut highest, mut missing) = (0.0_f64, 0.0_f64, false);
        for (k, (value, sigma)) in (start..).zip(row.iter().zip(before)) {
            let quotient = value / sigma;
            self.returns[k] = *value;
            self.before[k] = sigma;
            self.quotients[k] = quotient;
            lowest = lowest.min(quotient);
            highest = highest.max(quotient);
            missing |= quotient.is_nan();
        }
        let ordinary = !missing && highest < WORST_QUOTIENT && lowest > -WORST_QUOTIENT;
        self.losses[place] = if ordinary { -lowest } else { f64::INFINITY };
    }

    /// The place of the next row.
    fn make_room(&mut self) -> usize {
        if self.n_rows() == self.capacity {
            let place = self.oldest;
            self.oldest = if place + 1 == self.capacity { 0 } else { place + 1 };
            return place;
        }
        for numbers in [&mut self.returns, &mut self.before, &mut self.quotients] {
            numbers.resize(numbers.len() + self.n_assets, f64::NAN);
        }
        self.losses.push(f64::INFINITY);
        self.n_rows() - 1
    }

    /// Returns of the row `age` rows after the oldest, and the volatilities before them.
    pub(super) fn row(&self, age: usize) -> (&[f64], &[f64]) {
        let place = self.oldest + age;
        let place = if place < self.n_rows() { place } else { place - self.n_rows() };
        let entries = place * self.n_assets..(place + 1) * self.n_assets;
        (&self.returns[entries.clone()], &self.before[entries])
    }

    /// How many of the oldest rows have no volatility before them at all.
    pub(super) fn rows_without_scenario(&self) -> usize {
        let unknown = |age: &usize| self.row(*age).1.iter().all(|sigma| sigma.is_nan());
        (0..self.n_rows()).take_while(unknown).count()
    }

    /// The quotients of the older and of the newer rows.
    pub(super) fn quotients(&self) -> [&[f64]; 2] {
        let (newer, older) = self.quotients.split_at(self.oldest * self.n_assets);
        [older, newer]
    }

    /// The largest loss of any row, in volatilities; infinite where a quotient is missing or too large.
    pub(super) fn largest_loss(&self) -> f64 {
        self.losses.iter().fold(0.0, |largest, loss| largest.max(*loss))
    }
}
