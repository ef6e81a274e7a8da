//! Writes arguments: one serialization straight into the output.

use super::{
    EncodeError, Raw,
    error::EncodeKind,
    raw::{self, TOKEN},
    renumber::{count_marks, renumber},
};
use bytes::Bytes;
use sansocket::socketio::MAX_ATTACHMENTS;
use serde::{Serialize, Serializer, ser};
use serde_json::ser::Formatter;
use std::io;

/// Appends the arguments that `args` is to `json`, and its binary values to `files`: a tuple is its elements, `()` is none, anything else is one
/// argument. The placeholders go on from the attachments that `files` has already. After an error, `json` and `files` are as before.
pub(crate) fn encode<T: Serialize + ?Sized>(
    args: &T,
    json: &mut Vec<u8>,
    files: &mut Vec<Bytes>,
) -> Result<(), EncodeError> {
    encode_as(args, false, json, files)
}

/// As [`encode`], for what a handler returned: a `Result` is what is in it, and its error `{"error":…}`.
pub(crate) fn encode_answer<T: Serialize + ?Sized>(
    answer: &T,
    json: &mut Vec<u8>,
    files: &mut Vec<Bytes>,
) -> Result<(), EncodeError> {
    encode_as(answer, true, json, files)
}

fn encode_as<T: Serialize + ?Sized>(
    args: &T,
    is_answer: bool,
    json: &mut Vec<u8>,
    files: &mut Vec<Bytes>,
) -> Result<(), EncodeError> {
    let (json_len, files_len) = (json.len(), files.len());
    // `serde_json::Value::Null` and others are a unit to serde too. Of these, only `()` has no size.
    let is_none = size_of_val(args) == 0;
    let mut out = Out { json, files, is_none, is_answer, argument: 0, placeholders: 0, fault: None };
    let done = args.serialize(Arg { out: &mut out, slot: &mut None, is_whole: true });
    let (argument, placeholders, fault) = (out.argument, out.placeholders, out.fault);
    let done = match done {
        Ok(()) if !files.is_empty() => {
            let written = json.get(json_len..).unwrap_or_default();
            // A value of the application that looks like a placeholder would let every receiver drop its connection.
            if count_marks(written) == placeholders { Ok(()) } else { Err((None, EncodeKind::Placeholder)) }
        }
        Ok(()) => Ok(()),
        // The only error of input and output here is the one that the formatter makes.
        Err(e) if e.is_io() => Err((Some(argument), EncodeKind::TooManyAttachments)),
        Err(e) => Err((Some(argument), fault.unwrap_or(EncodeKind::Json(e)))),
    };
    done.map_err(|(argument, kind)| {
        json.truncate(json_len);
        files.truncate(files_len);
        EncodeError::new(argument, kind)
    })
}

struct Out<'a> {
    json: &'a mut Vec<u8>,
    files: &'a mut Vec<Bytes>,
    /// A unit is no argument.
    is_none: bool,
    /// A `Result` is what is in it.
    is_answer: bool,
    /// The argument being written, from 0.
    argument: usize,
    /// How many placeholders were written.
    placeholders: usize,
    /// Why `Raw` could not be written, if it could not.
    fault: Option<EncodeKind>,
}

impl Out<'_> {
    fn write_raw(&mut self, raw: &Raw) -> Result<(), EncodeKind> {
        if self.files.is_empty() || raw.files.is_empty() {
            self.json.extend_from_slice(raw.json.trim_ascii());
            self.files.extend_from_slice(&raw.files);
            if !raw.files.is_empty() {
                self.placeholders += count_marks(&raw.json);
            }
        } else {
            let from = self.json.len();
            renumber(&raw.json, self.json, |number| {
                raw.files.get(number).map(|file| {
                    self.files.push(file.clone());
                    self.files.len() - 1
                })
            })
            .ok_or(EncodeKind::Raw)?;
            self.placeholders += count_marks(self.json.get(from..).unwrap_or_default());
        }
        if self.files.len() > usize::from(MAX_ATTACHMENTS) { Err(EncodeKind::TooManyAttachments) } else { Ok(()) }
    }
}

/// serde_json asks the formatter how bytes are written. Nothing else differs from its compact form.
struct Placeholders<'a> {
    files: &'a mut Vec<Bytes>,
    count: &'a mut usize,
}

impl Formatter for Placeholders<'_> {
    fn write_byte_array<W: ?Sized + io::Write>(&mut self, writer: &mut W, value: &[u8]) -> io::Result<()> {
        if self.files.len() >= usize::from(MAX_ATTACHMENTS) {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        write!(writer, "{{\"_placeholder\":true,\"num\":{}}}", self.files.len())?;
        self.files.push(Bytes::copy_from_slice(value));
        *self.count += 1;
        Ok(())
    }
}

type Json<'a> = serde_json::Serializer<&'a mut Vec<u8>, Placeholders<'a>>;
type Error = serde_json::Error;

/// All arguments (`is_whole`), or one of several.
struct Arg<'s, 'a, 'o> {
    out: &'a mut Out<'o>,
    /// Where serde_json's serializer lives while it is used.
    slot: &'s mut Option<Json<'a>>,
    is_whole: bool,
}

impl<'s, 'a> Arg<'s, 'a, '_> {
    fn is_result(&self, name: &str) -> bool {
        self.is_whole && self.out.is_answer && name == "Result"
    }

    fn json(self) -> &'s mut Json<'a> {
        let Out { json, files, placeholders, .. } = self.out;
        self.slot.insert(Json::with_formatter(json, Placeholders { files, count: placeholders }))
    }
}

/// Several arguments, or one argument that is an array.
enum Tuple<'s, 'a, 'o> {
    Args { out: &'a mut Out<'o>, is_separated: bool },
    One(<&'s mut Json<'a> as Serializer>::SerializeTuple),
}

impl ser::SerializeTuple for Tuple<'_, '_, '_> {
    type Ok = ();
    type Error = Error;

    fn serialize_element<T: ?Sized + Serialize>(&mut self, value: &T) -> Result<(), Error> {
        match self {
            Self::Args { out, is_separated } => {
                let from = out.json.len();
                if *is_separated {
                    out.json.push(b',');
                }
                let begin = out.json.len();
                value.serialize(Arg { out, slot: &mut None, is_whole: false })?;
                if out.json.len() > begin {
                    *is_separated = true;
                } else {
                    // A `Raw` without arguments.
                    out.json.truncate(from);
                }
                out.argument += 1;
                Ok(())
            }
            Self::One(tuple) => tuple.serialize_element(value),
        }
    }

    fn end(self) -> Result<(), Error> {
        match self {
            Self::Args { .. } => Ok(()),
            Self::One(tuple) => tuple.end(),
        }
    }
}

macro_rules! forward {
    ($($method:ident($($name:ident: $type:ty),*) -> $result:ty;)*) => {
        $(#[inline]
        fn $method(self, $($name: $type),*) -> Result<$result, Error> {
            self.json().$method($($name),*)
        })*
    };
}

impl<'s, 'a, 'o> Serializer for Arg<'s, 'a, 'o> {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = <&'s mut Json<'a> as Serializer>::SerializeSeq;
    type SerializeTuple = Tuple<'s, 'a, 'o>;
    type SerializeTupleStruct = <&'s mut Json<'a> as Serializer>::SerializeTupleStruct;
    type SerializeTupleVariant = <&'s mut Json<'a> as Serializer>::SerializeTupleVariant;
    type SerializeMap = <&'s mut Json<'a> as Serializer>::SerializeMap;
    type SerializeStruct = <&'s mut Json<'a> as Serializer>::SerializeStruct;
    type SerializeStructVariant = <&'s mut Json<'a> as Serializer>::SerializeStructVariant;

    fn serialize_unit(self) -> Result<(), Error> {
        if self.is_whole && self.out.is_none { Ok(()) } else { self.json().serialize_unit() }
    }

    fn serialize_tuple(self, len: usize) -> Result<Tuple<'s, 'a, 'o>, Error> {
        if self.is_whole {
            Ok(Tuple::Args { out: self.out, is_separated: false })
        } else {
            self.json().serialize_tuple(len).map(Tuple::One)
        }
    }

    fn serialize_newtype_struct<T: ?Sized + Serialize>(self, name: &'static str, value: &T) -> Result<(), Error> {
        if name != TOKEN {
            return self.json().serialize_newtype_struct(name, value);
        }
        let Some(raw) = raw::hand_over(value, self.out.json)? else { return Ok(()) };
        self.out.write_raw(&raw).map_err(|kind| {
            self.out.fault = Some(kind);
            ser::Error::custom("raw arguments")
        })
    }

    forward! {
        serialize_bool(v: bool) -> ();
        serialize_i8(v: i8) -> ();
        serialize_i16(v: i16) -> ();
        serialize_i32(v: i32) -> ();
        serialize_i64(v: i64) -> ();
        serialize_i128(v: i128) -> ();
        serialize_u8(v: u8) -> ();
        serialize_u16(v: u16) -> ();
        serialize_u32(v: u32) -> ();
        serialize_u64(v: u64) -> ();
        serialize_u128(v: u128) -> ();
        serialize_f32(v: f32) -> ();
        serialize_f64(v: f64) -> ();
        serialize_char(v: char) -> ();
        serialize_str(v: &str) -> ();
        serialize_bytes(v: &[u8]) -> ();
        serialize_none() -> ();
        serialize_unit_struct(name: &'static str) -> ();
        serialize_unit_variant(name: &'static str, index: u32, variant: &'static str) -> ();
        serialize_seq(len: Option<usize>) -> Self::SerializeSeq;
        serialize_tuple_struct(name: &'static str, len: usize) -> Self::SerializeTupleStruct;
        serialize_tuple_variant(name: &'static str, index: u32, variant: &'static str, len: usize) -> Self::SerializeTupleVariant;
        serialize_map(len: Option<usize>) -> Self::SerializeMap;
        serialize_struct(name: &'static str, len: usize) -> Self::SerializeStruct;
        serialize_struct_variant(name: &'static str, index: u32, variant: &'static str, len: usize) -> Self::SerializeStructVariant;
    }

    #[inline]
    fn serialize_some<T: ?Sized + Serialize>(self, value: &T) -> Result<(), Error> {
        value.serialize(self.json())
    }

    #[inline]
    fn serialize_newtype_variant<T: ?Sized + Serialize>(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        // An enum of the application's by this name has the same meaning.
        match variant {
            "Ok" if self.is_result(name) => {
                self.out.is_answer = false;
                self.out.is_none = size_of_val(value) == 0;
                value.serialize(Arg { out: self.out, slot: &mut None, is_whole: true })
            }
            "Err" if self.is_result(name) => {
                use ser::SerializeStruct;
                let mut failure = self.json().serialize_struct("Failure", 1)?;
                failure.serialize_field("error", value)?;
                failure.end()
            }
            _ => self.json().serialize_newtype_variant(name, index, variant, value),
        }
    }

    #[inline]
    fn collect_str<T: ?Sized + std::fmt::Display>(self, value: &T) -> Result<(), Error> {
        self.json().collect_str(value)
    }
}

/// One JSON value, without attachments.
pub(crate) fn to_json<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, EncodeError> {
    serde_json::to_vec(value).map_err(|e| EncodeError::new(None, EncodeKind::Json(e)))
}
