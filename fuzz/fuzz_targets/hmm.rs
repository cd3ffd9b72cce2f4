//! Hidden Markov models, given and fitted: probabilities are probabilities, the online filter is the batch filter to
//! the bit, refused rows leave no trace.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ndarray::{Array1, Array2, Array3, Axis};
use poise_core::regime::{GaussianHmm, HmmSettings, fit_gaussian_hmm};
use poise_fuzz::draw::{Panel, panel, panel_of, parameter, real};
use poise_fuzz::matrices::covariance;
use poise_fuzz::{Arbitrary, Result, Unstructured, check};

fuzz_target!(|data: &[u8]| {
    let _ = run(&mut Unstructured::new(data));
});

fn run(u: &mut Unstructured<'_>) -> Result<()> {
    if bool::arbitrary(u)? { fitted(u) } else { given(u) }
}

fn fitted(u: &mut Unstructured<'_>) -> Result<()> {
    let settings = HmmSettings {
        n_states: u.int_in_range(0..=4)?,
        full: bool::arbitrary(u)?,
        // One start stays on this thread; more start others, which is slow under a fuzzer.
        n_restarts: if u.ratio(1, 16)? { 3 } else { 1 },
        sticky: parameter(u, &[0.0, 1.0, 20.0])?,
        max_iterations: u.int_in_range(0..=30)?,
        tolerance: parameter(u, &[1e-6, 1e-3, 0.0])?,
        seed: u64::arbitrary(u)?,
    };
    let observations = panel(u, 60, 4)?;
    let Ok(mut fit) = fit_gaussian_hmm(observations.view(), &settings) else { return Ok(()) };
    assert!(fit.log_likelihood.is_finite() && fit.n_iterations <= settings.max_iterations);
    let batch = fit.model.filter(observations.view()).expect("it was fitted to these");
    check::all_same(fit.model.probabilities(), batch.row(batch.nrows() - 1).iter());
    follow(&mut fit.model, &observations)
}

fn given(u: &mut Unstructured<'_>) -> Result<()> {
    let (n_states, n_features) = (u.int_in_range(1..=4)?, u.int_in_range(1..=4)?);
    let start = distribution(u, n_states)?;
    let mut transition = Array2::zeros((n_states, n_states));
    for mut row in transition.rows_mut() {
        row.assign(&distribution(u, n_states)?);
    }
    let means = panel_of(u, (n_states, n_features))?;
    let mut covariances = Array3::zeros((n_states, n_features, n_features));
    for mut slot in covariances.axis_iter_mut(Axis(0)) {
        let drawn = covariance(u, n_features)?.dense;
        slot.diag_mut().fill(1e-3);
        if drawn.dim() == slot.dim() {
            slot.assign(&drawn);
        }
    }
    let Ok(mut model) = GaussianHmm::new(start.view(), transition.view(), means.view(), covariances.view())
    else {
        return Ok(());
    };
    let observations = panel(u, 60, 4)?;
    follow(&mut model, &observations)
}

fn distribution(u: &mut Unstructured<'_>, n: usize) -> Result<Array1<f64>> {
    let mut values: Array1<f64> = (0..n).map(|_| Ok(f64::from(u8::arbitrary(u)?))).collect::<Result<_>>()?;
    let total = values.sum();
    if total > 0.0 {
        values /= total;
    } else {
        values[0] = 1.0;
    }
    if u.ratio(1, 32)? {
        values[0] = real(u)?;
    }
    Ok(values)
}

/// The online filter beside the batch one.
fn follow(model: &mut GaussianHmm, observations: &Panel) -> Result<()> {
    let batch = model.filter(observations.view());
    model.reset();
    if observations.n_columns() != model.n_features() {
        assert!(batch.is_err());
        return Ok(());
    }
    for (t, row) in observations.view().rows().into_iter().enumerate() {
        let before = model.to_bytes();
        match (model.step(row).map(<[f64]>::to_vec), &batch) {
            (Ok(found), Ok(batch)) => check::all_same(&found, batch.row(t).iter()),
            (Ok(found), Err(_)) => check::probabilities(Array1::from(found).view()),
            (Err(_), Err(_)) => assert_eq!(model.to_bytes(), before, "a refused row left a trace"),
            (Err(error), Ok(_)) => panic!("the batch takes what the step refuses: {error}"),
        }
        *model = GaussianHmm::from_bytes(&model.to_bytes()).expect("its own bytes");
    }
    let Ok(batch) = batch else { return Ok(()) };
    let smoothed = model.smooth(observations.view()).expect("the filter has an answer");
    batch.rows().into_iter().for_each(check::probabilities);
    smoothed.rows().into_iter().for_each(check::probabilities);
    // Rows 1e152 deviations away are less likely than the least float says: minus infinity is right there.
    assert!(model.log_likelihood(observations.view()).is_ok_and(|sum| sum < f64::INFINITY));
    if let Ok(path) = model.viterbi(observations.view()) {
        assert!(path.iter().all(|state| (0..model.n_states() as i64).contains(state)));
    }
    Ok(())
}
