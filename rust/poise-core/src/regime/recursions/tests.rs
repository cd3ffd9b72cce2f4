use super::*;
use crate::regime::viterbi::viterbi;

/// Russell and Norvig, "Artificial Intelligence", chapter on temporal models: an umbrella is seen on days
/// 1, 2, 4 and 5.
fn umbrella() -> (Chain, Densities) {
    let chain = Chain { start: vec![0.5, 0.5], transition: vec![0.7, 0.3, 0.3, 0.7] };
    let seen = [true, true, false, true, true];
    let densities = seen.iter().flat_map(|&seen| if seen { [0.9_f64, 0.2] } else { [0.1, 0.8] });
    (chain, Densities::of_rows(2, &densities.map(f64::ln).collect::<Vec<_>>()))
}

#[test]
fn the_umbrella_world() {
    let (chain, densities) = umbrella();
    let mut forward = Forward::default();
    forward.run(&chain, &densities).unwrap();
    let (mut smoothed, mut moves) = (vec![0.0; 2 * densities.pitch()], vec![0.0; 4]);
    forward.smooth(&chain, &mut smoothed, &mut moves);
    for (filtered, expected) in forward.filtered.iter().zip([0.8182, 0.8834, 0.1907, 0.7308, 0.8673]) {
        assert!((filtered - expected).abs() < 5e-5);
    }
    for (smoothed, expected) in smoothed.iter().zip([0.8673, 0.8204, 0.3075, 0.8204, 0.8673]) {
        assert!((smoothed - expected).abs() < 5e-5);
    }
    assert!((forward.log_likelihood + 3.372_502_044).abs() < 1e-9);
    assert!((moves.iter().sum::<f64>() - 4.0).abs() < 1e-12);
    assert_eq!(viterbi(&chain, &densities).unwrap(), [0, 0, 1, 0, 0]);
}

#[test]
fn equals_the_sum_over_all_paths() {
    let n_states = 3_usize;
    let chain =
        Chain { start: vec![0.5, 0.5, 0.0], transition: vec![0.8, 0.2, 0.0, 0.1, 0.6, 0.3, 0.0, 0.25, 0.75] };
    let n_rows = 6;
    let logs: Vec<f64> = (0..n_rows * n_states).map(|i| ((i * i) as f64).sin() * 3.0 - 1.0).collect();
    let (mut total, mut marginal, mut expected_moves) = (0.0, vec![0.0; n_rows * n_states], vec![0.0; 9]);
    let (mut best, mut best_path) = (0.0, vec![]);
    for code in 0..n_states.pow(n_rows as u32) {
        let path: Vec<usize> = (0..n_rows).map(|t| code / n_states.pow(t as u32) % n_states).collect();
        let mut joint = chain.start[path[0]];
        for t in 0..n_rows {
            joint *= logs[t * n_states + path[t]].exp();
            if t > 0 {
                joint *= chain.transition[path[t - 1] * n_states + path[t]];
            }
        }
        total += joint;
        for t in 0..n_rows {
            marginal[path[t] * n_rows + t] += joint;
            if t > 0 {
                expected_moves[path[t - 1] * n_states + path[t]] += joint;
            }
        }
        if joint > best {
            (best, best_path) = (joint, path);
        }
    }
    let densities = Densities::of_rows(n_states, &logs);
    let mut forward = Forward::default();
    forward.run(&chain, &densities).unwrap();
    assert!((forward.log_likelihood - f64::ln(total)).abs() < 1e-12);
    let (mut smoothed, mut moves) = (vec![0.0; n_states * densities.pitch()], vec![0.0; 9]);
    forward.smooth(&chain, &mut smoothed, &mut moves);
    let rows = smoothed.chunks(densities.pitch()).zip(marginal.chunks(n_rows));
    for (smoothed, marginal) in rows {
        assert!(smoothed.iter().zip(marginal).all(|(a, b)| (a - b / total).abs() < 1e-13));
    }
    assert!(moves.iter().zip(&expected_moves).all(|(a, b)| (a - b / total).abs() < 1e-13));
    assert_eq!(viterbi(&chain, &densities).unwrap(), best_path);
}

#[test]
fn a_state_out_of_reach_may_be_the_likeliest() {
    let chain = Chain { start: vec![1.0, 0.0], transition: vec![1.0, 0.0, 0.0, 1.0] };
    let densities = Densities::of_rows(2, &[-5000.0, 0.0, -2000.0, 0.0]);
    let mut forward = Forward::default();
    forward.run(&chain, &densities).unwrap();
    let rows: Vec<f64> = (0..2).flat_map(|t| forward.row(t).collect::<Vec<_>>()).collect();
    assert_eq!(rows, [1.0, 0.0, 1.0, 0.0]);
    assert_eq!(forward.log_likelihood, -7000.0);
    let (mut smoothed, mut moves) = (vec![0.0; 16], vec![0.0; 4]);
    forward.smooth(&chain, &mut smoothed, &mut moves);
    assert_eq!([smoothed[0], smoothed[1], smoothed[8], smoothed[9]], [1.0, 1.0, 0.0, 0.0]);
    assert_eq!(moves, [1.0, 0.0, 0.0, 0.0]);
    let densities = Densities::of_rows(2, &[0.0, 0.0, f64::NEG_INFINITY, 0.0]);
    assert_eq!(forward.run(&chain, &densities), Err(1));
    assert_eq!(viterbi(&chain, &densities), Err(1));
}

#[test]
fn a_sum_of_logarithms_keeps_its_digits() {
    let factors: Vec<f64> = (0..400).map(|i| [0.3, 1.0, 1e-60, 1e-200, 1e-289][i % 5]).collect();
    let mut sum = LogOfProduct::ONE;
    factors.iter().for_each(|factor| sum.times(*factor));
    let expected: f64 = factors.iter().map(|factor| factor.ln()).sum();
    assert!((sum.value() / expected - 1.0).abs() < 1e-14);
}
