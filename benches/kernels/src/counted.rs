//! The kernels whose instructions are counted, each ready to run on fixed input.

use std::hint::black_box;

use ndarray::{Array1, Array2, Array3};
use poise_core::moments::{self, EwmaRule, EwmaState};
use poise_core::optimization::{self, Bounds, Program};
use poise_core::regime::{self, HmmSettings, JumpSettings, RegimeDetector};
use poise_core::risk::{self, RollingTail};
use poise_core::{Error, Result};

use crate::inputs;

const HALF_LIFE: f64 = 30.0;

const CONFIDENCE_LEVEL: f64 = 0.95;

/// One call of a kernel.
pub type Call = Box<dyn FnMut() -> Result<()>>;

/// A kernel under a name that stays, so that counts compare.
pub struct Counted {
    /// Kernel and size.
    pub name: &'static str,
    /// Calls that are counted together: many where one call does little or does not always do the same.
    pub calls: usize,
    prepare: fn() -> Result<Call>,
}

impl Counted {
    /// Makes the input; what the returned call does is the kernel alone.
    ///
    /// # Errors
    /// Those of the kernel.
    pub fn prepare(&self) -> Result<Call> {
        (self.prepare)()
    }
}

/// The hottest kernels: those of the live tick, of a decision, and of the batches behind them.
pub const COUNTED: [Counted; 17] = [
    Counted { name: "ewma tick N=50", calls: 1000, prepare: || ewma_tick(50) },
    Counted { name: "ewma tick N=500", calls: 200, prepare: || ewma_tick(500) },
    Counted { name: "ewma path T=200 N=50", calls: 1, prepare: ewma_path },
    Counted { name: "ewma last T=1000 N=100", calls: 1, prepare: ewma_last },
    Counted { name: "ledoit-wolf T=1000 N=100", calls: 1, prepare: ledoit_wolf },
    Counted { name: "historical tail T=1000", calls: 10, prepare: || historical_tail(1_000) },
    Counted { name: "historical tail T=100000", calls: 1, prepare: || historical_tail(100_000) },
    Counted { name: "rolling tail step window=500", calls: 1000, prepare: rolling_tail_step },
    Counted { name: "max drawdown T=10000", calls: 1, prepare: max_drawdown },
    Counted { name: "risk parity N=50", calls: 1, prepare: || risk_parity(50) },
    Counted { name: "risk parity N=200", calls: 1, prepare: || risk_parity(200) },
    Counted { name: "minimum variance N=50", calls: 1, prepare: minimum_variance },
    Counted { name: "program N=50, five groups", calls: 1, prepare: grouped_program },
    Counted { name: "hmm filter step K=3 F=5", calls: 1000, prepare: hmm_step },
    Counted { name: "regime detector bar N=50", calls: 900, prepare: detector_bar },
    Counted { name: "hmm 20 iterations T=1000 K=3 F=5", calls: 1, prepare: hmm_fit },
    Counted { name: "jump fit T=1000 K=3 F=5", calls: 1, prepare: jump_fit },
];

/// Keeps the answer alive, so that nothing of the call is optimised away.
fn call<T>(mut kernel: impl FnMut() -> Result<T> + 'static) -> Result<Call> {
    Ok(Box::new(move || {
        black_box(kernel()?);
        Ok(())
    }))
}

/// 0, 1, ..., n - 1, 0, 1, ...
fn in_turn(n: usize) -> impl FnMut() -> usize {
    let mut next = 0;
    move || {
        let index = next;
        next = if index + 1 == n { 0 } else { index + 1 };
        index
    }
}

fn ewma_tick(n_assets: usize) -> Result<Call> {
    let rows = inputs::returns(100, n_assets);
    let mut state = EwmaState::new(n_assets, EwmaRule::new(HALF_LIFE))?;
    let mut next = in_turn(rows.nrows());
    call(move || state.update(rows.row(next())))
}

fn ewma_path() -> Result<Call> {
    let returns = inputs::returns(200, 50);
    let mut out = Array3::zeros((200, 50, 50));
    call(move || moments::ewma_covariance_path(returns.view(), &EwmaRule::new(HALF_LIFE), out.view_mut()))
}

fn ewma_last() -> Result<Call> {
    let returns = inputs::returns(1000, 100);
    call(move || moments::ewma_covariance(returns.view(), &EwmaRule::new(HALF_LIFE)))
}

fn ledoit_wolf() -> Result<Call> {
    let returns = inputs::returns(1000, 100);
    call(move || moments::ledoit_wolf(returns.view()))
}

fn historical_tail(n_observations: usize) -> Result<Call> {
    let returns = inputs::series(n_observations);
    call(move || risk::historical_tail(returns.view(), CONFIDENCE_LEVEL))
}

fn rolling_tail_step() -> Result<Call> {
    let returns = inputs::series(2000);
    let mut rolling = RollingTail::new(500, CONFIDENCE_LEVEL)?;
    for &value in &returns {
        rolling.push(value)?;
    }
    let mut next = in_turn(returns.len());
    call(move || rolling.push(returns[next()]))
}

fn max_drawdown() -> Result<Call> {
    let returns = inputs::series(10_000);
    call(move || risk::max_drawdown(returns.view()))
}

fn risk_parity(n_assets: usize) -> Result<Call> {
    let covariance = inputs::covariance(n_assets)?;
    let bounds = Bounds::uniform(n_assets, 0.0, 1.0)?;
    call(move || optimization::risk_parity(covariance.view(), None, &bounds))
}

fn minimum_variance() -> Result<Call> {
    let covariance = inputs::covariance(50)?;
    let bounds = Bounds::uniform(50, 0.0, 1.0)?;
    call(move || optimization::minimum_variance(covariance.view(), &bounds))
}

/// Least variance with a floor and a cap for each fifth of the assets.
fn grouped_program() -> Result<Call> {
    let covariance = inputs::covariance(50)?;
    let bounds = Bounds::uniform(50, 0.0, 1.0)?;
    let rows = Array2::from_shape_fn((5, 50), |(group, asset)| f64::from(u8::from(asset % 5 == group)));
    let (linear, low, high) = (Array1::zeros(50), Array1::from_elem(5, 0.1), Array1::from_elem(5, 0.25));
    call(move || {
        let program = Program {
            hessian: covariance.view(),
            linear: linear.view(),
            bounds: &bounds,
            total: (1.0, 1.0),
            rows: rows.view(),
            row_lower: low.view(),
            row_upper: high.view(),
            trading: None,
        };
        optimization::quadratic_program(&program, None)
    })
}

/// One start, because more would be shared out between as many threads as the machine has; a tolerance of 0, so
/// that all iterations are made.
const HMM: HmmSettings = HmmSettings {
    n_states: 3,
    full: true,
    n_restarts: 1,
    sticky: 0.0,
    max_iterations: 20,
    tolerance: 0.0,
    seed: 7,
};

fn hmm_step() -> Result<Call> {
    let features = inputs::features(1000, 5);
    let mut model = regime::fit_gaussian_hmm(features.view(), &HMM)?.model;
    let mut next = in_turn(features.nrows());
    call(move || model.step(features.row(next())).map(|probabilities| probabilities[0]))
}

/// As many bars as ten periods between two fits of the calibration.
fn detector_bar() -> Result<Call> {
    let returns = inputs::returns(3000, 50);
    let mut detector = RegimeDetector::new(Array1::from_elem(50, 0.02).view())?;
    detector.follow(returns.view(), |_, _| {})?;
    let mut next = in_turn(returns.nrows());
    call(move || detector.step(returns.row(next())).map(|state| state.copied()))
}

fn hmm_fit() -> Result<Call> {
    let features = inputs::features(1000, 5);
    call(move || {
        let fit = regime::fit_gaussian_hmm(features.view(), &HMM)?;
        // A run that ended early would cost less without being faster.
        if fit.n_iterations < HMM.max_iterations {
            let value = fit.n_iterations as f64;
            return Err(Error::OutOfRange { what: "the number of iterations", value, range: "exactly 20" });
        }
        Ok(fit)
    })
}

fn jump_fit() -> Result<Call> {
    let features = inputs::features(1000, 5);
    let settings = JumpSettings { n_states: 3, jump_penalty: 10.0, n_restarts: 1, seed: 7 };
    call(move || regime::fit_jump_model(features.view(), &settings))
}

/// The kernel of that name.
pub fn find(name: &str) -> Option<&'static Counted> {
    COUNTED.iter().find(|counted| counted.name == name)
}

/// Makes the counted calls: callgrind collects between entry and exit of this function, which is why it must
/// stay one.
///
/// # Errors
/// Those of the kernel.
#[inline(never)]
pub fn measured_calls(call: &mut Call, calls: usize) -> Result<()> {
    for _ in 0..calls {
        call()?;
    }
    Ok(())
}
