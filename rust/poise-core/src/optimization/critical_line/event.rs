//! What happens next on the path: who reaches a bound, and whose bound gives way.

use super::path::Path;
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
        let fastest = self.velocity.iter().fold(0.0_f64, |most, v| most.max(v.abs()));
        let p = self.free.reference()?;
        let course = self.course;
        let volatility = &course.hessian.volatility;
        let moved: f64 = volatility.iter().zip(&self.velocity).map(|(v, x)| v * x.abs()).sum();
        let (drift, pull) = (self.drift[p], course.pull[p]);
        let mut nearest: Option<Event> = None;
        for (asset, &side) in self.side.iter().enumerate() {
            let (low, high) = (course.bounds.lower[asset], course.bounds.upper[asset]);
            let (room, speed, side) = match side {
                Side::Inside => {
                    let velocity = self.velocity[asset];
                    if velocity.abs() <= STILL * fastest {
                        continue;
                    }
                    let weight = self.weights[asset];
                    if velocity < 0.0 {
                        (weight - low, -velocity, Side::Lower)
                    } else {
                        (high - weight, velocity, Side::Upper)
                    }
                }
                side => {
                    let towards = if side == Side::Lower { -1.0 } else { 1.0 };
                    let pulled = course.pull[asset] - pull;
                    let closing = towards * ((self.drift[asset] - drift) - pulled);
                    if low == high || closing <= NOISE * (volatility[asset] * moved + pulled.abs()) {
                        continue;
                    }
                    (-towards * self.slack(asset), closing, Side::Inside)
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
