//! The primal-dual interior point of the programs of losses beyond a quantile.
//!
//! Minimise `t + c'z` over weights `w` between bounds, `t` and the excesses `z >= 0`, where the slacks
//! `s = z + X w + t` are not negative: `X` the returns, `c` the probabilities over the tail's mass. Mehrotra's
//! predictor and corrector; the excesses and slacks are eliminated by hand, which leaves one product `X' D X` and
//! one factor of the size of the weights a step, and a small one of the equations in `stiff`. Names: `lam` prices the
//! slacks, `mu = c - lam` the excesses, `l` and `h` the bounds, `y` the floor of the expected return, `nu` the budget.

use super::point::{Moves, Point, add};
use super::program::TailProgram;
use super::stiff::Stiff;
use crate::optimization::{cholesky, dense::dot, scenarios::GramRoom};

/// Complementarity, relative to the objective, at which the point is left to the face and the certificate.
const GOAL: f64 = 1e-11;

const MOST_STEPS: usize = 100;

/// The best point, and the steps it took; the first point where not even one step was possible.
pub(super) fn solve(program: &TailProgram) -> (Point, usize) {
    let mut point = Point::start(program);
    let mut system = System::new(program);
    // Where rounding rules, as beside a perfect hedge, later points may be worse.
    let mut best = (f64::INFINITY, point.clone());
    for taken in 0..MOST_STEPS {
        let gap = point.gap(program);
        let enough = GOAL * point.w[program.n()].abs().max(program.size(&point.w));
        let off = gap.max(system.balance(program, &point));
        if off < best.0 {
            best = (off, point.clone());
        }
        if gap.is_nan() || off <= enough || !system.prepare(program, &point) {
            return (best.1, taken);
        }
        let Some((step, primal, dual)) = system.step(program, &point, gap) else { return (best.1, taken) };
        let mut next = point.clone();
        next.advance(&step, primal, dual);
        if !next.w.iter().chain(&next.lam).all(|value| value.is_finite()) {
            return (best.1, taken);
        }
        point = next;
        if primal.max(dual) < 1e-8 {
            return (best.1, taken + 1);
        }
    }
    (best.1, MOST_STEPS)
}

/// The factored system of one step, and room for its parts.
struct System {
    room: GramRoom,
    /// Factor of `M`: bounds, and scenarios as far as they are soft.
    factor: Vec<f64>,
    soft: Vec<f64>,
    stiff: Stiff,
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
            soft: vec![0.0; n_rows],
            stiff: Stiff::default(),
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

    /// Factors the system of the point; false where rounding left no factor.
    fn prepare(&mut self, program: &TailProgram, at: &Point) -> bool {
        let (n, size) = (program.n(), program.n() + 1);
        let Self { room, factor, soft, stiff, .. } = self;
        soft.iter_mut().enumerate().for_each(|(s, soft)| *soft = at.stiffness(s));
        stiff.take(soft, program);
        program.x.gram(soft, room, factor);
        for (i, row) in factor.chunks_exact_mut(size).enumerate().take(n) {
            row[i] += at.l[i] / (at.w[i] - program.lower[i]) + at.h[i] / (program.upper[i] - at.w[i]);
        }
        cholesky::factor(factor, size, 0.0).is_ok() && stiff.factor(program, at, factor)
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
        let reach = |s: usize| aim.s[s] / at.lam[s] - aim.z[s] / at.mu[s];
        for (s, (along, soft)) in self.along.iter_mut().zip(&self.soft).enumerate() {
            *along = soft * reach(s);
        }
        program.x.transposed_times(&self.along, &mut step.w);
        for (i, w) in step.w[..n].iter_mut().enumerate() {
            *w += aim.l[i] / (at.w[i] - program.lower[i]) - aim.h[i] / (program.upper[i] - at.w[i])
                + self.unbalanced[i];
        }
        step.w[n] -= self.unbalanced[n];
        let off = program.floor.as_ref().map_or(0.0, |(gain, least)| at.q - dot(gain, &at.w[..n]) + least);
        let mut prices: Vec<f64> = self.stiff.scenarios.iter().map(|&s| reach(s)).collect();
        prices.extend(program.floor.as_ref().map(|_| aim.q / at.y + off));
        prices.push(program.total - at.w[..n].iter().sum::<f64>());
        self.stiff.solve(&self.factor, &mut step.w, &mut prices);
        step.nu = prices.last().copied()?;
        program.x.times(&step.w, &mut step.s);
        for (s, k) in step.s.iter().enumerate() {
            step.lam[s] = self.along[s] - self.soft[s] * k;
        }
        self.stiff.scenarios.iter().zip(&prices).for_each(|(&s, price)| step.lam[s] += price);
        for s in 0..n_rows {
            step.z[s] = (aim.z[s] + at.z[s] * step.lam[s]) / at.mu[s];
            step.s[s] += step.z[s];
        }
        for i in 0..n {
            step.l[i] = (aim.l[i] - at.l[i] * step.w[i]) / (at.w[i] - program.lower[i]);
            step.h[i] = (aim.h[i] + at.h[i] * step.w[i]) / (program.upper[i] - at.w[i]);
        }
        if let Some((gain, _)) = &program.floor {
            step.q = dot(gain, &step.w[..n]) - off;
            step.y = prices[self.stiff.scenarios.len()];
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
