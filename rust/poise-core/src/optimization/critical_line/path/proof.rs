//! How well a point of the path meets its optimality conditions, and what is done where rounding has spoilt them.

use super::{Course, LOOSE, Path};
use crate::optimization::active_set::{MARGIN, NOISE};
use crate::optimization::bounds::Side;
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
        let Some(p) = self.free.reference() else { return false };
        let Course { pull, bounds, .. } = self.course;
        let scale = self.scale();
        (0..pull.len()).all(|i| {
            let change = (self.drift[i] - self.drift[p]) - (pull[i] - pull[p]);
            let price = self.slack(i) + 0.5 * delay * change;
            match self.side[i] {
                _ if bounds.lower[i] == bounds.upper[i] || self.joining == Some(i) => true,
                Side::Inside => true,
                Side::Lower => price > MARGIN * self.magnitude(i, scale),
                Side::Upper => -price > MARGIN * self.magnitude(i, scale),
            }
        })
    }

    /// The multiplier of asset `i`'s bound: its gradient over that of a free asset.
    pub(in crate::optimization::critical_line) fn slack(&self, i: usize) -> f64 {
        let Some(p) = self.free.reference() else { return 0.0 };
        (self.gradient[i] - self.gradient[p]) - self.clock * (self.course.pull[i] - self.course.pull[p])
    }

    /// The volatility all weights would have if nothing diversified.
    pub(super) fn scale(&self) -> f64 {
        self.course.hessian.volatility.iter().zip(&self.weights).map(|(v, w)| v * w.abs()).sum()
    }

    /// The size of the terms in asset `i`'s optimality condition.
    pub(super) fn magnitude(&self, i: usize, scale: f64) -> f64 {
        let Some(p) = self.free.reference() else { return 1.0 };
        let Course { hessian, pull, .. } = self.course;
        hessian.volatility[i] * scale + (self.clock * (pull[i] - pull[p])).abs() + self.gradient[p].abs()
    }

    /// The certificate; where rounding has grown into it the free assets are put right first.
    pub(super) fn certify(&mut self) -> f64 {
        let certificate = self.certificate();
        if certificate <= NOISE {
            return certificate;
        }
        if self.free.refresh(&self.course.hessian.matrix).is_err() {
            self.restart(self.clock, f64::INFINITY);
            return self.certificate();
        }
        let downhill: Vec<f64> =
            self.gradient.iter().zip(self.course.pull).map(|(g, m)| self.clock * m - g).collect();
        let before = self.weights.clone();
        self.free.exchange(&downhill, &mut self.exchange);
        for &(i, change) in &self.exchange {
            self.weights[i] = self.course.bounds.clip(i, self.weights[i] + change);
        }
        self.refresh();
        self.correct_clock();
        let mended = self.certificate();
        if mended > certificate {
            self.weights = before;
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
        let scale = self.scale();
        (0..self.weights.len())
            .filter(|&i| self.course.bounds.lower[i] < self.course.bounds.upper[i])
            .map(|i| {
                let slack = self.slack(i);
                let violation = match self.course.bounds.side(i, self.weights[i]) {
                    Side::Inside => slack.abs(),
                    Side::Lower => (-slack).max(0.0),
                    Side::Upper => slack.max(0.0),
                };
                if violation == 0.0 { 0.0 } else { violation / self.magnitude(i, scale) }
            })
            .fold(0.0, larger_or_nan)
    }
}
