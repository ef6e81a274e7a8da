//! A serde `Serializer` over [`Writer`]. The writer counts bytes that have no room, so the size that is needed is exact.

use super::escape::{write_between, write_inside};
use super::{
    SerializeError,
    number::{write_float, write_signed},
    ser_key::Key,
    write_str,
};
use crate::bytes::Writer;
use core::fmt;
use serde::ser::{self, Serialize};

pub(super) type Result<T = ()> = core::result::Result<T, SerializeError>;

pub(super) struct Serializer<'w, 'o>(pub(super) &'w mut Writer<'o>);

/// An array or an object that is being written.
pub(super) struct Inside<'w, 'o> {
    out: &'w mut Writer<'o>,
    is_first: bool,
    close: &'static [u8],
}

impl<'w, 'o> Inside<'w, 'o> {
    fn new(out: &'w mut Writer<'o>, open: u8, close: &'static [u8]) -> Self {
        out.byte(open);
        Self { out, is_first: true, close }
    }

    /// The content of a variant.
    fn variant(out: &'w mut Writer<'o>, name: &str, open: u8, close: &'static [u8]) -> Self {
        write_between(out, [b'{'], name.as_bytes(), [b':']);
        Self::new(out, open, close)
    }

    #[inline]
    fn comma(&mut self) {
        if !core::mem::take(&mut self.is_first) {
            self.out.byte(b',');
        }
    }

    #[inline]
    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result {
        self.comma();
        value.serialize(Serializer(self.out))
    }

    #[inline]
    fn field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result {
        self.comma();
        write_between(self.out, [], name.as_bytes(), [b':']);
        value.serialize(Serializer(self.out)).map_err(|e| e.inside(name))
    }

    #[inline]
    fn close(self) {
        self.out.push(self.close);
    }
}

/// The output of `Display`, escaped for a string or unchanged.
pub(super) struct Displayed<'w, 'o> {
    pub(super) out: &'w mut Writer<'o>,
    pub(super) is_escaped: bool,
}

impl fmt::Write for Displayed<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.is_escaped {
            write_inside(self.out, text.as_bytes());
        } else {
            self.out.push(text.as_bytes());
        }
        Ok(())
    }
}

pub(super) fn write_display<T: fmt::Display + ?Sized>(out: &mut Writer<'_>, is_escaped: bool, value: &T) -> Result {
    fmt::write(&mut Displayed { out, is_escaped }, format_args!("{value}")).map_err(|_| SerializeError::CUSTOM)
}

/// Writes the output of `Display` as a string.
pub(super) fn write_displayed<T: fmt::Display + ?Sized>(out: &mut Writer<'_>, value: &T) -> Result {
    out.byte(b'"');
    write_display(out, true, value)?;
    out.byte(b'"');
    Ok(())
}

macro_rules! scalars {
    ($($method:ident($type:ty) $value:ident, $out:ident => $write:expr;)*) => {
        $(#[inline]
        fn $method(self, $value: $type) -> Result {
            let $out = self.0;
            $write;
            Ok(())
        })*
    };
}

impl<'w, 'o> ser::Serializer for Serializer<'w, 'o> {
    type Ok = ();
    type Error = SerializeError;
    type SerializeSeq = Inside<'w, 'o>;
    type SerializeTuple = Inside<'w, 'o>;
    type SerializeTupleStruct = Inside<'w, 'o>;
    type SerializeTupleVariant = Inside<'w, 'o>;
    type SerializeMap = Inside<'w, 'o>;
    type SerializeStruct = Inside<'w, 'o>;
    type SerializeStructVariant = Inside<'w, 'o>;

    scalars! {
        serialize_bool(bool) v, out => out.push(if v { b"true" } else { b"false" });
        serialize_i8(i8) v, out => write_signed(out, i64::from(v));
        serialize_i16(i16) v, out => write_signed(out, i64::from(v));
        serialize_i32(i32) v, out => write_signed(out, i64::from(v));
        serialize_i64(i64) v, out => write_signed(out, v);
        serialize_u8(u8) v, out => out.decimal(u64::from(v));
        serialize_u16(u16) v, out => out.decimal(u64::from(v));
        serialize_u32(u32) v, out => out.decimal(u64::from(v));
        serialize_u64(u64) v, out => out.decimal(v);
        serialize_f32(f32) v, out => write_float(out, v);
        serialize_f64(f64) v, out => write_float(out, v);
        serialize_char(char) v, out => write_str(out, v.encode_utf8(&mut [0; 4]));
        serialize_str(&str) v, out => write_str(out, v);
    }

    fn serialize_i128(self, v: i128) -> Result {
        write_display(self.0, false, &v)
    }

    fn serialize_u128(self, v: u128) -> Result {
        write_display(self.0, false, &v)
    }

    fn collect_str<T: fmt::Display + ?Sized>(self, value: &T) -> Result {
        write_displayed(self.0, value)
    }

    /// An array of numbers.
    fn serialize_bytes(self, bytes: &[u8]) -> Result {
        let mut inside = Inside::new(self.0, b'[', b"]");
        bytes.iter().try_for_each(|b| inside.element(b))?;
        inside.close();
        Ok(())
    }

    fn serialize_none(self) -> Result {
        self.serialize_unit()
    }

    #[inline]
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result {
        self.0.push(b"null");
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result {
        self.serialize_unit()
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result {
        self.serialize_str(variant)
    }

    #[inline]
    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result {
        let mut inside = Inside::new(self.0, b'{', b"}");
        inside.field(variant, value)?;
        inside.close();
        Ok(())
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Self::SerializeSeq> {
        Ok(Inside::new(self.0, b'[', b"]"))
    }

    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple> {
        self.serialize_seq(None)
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Self::SerializeTupleStruct> {
        self.serialize_seq(None)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant> {
        Ok(Inside::variant(self.0, variant, b'[', b"]}"))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap> {
        Ok(Inside::new(self.0, b'{', b"}"))
    }

    #[inline]
    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self::SerializeStruct> {
        Ok(Inside::new(self.0, b'{', b"}"))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant> {
        Ok(Inside::variant(self.0, variant, b'{', b"}}"))
    }
}

macro_rules! elements {
    ($($trait:ident $method:ident)*) => {
        $(impl ser::$trait for Inside<'_, '_> {
            type Ok = ();
            type Error = SerializeError;

            #[inline]
            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result {
                self.element(value)
            }

            #[inline]
            fn end(self) -> Result {
                self.close();
                Ok(())
            }
        })*
    };
}

elements! {
    SerializeSeq serialize_element
    SerializeTuple serialize_element
    SerializeTupleStruct serialize_field
    SerializeTupleVariant serialize_field
}

macro_rules! fields {
    ($($trait:ident)*) => {
        $(impl ser::$trait for Inside<'_, '_> {
            type Ok = ();
            type Error = SerializeError;

            #[inline]
            fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result {
                self.field(name, value)
            }

            #[inline]
            fn end(self) -> Result {
                self.close();
                Ok(())
            }
        })*
    };
}

fields! { SerializeStruct SerializeStructVariant }

impl ser::SerializeMap for Inside<'_, '_> {
    type Ok = ();
    type Error = SerializeError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result {
        self.comma();
        key.serialize(Key(self.out))
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result {
        self.out.byte(b':');
        value.serialize(Serializer(self.out))
    }

    fn end(self) -> Result {
        self.close();
        Ok(())
    }
}
