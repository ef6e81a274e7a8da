//! Typed access, by serde-json-core behind our own judge.

use super::{DeserializeError, Value};
use crate::bytes::{Capacity, Writer};
use serde_json_core::de;

impl<'m> Value<'m> {
    /// Reads the value into a type of the caller's. Strings that are escaped are unescaped in `memory`, one after the
    /// other, on their way into an owned type (`heapless::String`, `String`); a `&str` field takes strings without escapes only,
    /// and refuses others with [`DeserializeError::Type`] rather than give them still escaped.
    ///
    /// What the type does not name is skipped by recursion, [`DEPTH`](super::DEPTH) calls deep at most. serde-json-core
    /// keeps bounds checks that the linker cannot remove: firmware that proves the absence of panics reads by
    /// [`get`](Self::get) and [`elements`](Self::elements) instead.
    ///
    /// # Errors
    /// [`DeserializeError`]; `memory` as long as the longest escaped string always suffices.
    pub fn deserialize<T: serde::Deserialize<'m>>(&self, memory: &mut [u8]) -> Result<T, DeserializeError> {
        let available = memory.len();
        match serde_json_core::from_slice_escaped(self.0, memory) {
            Ok((value, _)) => Ok(value),
            Err(de::Error::EscapedStringIsTooLong) => {
                Err(DeserializeError::Capacity(Capacity { needed: self.0.len(), available }))
            }
            Err(_) => Err(DeserializeError::Type),
        }
    }
}

pub(super) fn serialize(value: &impl serde::Serialize, out: &mut Writer<'_>) {
    out.with_rest(|rest| {
        let available = rest.len();
        match serde_json_core::to_slice(value, rest) {
            Ok(n) => Ok(n),
            Err(_) => Err(available.saturating_add(1)),
        }
    });
}
