//! Minimum conditional value at risk: weights within their bounds that sum to one and earn what is asked, and no
//! portfolio that is easily found has a risk below what the proof leaves possible.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ndarray::{Array1, ArrayView1, Axis};
use poise_core::optimization::{TailRule, minimum_cvar};
use poise_core::risk::{historical_tail, weighted_tail};
use poise_fuzz::draw::{Panel, confidence_level, reals, scenarios, shares};
use poise_fuzz::limits::limits;
use poise_fuzz::{Arbitrary, Result, Unstructured, check};

fuzz_target!(|data: &[u8]| {
    let _ = run(&mut Unstructured::new(data));
});

fn run(u: &mut Unstructured<'_>) -> Result<()> {
    let returns = scenarios(u, 40, 8)?;
    let n = returns.n_columns();
    let Some(limits) = limits(u, n)? else { return Ok(()) };
    let level = confidence_level(u)?;
    let shares = shares(u, returns.n_rows())?;
    let expected = match u.int_in_range(0..=3)? {
        0 => reals(u, n)?,
        _ => returns.dense.mean_axis(Axis(0)).unwrap_or_default(),
    };
    let least = f64::from(i8::arbitrary(u)?) / 1000.0;
    let floor = bool::arbitrary(u)?.then_some((expected.view(), least));
    let probabilities = shares.as_ref().map(|shares| shares.view());
    let rule = TailRule { confidence_level: level, probabilities, floor };
    let Ok((solution, proof)) = minimum_cvar(returns.view(), rule, &limits.bounds) else { return Ok(()) };
    check::solution(&solution, &limits);
    assert!(proof.objective.is_finite() && proof.gap >= 0.0 && proof.gap.is_finite(), "{proof:?}");
    let Some(rival) = limits.rival(u, 1.0)? else { return Ok(()) };
    let rival = ArrayView1::from(&rival);
    let own = ArrayView1::from(&solution.weights);
    // An asset whose return never varies is left out by convention, although holding it may lower the risk.
    let judged = |weights: ArrayView1<'_, f64>| weights.iter().all(|weight| weight.abs() <= 1e3);
    let vast = |values: &Array1<f64>| values.iter().any(|value| value.abs() > 1e60);
    let largest = returns.largest();
    let tame = (1e-60..1e60).contains(&largest) && !vast(&expected) && judged(own) && judged(rival);
    if !tame || limits.are_vast() || !solution.riskless.is_empty() {
        return Ok(());
    }
    let gross = 1.0 + own.iter().chain(&rival).map(|weight| weight.abs()).sum::<f64>();
    if floor.is_some() {
        if expected.dot(&rival) < least {
            return Ok(());
        }
        let unit = expected.iter().fold(0.0_f64, |most, mean| most.max(mean.abs()));
        let earned = expected.dot(&own);
        assert!(
            earned >= least - 1e-9 * unit * gross - f64::MIN_POSITIVE,
            "{earned:e} is below {least:e}: {solution:?}"
        );
    }
    let other = risk(&returns, rule, rival);
    let slack = 1e-11 * largest * gross;
    assert!(
        proof.objective - proof.gap <= other + slack,
        "{other:e} of {rival} is below {proof:?}: {solution:?}"
    );
    assert!((proof.objective - risk(&returns, rule, own)).abs() <= slack, "{proof:?} of {solution:?}");
    Ok(())
}

fn risk(returns: &Panel, rule: TailRule<'_>, weights: ArrayView1<'_, f64>) -> f64 {
    let path = returns.dense.dot(&weights);
    match rule.probabilities {
        None => {
            historical_tail(path.view(), rule.confidence_level)
                .expect("a finite path")
                .conditional_value_at_risk
        }
        Some(shares) => {
            let column = path.view().insert_axis(Axis(1));
            weighted_tail(column, shares, rule.confidence_level).expect("a finite path").1[0]
        }
    }
}
