//! Made-up returns for the tests of this room.

/// A deterministic spread of returns in (-0.1, 0.1); `coarse` gives many ties.
pub(super) fn noise(n: usize, seed: u32, coarse: bool) -> Vec<f64> {
    let mut state = u64::from(seed) << 17 | 0x9E37_79B9_7F4A_7C15;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1_u64 << 53) as f64 * 0.2 - 0.1
    };
    (0..n).map(|_| if coarse { (next() * 100.0).round() / 100.0 } else { next() }).collect()
}
