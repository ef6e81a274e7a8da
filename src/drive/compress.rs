//! Drivers whose messages are compressed.

use super::{ClientSide, Reply, Side, Timer, Transport, WebSocket, side::sealed::Sealed};
use crate::{
    bytes::Capacity,
    ws::{Agreed, Compression, Deflater, Inbox, Inflating, MaskSource, WithDeflater},
};
use core::marker::PhantomData;

/// A side that compresses what it sends, if the handshake agrees on it. `M` is the memory of its deflater. See [`WebSocket::with_compression`].
#[derive(Clone, Copy, Debug)]
pub struct Compressed<D, M>(PhantomData<(D, M)>);

impl<D, M> Sealed for Compressed<D, M> {}

impl<D: Side, M: AsMut<[u8]>> Side for Compressed<D, M> {
    type Role = D::Role;
    type Keys = WithDeflater<D::Keys, M>;

    fn compression(keys: &Self::Keys) -> Option<Compression> {
        MaskSource::<D::Role>::compression(keys)
    }

    fn agree(keys: &mut Self::Keys, agreed: Option<&Agreed>) {
        keys.agree(agreed);
    }

    fn would_deflate(keys: &Self::Keys, len: usize) -> bool {
        keys.would_deflate(len)
    }

    fn forget(keys: &mut Self::Keys) {
        keys.forget();
    }
}

impl<D: ClientSide, M: AsMut<[u8]>> ClientSide for Compressed<D, M> {
    fn nonce(keys: &mut Self::Keys) -> [u8; 16] {
        D::nonce(keys.keys())
    }
}

impl<T: Transport, C: Timer, D: Side, S: AsMut<[u8]>, W: AsMut<[u8]>, B: AsMut<[u8]>, M: AsMut<[u8]>>
    WebSocket<T, C, Compressed<D, M>, Inflating<S, W>, B>
{
    /// As [`opened`](Self::opened), for a handshake that was done elsewhere and has agreed on compression, or not. See
    /// [`with_compression`](Self::with_compression).
    ///
    /// # Errors
    /// [`Capacity`] if the memory to unpack in is too small for the window that was agreed on. Nothing was changed.
    pub fn opened_with(&mut self, agreed: Option<Agreed>) -> Result<(), Capacity> {
        self.inbox.agree(agreed)?;
        self.reply.core.agree(agreed);
        <Compressed<D, M> as Side>::agree(self.reply.outbox.keys(), agreed.as_ref());
        self.opened();
        Ok(())
    }
}

impl<T, C, D: Side, S: AsMut<[u8]>, B: AsMut<[u8]>> WebSocket<T, C, D, S, B> {
    /// Offers compression (permessage-deflate, RFC 7692) in the handshake, or accepts it. Call it once, before the handshake.
    ///
    /// `memory` is where messages are unpacked: the window and behind it the message; [`Inflating`] has the sizes. If it is too small for the window that
    /// `compression` allows, a smaller window is asked for. A server cannot ask each client: if it never calls [`next_part`](Self::next_part), see
    /// [`Compression::receive_whole`]. `deflater` compresses what is sent, but for parts ([`feed_part`](Reply::feed_part)) and short messages.
    ///
    /// ```
    /// use sansocket::{
    ///     deflate::Tier,
    ///     drive::{AsClient, Compressed, Error, Failed, Timer, Transport, WebSocket},
    ///     http::Url,
    ///     ws::{Compression, Deflater, Inflating},
    /// };
    ///
    /// type Client<T, C, F> = WebSocket<T, C, Compressed<AsClient<F>, Vec<u8>>, Inflating<Vec<u8>, Vec<u8>>, Vec<u8>>;
    ///
    /// async fn join<T: Transport, C: Timer, F: FnMut(&mut [u8])>(
    ///     stream: T,
    ///     clock: C,
    ///     random: F,
    ///     url: &Url<'_>,
    /// ) -> Result<Client<T, C, F>, Error<Failed<T>>> {
    ///     let tier = Tier::MEDIUM;
    ///     let deflater = Deflater::new(tier, vec![0; tier.bytes()]).map_err(Error::Outbox)?;
    ///     let mut ws = WebSocket::client(stream, clock, random, vec![0; 1024], vec![0; 4096]).with_compression(
    ///         Compression::new(),
    ///         vec![0; 64 * 1024],
    ///         deflater,
    ///     );
    ///     ws.connect(url).await?;
    ///     Ok(ws)
    /// }
    /// ```
    pub fn with_compression<W: AsMut<[u8]>, M: AsMut<[u8]>>(
        self,
        compression: Compression,
        memory: W,
        deflater: Deflater<M>,
    ) -> WebSocket<T, C, Compressed<D, M>, Inflating<S, W>, B> {
        let Self { inbox, reply: Reply { transport, timer, core, outbox }, stage } = self;
        let outbox = outbox.with_deflater(deflater).offering(compression);
        let inbox = Inbox::new(Inflating::idle(inbox.into_storage(), memory));
        WebSocket { inbox, reply: Reply { transport, timer, core, outbox }, stage }
    }
}
