use super::{Halved, Lock, Receiver, Sender, Shared, receiver::Ear};
use crate::{
    drive::{Reply, Side, Timer, Transport, WebSocket, handshake::Stage},
    ws::{Inbox, Storage},
};
use core::fmt;

/// The receiving half of a connection without its lock. See [`WebSocket::split`].
pub struct Half<R, C, S> {
    pub(super) reader: R,
    pub(super) timer: C,
    pub(super) inbox: Inbox<S>,
}

impl<R, C, S> fmt::Debug for Half<R, C, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Half").finish_non_exhaustive()
    }
}

impl<T: Transport, C: Timer, D: Side, S: Storage, B: AsMut<[u8]>> WebSocket<T, C, D, S, B> {
    /// Splits the connection after the handshake, to receive and to send from two tasks. `split` splits the transport. Put the [`Shared`] state into a lock,
    /// and pass that to [`Half::join`].
    ///
    /// ```
    /// # use sansocket::{drive::{WebSocket, tokio::{Clock, Stream}}, ws::Incoming};
    /// use std::sync::{Arc, Mutex};
    /// # type Error = Box<dyn core::error::Error + Send + Sync>;
    ///
    /// async fn serve(socket: tokio::net::TcpStream) -> Result<(), Error> {
    ///     socket.set_nodelay(true)?;
    ///     let mut ws = WebSocket::server(Stream::new(socket), Clock::new(), vec![0; 4096], vec![0; 4096]);
    ///     ws.accept().await?;
    ///     let (half, shared) = ws.split(|stream| stream.split(|socket| socket.into_split()));
    ///     let (mut receiver, mut sender) = half.join(Arc::new(Mutex::new(shared)));
    ///     let mut news = sender.clone();
    ///     tokio::spawn(async move { while news.send_text("news").await.is_ok() {} });
    ///     while let Some(incoming) = receiver.next().await? {
    ///         if let Incoming::Message(message) = incoming {
    ///             sender.send(message.kind(), message.as_bytes()).await?;
    ///         }
    ///     }
    ///     Ok(())
    /// }
    /// ```
    ///
    /// Their types, for a struct of yours:
    ///
    /// ```
    /// use sansocket::drive::{AsServer, Receiver, Sender, Shared, tokio::{Clock, Stream}};
    /// use std::sync::{Arc, Mutex};
    /// use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
    ///
    /// type Lock = Arc<Mutex<Shared<Stream<OwnedWriteHalf>, AsServer, Vec<u8>>>>;
    /// struct Session {
    ///     receiver: Receiver<Stream<OwnedReadHalf>, Clock, Vec<u8>, Lock>,
    ///     sender: Sender<Clock, Lock>,
    /// }
    /// ```
    ///
    /// In one task, and without an allocator:
    ///
    /// ```
    /// # use sansocket::drive::{AsServer, Receive, Timer, Transmit, WebSocket};
    /// # async fn serve<R: Receive, W: Transmit<Error = R::Error>, C: Timer + Clone>(
    /// #     ws: WebSocket<(R, W), C, AsServer, &mut [u8], &mut [u8]>
    /// # ) where (R, W): sansocket::drive::Transport {
    /// use core::cell::RefCell;
    ///
    /// let (half, shared) = ws.split(|(reader, writer)| (reader, writer));
    /// let shared = RefCell::new(shared);
    /// let (mut receiver, sender) = half.join(&shared);
    /// # let _ = (receiver.inbox().held(), sender);
    /// // Two futures of one task: embassy_futures::join(receive(receiver), send(sender)).await
    /// # }
    /// ```
    ///
    /// If the handshake was not done, each call of the halves returns [`Error::Order`](crate::drive::Error::Order).
    pub fn split<R, W>(self, split: impl FnOnce(T) -> (R, W)) -> (Half<R, C, S>, Shared<W, D, B>) {
        let Self { mut inbox, reply: Reply { transport, timer, core, outbox }, stage } = self;
        if let Stage::Open(head) = stage {
            inbox.consume(head);
        }
        let (reader, writer) = split(transport);
        let shared = Shared::new(core, writer, outbox);
        (Half { reader, timer, inbox }, shared)
    }
}

impl<R, C: Clone, S> Half<R, C, S> {
    /// The two halves, which reach the shared state through `lock`: `Arc<Mutex<Shared>>` if they go to different threads, `&RefCell<Shared>` or
    /// `Rc<RefCell<Shared>>` in one thread, or a [`Lock`] of your own.
    pub fn join<L>(self, lock: L) -> (Receiver<R, C, S, L>, Sender<C, L>)
    where
        L: Lock + Clone,
        L::Value: Halved,
    {
        lock.with(Halved::come);
        let sender = Sender { lock: lock.clone(), timer: self.timer.clone() };
        (Receiver { half: self, ear: Ear(lock) }, sender)
    }
}

impl<R, C, S: Storage> Half<R, C, S> {
    /// The reverse of [`WebSocket::split`], for example to [`renew`](WebSocket::renew) the connection with the same memory. The senders must be gone, so that
    /// you have the shared state.
    ///
    /// ```
    /// # use sansocket::drive::{AsServer, Half, Shared, Timer, Transport, WebSocket};
    /// # use std::sync::{Arc, Mutex};
    /// # fn f<R, W, C: Timer + Clone, T: Transport>(
    /// #     half: Half<R, C, Vec<u8>>, shared: Shared<W, AsServer, Vec<u8>>, join: impl FnOnce(R, W) -> T
    /// # ) -> Option<WebSocket<T, C, AsServer, Vec<u8>, Vec<u8>>> {
    /// let lock = Arc::new(Mutex::new(shared));
    /// let (receiver, sender) = half.join(lock.clone());
    /// // ..
    /// drop(sender);
    /// let half = receiver.into_half();
    /// let shared = Arc::into_inner(lock)?.into_inner().ok()?;
    /// let ws = half.unite(shared, join)?;
    /// # Some(ws) }
    /// ```
    ///
    /// `None`: the future of a call that was writing was forgotten (`mem::forget`), and the transport with it.
    pub fn unite<T, W, D: Side, B>(
        self,
        shared: Shared<W, D, B>,
        join: impl FnOnce(R, W) -> T,
    ) -> Option<WebSocket<T, C, D, S, B>> {
        let Self { reader, timer, inbox } = self;
        let Shared { state, output } = shared;
        let output = output?;
        let stage = if state.core.is_open { Stage::Open(0) } else { Stage::New };
        let reply = Reply { transport: join(reader, output.writer), timer, core: state.core, outbox: output.outbox };
        Some(WebSocket { inbox, reply, stage })
    }
}

impl<R, C, S, L> Receiver<R, C, S, L>
where
    L: Lock,
    L::Value: Halved,
{
    /// The half without its lock, for [`Half::unite`]. For the senders it is as if the receiver was dropped.
    pub fn into_half(self) -> Half<R, C, S> {
        self.half
    }
}
