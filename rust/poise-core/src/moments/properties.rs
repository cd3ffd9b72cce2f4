//! What must hold whatever the rows.

use ndarray::{Array1, Array2, Array3, Axis};
use proptest::prelude::*;

use super::*;

const TOLERANCE: f64 = 1e-12;

/// Returns with gaps (about one in eight when asked for), constants and repeats.
fn rows(gaps: bool) -> impl Strategy<Value = Array2<f64>> {
    let missing = if gaps { 1 } else { 0 };
    let value = prop_oneof![6 => -1.0..1.0_f64, 1 => Just(0.5), missing => Just(f64::NAN)];
    (1_usize..40, 1_usize..6).prop_flat_map(move |(n_rows, n_assets)| {
        prop::collection::vec(value.clone(), n_rows * n_assets)
            .prop_map(move |values| Array2::from_shape_vec((n_rows, n_assets), values).unwrap())
    })
}

fn rule() -> impl Strategy<Value = EwmaRule> {
    let flags = (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>());
    (0.3..60.0_f64, flags).prop_map(|(half_life, (adjust, bias, ignore_na, demean))| EwmaRule {
        half_life,
        adjust,
        bias,
        ignore_na,
        demean,
    })
}

fn bits(matrix: &Array2<f64>) -> Vec<u64> {
    matrix.iter().map(|x| x.to_bits()).collect()
}

/// Equal up to rounding of the largest entry; NaN in the same places.
fn close(a: &Array2<f64>, b: &Array2<f64>) -> bool {
    let scale = b.iter().filter(|x| x.is_finite()).fold(0.0_f64, |most, x| most.max(x.abs()));
    a.iter().zip(b).all(|(x, y)| (x - y).abs() <= TOLERANCE * scale || (x.is_nan() && y.is_nan()))
}

/// What happens to a running state between reads of its rows.
#[derive(Debug, Clone, Copy)]
enum Event {
    Row,
    Fold,
    Restore,
}

/// Enough assets for a tail to form, enough rows to fill it more than once.
fn events() -> impl Strategy<Value = (Array2<f64>, Vec<Event>)> {
    let event = prop_oneof![8 => Just(Event::Row), 1 => Just(Event::Fold), 1 => Just(Event::Restore)];
    let value = prop_oneof![6 => -1.0..1.0_f64, 1 => Just(0.5)];
    (20_usize..30, prop::collection::vec(event, 1..60)).prop_flat_map(move |(n_assets, events)| {
        let n_rows = events.len();
        prop::collection::vec(value.clone(), n_rows * n_assets).prop_map(move |values| {
            (Array2::from_shape_vec((n_rows, n_assets), values).unwrap(), events.clone())
        })
    })
}

/// One row after another by the recursion of the module's first lines.
fn plain_recursion(rows: &Array2<f64>, rule: &EwmaRule) -> Array2<f64> {
    let scheme = scheme::Scheme::exponential(rule).unwrap();
    let (mut memory, n) = (scheme::Memory::default(), rows.ncols());
    let (mut mean, mut moments) = (vec![0.0; n], Array2::zeros((n, n)));
    for row in rows.rows() {
        let shares = memory.observe(&scheme);
        let (d, size): (Vec<f64>, f64) = if rule.demean {
            let d = row.iter().zip(&mean).map(|(x, mean)| x - mean).collect();
            (d, shares.past * shares.new)
        } else {
            (row.to_vec(), shares.new)
        };
        mean.iter_mut().zip(&d).for_each(|(mean, d)| *mean += shares.new * d);
        moments = Array2::from_shape_fn((n, n), |(i, j)| shares.past * moments[(i, j)] + size * d[i] * d[j]);
    }
    moments * memory.correction(&scheme)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn stream_path_and_batch_agree_at_every_row(rows in rows(true), rule in rule()) {
        let (n_rows, n_assets) = rows.dim();
        let mut path = Array3::zeros((n_rows, n_assets, n_assets));
        let mut correlations = path.clone();
        ewma_covariance_path(rows.view(), &rule, path.view_mut()).unwrap();
        ewma_correlation_path(rows.view(), &rule, ZeroVariance::Nan, correlations.view_mut()).unwrap();
        let mut state = EwmaState::new(n_assets, rule).unwrap();
        for t in 0..n_rows {
            state.update(rows.row(t)).unwrap();
            let (past, _) = rows.view().split_at(Axis(0), t + 1);
            let batch = ewma_covariance(past, &rule).unwrap();
            prop_assert!(close(&batch, &state.covariance()));
            prop_assert!(close(&batch, &path.index_axis(Axis(0), t).to_owned()));
            let correlation = ewma_correlation(past, &rule, ZeroVariance::Nan).unwrap();
            prop_assert!(close(&correlation, &state.correlation(ZeroVariance::Nan)));
            prop_assert!(close(&correlation, &correlations.index_axis(Axis(0), t).to_owned()));
        }
    }

    #[test]
    fn complete_rows_give_positive_semidefinite_matrices(
        rows in rows(false),
        rule in rule(),
        direction in prop::collection::vec(-1.0..1.0_f64, 6),
    ) {
        let covariance = ewma_covariance(rows.view(), &EwmaRule { bias: true, ..rule }).unwrap();
        let correlation = ewma_correlation(rows.view(), &rule, ZeroVariance::Uncorrelated).unwrap();
        for matrix in [&covariance, &correlation] {
            let x = ndarray::aview1(&direction[..rows.ncols()]);
            let form = x.dot(&matrix.dot(&x));
            prop_assert!(form.is_nan() || form >= -1e-12);
        }
        prop_assert!(correlation.diag().iter().all(|&x| x == 1.0 || x.is_nan()));
        prop_assert_eq!(&covariance, &covariance.t());
        prop_assert_eq!(correlation.iter().any(|x| x.is_nan()), correlation.iter().all(|x| x.is_nan()));
    }

    #[test]
    fn absorbing_in_two_parts_is_absorbing_at_once(rows in rows(true), rule in rule(), cut in 0.0..1.0_f64) {
        let n_first = (cut * rows.nrows() as f64) as usize;
        let (first, second) = rows.view().split_at(Axis(0), n_first);
        let mut whole = EwmaState::new(rows.ncols(), rule).unwrap();
        let mut parts = whole.clone();
        whole.absorb(rows.view()).unwrap();
        for part in [first, second].into_iter().filter(|part| part.nrows() > 0) {
            parts = EwmaState::from_bytes(&parts.to_bytes()).unwrap();
            parts.absorb(part).unwrap();
        }
        prop_assert!(close(&parts.covariance(), &whole.covariance()));
        prop_assert_eq!(parts.n_observations(), whole.n_observations());
    }

    #[test]
    fn shrinking_keeps_the_diagonal_and_lies_between(rows in rows(false), half_life in 2.0..50.0_f64) {
        prop_assume!(rows.nrows() > 1);
        let shrunk = constant_correlation_shrinkage(rows.view(), Some(half_life), true).unwrap();
        let rule = EwmaRule { bias: true, ..EwmaRule::new(half_life) };
        let sample = ewma_covariance(rows.view(), &rule).unwrap();
        prop_assert!((0.0..=1.0).contains(&shrunk.intensity));
        prop_assert_eq!(shrunk.covariance.diag(), sample.diag());
    }

    #[test]
    fn waiting_rows_count_whenever_they_are_added((rows, events) in events(), rule in rule()) {
        prop_assume!(events.iter().any(|event| matches!(event, Event::Row)));
        let mut state = EwmaState::new(rows.ncols(), rule).unwrap();
        let mut n_seen = 0;
        for event in &events {
            match event {
                Event::Row => {
                    state.update(rows.row(n_seen)).unwrap();
                    n_seen += 1;
                }
                Event::Fold => state.fold(),
                Event::Restore => state = EwmaState::from_bytes(&state.to_bytes()).unwrap(),
            }
        }
        let (seen, _) = rows.view().split_at(Axis(0), n_seen);
        let expected = plain_recursion(&seen.to_owned(), &rule);
        let waiting = state.covariance();
        prop_assert!(close(&waiting, &expected));
        let scale = expected.diag().iter().fold(0.0_f64, |most, x| most.max(*x));
        for (volatility, variance) in state.volatility().iter().zip(expected.diag()) {
            let same = (volatility.powi(2) - variance).abs() <= TOLERANCE * scale;
            prop_assert!(same || (volatility.is_nan() && variance.is_nan()));
        }
        let w = Array1::from_shape_fn(rows.ncols(), |i| (i as f64).sin());
        let (form, exact) = (state.portfolio_variance(w.view()).unwrap(), w.dot(&expected.dot(&w)));
        let size = scale * w.iter().map(|w| w.abs()).sum::<f64>().powi(2);
        prop_assert!((form - exact).abs() <= TOLERANCE * size || (form.is_nan() && exact.is_nan()));
        state.fold();
        prop_assert!(close(&state.covariance(), &expected));
    }

    #[test]
    fn a_state_restored_amid_waiting_rows_goes_on_bit_for_bit((rows, events) in events(), rule in rule()) {
        let mut whole = EwmaState::new(rows.ncols(), rule).unwrap();
        let mut parts = whole.clone();
        for (row, event) in rows.rows().into_iter().zip(events) {
            whole.update(row).unwrap();
            parts.update(row).unwrap();
            match event {
                Event::Row => {}
                Event::Fold => {
                    whole.fold();
                    parts.fold();
                }
                Event::Restore => parts = EwmaState::from_bytes(&parts.to_bytes()).unwrap(),
            }
        }
        prop_assert_eq!(whole.to_bytes(), parts.to_bytes());
        prop_assert_eq!(bits(&whole.covariance()), bits(&parts.covariance()));
    }

    #[test]
    fn packed_paths_are_the_lower_triangles(rows in rows(true), rule in rule()) {
        let (n_rows, n) = rows.dim();
        let (mut full, mut packed) = (Array3::zeros((n_rows, n, n)), Array2::zeros((n_rows, n * (n + 1) / 2)));
        let lower = |full: &Array3<f64>| -> Vec<u64> {
            let entries = full.outer_iter().flat_map(|slice| {
                let triangle = (0..n).flat_map(|i| (0..=i).map(move |j| (i, j)));
                triangle.map(|at| slice[at].to_bits()).collect::<Vec<_>>()
            });
            entries.collect()
        };
        ewma_covariance_path(rows.view(), &rule, full.view_mut()).unwrap();
        ewma_covariance_packed_path(rows.view(), &rule, packed.view_mut()).unwrap();
        prop_assert_eq!(lower(&full), bits(&packed));
        for zero in [ZeroVariance::Nan, ZeroVariance::Uncorrelated] {
            ewma_correlation_path(rows.view(), &rule, zero, full.view_mut()).unwrap();
            ewma_correlation_packed_path(rows.view(), &rule, zero, packed.view_mut()).unwrap();
            prop_assert_eq!(lower(&full), bits(&packed));
            prop_assert!(full.outer_iter().all(|slice| bits(&slice.to_owned()) == bits(&slice.t().to_owned())));
        }
    }
}
