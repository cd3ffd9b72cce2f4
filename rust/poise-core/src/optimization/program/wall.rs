//! Bounds of the weights on the way through the interior: distances and multipliers, one side at a time.

use super::kink::shortened;

/// One side of the box.
#[derive(Debug, Clone)]
pub(super) struct Wall {
    /// 1 for lower bounds, -1 for upper ones: how a weight's step changes its distance.
    sign: f64,
    /// Distance to the bound; infinite where there is none.
    pub(super) room: Vec<f64>,
    pub(super) price: Vec<f64>,
    step: Vec<(f64, f64)>,
    aim: Vec<f64>,
}

impl Wall {
    /// Prices such that each product is `product`.
    pub(super) fn new(sign: f64, room: Vec<f64>, product: f64) -> Self {
        let price = room.iter().map(|room| product / room).collect();
        let n = room.len();
        Self { sign, room, price, step: vec![(0.0, 0.0); n], aim: vec![0.0; n] }
    }

    fn stands(&self, i: usize) -> bool {
        self.room[i].is_finite()
    }

    /// Sum and number of the products.
    pub(super) fn products(&self) -> (f64, usize) {
        let finite = |i: &usize| self.stands(*i);
        let each = (0..self.room.len()).filter(finite).map(|i| self.room[i] * self.price[i]);
        each.fold((0.0, 0), |(sum, count), product| (sum + product, count + 1))
    }

    pub(super) fn products_at(&self, length: f64) -> f64 {
        let moved = |i: usize| {
            let (room, price) = self.step[i];
            (self.room[i] + length * room) * (self.price[i] + length * price)
        };
        (0..self.room.len()).filter(|&i| self.stands(i)).map(moved).sum()
    }

    pub(super) fn aim(&mut self, mean: f64, corrected: bool) {
        for i in 0..self.room.len() {
            if self.stands(i) {
                let second = if corrected { self.step[i].0 * self.step[i].1 } else { 0.0 };
                self.aim[i] = mean - self.room[i] * self.price[i] - second;
            }
        }
    }

    /// What the wall adds to the diagonal and to the right-hand side.
    pub(super) fn push(&self, diagonal: &mut [f64], right: &mut [f64]) {
        for i in 0..self.room.len() {
            if self.stands(i) {
                diagonal[i] += self.price[i] / self.room[i];
                right[i] += self.sign * (self.aim[i] / self.room[i]);
            }
        }
    }

    pub(super) fn take(&mut self, step: &[f64]) {
        for (i, dx) in step.iter().enumerate() {
            if self.stands(i) {
                let room = self.sign * dx;
                self.step[i] = (room, (self.aim[i] - self.price[i] * room) / self.room[i]);
            }
        }
    }

    pub(super) fn longest(&self, limit: f64) -> f64 {
        (0..self.room.len()).filter(|&i| self.stands(i)).fold(limit, |length, i| {
            let (room, price) = self.step[i];
            shortened(shortened(length, self.room[i], room), self.price[i], price)
        })
    }

    pub(super) fn advance(&mut self, length: f64) {
        for i in 0..self.room.len() {
            if self.stands(i) {
                self.room[i] += length * self.step[i].0;
                self.price[i] += length * self.step[i].1;
            }
        }
    }
}
