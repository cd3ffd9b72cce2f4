//! Random numbers from a counter: draw `n` of stream `s` depends on the seed, `s` and `n` alone, so restarts
//! give the same answer on one thread and on many.
//!
//! SplitMix64: Steele, Lea and Flood (2014), "Fast splittable pseudorandom number generators".

const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// One stream of draws.
pub(super) struct Stream {
    key: u64,
    drawn: u64,
}

impl Stream {
    pub(super) fn new(seed: u64, stream: usize) -> Self {
        let stream = mix((stream as u64).wrapping_add(GOLDEN));
        Self { key: mix(seed ^ stream), drawn: 0 }
    }

    fn draw(&mut self) -> u64 {
        self.drawn += 1;
        mix(self.key.wrapping_add(self.drawn.wrapping_mul(GOLDEN)))
    }

    /// A number in [0, 1).
    pub(super) fn uniform(&mut self) -> f64 {
        (self.draw() >> 11) as f64 * (1.0 / (1_u64 << 53) as f64)
    }

    /// A position, each with probability proportional to its weight; any position where all weights are zero.
    pub(super) fn position(&mut self, weights: &[f64]) -> usize {
        let total: f64 = weights.iter().sum();
        let last = weights.len().saturating_sub(1);
        let uniform = self.uniform();
        if total.is_nan() || total <= 0.0 || total.is_infinite() {
            return ((uniform * weights.len() as f64) as usize).min(last);
        }
        let mut left = uniform * total;
        for (position, weight) in weights.iter().enumerate() {
            left -= weight;
            if left < 0.0 {
                return position;
            }
        }
        // Rounding may leave a crumb after the last weight.
        weights.iter().rposition(|weight| *weight > 0.0).unwrap_or(last)
    }
}

fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equals_the_published_generator() {
        // The first numbers of SplitMix64 from state 1234567, as in the reference implementation's tests.
        let mut stream = Stream { key: 1_234_567, drawn: 0 };
        assert_eq!(stream.draw(), 6_457_827_717_110_365_317);
        assert_eq!(stream.draw(), 3_203_168_211_198_807_973);
        assert_eq!(stream.draw(), 9_817_491_932_198_370_423);
    }

    #[test]
    fn positions_follow_their_weights() {
        let mut stream = Stream::new(3, 1);
        let mut seen = [0; 4];
        for _ in 0..10_000 {
            seen[stream.position(&[1.0, 0.0, 3.0, 0.0])] += 1;
        }
        assert_eq!((seen[1], seen[3]), (0, 0));
        assert!((2300..2700).contains(&seen[0]), "{seen:?}");
        for _ in 0..50 {
            assert!(stream.position(&[0.0, 0.0]) < 2);
        }
    }

    #[test]
    fn streams_differ() {
        let first: Vec<u64> = (0..8).map(|stream| Stream::new(5, stream).draw()).collect();
        let mut unique = first.clone();
        unique.sort_unstable();
        unique.dedup();
        assert_eq!(unique.len(), first.len());
        assert_ne!(Stream::new(6, 0).draw(), first[0]);
    }
}
