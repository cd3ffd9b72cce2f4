//! Tests of value-at-risk models: statistics that are not negative, probabilities that are.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ndarray::Array1;
use poise_core::risk::{LikelihoodRatio, acerbi_szekely, christoffersen, kupiec, traffic_light};
use poise_fuzz::draw::{confidence_level, panel_of};
use poise_fuzz::{Arbitrary, Result, Unstructured};

fuzz_target!(|data: &[u8]| {
    let _ = run(&mut Unstructured::new(data));
});

fn run(u: &mut Unstructured<'_>) -> Result<()> {
    let level = confidence_level(u)?;
    let n = if u.ratio(1, 8)? { u64::arbitrary(u)? } else { u.int_in_range(0..=2000)? };
    let x = if u.ratio(1, 8)? { u64::arbitrary(u)? } else { u.int_in_range(0..=n.min(2000))? };
    let sound = level > 0.0 && level < 1.0;
    assert_eq!(kupiec(x, n, level).is_ok(), sound && n > 0 && x <= n);
    if let Ok(found) = kupiec(x, n, level) {
        ratio(found);
    }
    if let Ok(light) = traffic_light(x, n, level) {
        for probability in [light.cumulative_probability, light.p_value] {
            assert!((0.0..=1.0).contains(&probability), "{light:?} of {x} in {n} at {level:e}");
        }
    }
    let length = u.int_in_range(0..=60)?;
    let exceptions: Array1<bool> = (0..length).map(|_| bool::arbitrary(u)).collect::<Result<_>>()?;
    if let Ok(found) = christoffersen(exceptions.view(), level) {
        [found.coverage, found.independence, found.conditional_coverage].into_iter().for_each(ratio);
        assert_eq!(found.transitions.iter().sum::<u64>() as usize, length - 1);
    }
    let forecasts = panel_of(u, (length, 3))?;
    let [returns, var, shortfall] = [0, 1, 2].map(|column| forecasts.view().column(column).to_owned());
    let shortfall = shortfall.mapv(|x| x.abs());
    if let Ok(found) = acerbi_szekely(returns.view(), var.view(), shortfall.view(), level) {
        assert!(found.n_exceptions as usize <= length);
        assert_eq!(found.z1.is_nan() && forecasts.is_tame(), found.n_exceptions == 0 && forecasts.is_tame());
    }
    Ok(())
}

fn ratio(found: LikelihoodRatio) {
    assert!(found.statistic >= 0.0, "{found:?}");
    assert!((0.0..=1.0).contains(&found.p_value), "{found:?}");
}
