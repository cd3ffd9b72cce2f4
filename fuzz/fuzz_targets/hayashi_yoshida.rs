//! Two series with instants of their own: the order of the two does not matter, and correlations are no more than one
//! where both are seen at the same instants.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ndarray::Array1;
use poise_core::moments::hayashi_yoshida;
use poise_fuzz::draw::{noise, real};
use poise_fuzz::{Arbitrary, Result, Unstructured, check};

fuzz_target!(|data: &[u8]| {
    let _ = run(&mut Unstructured::new(data));
});

fn run(u: &mut Unstructured<'_>) -> Result<()> {
    let ((times_x, x), (times_y, y)) = (series(u)?, series(u)?);
    let forth = hayashi_yoshida(times_x.view(), x.view(), times_y.view(), y.view());
    let back = hayashi_yoshida(times_y.view(), y.view(), times_x.view(), x.view());
    match (forth, back) {
        (Ok(forth), Ok(back)) => {
            assert!(check::same(forth.covariance, back.covariance), "{forth:?} {back:?}");
            assert!(check::same(forth.correlation, back.correlation), "{forth:?} {back:?}");
        }
        (Err(_), Err(_)) => return Ok(()),
        (forth, back) => panic!("{forth:?} {back:?}"),
    }
    if let Ok(own) = hayashi_yoshida(times_x.view(), x.view(), times_x.view(), x.view())
        && x.iter().all(|x| x.abs() < 1e100)
    {
        assert!(own.covariance >= 0.0);
        assert!(own.correlation.is_nan() || (own.correlation - 1.0).abs() < 1e-12, "{own:?}");
    }
    Ok(())
}

fn series(u: &mut Unstructured<'_>) -> Result<(Array1<i64>, Array1<f64>)> {
    let n = u.int_in_range(0..=40)?;
    let mut values = noise(u32::arbitrary(u)?, n);
    let mut time = if u.ratio(1, 8)? { i64::arbitrary(u)? } else { 0 };
    let mut times = Vec::new();
    for _ in 0..n {
        times.push(time);
        let step = if u.ratio(1, 16)? { i64::arbitrary(u)? } else { i64::from(u8::arbitrary(u)?) };
        time = time.wrapping_add(step);
    }
    if n > 0 && u.ratio(1, 4)? {
        values[u.int_in_range(0..=n - 1)?] = real(u)?;
    }
    if u.ratio(1, 32)? {
        times.push(time);
    }
    Ok((times.into(), values.into()))
}
