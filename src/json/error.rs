use crate::bytes::Capacity;
use core::fmt;
use serde::{de, ser};

/// What is wrong with a JSON text, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Error {
    /// What is wrong.
    pub kind: ErrorKind,
    /// Offset of the first byte that is wrong.
    pub at: usize,
}

/// What is wrong with a JSON text.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The byte is not allowed here by the grammar of RFC 8259.
    Syntax,
    /// Arrays and objects are nested more than [`DEPTH`](super::DEPTH) deep.
    Depth,
    /// The escape does not exist, or is one half of a surrogate pair.
    Escape,
    /// The value is valid, but not of the type that was asked for.
    Type,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.kind {
            ErrorKind::Syntax => "invalid JSON",
            ErrorKind::Depth => "JSON nested too deeply",
            ErrorKind::Escape => "invalid escape in JSON",
            ErrorKind::Type => "JSON value of another type",
        };
        write!(f, "{what} at byte {}", self.at)
    }
}

impl core::error::Error for Error {}

/// Why a value could not be read into a type, and where in the value.
///
/// Apart from [`Capacity`](DeserializeErrorKind::Capacity), which asks for more memory, the value itself does not fit the type: the
/// peer sent something else than the application expects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeserializeError {
    /// Why.
    pub kind: DeserializeErrorKind,
    /// Offset in [`Value::raw`](super::Value::raw) of the value or key that does not fit.
    pub at: usize,
}

/// Why a value could not be read into a type.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeserializeErrorKind {
    /// The value is of another type. Also: a string that is not UTF-8, which only happens when the parsed text was not.
    Type,
    /// The type is right, but not this value of it, such as 300 for a `u8` or `1e999` for an `f64`.
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
    /// The strings with escapes do not fit into the memory that was lent. `needed` is enough for any type: it is the length of the whole
    /// value. Less may be enough.
    Capacity(Capacity),
}

/// Not known yet: the caller of what reports the error puts it in.
const NOWHERE: usize = usize::MAX;

impl DeserializeError {
    const fn new(kind: DeserializeErrorKind) -> Self {
        Self { kind, at: NOWHERE }
    }

    /// With `at`, unless the place is known already.
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
            DeserializeErrorKind::Type => f.write_str("JSON value of another type"),
            DeserializeErrorKind::Value => f.write_str("JSON value out of range"),
            DeserializeErrorKind::Length => f.write_str("JSON array or object of another length"),
            DeserializeErrorKind::MissingField(field) => write!(f, "missing field `{field}`"),
            DeserializeErrorKind::DuplicateField(field) => write!(f, "duplicate field `{field}`"),
            DeserializeErrorKind::UnknownField => f.write_str("unknown field"),
            DeserializeErrorKind::UnknownVariant => f.write_str("unknown variant"),
            DeserializeErrorKind::Custom => f.write_str("JSON value refused by its type"),
            DeserializeErrorKind::Capacity(e) => e.fmt(f),
        }?;
        write!(f, " at byte {}", self.at)
    }
}

impl core::error::Error for DeserializeError {}

/// Why a value could not be written as JSON: the application's fault, and no question of memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SerializeError {
    /// Why.
    pub kind: SerializeErrorKind,
    /// The innermost struct field that holds the value, if any.
    pub field: Option<&'static str>,
}

/// Why a value could not be written as JSON.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SerializeErrorKind {
    /// A map's key is none of string, `char`, integer, finite float, `bool` and enum variant without content. Keys of JSON objects are strings.
    Key,
    /// An error that the type's own `Serialize` reports, such as a lock that is poisoned. Its message is not kept.
    Custom,
}

impl SerializeError {
    pub(super) const KEY: Self = Self { kind: SerializeErrorKind::Key, field: None };
    pub(super) const CUSTOM: Self = Self { kind: SerializeErrorKind::Custom, field: None };

    /// Inside `field`, unless a field inside of that is known already.
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
            SerializeErrorKind::Key => "map key that JSON cannot have",
            SerializeErrorKind::Custom => "value that refuses to be serialized",
        })?;
        self.field.map_or(Ok(()), |field| write!(f, " in field `{field}`"))
    }
}

impl core::error::Error for SerializeError {}
