//! States as bytes: damaged, and with the damage signed over.

use arbitrary::{Arbitrary, Result, Unstructured};
use poise_core::moments::{
    EwmaState, HalfLivesState, IteratedState, RegimesState, RollingState, ShrunkState, TimeframesState,
};
use poise_core::regime::{GaussianHmm, JumpModel, RegimeDetector};
use poise_core::risk::{DrawdownTracker, RiskEngine, RollingTail};

/// A state that turns into bytes and back.
pub trait Saved: Sized {
    fn to_bytes(&self) -> Vec<u8>;
    fn from_bytes(bytes: &[u8]) -> poise_core::Result<Self>;
}

macro_rules! saved {
    ($($state:ty),*) => {$(
        impl Saved for $state {
            fn to_bytes(&self) -> Vec<u8> {
                self.to_bytes()
            }
            fn from_bytes(bytes: &[u8]) -> poise_core::Result<Self> {
                Self::from_bytes(bytes)
            }
        }
    )*};
}

saved!(EwmaState, HalfLivesState, IteratedState, RegimesState, RollingState, ShrunkState, TimeframesState);
saved!(GaussianHmm, JumpModel, RegimeDetector, DrawdownTracker, RiskEngine, RollingTail);

/// What `from_bytes` makes of the rest of the input, signed or not, or of a valid state that came to harm.
pub fn revived<S: Saved>(u: &mut Unstructured<'_>, state: &S) -> Result<Option<S>> {
    let bytes = if u.ratio(1, 8)? {
        let mut bytes = u.bytes(u.len())?.to_vec();
        sign(&mut bytes);
        bytes
    } else {
        damaged(u, state.to_bytes())?
    };
    let Ok(state) = S::from_bytes(&bytes) else { return Ok(None) };
    let bytes = state.to_bytes();
    let again = S::from_bytes(&bytes).unwrap_or_else(|error| panic!("its own bytes: {error}"));
    assert_eq!(again.to_bytes(), bytes);
    Ok(Some(state))
}

const CHECKSUM: usize = size_of::<u64>();

/// Overwrites, cuts and extends valid bytes; half the time the checksum is made to fit again, as a writer with
/// another idea of the payload would.
fn damaged(u: &mut Unstructured<'_>, mut bytes: Vec<u8>) -> Result<Vec<u8>> {
    for _ in 0..u.int_in_range(1..=6)? {
        if bytes.is_empty() {
            break;
        }
        // Counts and flags come first and do the most harm.
        let reach = if bool::arbitrary(u)? { bytes.len() } else { bytes.len().min(80) };
        let place = u.int_in_range(0..=reach - 1)?;
        match u.int_in_range(0..=5)? {
            0 => bytes[place] ^= 1 << u.int_in_range(0..=7)?,
            1 => bytes[place] = u8::arbitrary(u)?,
            2 => overwrite(&mut bytes, place, &super::draw::real(u)?.to_le_bytes()),
            3 => overwrite(&mut bytes, place, &u64::arbitrary(u)?.to_le_bytes()),
            4 => bytes.truncate(place),
            _ => bytes.extend_from_slice(&u64::arbitrary(u)?.to_le_bytes()),
        }
    }
    if bool::arbitrary(u)? {
        sign(&mut bytes);
    }
    Ok(bytes)
}

fn overwrite(bytes: &mut [u8], place: usize, value: &[u8]) {
    bytes.iter_mut().skip(place).zip(value).for_each(|(to, from)| *to = *from);
}

/// Makes the last eight bytes the checksum of the others (FNV-1a, as in the core's `snapshot`).
fn sign(bytes: &mut [u8]) {
    let Some(length) = bytes.len().checked_sub(CHECKSUM) else { return };
    let (body, sum) = bytes.split_at_mut(length);
    let hash = body.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    sum.copy_from_slice(&hash.to_le_bytes());
}
