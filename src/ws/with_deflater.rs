//! An outbox that owns a deflater.

use super::{Agreed, Deflater, MaskSource, Outbox};

/// The masking keys `K` of an [`Outbox`], and a [`Deflater`] that compresses the messages written into it. [`Outbox::with_deflater`] makes one.
#[derive(Clone, Debug)]
pub struct WithDeflater<K, M> {
    keys: K,
    deflater: Deflater<M>,
    is_agreed: bool,
}

impl<K, M: AsMut<[u8]>> WithDeflater<K, M> {
    /// The source of masking keys.
    pub const fn keys(&mut self) -> &mut K {
        &mut self.keys
    }

    /// Tells what both ends agreed on in the handshake, at the start of each connection. Until then, and with `None`, all messages go out plain. See
    /// [`Outbox::with_deflater`].
    pub fn agree(&mut self, agreed: Option<&Agreed>) {
        self.is_agreed = agreed.is_some();
        if let Some(agreed) = agreed {
            self.deflater.agree(agreed);
        }
    }

    /// Whether a message of `len` bytes will be compressed, if that makes it shorter.
    #[cfg(feature = "drive")]
    pub(crate) const fn would_deflate(&self, len: usize) -> bool {
        self.is_agreed && len >= self.deflater.threshold()
    }
}

impl<R, K: MaskSource<R>, M: AsMut<[u8]>> MaskSource<R> for WithDeflater<K, M> {
    const IS_DEFLATED: bool = true;

    fn next_key(&mut self) -> [u8; 4] {
        self.keys.next_key()
    }

    fn deflate(&mut self, payload: &[u8], room: &mut [u8]) -> Option<usize> {
        if self.is_agreed { self.deflater.message(payload, room) } else { None }
    }
}

impl<S: AsMut<[u8]>, K> Outbox<S, K> {
    /// An outbox with the same memory and keys, whose messages `deflater` compresses once both ends have agreed on it. Whoever writes into it need not
    /// know. What was to be written stays. What stays plain: see [`Deflater`].
    ///
    /// ```
    /// use sansocket::{deflate::Tier, ws::{Compression, Connection, Deflater, Limits, Outbox}};
    ///
    /// let deflater = Deflater::new(Tier::TINY, vec![0; Tier::TINY.bytes()])?.with_threshold(64);
    /// let mut tx = Outbox::new(vec![0; 512]).with_deflater(deflater);
    ///
    /// // The handshake of a server.
    /// let offer: [(&[u8], &[u8]); 1] = [(b"sec-websocket-extensions", b"permessage-deflate; server_max_window_bits=8")];
    /// let agreed = Compression::new().accept(offer);
    /// tx.keys().agree(agreed.as_ref());
    ///
    /// let mut ws = Connection::server(Limits::new()).with_compression(agreed);
    /// ws.send_text(&"la ".repeat(100), &mut ws.out(&mut tx))?;
    /// assert!(tx.held() < 20);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn with_deflater<M: AsMut<[u8]>>(self, deflater: Deflater<M>) -> Outbox<S, WithDeflater<K, M>> {
        self.map_keys(|keys| WithDeflater { keys, deflater, is_agreed: false })
    }
}
