//! A limit of a row as a cost with a kink: how far the row is above it and below it, and its multiplier.
//!
//! `r - at = above - below`, both positive on the way; the multiplier `y` lies between `least` and `most` and
//! touches an end where the row leaves the limit: `above (y - least) = 0`, `below (most - y) = 0`. A limit that
//! nothing may cross has an infinite end and no distance on that side; one that may be crossed at a price has that
//! price there. This way equalities, inequalities and limits that give way are one thing.

/// Where an equality that may give way begins, as a part of an ordinary distance.
const GIVING: f64 = 1e-3;

/// Limits closer than this are one.
const SAME: f64 = 1e-13;

/// One limit of one row.
#[derive(Debug, Clone)]
pub(super) struct Kink {
    /// Which row.
    pub(super) row: usize,
    pub(super) at: f64,
    pub(super) least: f64,
    pub(super) most: f64,
    pub(super) above: f64,
    pub(super) below: f64,
    pub(super) y: f64,
    step: Step,
}

/// The direction of a kink's numbers, and the products that it aims at.
#[derive(Debug, Clone, Copy, Default)]
struct Step {
    above: f64,
    below: f64,
    y: f64,
    aim: [f64; 2],
}

impl Kink {
    /// A limit `at` with a multiplier between the ends, started where the row stands at `activity`.
    fn new(row: usize, at: f64, (least, most): (f64, f64), activity: f64, start: Start) -> Self {
        let Start { distance, product } = start;
        let gap = activity - at;
        let mut kink = Self { row, at, least, most, above: 0.0, below: 0.0, y: 0.0, step: Step::default() };
        let finite = (least.is_finite(), most.is_finite());
        if finite == (true, true) && least < 0.0 && most > 0.0 {
            // An equality that may give way: it begins without a price.
            kink.above = gap.max(0.0) + GIVING * distance;
            kink.below = (-gap).max(0.0) + GIVING * distance;
            return kink;
        }
        if least == 0.0 {
            kink.above = gap.max(distance);
            kink.y = (product / kink.above).min(0.5 * most);
            kink.below = if finite.1 { (-gap).max(0.0) + product / (most - kink.y) } else { 0.0 };
        } else if most == 0.0 {
            kink.below = (-gap).max(distance);
            kink.y = (-product / kink.below).max(0.5 * least);
            kink.above = if finite.0 { gap.max(0.0) + product / (kink.y - least) } else { 0.0 };
        }
        kink
    }

    /// Both multipliers' distances to their ends; an end at infinity counts as none.
    fn rooms(&self) -> (f64, f64) {
        (self.y - self.least, self.most - self.y)
    }

    pub(super) fn has_above(&self) -> bool {
        self.least.is_finite()
    }

    pub(super) fn has_below(&self) -> bool {
        self.most.is_finite()
    }

    /// Sum and number of the complementary products.
    pub(super) fn products(&self) -> (f64, usize) {
        let (over, under) = self.rooms();
        let mut sum = (0.0, 0);
        if self.has_above() {
            sum = (self.above * over, 1);
        }
        if self.has_below() {
            sum = (sum.0 + self.below * under, sum.1 + 1);
        }
        sum
    }

    /// The products after the whole step, as they are summed up in `products`.
    pub(super) fn products_at(&self, length: f64) -> f64 {
        let mut moved = self.clone();
        moved.advance(length);
        moved.products().0
    }

    /// How far the row's activity is from where the kink's distances say it is.
    pub(super) fn residual(&self, activity: f64) -> f64 {
        activity - self.at - self.above + self.below
    }

    /// Aims at products of `mean`, corrected by what the last step would do to them.
    pub(super) fn aim(&mut self, mean: f64, corrected: bool) {
        let (over, under) = self.rooms();
        let Step { above, below, y, .. } = self.step;
        let second = if corrected { [above * y, -below * y] } else { [0.0; 2] };
        self.step.aim = [mean - self.above * over - second[0], mean - self.below * under - second[1]];
    }

    /// The change of the row's activity as `constant - softness * dy`.
    pub(super) fn line(&self, activity: f64) -> (f64, f64) {
        let (over, under) = self.rooms();
        let (mut constant, mut softness) = (-self.residual(activity), 0.0);
        if self.has_above() {
            constant += self.step.aim[0] / over;
            softness += self.above / over;
        }
        if self.has_below() {
            constant -= self.step.aim[1] / under;
            softness += self.below / under;
        }
        (constant, softness)
    }

    /// Takes the step of the multiplier, and from it those of the distances.
    pub(super) fn take(&mut self, y: f64) {
        let (over, under) = self.rooms();
        self.step.y = y;
        if self.has_above() {
            self.step.above = (self.step.aim[0] - self.above * y) / over;
        }
        if self.has_below() {
            self.step.below = (self.step.aim[1] + self.below * y) / under;
        }
    }

    /// The longest step, at most `limit`, that keeps everything positive.
    pub(super) fn longest(&self, limit: f64) -> f64 {
        let (over, under) = self.rooms();
        let Step { above, below, y, .. } = self.step;
        let mut length = limit;
        if self.has_above() {
            length = shortened(shortened(length, self.above, above), over, y);
        }
        if self.has_below() {
            length = shortened(shortened(length, self.below, below), under, -y);
        }
        length
    }

    pub(super) fn advance(&mut self, length: f64) {
        self.above += length * self.step.above;
        self.below += length * self.step.below;
        self.y += length * self.step.y;
    }
}

/// Whether two limits are one but for rounding.
pub(super) fn are_one(low: f64, high: f64) -> bool {
    low.is_finite() && high - low <= SAME * low.abs().max(1.0)
}

/// The kinks of a row with the limits `low` and `high`, which give way at the price `penalty`.
pub(super) fn of_row(
    (low, high): (f64, f64),
    row: usize,
    penalty: f64,
    activity: f64,
    start: Start,
) -> Vec<Kink> {
    if are_one(low, high) {
        return vec![Kink::new(row, 0.5 * low + 0.5 * high, (-penalty, penalty), activity, start)];
    }
    let mut kinks = Vec::with_capacity(2);
    if low.is_finite() {
        kinks.push(Kink::new(row, low, (0.0, penalty), activity, start));
    }
    if high.is_finite() {
        kinks.push(Kink::new(row, high, (-penalty, 0.0), activity, start));
    }
    kinks
}

/// The change of a row's activity as `constant - softness * dy`, all its kinks taken together.
pub(super) fn line(kinks: &[Kink], row: usize, activity: &[f64]) -> (f64, f64) {
    let mut lines = kinks.iter().filter(|kink| kink.row == row).map(|kink| kink.line(activity[row]));
    match (lines.next(), lines.next()) {
        (Some(only), None) => only,
        (Some(first), Some(second)) => {
            let give = first.1.recip() + second.1.recip();
            ((first.0 / first.1 + second.0 / second.1) / give, give.recip())
        }
        _ => (0.0, f64::INFINITY),
    }
}

/// Gives each kink its part of its row's step.
pub(super) fn share(kinks: &mut [Kink], rows: &[usize], dy: &[f64], activity: &[f64]) {
    for (&row, &step) in rows.iter().zip(dy) {
        let (constant, softness) = line(kinks, row, activity);
        let change = constant - softness * step;
        let alone = kinks.iter().filter(|kink| kink.row == row).count() == 1;
        for kink in kinks.iter_mut().filter(|kink| kink.row == row) {
            let (own, give) = kink.line(activity[row]);
            kink.take(if alone { step } else { (own - change) / give });
        }
    }
}

/// Where kinks start: the least distance and the product with its multiplier.
#[derive(Debug, Clone, Copy)]
pub(super) struct Start {
    pub(super) distance: f64,
    pub(super) product: f64,
}

/// The part of `length` that `value + length * step` allows before it is zero.
pub(super) fn shortened(length: f64, value: f64, step: f64) -> f64 {
    if value + length * step < 0.0 { -value / step } else { length }
}
