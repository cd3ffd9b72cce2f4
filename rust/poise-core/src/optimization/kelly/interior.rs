//! The primal-dual interior point of the growth program.
//!
//! Boyd and Vandenberghe (2004), Convex Optimization, section 11.7, with one product `A' diag A` and one factor a
//! step. Every point it visits keeps all constraints and loses less than everything in every scenario.

use super::program::GrowthProgram;
use crate::optimization::{cholesky, dense::dot, scenarios::GramRoom};

/// How much nearer to the best a step tries to come.
const HASTE: f64 = 20.0;

/// What complementarity and the residual may leave, in units of the objective's slope.
const GOAL: f64 = 1e-13;

const MOST_STEPS: usize = 120;

/// Weights and the prices of the constraints.
#[derive(Debug, Clone)]
pub(super) struct Point {
    pub(super) x: Vec<f64>,
    /// Of the lower bounds, of the upper bounds, of the budget and, where there is one, of the drawdown limit.
    pub(super) prices: Vec<f64>,
}

/// What the objective and the constraints are at some weights.
struct Local {
    /// `A' p / G` and, under a drawdown limit, `A' pi / G`.
    growth: Vec<f64>,
    loss: Vec<f64>,
    /// `1 / G`.
    inverse: Vec<f64>,
    /// The scenarios' shares in the drawdown limit.
    tilted: Vec<f64>,
    /// The constraints' values, all negative.
    slack: Vec<f64>,
}

impl Local {
    /// `None` outside the constraints.
    fn at(program: &GrowthProgram, x: &[f64]) -> Option<Self> {
        let n = program.n();
        let values = program.values(x);
        if !values.iter().all(|value| *value > 0.0) {
            return None;
        }
        let mut slack: Vec<f64> = program.lower.iter().zip(x).map(|(low, x)| low - x).collect();
        slack.extend(program.upper.iter().zip(x).map(|(high, x)| x - high));
        slack.push(x.iter().sum::<f64>() - program.total);
        let (mut tilted, mut loss) = (Vec::new(), Vec::new());
        let inverse: Vec<f64> = values.iter().map(|value| 1.0 / value).collect();
        if let Some(power) = program.power {
            let (limit, shares) = program.limit(&values, power);
            slack.push(limit / (power * program.unit));
            let along: Vec<f64> =
                shares.iter().zip(&inverse).map(|(share, inverse)| share * inverse).collect();
            loss = vec![0.0; n];
            program.a.transposed_times(&along, &mut loss);
            tilted = shares;
        }
        if !slack.iter().all(|slack| *slack < 0.0) {
            return None;
        }
        let along: Vec<f64> =
            program.shares.iter().zip(&inverse).map(|(share, inverse)| share * inverse).collect();
        let mut growth = vec![0.0; n];
        program.a.transposed_times(&along, &mut growth);
        Some(Self { growth, loss, inverse, tilted, slack })
    }

    /// The slope of the Lagrangian.
    fn slope(&self, program: &GrowthProgram, prices: &[f64]) -> Vec<f64> {
        let n = program.n();
        let mut slope: Vec<f64> = (0..n)
            .map(|i| -self.growth[i] / program.unit - prices[i] + prices[n + i] + prices[2 * n])
            .collect();
        if let Some(price) = prices.get(2 * n + 1) {
            slope.iter_mut().zip(&self.loss).for_each(|(slope, loss)| *slope -= price * loss / program.unit);
        }
        slope
    }

    /// The size of the residual for complementarity `centre`, and of the slope alone.
    fn residual(&self, program: &GrowthProgram, prices: &[f64], centre: f64) -> (f64, f64) {
        let slope = self.slope(program, prices);
        let steep = dot(&slope, &slope);
        let off = |(price, slack): (&f64, &f64)| (price * slack + centre).powi(2);
        ((steep + prices.iter().zip(&self.slack).map(off).sum::<f64>()).sqrt(), steep.sqrt())
    }

    /// Change of each constraint along a step of the weights.
    fn changes(&self, program: &GrowthProgram, step: &[f64]) -> Vec<f64> {
        let mut changes: Vec<f64> = step.iter().map(|step| -step).collect();
        changes.extend(step);
        changes.push(step.iter().sum());
        if program.power.is_some() {
            changes.push(-dot(&self.loss, step) / program.unit);
        }
        changes
    }
}

/// The best weights from a start inside all constraints, and the steps taken.
pub(super) fn solve(program: &GrowthProgram, start: &[f64]) -> (Point, usize) {
    let n = program.n();
    let Some(mut local) = Local::at(program, start) else {
        return (Point { x: start.to_vec(), prices: vec![0.0; 2 * n + 1] }, 0);
    };
    let count = local.slack.len() as f64;
    // Slopes are about 1: so are the prices that balance them, however near the start is to a constraint.
    let prices = local.slack.iter().map(|slack| (-1.0 / (count * slack)).min(1.0)).collect();
    let mut point = Point { x: start.to_vec(), prices };
    let mut room = Room {
        gram: GramRoom::default(),
        factor: vec![0.0; n * n],
        weights: vec![0.0; program.shares.len()],
    };
    for taken in 0..MOST_STEPS {
        let gap = -dot(&point.prices, &local.slack);
        let (_, steep) = local.residual(program, &point.prices, 0.0);
        if gap <= GOAL && steep <= GOAL {
            return (point, taken);
        }
        let centre = gap / (HASTE * count);
        let Some((x, prices)) = room.direction(program, &local, &point, centre) else {
            return (point, taken);
        };
        let Some((next, there)) = search(program, &local, &point, (&x, &prices), centre) else {
            return (point, taken);
        };
        (point, local) = (next, there);
    }
    (point, MOST_STEPS)
}

struct Room {
    gram: GramRoom,
    factor: Vec<f64>,
    weights: Vec<f64>,
}

impl Room {
    fn direction(
        &mut self,
        program: &GrowthProgram,
        local: &Local,
        point: &Point,
        centre: f64,
    ) -> Option<(Vec<f64>, Vec<f64>)> {
        let (n, unit) = (program.n(), program.unit);
        let limit = program.power.zip(point.prices.get(2 * n + 1).copied());
        for (s, weight) in self.weights.iter_mut().enumerate() {
            let tilt = limit.map_or(0.0, |(power, price)| price * (power + 1.0) * local.tilted[s]);
            *weight = (program.shares[s] + tilt) * local.inverse[s] * local.inverse[s] / unit;
        }
        program.a.gram(&self.weights, &mut self.gram, &mut self.factor);
        let pressed = |k: usize| -point.prices[k] / local.slack[k];
        let both = limit.map(|(power, price)| pressed(2 * n + 1) / (unit * unit) - price * power / unit);
        for i in 0..n {
            for j in 0..=i {
                self.factor[i * n + j] += pressed(2 * n);
                if let Some(both) = both {
                    self.factor[i * n + j] += both * local.loss[i] * local.loss[j];
                }
            }
            self.factor[i * n + i] += pressed(i) + pressed(n + i);
        }
        cholesky::factor(&mut self.factor, n, 0.0).ok()?;
        let aims: Vec<f64> = local.slack.iter().map(|slack| -centre / slack).collect();
        let mut step: Vec<f64> = local.slope(program, &aims).iter().map(|slope| -slope).collect();
        cholesky::solve(&self.factor, n, &mut step);
        let changes = local.changes(program, &step);
        let rise = |k: usize| -point.prices[k] + aims[k] - point.prices[k] * changes[k] / local.slack[k];
        let prices: Vec<f64> = (0..changes.len()).map(rise).collect();
        step.iter().chain(&prices).all(|value| value.is_finite()).then_some((step, prices))
    }
}

/// The longest step, halved until it stays inside and lessens the residual; `None` where none does.
fn search(
    program: &GrowthProgram,
    local: &Local,
    point: &Point,
    (x, prices): (&[f64], &[f64]),
    centre: f64,
) -> Option<(Point, Local)> {
    let shrinking = point.prices.iter().zip(prices).filter(|(_, step)| **step < 0.0);
    let mut length = 0.99 * shrinking.map(|(price, step)| -price / step).fold(1.0 / 0.99, f64::min);
    let (before, _) = local.residual(program, &point.prices, centre);
    let moved = |values: &[f64], steps: &[f64], length: f64| -> Vec<f64> {
        values.iter().zip(steps).map(|(value, step)| value + length * step).collect()
    };
    while length > 1e-12 {
        let next = Point { x: moved(&point.x, x, length), prices: moved(&point.prices, prices, length) };
        if let Some(there) = Local::at(program, &next.x) {
            let (after, _) = there.residual(program, &next.prices, centre);
            if after <= (1.0 - 0.01 * length) * before {
                return Some((next, there));
            }
        }
        length *= 0.5;
    }
    None
}
