//! Jump models, given and fitted: labels are states, the online path is the batch one, the cheapest path costs no more
//! than staying, refused rows leave no trace.
#![no_main]

use libfuzzer_sys::fuzz_target;
use poise_core::regime::{JumpModel, JumpSettings, fit_jump_model};
use poise_fuzz::draw::{Panel, panel, panel_of, parameter};
use poise_fuzz::{Arbitrary, Result, Unstructured};

fuzz_target!(|data: &[u8]| {
    let _ = run(&mut Unstructured::new(data));
});

fn run(u: &mut Unstructured<'_>) -> Result<()> {
    let jump_penalty = parameter(u, &[0.0, 1.0, 5.0, 50.0, 1e-9, 1e300])?;
    let observations = panel(u, 80, 4)?;
    let n_states = u.int_in_range(0..=4)?;
    if bool::arbitrary(u)? {
        let n_restarts = if u.ratio(1, 16)? { 3 } else { u.int_in_range(0..=1)? };
        let settings = JumpSettings { n_states, jump_penalty, n_restarts, seed: u64::arbitrary(u)? };
        let Ok(mut fit) = fit_jump_model(observations.view(), &settings) else { return Ok(()) };
        assert!(fit.objective >= 0.0, "objective {}", fit.objective);
        assert_eq!(fit.model.n_rows(), observations.n_rows() as u64);
        follow(&mut fit.model, &observations);
    } else {
        let centroids = panel_of(u, (n_states, observations.n_columns()))?;
        let Ok(mut model) = JumpModel::new(centroids.view(), jump_penalty) else { return Ok(()) };
        follow(&mut model, &observations);
    }
    Ok(())
}

fn follow(model: &mut JumpModel, observations: &Panel) {
    let n_states = model.n_states() as i64;
    let online = model.predict_online(observations.view());
    model.reset();
    for (t, row) in observations.view().rows().into_iter().enumerate() {
        let before = model.to_bytes();
        match (model.step(row), &online) {
            (Ok(label), Ok(online)) => assert_eq!(label as i64, online[t]),
            (Ok(label), Err(_)) => assert!((label as i64) < n_states),
            (Err(_), Err(_)) => assert_eq!(model.to_bytes(), before, "a refused row left a trace"),
            (Err(error), Ok(_)) => panic!("the batch takes what the step refuses: {error}"),
        }
        *model = JumpModel::from_bytes(&model.to_bytes()).expect("its own bytes");
    }
    let Ok((labels, cost)) = model.predict(observations.view()) else {
        assert!(online.is_err());
        return;
    };
    assert!(labels.iter().all(|label| (0..n_states).contains(label)) && cost >= 0.0, "{labels} {cost}");
    let distance = |t: usize, state: usize| {
        let centroids = model.centroids();
        let row = observations.dense.row(t).to_owned() - centroids.row(state);
        0.5 * row.dot(&row)
    };
    for state in 0..model.n_states() {
        let staying: f64 = (0..labels.len()).map(|t| distance(t, state)).sum();
        assert!(cost <= staying * (1.0 + 1e-9), "{cost:e} for a path, {staying:e} for staying in {state}");
    }
}
