//! What is bought and what is sold, on the way through the interior.
//!
//! `x - c = bought - sold`, both positive; each costs `k + 3/2 m sqrt(amount)` more per unit, and the price of what
//! is bought or sold in all. Both are eliminated from a Newton step by hand: with the curvatures `P` and `Q` of the
//! two amounts, an asset's trade adds `PQ / (P + Q)` to the diagonal, and a unit of weight is bought for the part
//! `f = Q / (P + Q)` and taken from what is sold for the rest.

use super::kink::shortened;
use super::statement::Statement;

/// One asset's trade.
#[derive(Debug, Clone, Default)]
struct Amount {
    value: f64,
    price: f64,
    step: (f64, f64),
    aim: f64,
    /// Curvature and right-hand side of its own row.
    curvature: f64,
    right: f64,
}

impl Amount {
    fn prepare(&mut self, cost: f64, impact: f64, multiplier: f64) {
        let root = self.value.sqrt();
        self.curvature = 0.75 * impact / root + self.price / self.value;
        let residual = cost + 1.5 * impact * root + multiplier - self.price;
        self.right = self.aim / self.value - residual;
    }

    fn take(&mut self, value: f64) {
        self.step = (value, (self.aim - self.price * value) / self.value);
    }
}

/// The trades of the assets for which they matter.
#[derive(Debug, Clone)]
pub(super) struct Trades {
    assets: Vec<usize>,
    bought: Vec<Amount>,
    sold: Vec<Amount>,
    /// What a unit of weight is worth to both sides: it links an amount to the weight's own condition.
    link: Vec<f64>,
    link_step: Vec<f64>,
}

impl Trades {
    /// Amounts of at least `least` that fit the weights, each with the product `product`.
    pub(super) fn new(statement: &Statement, x: &[f64], least: f64, product: f64) -> Self {
        let assets: Vec<usize> = (0..statement.n()).filter(|&i| statement.is_split(i)).collect();
        let amounts = |sign: f64| -> Vec<Amount> {
            let start = |&i: &usize| {
                let moved = statement.trade.as_ref().map_or(0.0, |trade| x[i] - trade.current[i]);
                let value = (sign * moved).max(0.0) + least;
                Amount { value, price: product / value, ..Amount::default() }
            };
            assets.iter().map(start).collect()
        };
        let (bought, sold) = (amounts(1.0), amounts(-1.0));
        let zeros = vec![0.0; assets.len()];
        Self { assets, bought, sold, link: zeros.clone(), link_step: zeros }
    }

    fn amounts(&self) -> impl Iterator<Item = &Amount> {
        self.bought.iter().chain(&self.sold)
    }

    fn amounts_mut(&mut self) -> impl Iterator<Item = &mut Amount> {
        self.bought.iter_mut().chain(&mut self.sold)
    }

    /// What is bought, and sold, in all.
    pub(super) fn totals(&self) -> [f64; 2] {
        [&self.bought, &self.sold].map(|side| side.iter().map(|amount| amount.value).sum())
    }

    /// Adds what the trades take from the weights' residual.
    pub(super) fn pull(&self, residual: &mut [f64]) {
        for (&i, link) in self.assets.iter().zip(&self.link) {
            residual[i] -= link;
        }
    }

    /// The largest residual of the amounts' own conditions.
    pub(super) fn residual(&self, statement: &Statement, prices: [f64; 2]) -> f64 {
        let Some(trade) = &statement.trade else { return 0.0 };
        let mut worst = 0.0_f64;
        for (k, &i) in self.assets.iter().enumerate() {
            for (amount, price, sign) in [(&self.bought[k], prices[0], 1.0), (&self.sold[k], prices[1], -1.0)]
            {
                let slope = trade.cost[i] + 1.5 * trade.impact[i] * amount.value.sqrt();
                worst = worst.max((slope + price + sign * self.link[k] - amount.price).abs());
            }
        }
        worst
    }

    pub(super) fn products(&self) -> (f64, usize) {
        (self.amounts().map(|amount| amount.value * amount.price).sum(), 2 * self.assets.len())
    }

    pub(super) fn products_at(&self, length: f64) -> f64 {
        let moved = |a: &Amount| (a.value + length * a.step.0) * (a.price + length * a.step.1);
        self.amounts().map(moved).sum()
    }

    pub(super) fn aim(&mut self, mean: f64, corrected: bool) {
        for amount in self.amounts_mut() {
            let second = if corrected { amount.step.0 * amount.step.1 } else { 0.0 };
            amount.aim = mean - amount.value * amount.price - second;
        }
    }

    /// Writes the step's right-hand sides; `prices` are those of what is bought and sold in all.
    pub(super) fn prepare(&mut self, statement: &Statement, prices: [f64; 2]) {
        let Some(trade) = &statement.trade else { return };
        for (k, &i) in self.assets.iter().enumerate() {
            let (cost, impact) = (trade.cost[i], trade.impact[i]);
            self.bought[k].prepare(cost, impact, prices[0] + self.link[k]);
            self.sold[k].prepare(cost, impact, prices[1] - self.link[k]);
        }
    }

    /// What the trades add to the diagonal and the right-hand side of the weights.
    pub(super) fn push(&self, diagonal: &mut [f64], right: &mut [f64]) {
        for (k, &i) in self.assets.iter().enumerate() {
            let (bought, sold) = (&self.bought[k], &self.sold[k]);
            let (buys, sells) = self.parts(k);
            diagonal[i] += buys * bought.curvature;
            right[i] += buys * bought.right - sells * sold.right;
        }
    }

    /// The parts of a unit of weight that are bought and not sold.
    fn parts(&self, k: usize) -> (f64, f64) {
        let (p, q) = (self.bought[k].curvature, self.sold[k].curvature);
        (q / (p + q), p / (p + q))
    }

    /// The rows of what is bought and sold in all: coefficients, and what changes them at rest.
    pub(super) fn rows(&self, bought: &mut [f64], sold: &mut [f64]) -> (f64, f64) {
        let (mut constant, mut give) = (0.0, 0.0);
        for (k, &i) in self.assets.iter().enumerate() {
            let (buys, sells) = self.parts(k);
            (bought[i], sold[i]) = (buys, -sells);
            let both = self.bought[k].curvature + self.sold[k].curvature;
            constant += (self.bought[k].right + self.sold[k].right) / both;
            give += both.recip();
        }
        (constant, give)
    }

    /// Takes the weights' step; `y` are the steps of the multipliers of the two rows, the negative of prices.
    pub(super) fn take(&mut self, step: &[f64], y: [f64; 2]) {
        for (k, &i) in self.assets.iter().enumerate() {
            let (p, q) = (self.bought[k].curvature, self.sold[k].curvature);
            let (right_bought, right_sold) = (self.bought[k].right, self.sold[k].right);
            let both = p + q;
            let bought = (q * step[i] + right_bought + right_sold + y[0] + y[1]) / both;
            let sold = (right_bought + right_sold + y[0] + y[1] - p * step[i]) / both;
            self.link_step[k] = right_bought + y[0] - p * bought;
            self.bought[k].take(bought);
            self.sold[k].take(sold);
        }
    }

    pub(super) fn longest(&self, limit: f64) -> f64 {
        self.amounts().fold(limit, |length, amount| {
            shortened(shortened(length, amount.value, amount.step.0), amount.price, amount.step.1)
        })
    }

    pub(super) fn advance(&mut self, length: f64) {
        for amount in self.amounts_mut() {
            amount.value += length * amount.step.0;
            amount.price += length * amount.step.1;
        }
        for (link, step) in self.link.iter_mut().zip(&self.link_step) {
            *link += length * step;
        }
    }

    /// For each asset with a trade: bought and sold, each with its multiplier.
    pub(super) fn standing(&self) -> impl Iterator<Item = (usize, [(f64, f64); 2])> + '_ {
        self.assets.iter().enumerate().map(|(k, &i)| {
            let (bought, sold) = (&self.bought[k], &self.sold[k]);
            (i, [(bought.value, bought.price), (sold.value, sold.price)])
        })
    }
}
