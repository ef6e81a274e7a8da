//! Compression of messages: permessage-deflate (RFC 7692). Here is what two ends agree on.

mod offer;

use crate::http::Members;
use core::fmt;
use offer::Parameters;

/// The compression that one end offers or accepts. Without it a server ignores all offers, and a client offers nothing.
///
/// Compression costs memory for each connection: a window for each direction, unless each message is compressed by itself (without *takeover* of the
/// window from one message to the next). This type says how much this end is ready to spend; [`Agreed`] is what both ends have agreed on.
///
/// ```
/// use sansocket::{http::Request, ws::{Accept, Compression, Connection, Limits}};
///
/// // A window of 4 KiB for what is received, and none that is kept for what is sent.
/// const COMPRESSION: Compression = Compression::new().receive_window_bits(12).without_send_takeover();
///
/// let head = b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
///     Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\
///     Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n";
/// let request = Request::parse(head)?;
/// let accept = Accept::check(&request)?.compress(&COMPRESSION);
/// let mut out = [0; 512];
/// let n = accept.write(&[], &mut out)?;
/// let response = core::str::from_utf8(&out[..n])?;
/// assert!(response.contains(
///     "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_max_window_bits=12\r\n"
/// ));
/// let agreed = accept.compression().expect("the first offer can be served");
/// assert_eq!((agreed.receive_window_bits(), agreed.has_receive_takeover()), (12, true));
/// assert_eq!((agreed.send_window_bits(), agreed.has_send_takeover()), (15, false));
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compression {
    send_bits: u8,
    receive_bits: u8,
    has_send_takeover: bool,
    has_receive_takeover: bool,
    /// Messages are taken whole.
    is_whole: bool,
}

/// The compression that both ends agreed on. See [`Compression`].
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Agreed {
    kept: Compression,
    /// The response names the window of the server: it is smaller than 32 KiB, or the client asked.
    is_told: bool,
}

/// The value of a `Sec-WebSocket-Extensions` field. See [`Compression::offer`].
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ExtensionText {
    text: [u8; TEXT],
    len: usize,
}

const NAME: &str = "permessage-deflate";
const SERVER_TAKEOVER: &str = "server_no_context_takeover";
const CLIENT_TAKEOVER: &str = "client_no_context_takeover";
const SERVER_BITS: &str = "server_max_window_bits";
const CLIENT_BITS: &str = "client_max_window_bits";
/// The longest value, with all four parameters.
const TEXT: usize = NAME.len()
    + SERVER_TAKEOVER.len()
    + CLIENT_TAKEOVER.len()
    + SERVER_BITS.len()
    + CLIENT_BITS.len()
    + 4 * "; ".len()
    + 2 * "=15".len();

/// Why a client does not accept the compression that the server chose (RFC 7692 section 7.1). See [`Compression::check`].
#[non_exhaustive]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CompressionError {
    /// The server chose an extension that was not offered.
    NotOffered,
    /// The server chose compression twice.
    Repeated,
    /// A parameter that is unknown, repeated, without its value, or with an invalid one.
    Parameter,
    /// The server did not confirm what the client asked for, or answered with a larger window.
    Larger,
}

impl CompressionError {
    pub(super) const fn reason(self) -> &'static str {
        match self {
            Self::NotOffered => "the server chose a WebSocket extension that was not offered",
            Self::Repeated => "the server chose the compression of messages twice",
            Self::Parameter => "the server chose the compression of messages with an invalid parameter",
            Self::Larger => "the server chose a compression of messages that needs more memory than was offered",
        }
    }
}

impl fmt::Display for CompressionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.reason())
    }
}

impl core::error::Error for CompressionError {}

impl Compression {
    /// Windows of 32 KiB in both directions, which are kept from one message to the next.
    #[must_use]
    pub const fn new() -> Self {
        Self { send_bits: 15, receive_bits: 15, has_send_takeover: true, has_receive_takeover: true, is_whole: false }
    }

    /// This end compresses with a window of at most 2^`bits` bytes: 8 to 15; other values are taken as the nearest of them.
    #[must_use]
    pub const fn send_window_bits(mut self, bits: u8) -> Self {
        self.send_bits = clamp(bits);
        self
    }

    /// The peer must compress with a window of at most 2^`bits` bytes: 8 to 15; other values are taken as the nearest of them.
    ///
    /// Many peers cannot compress with 8 bits, and some fail when they are asked to. A server cannot ask a client that does not offer it (RFC 7692 section
    /// 7.1.2.2), such as Firefox: see [`receive_whole`](Self::receive_whole).
    #[must_use]
    pub const fn receive_window_bits(mut self, bits: u8) -> Self {
        self.receive_bits = clamp(bits);
        self
    }

    /// This end compresses each message by itself. It then needs memory for its window only while it compresses.
    #[must_use]
    pub const fn without_send_takeover(mut self) -> Self {
        self.has_send_takeover = false;
        self
    }

    /// The peer must compress each message by itself. A message that is unpacked whole then needs no window.
    #[must_use]
    pub const fn without_receive_takeover(mut self) -> Self {
        self.has_receive_takeover = false;
        self
    }

    /// This end takes messages whole. A server with a window below 15 bits then also compresses with a client that cannot be told a window: it asks that
    /// client to compress each message by itself. Such a message refers only to itself, so the memory that it is unpacked to is enough, and no window is
    /// kept beside it. Without this call such a client goes without compression.
    ///
    /// Not for a server that takes messages in parts ([`Inbox::poll_part`](super::Inbox::poll_part)). A part may refer to the 32 KiB before it, so from such
    /// a client the server could take no message that is longer than its memory. Without compression it takes messages of any length.
    ///
    /// ```
    /// use sansocket::ws::Compression;
    ///
    /// let offer: [(&[u8], &[u8]); 1] = [(b"sec-websocket-extensions", b"permessage-deflate")]; // of Firefox
    /// let small = Compression::new().receive_window_bits(10);
    /// assert_eq!(small.accept(offer), None);
    /// let agreed = small.receive_whole().accept(offer).expect("each message by itself");
    /// assert_eq!(agreed.response().as_str(), "permessage-deflate; client_no_context_takeover");
    /// ```
    #[must_use]
    pub const fn receive_whole(mut self) -> Self {
        self.is_whole = true;
        self
    }

    /// Receives with at most so many `bytes` for the window and its slack: the largest window that fits, or each message by itself if none does.
    ///
    /// ```
    /// use sansocket::ws::Compression;
    ///
    /// assert_eq!(Compression::new().receive_within(1500), Compression::new().receive_window_bits(10));
    /// assert_eq!(Compression::new().receive_within(40_960), Compression::new());
    /// assert_eq!(Compression::new().receive_within(100), Compression::new().without_receive_takeover());
    /// ```
    #[must_use]
    pub const fn receive_within(self, bytes: usize) -> Self {
        let mut bits = 15;
        while bits >= 8 {
            if window_memory(bits) <= bytes {
                return self.receive_window_bits(bits);
            }
            bits = bits.wrapping_sub(1);
        }
        self.without_receive_takeover()
    }

    /// As it is if `bytes` are enough for the window, else as [`receive_within`](Self::receive_within).
    pub(crate) const fn fit(self, bytes: usize) -> Self {
        if !self.has_receive_takeover || window_memory(self.receive_bits) <= bytes {
            self
        } else {
            self.receive_within(bytes)
        }
    }

    /// A server's choice among the offers in the `Sec-WebSocket-Extensions` fields of a request: the first that it can serve, as the client prefers.
    /// An offer with a parameter that is unknown, repeated or invalid is declined. `None`: the connection goes without compression.
    ///
    /// For requests that another HTTP server has parsed, over HTTP/1.1, HTTP/2 or HTTP/3. Put [`Agreed::response`] into the response.
    /// [`Accept::compress`](super::Accept::compress) does both.
    ///
    /// ```
    /// use sansocket::ws::Compression;
    ///
    /// let fields: [(&[u8], &[u8]); 2] = [
    ///     (b":path", b"/"),
    ///     (b"sec-websocket-extensions", b"permessage-deflate; server_max_window_bits=8, permessage-deflate"),
    /// ];
    /// let agreed = Compression::new().accept(fields).expect("an offer that can be served");
    /// assert_eq!(agreed.response().as_str(), "permessage-deflate; server_max_window_bits=8");
    /// ```
    pub fn accept<'h>(&self, fields: impl IntoIterator<Item = (&'h [u8], &'h [u8])>) -> Option<Agreed> {
        offer::values(fields).flat_map(Members::of).find_map(|member| self.serve(&Parameters::parse(member).ok()?))
    }

    /// What a client offers, for the `Sec-WebSocket-Extensions` field of a request that another HTTP client writes.
    /// [`Connect::compress`](super::Connect::compress) writes it for HTTP/1.1.
    ///
    /// ```
    /// use sansocket::ws::Compression;
    ///
    /// let compression = Compression::new().receive_window_bits(10);
    /// assert_eq!(
    ///     compression.offer().as_str(),
    ///     "permessage-deflate; server_max_window_bits=10; client_max_window_bits"
    /// );
    /// let fields: [(&[u8], &[u8]); 1] =
    ///     [(b"sec-websocket-extensions", b"permessage-deflate; server_max_window_bits=10; client_max_window_bits=\"9\"")];
    /// let agreed = compression.check(fields)?.expect("the server accepted");
    /// assert_eq!((agreed.receive_window_bits(), agreed.send_window_bits()), (10, 9));
    /// # Ok::<(), sansocket::ws::CompressionError>(())
    /// ```
    #[must_use]
    pub fn offer(&self) -> ExtensionText {
        // A window that is smaller than allowed needs no agreement. Some servers decline an offer that names a size here.
        let client_bits = Some(None);
        let server_bits = if self.receive_bits < 15 { Some(Some(self.receive_bits)) } else { None };
        Parameters {
            server_takeover: self.has_receive_takeover,
            client_takeover: self.has_send_takeover,
            server_bits,
            client_bits,
        }
        .text()
    }

    /// A client's check of the `Sec-WebSocket-Extensions` fields of a response to its [`offer`](Self::offer). `None`: the server chose no compression.
    ///
    /// # Errors
    /// [`CompressionError`]: the client must fail the handshake.
    pub fn check<'h>(
        &self,
        fields: impl IntoIterator<Item = (&'h [u8], &'h [u8])>,
    ) -> Result<Option<Agreed>, CompressionError> {
        let mut agreed = None;
        for value in offer::values(fields) {
            self.see(value, &mut agreed)?;
        }
        Ok(agreed)
    }

    /// As [`check`](Self::check), for one field.
    pub(super) fn see(&self, value: &[u8], agreed: &mut Option<Agreed>) -> Result<(), CompressionError> {
        use CompressionError as E;
        for member in Members::of(value) {
            let chosen =
                Parameters::parse(member).map_err(|is_other| if is_other { E::NotOffered } else { E::Parameter })?;
            if agreed.replace(self.take(&chosen)?).is_some() {
                return Err(E::Repeated);
            }
        }
        Ok(())
    }

    /// What a server agrees to.
    fn serve(&self, offer: &Parameters) -> Option<Agreed> {
        let (receive_bits, has_window) = match offer.client_bits {
            Some(bits) => (self.receive_bits.min(bits.unwrap_or(15)), true),
            None if self.receive_bits == 15 => (15, true),
            // The client could not be told.
            None if !self.is_whole => return None,
            None => (15, false),
        };
        let send_bits = self.send_bits.min(offer.server_bits.flatten().unwrap_or(15));
        let kept = Self {
            send_bits,
            receive_bits,
            has_send_takeover: self.has_send_takeover && offer.server_takeover,
            has_receive_takeover: self.has_receive_takeover && offer.client_takeover && has_window,
            is_whole: false,
        };
        Some(Agreed { kept, is_told: send_bits < 15 || offer.server_bits.is_some() })
    }

    /// What a client agrees to.
    fn take(&self, chosen: &Parameters) -> Result<Agreed, CompressionError> {
        use CompressionError as E;
        if matches!(chosen.client_bits, Some(None)) {
            return Err(E::Parameter);
        }
        let receive_bits = chosen.server_bits.flatten().unwrap_or(15);
        if receive_bits > self.receive_bits || (chosen.server_takeover && !self.has_receive_takeover) {
            return Err(E::Larger);
        }
        let kept = Self {
            send_bits: self.send_bits.min(chosen.client_bits.flatten().unwrap_or(15)),
            receive_bits,
            has_send_takeover: self.has_send_takeover && chosen.client_takeover,
            has_receive_takeover: chosen.server_takeover,
            is_whole: false,
        };
        Ok(Agreed { kept, is_told: false })
    }
}

impl Default for Compression {
    fn default() -> Self {
        Self::new()
    }
}

impl Agreed {
    /// The window of what this end sends is at most 2^bits bytes: 8 to 15.
    #[must_use]
    pub const fn send_window_bits(&self) -> u8 {
        self.kept.send_bits
    }

    /// The window of what the peer sends is at most 2^bits bytes: 8 to 15.
    #[must_use]
    pub const fn receive_window_bits(&self) -> u8 {
        self.kept.receive_bits
    }

    /// Whether this end may keep its window from one message to the next.
    #[must_use]
    pub const fn has_send_takeover(&self) -> bool {
        self.kept.has_send_takeover
    }

    /// Whether the peer may keep its window from one message to the next.
    #[must_use]
    pub const fn has_receive_takeover(&self) -> bool {
        self.kept.has_receive_takeover
    }
}

impl Agreed {
    /// What the server answers, for the `Sec-WebSocket-Extensions` field of a response that another HTTP server writes. See [`Compression::accept`].
    #[must_use]
    pub fn response(&self) -> ExtensionText {
        let Self { kept, is_told } = self;
        Parameters {
            server_takeover: kept.has_send_takeover,
            client_takeover: kept.has_receive_takeover,
            server_bits: is_told.then_some(Some(kept.send_bits)),
            client_bits: (kept.receive_bits < 15).then_some(Some(kept.receive_bits)),
        }
        .text()
    }
}

impl ExtensionText {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        core::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }

    /// The text as the bytes of a field value.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.text.get(..self.len).unwrap_or_default()
    }
}

impl fmt::Debug for ExtensionText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}

const fn clamp(bits: u8) -> u8 {
    match bits {
        ..8 => 8,
        15.. => 15,
        bits => bits,
    }
}

/// The least memory for a window of 2^bits bytes that is moved seldom enough: a quarter more.
pub(crate) const fn window_memory(bits: u8) -> usize {
    let window = 1_usize << clamp(bits);
    window.saturating_add(window >> 2)
}
