//! Arguments as they are on the wire.

use super::{DecodeError, EncodeError, decode, encode};
use bytes::Bytes;
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, DeserializeOwned, SeqAccess, Visitor},
    ser,
};
use serde_json::ser::Formatter;
use std::{cell::Cell, fmt, io};

/// The name by which `encode` and `decode` know a [`Raw`] among other types.
pub(super) const TOKEN: &str = "$sansocket_tokio::private::Raw";

/// Arguments as they are on the wire: JSON values with commas between them, without brackets, and the attachments that their placeholders refer to.
///
/// Read arguments as `Raw` to pass them on, or to read them later with [`parse`](Self::parse): the JSON is copied, not parsed. Emit a `Raw` to write
/// arguments that are JSON already; attachments are shared then, not copied.
///
/// A `Raw` is all arguments, or some of them in a tuple: `(name, raw)` puts an argument before others. In a tuple that is read it must be the last
/// element, and takes the arguments that are left. It cannot be a field, or an element of anything else.
///
/// The text must be valid JSON in UTF-8. What was received is. It is not checked again when it is emitted: receivers end the connection if it is
/// not. [`Raw::of`] makes a valid one from values.
///
/// ```
/// use sansocket_tokio::{Bytes, args::Raw};
///
/// let raw = Raw::of(&("cat.png", Bytes::from_static(b"\x89PNG")))?;
/// assert_eq!(raw.json, r#""cat.png",{"_placeholder":true,"num":0}"#);
/// assert_eq!(raw.files, ["\u{89}PNG".chars().map(|c| c as u8).collect::<Vec<_>>()]);
///
/// let (name, picture): (String, Bytes) = raw.parse()?;
/// assert_eq!((name.as_str(), picture.len()), ("cat.png", 4));
///
/// // Put an argument before others, and take it off again.
/// let signed = Raw::of(&("alice", raw.clone()))?;
/// let (from, rest): (String, Raw) = signed.parse()?;
/// assert_eq!((from.as_str(), rest), ("alice", raw));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Raw {
    /// The JSON values with commas between them.
    pub json: Bytes,
    /// The attachments, in the order of the numbers in the placeholders.
    pub files: Vec<Bytes>,
}

impl Raw {
    /// Writes `args`: a tuple is its elements, `()` is no argument, anything else is one argument. See the [module](super).
    ///
    /// # Errors
    /// [`EncodeError`] if a value has no form in JSON, or if there are more than 10 binary values.
    pub fn of<T: Serialize + ?Sized>(args: &T) -> Result<Self, EncodeError> {
        let (mut json, mut files) = (Vec::new(), Vec::new());
        encode(args, &mut json, &mut files)?;
        Ok(Self { json: json.into(), files })
    }

    /// Reads the arguments into a type, as for a handler. See the [module](super).
    ///
    /// # Errors
    /// [`DecodeError`] if the arguments are not of this type.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, DecodeError> {
        if self.files.is_empty() {
            return decode(&self.json, sansocket::socketio::Attachments::NONE);
        }
        let files: Vec<&[u8]> = self.files.iter().map(|file| &file[..]).collect();
        decode(&self.json, files.as_slice().into())
    }

    /// Whether there are no arguments.
    ///
    /// ```
    /// use sansocket_tokio::args::Raw;
    ///
    /// assert!(Raw::of(&())?.is_empty());
    /// assert!(!Raw::of(&None::<u32>)?.is_empty()); // one argument: null
    /// # Ok::<(), sansocket_tokio::args::EncodeError>(())
    /// ```
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.json.trim_ascii().is_empty()
    }
}

const MISPLACED: &str = "`Raw` stands for whole arguments: take it alone or as the last element of the tuple of arguments, \
    emit it alone or as an element of this tuple";

/// How a `Raw` passes through serde, whose interface has no place for shared bytes.
enum Handover {
    /// No `Raw` is expected: the serializer is another one.
    Closed,
    /// `encode` expects a `Raw`.
    Open,
    /// It had no attachments, and was written.
    Written,
    Given(Raw),
}

thread_local! {
    static HANDOVER: Cell<Handover> = const { Cell::new(Handover::Closed) };
}

/// Writes bytes as they are.
struct Verbatim;

impl Formatter for Verbatim {
    fn write_byte_array<W: ?Sized + io::Write>(&mut self, writer: &mut W, value: &[u8]) -> io::Result<()> {
        writer.write_all(value)
    }
}

/// The `Raw` that `value` stands for. `None`: it has no attachments, and was appended to `json`. After an error there may be anything behind `json`.
pub(super) fn hand_over<T: Serialize + ?Sized>(
    value: &T,
    json: &mut Vec<u8>,
) -> Result<Option<Raw>, serde_json::Error> {
    HANDOVER.set(Handover::Open);
    let done = value.serialize(&mut serde_json::Serializer::with_formatter(json, Verbatim));
    match (done, HANDOVER.replace(Handover::Closed)) {
        (Ok(()), Handover::Given(raw)) => Ok(Some(raw)),
        (Ok(()), Handover::Written) => Ok(None),
        (Err(e), _) => Err(e),
        (Ok(()), _) => Err(ser::Error::custom(MISPLACED)),
    }
}

struct Content<'a>(&'a Raw);

impl Serialize for Content<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(raw) = self;
        match HANDOVER.replace(Handover::Closed) {
            Handover::Open if raw.files.is_empty() => {
                HANDOVER.set(Handover::Written);
                serializer.serialize_bytes(raw.json.trim_ascii())
            }
            Handover::Open => {
                HANDOVER.set(Handover::Given((*raw).clone()));
                serializer.serialize_bytes(&[])
            }
            _ => Err(ser::Error::custom(MISPLACED)),
        }
    }
}

impl Serialize for Raw {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_newtype_struct(TOKEN, &Content(self))
    }
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(TOKEN, RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = Raw;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("whole arguments")
    }

    /// `decode` gives the text and the attachments.
    fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Raw, A::Error> {
        let mut raw = Raw { json: parts.next_element()?.unwrap_or_default(), files: Vec::new() };
        while let Some(file) = parts.next_element()? {
            raw.files.push(file);
        }
        Ok(raw)
    }

    /// Another deserializer, or another place.
    fn visit_newtype_struct<D: Deserializer<'de>>(self, _: D) -> Result<Raw, D::Error> {
        Err(de::Error::custom(MISPLACED))
    }
}
