//! The nearest correlation matrix: of anything symmetric, a correlation with an inverse.
#![no_main]

use libfuzzer_sys::fuzz_target;
use poise_core::moments::nearest_correlation;
use poise_fuzz::matrices::covariance;
use poise_fuzz::{Result, Unstructured, check};

fuzz_target!(|data: &[u8]| {
    let _ = run(&mut Unstructured::new(data));
});

fn run(u: &mut Unstructured<'_>) -> Result<()> {
    let mut matrix = covariance(u, 6)?;
    if u.ratio(3, 4)? && matrix.n_rows() == matrix.n_columns() {
        let deviations = matrix.dense.diag().mapv(f64::sqrt);
        let n = matrix.n_rows();
        let scaled = ndarray::Array2::from_shape_fn((n, n), |(i, j)| {
            if i == j { 1.0 } else { matrix.dense[(i, j)] / (deviations[i] * deviations[j]) }
        });
        matrix = poise_fuzz::draw::Panel::new(u, scaled)?;
    }
    let Ok(nearest) = nearest_correlation(matrix.view()) else { return Ok(()) };
    // Definite with room to spare: the floor of 1e-8, less what making the diagonal one again takes.
    check::correlation(nearest.view(), -5e-9);
    let again = nearest_correlation(nearest.view()).expect("a correlation");
    check::all_close(&again, &nearest, 1e-7);
    Ok(())
}
