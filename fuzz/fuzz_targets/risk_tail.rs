//! Value at risk and conditional value at risk of samples: plain, by columns, weighted, filtered, by component.
#![no_main]

use libfuzzer_sys::fuzz_target;
use poise_core::risk::{
    Tail, component_conditional_value_at_risk, filtered_scenarios, filtered_tail, historical_tail,
    historical_tail_columns, weighted_tail,
};
use poise_fuzz::draw::{Panel, confidence_level, half_life, panel, reals};
use poise_fuzz::{Arbitrary, Result, Unstructured, check};

fuzz_target!(|data: &[u8]| {
    let _ = run(&mut Unstructured::new(data));
});

fn run(u: &mut Unstructured<'_>) -> Result<()> {
    let level = confidence_level(u)?;
    let half_life = half_life(u)?;
    // From 512 observations on the plain kernel sieves.
    let most = if u.ratio(1, 8)? { 1200 } else { 100 };
    let returns = panel(u, most, 6)?;
    let n = if u.ratio(1, 32)? { returns.n_columns() + 1 } else { returns.n_columns() };
    let weights =
        if bool::arbitrary(u)? { reals(u, n)? } else { ndarray::Array1::from_elem(n, 1.0 / n as f64) };
    if returns.n_columns() > 0 {
        plain(&returns, level);
    }
    let equal = ndarray::Array1::from_elem(returns.n_rows(), 0.5);
    let shares = if bool::arbitrary(u)? { reals(u, returns.n_rows().min(200))? } else { equal };
    if let Ok((var, cvar)) = weighted_tail(returns.view(), shares.view(), level) {
        ordered(var.iter().zip(&cvar), &returns);
    }
    if let Ok((tail, _)) = filtered_tail(returns.view(), weights.view(), level, half_life) {
        sound(tail);
    }
    if let Ok(scenarios) = filtered_scenarios(returns.view(), half_life) {
        assert_eq!(scenarios.ncols(), returns.n_columns());
        assert!(!returns.is_tame() || scenarios.iter().all(|x| x.is_finite()));
    }
    components(&returns, weights.view(), level);
    Ok(())
}

fn sound(tail: Tail) {
    assert!(!tail.value_at_risk.is_nan(), "{tail:?}");
    assert!(tail.conditional_value_at_risk >= tail.value_at_risk, "{tail:?}");
}

fn ordered<'a>(pairs: impl Iterator<Item = (&'a f64, &'a f64)>, returns: &Panel) {
    for (&value_at_risk, &conditional_value_at_risk) in pairs {
        sound(Tail { value_at_risk, conditional_value_at_risk });
        assert!(!returns.is_tame() || conditional_value_at_risk <= returns.largest() * (1.0 + 1e-9));
    }
}

fn plain(returns: &Panel, level: f64) {
    let column = historical_tail(returns.column(), level);
    let columns = historical_tail_columns(returns.view(), level);
    let Ok((var, cvar)) = columns else {
        assert!(column.is_err() || !returns.is_finite());
        return;
    };
    ordered(var.iter().zip(&cvar), returns);
    let column = column.expect("all columns have an answer");
    assert_eq!(column.value_at_risk, var[0], "one column is not that of many");
    if returns.is_tame() {
        let tolerance = 1e-9 * returns.largest();
        assert!(check::close(column.conditional_value_at_risk, cvar[0], tolerance), "{column:?} {cvar}");
        let equal = ndarray::Array1::from_elem(returns.n_rows(), 3.0);
        let (same_var, same_cvar) =
            weighted_tail(returns.view(), equal.view(), level).expect("sound weights");
        check::all_same(&var, &same_var);
        check::all_close(&cvar, &same_cvar, tolerance);
    }
}

fn components(returns: &Panel, weights: ndarray::ArrayView1<'_, f64>, level: f64) {
    let Ok(components) = component_conditional_value_at_risk(weights, returns.view(), level) else { return };
    assert_eq!(components.len(), returns.n_columns());
    let gross: f64 = weights.iter().map(|weight| weight.abs()).sum();
    if !returns.is_tame() || !(1e-6..1e6).contains(&gross) {
        return;
    }
    let portfolio = returns.dense.dot(&weights);
    let whole = historical_tail(portfolio.view(), level).expect("finite scenarios").conditional_value_at_risk;
    // The components split the ties that are ties on paper, so they sum to the whole but for that rounding.
    let tolerance = 1e-9 * gross * returns.largest();
    assert!(
        (components.sum() - whole).abs() <= tolerance,
        "{components} sum to {}, not {whole}",
        components.sum()
    );
}
