//! The engine of a live loop: any bars and any weights in any order; refusals leave no trace, snapshots none either.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ndarray::Array1;
use poise_core::risk::{RiskEngine, RiskRule, return_statistics};
use poise_fuzz::draw::{confidence_level, filled_panel, half_life, noise, real, reals};
use poise_fuzz::{Arbitrary, Result, Unstructured, check};

fuzz_target!(|data: &[u8]| {
    let _ = run(&mut Unstructured::new(data));
});

fn run(u: &mut Unstructured<'_>) -> Result<()> {
    if bool::arbitrary(u)? { engine(u) } else { statistics(u) }
}

fn engine(u: &mut Unstructured<'_>) -> Result<()> {
    let rule = RiskRule {
        half_life: half_life(u)?,
        window: if u.ratio(1, 32)? { usize::arbitrary(u)? } else { u.int_in_range(0..=30)? },
        confidence_level: confidence_level(u)?,
        min_observations: u.int_in_range(0..=10)?,
    };
    let returns = filled_panel(u, 60, 5)?;
    let n = returns.n_columns();
    let Ok(mut engine) = RiskEngine::new(n, rule) else { return Ok(()) };
    for row in returns.dense.rows() {
        if u.ratio(1, 4)? {
            let weights: Array1<f64> =
                if bool::arbitrary(u)? { reals(u, n)? } else { noise(u32::arbitrary(u)?, n).into() };
            let before = engine.to_bytes();
            if engine.hold(weights.view()).is_err() {
                assert_eq!(engine.to_bytes(), before, "refused weights left a trace");
            }
        }
        let before = engine.to_bytes();
        if engine.update(&row.to_vec()).is_err() {
            assert_eq!(engine.to_bytes(), before, "a refused bar left a trace");
        }
        if u.ratio(1, 8)? {
            engine = RiskEngine::from_bytes(&engine.to_bytes()).expect("its own bytes");
            assert_eq!(
                engine.to_bytes(),
                RiskEngine::from_bytes(&engine.to_bytes()).expect("as before").to_bytes()
            );
        }
        sound(&engine);
    }
    Ok(())
}

fn sound(engine: &RiskEngine) {
    if let Some(tail) = engine.tail() {
        assert!(tail.conditional_value_at_risk >= tail.value_at_risk, "{tail:?}");
    }
    let volatility = engine.portfolio_volatility();
    assert!(volatility >= 0.0 || volatility.is_nan());
    assert!((0.0..=1.0).contains(&engine.account().drawdown()));
    check::symmetric(engine.covariance().view());
    let correlation = engine.correlation();
    check::symmetric(correlation.view());
    assert!(correlation.iter().all(|x| x.is_nan() || x.abs() <= 1.0), "{correlation}");
    if let Ok(ratio) = engine.diversification_ratio() {
        assert!(ratio >= 1.0 || ratio.is_nan(), "{ratio}");
    }
    if let Ok(contributions) = engine.risk_contributions() {
        assert_eq!(contributions.len(), engine.n_assets());
    }
}

/// A long series by segments beside the same series return by return, which is how one that is not contiguous goes.
fn statistics(u: &mut Unstructured<'_>) -> Result<()> {
    let returns = filled_panel(u, 700, 2)?;
    let target = if bool::arbitrary(u)? { 0.0 } else { real(u)? };
    let Ok(found) = return_statistics(returns.column(), target) else { return Ok(()) };
    assert_eq!(found.n_observations, returns.n_rows());
    assert!(found.lowest <= found.highest && found.n_gains <= found.n_observations, "{found:?}");
    assert!((0.0..=1.0).contains(&found.max_drawdown), "{found:?}");
    assert!(found.deviation >= 0.0 || found.deviation.is_nan(), "{found:?}");
    assert!(found.sum_of_gains >= 0.0 && found.sum_of_losses <= 0.0, "{found:?}");
    if returns.is_tame() {
        let slack = 1e-12 * returns.largest();
        assert!(found.lowest - slack <= found.mean && found.mean <= found.highest + slack, "{found:?}");
        let dense =
            return_statistics(returns.dense.column(0).to_owned().view(), target).expect("the same numbers");
        assert!(check::close(found.mean, dense.mean, slack), "{found:?} {dense:?}");
        assert!(check::close(found.max_drawdown, dense.max_drawdown, 1e-9), "{found:?} {dense:?}");
        assert_eq!(
            (found.n_gains, found.lowest, found.highest),
            (dense.n_gains, dense.lowest, dense.highest)
        );
        assert_eq!(found.longest_duration, dense.longest_duration);
    }
    Ok(())
}
