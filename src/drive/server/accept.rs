//! The HTTP request that opens a connection.

use super::{Server, ServerIo};
use crate::{
    drive::{
        Error, Failed, Packing, Sha1, Side, Timer, Transport,
        handshake::{Verdict, look_for_request},
        websocket::Look,
    },
    endpoint::{Answer, Ask, ServerEnd, ServerLink, Todo, judge},
    engineio::{
        Sid, Transport as Carrier,
        server::{Cors, Origins, Refusal},
    },
    http::{Request, Status},
    socketio::{AckSlot, server::Session},
    ws::Accept,
};

impl<'m, T: Transport, C: Timer, F: FnMut(&mut [u8]), P: Packing> Server<'m, T, C, F, P> {
    /// Receives the client's request, and opens its session. The request is lent until the next call; its head must fit into the receive memory.
    ///
    /// If the future is dropped, call it again: it goes on where it was.
    ///
    /// # Errors
    /// The client was answered, and the connection is over: [`renew`](Self::renew) it. [`Error::Refused`]: the path is another one (404), or the request opens
    /// no session over a WebSocket; it is answered with the words of the JavaScript server, polling with the code 0, `Transport unknown`.
    /// [`Error::Request`], [`Error::Head`]: the request is no valid handshake. The others as in
    /// [`WebSocket::accept`](crate::drive::WebSocket::accept).
    #[cfg(feature = "sha1")]
    pub async fn accept(&mut self) -> Result<Request<'_>, Error<Failed<T>>> {
        self.accept_with(crate::drive::sha1, |_| Ok(())).await
    }

    /// As [`accept`](Self::accept), with your SHA-1, and if `allow` agrees. It sees the request: check `Origin` there, or any site can connect, and
    /// credentials.
    ///
    /// ```
    /// use sansocket::{drive::{Error, Failed, Server, Timer, Transport, sha1}, engineio::server::Refusal};
    ///
    /// async fn only_from_our_page<T: Transport, C: Timer, F: FnMut(&mut [u8])>(
    ///     server: &mut Server<'_, T, C, F>,
    /// ) -> Result<(), Error<Failed<T>>> {
    ///     let is_ours = |origin: Option<&[u8]>| origin == Some(b"http://board.local");
    ///     server.accept_with(sha1, |request| match request.fields().get("origin") {
    ///         origin if is_ours(origin) => Ok(()),
    ///         _ => Err(Refusal::Forbidden),
    ///     }).await?;
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    /// As [`accept`](Self::accept). [`Error::Refused`] if `allow` has refused.
    pub async fn accept_with(
        &mut self,
        sha1: Sha1,
        mut allow: impl FnMut(&Request<'_>) -> Result<(), Refusal>,
    ) -> Result<Request<'_>, Error<Failed<T>>> {
        let n = loop {
            let Self { inbox, stage, path, io: ServerIo { reply, .. }, .. } = self;
            match look_for_request((inbox, reply, stage), sha1, &[], |request| check(request, path, &mut allow))? {
                Look::Write => reply.write().await?,
                Look::Read => reply.read(inbox).await?,
                Look::Found(n) => break n,
            }
        };
        self.open();
        Request::parse(self.inbox.bytes().get(..n).unwrap_or_default()).map_err(Error::Head)
    }

    /// A new session for the client that was accepted.
    fn open(&mut self) {
        let now = self.io.now();
        let sid = Sid::from_random(self.io.random.bytes());
        let mut link = ServerLink::open(Carrier::WebSocket, sid, self.config, self.limits, now);
        if P::Server::compression(self.io.reply.outbox.keys()).is_some() {
            link = link.with_compression_of(&self.io.reply.core.ws);
        }
        let mut session = self.take_session();
        session.reopen(now.after_millis(ServerEnd::<&[&str]>::CONNECT_MS));
        self.io.end = ServerEnd::with_session(link, session);
    }

    /// The session, with another one in its place that has no memory.
    pub(super) fn take_session(&mut self) -> Session<&'m [&'m str], &'m mut [AckSlot]> {
        let now = self.io.now();
        core::mem::replace(self.io.end.io(), Session::new(&[], &mut [], now))
    }
}

fn check<'h>(
    request: &Request<'h>,
    path: &str,
    allow: &mut impl FnMut(&Request<'_>) -> Result<(), Refusal>,
) -> Result<Accept<'h>, Verdict> {
    let bare = |path: &[u8]| -> usize { path.strip_suffix(b"/").unwrap_or(path).len() };
    let asked = request.path();
    if asked.get(..bare(asked)) != path.as_bytes().get(..bare(path.as_bytes())) {
        return Err(Verdict::Status(Status(404)));
    }
    let answer = match judge(&Ask::of(request), &Cors::new(Origins::Own), |_| None) {
        Todo::Open(Carrier::WebSocket) => match allow(request) {
            Ok(()) => return Accept::check(request).map_err(Verdict::Handshake),
            Err(refusal) => Answer::refuse(refusal, None, true),
        },
        Todo::Answer(answer) => answer,
        // Polling. There is no session to which another request could belong.
        _ => Answer::refuse(Refusal::UnknownTransport, None, false),
    };
    Err(Verdict::Session(answer))
}
