//! Keys of maps: strings, and types that can be written as a string.

use super::{
    SerializeError,
    number::{write_float, write_signed},
    ser::{Result, write_displayed},
    write_str,
};
use crate::bytes::Writer;
use core::fmt;
use serde::ser::{self, Impossible, Serialize};

pub(super) struct Key<'w, 'o>(pub(super) &'w mut Writer<'o>);

/// `write` between quotes.
fn quoted(out: &mut Writer<'_>, write: impl FnOnce(&mut Writer<'_>)) -> Result {
    out.byte(b'"');
    write(out);
    out.byte(b'"');
    Ok(())
}

macro_rules! quoted {
    ($($method:ident($type:ty) $value:ident, $out:ident => $write:expr;)*) => {
        $(fn $method(self, $value: $type) -> Result {
            quoted(self.0, |$out| $write)
        })*
    };
}

macro_rules! refused {
    ($($method:ident($($type:ty),*) -> $result:ty;)*) => {
        $(fn $method(self, $(_: $type),*) -> Result<$result> {
            Err(SerializeError::KEY)
        })*
    };
}

type No = Impossible<(), SerializeError>;

impl ser::Serializer for Key<'_, '_> {
    type Ok = ();
    type Error = SerializeError;
    type SerializeSeq = No;
    type SerializeTuple = No;
    type SerializeTupleStruct = No;
    type SerializeTupleVariant = No;
    type SerializeMap = No;
    type SerializeStruct = No;
    type SerializeStructVariant = No;

    quoted! {
        serialize_bool(bool) v, out => out.push(if v { b"true" } else { b"false" });
        serialize_i8(i8) v, out => write_signed(out, i64::from(v));
        serialize_i16(i16) v, out => write_signed(out, i64::from(v));
        serialize_i32(i32) v, out => write_signed(out, i64::from(v));
        serialize_i64(i64) v, out => write_signed(out, v);
        serialize_u8(u8) v, out => out.decimal(u64::from(v));
        serialize_u16(u16) v, out => out.decimal(u64::from(v));
        serialize_u32(u32) v, out => out.decimal(u64::from(v));
        serialize_u64(u64) v, out => out.decimal(v);
    }

    refused! {
        serialize_bytes(&[u8]) -> ();
        serialize_none() -> ();
        serialize_unit() -> ();
        serialize_unit_struct(&'static str) -> ();
        serialize_seq(Option<usize>) -> No;
        serialize_tuple(usize) -> No;
        serialize_tuple_struct(&'static str, usize) -> No;
        serialize_tuple_variant(&'static str, u32, &'static str, usize) -> No;
        serialize_map(Option<usize>) -> No;
        serialize_struct(&'static str, usize) -> No;
        serialize_struct_variant(&'static str, u32, &'static str, usize) -> No;
    }

    fn serialize_i128(self, v: i128) -> Result {
        write_displayed(self.0, &v)
    }

    fn serialize_u128(self, v: u128) -> Result {
        write_displayed(self.0, &v)
    }

    fn serialize_f32(self, v: f32) -> Result {
        if v.is_finite() { quoted(self.0, |out| write_float(out, v)) } else { Err(SerializeError::KEY) }
    }

    fn serialize_f64(self, v: f64) -> Result {
        if v.is_finite() { quoted(self.0, |out| write_float(out, v)) } else { Err(SerializeError::KEY) }
    }

    fn serialize_char(self, v: char) -> Result {
        self.serialize_str(v.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, v: &str) -> Result {
        write_str(self.0, v);
        Ok(())
    }

    fn collect_str<T: fmt::Display + ?Sized>(self, value: &T) -> Result {
        write_displayed(self.0, value)
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result {
        self.serialize_str(variant)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result {
        value.serialize(self)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result {
        Err(SerializeError::KEY)
    }
}
