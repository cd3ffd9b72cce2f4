//! The path of the minima of `1/2 w'Hw - t m'w` over bounds and a budget, while the clock `t` runs.
//!
//! Between two knots the weights move in a straight line, the free assets exchanging among themselves as `m`
//! pulls. At a knot one of them reaches a bound, or the multiplier of one at a bound reaches zero. Where several
//! do so at once the way on is itself a small quadratic problem (`turn`); where rounding spoils even that, the
//! problem is solved afresh a moment later (`restart`), so the path always reaches its end.

mod proof;

use super::event::Event;
use crate::optimization::active_set::Walk;
use crate::optimization::bounds::{Bounds, Side};
use crate::optimization::dense::{add_scaled, dot};
use crate::optimization::free_block::FreeBlock;
use crate::optimization::quadratic::{Hessian, Quadratic};

/// Steps after which the gradient is computed afresh.
const FRESH: usize = 16;

/// A step of the clock below this part of it is none.
const NO_STEP: f64 = 1e-14;

/// Weights this close to a bound, and multipliers this close to zero (relative), may go either way at a knot.
const LOOSE: f64 = 1e-12;

/// The first leap over a knot that rounding has spoilt, as a part of the clock.
const LEAP: f64 = 1e-11;

/// What the path follows.
#[derive(Debug, Clone, Copy)]
pub(in crate::optimization) struct Course<'a> {
    pub(in crate::optimization) hessian: &'a Hessian,
    /// `m`.
    pub(in crate::optimization) pull: &'a [f64],
    pub(in crate::optimization) bounds: &'a Bounds,
    pub(in crate::optimization) total: f64,
}

impl<'a> Course<'a> {
    pub(super) fn problem<'b>(&self, linear: &'b [f64]) -> Quadratic<'b>
    where
        'a: 'b,
    {
        Quadratic { hessian: self.hessian, linear, bounds: self.bounds, total: self.total }
    }
}

/// Where the path stands.
pub(in crate::optimization) struct Path<'a> {
    pub(super) course: Course<'a>,
    pub(super) clock: f64,
    pub(super) weights: Vec<f64>,
    pub(super) side: Vec<Side>,
    pub(super) free: FreeBlock,
    /// `Hw`, and how the weights and it change per unit of the clock.
    pub(super) gradient: Vec<f64>,
    pub(super) velocity: Vec<f64>,
    pub(super) drift: Vec<f64>,
    pub(super) exchange: Vec<(usize, f64)>,
    /// Who joins the free ones once this knot has been seen.
    pub(super) joining: Option<usize>,
    /// Whether, since it is watched, no other weights were as good between any two knots.
    is_unique: bool,
    since_fresh: usize,
    steps: usize,
}

/// What is seen at a knot.
pub(in crate::optimization) struct Knot<'p> {
    pub(in crate::optimization) clock: f64,
    pub(in crate::optimization) weights: &'p [f64],
    /// `w'Hw`.
    pub(in crate::optimization) variance: f64,
    /// The largest violation of the optimality conditions, relative to the terms it is made of.
    pub(in crate::optimization) certificate: f64,
}

impl<'a> Path<'a> {
    pub(super) fn new(course: Course<'a>, clock: f64, walk: Walk<'_>) -> Self {
        let n = course.pull.len();
        let (weights, side, free) = walk.into_face();
        let mut path = Self {
            course,
            clock,
            weights,
            side,
            free,
            gradient: vec![0.0; n],
            velocity: vec![0.0; n],
            drift: vec![0.0; n],
            exchange: Vec::with_capacity(n),
            joining: None,
            is_unique: false,
            since_fresh: 0,
            steps: 0,
        };
        path.refresh();
        path
    }

    /// Follows the path up to `end` and shows every knot, until a visitor has seen enough.
    ///
    /// Without an event before an infinite end the path goes straight on for ever, along `velocity`.
    pub(in crate::optimization) fn follow(&mut self, end: f64, mut visit: impl FnMut(&Knot<'_>) -> bool) {
        loop {
            let certificate = self.certify();
            let variance = dot(&self.weights, &self.gradient);
            let knot = Knot { clock: self.clock, weights: &self.weights, variance, certificate };
            if !visit(&knot) || self.clock >= end || !self.advance(end) {
                return;
            }
        }
    }

    /// How the weights change per unit of the clock from here on.
    pub(in crate::optimization) fn velocity(&self) -> &[f64] {
        &self.velocity
    }

    /// Steps taken so far.
    pub(in crate::optimization) fn steps(&self) -> usize {
        self.steps
    }

    /// Goes to the next knot; false where there is none before an infinite end.
    fn advance(&mut self, end: f64) -> bool {
        self.steps += 1;
        if let Some(asset) = self.joining.take() {
            self.join(asset);
        }
        self.survey();
        let patience = 1000 + 50 * self.weights.len();
        for attempt in 0_i32.. {
            let Some(event) = self.nearest_event().filter(|event| self.clock + event.delay < end) else {
                return self.glide(end);
            };
            let no_step = self.no_step();
            if self.steps > patience {
                let leap = (0.125 * (end - self.clock)).min(1.0 + self.clock.abs());
                self.restart(self.clock + leap.max(no_step), end);
                return true;
            }
            if event.delay > no_step {
                self.pass(event);
                return true;
            }
            if attempt == 0 {
                // Most often one takes another's place at a bound.
                self.pass(event);
                if let Some(asset) = self.joining.take() {
                    self.join(asset);
                }
            } else if attempt == 1 {
                self.turn();
            } else {
                self.restart(self.clock + LEAP * 4.0_f64.powi(attempt) * (0.1 + self.clock.abs()), end);
                return true;
            }
            self.survey();
        }
        true
    }

    fn no_step(&self) -> f64 {
        NO_STEP * (0.1 + self.clock.abs())
    }

    /// The direction of the weights on this face.
    fn survey(&mut self) {
        self.free.exchange(self.course.pull, 1.0, &mut self.exchange);
        self.velocity.fill(0.0);
        for &(i, change) in &self.exchange {
            self.velocity[i] = change;
        }
        self.course.hessian.matrix.multiply_into(&self.velocity, &mut self.drift);
        self.is_unique = self.is_unique && self.is_curved();
    }

    /// Straight on to the end.
    fn glide(&mut self, end: f64) -> bool {
        if end.is_finite() {
            self.shift(end - self.clock);
            self.clock = end;
            self.refresh();
        } else {
            self.is_unique = self.is_unique && self.is_decided(1.0 + self.clock.abs());
        }
        end.is_finite()
    }

    fn shift(&mut self, delay: f64) {
        self.is_unique = self.is_unique && (delay <= self.no_step() || self.is_decided(delay));
        self.clock += delay;
        for &(i, change) in &self.exchange {
            self.weights[i] = self.course.bounds.clip(i, self.weights[i] + delay * change);
        }
        add_scaled(&mut self.gradient, delay, &self.drift);
        self.since_fresh += 1;
        if self.since_fresh >= FRESH {
            self.refresh();
        }
    }

    /// Moves to an event.
    ///
    /// Whoever stops at a bound leaves the free ones at once, whoever joins does so after the knot: what is put
    /// right at the knot then moves nobody away from a bound.
    fn pass(&mut self, event: Event) {
        self.shift(event.delay);
        let (i, Bounds { lower, upper }) = (event.asset, self.course.bounds);
        match event.side {
            Side::Inside => {
                self.joining = Some(i);
                return;
            }
            Side::Lower => self.weights[i] = lower[i],
            Side::Upper => self.weights[i] = upper[i],
        }
        self.side[i] = event.side;
        if self.free.remove(&self.course.hessian.matrix, i).is_err() {
            self.restart(self.clock, f64::INFINITY);
        }
    }

    fn join(&mut self, asset: usize) {
        self.side[asset] = Side::Inside;
        if self.free.push(&self.course.hessian.matrix, asset).is_err() {
            self.restart(self.clock, f64::INFINITY);
        }
    }

    /// The exact sum, and the gradient without the rounding of its updates.
    fn refresh(&mut self) {
        self.course.bounds.settle(&mut self.weights, self.course.total);
        self.course.hessian.matrix.multiply_into(&self.weights, &mut self.gradient);
        self.since_fresh = 0;
    }

    /// Among assets that may join or leave at once: those that do.
    ///
    /// The velocities minimise `1/2 v'Hv - m'v` with those at a bound held from going beyond it.
    fn turn(&mut self) {
        self.is_unique = false;
        let n = self.weights.len();
        let (mut lower, mut upper) = (vec![0.0; n], vec![0.0; n]);
        let scale = self.scale();
        for i in 0..n {
            let (down, up) = self.leeway(i, scale);
            lower[i] = if down { f64::NEG_INFINITY } else { 0.0 };
            upper[i] = if up { f64::INFINITY } else { 0.0 };
        }
        let bounds = Bounds { lower, upper };
        let Course { hessian, pull, .. } = self.course;
        let mut walk =
            Walk::new(Quadratic { hessian, linear: pull, bounds: &bounds, total: 0.0 }, vec![0.0; n]);
        walk.descend();
        let (_, side, free) = walk.into_face();
        for (i, side) in side.into_iter().enumerate() {
            if bounds.lower[i] < bounds.upper[i] {
                self.side[i] = side;
                self.weights[i] = match side {
                    Side::Inside => self.weights[i],
                    Side::Lower => self.course.bounds.lower[i],
                    Side::Upper => self.course.bounds.upper[i],
                };
            }
        }
        self.free = free;
        self.refresh();
    }

    /// Whether asset `i` may move down, and whether up.
    fn leeway(&self, i: usize, scale: f64) -> (bool, bool) {
        let (low, high, weight) = (self.course.bounds.lower[i], self.course.bounds.upper[i], self.weights[i]);
        let near = LOOSE * (1.0 + weight.abs());
        if low == high {
            return (false, false);
        }
        let loose = self.slack(i).abs() <= LOOSE * self.magnitude(i, scale);
        match self.side[i] {
            Side::Inside => (weight - low > near, high - weight > near),
            Side::Lower => (false, loose),
            Side::Upper => (loose, false),
        }
    }

    /// Solves afresh at a later clock, from the weights held.
    fn restart(&mut self, clock: f64, end: f64) {
        self.is_unique = false;
        self.clock = clock.min(end);
        let linear: Vec<f64> = self.course.pull.iter().map(|m| self.clock * m).collect();
        self.course.bounds.settle(&mut self.weights, self.course.total);
        let mut walk = Walk::new(self.course.problem(&linear), std::mem::take(&mut self.weights));
        walk.descend();
        walk.polish();
        (self.weights, self.side, self.free) = walk.into_face();
        self.refresh();
    }
}
