//! Which instruction set runs: the widest one that the processor has, or the one asked for.

use std::fmt;
use std::str::FromStr;
use std::sync::OnceLock;

/// The variable of the environment that asks for an instruction set.
const VARIABLE: &str = "POISE_CPU";

/// An instruction set that kernels are compiled for, the narrowest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum InstructionSet {
    /// What every processor of the target has.
    Baseline,
    /// 256 bits: AVX2 with fused multiply-add (x86-64-v3).
    Avx2,
    /// 512 bits: AVX-512 F, CD, BW, DQ and VL (x86-64-v4).
    Avx512,
}

impl InstructionSet {
    /// All of them, the narrowest first.
    pub const ALL: [Self; 3] = [Self::Baseline, Self::Avx2, Self::Avx512];

    /// As it is spelt in `POISE_CPU`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Baseline => "baseline",
            Self::Avx2 => "avx2",
            Self::Avx512 => "avx512",
        }
    }

    /// Whether this processor has it.
    pub fn is_available(self) -> bool {
        self.token().is_some()
    }

    /// The proof that this processor has it.
    pub(crate) fn token(self) -> Option<Token> {
        match self {
            Self::Baseline => Some(Token::Baseline),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => crate::x86::Avx2::detect().map(Token::Avx2),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => crate::x86::Avx512::detect().map(Token::Avx512),
            #[cfg(not(target_arch = "x86_64"))]
            Self::Avx2 | Self::Avx512 => None,
        }
    }
}

/// A set that this processor was found to have.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Token {
    Baseline,
    #[cfg(target_arch = "x86_64")]
    Avx2(crate::x86::Avx2),
    #[cfg(target_arch = "x86_64")]
    Avx512(crate::x86::Avx512),
}

impl fmt::Display for InstructionSet {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl FromStr for InstructionSet {
    type Err = UnknownInstructionSet;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let set = Self::ALL.into_iter().find(|set| set.name() == text);
        match set {
            Some(set) if set.is_available() => Ok(set),
            _ => Err(UnknownInstructionSet { asked: text.to_owned(), known: set.is_some() }),
        }
    }
}

/// `POISE_CPU` asks for what cannot be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "POISE_CPU={asked:?} {}; leave it out, or choose one of {}",
    if *known { "is not on this processor" } else { "is no instruction set" },
    available().map(InstructionSet::name).collect::<Vec<_>>().join(", ")
)]
pub struct UnknownInstructionSet {
    asked: String,
    known: bool,
}

/// The sets of this processor, the narrowest first.
pub fn available() -> impl Iterator<Item = InstructionSet> {
    InstructionSet::ALL.into_iter().filter(|set| set.is_available())
}

/// What `POISE_CPU` asks for, `None` where it is not set or empty.
///
/// # Errors
/// A name that is unknown, or of a set that this processor lacks.
pub fn requested() -> Result<Option<InstructionSet>, UnknownInstructionSet> {
    match std::env::var_os(VARIABLE) {
        Some(text) if !text.is_empty() => text.to_string_lossy().parse().map(Some),
        _ => Ok(None),
    }
}

/// The set in use, settled at the first call: the one requested, else the widest.
///
/// A request that cannot be met counts as none; whoever can complain asks [`requested`] first.
pub fn chosen() -> InstructionSet {
    match token() {
        Token::Baseline => InstructionSet::Baseline,
        #[cfg(target_arch = "x86_64")]
        Token::Avx2(_) => InstructionSet::Avx2,
        #[cfg(target_arch = "x86_64")]
        Token::Avx512(_) => InstructionSet::Avx512,
    }
}

/// The proof that goes with [`chosen`].
#[inline]
pub(crate) fn token() -> Token {
    static CHOSEN: OnceLock<Token> = OnceLock::new();
    *CHOSEN.get_or_init(|| {
        let requested = requested().ok().flatten().and_then(InstructionSet::token);
        let widest = || InstructionSet::ALL.into_iter().filter_map(InstructionSet::token).next_back();
        requested.or_else(widest).unwrap_or(Token::Baseline)
    })
}
