//! Each set that this processor has against plain loops; a missing one is reported.

use proptest::prelude::*;

use super::*;

/// Runs `check` for every set, and names those that are not here.
fn on_each_set(check: impl Fn(InstructionSet)) {
    for set in InstructionSet::ALL {
        if set.is_available() {
            check(set);
        } else {
            println!("skipped: this processor has no {set}");
        }
    }
}

/// Applies every lane-wise operation to the same operands, one result vector after another.
struct Lanewise<'a> {
    a: &'a [f64],
    b: &'a [f64],
    c: &'a [f64],
}

impl Kernel for Lanewise<'_> {
    type Output = Vec<[f64; 10]>;

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> Self::Output {
        let mut results = vec![[0.0; 10]; self.a.len()];
        let operands = self.a.chunks(S::LANES).zip(self.b.chunks(S::LANES)).zip(self.c.chunks(S::LANES));
        for (((a, b), c), results) in operands.zip(results.chunks_mut(S::LANES)) {
            let (a, b, c) = (simd.load_partial(a), simd.load_partial(b), simd.load_partial(c));
            let found = [
                simd.add(a, b),
                simd.sub(a, b),
                simd.mul(a, b),
                simd.div(a, b),
                simd.mul_add(a, b, c),
                simd.neg_mul_add(a, b, c),
                simd.min(a, b),
                simd.max(a, b),
                simd.sqrt(a),
                simd.where_at_most(a, b, c, a),
            ];
            for (which, vector) in found.into_iter().enumerate() {
                let mut column = [0.0; 8];
                simd.store_partial(&mut column[..results.len()], vector);
                results.iter_mut().zip(column).for_each(|(result, value)| result[which] = value);
            }
        }
        results
    }
}

fn expected(a: f64, b: f64, c: f64) -> [f64; 10] {
    let fused = [a.mul_add(b, c), (-a).mul_add(b, c)];
    let least = if a < b { a } else { b };
    let most = if a > b { a } else { b };
    [a + b, a - b, a * b, a / b, fused[0], fused[1], least, most, a.sqrt(), if a <= b { c } else { a }]
}

/// Copies part of a block, whatever lies behind it.
struct Part<'a>(&'a [f64], &'a mut [f64]);

impl Kernel for Part<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let vector = simd.load_partial(self.0);
        assert!(simd.sum(vector) == self.0.iter().take(S::LANES).sum::<f64>());
        simd.store_partial(self.1, vector);
    }
}

struct Exp<'a>(&'a [f64]);

impl Kernel for Exp<'_> {
    type Output = Vec<f64>;

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> Vec<f64> {
        let mut found = vec![0.0; self.0.len()];
        for (x, found) in self.0.chunks(S::LANES).zip(found.chunks_mut(S::LANES)) {
            simd.store_partial(found, simd.exp(simd.load_partial(x)));
        }
        found
    }
}

struct Sum<'a>(&'a [f64]);

impl Kernel for Sum<'_> {
    type Output = f64;

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> f64 {
        let (blocks, rest) = simd.blocks(self.0);
        let sum = blocks.iter().fold(simd.splat(0.0), |sum, block| simd.add(sum, simd.load(block)));
        simd.sum(sum) + rest.iter().sum::<f64>()
    }
}

struct Sieve<'a>(&'a [f64], f64);

impl Kernel for Sieve<'_> {
    type Output = Vec<f64>;

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> Vec<f64> {
        let mut kept = vec![0.0; self.0.len() + S::LANES];
        let mut count = 0;
        let (blocks, rest) = simd.blocks(self.0);
        let threshold = simd.splat(self.1);
        for block in blocks {
            let (room, _) = simd.blocks_mut(&mut kept[count..]);
            count += simd.compress_at_most(block, threshold, &mut room[0]);
        }
        kept.truncate(count);
        kept.extend(rest.iter().filter(|x| **x <= self.1));
        kept
    }
}

fn same(a: f64, b: f64) -> bool {
    a == b || (a.is_nan() && b.is_nan())
}

#[test]
fn parts_of_a_block_end_where_the_slice_ends() {
    let from: Vec<f64> = (1..20).map(f64::from).collect();
    on_each_set(|set| {
        for length in 0..from.len() {
            for room in 0..from.len() {
                let mut to = [-1.0; 20];
                dispatch_on(set, Part(&from[..length], &mut to[..room]));
                let lanes = to.iter().take_while(|x| **x != -1.0).count();
                assert!(
                    lanes == room.min(if set == InstructionSet::Avx512 { 8 } else { 4 }),
                    "{set}: {to:?}"
                );
                let expected = (0..lanes).map(|lane| if lane < length { from[lane] } else { 0.0 });
                assert!(to.into_iter().take(lanes).eq(expected), "{set}: {to:?}");
                assert!(to[lanes..].iter().all(|x| *x == -1.0), "{set}: {to:?}");
            }
        }
    });
}

#[test]
fn the_exponential_at_its_ends() {
    let x = [0.0, -0.0, 1.0, -745.2, -1e300, 709.9, 1e300, f64::INFINITY, f64::NEG_INFINITY, f64::NAN];
    on_each_set(|set| {
        let found = dispatch_on(set, Exp(&x));
        for (x, found) in x.iter().zip(found) {
            assert!(
                same(found, x.exp()) || (found / x.exp() - 1.0).abs() < 1e-15,
                "{set}: exp({x}) = {found}"
            );
        }
    });
}

#[test]
fn asking_for_what_is_not_there_says_what_is() {
    let error = "sse9".parse::<InstructionSet>().unwrap_err().to_string();
    assert!(error.contains("\"sse9\"") && error.contains("baseline"), "{error}");
    assert_eq!("baseline".parse(), Ok(InstructionSet::Baseline));
    for set in InstructionSet::ALL {
        assert_eq!(set.name().parse::<InstructionSet>().is_ok(), set.is_available());
    }
    assert!(chosen().is_available());
}

proptest! {
    #[test]
    fn lanes_do_what_numbers_do(
        operands in prop::collection::vec((any::<f64>(), any::<f64>(), any::<f64>()), 1..40)
    ) {
        let [a, b, c] = [0, 1, 2].map(|which| -> Vec<f64> {
            operands.iter().map(|&(a, b, c)| [a, b, c][which]).collect()
        });
        on_each_set(|set| {
            for ((a, b, c), found) in operands.iter().zip(dispatch_on(set, Lanewise { a: &a, b: &b, c: &c })) {
                for (which, (found, fused)) in found.into_iter().zip(expected(*a, *b, *c)).enumerate() {
                    let twice_rounded = [a * b + c, c - a * b];
                    let allowed = matches!(which, 4 | 5) && set == InstructionSet::Baseline;
                    assert!(
                        same(found, fused) || (allowed && same(found, twice_rounded[which - 4])),
                        "{set}: operation {which} of {a:e}, {b:e}, {c:e} gave {found:e}, not {fused:e}"
                    );
                }
            }
        });
    }

    #[test]
    fn the_exponential_is_within_two_units_in_the_last_place(
        x in prop::collection::vec(-700.0..700.0_f64, 1..40)
    ) {
        on_each_set(|set| {
            for (x, found) in x.iter().zip(dispatch_on(set, Exp(&x))) {
                assert!((found - x.exp()).abs() <= 2.0 * f64::EPSILON * x.exp(), "{set}: exp({x}) = {found}");
            }
        });
    }

    #[test]
    fn sums_differ_by_rounding_only(x in prop::collection::vec(-1.0..1.0_f64, 0..100)) {
        let plain: f64 = x.iter().sum();
        on_each_set(|set| assert!((dispatch_on(set, Sum(&x)) - plain).abs() < 1e-13, "{set}"));
    }

    #[test]
    fn the_sieve_keeps_what_is_small_in_its_order(
        x in prop::collection::vec(prop_oneof![Just(f64::NAN), Just(0.0), -1.0..1.0_f64], 0..100),
        threshold in -1.0..1.0_f64,
    ) {
        let kept: Vec<f64> = x.iter().copied().filter(|x| *x <= threshold).collect();
        on_each_set(|set| assert_eq!(dispatch_on(set, Sieve(&x, threshold)), kept, "{set}"));
    }
}
