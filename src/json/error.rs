use crate::bytes::Capacity;
use core::fmt;
use serde::{de, ser};

/// The text is not valid JSON, or not of the expected type. See [`Value::parse`](super::Value::parse).
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Error {
    /// What is wrong.
    pub kind: ErrorKind,
    /// Offset of the first invalid byte.
    pub at: usize,
}

/// What is wrong with a JSON text; part of an [`Error`]. See [`Value::parse`](super::Value::parse).
#[non_exhaustive]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The grammar of RFC 8259 does not allow this byte here, or the text ends too early.
    Syntax,
    /// Arrays and objects are nested more than [`DEPTH`](super::DEPTH) deep.
    Depth,
    /// The escape does not exist, or is one half of a surrogate pair.
    Escape,
    /// The value is valid JSON, but not of the expected type.
    Type,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.kind {
            ErrorKind::Syntax => "invalid JSON",
            ErrorKind::Depth => "JSON nested too deeply",
            ErrorKind::Escape => "invalid escape in JSON",
            ErrorKind::Type => "JSON value is not of the expected type",
        };
        write!(f, "{what} at byte {}", self.at)
    }
}

impl core::error::Error for Error {}

/// A value could not be read into a type. See [`Value::deserialize`](super::Value::deserialize).
///
/// [`Capacity`](DeserializeErrorKind::Capacity) asks for more memory. Every other kind means that the value does not fit the type: the peer sent
/// something that the application does not expect.
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeserializeError {
    /// Why.
    pub kind: DeserializeErrorKind,
    /// Offset in [`Value::raw`](super::Value::raw) of the value or key that does not fit.
    pub at: usize,
}

/// Why a value could not be read into a type; part of a [`DeserializeError`]. See [`Value::deserialize`](super::Value::deserialize).
#[non_exhaustive]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeserializeErrorKind {
    /// The value is of another type. Also a string that is not UTF-8, which is only possible if the parsed text was not UTF-8.
    Type,
    /// The value is out of range, such as 300 for a `u8` or `1e999` for an `f64`.
    Value,
    /// An array or object has more or fewer elements than the type.
    Length,
    /// A field of the struct is missing.
    MissingField(&'static str),
    /// A field of the struct appears twice.
    DuplicateField(&'static str),
    /// The struct has no such field, and does not allow unknown ones.
    UnknownField,
    /// The enum has no such variant.
    UnknownVariant,
    /// An error that the type's own `Deserialize` reports. Its message is not kept.
    Custom,
    /// The unescaped strings do not fit into the memory that you lent. `needed` is the length of the whole value, which is enough for any type;
    /// less may be enough.
    Capacity(Capacity),
}

/// The offset is not known yet. The caller sets it.
const NOWHERE: usize = usize::MAX;

impl DeserializeError {
    const fn new(kind: DeserializeErrorKind) -> Self {
        Self { kind, at: NOWHERE }
    }

    /// Sets the offset, unless it is known already.
    pub(super) fn placed(self, at: usize) -> Self {
        if self.at == NOWHERE { Self { at, ..self } } else { self }
    }
}

impl de::Error for DeserializeError {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self::new(DeserializeErrorKind::Custom)
    }

    fn invalid_type(_: de::Unexpected<'_>, _: &dyn de::Expected) -> Self {
        Self::new(DeserializeErrorKind::Type)
    }

    fn invalid_value(_: de::Unexpected<'_>, _: &dyn de::Expected) -> Self {
        Self::new(DeserializeErrorKind::Value)
    }

    fn invalid_length(_: usize, _: &dyn de::Expected) -> Self {
        Self::new(DeserializeErrorKind::Length)
    }

    fn unknown_variant(_: &str, _: &'static [&'static str]) -> Self {
        Self::new(DeserializeErrorKind::UnknownVariant)
    }

    fn unknown_field(_: &str, _: &'static [&'static str]) -> Self {
        Self::new(DeserializeErrorKind::UnknownField)
    }

    fn missing_field(field: &'static str) -> Self {
        Self::new(DeserializeErrorKind::MissingField(field))
    }

    fn duplicate_field(field: &'static str) -> Self {
        Self::new(DeserializeErrorKind::DuplicateField(field))
    }
}

impl fmt::Display for DeserializeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            DeserializeErrorKind::Type => f.write_str("JSON value is not of the expected type"),
            DeserializeErrorKind::Value => f.write_str("JSON value out of range"),
            DeserializeErrorKind::Length => f.write_str("JSON array or object has the wrong number of elements"),
            DeserializeErrorKind::MissingField(field) => write!(f, "JSON object lacks the field `{field}`"),
            DeserializeErrorKind::DuplicateField(field) => write!(f, "JSON object has the field `{field}` twice"),
            DeserializeErrorKind::UnknownField => f.write_str("JSON object has an unknown field"),
            DeserializeErrorKind::UnknownVariant => f.write_str("JSON value names an unknown enum variant"),
            DeserializeErrorKind::Custom => f.write_str("JSON value was rejected by the application's type"),
            DeserializeErrorKind::Capacity(e) => e.fmt(f),
        }?;
        write!(f, " at byte {}", self.at)
    }
}

impl core::error::Error for DeserializeError {}

/// The application's value has no form in JSON. More memory does not help. See [`Json`](super::Json).
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SerializeError {
    /// Why.
    pub kind: SerializeErrorKind,
    /// The innermost struct field that holds the value, if any.
    pub field: Option<&'static str>,
}

/// Why a value could not be written as JSON; part of a [`SerializeError`]. See [`Json`](super::Json).
#[non_exhaustive]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SerializeErrorKind {
    /// A map key that cannot be written as a string. Possible keys: string, `char`, integer, finite float, `bool`, enum variant without content.
    Key,
    /// An error that the type's own `Serialize` reports, such as a poisoned lock. Its message is not kept.
    Custom,
}

impl SerializeError {
    pub(super) const KEY: Self = Self { kind: SerializeErrorKind::Key, field: None };
    pub(super) const CUSTOM: Self = Self { kind: SerializeErrorKind::Custom, field: None };

    /// Sets the field, unless an inner field is known already.
    pub(super) fn inside(self, field: &'static str) -> Self {
        Self { field: self.field.or(Some(field)), ..self }
    }
}

impl ser::Error for SerializeError {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self::CUSTOM
    }
}

impl fmt::Display for SerializeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            SerializeErrorKind::Key => "map key that cannot be written as a JSON string",
            SerializeErrorKind::Custom => "the value's own Serialize implementation failed",
        })?;
        self.field.map_or(Ok(()), |field| write!(f, " in field `{field}`"))
    }
}

impl core::error::Error for SerializeError {}
