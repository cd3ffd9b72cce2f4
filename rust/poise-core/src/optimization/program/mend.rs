//! Corrections of a guess of what binds.

use super::face::{Face, NOISE, Post, Seat, segment};
use super::statement::Statement;

impl Face {
    /// Corrects what is wrong with the guess; false where nothing is.
    pub(super) fn mend(&mut self, statement: &Statement, penalty: f64) -> bool {
        let seats = self.mend_seats(statement);
        self.mend_posts(statement, penalty) || seats
    }

    fn mend_seats(&mut self, statement: &Statement) -> bool {
        let (slope, sizes, prices) = (self.slope(statement), self.magnitudes(statement), self.prices());
        let mut changed = false;
        for i in 0..self.x.len() {
            let (low, high) = (statement.lower[i], statement.upper[i]);
            match self.seats[i] {
                Seat::Free(side) => {
                    let (low, high) = segment(statement, i, side);
                    if self.x[i] < low || self.x[i] > high {
                        self.x[i] = self.x[i].max(low).min(high);
                        self.seats[i] = Seat::Held;
                        changed = true;
                    }
                }
                Seat::Held if low < high => {
                    let (down, up) = statement.cost_slopes(i, self.x[i], prices);
                    let noise = NOISE * sizes[i];
                    if self.x[i] < high && slope[i] + up < -noise {
                        self.release(statement, i, 1, slope[i] + up);
                        changed = true;
                    } else if self.x[i] > low && slope[i] + down > noise {
                        self.release(statement, i, -1, slope[i] + down);
                        changed = true;
                    }
                }
                Seat::Held => {}
            }
        }
        changed
    }

    /// Frees an asset to move to one side; where impact is felt it begins near where it will end.
    fn release(&mut self, statement: &Statement, i: usize, side: i8, slope: f64) {
        let Some(trade) = statement.trade.as_ref().filter(|_| statement.is_split(i)) else {
            self.seats[i] = Seat::Free(0);
            return;
        };
        let current = trade.current[i];
        let side = if self.x[i] == current {
            side
        } else if self.x[i] > current {
            1
        } else {
            -1
        };
        self.seats[i] = Seat::Free(side);
        if self.x[i] == current && trade.impact[i] > 0.0 {
            let curved = (slope / (1.5 * trade.impact[i])).powi(2);
            let straight = slope.abs() / statement.hessian.matrix.get(i, i).max(f64::MIN_POSITIVE);
            self.x[i] += f64::from(side) * curved.min(straight).max(1e-18);
        }
    }

    fn mend_posts(&mut self, statement: &Statement, penalty: f64) -> bool {
        let activities = statement.activities(&self.x);
        let mut changed = false;
        for (j, activity) in activities.into_iter().enumerate() {
            let (low, high) = statement.limits(j);
            let y = self.y[j];
            let noise = 1e-12 * activity.abs().max(1.0);
            let equal = low == high;
            let next = match self.posts[j] {
                Post::Off if activity < low - noise => Post::Lower,
                Post::Off if activity > high + noise => Post::Upper,
                Post::Lower | Post::Upper if y > penalty => Post::Under,
                Post::Lower | Post::Upper if y < -penalty => Post::Over,
                Post::Lower if y < 0.0 && !equal => Post::Off,
                Post::Upper if y > 0.0 && !equal => Post::Off,
                Post::Under if activity > low + noise => Post::Lower,
                Post::Over if activity < high - noise => Post::Upper,
                same => same,
            };
            changed |= next != self.posts[j];
            self.posts[j] = next;
        }
        changed
    }
}
