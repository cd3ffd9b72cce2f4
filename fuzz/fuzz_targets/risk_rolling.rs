//! The tail of a moving window, against the tail of each window taken by itself.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ndarray::{ArrayView1, Axis, Slice};
use poise_core::risk::{RollingTail, historical_tail, rolling_tail};
use poise_fuzz::draw::{confidence_level, panel};
use poise_fuzz::{Result, Unstructured, check};

fuzz_target!(|data: &[u8]| {
    let _ = run(&mut Unstructured::new(data));
});

fn run(u: &mut Unstructured<'_>) -> Result<()> {
    let level = confidence_level(u)?;
    let window = if u.ratio(1, 16)? { u.arbitrary()? } else { u.int_in_range(0..=80)? };
    let returns = panel(u, 200, 3)?;
    let batch = rolling_tail(returns.view(), window, level);
    if returns.n_columns() == 0 {
        return Ok(());
    }
    let Ok(mut online) = RollingTail::new(window, level) else {
        assert!(batch.is_err());
        return Ok(());
    };
    let column = returns.column();
    for (t, &value) in column.iter().enumerate() {
        let before = online.to_bytes();
        match online.push(value) {
            Err(_) => assert_eq!(online.to_bytes(), before, "a refused return left a trace"),
            Ok(tail) => {
                let Ok((var, cvar)) = &batch else { continue };
                assert_eq!(tail.is_some(), t + 1 >= window);
                let Some(tail) = tail else {
                    assert!(var[(t, 0)].is_nan() && cvar[(t, 0)].is_nan());
                    continue;
                };
                assert!(check::same(tail.value_at_risk, var[(t, 0)]));
                assert!(check::same(tail.conditional_value_at_risk, cvar[(t, 0)]));
                let seen = column.slice_axis(Axis(0), Slice::from(t + 1 - window..t + 1));
                agrees(tail, seen, level);
            }
        }
        if u.ratio(1, 16)? {
            online = RollingTail::from_bytes(&online.to_bytes()).expect("its own bytes");
        }
    }
    Ok(())
}

fn agrees(tail: poise_core::risk::Tail, seen: ArrayView1<'_, f64>, level: f64) {
    let alone = historical_tail(seen, level).expect("finite returns");
    assert_eq!(tail.value_at_risk, alone.value_at_risk);
    assert!(tail.conditional_value_at_risk >= tail.value_at_risk);
    let largest = seen.iter().fold(0.0_f64, |largest, x| largest.max(x.abs()));
    if largest < 1e300 {
        let (found, wanted) = (tail.conditional_value_at_risk, alone.conditional_value_at_risk);
        assert!(check::close(found, wanted, 1e-9 * largest), "{found:e} {wanted:e}");
    }
}
