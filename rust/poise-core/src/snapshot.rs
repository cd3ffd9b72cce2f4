//! Bytes of a state: mark, version, payload, checksum; all numbers little-endian.

use crate::{Error, Result};

const HEADER: usize = size_of::<u64>() + size_of::<u32>();
const CHECKSUM: usize = size_of::<u64>();

/// Counts up to here are whole numbers as floats as well.
pub(crate) const MOST_COUNTED: u64 = 1 << 53;

/// What one kind of state writes in front of its payload.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Format {
    /// Tells its bytes from those of other states.
    pub(crate) mark: &'static [u8; 8],
    /// Rises when the payload changes.
    pub(crate) version: u32,
    /// Its name in messages, with the article: `an EWMA state`.
    pub(crate) name: &'static str,
}

/// Collects a payload.
pub(crate) struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    pub(crate) fn new(format: Format) -> Self {
        let mut bytes = format.mark.to_vec();
        bytes.extend(format.version.to_le_bytes());
        Self { bytes }
    }

    pub(crate) fn reals(&mut self, values: &[f64]) {
        self.bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
    }

    pub(crate) fn count(&mut self, value: u64) {
        self.bytes.extend(value.to_le_bytes());
    }

    pub(crate) fn flag(&mut self, value: bool) {
        self.bytes.push(u8::from(value));
    }

    /// A time, in whatever unit, before or after its origin.
    pub(crate) fn instant(&mut self, value: i64) {
        self.bytes.extend(value.to_le_bytes());
    }

    /// Another state inside this one.
    pub(crate) fn bytes(&mut self, state: &[u8]) {
        self.count(state.len() as u64);
        self.bytes.extend(state);
    }

    pub(crate) fn finish(mut self) -> Vec<u8> {
        let sum = checksum(&self.bytes);
        self.bytes.extend(sum.to_le_bytes());
        self.bytes
    }
}

/// Hands out a payload, in the order it was written.
pub(crate) struct Reader<'a> {
    version: u32,
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Checks mark, version and checksum.
    pub(crate) fn open(bytes: &'a [u8], format: Format) -> Result<Self> {
        if bytes.len() < HEADER + CHECKSUM {
            return Err(refused(format!("{} bytes are too short for a state", bytes.len())));
        }
        let (checked, sum) = bytes.split_at(bytes.len() - CHECKSUM);
        let mut reader = Self { version: 0, rest: checked };
        if reader.take()? != *format.mark {
            return Err(refused(format!("the bytes are not those of {}", format.name)));
        }
        let version = u32::from_le_bytes(reader.take()?);
        reader.version = version;
        if version > format.version {
            return Err(refused(format!(
                "version {version} is newer than {}; upgrade poise",
                format.version
            )));
        }
        if sum != checksum(checked).to_le_bytes() {
            return Err(refused("the checksum does not fit; the bytes were damaged".to_owned()));
        }
        Ok(reader)
    }

    /// The version that wrote the bytes.
    pub(crate) fn version(&self) -> u32 {
        self.version
    }

    pub(crate) fn real(&mut self) -> Result<f64> {
        Ok(f64::from_le_bytes(self.take()?))
    }

    pub(crate) fn reals(&mut self, n: usize) -> Result<Vec<f64>> {
        // Told apart by the bytes there are, so that a wrong count cannot ask for memory.
        if self.rest.len() / size_of::<f64>() < n {
            return Err(refused(format!("{n} numbers expected, {} bytes left", self.rest.len())));
        }
        (0..n).map(|_| self.real()).collect()
    }

    /// A number of rows or assets; refused where no life is long enough to count so far, so that it can go on
    /// counting.
    pub(crate) fn count(&mut self) -> Result<u64> {
        match u64::from_le_bytes(self.take()?) {
            count if count <= MOST_COUNTED => Ok(count),
            count => Err(refused(format!("a count is {count}"))),
        }
    }

    /// A positive number of assets that the bytes could hold.
    pub(crate) fn size(&mut self) -> Result<usize> {
        let count = self.count()?;
        match usize::try_from(count) {
            Ok(size) if size > 0 && size <= self.rest.len() => Ok(size),
            _ => Err(refused(format!("{count} assets do not fit {} bytes", self.rest.len()))),
        }
    }

    pub(crate) fn flag(&mut self) -> Result<bool> {
        match self.take::<1>()? {
            [0] => Ok(false),
            [1] => Ok(true),
            [other] => Err(refused(format!("a flag is {other}"))),
        }
    }

    pub(crate) fn instant(&mut self) -> Result<i64> {
        Ok(i64::from_le_bytes(self.take()?))
    }

    pub(crate) fn bytes(&mut self) -> Result<&'a [u8]> {
        let count = self.count()?;
        let taken = usize::try_from(count).ok().and_then(|count| self.rest.split_at_checked(count));
        let (state, rest) = taken
            .ok_or_else(|| refused(format!("{count} bytes expected, {} bytes left", self.rest.len())))?;
        self.rest = rest;
        Ok(state)
    }

    /// Refuses what is left over.
    pub(crate) fn close(self) -> Result<()> {
        if self.rest.is_empty() {
            return Ok(());
        }
        Err(refused(format!("{} bytes are left over", self.rest.len())))
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N]> {
        let (taken, rest) =
            self.rest.split_first_chunk::<N>().ok_or_else(|| refused("the bytes end too soon".to_owned()))?;
        self.rest = rest;
        Ok(*taken)
    }
}

/// The error of bytes that cannot be this state.
pub(crate) fn refused(reason: String) -> Error {
    Error::Snapshot { reason }
}

/// FNV-1a, 64 bits: each step is a bijection, so no single changed byte goes unseen.
fn checksum(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORMAT: Format = Format { mark: b"poiseTST", version: 1, name: "a test" };

    fn with_checksum(mut bytes: Vec<u8>) -> Vec<u8> {
        bytes.extend(checksum(&bytes).to_le_bytes());
        bytes
    }

    fn reason(bytes: &[u8]) -> String {
        match Reader::open(bytes, FORMAT) {
            Ok(_) => panic!("accepted"),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn a_newer_version_is_told_apart_from_damage() {
        let mut newer = FORMAT.mark.to_vec();
        newer.extend((FORMAT.version + 1).to_le_bytes());
        assert!(reason(&with_checksum(newer)).contains("newer"));
        let mut damaged = Writer::new(FORMAT).finish();
        *damaged.last_mut().unwrap() ^= 1;
        assert!(reason(&damaged).contains("checksum"));
        assert!(reason(b"short").contains("too short"));
        assert!(reason(&with_checksum(vec![7; 40])).contains("not those of a test"));
    }

    #[test]
    fn a_payload_is_read_to_its_end() {
        let mut writer = Writer::new(FORMAT);
        writer.count(3);
        writer.reals(&[-0.0, f64::NAN]);
        writer.flag(true);
        writer.bytes(b"inside");
        writer.instant(-7);
        let bytes = writer.finish();
        let mut reader = Reader::open(&bytes, FORMAT).unwrap();
        assert!(reader.bytes().is_ok_and(|state| state.len() == 3));
        let mut reader = Reader::open(&bytes, FORMAT).unwrap();
        assert_eq!(reader.size(), Ok(3));
        assert!(reader.reals(9).is_err());
        assert_eq!(reader.real().unwrap().to_bits(), (-0.0_f64).to_bits());
        assert!(reader.real().unwrap().is_nan());
        assert_eq!(reader.flag(), Ok(true));
        assert_eq!(reader.bytes(), Ok(&b"inside"[..]));
        assert_eq!(reader.instant(), Ok(-7));
        assert!(reader.instant().is_err());
        assert!(reader.count().is_err());
        assert!(reader.bytes().is_err());
        assert!(reader.close().is_ok());
        assert!(Reader::open(&bytes, FORMAT).unwrap().close().is_err());
    }

    #[test]
    fn a_count_of_assets_cannot_ask_for_more_than_there_is() {
        for count in [0, 1 << 40, u64::MAX] {
            let mut writer = Writer::new(FORMAT);
            writer.count(count);
            let bytes = writer.finish();
            assert!(Reader::open(&bytes, FORMAT).unwrap().size().is_err());
        }
    }

    #[test]
    fn nothing_counts_beyond_what_can_be_counted() {
        // Found by fuzzing: the next row made the count overflow.
        for (count, is_taken) in [(MOST_COUNTED, true), (MOST_COUNTED + 1, false), (u64::MAX, false)] {
            let mut writer = Writer::new(FORMAT);
            writer.count(count);
            let bytes = writer.finish();
            assert_eq!(Reader::open(&bytes, FORMAT).unwrap().count().is_ok(), is_taken, "{count}");
        }
    }
}
