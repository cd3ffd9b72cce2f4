use crate::regime::rng::Stream;
use crate::regime::{GaussianHmm, JumpModel};
use ndarray::{Array1, Array2, Array3, Axis};

fn model(n_states: usize, n_features: usize, diagonal: bool) -> GaussianHmm {
    let mut stream = Stream::new(9, n_states * 100 + n_features);
    let start = Array1::from_elem(n_states, 1.0 / n_states as f64);
    let leave = 0.2 / n_states as f64;
    let transition =
        Array2::from_shape_fn((n_states, n_states), |(i, j)| if i == j { 0.8 + leave } else { leave });
    let means = Array2::from_shape_fn((n_states, n_features), |_| stream.uniform() - 0.5);
    let mut covariances = Array3::zeros((n_states, n_features, n_features));
    for mut covariance in covariances.outer_iter_mut() {
        let factor = Array2::from_shape_fn((n_features, n_features + 2), |_| stream.uniform() - 0.4);
        covariance.assign(&factor.dot(&factor.t()));
        if diagonal {
            let variances = covariance.diag().to_owned();
            covariance.assign(&Array2::from_diag(&variances));
        }
    }
    GaussianHmm::new(start.view(), transition.view(), means.view(), covariances.view()).unwrap()
}

fn rows(n_features: usize) -> Array2<f64> {
    let mut stream = Stream::new(10, n_features);
    Array2::from_shape_fn((41, n_features), |(t, _)| {
        (stream.uniform() - 0.5) * if t % 13 == 12 { 300.0 } else { 3.0 }
    })
}

#[test]
fn row_by_row_equals_the_batch_to_the_bit() {
    for n_states in [1, 2, 3, 4, 5, 8, 9, 17] {
        for n_features in [1, 2, 3, 5, 6, 7, 9] {
            for diagonal in [false, true] {
                let mut model = model(n_states, n_features, diagonal);
                let rows = rows(n_features);
                let batch = model.filter(rows.view()).unwrap();
                for (row, expected) in rows.rows().into_iter().zip(batch.rows()) {
                    let found = model.step(row).unwrap();
                    assert_eq!(found, expected.to_vec(), "{n_states} {n_features} {diagonal}");
                }
            }
        }
    }
}

#[test]
fn a_row_in_pieces_counts_the_same() {
    let (mut one, mut other) = (model(3, 5, false), model(3, 5, false));
    let mut backwards = rows(5);
    backwards.invert_axis(Axis(1));
    for row in backwards.rows() {
        assert_eq!(one.step(row).unwrap(), other.step(row.to_owned().view()).unwrap());
    }
}

#[test]
fn a_step_allocates_nothing() {
    for (n_states, n_features) in [(3, 5), (9, 12)] {
        let (mut hmm, rows) = (model(n_states, n_features, false), rows(n_features));
        let mut jump = JumpModel::new(hmm.means().view(), 1.0).unwrap();
        let steps = allocation_counter::measure(|| {
            for row in rows.rows() {
                hmm.step(row).unwrap();
                jump.step(row).unwrap();
            }
        });
        assert_eq!(steps.count_total, 0);
    }
}

#[test]
fn a_refused_row_changes_nothing() {
    let mut model = model(3, 2, false);
    model.step(ndarray::arr1(&[0.1, 0.2]).view()).unwrap();
    let before = model.to_bytes();
    let refused = model.step(ndarray::arr1(&[1e200, 0.0]).view()).unwrap_err().to_string();
    assert!(refused.contains("1e200") || refused.contains("1000000"), "{refused}");
    assert!(model.step(ndarray::arr1(&[f64::NAN, 0.0]).view()).is_err());
    assert!(model.step(ndarray::arr1(&[0.0]).view()).is_err());
    assert_eq!(model.to_bytes(), before);
}
