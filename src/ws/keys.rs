//! Where masking keys come from.

use super::{Client, Compression, Server};

/// The source of masking keys for the role `R`. For a client a closure or your own type, for a server [`NoKeys`].
///
/// Each key must be new and come from a strong source of randomness (RFC 6455 section 5.3). If the application that sends can predict a key, it can
/// choose the bytes on the wire. Each frame draws one key. A write that fails draws none.
///
/// ```
/// use sansocket::ws::{MaskSource, Outbox};
///
/// /// Stands for the random number generator of a chip.
/// struct Generator;
///
/// impl MaskSource for Generator {
///     fn next_key(&mut self) -> [u8; 4] {
///         [4; 4] // chosen by fair dice roll
///     }
/// }
/// let tx = Outbox::with_keys([0; 256], Generator);
/// ```
pub trait MaskSource<R = Client> {
    /// The key for the next frame.
    fn next_key(&mut self) -> [u8; 4];
    #[doc(hidden)]
    const IS_DEFLATED: bool = false;
    /// Compresses a whole message into `room`. `None`: it goes out plain.
    #[doc(hidden)]
    fn deflate(&mut self, _payload: &[u8], _room: &mut [u8]) -> Option<usize> {
        None
    }
    /// Whether the messages that follow may be compressed.
    #[doc(hidden)]
    fn allow(&mut self, _may_compress: bool) {}
    /// What a client may offer in its handshakes.
    #[doc(hidden)]
    fn compression(&self) -> Option<Compression> {
        None
    }
    /// A handshake begins, which offers this.
    #[doc(hidden)]
    fn begin(&mut self, _offered: Option<Compression>) {}
    /// What the handshake that has begun offers.
    #[doc(hidden)]
    fn offered(&self) -> Option<Compression> {
        None
    }
    /// The window bits and the takeover that the handshake has agreed on. Told again and again.
    #[doc(hidden)]
    fn settle(&mut self, _window: Option<(u8, bool)>) {}
}

impl<F: FnMut() -> [u8; 4]> MaskSource for F {
    fn next_key(&mut self) -> [u8; 4] {
        self()
    }
}

/// The [`MaskSource`] of a server, which sends its frames unmasked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NoKeys;

impl MaskSource<Server> for NoKeys {
    fn next_key(&mut self) -> [u8; 4] {
        [0; 4]
    }
}
