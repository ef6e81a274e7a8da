use super::{
    Elements, Error, SerializeError, Value,
    number::{write_float, write_signed},
    scan::{DEPTH, NONE, whole},
    ser::Serializer,
    shown::Shown,
    value::trim,
    write_str,
};
use crate::bytes::Writer;
use core::fmt;

/// Zero or more JSON values, such as the arguments of an event. They are written directly into the output.
///
/// `()` is no value. A string, `bool`, number, [`Value`] or [`Json`] is one value. A tuple is the values of its elements.
///
/// ```
/// use sansocket::{bytes::Writer, json::{Args, Json}};
///
/// let mut memory = [0; 64];
/// let mut out = Writer::new(&mut memory);
/// ("alice", 7, true, Json(Some([0.5]))).write(&mut out)?;
/// assert_eq!(out.finish()?, br#""alice",7,true,[0.5]"#);
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
pub trait Args {
    /// Writes the values with commas between them, without brackets.
    ///
    /// # Errors
    /// [`SerializeError`] if a value has no form in JSON. This can only happen with [`Json`]. The output is then incomplete: discard it.
    fn write(&self, out: &mut Writer<'_>) -> Result<(), SerializeError>;
}

/// Zero or more JSON values as text, with commas between them, as inside the brackets of an array.
///
/// ```
/// use sansocket::{bytes::Writer, json::{Args, Raw}};
///
/// const FIXED: Raw<'static> = Raw::trusted(br#""on",1"#); // our own text, known to be valid
/// let checked = Raw::new(br#"{"a":[]}, 2"#)?;
/// let mut memory = [0; 64];
/// let mut out = Writer::new(&mut memory);
/// (FIXED, checked).write(&mut out)?;
/// assert_eq!(out.finish()?, br#""on",1,{"a":[]}, 2"#);
/// assert!(Raw::new(b"1,,2").is_err());
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Raw<'m>(&'m [u8]);

impl<'m> Raw<'m> {
    /// Checks that `values` are zero or more values with commas between them.
    ///
    /// # Errors
    /// [`Error`] with the reason and the offset.
    pub fn new(values: &'m [u8]) -> Result<Self, Error> {
        whole(values, |s| if s.peek().is_some() { s.list(DEPTH, NONE).map(|_| ()) } else { Ok(()) })?;
        Ok(Self::trusted(values))
    }

    /// Takes `values` without a check. Never use it for text that a peer wrote: receivers refuse a packet with invalid JSON and may end the
    /// connection. [`new`](Self::new) checks.
    #[must_use]
    pub const fn trusted(values: &'m [u8]) -> Self {
        // Blanks alone are no value, and what is no value has no comma.
        Self(trim(values))
    }
}

/// Prints the JSON text.
impl fmt::Debug for Raw<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Raw({:?})", Shown(self.0))
    }
}

impl<'m> From<Elements<'m>> for Raw<'m> {
    fn from(elements: Elements<'m>) -> Self {
        Self(elements.raw())
    }
}

/// One value of any type that serde can serialize.
///
/// The rules are those of serde_json. Map keys that are integers, floats, `bool` or `char` are written as strings. Bytes are an array of
/// numbers, floats that are not finite are `null`, an enum variant with content is an object with one member.
///
/// ```
/// use sansocket::{bytes::Writer, json::{Args, Json}};
/// use std::collections::BTreeMap;
///
/// let mut memory = [0; 64];
/// let mut out = Writer::new(&mut memory);
/// Json(BTreeMap::from([(1, Some("a")), (2, None)])).write(&mut out)?;
/// assert_eq!(out.finish()?, br#"{"1":"a","2":null}"#);
///
/// let error = Json(BTreeMap::from([((1, 2), 0)])).write(&mut Writer::new(&mut [])).unwrap_err();
/// assert_eq!(error.to_string(), "map key that cannot be written as a JSON string");
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Json<T>(pub T);

impl<T: serde::Serialize> Args for Json<T> {
    #[inline]
    fn write(&self, out: &mut Writer<'_>) -> Result<(), SerializeError> {
        self.0.serialize(Serializer(out))
    }
}

impl Args for () {
    #[inline]
    fn write(&self, _: &mut Writer<'_>) -> Result<(), SerializeError> {
        Ok(())
    }
}

impl<T: Args + ?Sized> Args for &T {
    #[inline]
    fn write(&self, out: &mut Writer<'_>) -> Result<(), SerializeError> {
        (**self).write(out)
    }
}

macro_rules! args {
    ($($type:ty: $self:ident, $out:ident => $write:expr;)*) => {
        $(impl Args for $type {
            #[inline]
            fn write(&$self, $out: &mut Writer<'_>) -> Result<(), SerializeError> {
                $write;
                Ok(())
            }
        })*
    };
}

args! {
    str: self, out => write_str(out, self);
    Raw<'_>: self, out => out.push(self.0);
    Elements<'_>: self, out => out.push(self.raw());
    Value<'_>: self, out => out.push(self.0);
    bool: self, out => out.push(if *self { b"true" } else { b"false" });
    i8: self, out => write_signed(out, i64::from(*self));
    i16: self, out => write_signed(out, i64::from(*self));
    i32: self, out => write_signed(out, i64::from(*self));
    i64: self, out => write_signed(out, *self);
    u8: self, out => out.decimal(u64::from(*self));
    u16: self, out => out.decimal(u64::from(*self));
    u32: self, out => out.decimal(u64::from(*self));
    u64: self, out => out.decimal(*self);
    usize: self, out => out.decimal(u64::try_from(*self).unwrap_or(u64::MAX));
    isize: self, out => write_signed(out, i64::try_from(*self).unwrap_or(i64::MAX));
    f32: self, out => write_float(out, *self);
    f64: self, out => write_float(out, *self);
}

macro_rules! tuple {
    ($first:ident $(, $next:ident)*) => {
        impl<$first: Args $(, $next: Args)*> Args for ($first, $($next,)*) {
            #[allow(non_snake_case)]
            #[inline]
            fn write(&self, out: &mut Writer<'_>) -> Result<(), SerializeError> {
                let ($first, $($next,)*) = self;
                let _start = out.len();
                $first.write(out)?;
                $(comma(out, _start, $next)?;)*
                Ok(())
            }
        }
    };
}

tuple!(A);
tuple!(A, B);
tuple!(A, B, C);
tuple!(A, B, C, D);
tuple!(A, B, C, D, E);
tuple!(A, B, C, D, E, F);

/// Appends `next`, with a comma in front if it and the text since `start` are not empty.
fn comma(out: &mut Writer<'_>, start: usize, next: &impl Args) -> Result<(), SerializeError> {
    if out.len() == start {
        return next.write(out);
    }
    out.byte(b',');
    let before = out.len();
    next.write(out)?;
    if out.len() == before {
        out.take_back(1);
    }
    Ok(())
}
