use super::{fields::tokens, octets::is_token_byte};

/// A field that may occur only once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Once<'h> {
    None,
    One(&'h [u8]),
    More,
}

impl<'h> Once<'h> {
    pub(crate) const fn see(&mut self, value: &'h [u8]) {
        *self = match self {
            Self::None => Self::One(value),
            _ => Self::More,
        };
    }

    /// The values of one name.
    pub(super) fn of(mut values: impl Iterator<Item = &'h [u8]>) -> Self {
        match (values.next(), values.next()) {
            (None, _) => Self::None,
            (Some(value), None) => Self::One(value),
            (Some(_), Some(_)) => Self::More,
        }
    }
}

/// What the fields of a request say of its body, of its connection and of a WebSocket: noted in the one pass that checks them, so that no question
/// needs another.
#[derive(Clone, Copy)]
pub(crate) struct Notes<'h> {
    pub(super) host: Once<'h>,
    pub(crate) length: Once<'h>,
    pub(crate) coding: Once<'h>,
    pub(crate) version: Once<'h>,
    pub(crate) key: Once<'h>,
    /// `Upgrade` lists `websocket`.
    pub(crate) websocket: bool,
    /// Each member of `Sec-WebSocket-Protocol` is a token.
    pub(crate) are_protocols_good: bool,
    /// `Connection` lists `upgrade`.
    pub(crate) upgrade: bool,
    pub(super) close: bool,
    pub(super) keep_alive: bool,
}

impl<'h> Notes<'h> {
    pub(crate) const fn new() -> Self {
        Self {
            host: Once::None,
            length: Once::None,
            coding: Once::None,
            version: Once::None,
            key: Once::None,
            websocket: false,
            are_protocols_good: true,
            upgrade: false,
            close: false,
            keep_alive: false,
        }
    }

    /// Notes a field; `value` may have white space around it.
    #[inline]
    pub(crate) fn see(&mut self, name: &[u8], value: &'h [u8]) {
        let is = |other: &str| name.eq_ignore_ascii_case(other.as_bytes());
        // The length first, because comparing costs more.
        match name.len() {
            4 if is("host") => self.host.see(value.trim_ascii()),
            7 if is("upgrade") => {
                self.websocket |= tokens(value).any(|member| member.eq_ignore_ascii_case(b"websocket"));
            }
            10 if is("connection") => {
                for option in tokens(value) {
                    let is = |other: &[u8]| option.eq_ignore_ascii_case(other);
                    self.upgrade |= is(b"upgrade");
                    self.close |= is(b"close");
                    self.keep_alive |= is(b"keep-alive");
                }
            }
            14 if is("content-length") => self.length.see(value.trim_ascii()),
            17 if is("sec-websocket-key") => self.key.see(value.trim_ascii()),
            17 if is("transfer-encoding") => self.coding.see(value.trim_ascii()),
            21 if is("sec-websocket-version") => self.version.see(value.trim_ascii()),
            22 if is("sec-websocket-protocol") => self.are_protocols_good &= are_tokens(value),
            _ => {}
        }
    }
}

/// Whether every member of a list is a token.
pub(crate) fn are_tokens(list: &[u8]) -> bool {
    tokens(list).all(|member| member.iter().all(|&b| is_token_byte(b)))
}
