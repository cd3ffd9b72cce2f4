use super::*;
use poise_simd::{InstructionSet, available, dispatch_on};

/// Slices of both kinds after each of `n_ticks` rows, `in_a_block` of them taken at a time.
fn path(
    set: InstructionSet,
    shape: PathShape,
    n_assets: usize,
    n_ticks: usize,
    in_a_block: usize,
) -> Vec<f64> {
    let (stride, size) = (n_assets.next_multiple_of(8), (0..n_assets).map(|i| shape.row(n_assets, i)).sum());
    let (mut moments, mut out) = (vec![0.0; n_assets * stride], vec![f64::NAN; 2 * n_ticks * size]);
    let (covariances, correlations) = out.split_at_mut(n_ticks * size);
    for (slices, correlated) in [(covariances, false), (correlations, true)] {
        moments.fill(0.0);
        let ticks: Vec<usize> = (0..n_ticks).collect();
        for (ticks, slices) in ticks.chunks(in_a_block).zip(slices.chunks_mut(in_a_block * size)) {
            let mut steps = vec![0.0; ticks.len() * stride];
            for (&tick, step) in ticks.iter().zip(steps.chunks_exact_mut(stride)) {
                step.iter_mut().take(n_assets).enumerate().for_each(|(i, x)| *x = entry(tick, i));
            }
            let pasts: Vec<f64> = ticks.iter().map(|&tick| past(tick)).collect();
            let (moments, pasts, steps) = (&mut moments[..], &pasts[..], &steps[..]);
            let outs = &mut slices.chunks_exact_mut(size).collect::<Vec<_>>()[..];
            let inverse = vec![0.01; steps.len()];
            let corrections = vec![1.5; pasts.len()];
            if correlated {
                let entry = Correlated { inverse: &inverse, stride };
                dispatch_on(set, Write { shape, n_assets, stride, moments, pasts, steps, entry, outs });
            } else {
                let entry = Scaled { corrections: &corrections };
                dispatch_on(set, Write { shape, n_assets, stride, moments, pasts, steps, entry, outs });
            }
        }
    }
    out
}

fn entry(tick: usize, i: usize) -> f64 {
    ((31 * tick + i) as f64).sin()
}

fn past(tick: usize) -> f64 {
    if tick == 0 { 0.0 } else { 0.9 }
}

fn by_plain_loops(shape: PathShape, n_assets: usize, n_ticks: usize) -> Vec<f64> {
    let mut moments = vec![0.0; n_assets * n_assets];
    let (mut covariances, mut correlations) = (Vec::new(), Vec::new());
    for tick in 0..n_ticks {
        for i in 0..n_assets {
            for j in 0..n_assets {
                let moment = &mut moments[i * n_assets + j];
                *moment = past(tick) * *moment + entry(tick, i) * entry(tick, j);
                if j < shape.row(n_assets, i) {
                    covariances.push(1.5 * *moment);
                    correlations.push(if i == j { 1.0 } else { 1e-4 * *moment });
                }
            }
        }
    }
    covariances.extend(correlations);
    covariances
}

#[test]
fn every_instruction_set_writes_what_plain_loops_write() {
    for n in (1..=20).chain([46, 50, 61]) {
        for shape in [PathShape::Full, PathShape::Packed] {
            let expected = by_plain_loops(shape, n, 7);
            for set in available() {
                let found = path(set, shape, n, 7, 7);
                let close = found.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-14);
                assert!(close && found.len() == expected.len(), "{set}, {shape:?}, n = {n}");
            }
        }
    }
}

#[test]
fn how_many_rows_are_taken_together_changes_no_bit() {
    for (n, at_once) in [(12, 1), (45, 1), (46, 4), (99, 4), (342, 2), (620, 1)] {
        assert_eq!(together(n), at_once, "n = {n}");
        for (set, shape) in available().flat_map(|set| [(set, PathShape::Full), (set, PathShape::Packed)]) {
            let bits = |in_a_block| -> Vec<u64> {
                path(set, shape, n, 6, in_a_block).iter().map(|x| x.to_bits()).collect()
            };
            let one_by_one = bits(1);
            assert!([3, 4, 6].iter().all(|&block| bits(block) == one_by_one), "{set}, {shape:?}, n = {n}");
        }
    }
}
