use crate::bytes::Capacity;
use core::fmt;

/// What is wrong with a JSON text, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Error {
    /// What.
    pub kind: ErrorKind,
    /// Offset of the byte that shows it.
    pub at: usize,
}

/// What is wrong with a JSON text.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The grammar of RFC 8259 wants something else here.
    Syntax,
    /// Arrays and objects nested more than [`DEPTH`](super::DEPTH) deep.
    Depth,
    /// An escape that there is not, or half of a surrogate pair.
    Escape,
    /// The text is not of the type that was asked for.
    Type,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.kind {
            ErrorKind::Syntax => "invalid JSON",
            ErrorKind::Depth => "JSON nested too deeply",
            ErrorKind::Escape => "invalid escape in JSON",
            ErrorKind::Type => "JSON of another type",
        };
        write!(f, "{what} at byte {}", self.at)
    }
}

impl core::error::Error for Error {}

/// Why a value was not read into a type.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeserializeError {
    /// The value is not of that type.
    Type,
    /// A string did not fit the memory for unescaped strings; `needed` is the least that always does.
    Capacity(Capacity),
}

impl fmt::Display for DeserializeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Type => f.write_str("JSON of another type"),
            Self::Capacity(e) => e.fmt(f),
        }
    }
}

impl core::error::Error for DeserializeError {}
