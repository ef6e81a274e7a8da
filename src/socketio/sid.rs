use crate::bytes::base64;
use core::fmt;

/// The public id of a socket in one namespace: 15 random bytes as 20 characters of base64url.
///
/// The client learns it and may share it with others, for example to receive messages by it. It is not the id of the Engine.IO session
/// ([`engineio::Sid`](crate::engineio::Sid)), which is a secret. Use different random bytes for the two.
///
/// ```
/// use sansocket::socketio::Sid;
///
/// assert_eq!(Sid::from_random([0; 15]).to_string(), "AAAAAAAAAAAAAAAAAAAA");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Sid([u8; 20]);

impl Sid {
    /// Makes an id from 120 random bits. See [`Sid`].
    #[must_use]
    pub fn from_random(random: [u8; 15]) -> Self {
        Self(base64::encode_url(random))
    }

    /// The id as it is sent. See [`Sid`].
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 20] {
        &self.0
    }

    /// The id as it is sent. See [`Sid`].
    #[must_use]
    pub fn as_str(&self) -> &str {
        core::str::from_utf8(&self.0).unwrap_or_default()
    }
}

/// The id as it is sent, for functions that take any text, such as the name of a room.
impl AsRef<str> for Sid {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Display for Sid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Sid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sid({self})")
    }
}
