//! The primal-dual interior point of the programs of losses beyond a quantile.
//!
//! Minimise `t + c'z` over weights `w` between bounds, `t` and the excesses `z >= 0`, where the slacks
//! `s = z + X w + t` are not negative: `X` the returns, `c` the probabilities over the tail's mass. Mehrotra's
//! predictor and corrector; the excesses and slacks are eliminated by hand, which leaves one product `X' D X` and
//! one factor of the size of the weights a step. Names: `lam` prices the slacks, `mu = c - lam` the excesses, `l`
//! and `h` the bounds, `y` the floor of the expected return, `nu` the budget.

use super::TailProgram;
use crate::optimization::{cholesky, dense::dot, scenarios::GramRoom};

/// How close to the boundary a step may go.
const REACH: f64 = 0.9995;

/// Complementarity, relative to the objective, at which the point is left to the vertex and the certificate.
const GOAL: f64 = 1e-11;

const MOST_STEPS: usize = 100;

/// Parts of the diagonal added, one after another, until the system of alike assets has a factor: the next step's
/// residual mends what it spoils.
const RIDGES: [f64; 4] = [0.0, 1e-14, 1e-12, 1e-10];

/// Every variable of the program.
#[derive(Debug, Clone)]
pub(super) struct Point {
    /// The weights and the quantile, which is last.
    pub(super) w: Vec<f64>,
    z: Vec<f64>,
    s: Vec<f64>,
    pub(super) lam: Vec<f64>,
    mu: Vec<f64>,
    pub(super) l: Vec<f64>,
    pub(super) h: Vec<f64>,
    /// Slack and price of the floor; 0 and 0 where there is none.
    q: f64,
    pub(super) y: f64,
    nu: f64,
}

/// What complementarity should become less, or a step of every variable.
#[derive(Debug, Clone)]
struct Moves {
    w: Vec<f64>,
    z: Vec<f64>,
    s: Vec<f64>,
    lam: Vec<f64>,
    l: Vec<f64>,
    h: Vec<f64>,
    q: f64,
    y: f64,
    nu: f64,
}

impl Moves {
    fn zeros(n_rows: usize, n: usize) -> Self {
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
    fn start(program: &TailProgram) -> Self {
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
    fn gap(&self, program: &TailProgram) -> f64 {
        let below = self.l.iter().enumerate().map(|(i, l)| l * (self.w[i] - program.lower[i]));
        let above = self.h.iter().enumerate().map(|(i, h)| h * (program.upper[i] - self.w[i]));
        dot(&self.lam, &self.s)
            + dot(&self.mu, &self.z)
            + below.sum::<f64>()
            + above.sum::<f64>()
            + self.q * self.y
    }

    /// How far the point may go along the primal and along the dual step.
    fn lengths(&self, program: &TailProgram, step: &Moves) -> (f64, f64) {
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

    fn advance(&mut self, step: &Moves, primal: f64, dual: f64) {
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

fn add(to: &mut [f64], length: f64, step: &[f64]) {
    to.iter_mut().zip(step).for_each(|(to, step)| *to += length * step);
}

fn ratio(value: f64, step: f64) -> f64 {
    if step < 0.0 { value / -step } else { f64::INFINITY }
}

fn longest(values: &[f64], steps: &[f64]) -> f64 {
    values.iter().zip(steps).map(|(value, step)| ratio(*value, *step)).fold(f64::INFINITY, f64::min)
}

fn longest_back(values: &[f64], steps: &[f64]) -> f64 {
    values.iter().zip(steps).map(|(value, step)| ratio(*value, -step)).fold(f64::INFINITY, f64::min)
}

/// The best point, and the steps it took; the first point where not even one step was possible.
pub(super) fn solve(program: &TailProgram) -> (Point, usize) {
    let mut point = Point::start(program);
    let mut system = System::new(program);
    for taken in 0..MOST_STEPS {
        let gap = point.gap(program);
        let enough = GOAL * point.w[program.n()].abs().max(program.size(&point.w));
        let proven = gap.max(system.balance(program, &point)) <= enough;
        if gap.is_nan() || proven || !system.prepare(program, &point) {
            return (point, taken);
        }
        let Some((step, primal, dual)) = system.step(program, &point, gap) else { return (point, taken) };
        let mut next = point.clone();
        next.advance(&step, primal, dual);
        if !next.w.iter().chain(&next.lam).all(|value| value.is_finite()) {
            return (point, taken);
        }
        point = next;
        if primal.max(dual) < 1e-8 {
            return (point, taken + 1);
        }
    }
    (point, MOST_STEPS)
}

/// The factored system of one step, and room for its parts.
struct System {
    room: GramRoom,
    factor: Vec<f64>,
    d: Vec<f64>,
    /// Solution of the system for the budget's column.
    budget: Vec<f64>,
    /// What the prices still fail to balance, one a weight and the quantile.
    unbalanced: Vec<f64>,
    along: Vec<f64>,
}

impl System {
    fn new(program: &TailProgram) -> Self {
        let (size, n_rows) = (program.n() + 1, program.x.n_rows());
        Self {
            room: GramRoom::default(),
            factor: vec![0.0; size * size],
            d: vec![0.0; n_rows],
            budget: vec![0.0; size],
            unbalanced: vec![0.0; size],
            along: vec![0.0; n_rows],
        }
    }

    /// Reads off what the prices fail to balance; returns what that can be worth between the bounds.
    fn balance(&mut self, program: &TailProgram, at: &Point) -> f64 {
        let n = program.n();
        program.x.transposed_times(&at.lam, &mut self.unbalanced);
        self.unbalanced[n] = 1.0 - at.lam.iter().sum::<f64>();
        for i in 0..n {
            self.unbalanced[i] += at.l[i] - at.h[i] + at.nu;
        }
        if let Some((gain, _)) = &program.floor {
            add(&mut self.unbalanced, at.y, gain);
        }
        let rooms = program.lower.iter().zip(&program.upper).map(|(low, high)| high - low);
        rooms.zip(&self.unbalanced).map(|(room, off)| room * off.abs()).sum()
    }

    /// Factors `X' D X` and what bounds and floor add to it; false where rounding left no factor.
    fn prepare(&mut self, program: &TailProgram, at: &Point) -> bool {
        let n = program.n();
        for (s, d) in self.d.iter_mut().enumerate() {
            *d = at.stiffness(s);
        }
        if !RIDGES.iter().any(|ridge| self.factor(program, at, *ridge)) {
            return false;
        }
        self.budget.fill(1.0);
        self.budget[n] = 0.0;
        cholesky::solve(&self.factor, n + 1, &mut self.budget);
        true
    }

    /// Overwrites the matrix with its factor; false where a pivot is not positive.
    fn factor(&mut self, program: &TailProgram, at: &Point, ridge: f64) -> bool {
        let n = program.n();
        let size = n + 1;
        program.x.gram(&self.d, &mut self.room, &mut self.factor);
        for i in 0..n {
            self.factor[i * size + i] +=
                at.l[i] / (at.w[i] - program.lower[i]) + at.h[i] / (program.upper[i] - at.w[i]);
        }
        if let Some((gain, _)) = &program.floor {
            for i in 0..n {
                for j in 0..=i {
                    self.factor[i * size + j] += at.y / at.q * gain[i] * gain[j];
                }
            }
        }
        self.factor.iter_mut().step_by(size + 1).for_each(|entry| *entry *= 1.0 + ridge);
        cholesky::factor(&mut self.factor, size, 0.0).is_ok()
    }

    /// Predictor, centring and corrector: the step and how far to go, primal and dual.
    fn step(&mut self, program: &TailProgram, at: &Point, gap: f64) -> Option<(Moves, f64, f64)> {
        let (n, n_rows) = (program.n(), program.x.n_rows());
        let mut aim = Moves::zeros(n_rows, n);
        aim_at(&mut aim, program, at, 0.0, None);
        let guess = self.solve(program, at, &aim)?;
        let (primal, dual) = at.lengths(program, &guess);
        let mut there = at.clone();
        there.advance(&guess, primal, dual);
        let pairs = 2 * (n + n_rows) + usize::from(program.floor.is_some());
        let centre = (there.gap(program) / gap).powi(3) * gap / pairs as f64;
        aim_at(&mut aim, program, at, centre, Some(&guess));
        let step = self.solve(program, at, &aim)?;
        let (primal, dual) = at.lengths(program, &step);
        Some((step, primal, dual))
    }

    fn solve(&mut self, program: &TailProgram, at: &Point, aim: &Moves) -> Option<Moves> {
        let (n, n_rows) = (program.n(), program.x.n_rows());
        let mut step = Moves::zeros(n_rows, n);
        for (s, along) in self.along.iter_mut().enumerate() {
            *along = self.d[s] * (aim.s[s] / at.lam[s] - aim.z[s] / at.mu[s]);
        }
        program.x.transposed_times(&self.along, &mut step.w);
        for (i, w) in step.w[..n].iter_mut().enumerate() {
            *w += aim.l[i] / (at.w[i] - program.lower[i]) - aim.h[i] / (program.upper[i] - at.w[i])
                + self.unbalanced[i];
        }
        step.w[n] -= self.unbalanced[n];
        let off = program.floor.as_ref().map_or(0.0, |(gain, least)| at.q - dot(gain, &at.w[..n]) + least);
        if let Some((gain, _)) = &program.floor {
            add(&mut step.w, (aim.q + at.y * off) / at.q, gain);
        }
        cholesky::solve(&self.factor, n + 1, &mut step.w);
        let missing = program.total - at.w[..n].iter().sum::<f64>();
        step.nu = (missing - step.w[..n].iter().sum::<f64>()) / self.budget[..n].iter().sum::<f64>();
        add(&mut step.w, step.nu, &self.budget);
        program.x.times(&step.w, &mut step.s);
        for s in 0..n_rows {
            let k = step.s[s];
            step.lam[s] = self.along[s] - self.d[s] * k;
            step.z[s] = (aim.z[s] + at.z[s] * step.lam[s]) / at.mu[s];
            step.s[s] = step.z[s] + k;
        }
        for i in 0..n {
            step.l[i] = (aim.l[i] - at.l[i] * step.w[i]) / (at.w[i] - program.lower[i]);
            step.h[i] = (aim.h[i] + at.h[i] * step.w[i]) / (program.upper[i] - at.w[i]);
        }
        if let Some((gain, _)) = &program.floor {
            step.q = dot(gain, &step.w[..n]) - off;
            step.y = (aim.q - at.y * step.q) / at.q;
        }
        step.w.iter().all(|value| value.is_finite()).then_some(step)
    }
}

/// What each product of a variable and its price should change by, the second-order part of a guess taken off.
fn aim_at(aim: &mut Moves, program: &TailProgram, at: &Point, centre: f64, guess: Option<&Moves>) {
    for (s, aim) in aim.s.iter_mut().enumerate() {
        *aim = centre - at.lam[s] * at.s[s] - guess.map_or(0.0, |g| g.lam[s] * g.s[s]);
    }
    for (s, aim) in aim.z.iter_mut().enumerate() {
        *aim = centre - at.mu[s] * at.z[s] + guess.map_or(0.0, |g| g.lam[s] * g.z[s]);
    }
    for (i, aim) in aim.l.iter_mut().enumerate() {
        *aim = centre - at.l[i] * (at.w[i] - program.lower[i]) - guess.map_or(0.0, |g| g.l[i] * g.w[i]);
    }
    for (i, aim) in aim.h.iter_mut().enumerate() {
        *aim = centre - at.h[i] * (program.upper[i] - at.w[i]) + guess.map_or(0.0, |g| g.h[i] * g.w[i]);
    }
    aim.q = centre - at.y * at.q - guess.map_or(0.0, |g| g.y * g.q);
}
