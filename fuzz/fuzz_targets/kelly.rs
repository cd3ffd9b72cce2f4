//! Kelly's weights: within their bounds and their budget, never ruined, never worse than cash where cash is allowed,
//! within the drawdown limit, and no portfolio that is easily found grows beyond what the proof leaves possible.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ndarray::{Array1, ArrayView1};
use poise_core::optimization::{KellyRule, kelly};
use poise_fuzz::draw::{Panel, parameter, scenarios, shares};
use poise_fuzz::limits::limits;
use poise_fuzz::{Arbitrary, Result, Unstructured, check};

/// What rounding leaves of a sum of logarithms of numbers around one.
const ROUNDING: f64 = 1e-11;

fuzz_target!(|data: &[u8]| {
    let _ = run(&mut Unstructured::new(data));
});

fn run(u: &mut Unstructured<'_>) -> Result<()> {
    let returns = scenarios(u, 40, 8)?;
    let Some(limits) = limits(u, returns.n_columns())? else { return Ok(()) };
    let shares = shares(u, returns.n_rows())?;
    let rule = KellyRule {
        probabilities: shares.as_ref().map(|shares| shares.view()),
        risk_free_rate: parameter(u, &[0.0, 0.0, 0.001, 0.05, -0.01])?,
        fraction: parameter(u, &[1.0, 1.0, 0.25, 0.5, 1e-3])?,
        drawdown_power: if bool::arbitrary(u)? {
            Some(parameter(u, &[6.456, 1.0, 0.1, 30.0, 1e3])?)
        } else {
            None
        },
    };
    let Ok((solution, proof)) = kelly(returns.view(), rule, &limits.bounds) else { return Ok(()) };
    check::within(&solution, &limits);
    assert!(proof.objective.is_finite() && proof.gap >= 0.0 && proof.gap.is_finite(), "{proof:?}");
    assert!(solution.certificate >= 0.0 && solution.certificate.is_finite(), "{solution:?}");
    if limits.are_vast() {
        return Ok(());
    }
    let own = ArrayView1::from(&solution.weights);
    let gross = own.iter().map(|weight| weight.abs()).sum::<f64>().max(1.0);
    assert!(own.sum() <= rule.fraction + 1e-11 * gross, "{} of {rule:?}: {solution:?}", own.sum());
    let held = wealth(&returns, rule, own);
    assert!(held.iter().all(|value| *value > 0.0), "{held}: {solution:?}");
    // Beside a return of a thousand million, one is rounding.
    if returns.largest() > 1e6 || gross > 1e3 {
        return Ok(());
    }
    if rule.fraction == 1.0 && rule.drawdown_power.is_some() {
        assert!(keeps_limit(&held, rule, ROUNDING), "{held} of {rule:?}: {solution:?}");
    }
    let zeros = Array1::zeros(own.len());
    let reached = proof.objective + proof.gap + ROUNDING * gross;
    let admits = |(low, high): (&f64, &f64)| *low <= 0.0 && *high >= 0.0;
    if limits.lower.iter().zip(&limits.upper).all(admits) {
        let cash = growth(&wealth(&returns, rule, zeros.view()), rule);
        assert!(reached >= cash, "cash grows by {cash:e}, {proof:?} of {solution:?}");
    }
    let total = f64::from(u8::arbitrary(u)?) / 255.0;
    let Some(rival) = limits.rival(u, total)? else { return Ok(()) };
    let found = wealth(&returns, rule, ArrayView1::from(&rival));
    let sound = found.iter().all(|value| *value > 1e-3) && rival.iter().all(|weight| weight.abs() < 1e3);
    if rule.fraction == 1.0 && sound && keeps_limit(&found, rule, 0.0) {
        let other = growth(&found, rule);
        assert!(reached >= other, "{rival:?} grows by {other:e}, {proof:?} of {solution:?}");
    }
    Ok(())
}

/// What one becomes, for every scenario that may come.
fn wealth(returns: &Panel, rule: KellyRule<'_>, weights: ArrayView1<'_, f64>) -> Array1<f64> {
    let cash = 1.0 + rule.risk_free_rate * (1.0 - weights.sum());
    let path = returns.dense.dot(&weights) + cash;
    let chances = chances(path.len(), rule);
    (0..path.len()).filter(|&s| chances[s] > 0.0).map(|s| path[s]).collect()
}

/// Probabilities of sum one; what vanishes beside the largest never comes.
fn chances(n: usize, rule: KellyRule<'_>) -> Array1<f64> {
    let shares = rule.probabilities.map_or_else(|| Array1::ones(n), |shares| shares.to_owned());
    let shares = &shares / shares.iter().fold(0.0_f64, |most, share| most.max(*share));
    &shares / shares.sum()
}

fn mean(values: impl ExactSizeIterator<Item = f64>, rule: KellyRule<'_>) -> f64 {
    let n = rule.probabilities.map_or(values.len(), |shares| shares.len());
    chances(n, rule)
        .iter()
        .filter(|share| **share > 0.0)
        .zip(values)
        .map(|(share, value)| share * value)
        .sum()
}

fn growth(wealth: &Array1<f64>, rule: KellyRule<'_>) -> f64 {
    mean(wealth.iter().map(|value| value.ln()), rule)
}

fn keeps_limit(wealth: &Array1<f64>, rule: KellyRule<'_>, slack: f64) -> bool {
    let Some(power) = rule.drawdown_power else { return true };
    let n = rule.probabilities.map_or(wealth.len(), |shares| shares.len());
    let chances = chances(n, rule);
    // In logarithms: a rare scenario's power may be beyond what floats hold where its part is not.
    let part = |(share, value): (&f64, &f64)| (share.ln() - power * value.ln()).exp();
    let sum: f64 = chances.iter().filter(|share| **share > 0.0).zip(wealth).map(part).sum();
    sum <= 1.0 + slack * power.max(1.0)
}
