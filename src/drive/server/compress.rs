use super::{Server, ServerIo};
use crate::{
    drive::{Packed, Reply, Timer, Transport},
    ws::{Compression, Deflater, Inbox, Inflating},
};

impl<'m, T: Transport, C: Timer, F: FnMut(&mut [u8])> Server<'m, T, C, F> {
    /// Accepts compression (permessage-deflate, RFC 7692) if a client offers it. Call it before [`accept`](Self::accept).
    ///
    /// `memory` is where messages are unpacked: the window and behind it the message; [`Inflating`] has the sizes. If it is too small for the window that
    /// `compression` allows, a smaller window is asked for. A client that cannot be told a window, such as Firefox, is asked to compress each
    /// message by itself ([`Compression::receive_whole`]). A message that does not fit there is [`Error::Memory`](crate::drive::Error::Memory);
    /// [`inbox`](Self::inbox) replaces the memory. Its limit stays that of [`with_limits`](Self::with_limits), by default what
    /// [`ServerMemory::rx`](super::ServerMemory::rx) holds.
    ///
    /// `deflater` compresses the packets that are sent, except short ones. A packet stands twice in [`ServerMemory::tx`](super::ServerMemory::tx) while it is
    /// compressed, and goes out plain if there is no room for that.
    ///
    /// ```
    /// use sansocket::{
    ///     deflate::Tier,
    ///     drive::{Error, Failed, Packed, Server, ServerMemory, Timer, Transport},
    ///     endpoint::Step,
    ///     socketio::{AckSlot, server::Event},
    ///     ws::{Compression, Deflater},
    /// };
    ///
    /// /// A board: 2 KiB to compress with, 1 KiB to unpack in. Each message stands for itself.
    /// async fn serve<T: Transport, C: Timer, F: FnMut(&mut [u8])>(stream: T, clock: C, random: F) -> Result<(), Error<Failed<T>>> {
    ///     let (mut rx, mut tx, mut acks) = ([0; 1024], [0; 2048], [AckSlot::EMPTY; 2]);
    ///     let memory = ServerMemory { rx: &mut rx, tx: &mut tx, files: &mut [], acks: &mut acks };
    ///     let (mut unpacked, mut tables) = ([0; 1024], [0; Tier::TINY.bytes()]);
    ///     let deflater = Deflater::new(Tier::TINY, &mut tables[..]).map_err(Error::Outbox)?.with_threshold(128);
    ///     let compression = Compression::new().without_receive_takeover().without_send_takeover();
    ///     let mut server: Server<'_, T, C, F, Packed> =
    ///         Server::new(stream, clock, random, &["/"], memory).with_compression(compression, &mut unpacked, deflater);
    ///     server.accept().await?;
    ///     while let Some((step, io)) = server.next().await? {
    ///         if let Step::Event(Event::Connect { namespace, .. }, _) = step {
    ///             io.accept(namespace).await?;
    ///             io.emit(namespace, "log", &"all is well. ".repeat(20).as_str(), None).await?;
    ///         }
    ///     }
    ///     Ok(())
    /// }
    /// ```
    #[must_use]
    pub fn with_compression(
        self,
        compression: Compression,
        memory: &'m mut [u8],
        deflater: Deflater<&'m mut [u8]>,
    ) -> Server<'m, T, C, F, Packed> {
        let Self { inbox, files, stage, path, config, limits, io } = self;
        let ServerIo { reply, end, random, overdue, farewell, is_urgent } = io;
        let Reply { transport, timer, core, outbox } = reply;
        let outbox = outbox.with_deflater(deflater).offering(compression.receive_whole());
        let reply = Reply { transport, timer, core, outbox };
        let inbox = Inbox::new(Inflating::idle(inbox.into_storage(), memory));
        let io = ServerIo { reply, end, random, overdue, farewell, is_urgent };
        Server { inbox, files, stage, path, config, limits, io }
    }
}
