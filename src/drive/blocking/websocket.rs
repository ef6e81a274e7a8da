use super::{Reply, wait};
use crate::{
    drive::{
        self, AsClient, AsServer, ClientSide, Compressed, Deadlines, Error, Failed, ServerSide, Sha1, Side, Timer,
        Transport,
    },
    http::{Request, ResponseHead, Status, Url},
    ws::{
        Accept, CloseCode, Closed, Compression, Connect, Deflater, Incoming, Inflating, Kind, Leniency, Limits, Storage,
    },
};
use core::fmt;

/// A WebSocket in either role over a transport that blocks: [`drive::WebSocket`](crate::drive::WebSocket), whose calls are explained there. See the
/// [module page](super) for a server and a client.
pub struct WebSocket<T, C, D: Side, S, B>(drive::WebSocket<T, C, D, S, B>);

impl<T, C, D: Side, S, B> fmt::Debug for WebSocket<T, C, D, S, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<T: Transport, C: Timer, S: Storage, B: AsMut<[u8]>> WebSocket<T, C, AsServer, S, B> {
    /// As [`drive::WebSocket::server`](crate::drive::WebSocket::server).
    pub fn server(transport: T, timer: C, rx: S, tx: B) -> Self {
        Self(drive::WebSocket::server(transport, timer, rx, tx))
    }
}

impl<T: Transport, C: Timer, D: ServerSide, S: Storage, B: AsMut<[u8]>> WebSocket<T, C, D, S, B> {
    /// As [`drive::WebSocket::accept`](crate::drive::WebSocket::accept).
    ///
    /// # Errors
    /// As there.
    #[cfg(feature = "sha1")]
    pub fn accept(&mut self) -> Result<Request<'_>, Error<Failed<T>>> {
        wait(self.0.accept())
    }

    /// As [`drive::WebSocket::accept_with`](crate::drive::WebSocket::accept_with).
    ///
    /// # Errors
    /// As there.
    pub fn accept_with(
        &mut self,
        sha1: Sha1,
        fields: &[(&str, &[u8])],
        judge: impl for<'h> FnMut(&Request<'h>, Accept<'h>) -> Result<Accept<'h>, Status>,
    ) -> Result<Request<'_>, Error<Failed<T>>> {
        wait(self.0.accept_with(sha1, fields, judge))
    }
}

impl<T: Transport, C: Timer, F: FnMut(&mut [u8]), S: Storage, B: AsMut<[u8]>> WebSocket<T, C, AsClient<F>, S, B> {
    /// As [`drive::WebSocket::client`](crate::drive::WebSocket::client).
    pub fn client(transport: T, timer: C, random: F, rx: S, tx: B) -> Self {
        Self(drive::WebSocket::client(transport, timer, random, rx, tx))
    }
}

impl<T: Transport, C: Timer, D: ClientSide, S: Storage, B: AsMut<[u8]>> WebSocket<T, C, D, S, B> {
    /// As [`drive::WebSocket::connect`](crate::drive::WebSocket::connect).
    ///
    /// # Errors
    /// As there.
    #[cfg(feature = "sha1")]
    pub fn connect(&mut self, url: &Url<'_>) -> Result<ResponseHead<'_>, Error<Failed<T>>> {
        wait(self.0.connect(url))
    }

    /// As [`drive::WebSocket::connect_with`](crate::drive::WebSocket::connect_with).
    ///
    /// # Errors
    /// As there.
    pub fn connect_with<'r>(
        &mut self,
        sha1: Sha1,
        url: &Url<'r>,
        adjust: impl FnMut(Connect<'r>) -> Connect<'r>,
    ) -> Result<ResponseHead<'_>, Error<Failed<T>>> {
        wait(self.0.connect_with(sha1, url, adjust))
    }

    /// As [`drive::WebSocket::answer`](crate::drive::WebSocket::answer).
    pub fn answer(&mut self) -> Option<ResponseHead<'_>> {
        self.0.answer()
    }
}

/// What the two calls that receive return.
type Next<'w, T, C, D, B> = Result<Option<(Incoming<'w>, Reply<'w, T, C, D, B>)>, Error<Failed<T>>>;

impl<T: Transport, C: Timer, D: Side, S: Storage, B: AsMut<[u8]>> WebSocket<T, C, D, S, B> {
    /// As [`drive::WebSocket::with_compression`](crate::drive::WebSocket::with_compression).
    #[allow(clippy::type_complexity, reason = "the type says what was added")]
    pub fn with_compression<W: AsMut<[u8]>, M: AsMut<[u8]>>(
        self,
        compression: Compression,
        memory: W,
        deflater: Deflater<M>,
    ) -> WebSocket<T, C, Compressed<D, M>, Inflating<S, W>, B>
    where
        S: AsMut<[u8]>,
    {
        WebSocket(self.0.with_compression(compression, memory, deflater))
    }

    /// As [`drive::WebSocket::with_deadlines`](crate::drive::WebSocket::with_deadlines).
    #[must_use]
    pub fn with_deadlines(self, deadlines: Deadlines) -> Self {
        Self(self.0.with_deadlines(deadlines))
    }

    /// As [`drive::WebSocket::with_limits`](crate::drive::WebSocket::with_limits).
    #[must_use]
    pub fn with_limits(self, limits: Limits) -> Self {
        Self(self.0.with_limits(limits))
    }

    /// As [`drive::WebSocket::with_leniency`](crate::drive::WebSocket::with_leniency).
    #[must_use]
    pub fn with_leniency(self, leniency: Leniency) -> Self {
        Self(self.0.with_leniency(leniency))
    }

    /// As [`drive::WebSocket::opened`](crate::drive::WebSocket::opened).
    pub fn opened(&mut self) {
        self.0.opened();
    }

    /// As [`drive::WebSocket::next`](crate::drive::WebSocket::next).
    ///
    /// # Errors
    /// As there.
    #[expect(clippy::should_implement_trait, reason = "an iterator cannot lend")]
    pub fn next(&mut self) -> Next<'_, T, C, D, B> {
        Ok(wait(self.0.next())?.map(|(incoming, reply)| (incoming, Reply(reply))))
    }

    /// As [`drive::WebSocket::next_part`](crate::drive::WebSocket::next_part).
    ///
    /// # Errors
    /// As there.
    pub fn next_part(&mut self) -> Next<'_, T, C, D, B> {
        Ok(wait(self.0.next_part())?.map(|(incoming, reply)| (incoming, Reply(reply))))
    }

    /// As [`drive::WebSocket::send`](crate::drive::WebSocket::send).
    ///
    /// # Errors
    /// As there.
    pub fn send(&mut self, kind: Kind, payload: &[u8]) -> Result<(), Error<Failed<T>>> {
        wait(self.0.send(kind, payload))
    }

    /// As [`drive::WebSocket::send_text`](crate::drive::WebSocket::send_text).
    ///
    /// # Errors
    /// As there.
    pub fn send_text(&mut self, text: &str) -> Result<(), Error<Failed<T>>> {
        wait(self.0.send_text(text))
    }

    /// As [`drive::WebSocket::close`](crate::drive::WebSocket::close).
    ///
    /// # Errors
    /// As there.
    pub fn close(&mut self, code: CloseCode, reason: &str) -> Result<Closed, Error<Failed<T>>> {
        wait(self.0.close(code, reason))
    }

    /// As [`drive::WebSocket::renew`](crate::drive::WebSocket::renew).
    pub fn renew(&mut self, transport: T) -> T {
        self.0.renew(transport)
    }

    /// The sending side, for its other calls.
    pub const fn reply(&mut self) -> Reply<'_, T, C, D, B> {
        Reply(self.0.reply())
    }

    /// The driver itself, for the calls that do not wait and have no twin here. Its futures are run by [`wait`].
    ///
    /// ```
    /// use sansocket::drive::{Side, Timer, Transport, blocking::{WebSocket, wait}};
    ///
    /// fn twice_the_memory<T: Transport, C: Timer, D: Side>(ws: &mut WebSocket<T, C, D, Vec<u8>, Vec<u8>>) {
    ///     let inbox = ws.driver().inbox();
    ///     let _ = inbox.replace(vec![0; 2 * 4096]);
    /// }
    /// ```
    pub const fn driver(&mut self) -> &mut drive::WebSocket<T, C, D, S, B> {
        &mut self.0
    }
}
