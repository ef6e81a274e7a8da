//! The parameters of permessage-deflate in a header field (RFC 7692 section 7.1, RFC 6455 section 9.1).

use super::{CLIENT_BITS, CLIENT_TAKEOVER, ExtensionText, NAME, SERVER_BITS, SERVER_TAKEOVER, TEXT};
use crate::bytes::Writer;

/// An offer, or the choice of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Parameters {
    /// `false`: `server_no_context_takeover` is there.
    pub(super) server_takeover: bool,
    pub(super) client_takeover: bool,
    /// With a value.
    pub(super) server_bits: Option<Option<u8>>,
    /// In an offer the value may be missing.
    pub(super) client_bits: Option<Option<u8>>,
}

/// The values of all fields of that name, in order.
pub(super) fn values<'h>(fields: impl IntoIterator<Item = (&'h [u8], &'h [u8])>) -> impl Iterator<Item = &'h [u8]> {
    fields
        .into_iter()
        .filter(|(name, _)| name.eq_ignore_ascii_case(b"sec-websocket-extensions"))
        .map(|(_, value)| value)
}

/// Splits at the first separator outside of quotes. Without one the second part is `None`.
fn split(text: &[u8], separator: u8) -> (&[u8], Option<&[u8]>) {
    let (mut is_quoted, mut is_escaped) = (false, false);
    let end = text.iter().position(|&b| {
        match b {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_quoted => is_escaped = true,
            b'"' => is_quoted = !is_quoted,
            _ => return b == separator && !is_quoted,
        }
        false
    });
    let (front, behind) = text.split_at_checked(end.unwrap_or(text.len())).unwrap_or_default();
    (front.trim_ascii(), behind.split_first().map(|(_, rest)| rest.trim_ascii()))
}

/// A number of bits: 8 to 15 without a leading zero, as a token or quoted.
fn bits(value: &[u8]) -> Option<u8> {
    let (value, is_quoted) = match value {
        [b'"', inside @ .., b'"'] => (inside, true),
        plain => (plain, false),
    };
    let mut digits = [0; 2];
    let mut writer = Writer::new(&mut digits);
    let mut bytes = value.iter();
    while let Some(&byte) = bytes.next() {
        writer.byte(if byte == b'\\' && is_quoted { *bytes.next()? } else { byte });
    }
    match *writer.finish().ok()? {
        [digit @ b'8'..=b'9'] => Some(digit.wrapping_sub(b'0')),
        [b'1', digit @ b'0'..=b'5'] => Some(digit.wrapping_sub(b'0').wrapping_add(10)),
        _ => None,
    }
}

impl Parameters {
    /// Reads a member of the list. The error is `true` for another extension, and `false` for parameters that are invalid.
    pub(super) fn parse(member: &[u8]) -> Result<Self, bool> {
        let (name, mut rest) = split(member, b';');
        if name != NAME.as_bytes() {
            return Err(true);
        }
        let mut told = Self { server_takeover: true, client_takeover: true, server_bits: None, client_bits: None };
        while let Some(parameters) = rest {
            let (parameter, behind) = split(parameters, b';');
            rest = behind;
            told.add(parameter).ok_or(false)?;
        }
        Ok(told)
    }

    /// `None`: the parameter is unknown, repeated or invalid.
    fn add(&mut self, parameter: &[u8]) -> Option<()> {
        let (name, value) = split(parameter, b'=');
        let is = |known: &str| name == known.as_bytes();
        if is(SERVER_TAKEOVER) || is(CLIENT_TAKEOVER) {
            let place = if is(SERVER_TAKEOVER) { &mut self.server_takeover } else { &mut self.client_takeover };
            return (value.is_none() && core::mem::replace(place, false)).then_some(());
        }
        let place = if is(SERVER_BITS) {
            &mut self.server_bits
        } else if is(CLIENT_BITS) {
            &mut self.client_bits
        } else {
            return None;
        };
        let bits = match value {
            Some(value) => Some(bits(value)?),
            None if is(CLIENT_BITS) => None,
            None => return None,
        };
        place.replace(bits).is_none().then_some(())
    }

    pub(super) fn text(&self) -> ExtensionText {
        let mut text = [0; TEXT];
        let mut writer = Writer::new(&mut text);
        writer.push(NAME.as_bytes());
        for (has_takeover, name) in [(self.server_takeover, SERVER_TAKEOVER), (self.client_takeover, CLIENT_TAKEOVER)] {
            if !has_takeover {
                writer.push(b"; ");
                writer.push(name.as_bytes());
            }
        }
        for (bits, name) in [(self.server_bits, SERVER_BITS), (self.client_bits, CLIENT_BITS)] {
            if let Some(bits) = bits {
                writer.push(b"; ");
                writer.push(name.as_bytes());
                if let Some(bits) = bits {
                    writer.byte(b'=');
                    writer.decimal(u64::from(bits));
                }
            }
        }
        let len = writer.len();
        ExtensionText { text, len }
    }
}
