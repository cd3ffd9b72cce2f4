//! Who contributes to volatility: parts sum to the whole, ratios keep their ranges.
#![no_main]

use libfuzzer_sys::fuzz_target;
use poise_core::risk::{
    concentration_ratio, diversification_ratio, effective_bets, effective_number_of_assets,
    portfolio_volatility, risk_contributions,
};
use poise_fuzz::draw::{noise, reals};
use poise_fuzz::matrices::covariance;
use poise_fuzz::{Arbitrary, Result, Unstructured};

fuzz_target!(|data: &[u8]| {
    let _ = run(&mut Unstructured::new(data));
});

fn run(u: &mut Unstructured<'_>) -> Result<()> {
    let covariance = covariance(u, 12)?;
    let n = if u.ratio(1, 32)? { covariance.n_rows() + 1 } else { covariance.n_rows() };
    let weights =
        if bool::arbitrary(u)? { reals(u, n)? } else { noise(u32::arbitrary(u)?, n).into_iter().collect() };
    let (weights, view) = (weights.view(), covariance.view());
    if let Ok(concentration) = concentration_ratio(weights) {
        assert!((0.0..=1.0 + 1e-12).contains(&concentration), "{concentration}");
        let number = effective_number_of_assets(weights).expect("finite weights");
        assert!((0.0..=n as f64 * (1.0 + 1e-12)).contains(&number), "{number}");
    }
    let Ok(volatility) = portfolio_volatility(weights, view) else {
        assert!(risk_contributions(weights, view).is_err());
        return Ok(());
    };
    let contributions = risk_contributions(weights, view).expect("the volatility has an answer");
    let ratio = diversification_ratio(weights, view).expect("as above");
    let bets = effective_bets(weights, view).expect("as above");
    assert!(volatility >= 0.0 || volatility.is_nan());
    assert_eq!(contributions.len(), n);
    let scale = covariance.largest();
    let gross: f64 = weights.iter().map(|weight| weight.abs()).sum();
    if (1e-100..1e100).contains(&scale) && (1e-40..1e40).contains(&gross) {
        assert!(volatility.is_finite() && contributions.iter().all(|x| x.is_finite()));
        let absolute: f64 = contributions.iter().map(|x| x.abs()).sum();
        assert!((contributions.sum() - volatility).abs() <= 1e-10 * absolute.max(volatility));
        assert!(ratio >= 1.0, "{ratio}");
        assert!((0.0..=n as f64 * (1.0 + 1e-9)).contains(&bets), "{bets}");
    }
    Ok(())
}
