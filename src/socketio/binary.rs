//! Binary values: attachments, and the placeholders that refer to them in the JSON of the packet.

use super::PeerError;
use crate::{
    bytes::{IS_WIDE, Writer, decimal},
    json::{self, Args, DEPTH, SerializeError, Str, Value},
};

/// The largest number of attachments that is sent in one packet. The JavaScript implementation accepts no more (since socket.io-parser 4.2.6,
/// CVE-2026-33151).
pub const MAX_ATTACHMENTS: u8 = 10;

/// The content of an event or acknowledgement: [`Args`], or [`Binary`] for arguments with attachments.
pub trait Content {
    /// Writes the JSON values, separated by commas, without brackets. There may be none.
    ///
    /// # Errors
    /// As [`Args::write`].
    fn write_json(&self, out: &mut Writer<'_>) -> Result<(), SerializeError>;

    /// The attachments that the placeholders in the JSON refer to.
    fn attachments(&self) -> Attachments<'_> {
        Attachments::NONE
    }
}

impl<A: Args> Content for A {
    #[inline]
    fn write_json(&self, out: &mut Writer<'_>) -> Result<(), SerializeError> {
        self.write(out)
    }
}

/// Arguments with attachments. The arguments contain a [`Placeholder`] for each attachment, at any depth.
///
/// ```
/// use sansocket::{socketio::{self, Binary, Namespace, Placeholder}, ws};
///
/// let mut memory = [0; 96];
/// let mut out = ws::Out::stored(&mut memory);
/// let files: [&[u8]; 1] = [b"\x01\x02"];
/// let picture = Binary(("cat", Placeholder(0)), files.as_slice().into());
/// socketio::server::broadcast(&["/"], Namespace(0), "picture", &picture, None, &mut out)?;
/// assert!(out.written().starts_with(b"\x81\x33451-[\"picture\",\"cat\",{\"_placeholder\":true,\"num\":0}]\x82\x02"));
/// # Ok::<(), socketio::SendError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Binary<'a, A>(pub A, pub Attachments<'a>);

impl<A: Args> Content for Binary<'_, A> {
    fn write_json(&self, out: &mut Writer<'_>) -> Result<(), SerializeError> {
        self.0.write(out)
    }

    fn attachments(&self) -> Attachments<'_> {
        self.1
    }
}

/// Refers to the attachment with this number, from 0: `{"_placeholder":true,"num":0}`. See [`Binary`] and [`Collector`](super::Collector) for
/// examples.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Placeholder(pub u8);

impl Placeholder {
    /// The placeholder, if `value` is one.
    #[must_use]
    pub fn of(value: Value<'_>) -> Option<Self> {
        if value.get("_placeholder")?.as_bool()? { number(value.get("num")?.raw()).map(Self) } else { None }
    }
}

impl Args for Placeholder {
    fn write(&self, out: &mut Writer<'_>) -> Result<(), SerializeError> {
        if IS_WIDE && self.0 < 10 {
            let mut text = *b"{\"_placeholder\":true,\"num\":0}";
            let [.., digit, _] = &mut text;
            *digit |= self.0;
            out.push(&text);
            return Ok(());
        }
        out.push(b"{\"_placeholder\":true,\"num\":");
        out.decimal(u64::from(self.0));
        out.byte(b'}');
        Ok(())
    }
}

/// For use in typed arguments ([`json::Json`]).
impl serde::Serialize for Placeholder {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct;
        let mut object = serializer.serialize_struct("Placeholder", 2)?;
        object.serialize_field("_placeholder", &true)?;
        object.serialize_field("num", &self.0)?;
        object.end()
    }
}

/// The attachments of one packet, in order. See [`Binary`] and [`Collector`](super::Collector) for examples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attachments<'a>(Form<'a>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form<'a> {
    Slices(&'a [&'a [u8]]),
    /// Each attachment follows its length, a `u32` in little-endian order.
    Packed(&'a [u8]),
}

impl<'a> Attachments<'a> {
    /// No attachments.
    pub const NONE: Self = Self(Form::Slices(&[]));

    /// What [`is_empty`](Self::is_empty) tells, for [`NONE`](Self::NONE) while compiling.
    #[inline]
    pub(super) const fn are_none(&self) -> bool {
        matches!(self.0, Form::Slices([]))
    }

    pub(super) const fn packed(bytes: &'a [u8]) -> Self {
        Self(Form::Packed(bytes))
    }

    /// The attachment that `placeholder` refers to. Cost: O(number).
    #[must_use]
    pub fn get(&self, placeholder: Placeholder) -> Option<&'a [u8]> {
        self.into_iter().nth(usize::from(placeholder.0))
    }

    /// Whether there are no attachments. See [`Binary`].
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.into_iter().next().is_none()
    }
}

impl<'a> From<&'a [&'a [u8]]> for Attachments<'a> {
    fn from(slices: &'a [&'a [u8]]) -> Self {
        Self(Form::Slices(slices))
    }
}

impl<'a> IntoIterator for Attachments<'a> {
    type Item = &'a [u8];
    type IntoIter = AttachmentsIter<'a>;

    fn into_iter(self) -> AttachmentsIter<'a> {
        AttachmentsIter(self.0)
    }
}

/// Iterates over [`Attachments`]. See [`Binary`].
#[derive(Clone, Debug)]
pub struct AttachmentsIter<'a>(Form<'a>);

impl<'a> Iterator for AttachmentsIter<'a> {
    type Item = &'a [u8];

    #[inline]
    fn count(self) -> usize {
        match self.0 {
            Form::Slices(slices) => slices.len(),
            Form::Packed(_) => self.fold(0, |n, _| n.saturating_add(1)),
        }
    }

    #[inline]
    fn next(&mut self) -> Option<&'a [u8]> {
        match &mut self.0 {
            Form::Slices(slices) => {
                let (first, rest) = slices.split_first()?;
                *slices = rest;
                Some(first)
            }
            Form::Packed(bytes) => {
                let (len, rest) = bytes.split_first_chunk::<4>()?;
                let len = usize::try_from(u32::from_le_bytes(*len)).ok()?;
                let (first, rest) = rest.split_at_checked(len)?;
                *bytes = rest;
                Some(first)
            }
        }
    }
}

/// Parses decimal digits up to 255 without leading zeros.
fn number(digits: &[u8]) -> Option<u8> {
    if digits.len() > 1 && digits.starts_with(b"0") { None } else { u8::try_from(decimal(digits)?).ok() }
}

/// The length of a placeholder with one digit, in bytes.
const PLACEHOLDER_LEN: usize = 29;

/// The digit of the placeholder at the front of `text`, if it is written exactly as all known clients write it. A fast path: such an object needs no
/// further check.
#[inline]
fn placeholder(text: &[u8]) -> Option<u8> {
    // The first eight bytes decide in nearly all cases.
    let (b"{\"_place", rest) = text.split_first_chunk::<8>()? else { return None };
    match rest.strip_prefix(b"holder\":true,\"num\":")? {
        [digit @ b'0'..=b'9', b'}', ..] => Some(digit.wrapping_sub(b'0')),
        _ => None,
    }
}

/// The length of the placeholder at the front of `text`, written exactly as all known clients write it. The JSON scanner skips it, but where flash is
/// dear, which reads it as any object.
pub(super) const PLACEHOLDERS: json::Known =
    if IS_WIDE { |text| placeholder(text).map(|_| PLACEHOLDER_LEN) } else { json::NONE };

/// The bit of an attachment.
fn bit(number: u8) -> u64 {
    1_u64.checked_shl(u32::from(number)).unwrap_or(0)
}

/// The elements themselves, and each array or object that may be open inside of them.
const LEVELS: usize = 65;
const _: () = assert!(DEPTH == 64, "one more");

/// An array. Others are objects: the number of each, and above it whether the object is [`MARKED`].
const ARRAY: u8 = 0x7e;
/// The object has no `num`, or one that is out of range.
const NO_NUMBER: u8 = 0x7f;
/// The object has `"_placeholder":true`.
const MARKED: u8 = 0x80;

/// Checks the placeholders in valid JSON, like the JavaScript implementation: every object with `"_placeholder":true` must have a `num` below
/// `attachments` (CVE-2022-2421). Returns the set of numbers in use, as bits. One pass, no recursion.
pub(super) fn judge_placeholders(text: &[u8], attachments: u8) -> Result<u64, PeerError> {
    debug_assert!(attachments <= 64, "one bit for each");
    let mut levels = [ARRAY; LEVELS];
    let mut depth = 0_usize;
    let mut is_key = false;
    let mut used = 0_u64;
    let mut at = 0_usize;
    while let Some(rest) = text.get(at..)
        && let Some(&byte) = rest.first()
    {
        // The form that all known clients write. A number out of range is rejected below.
        if IS_WIDE
            && byte == b'{'
            && let Some(number) = placeholder(rest)
            && number < attachments
        {
            used |= bit(number);
            at = at.wrapping_add(PLACEHOLDER_LEN);
            is_key = false;
            continue;
        }
        at = at.wrapping_add(1);
        match byte {
            b'[' | b'{' => {
                is_key = byte == b'{';
                depth = depth.wrapping_add(1);
                if let Some(level) = levels.get_mut(depth) {
                    *level = if is_key { NO_NUMBER } else { ARRAY };
                }
            }
            b']' | b'}' => {
                let level = levels.get(depth).copied().unwrap_or(ARRAY);
                if level & MARKED != 0 {
                    let number = level & !MARKED;
                    if number >= attachments {
                        return Err(PeerError::InvalidAttachments);
                    }
                    used |= bit(number);
                }
                depth = depth.wrapping_sub(1);
                is_key = false;
            }
            b',' => is_key = levels.get(depth).is_some_and(|&level| level != ARRAY),
            b'"' => {
                let end = json::string_end(rest);
                at = at.wrapping_add(end.wrapping_sub(1));
                if !core::mem::take(&mut is_key) {
                    continue;
                }
                let key = Str(rest.get(1..end.wrapping_sub(1)).unwrap_or_default());
                let (is_mark, is_number) = (key.is("_placeholder"), key.is("num"));
                if !is_mark && !is_number {
                    continue;
                }
                while text.get(at).is_some_and(|&b| b == b':' || json::is_blank(b)) {
                    at = at.wrapping_add(1);
                }
                let value = text.get(at..).unwrap_or_default();
                let Some(level) = levels.get_mut(depth) else { continue };
                // If a key is repeated, the last one counts.
                if is_mark {
                    *level = *level & !MARKED | if value.starts_with(b"true") { MARKED } else { 0 };
                } else {
                    let value = value.get(..json::value_end(value)).unwrap_or_default();
                    *level = *level & MARKED | number(value).filter(|&n| n < 64).unwrap_or(NO_NUMBER);
                }
            }
            _ => {}
        }
    }
    Ok(used)
}
