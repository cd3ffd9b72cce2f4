//! What must hold before the clock starts: contenders give the same answer.

use std::error::Error;

/// Nothing, or why not.
pub type Outcome = Result<(), Box<dyn Error>>;

/// Refuses numbers that differ by more than `tolerance` times the largest of ours.
///
/// # Errors
/// By how much they differ.
pub fn agree<'a>(
    what: &str,
    ours: impl IntoIterator<Item = &'a f64>,
    theirs: impl IntoIterator<Item = &'a f64>,
    tolerance: f64,
) -> Outcome {
    let (mut apart, mut largest) = (0.0_f64, 0.0_f64);
    for (a, b) in ours.into_iter().zip(theirs) {
        // A NaN on either side must not look like agreement.
        apart = if (a - b).is_nan() { f64::INFINITY } else { apart.max((a - b).abs()) };
        largest = largest.max(a.abs());
    }
    at_most(what, apart / largest, tolerance)
}

/// Refuses an error above `tolerance`.
///
/// # Errors
/// Both numbers.
pub fn at_most(what: &str, error: f64, tolerance: f64) -> Outcome {
    if error <= tolerance {
        return Ok(());
    }
    Err(format!("{what}: off by {error:.2e}, more than {tolerance:.0e}: not the same answer").into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sees_differences_and_nan() {
        assert!(agree("same", &[1.0, -4.0], &[1.0, -4.0 + 1e-12], 1e-12).is_ok());
        let error = agree("apart", &[1.0, -4.0], &[1.0, -4.1], 1e-12).unwrap_err().to_string();
        assert!(error.contains("apart: off by 2.5"), "{error}");
        assert!(agree("missing", &[f64::NAN, 1.0], &[1.0, 1.0], 1.0).is_err());
        assert!(agree("missing later", &[1.0, 1.0], &[f64::NAN, 1.0], 1.0).is_err());
    }
}
