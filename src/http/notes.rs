use super::{
    fields::tokens,
    octets::{is, is_token_byte},
};

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
        // The length first, because comparing costs more, and most fields are none of these.
        if matches!(name.len(), 4 | 7 | 10 | 14 | 17 | 21 | 22) {
            self.note(name, value);
        }
    }

    #[inline(never)]
    fn note(&mut self, name: &[u8], value: &'h [u8]) {
        match name.len() {
            4 if is(name, b"host") => self.host.see(value.trim_ascii()),
            7 if is(name, b"upgrade") => {
                self.websocket |= tokens(value).any(|member| is(member, b"websocket"));
            }
            10 if is(name, b"connection") => {
                for option in tokens(value) {
                    self.upgrade |= is(option, b"upgrade");
                    self.close |= is(option, b"close");
                    self.keep_alive |= is(option, b"keep-alive");
                }
            }
            14 if is(name, b"content-length") => self.length.see(value.trim_ascii()),
            17 if is(name, b"sec-websocket-key") => self.key.see(value.trim_ascii()),
            17 if is(name, b"transfer-encoding") => self.coding.see(value.trim_ascii()),
            21 if is(name, b"sec-websocket-version") => self.version.see(value.trim_ascii()),
            22 if is(name, b"sec-websocket-protocol") => self.are_protocols_good &= are_tokens(value),
            _ => {}
        }
    }
}

/// Whether every member of a list is a token.
pub(crate) fn are_tokens(list: &[u8]) -> bool {
    tokens(list).all(|member| member.iter().all(|&b| is_token_byte(b)))
}
