//! The growth program: its value, its limit, the gap that proves an answer, and where to start.

use crate::optimization::box_program;
use crate::optimization::dense::dot;
use crate::optimization::scenarios::Scenarios;

/// Wealth below this part of the terms that it is the rest of is rounding: it may as well be nothing.
pub(super) const SURVIVAL: f64 = 1e-13;

/// The program in the weights that the bounds leave free.
#[derive(Debug)]
pub(super) struct GrowthProgram {
    /// Discounted excess returns.
    pub(super) a: Scenarios,
    /// Growth of what is held at equal bounds and of cash.
    pub(super) base: Vec<f64>,
    /// The sizes of the terms of that, added up.
    pub(super) base_size: Vec<f64>,
    pub(super) shares: Vec<f64>,
    pub(super) lower: Vec<f64>,
    pub(super) upper: Vec<f64>,
    pub(super) total: f64,
    pub(super) power: Option<f64>,
    /// `ln(1 + f)`.
    pub(super) carry: f64,
    /// The size of the objective's slope.
    pub(super) unit: f64,
}

impl GrowthProgram {
    pub(super) fn n(&self) -> usize {
        self.lower.len()
    }

    /// The mean absolute excess return.
    pub(super) fn mean_size(&self) -> f64 {
        let row = |(s, share): (usize, &f64)| share * self.a.row(s).iter().map(|a| a.abs()).sum::<f64>();
        self.shares.iter().enumerate().map(row).sum::<f64>() / self.n() as f64
    }

    /// `G`, one per scenario.
    pub(super) fn values(&self, x: &[f64]) -> Vec<f64> {
        let mut values = vec![0.0; self.a.n_rows()];
        self.a.times(x, &mut values);
        values.iter_mut().zip(&self.base).for_each(|(value, base)| *value += base);
        values
    }

    /// Whether something is left in every scenario that is not rounding.
    pub(super) fn survives(&self, x: &[f64]) -> bool {
        let size = |s: usize| -> f64 {
            self.base_size[s] + self.a.row(s).iter().zip(x).map(|(a, x)| (a * x).abs()).sum::<f64>()
        };
        self.values(x).iter().enumerate().all(|(s, value)| *value > SURVIVAL * size(s))
    }

    /// The logarithm of `E (growth)^(-power)` and each scenario's share in it.
    pub(super) fn limit(&self, values: &[f64], power: f64) -> (f64, Vec<f64>) {
        let mut logs: Vec<f64> = values.iter().map(|value| -power * (value.ln() + self.carry)).collect();
        let most = logs.iter().fold(f64::NEG_INFINITY, |most, log| most.max(*log));
        logs.iter_mut().zip(&self.shares).for_each(|(log, share)| *log = share * (*log - most).exp());
        let sum: f64 = logs.iter().sum();
        logs.iter_mut().for_each(|share| *share /= sum);
        // Near cash the sum is 1 up to what its rounding hides: the excess is added up by itself.
        if most.abs() < 1e-2 {
            let excess = |(value, share): (&f64, &f64)| share * (-power * (value.ln() + self.carry)).exp_m1();
            return (values.iter().zip(&self.shares).map(excess).sum::<f64>().ln_1p(), logs);
        }
        (most + sum.ln(), logs)
    }

    pub(super) fn exceeds_limit(&self, x: &[f64]) -> bool {
        self.power.is_some_and(|power| self.limit(&self.values(x), power).0 > 0.0)
    }

    /// By how much the growth at `x` can at most be improved.
    pub(super) fn gap(&self, x: &[f64], price: f64) -> f64 {
        let (along, slack) = self.pull(x, price);
        let mut gain = vec![0.0; self.n()];
        self.a.transposed_times(&along, &mut gain);
        let best = box_program::greedy(&gain, &self.lower, &self.upper, self.total, true);
        let gap = dot(&gain, &best) - dot(&gain, x) + slack;
        if gap.is_nan() { f64::INFINITY } else { gap.max(0.0) }
    }

    /// What a unit more of growth in each scenario adds to the Lagrangian, the drawdown limit at its price, and what
    /// that limit leaves.
    pub(super) fn pull(&self, x: &[f64], price: f64) -> (Vec<f64>, f64) {
        let values = self.values(x);
        let mut along: Vec<f64> =
            self.shares.iter().zip(&values).map(|(share, value)| share / value).collect();
        let mut slack = 0.0;
        // A limit without a price says nothing, whatever it overflows to.
        if let Some(power) = self.power.filter(|_| price > 0.0) {
            let (limit, tilted) = self.limit(&values, power);
            slack = -price * limit / power;
            let tilts = tilted.iter().zip(&values);
            along.iter_mut().zip(tilts).for_each(|(along, (tilt, value))| *along += price * tilt / value);
        }
        (along, slack)
    }

    /// Weights inside all bounds, near those nearest to cash, with which no scenario loses everything.
    pub(super) fn start(&self) -> Option<Vec<f64>> {
        let near: Vec<f64> =
            self.lower.iter().zip(&self.upper).map(|(low, high)| 0.0_f64.clamp(*low, *high)).collect();
        let (least, most) = (self.lower.iter().sum::<f64>(), self.upper.iter().sum::<f64>());
        let part = (0.5 * (self.total - least) / (most - least)).min(0.5);
        let middle: Vec<f64> =
            self.lower.iter().zip(&self.upper).map(|(low, high)| low + part * (high - low)).collect();
        (0..60).map(|halvings| 0.5_f64.powi(halvings)).find_map(|part| {
            let x: Vec<f64> =
                near.iter().zip(&middle).map(|(near, middle)| near + part * (middle - near)).collect();
            (x.iter().sum::<f64>() < self.total && self.survives(&x)).then_some(x)
        })
    }

    /// Part of the way from cash to weights that grow, where the drawdown limit is kept best.
    pub(super) fn start_within_limit(&self, grown: &[f64], power: f64) -> Option<Vec<f64>> {
        let inner = self.start()?;
        [1e-2, 1e-4, 1e-6].into_iter().find_map(|part| {
            let aim: Vec<f64> = grown.iter().zip(&inner).map(|(g, i)| g + part * (i - g)).collect();
            let scaled = |k: i32| aim.iter().map(|x| x * 0.5_f64.powi(k)).collect::<Vec<f64>>();
            let tried = (0..40).map(|k| (self.limit(&self.values(&scaled(k)), power).0, k));
            let (limit, k) = tried.min_by(|a, b| a.0.total_cmp(&b.0))?;
            (limit < 0.0).then(|| scaled(k))
        })
    }
}
