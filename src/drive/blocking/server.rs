use super::wait;
use crate::{
    drive::{self, Deadlines, Error, Failed, Packed, Packing, Plain, ServerMemory, Sha1, Timer, Transport},
    endpoint::Step,
    engineio::server::{Config, Refusal},
    http::Request,
    json::Value,
    socketio::{self, AckRequest, Content, ExpectAck, Namespace, Reason},
    time::Instant,
    ws::{Compression, Deflater, Limits},
};
use core::fmt;

/// A Socket.IO server for one client, over a transport that blocks: [`drive::Server`](crate::drive::Server), whose calls are explained there.
///
#[cfg_attr(feature = "std", doc = "```")]
#[cfg_attr(not(feature = "std"), doc = "```ignore")]
/// use sansocket::{
///     drive::{ServerMemory, blocking::{Clock, Server, Stream}},
///     endpoint::Step,
///     socketio::{AckSlot, server::Event},
/// };
/// # use std::{error::Error, io::{Read, Write}, net::{TcpListener, TcpStream}, thread};
///
/// fn serve(socket: TcpStream) -> Result<(), Box<dyn Error + Send + Sync>> {
///     let (mut rx, mut tx, mut acks) = ([0; 1024], [0; 1024], [AckSlot::EMPTY; 2]);
///     let memory = ServerMemory { rx: &mut rx, tx: &mut tx, files: &mut [], acks: &mut acks };
///     let random = |bytes: &mut [u8]| getrandom::fill(bytes).expect("the system has randomness");
///     let mut server = Server::new(Stream::tcp(socket)?, Clock::new(), random, &["/"], memory);
///     server.accept()?;
///     while let Some((step, mut io)) = server.next()? {
///         match step {
///             Step::Event(Event::Connect { namespace, .. }, _) => io.accept(namespace)?,
///             Step::Event(Event::UnknownNamespace { name }, _) => io.refuse_unknown(name)?,
///             Step::Event(Event::Event(e), _) => if let Some(request) = e.ack {
///                 io.ack(request, &e.args())?;
///             },
///             _ => {}
///         }
///     }
///     Ok(())
/// }
/// # let listener = TcpListener::bind("127.0.0.1:0")?;
/// # let mut client = TcpStream::connect(listener.local_addr()?)?;
/// # let server = thread::spawn(move || serve(listener.accept()?.0));
/// # client.write_all(b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n")?;
/// # client.write_all(b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n")?;
/// # client.write_all(b"\x81\x82\0\0\0\x0040\x81\x90\0\0\0\x00427[\"led\",[1,2]]\x88\x80\0\0\0\0")?;
/// # let mut all = Vec::new();
/// # client.read_to_end(&mut all)?;
/// # server.join().map_err(|_| "the server")??;
/// # assert!(String::from_utf8_lossy(&all).contains("437[[1,2]]"));
/// # Ok::<(), Box<dyn Error + Send + Sync>>(())
/// ```
pub struct Server<'m, T, C, F, P: Packing = Plain>(drive::Server<'m, T, C, F, P>);

impl<T, C, F, P: Packing> fmt::Debug for Server<'_, T, C, F, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What [`Server::next`] returns.
type Next<'s, 'm, T, C, F, P> = Result<Option<(Step<'s>, ServerIo<'s, 'm, T, C, F, P>)>, Error<Failed<T>>>;

impl<'m, T: Transport, C: Timer, F: FnMut(&mut [u8])> Server<'m, T, C, F> {
    /// As [`drive::Server::new`](crate::drive::Server::new).
    pub fn new(transport: T, timer: C, random: F, names: &'m [&'m str], memory: ServerMemory<'m>) -> Self {
        Self(drive::Server::new(transport, timer, random, names, memory))
    }

    /// As [`drive::Server::with_compression`](crate::drive::Server::with_compression).
    #[must_use]
    pub fn with_compression(
        self,
        compression: Compression,
        memory: &'m mut [u8],
        deflater: Deflater<&'m mut [u8]>,
    ) -> Server<'m, T, C, F, Packed> {
        Server(self.0.with_compression(compression, memory, deflater))
    }
}

impl<'m, T: Transport, C: Timer, F: FnMut(&mut [u8]), P: Packing> Server<'m, T, C, F, P> {
    /// As [`drive::Server::with_path`](crate::drive::Server::with_path).
    #[must_use]
    pub fn with_path(self, path: &'m str) -> Self {
        Self(self.0.with_path(path))
    }

    /// As [`drive::Server::with_config`](crate::drive::Server::with_config).
    #[must_use]
    pub fn with_config(self, config: Config) -> Self {
        Self(self.0.with_config(config))
    }

    /// As [`drive::Server::with_limits`](crate::drive::Server::with_limits).
    #[must_use]
    pub fn with_limits(self, limits: Limits, socketio: socketio::server::Limits) -> Self {
        Self(self.0.with_limits(limits, socketio))
    }

    /// As [`drive::Server::with_deadlines`](crate::drive::Server::with_deadlines).
    #[must_use]
    pub fn with_deadlines(self, deadlines: Deadlines) -> Self {
        Self(self.0.with_deadlines(deadlines))
    }

    /// As [`drive::Server::accept`](crate::drive::Server::accept).
    ///
    /// # Errors
    /// As there.
    #[cfg(feature = "sha1")]
    pub fn accept(&mut self) -> Result<Request<'_>, Error<Failed<T>>> {
        wait(self.0.accept())
    }

    /// As [`drive::Server::accept_with`](crate::drive::Server::accept_with).
    ///
    /// # Errors
    /// As there.
    pub fn accept_with(
        &mut self,
        sha1: Sha1,
        allow: impl FnMut(&Request<'_>) -> Result<(), Refusal>,
    ) -> Result<Request<'_>, Error<Failed<T>>> {
        wait(self.0.accept_with(sha1, allow))
    }

    /// As [`drive::Server::next`](crate::drive::Server::next).
    ///
    /// # Errors
    /// As there.
    #[expect(clippy::should_implement_trait, reason = "an iterator cannot lend")]
    pub fn next(&mut self) -> Next<'_, 'm, T, C, F, P> {
        Ok(wait(self.0.next())?.map(|(step, io)| (step, ServerIo(io))))
    }

    /// As [`drive::Server::close`](crate::drive::Server::close).
    ///
    /// # Errors
    /// As there.
    pub fn close(&mut self, reason: Reason) -> Result<(), Error<Failed<T>>> {
        wait(self.0.close(reason))
    }

    /// As [`drive::Server::renew`](crate::drive::Server::renew).
    pub fn renew(&mut self, transport: T) -> T {
        self.0.renew(transport)
    }

    /// As [`drive::Server::reset`](crate::drive::Server::reset).
    pub fn reset(&mut self) {
        self.0.reset();
    }

    /// The sending side, for an event that does not come from the client.
    pub const fn io(&mut self) -> ServerIo<'_, 'm, T, C, F, P> {
        ServerIo(self.0.io())
    }

    /// The driver itself, for the calls that do not wait and have no twin here. Its futures are run by [`wait`].
    pub const fn driver(&mut self) -> &mut drive::Server<'m, T, C, F, P> {
        &mut self.0
    }
}

/// The sending side of a blocking [`Server`]: [`drive::ServerIo`](crate::drive::ServerIo), whose calls and errors are explained there.
///
/// ```
/// use sansocket::{drive::{Error, Failed, Timer, Transport, blocking::ServerIo}, socketio::{ExpectAck, Namespace, Reason}};
///
/// const ROOT: Namespace = Namespace(0);
///
/// fn ask<T: Transport, C: Timer, F: FnMut(&mut [u8])>(mut io: ServerIo<'_, '_, T, C, F>) -> Result<(), Error<Failed<T>>> {
///     if !io.driver().session().is_connected(ROOT) {
///         return io.refuse(ROOT, "not today", None);
///     }
///     let expect = ExpectAck { token: 7, deadline: Some(io.now().after_millis(5000)) };
///     io.emit(ROOT, "and you?", &(), Some(expect))?;
///     io.flush()?;
///     io.disconnect(ROOT)?;
///     io.close(Reason::ForcedServerClose);
///     Ok(())
/// }
/// ```
pub struct ServerIo<'s, 'm, T, C, F, P: Packing = Plain>(&'s mut drive::ServerIo<'m, T, C, F, P>);

impl<T, C, F, P: Packing> fmt::Debug for ServerIo<'_, '_, T, C, F, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<'m, T: Transport, C: Timer, F: FnMut(&mut [u8]), P: Packing> ServerIo<'_, 'm, T, C, F, P> {
    /// As [`drive::ServerIo::accept`](crate::drive::ServerIo::accept).
    ///
    /// # Errors
    /// As there.
    pub fn accept(&mut self, namespace: Namespace) -> Result<(), Error<Failed<T>>> {
        wait(self.0.accept(namespace))
    }

    /// As [`drive::ServerIo::refuse`](crate::drive::ServerIo::refuse).
    ///
    /// # Errors
    /// As there.
    pub fn refuse(
        &mut self,
        namespace: Namespace,
        message: &str,
        data: Option<Value<'_>>,
    ) -> Result<(), Error<Failed<T>>> {
        wait(self.0.refuse(namespace, message, data))
    }

    /// As [`drive::ServerIo::refuse_unknown`](crate::drive::ServerIo::refuse_unknown).
    ///
    /// # Errors
    /// As there.
    pub fn refuse_unknown(&mut self, name: &[u8]) -> Result<(), Error<Failed<T>>> {
        wait(self.0.refuse_unknown(name))
    }

    /// As [`drive::ServerIo::emit`](crate::drive::ServerIo::emit).
    ///
    /// # Errors
    /// As there.
    pub fn emit(
        &mut self,
        namespace: Namespace,
        name: &str,
        content: &impl Content,
        expect: Option<ExpectAck>,
    ) -> Result<(), Error<Failed<T>>> {
        wait(self.0.emit(namespace, name, content, expect))
    }

    /// As [`drive::ServerIo::ack`](crate::drive::ServerIo::ack).
    ///
    /// # Errors
    /// As there.
    pub fn ack(&mut self, request: AckRequest, content: &impl Content) -> Result<(), Error<Failed<T>>> {
        wait(self.0.ack(request, content))
    }

    /// As [`drive::ServerIo::disconnect`](crate::drive::ServerIo::disconnect).
    ///
    /// # Errors
    /// As there.
    pub fn disconnect(&mut self, namespace: Namespace) -> Result<(), Error<Failed<T>>> {
        wait(self.0.disconnect(namespace))
    }

    /// As [`drive::ServerIo::flush`](crate::drive::ServerIo::flush).
    ///
    /// # Errors
    /// As there.
    pub fn flush(&mut self) -> Result<(), Error<Failed<T>>> {
        wait(self.0.flush())
    }

    /// As [`drive::ServerIo::close`](crate::drive::ServerIo::close): it does not wait.
    pub fn close(&mut self, reason: Reason) {
        self.0.close(reason);
    }

    /// The time of the clock, for deadlines.
    pub fn now(&mut self) -> Instant {
        self.0.now()
    }

    /// As [`drive::ServerIo::transport`](crate::drive::ServerIo::transport).
    pub const fn transport(&mut self) -> &mut T {
        self.0.transport()
    }

    /// The driver itself, for its other calls. Its futures are run by [`wait`].
    pub const fn driver(&mut self) -> &mut drive::ServerIo<'m, T, C, F, P> {
        self.0
    }
}
