//! Every variable of the interior point at once, and how far it may move.

use super::program::TailProgram;
use crate::optimization::dense::dot;

/// How close to the boundary a step may go.
const REACH: f64 = 0.9995;

/// Every variable of the program.
#[derive(Debug, Clone)]
pub(super) struct Point {
    /// The weights and the quantile, which is last.
    pub(super) w: Vec<f64>,
    pub(super) z: Vec<f64>,
    pub(super) s: Vec<f64>,
    pub(super) lam: Vec<f64>,
    pub(super) mu: Vec<f64>,
    pub(super) l: Vec<f64>,
    pub(super) h: Vec<f64>,
    /// Slack and price of the floor; 0 and 0 where there is none.
    pub(super) q: f64,
    pub(super) y: f64,
    pub(super) nu: f64,
}

/// What complementarity should become less, or a step of every variable.
#[derive(Debug, Clone)]
pub(super) struct Moves {
    pub(super) w: Vec<f64>,
    pub(super) z: Vec<f64>,
    pub(super) s: Vec<f64>,
    pub(super) lam: Vec<f64>,
    pub(super) l: Vec<f64>,
    pub(super) h: Vec<f64>,
    pub(super) q: f64,
    pub(super) y: f64,
    pub(super) nu: f64,
}

impl Moves {
    pub(super) fn zeros(n_rows: usize, n: usize) -> Self {
        let (rows, assets) = (vec![0.0; n_rows], vec![0.0; n]);
        Self {
            w: vec![0.0; n + 1],
            z: rows.clone(),
            s: rows.clone(),
            lam: rows,
            l: assets.clone(),
            h: assets,
            q: 0.0,
            y: 0.0,
            nu: 0.0,
        }
    }
}

impl Point {
    pub(super) fn start(program: &TailProgram) -> Self {
        let (n, n_rows) = (program.n(), program.x.n_rows());
        let mut w = program.middle();
        let mut f = vec![0.0; n_rows];
        program.losses_into(&w, &mut f);
        let spread = (dot(&f, &f) / n_rows as f64).sqrt().max(1e-3);
        let quantile = program.quantile(&f);
        w[n] = quantile;
        let z: Vec<f64> = f.iter().map(|loss| (loss - quantile).max(0.0) + spread).collect();
        let s = z.iter().zip(&f).map(|(z, loss)| z + quantile - loss).collect();
        let lam = program.shares.clone();
        let mu = program.caps.iter().zip(&lam).map(|(cap, lam)| cap - lam).collect();
        let mut pull = vec![0.0; n + 1];
        program.x.transposed_times(&lam, &mut pull);
        let (q, y) = match &program.floor {
            Some((gain, least)) => ((dot(gain, &w[..n]) - least).max(1e-2 * spread), spread),
            None => (0.0, 0.0),
        };
        if let Some((gain, _)) = &program.floor {
            pull.iter_mut().zip(gain).for_each(|(pull, gain)| *pull += y * gain);
        }
        let nu = -pull[..n].iter().sum::<f64>() / n as f64;
        let rest: Vec<f64> = pull[..n].iter().map(|pull| -pull - nu).collect();
        let l: Vec<f64> = rest.iter().map(|rest| rest.max(0.0) + spread).collect();
        let h = l.iter().zip(&rest).map(|(l, rest)| l - rest).collect();
        Self { w, z, s, lam, mu, l, h, q, y, nu }
    }

    /// How hard scenario `s` holds the weights: large where neither its slack nor its excess is at ease.
    pub(super) fn stiffness(&self, s: usize) -> f64 {
        1.0 / (self.s[s] / self.lam[s] + self.z[s] / self.mu[s])
    }

    /// The sum of what complementarity leaves.
    pub(super) fn gap(&self, program: &TailProgram) -> f64 {
        let below = self.l.iter().enumerate().map(|(i, l)| l * (self.w[i] - program.lower[i]));
        let above = self.h.iter().enumerate().map(|(i, h)| h * (program.upper[i] - self.w[i]));
        dot(&self.lam, &self.s)
            + dot(&self.mu, &self.z)
            + below.sum::<f64>()
            + above.sum::<f64>()
            + self.q * self.y
    }

    /// How far the point may go along the primal and along the dual step.
    pub(super) fn lengths(&self, program: &TailProgram, step: &Moves) -> (f64, f64) {
        let mut primal = longest(&self.z, &step.z).min(longest(&self.s, &step.s));
        let mut dual = longest(&self.lam, &step.lam)
            .min(longest_back(&self.mu, &step.lam))
            .min(longest(&self.l, &step.l))
            .min(longest(&self.h, &step.h));
        for (i, (low, high)) in program.lower.iter().zip(&program.upper).enumerate() {
            primal = primal.min(ratio(self.w[i] - low, step.w[i])).min(ratio(high - self.w[i], -step.w[i]));
        }
        if program.floor.is_some() {
            primal = primal.min(ratio(self.q, step.q));
            dual = dual.min(ratio(self.y, step.y));
        }
        ((REACH * primal).min(1.0), (REACH * dual).min(1.0))
    }

    pub(super) fn advance(&mut self, step: &Moves, primal: f64, dual: f64) {
        add(&mut self.w, primal, &step.w);
        add(&mut self.z, primal, &step.z);
        add(&mut self.s, primal, &step.s);
        add(&mut self.lam, dual, &step.lam);
        add(&mut self.mu, -dual, &step.lam);
        add(&mut self.l, dual, &step.l);
        add(&mut self.h, dual, &step.h);
        self.q += primal * step.q;
        self.y += dual * step.y;
        self.nu += dual * step.nu;
    }
}

pub(super) fn add(to: &mut [f64], length: f64, step: &[f64]) {
    to.iter_mut().zip(step).for_each(|(to, step)| *to += length * step);
}

pub(super) fn ratio(value: f64, step: f64) -> f64 {
    if step < 0.0 { value / -step } else { f64::INFINITY }
}

pub(super) fn longest(values: &[f64], steps: &[f64]) -> f64 {
    values.iter().zip(steps).map(|(value, step)| ratio(*value, *step)).fold(f64::INFINITY, f64::min)
}

pub(super) fn longest_back(values: &[f64], steps: &[f64]) -> f64 {
    values.iter().zip(steps).map(|(value, step)| ratio(*value, -step)).fold(f64::INFINITY, f64::min)
}
