use super::{ClientSide, Error, Failed, Reply, ServerSide, Timer, Transport, WebSocket, error::End, websocket::Look};
use crate::{
    bytes::Capacity,
    endpoint::Answer,
    http::{HeadScanner, Limits, Method, Request, Response, ResponseError, ResponseHead, Status, Url},
    ws::{Accept, Connect, ConnectError, Inbox, RequestError, Storage, refuse},
};
use core::fmt;

/// SHA-1 (FIPS 180-4), of the 60 bytes that the handshake hashes.
pub type Sha1 = fn(&[u8; 60]) -> [u8; 20];

/// The SHA-1 of this crate, for [`connect_with`](WebSocket::connect_with) and [`accept_with`](WebSocket::accept_with). Feature `sha1`.
///
/// ```
/// assert_eq!(sansocket::drive::sha1(&[b'a'; 60])[..4], [0x13, 0xd9, 0x56, 0x03]);
/// ```
#[cfg(feature = "sha1")]
#[must_use]
pub fn sha1(text: &[u8; 60]) -> [u8; 20] {
    sha1_smol::Sha1::from(text).digest().bytes()
}

/// How far the opening handshake is.
#[derive(Clone)]
pub(super) enum Stage {
    New,
    /// The request was written into the outbox, with this nonce. The answer is read.
    Asked([u8; 16], HeadScanner),
    /// The request is read.
    Awaited(HeadScanner),
    /// The answer was written into the outbox. The head of so many bytes stands in the inbox.
    Answered(usize),
    /// The answer refuses. Its head of so many bytes stands in the inbox.
    Refused(usize),
    /// The head of so many bytes stands in the inbox still.
    Open(usize),
}

impl fmt::Debug for Stage {
    /// Without the nonce.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::New => "New",
            Self::Asked(..) | Self::Awaited(_) | Self::Answered(_) => "Shaking",
            Self::Refused(_) => "Refused",
            Self::Open(_) => "Open",
        })
    }
}

impl<T: Transport, C: Timer, D: ServerSide, S: Storage, B: AsMut<[u8]>> WebSocket<T, C, D, S, B> {
    /// Receives the client's request and accepts it. The request is lent until the next call; its head must fit into the receive memory.
    ///
    /// If the future is dropped, call it again: it goes on where it was.
    ///
    /// # Errors
    /// [`Error::Head`], [`Error::Request`]: the client was answered, and the connection is over. The others as in [`next`](Self::next).
    #[cfg(feature = "sha1")]
    pub async fn accept(&mut self) -> Result<Request<'_>, Error<Failed<T>>> {
        self.accept_with(sha1, &[], |_, accept| Ok(accept)).await
    }

    /// As [`accept`](Self::accept), with your SHA-1, with these fields in the answer, and if `judge` agrees. It sees the request, can choose a subprotocol
    /// ([`Accept::protocol`]), and can refuse with a status.
    ///
    /// # Errors
    /// As [`accept`](Self::accept). [`Error::Refused`] if `judge` has refused.
    pub async fn accept_with(
        &mut self,
        sha1: Sha1,
        fields: &[(&str, &[u8])],
        mut judge: impl for<'h> FnMut(&Request<'h>, Accept<'h>) -> Result<Accept<'h>, Status>,
    ) -> Result<Request<'_>, Error<Failed<T>>> {
        let n = loop {
            let Self { inbox, reply, stage } = self;
            let look = look_for_request((&mut *inbox, &mut *reply, stage), sha1, fields, |request| {
                let accept = Accept::check(request).map_err(Verdict::Handshake)?;
                judge(request, accept).map_err(Verdict::Status)
            });
            match look? {
                Look::Write => reply.write().await?,
                Look::Read => reply.read(inbox).await?,
                Look::Found(n) => break n,
            }
        };
        let head = self.inbox.bytes().get(..n).unwrap_or_default();
        Request::parse(head).map_err(Error::Head)
    }
}

/// How a request is refused.
pub(super) enum Verdict {
    /// It is no handshake of a WebSocket.
    Handshake(RequestError),
    /// With a status and no body.
    Status(Status),
    /// It opens no session of Engine.IO.
    Session(Answer<'static>),
}

impl Verdict {
    fn write(&self, request: &Request<'_>, out: &mut [u8]) -> Result<usize, Capacity> {
        let written = match self {
            Self::Handshake(error) => return refuse(*error, out),
            Self::Status(status) => return write_status(*status, out),
            Self::Session(answer) => {
                let mut scratch = [0; 128];
                let body = answer.body(&mut scratch)?;
                let mut fields = [("Connection", answer.connection(false)); 4];
                let mut len = 1_usize;
                for (place, field) in fields.iter_mut().skip(1).zip(answer.fields().into_iter().flatten()) {
                    *place = field;
                    len = len.saturating_add(1);
                }
                let fields = fields.get(..len).unwrap_or_default();
                let response = Response { status: Status(answer.status()), fields, body };
                if request.method() == Method::Head { response.write_head(out) } else { response.write(out) }
            }
        };
        capacity(written)
    }

    fn end(&self) -> End {
        match self {
            Self::Handshake(error) | Self::Session(Answer::Handshake(error)) => End::Request(*error),
            Self::Status(status) => End::Refused(*status),
            Self::Session(answer) => End::Refused(Status(answer.status())),
        }
    }
}

fn write_status(status: Status, out: &mut [u8]) -> Result<usize, Capacity> {
    capacity((Response { status, fields: &[("Connection", b"close")], body: b"" }).write(out))
}

/// The fields of our own answers are valid.
fn capacity(written: Result<usize, ResponseError>) -> Result<usize, Capacity> {
    match written {
        Err(ResponseError::Capacity(e)) => Err(e),
        Ok(n) => Ok(n),
        Err(ResponseError::Field) => Ok(0),
    }
}

/// What to wait for, or the length of the head of a request whose answer was sent. The client is accepted if `judge` says how.
pub(super) fn look_for_request<T: Transport, C: Timer, D: ServerSide, S: Storage, B: AsMut<[u8]>>(
    (inbox, reply, stage): (&mut Inbox<S>, &mut Reply<T, C, D, B>, &mut Stage),
    sha1: Sha1,
    fields: &[(&str, &[u8])],
    judge: impl for<'h> FnOnce(&Request<'h>) -> Result<Accept<'h>, Verdict>,
) -> Result<Look<usize>, Error<Failed<T>>> {
    if reply.core.end.is_some() {
        return reply.left().map(Look::of);
    }
    if let Stage::New = stage {
        *stage = Stage::Awaited(HeadScanner::new(Limits::new()));
    }
    if let Stage::Awaited(head) = stage {
        let outbox = &mut reply.outbox;
        let compression = D::compression(outbox.keys()).map(|compression| compression.fit(inbox.unpacked_size()));
        let mut agreed = None;
        let head = match head.scan(inbox.bytes()) {
            Ok(None) => return reply.wait().map(Look::of),
            Ok(Some(n)) => Request::parse(inbox.bytes().get(..n).unwrap_or_default()).map(|request| (n, request)),
            Err(e) => Err(e),
        };
        // Without room for it a refusal has no answer.
        let end = match head {
            Err(e) => {
                let _ = outbox.append_bytes(|tail| write_status(e.status(), tail));
                End::Head(e)
            }
            Ok((n, request)) => match judge(&request) {
                Ok(mut accept) => {
                    if let Some(compression) = compression {
                        accept = accept.compress(&compression);
                        agreed = accept.compression();
                    }
                    outbox.append_bytes(|tail| accept.write_with(sha1, fields, tail)).map_err(|e| match e {
                        ResponseError::Capacity(e) => Error::Outbox(e),
                        ResponseError::Field => Error::Connect(ConnectError::Field),
                    })?;
                    *stage = Stage::Answered(n);
                    if compression.is_some() {
                        // Its memory is large enough: the window was chosen for it.
                        inbox.agree(agreed).map_err(Error::Inbox)?;
                        reply.core.agree(agreed);
                        D::agree(outbox.keys(), agreed.as_ref());
                    }
                    return Ok(Look::Write);
                }
                Err(verdict) => {
                    let _ = outbox.append_bytes(|tail| verdict.write(&request, tail));
                    verdict.end()
                }
            },
        };
        reply.core.fail(end);
        return reply.left().map(Look::of);
    }
    let Stage::Answered(n) = *stage else { return Err(Error::Order) };
    if reply.core.owes(&mut reply.outbox)? {
        return Ok(Look::Write);
    }
    reply.core.opened(reply.timer.now());
    *stage = Stage::Open(n);
    Ok(Look::Found(n))
}

impl<T: Transport, C: Timer, D: ClientSide, S: Storage, B: AsMut<[u8]>> WebSocket<T, C, D, S, B> {
    /// Sends the request for `url` on the transport, which leads to its host and port, and waits for the answer. The answer is lent until the next call;
    /// its head must fit into the receive memory, and the request into the send memory.
    ///
    /// If the future is dropped, call it again with the same arguments: it goes on where it was.
    ///
    /// # Errors
    /// [`Error::Handshake`] if the answer does not open a WebSocket. A redirection is one: [`answer`](Self::answer) has its `Location`. [`Error::Head`],
    /// [`Error::Connect`]. The others as in [`next`](Self::next).
    #[cfg(feature = "sha1")]
    pub async fn connect(&mut self, url: &Url<'_>) -> Result<ResponseHead<'_>, Error<Failed<T>>> {
        self.connect_with(sha1, url, |connect| connect).await
    }

    /// As [`connect`](Self::connect), with your SHA-1 and with what `adjust` adds to the request: origin, subprotocols, credentials, other fields.
    ///
    /// ```
    /// use sansocket::{drive::{AsClient, Error, Failed, Timer, Transport, WebSocket, sha1}, http::Url};
    ///
    /// async fn join<T: Transport, C: Timer, F: FnMut(&mut [u8])>(
    ///     ws: &mut WebSocket<T, C, AsClient<F>, Vec<u8>, Vec<u8>>,
    ///     url: &Url<'_>,
    /// ) -> Result<(), Error<Failed<T>>> {
    ///     match ws.connect_with(sha1, url, |c| c.origin("https://example.org").protocols(&["chat.v1"])).await {
    ///         Ok(answer) => println!("{:?}", answer.fields().get("sec-websocket-protocol")),
    ///         Err(error) => {
    ///             // A redirection, or a page that says what is wrong.
    ///             if let Some(location) = ws.answer().and_then(|answer| answer.fields().get("location")) {
    ///                 println!("go to {}", String::from_utf8_lossy(location));
    ///             }
    ///             return Err(error);
    ///         }
    ///     }
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    /// As [`connect`](Self::connect).
    pub async fn connect_with<'r>(
        &mut self,
        sha1: Sha1,
        url: &Url<'r>,
        mut adjust: impl FnMut(Connect<'r>) -> Connect<'r>,
    ) -> Result<ResponseHead<'_>, Error<Failed<T>>> {
        let n = loop {
            match self.look_for_answer(sha1, url, &mut adjust)? {
                Look::Found(n) => break n,
                Look::Write => self.reply.write().await?,
                Look::Read => self.reply.read(&mut self.inbox).await?,
            }
        };
        ResponseHead::parse(self.inbox.bytes().get_mut(..n).unwrap_or_default()).map_err(Error::Head)
    }

    /// What to wait for, or the length of the head of the answer that opens the WebSocket.
    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    fn look_for_answer<'r>(
        &mut self,
        sha1: Sha1,
        url: &Url<'r>,
        adjust: &mut impl FnMut(Connect<'r>) -> Connect<'r>,
    ) -> Result<Look<usize>, Error<Failed<T>>> {
        let Self { inbox, reply: Reply { core, outbox, .. }, stage } = self;
        if core.end.is_some() {
            return self.reply.left().map(Look::of);
        }
        let end = loop {
            let (nonce, answer) = match stage {
                Stage::New => (D::nonce(outbox.keys()), None),
                Stage::Asked(nonce, head) => match head.scan(inbox.bytes()) {
                    Ok(None) => return self.reply.wait().map(Look::of),
                    Ok(Some(n)) => (*nonce, Some(n)),
                    Err(e) => break End::Head(e),
                },
                _ => return Err(Error::Order),
            };
            let mut connect = adjust(Connect::for_url(url, nonce));
            if let Some(compression) = D::compression(outbox.keys()) {
                connect = connect.compress(compression.fit(inbox.unpacked_size()));
            }
            let scanner = HeadScanner::response(Limits::new());
            let Some(n) = answer else {
                outbox.append_bytes(|tail| connect.write(tail)).map_err(|e| match e {
                    ConnectError::Capacity(e) => Error::Outbox(e),
                    e => Error::Connect(e),
                })?;
                *stage = Stage::Asked(nonce, scanner);
                continue;
            };
            let bytes = inbox.bytes().get_mut(..n).unwrap_or_default();
            let response = match ResponseHead::parse(bytes) {
                Ok(response) => response,
                Err(e) => break End::Head(e),
            };
            match connect.check_with(sha1, &response) {
                Ok(Some(opened)) => {
                    if D::compression(outbox.keys()).is_some() {
                        let agreed = opened.compression();
                        inbox.agree(agreed).map_err(Error::Inbox)?;
                        core.agree(agreed);
                        D::agree(outbox.keys(), agreed.as_ref());
                    }
                    self.opened();
                    self.stage = Stage::Open(n);
                    return Ok(Look::Found(n));
                }
                // Only to keep us waiting (1xx).
                Ok(None) => {
                    inbox.consume(n);
                    *stage = Stage::Asked(nonce, scanner);
                }
                Err(e) => {
                    *stage = Stage::Refused(n);
                    break End::Handshake(e);
                }
            }
        };
        core.fail(end);
        self.reply.left().map(Look::of)
    }

    /// The server's answer after [`connect`](Self::connect), also if it refuses, until the next call that receives. `None` if there is none.
    pub fn answer(&mut self) -> Option<ResponseHead<'_>> {
        let (Stage::Refused(n) | Stage::Open(n)) = self.stage else { return None };
        ResponseHead::parse(self.inbox.bytes().get_mut(..n)?).ok()
    }
}
