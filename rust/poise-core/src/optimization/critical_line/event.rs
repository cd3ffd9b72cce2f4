//! What happens next on the path: who reaches a bound, and whose bound gives way.

use super::path::{Course, Path};
use crate::optimization::active_set::NOISE;
use crate::optimization::bounds::Side;

/// A velocity below this part of the largest one is rounding.
const STILL: f64 = 1e-14;

/// An asset that joins the free ones (`Inside`) or stops at a bound.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Event {
    pub(super) delay: f64,
    pub(super) asset: usize,
    pub(super) side: Side,
}

impl Path<'_> {
    /// The first event from here on; the lowest asset's where several come together.
    pub(super) fn nearest_event(&self) -> Option<Event> {
        let level = self.level()?;
        let Course { hessian, pull, bounds, .. } = self.course;
        let fastest = self.exchange.iter().fold(0.0_f64, |most, (_, velocity)| most.max(velocity.abs()));
        let moved: f64 =
            self.exchange.iter().map(|&(i, velocity)| hessian.volatility[i] * velocity.abs()).sum();
        let n = self.side.len();
        // Cut to one length, so that no access needs a check.
        let (lower, upper, weights) = (&bounds.lower[..n], &bounds.upper[..n], &self.weights[..n]);
        let (gradient, drift, velocity) = (&self.gradient[..n], &self.drift[..n], &self.velocity[..n]);
        let (pull, volatility) = (&pull[..n], &hessian.volatility[..n]);
        let mut nearest: Option<Event> = None;
        for (asset, &side) in self.side.iter().enumerate() {
            let (room, speed, side) = match side {
                Side::Inside => {
                    let (weight, velocity) = (weights[asset], velocity[asset]);
                    if velocity.abs() <= STILL * fastest {
                        continue;
                    }
                    if velocity < 0.0 {
                        (weight - lower[asset], -velocity, Side::Lower)
                    } else {
                        (upper[asset] - weight, velocity, Side::Upper)
                    }
                }
                side => {
                    let towards = if side == Side::Lower { -1.0 } else { 1.0 };
                    let closing = towards * level.closing(drift[asset], pull[asset]);
                    let rounding = volatility[asset] * moved + (pull[asset] - level.pull).abs();
                    if closing <= NOISE * rounding || lower[asset] == upper[asset] {
                        continue;
                    }
                    (-towards * level.slack(gradient[asset], pull[asset]), closing, Side::Inside)
                }
            };
            let delay = room.max(0.0) / speed;
            if delay.is_finite() && nearest.is_none_or(|event| delay < event.delay) {
                nearest = Some(Event { delay, asset, side });
            }
        }
        nearest
    }
}
