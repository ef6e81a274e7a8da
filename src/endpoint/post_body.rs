use super::Answer;
use crate::{
    http::{Body, BodyDecoder, BodyError, HeadError, Request, Version},
    ws::{Inbox, Storage},
};

/// Reads the body of a POST from a socket, for requests that this crate has parsed. The caller watches the time ([`Answer::TooSlow`]).
///
/// ```
/// use sansocket::{endpoint::PostBody, http::Request, ws::Inbox};
///
/// let head = b"POST /socket.io/?EIO=4 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n";
/// let mut post = PostBody::new(&Request::parse(head)?, 1_000_000)?;
/// let (mut inbox, mut body) = (Inbox::new([0; 64]), Vec::new());
/// assert_eq!(post.interim(&mut inbox), b"HTTP/1.1 100 Continue\r\n\r\n"); // a socket's write
/// for (piece, is_complete) in [("4", false), ("hiGET /", true)] {
///     inbox.space()?[..piece.len()].copy_from_slice(piece.as_bytes()); // a socket's read
///     inbox.commit(piece.len());
///     assert_eq!(post.poll(&mut inbox, &mut body), Ok(is_complete));
/// }
/// assert_eq!((&body[..], &*inbox.bytes()), (&b"4hi"[..], &b"GET /"[..]));
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct PostBody {
    decoder: BodyDecoder,
    is_awaited: bool,
}

impl PostBody {
    /// Begins to read the body of `request`, of at most `max_payload` bytes.
    ///
    /// # Errors
    /// [`HeadError`] if the fields for the length of the body are invalid.
    pub fn new(request: &Request<'_>, max_payload: u32) -> Result<Self, HeadError> {
        let body = request.body()?;
        let expect = request.fields().get("expect");
        let is_taken = match body {
            Body::Empty => false,
            Body::Length(len) => len <= max_payload.into(),
            Body::Chunked => true,
        };
        // HTTP/1.0 has no interim responses.
        let is_awaited = is_taken
            && request.version() == Version::Http11
            && expect.is_some_and(|e| e.eq_ignore_ascii_case(b"100-continue"));
        Ok(Self { decoder: BodyDecoder::new(body, max_payload.into()), is_awaited })
    }

    /// What to send before the body is read: nothing, or the response that lets the client send it (RFC 9110 section 10.1.1). Nothing also if the
    /// body is too large: then [`poll`](Self::poll) fails at once.
    pub fn interim<S: Storage>(&self, inbox: &mut Inbox<S>) -> &'static [u8] {
        if self.is_awaited && inbox.bytes().is_empty() { b"HTTP/1.1 100 Continue\r\n\r\n" } else { b"" }
    }

    /// Moves what has arrived of the body from `inbox` to the end of `body`. `true`: the body is complete. Bytes after it stay in the inbox. Linear.
    ///
    /// # Errors
    /// The answer to send, which closes the connection. Call [`drop_post`](super::ServerLink::drop_post) too.
    pub fn poll<S: Storage>(
        &mut self,
        inbox: &mut Inbox<S>,
        body: &mut impl for<'a> Extend<&'a u8>,
    ) -> Result<bool, Answer<'static>> {
        let mut input = inbox.bytes();
        let received = input.len();
        let result = loop {
            match self.decoder.poll_piece(&mut input) {
                Ok(Some(piece)) => body.extend(piece.iter()),
                Ok(None) => break Ok(self.decoder.is_complete()),
                Err(BodyError::TooLarge) => break Err(Answer::TooLarge),
                Err(_) => break Err(Answer::Bad),
            }
        };
        let used = received.saturating_sub(input.len());
        inbox.consume(used);
        result
    }
}
