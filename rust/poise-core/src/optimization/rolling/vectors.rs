//! Sums of vectors and of their products, several in one pass.
//!
//! All vectors of a call are of one length, a multiple of [`super::products::PADDING`].

use poise_simd::{Kernel, Simd, dispatch};

/// The sum of each.
pub(super) fn sums<const D: usize>(vectors: [&[f64]; D]) -> [f64; D] {
    dispatch(Sums { vectors })
}

struct Sums<'a, const D: usize> {
    vectors: [&'a [f64]; D],
}

impl<const D: usize> Kernel for Sums<'_, D> {
    type Output = [f64; D];

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> [f64; D] {
        let mut sums = [0.0; D];
        for (found, vector) in sums.iter_mut().zip(self.vectors) {
            let mut sum = simd.splat(0.0);
            for block in simd.blocks(vector).0 {
                sum = simd.add(sum, simd.load(block));
            }
            *found = simd.sum(sum);
        }
        sums
    }
}

/// The inner product of each pair.
pub(super) fn dots<const D: usize>(pairs: [[&[f64]; 2]; D]) -> [f64; D] {
    dispatch(Dots { pairs })
}

struct Dots<'a, const D: usize> {
    pairs: [[&'a [f64]; 2]; D],
}

impl<const D: usize> Kernel for Dots<'_, D> {
    type Output = [f64; D];

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> [f64; D] {
        let n_blocks = self.pairs[0][0].len() / S::LANES;
        let mut sums = [simd.splat(0.0); D];
        for block in 0..n_blocks {
            for (sum, [left, right]) in sums.iter_mut().zip(self.pairs) {
                let (left, right) = (&simd.blocks(left).0[block], &simd.blocks(right).0[block]);
                *sum = simd.mul_add(simd.load(left), simd.load(right), *sum);
            }
        }
        let mut found = [0.0; D];
        for d in 0..D {
            found[d] = simd.sum(sums[d]);
        }
        found
    }
}

/// `target = kept target + factors[0] x + factors[1] y` of each.
pub(super) fn combine<const D: usize>(
    targets: [&mut [f64]; D],
    kept: [f64; D],
    factors: [[f64; 2]; D],
    [x, y]: [&[f64]; 2],
) {
    dispatch(Combine { targets, kept, factors, x, y });
}

struct Combine<'a, const D: usize> {
    targets: [&'a mut [f64]; D],
    kept: [f64; D],
    factors: [[f64; 2]; D],
    x: &'a [f64],
    y: &'a [f64],
}

impl<const D: usize> Kernel for Combine<'_, D> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { targets, kept, factors, x, y } = self;
        let (x, y) = (simd.blocks(x).0, simd.blocks(y).0);
        for d in 0..D {
            let (kept, [of_x, of_y]) = (simd.splat(kept[d]), factors[d].map(|factor| simd.splat(factor)));
            let target = simd.blocks_mut(targets[d]).0;
            for (target, (x, y)) in target.iter_mut().zip(x.iter().zip(y)) {
                let sum = simd.mul_add(of_x, simd.load(x), simd.mul(kept, simd.load(target)));
                simd.store(target, simd.mul_add(of_y, simd.load(y), sum));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(left: f64, right: f64) -> bool {
        (left - right).abs() < 1e-13
    }

    #[test]
    fn what_a_plain_loop_gives() {
        for n in [8, 16, 40, 104] {
            let draw = |seed: usize| (0..n).map(move |i| ((i * 7919 + seed) % 1009) as f64 / 1009.0 - 0.5);
            let (x, y): (Vec<f64>, Vec<f64>) = (draw(1).collect(), draw(555).collect());
            let [of_both, of_one] = dots([[&x, &y], [&x, &x]]);
            assert!(near(of_both, x.iter().zip(&y).map(|(x, y)| x * y).sum()), "{n}");
            assert!(near(of_one, x.iter().map(|x| x * x).sum()), "{n}");
            let [sum, other] = sums([&x, &y]);
            assert!(near(sum, x.iter().sum()) && near(other, y.iter().sum()), "{n}");
            let (mut kept, mut fresh) = (draw(77).collect::<Vec<f64>>(), vec![9.0; n]);
            combine([&mut kept, &mut fresh], [1.0, 0.0], [[2.0, -0.5], [0.0, 3.0]], [&x, &y]);
            for (i, before) in draw(77).enumerate() {
                assert!(
                    near(kept[i], before + 2.0 * x[i] - 0.5 * y[i]) && near(fresh[i], 3.0 * y[i]),
                    "{n} {i}"
                );
            }
        }
    }
}
