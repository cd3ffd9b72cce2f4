//! How well a point of the path meets its optimality conditions, and what is done where rounding has spoilt them.

use super::{Course, LOOSE, Path};
use crate::optimization::active_set::{MARGIN, NOISE};
use crate::optimization::bounds::Side;
use crate::optimization::dense::size;
use crate::optimization::quadratic::larger_or_nan;

impl Path<'_> {
    /// From here on, looks whether the weights are the only ones as good.
    pub(in crate::optimization::critical_line) fn watch(&mut self, wanted: bool) {
        self.is_unique = wanted && self.is_curved() && self.is_decided(0.0);
    }

    /// Whether, since it is watched, no other weights were as good between any two knots.
    pub(in crate::optimization::critical_line) fn is_unique(&self) -> bool {
        self.is_unique
    }

    /// Whether every exchange among the free assets costs variance, by a margin that rounding does not reach.
    pub(super) fn is_curved(&self) -> bool {
        self.free.is_definite(&self.course.hessian.matrix, MARGIN)
    }

    /// Whether halfway through a step every bound has a price, by that margin.
    ///
    /// Prices are straight lines of the clock: one that is positive there and nowhere negative is so all the way.
    pub(super) fn is_decided(&self, delay: f64) -> bool {
        let Some(level) = self.level() else { return false };
        let scale = self.scale();
        let bounds = self.course.bounds.lower.iter().zip(&self.course.bounds.upper);
        let pulled = self.gradient.iter().zip(&self.drift).zip(self.course.pull);
        let assets = self.side.iter().zip(pulled.zip(&self.course.hessian.volatility)).zip(bounds);
        assets.enumerate().all(|(i, ((side, (((gradient, drift), pull), volatility)), (low, high)))| {
            let price = level.slack(*gradient, *pull) + 0.5 * delay * level.closing(*drift, *pull);
            let price = match side {
                Side::Inside => return true,
                Side::Lower => price,
                Side::Upper => -price,
            };
            price > MARGIN * level.magnitude(*pull, *volatility, scale)
                || low == high
                || self.joining == Some(i)
        })
    }

    /// What the conditions of the others are measured against.
    pub(in crate::optimization::critical_line) fn level(&self) -> Option<Level> {
        let p = self.free.reference()?;
        let (gradient, drift) = (self.gradient[p], self.drift[p]);
        Some(Level { gradient, drift, pull: self.course.pull[p], clock: self.clock })
    }

    /// The multiplier of asset `i`'s bound: its gradient over that of a free asset.
    pub(in crate::optimization::critical_line) fn slack(&self, i: usize) -> f64 {
        self.level().map_or(0.0, |level| level.slack(self.gradient[i], self.course.pull[i]))
    }

    /// The volatility all weights would have if nothing diversified.
    pub(super) fn scale(&self) -> f64 {
        size(&self.course.hessian.volatility, &self.weights)
    }

    /// The size of the terms in asset `i`'s optimality condition.
    pub(super) fn magnitude(&self, i: usize, scale: f64) -> f64 {
        let Course { hessian, pull, .. } = self.course;
        self.level().map_or(1.0, |level| level.magnitude(pull[i], hessian.volatility[i], scale))
    }

    /// The certificate; where rounding has grown into it the free assets are put right first.
    pub(super) fn certify(&mut self) -> f64 {
        let mut certificate = self.certificate();
        if certificate <= NOISE {
            return certificate;
        }
        if self.since_fresh > 0 {
            self.refresh();
            certificate = self.certificate();
        }
        if self.free.refresh(&self.course.hessian.matrix).is_err() {
            self.restart(self.clock, f64::INFINITY);
            return self.certificate();
        }
        let downhill: Vec<f64> =
            self.gradient.iter().zip(self.course.pull).map(|(g, m)| self.clock * m - g).collect();
        let before = (self.clock, self.weights.clone());
        self.free.exchange(&downhill, 1.0, &mut self.exchange);
        for &(i, change) in &self.exchange {
            self.weights[i] = self.course.bounds.clip(i, self.weights[i] + change);
        }
        self.refresh();
        self.correct_clock();
        let mended = self.certificate();
        if mended > certificate {
            (self.clock, self.weights) = before;
            self.refresh();
        }
        mended.min(certificate)
    }

    /// Puts the clock where the multiplier of whoever joins is zero: a long step leaves it off by its rounding.
    fn correct_clock(&mut self) {
        let (Some(i), Some(p)) = (self.joining, self.free.reference()) else { return };
        let change = (self.drift[i] - self.drift[p]) - (self.course.pull[i] - self.course.pull[p]);
        let delay = -self.slack(i) / change;
        if delay.abs() <= LOOSE {
            self.clock += delay;
            for (i, velocity) in self.velocity.iter().enumerate() {
                self.weights[i] = self.course.bounds.clip(i, self.weights[i] + delay * velocity);
            }
            self.refresh();
        }
    }

    fn certificate(&self) -> f64 {
        let Some(level) = self.level() else { return 0.0 };
        let scale = self.scale();
        let bounds = self.course.bounds.lower.iter().zip(&self.course.bounds.upper);
        let pulled = self.gradient.iter().zip(self.course.pull).zip(&self.course.hessian.volatility);
        let mut worst = 0.0;
        for (i, ((((gradient, pull), volatility), weight), (low, high))) in
            pulled.zip(&self.weights).zip(bounds).enumerate()
        {
            let slack = level.slack(*gradient, *pull);
            // Whoever joins early would take what is left of its price along to the next knot.
            let violation = if self.joining == Some(i) {
                slack.abs()
            } else if weight <= low {
                (-slack).max(0.0)
            } else if weight >= high {
                slack.max(0.0)
            } else {
                slack.abs()
            };
            if violation != 0.0 && low < high {
                worst = larger_or_nan(worst, violation / level.magnitude(*pull, *volatility, scale));
            }
        }
        worst
    }
}

/// What every asset's optimality condition is measured against: a free asset, at the time.
#[derive(Debug, Clone, Copy)]
pub(in crate::optimization::critical_line) struct Level {
    gradient: f64,
    drift: f64,
    pub(in crate::optimization::critical_line) pull: f64,
    clock: f64,
}

impl Level {
    /// The multiplier of an asset's bound.
    pub(in crate::optimization::critical_line) fn slack(&self, gradient: f64, pull: f64) -> f64 {
        (gradient - self.gradient) - self.clock * (pull - self.pull)
    }

    /// How it changes per unit of the clock.
    pub(in crate::optimization::critical_line) fn closing(&self, drift: f64, pull: f64) -> f64 {
        (drift - self.drift) - (pull - self.pull)
    }

    /// The size of the terms it is the rest of.
    fn magnitude(&self, pull: f64, volatility: f64, scale: f64) -> f64 {
        volatility * scale + (self.clock * (pull - self.pull)).abs() + self.gradient.abs()
    }
}
