use core::fmt;

/// A close code: why a connection is closed, as a number (RFC 6455 section 7.4, and the registered codes 1012 to 1014).
///
/// ```
/// use sansocket::ws::CloseCode;
///
/// assert!(CloseCode::GOING_AWAY.is_sendable() && CloseCode(4000).is_sendable());
/// assert!(!CloseCode::ABNORMAL.is_sendable());
/// ```
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CloseCode(pub u16);

impl CloseCode {
    /// Normal closure.
    pub const NORMAL: Self = Self(1000);
    /// This end goes away: a server shuts down, or a browser leaves the page.
    pub const GOING_AWAY: Self = Self(1001);
    /// The peer broke the protocol.
    pub const PROTOCOL_ERROR: Self = Self(1002);
    /// This end cannot accept this type of data.
    pub const UNSUPPORTED_DATA: Self = Self(1003);
    /// The close frame had no code. Never sent.
    pub const NO_STATUS: Self = Self(1005);
    /// The connection ended without a close frame. Never sent.
    pub const ABNORMAL: Self = Self(1006);
    /// The data does not match its type, such as text that is not UTF-8.
    pub const INVALID_PAYLOAD: Self = Self(1007);
    /// A message violates a policy of this end. The general code for a refusal.
    pub const POLICY_VIOLATION: Self = Self(1008);
    /// A message is too large for this end.
    pub const MESSAGE_TOO_BIG: Self = Self(1009);
    /// An unexpected error in the server.
    pub const INTERNAL_ERROR: Self = Self(1011);

    /// Whether a close frame may have this code: 1000 to 1003, 1007 to 1014, and 3000 to 4999.
    ///
    /// 1004 and 1016 to 2999 may not be sent: they have no defined meaning.
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
