//! What a live loop does every bar takes no memory.

use allocation_counter::measure;
use ndarray::Array1;
use poise_core::risk::{RiskEngine, RiskRule};

const N_ASSETS: usize = 50;

fn row(bar: usize) -> Vec<f64> {
    (0..N_ASSETS).map(|asset| ((bar * 31 + asset * 17) as f64).sin() * 0.02).collect()
}

#[test]
fn a_tick_of_the_risk_engine_allocates_nothing() {
    let rule = RiskRule { half_life: 20.0, window: 120, confidence_level: 0.95, min_observations: 20 };
    let mut engine = RiskEngine::new(N_ASSETS, rule).unwrap();
    engine.hold(Array1::from_elem(N_ASSETS, 1.0 / N_ASSETS as f64).view()).unwrap();
    let mut rows: Vec<Vec<f64>> = (0..300).map(row).collect();
    // From a window that is still filling to long after it is full, a skipped bar among them. The moments have
    // taken their memory by then: that of the rows they add together, when these are first added.
    rows[150].fill(f64::NAN);
    let (first, later) = rows.split_at(20);
    first.iter().for_each(|row| assert!(engine.update(row).is_ok()));
    let mut sum = 0.0;
    let used = measure(|| {
        for row in later {
            let earned = engine.update(row).unwrap();
            let tail = engine.tail().map_or(0.0, |tail| tail.conditional_value_at_risk);
            sum += engine.portfolio_volatility() + tail + engine.account().drawdown();
            sum += if earned.is_nan() { 0.0 } else { earned };
        }
    });
    assert!(sum.is_finite() && engine.n_returns() == 120);
    assert_eq!(used.count_total, 0);
}
