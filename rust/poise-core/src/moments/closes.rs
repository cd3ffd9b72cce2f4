//! What a bar's closes say: simple returns.

/// Takes in the closes of a bar for which every asset has one: into `row` what each earned since the close in `last`,
/// into `last` and `kept` the closes.
///
/// `false`, and nothing changed, where a close is missing or is no price, and where the lengths differ.
pub fn take_closes(closes: &[f64], last: &mut [f64], kept: &mut [f64], row: &mut [f64]) -> bool {
    let n_assets = closes.len();
    let fits = [last.len(), kept.len(), row.len()] == [n_assets; 3];
    // NaN fails both comparisons.
    let is_price = |all: bool, close: &f64| all & (*close > 0.0) & (*close < f64::INFINITY);
    if !fits || !closes.iter().fold(true, is_price) {
        return false;
    }
    for ((earned, close), before) in row.iter_mut().zip(closes).zip(last.iter()) {
        *earned = close / before - 1.0;
    }
    last.copy_from_slice(closes);
    kept.copy_from_slice(closes);
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_bar_by_hand_and_any_other_left_alone() {
        let (mut last, mut kept, mut row) = ([100.0, f64::NAN, 10.0], [0.0; 3], [7.0; 3]);
        assert!(take_closes(&[110.0, 5.0, 9.0], &mut last, &mut kept, &mut row));
        assert!((row[0] - 0.1).abs() < 1e-15 && row[1].is_nan() && (row[2] + 0.1).abs() < 1e-15);
        assert_eq!((last, kept), ([110.0, 5.0, 9.0], [110.0, 5.0, 9.0]));
        for bad in [f64::NAN, f64::INFINITY, 0.0, -1.0] {
            assert!(!take_closes(&[111.0, bad, 9.0], &mut last, &mut kept, &mut row));
        }
        assert!(!take_closes(&[111.0, 5.0], &mut last, &mut kept, &mut row));
        assert_eq!((last, kept, row[2]), ([110.0, 5.0, 9.0], [110.0, 5.0, 9.0], 9.0 / 10.0 - 1.0));
    }
}
