use core::fmt;

/// A close code, the reason for an end as a number (RFC 6455 section 7.4, with the registered 1012 to 1014).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CloseCode(pub u16);

impl CloseCode {
    /// The purpose has been fulfilled.
    pub const NORMAL: Self = Self(1000);
    /// A server goes down, or a browser leaves the page.
    pub const GOING_AWAY: Self = Self(1001);
    /// The other end broke the protocol.
    pub const PROTOCOL_ERROR: Self = Self(1002);
    /// A type of data that this end cannot take.
    pub const UNSUPPORTED_DATA: Self = Self(1003);
    /// Never on the wire: the close frame had no code.
    pub const NO_STATUS: Self = Self(1005);
    /// Never on the wire: the connection ended without a close frame.
    pub const ABNORMAL: Self = Self(1006);
    /// Data that do not fit their type, such as text that is not UTF-8.
    pub const INVALID_PAYLOAD: Self = Self(1007);
    /// Against a policy of this end; the general refusal.
    pub const POLICY_VIOLATION: Self = Self(1008);
    /// A message is too big to be taken.
    pub const MESSAGE_TOO_BIG: Self = Self(1009);
    /// A server met something that it did not expect.
    pub const INTERNAL_ERROR: Self = Self(1011);

    /// Whether the code may stand in a close frame: 1000 to 1003, 1007 to 1014, and 3000 to 4999.
    ///
    /// Numbers that are not registered (1016 to 2999) are refused too, as is 1004: no meaning was ever given to them.
    #[must_use]
    pub const fn is_sendable(self) -> bool {
        matches!(self.0, 1000..=1003 | 1007..=1014 | 3000..=4999)
    }
}

impl fmt::Display for CloseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc6455_7_4_codes_that_may_stand_on_the_wire() {
        let sendable = (0..=u16::MAX).filter(|&c| CloseCode(c).is_sendable());
        let expected = (1000..=1003).chain(1007..=1014).chain(3000..=4999);
        assert!(sendable.eq(expected));
    }
}
