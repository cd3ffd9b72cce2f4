use super::*;
use crate::regime::rng::Stream;
use ndarray::{Axis, Slice};

fn stretches(n_rows: usize) -> Array2<f64> {
    let mut stream = Stream::new(2, 0);
    Array2::from_shape_fn((n_rows, 2), |(t, _)| {
        let sum: f64 = (0..12).map(|_| stream.uniform() - 0.5).sum();
        sum + if t / 25 % 2 == 0 { -1.0 } else { 1.0 }
    })
}

const SETTINGS: JumpSettings = JumpSettings { n_states: 2, jump_penalty: 5.0, n_restarts: 10, seed: 3 };

#[test]
fn equals_the_best_of_all_paths() {
    let data = stretches(9);
    for n_states in 1..=3_usize {
        let centroids = Array2::from_shape_fn((n_states, 2), |(k, i)| k as f64 - 0.8 + 0.3 * i as f64);
        for penalty in [0.0, 0.4, 1.5, 100.0] {
            let model = JumpModel::new(centroids.view(), penalty).unwrap();
            for n_rows in 1..=9 {
                let cost = |path: &[usize]| {
                    let mut cost = 0.0;
                    for (t, &state) in path.iter().enumerate() {
                        cost += 0.5 * (&data.row(t) - &centroids.row(state)).mapv(|x| x * x).sum();
                        cost += if t > 0 && path[t - 1] != state { penalty } else { 0.0 };
                    }
                    cost
                };
                let paths = (0..n_states.pow(n_rows as u32)).map(|code| {
                    (0..n_rows).map(|t| code / n_states.pow(t as u32) % n_states).collect::<Vec<_>>()
                });
                let best = paths.min_by(|a, b| cost(a).total_cmp(&cost(b))).unwrap();
                let past = data.slice_axis(Axis(0), Slice::from(..n_rows));
                let (labels, objective) = model.predict(past).unwrap();
                let labels: Vec<usize> = labels.iter().map(|label| *label as usize).collect();
                assert_eq!(labels, best);
                assert!((objective - cost(&best)).abs() < 1e-12);
                assert_eq!(model.predict_online(past).unwrap()[n_rows - 1] as usize, best[n_rows - 1]);
            }
        }
    }
}

#[test]
fn finds_the_stretches() {
    let data = stretches(500);
    let fit = fit_jump_model(data.view(), &SETTINGS).unwrap();
    assert!(fit.converged);
    let (labels, objective) = fit.model.predict(data.view()).unwrap();
    assert!((objective - fit.objective).abs() < 1e-9);
    let right = labels.iter().enumerate().filter(|(t, label)| **label == (t / 25 % 2) as i64).count();
    assert!(right > 485, "{right}");
    let switches = labels.windows(2).into_iter().filter(|pair| pair[0] != pair[1]).count();
    assert_eq!(switches, 19);
}

#[test]
fn online_continues_the_fit_and_its_bytes() {
    let data = stretches(300);
    let mut model = fit_jump_model(data.slice_axis(Axis(0), Slice::from(..200)), &SETTINGS).unwrap().model;
    let mut copy = JumpModel::from_bytes(&model.to_bytes()).unwrap();
    assert_eq!(copy, model);
    let online = model.predict_online(data.view()).unwrap();
    for t in 200..300 {
        assert_eq!(model.step(data.row(t)).unwrap() as i64, online[t]);
        assert_eq!(copy.step(data.row(t)).unwrap() as i64, online[t]);
    }
    let before = model.clone();
    assert!(model.step(ndarray::arr1(&[0.0, f64::NAN]).view()).is_err());
    assert!(model.step(ndarray::arr1(&[0.0, 1e300]).view()).is_err());
    assert_eq!(model, before);
    assert_eq!(copy.to_bytes(), model.to_bytes());
}

#[test]
fn mistakes_are_named() {
    let refused = |settings: JumpSettings| {
        fit_jump_model(stretches(5).view(), &settings).map(|_| ()).unwrap_err().to_string()
    };
    assert!(refused(JumpSettings { n_states: 3, ..SETTINGS }).contains("at least 6 observations, got 5"));
    assert!(refused(JumpSettings { n_states: 0, ..SETTINGS }).contains("n_states"));
    assert!(refused(JumpSettings { jump_penalty: f64::NAN, ..SETTINGS }).contains("jump_penalty"));
    assert!(refused(JumpSettings { n_restarts: 0, ..SETTINGS }).contains("n_restarts"));
}
