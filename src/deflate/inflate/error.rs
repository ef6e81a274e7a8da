use core::fmt;

/// The data are not DEFLATE. See [`Inflate`](super::Inflate).
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InflateError {
    /// A block of the reserved type 3 (RFC 1951 section 3.2.3).
    BlockType,
    /// The two lengths of a stored block do not agree (section 3.2.4).
    StoredLength,
    /// A block announces more than 286 literals and lengths, or more than 30 distances (section 3.2.7).
    TooManySymbols,
    /// A block repeats the length of a code where there is none before it, or beyond the last symbol (section 3.2.7).
    InvalidRepeat,
    /// The lengths of the codes of a block give more codes than there can be, or fewer than there must be (section 3.2.2).
    InvalidLengths,
    /// The block has no code for its end.
    NoEnd,
    /// A code that stands for nothing.
    InvalidCode,
    /// A match lies before the first byte, or further back than the window.
    DistanceTooFar,
}

impl fmt::Display for InflateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BlockType => "compressed data have a block of the reserved type",
            Self::StoredLength => "the lengths of a stored block in compressed data do not agree",
            Self::TooManySymbols => "a block of compressed data announces more symbols than there are",
            Self::InvalidRepeat => "a block of compressed data repeats a code length where it must not",
            Self::InvalidLengths => "the code lengths of a block of compressed data give no code",
            Self::NoEnd => "a block of compressed data has no code for its end",
            Self::InvalidCode => "compressed data have a code that stands for nothing",
            Self::DistanceTooFar => "compressed data refer to bytes before the window",
        })
    }
}

impl core::error::Error for InflateError {}
