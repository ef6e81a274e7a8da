use crate::{EmitError, args::Raw, server::scratch};
use bytes::Bytes;
use sansocket::socketio::{Flags, Sid};

/// An event, encoded: what an adapter gives to other nodes.
#[derive(Clone, Copy, Debug)]
pub struct Packet<'a> {
    event: &'a str,
    json: &'a [u8],
    files: &'a [Bytes],
    flags: Flags,
    /// For the namespace that it is sent in, without a request for acknowledgements.
    frames: Option<&'a Bytes>,
}

impl<'a> Packet<'a> {
    /// An event that came from another node.
    ///
    /// ```
    /// use sansocket_tokio::{args::Raw, server::{Flags, adapter::Packet}};
    ///
    /// let args = Raw::of(&("cat", 3))?;
    /// let packet = Packet::new("pet", &args, Flags::NONE.volatile());
    /// assert_eq!((packet.event(), packet.json(), packet.files().len()), ("pet", &b"\"cat\",3"[..], 0));
    /// assert!(packet.flags().is_volatile());
    /// assert_eq!(packet.args(), args);
    /// # Ok::<(), sansocket_tokio::args::EncodeError>(())
    /// ```
    #[must_use]
    pub fn new(event: &'a str, args: &'a Raw, flags: Flags) -> Self {
        Self { event, json: &args.json, files: &args.files, flags, frames: None }
    }

    pub(crate) const fn framed(
        event: &'a str,
        (json, files): (&'a [u8], &'a [Bytes]),
        flags: Flags,
        frames: Option<&'a Bytes>,
    ) -> Self {
        Self { event, json, files, flags, frames }
    }

    /// The name of the event.
    #[must_use]
    pub const fn event(&self) -> &'a str {
        self.event
    }

    /// The arguments: JSON values with commas between them, without brackets. See [`Raw`].
    #[must_use]
    pub const fn json(&self) -> &'a [u8] {
        self.json
    }

    /// The attachments that the arguments refer to.
    #[must_use]
    pub const fn files(&self) -> &'a [Bytes] {
        self.files
    }

    /// Whether it may be dropped, and may be compressed.
    #[must_use]
    pub const fn flags(&self) -> Flags {
        self.flags
    }

    /// A copy of the arguments that owns its memory. See [`new`](Self::new).
    #[must_use]
    pub fn args(&self) -> Raw {
        Raw { json: Bytes::copy_from_slice(self.json), files: self.files.to_vec() }
    }

    /// The frames for the sockets of a namespace, with the id by which they acknowledge.
    pub(crate) fn frames(&self, namespace: &str, ack: Option<u64>) -> Result<Bytes, EmitError> {
        match self.frames {
            Some(frames) if ack.is_none() => Ok(frames.clone()),
            _ => scratch::framed(namespace, self.event, ack, (self.json, self.files)),
        }
    }
}

/// Reads the id of a socket of another node: 20 characters of base64url. `None` if it is no such id.
///
/// ```
/// use sansocket_tokio::server::{Sid, adapter::parse_id};
///
/// let id = Sid::from_random([7; 15]);
/// assert_eq!(parse_id(id.as_str()), Some(id));
/// assert_eq!(parse_id("lobby"), None);
/// ```
#[must_use]
pub fn parse_id(text: &str) -> Option<Sid> {
    let mut bytes = [0; 15];
    let (quads, rest) = text.as_bytes().as_chunks::<4>();
    if quads.len() != 5 || !rest.is_empty() {
        return None;
    }
    for (out, quad) in bytes.chunks_mut(3).zip(quads) {
        let bits = quad.iter().try_fold(0, |bits: u32, &character| Some(bits << 6 | digit(character)?))?;
        out.copy_from_slice(&bits.to_be_bytes()[1..]);
    }
    Some(Sid::from_random(bytes))
}

fn digit(character: u8) -> Option<u32> {
    let value = match character {
        b'A'..=b'Z' => character - b'A',
        b'a'..=b'z' => character - b'a' + 26,
        b'0'..=b'9' => character - b'0' + 52,
        b'-' => 62,
        b'_' => 63,
        _ => return None,
    };
    Some(value.into())
}
