//! An outbox that owns a deflater.

use super::{Agreed, Compression, Deflater, MaskSource, Outbox};

/// The masking keys `K` of an [`Outbox`], and a [`Deflater`] that compresses the messages written into it. [`Outbox::with_deflater`] makes one.
#[derive(Clone, Debug)]
pub struct WithDeflater<K, M> {
    keys: K,
    /// Without it all messages go out plain.
    deflater: Option<Deflater<M>>,
    is_agreed: bool,
    /// The message that is written must go out plain.
    is_plain: bool,
    compression: Option<Compression>,
    offered: Option<Compression>,
}

impl<K, M: AsMut<[u8]>> WithDeflater<K, M> {
    /// The source of masking keys.
    pub const fn keys(&mut self) -> &mut K {
        &mut self.keys
    }

    /// Tells what both ends agreed on in the handshake, at the start of each connection. Until then, and with `None`, all messages go out plain. See
    /// [`Outbox::with_deflater`].
    pub fn agree(&mut self, agreed: Option<&Agreed>) {
        self.begin_with(agreed.map(|agreed| (agreed.send_window_bits(), agreed.has_send_takeover())));
    }

    fn begin_with(&mut self, window: Option<(u8, bool)>) {
        self.is_agreed = false;
        if let (Some((bits, has_takeover)), Some(deflater)) = (window, &mut self.deflater) {
            deflater.begin(bits, has_takeover);
            self.is_agreed = true;
        }
    }

    /// Later messages do not refer to earlier ones.
    #[cfg(feature = "drive")]
    pub(crate) const fn forget(&mut self) {
        if let Some(deflater) = &mut self.deflater {
            deflater.forget();
        }
    }

    /// Whether a message of `len` bytes will be compressed, if that makes it shorter.
    #[cfg(feature = "drive")]
    pub(crate) const fn would_deflate(&self, len: usize) -> bool {
        match &self.deflater {
            Some(deflater) => self.is_agreed && len >= deflater.threshold(),
            None => false,
        }
    }
}

impl<R, K: MaskSource<R>, M: AsMut<[u8]>> MaskSource<R> for WithDeflater<K, M> {
    const IS_DEFLATED: bool = true;

    fn next_key(&mut self) -> [u8; 4] {
        self.keys.next_key()
    }

    fn deflate(&mut self, payload: &[u8], room: &mut [u8]) -> Option<usize> {
        self.deflater.as_mut().filter(|_| self.is_agreed && !self.is_plain)?.message(payload, room)
    }

    fn allow(&mut self, may_compress: bool) {
        self.is_plain = !may_compress;
    }

    fn compression(&self) -> Option<Compression> {
        self.compression
    }

    fn begin(&mut self, offered: Option<Compression>) {
        self.offered = offered;
        self.is_agreed = false;
    }

    fn offered(&self) -> Option<Compression> {
        self.offered
    }

    fn settle(&mut self, window: Option<(u8, bool)>) {
        if !self.is_agreed {
            self.begin_with(window);
        }
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
    ///
    /// `None` instead of a deflater is for a program that may compress or not: everything goes out plain.
    pub fn with_deflater<M: AsMut<[u8]>>(
        self,
        deflater: impl Into<Option<Deflater<M>>>,
    ) -> Outbox<S, WithDeflater<K, M>> {
        let deflater = deflater.into();
        self.map_keys(|keys| WithDeflater {
            keys,
            deflater,
            is_agreed: false,
            is_plain: false,
            compression: None,
            offered: None,
        })
    }
}

impl<S: AsMut<[u8]>, K, M: AsMut<[u8]>> Outbox<S, WithDeflater<K, M>> {
    /// For a client of [`endpoint::client`](crate::endpoint::client): what it offers in the handshakes of its WebSockets, if its inbox can unpack
    /// ([`Inflating`](super::Inflating), or [`MayInflate`](super::MayInflate) with an inflater). What the server chooses is told to both memories.
    ///
    /// ```
    /// use sansocket::{
    ///     deflate::Tier,
    ///     endpoint::client::{Config, Line, Link, Task, WebSocketLink},
    ///     engineio::{Client, SendError, Sink, client::Source},
    ///     time::Instant,
    ///     ws::{Compression, Deflater, Inbox, Inflating, Outbox},
    /// };
    ///
    /// # struct Nothing;
    /// # impl Source for Nothing {
    /// #     fn forward<O: Sink<Client>>(&mut self, _: &mut O) -> Result<bool, SendError> { Ok(false) }
    /// # }
    /// let deflater = Deflater::new(Tier::SMALL, vec![0; Tier::SMALL.bytes()])?;
    /// let keys = || [1, 2, 3, 4]; // from a secure generator
    /// let mut outbox = Outbox::with_keys(vec![0; 1024], keys).with_deflater(deflater).offering(Compression::new());
    /// let mut inbox = Inbox::new(Inflating::new(vec![0; 1024], vec![0; 5120], None)?); // a window of 4 KiB
    ///
    /// let config = Config::parse("ws://example.org")?;
    /// let mut link = WebSocketLink::new(&config);
    /// let now = Instant::from_millis(0);
    /// link.start(now);
    /// assert_eq!(link.poll_task(), Some(Task::Open(Line::WebSocket)));
    /// link.opened(Line::WebSocket, &mut inbox, &mut outbox, [7; 16]); // from a secure generator
    /// link.transmit(Line::WebSocket, &mut outbox, &mut Nothing, now, &mut |_| {})?;
    /// let request = String::from_utf8_lossy(outbox.written());
    /// assert!(request.contains("permessage-deflate; server_max_window_bits=12; client_max_window_bits\r\n"));
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[must_use]
    pub const fn offering(mut self, compression: Compression) -> Self {
        self.keys().compression = Some(compression);
        self
    }
}
