//! Output that keeps frames until the socket has taken them.

use super::{
    MaskSource, NoKeys, Out, Output, Role, Stored,
    out::{Gate, Kept},
};
use crate::bytes::copy;

/// The send memory of one connection. Frames are written into it, and the socket takes as many bytes as it can at a time. The counterpart of an
/// [`Inbox`](super::Inbox).
///
/// ```text
/// | written to the socket | frames to be written | free tail |
///                       start                   end
/// ```
///
/// [`Connection::out`](super::Connection::out) appends frames. [`written`](Self::written) returns the bytes for the socket. Pass the number of bytes that
/// it took to [`consume`](Self::consume). Each connection needs an outbox of its own.
///
/// # Size and growth
/// An outbox never grows by itself. A write that does not fit fails with [`Capacity`](crate::Capacity) and changes nothing. `needed` is the exact size of
/// the frame. Write to the socket and repeat the call, or pass a storage of `held() + needed` bytes to [`replace`](Self::replace). An empty outbox of
/// [`OWED_MAX`](super::OWED_MAX) bytes always has room for what a connection owes.
///
/// The memory of sent bytes is used again when nothing is held, or when at least as many bytes are free as would have to move. So each byte moves at
/// most once, whatever the sizes of the writes.
///
/// # A loop
/// The outbox of a client has a source of masking keys; that of a server has [`NoKeys`]. One generic loop serves both roles:
///
/// ```
/// use sansocket::ws::{Connection, Inbox, Incoming, Limits, MaskSource, OWED_MAX, Outbox, ReceiveError, Role, SendError};
/// # /// A socket that takes 1, 2, 3, .. bytes at a time.
/// # #[derive(Default)]
/// # struct Socket { input: Vec<u8>, output: Vec<u8>, takes: usize }
/// # impl Socket {
/// #     fn read(&mut self, space: &mut [u8]) -> usize {
/// #         let n = space.len().min(self.input.len()).min(7);
/// #         space[..n].copy_from_slice(&self.input[..n]);
/// #         self.input.drain(..n).count()
/// #     }
/// #     fn write(&mut self, bytes: &[u8]) -> usize {
/// #         self.takes = self.takes % 5 + 1;
/// #         let n = bytes.len().min(self.takes);
/// #         self.output.extend_from_slice(&bytes[..n]);
/// #         n
/// #     }
/// # }
///
/// /// Sends each message back, until the connection is closed or the input ends.
/// fn echo<R: Role, K: MaskSource<R>>(
///     ws: &mut Connection<R>,
///     rx: &mut Inbox<Vec<u8>>,
///     tx: &mut Outbox<Vec<u8>, K>,
///     socket: &mut Socket,
/// ) -> Result<(), ReceiveError> {
///     let mut ended = Ok(());
///     loop {
///         // 1. Messages. While an answer waits, no new message is taken, so the peer cannot make the outbox grow.
///         while tx.is_empty() {
///             match rx.poll_message(ws) {
///                 Ok(Some(Incoming::Message(message))) => {
///                     while let Err(SendError::Capacity(e)) = ws.send(message.kind(), message.as_bytes(), &mut ws.out(tx)) {
///                         let _ = tx.replace(vec![0; tx.held() + e.needed]);
///                     }
///                 }
///                 Ok(Some(_)) => {} // a ping, a pong, a close frame: step 2 writes the answer
///                 Ok(None) => break,
///                 Err(e) => {
///                     ended = Err(e); // the peer broke the protocol: step 2 writes the close frame
///                     break;
///                 }
///             }
///         }
///         // 2. What the connection owes: pongs, the close frame. Without room it stays owed.
///         while let Ok(true) = ws.poll_transmit(&mut ws.out(tx)) {}
///         // 3. Write. The socket takes as many bytes as it can, possibly none.
///         let n = socket.write(tx.written());
///         tx.consume(n);
///         // 4. Read, unless answers wait. A real program sleeps here until the socket is ready.
///         if tx.is_empty() {
///             if ws.is_closed() {
///                 return ended;
///             }
///             match socket.read(rx.space()?) {
///                 0 => return Ok(()),
///                 n => rx.commit(n),
///             }
///         }
///     }
/// }
///
/// # fn main() -> Result<(), Box<dyn core::error::Error>> {
/// let mut socket = Socket { input: b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58".repeat(40), ..Socket::default() };
/// let (mut rx, mut tx) = (Inbox::new(vec![0; 64]), Outbox::new(vec![0; OWED_MAX]));
/// echo(&mut Connection::server(Limits::new()), &mut rx, &mut tx, &mut socket)?;
/// assert_eq!(socket.output, b"\x81\x05Hello".repeat(40));
///
/// // A frame of a client without a mask: the close frame with code 1002 is sent before the loop ends.
/// let mut socket = Socket { input: b"\x81\x05Hello".to_vec(), ..Socket::default() };
/// assert!(echo(&mut Connection::server(Limits::new()), &mut rx, &mut tx, &mut socket).is_err());
/// assert_eq!(socket.output, b"\x88\x02\x03\xea");
///
/// // The same for a client, with keys from a source that is not random, for the example.
/// let mut socket = Socket { input: b"\x81\x05Hello".to_vec(), ..Socket::default() };
/// let (mut rx, mut tx) = (Inbox::new(vec![0; 64]), Outbox::with_keys(vec![0; OWED_MAX], || [0x37, 0xfa, 0x21, 0x3d]));
/// echo(&mut Connection::client(Limits::new()), &mut rx, &mut tx, &mut socket)?;
/// assert_eq!(socket.output, b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"); // RFC 6455 section 5.7
/// # Ok(()) }
/// ```
///
/// A client cannot write into an outbox without keys, and a server cannot write into one with keys:
///
/// ```compile_fail,E0277
/// use sansocket::ws::{Connection, Limits, Outbox};
/// let mut tx = Outbox::new([0; 64]);
/// Connection::client(Limits::new()).out(&mut tx);
/// ```
/// ```compile_fail,E0277
/// use sansocket::ws::{Connection, Limits, Outbox};
/// let mut tx = Outbox::with_keys([0; 64], || [0; 4]);
/// Connection::server(Limits::new()).out(&mut tx);
/// ```
#[derive(Clone, Debug)]
pub struct Outbox<S, K = NoKeys> {
    storage: S,
    keys: K,
    start: usize,
    end: usize,
}

impl<S: AsMut<[u8]>> Outbox<S> {
    /// An empty outbox for a server, or for stored frames, over `storage`: an array, a slice, a `Vec`, or a guard of a pool.
    pub const fn new(storage: S) -> Self {
        Self::with_keys(storage, NoKeys)
    }
}

impl<S: AsMut<[u8]>, K> Outbox<S, K> {
    /// An empty outbox for a client over `storage`. Each frame draws a masking key from `keys`.
    pub const fn with_keys(storage: S, keys: K) -> Self {
        Self { storage, keys, start: 0, end: 0 }
    }

    /// The source of masking keys. It may also be a source of other randomness.
    pub const fn keys(&mut self) -> &mut K {
        &mut self.keys
    }

    pub(crate) fn map_keys<J>(self, map: impl FnOnce(K) -> J) -> Outbox<S, J> {
        let Self { storage, keys, start, end } = self;
        Outbox { storage, keys: map(keys), start, end }
    }

    /// The bytes to write to the socket. Pass the number of bytes that it took to [`consume`](Self::consume).
    pub fn written(&mut self) -> &[u8] {
        self.storage.as_mut().get(self.start..self.end).unwrap_or_default()
    }

    /// Removes the first `n` bytes of [`written`](Self::written), which the socket took. They may end inside a frame. A larger `n` counts as all.
    pub const fn consume(&mut self, n: usize) {
        let start = self.start.saturating_add(n);
        self.start = if start < self.end { start } else { self.end };
    }

    /// The length of [`written`](Self::written): these bytes must stay in the storage. With 0 the storage can be used for something else.
    #[must_use]
    pub const fn held(&self) -> usize {
        self.end.saturating_sub(self.start)
    }

    /// Whether the socket has taken all frames.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.held() == 0
    }

    /// The number of bytes that can be appended now.
    pub fn room(&mut self) -> usize {
        let held = self.held();
        let in_use = if self.start >= held { held } else { self.end };
        self.storage.as_mut().len().saturating_sub(in_use)
    }

    /// The size of the storage.
    #[cfg(feature = "drive")]
    pub(crate) fn size(&mut self) -> usize {
        self.storage.as_mut().len()
    }

    /// Moves the held bytes to `storage` and returns the old storage. Cost: one copy of [`held`](Self::held) bytes.
    ///
    /// # Errors
    /// Returns `storage` if the held bytes do not fit. Nothing was changed.
    pub fn replace(&mut self, mut storage: S) -> Result<S, S> {
        let held = self.held();
        let Some(place) = storage.as_mut().get_mut(..held) else { return Err(storage) };
        copy(self.written(), place);
        (self.start, self.end) = (0, held);
        Ok(core::mem::replace(&mut self.storage, storage))
    }

    /// Appends bytes that are no frames: an HTTP request. `write` gets the free tail and returns how many bytes it wrote to its front.
    pub(crate) fn append_bytes<E>(&mut self, write: impl FnOnce(&mut [u8]) -> Result<usize, E>) -> Result<usize, E> {
        let tail = self.tail();
        let len = tail.len();
        let n = write(tail)?.min(len);
        self.end = self.end.saturating_add(n);
        Ok(n)
    }

    /// A cursor over the free tail.
    fn append<R>(&mut self, gate: Gate) -> Out<'_, Kept<'_, R, K>> {
        let _ = self.tail();
        let tail = self.storage.as_mut().get_mut(self.end..).unwrap_or_default();
        Out::kept(tail, &mut self.end, &mut self.keys, gate)
    }

    /// The free tail, after what is held has moved to the front if that is worth it.
    fn tail(&mut self) -> &mut [u8] {
        let held = self.held();
        if self.start >= held {
            // So the two do not overlap.
            if let Some((written, frames)) = self.storage.as_mut().split_at_mut_checked(self.start) {
                copy(frames.get(..held).unwrap_or_default(), written);
            }
            (self.start, self.end) = (0, held);
        }
        self.storage.as_mut().get_mut(self.end..).unwrap_or_default()
    }
}

impl<R: Role, S: AsMut<[u8]>, K: MaskSource<R>> Output<R> for Outbox<S, K> {
    type Form<'o>
        = Kept<'o, R, K>
    where
        Self: 'o;
    fn cursor(&mut self, gate: Gate) -> Out<'_, Kept<'_, R, K>> {
        self.append(gate)
    }
}

impl<S: AsMut<[u8]>, K> Output<Stored> for Outbox<S, K> {
    type Form<'o>
        = Kept<'o, Stored, K>
    where
        Self: 'o;
    fn cursor(&mut self, gate: Gate) -> Out<'_, Kept<'_, Stored, K>> {
        self.append(gate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        bytes::Capacity,
        ws::{Connection, Kind, Limits, SendError},
    };
    use std::{vec, vec::Vec};

    /// Frames of any sizes, written in pieces of any sizes, in memory that is exchanged: the socket gets the bytes of a `Vec`.
    fn as_a_vec<R: Role + PartialEq, K: MaskSource<R> + Clone>(mut ws: Connection<R>, keys: K) {
        for (storage, piece) in [(14, 1), (40, 1), (40, 3), (64, 17), (64, 64)] {
            let mut tx = Outbox::with_keys(vec![0; storage], keys.clone());
            let mut plain = Outbox::with_keys(vec![0; 1 << 14], keys.clone());
            let (mut written, mut moved) = (Vec::new(), 0);
            for i in 0..200_usize {
                let payload = vec![i as u8; i % 33];
                let before = (ws.clone(), tx.start, tx.end);
                match ws.send(Kind::Binary, &payload, &mut ws.out(&mut tx)) {
                    Ok(()) => {
                        if tx.start < before.1 {
                            moved += before.2 - before.1;
                        }
                        let mut all = ws.out(&mut plain);
                        ws.send(Kind::Binary, &payload, &mut all).unwrap();
                    }
                    Err(SendError::Capacity(Capacity { needed, available })) => {
                        assert!(needed > available && available == tx.room());
                        assert_eq!(ws, before.0);
                        if tx.is_empty() {
                            assert!(tx.replace(vec![0; needed]).is_ok());
                        }
                    }
                    Err(e) => panic!("{e}"),
                }
                let n = tx.held().min(piece);
                written.extend_from_slice(&tx.written()[..n]);
                tx.consume(n);
            }
            written.extend_from_slice(tx.written());
            assert_eq!(written, plain.written());
            assert!(moved <= written.len(), "each byte is moved once: {moved} of {}", written.len());
        }
    }

    #[test]
    fn partial_writes_lose_nothing_and_move_each_byte_once() {
        as_a_vec(Connection::server(Limits::new()), NoKeys);
        as_a_vec(Connection::client(Limits::new()), || [1, 2, 3, 4]);
    }

    #[test]
    fn what_does_not_fit_is_refused_and_given_back() {
        let mut ws = Connection::server(Limits::new());
        let mut tx = Outbox::new(vec![0; 8]);
        ws.send(Kind::Binary, b"abcdef", &mut ws.out(&mut tx)).unwrap();
        tx.consume(3);
        assert_eq!((tx.held(), tx.room()), (5, 0), "less lies in front than would have to be moved");
        assert_eq!(tx.replace(vec![9; 4]), Err(vec![9; 4]));
        assert_eq!(tx.written(), b"bcdef");
        assert!(tx.replace(vec![0; 7]).is_ok());
        assert_eq!(tx.written(), b"bcdef");
        assert_eq!(tx.room(), 2);
        tx.consume(3);
        assert_eq!(tx.room(), 5, "won back");
        let mut out = ws.out(&mut tx);
        ws.send(Kind::Binary, b"x", &mut out).unwrap();
        assert_eq!(out.written(), b"\x82\x01x");
        // A cursor that is cleared takes back what it appended, and nothing else.
        out.clear();
        ws.send(Kind::Binary, b"yz", &mut out).unwrap();
        assert_eq!(tx.written(), b"ef\x82\x02yz");
        tx.consume(6);
        assert!(tx.is_empty());
    }

    #[test]
    fn bytes_that_are_no_frames_are_kept_alike() {
        let mut tx = Outbox::new([0; 8]);
        assert_eq!(
            tx.append_bytes(|tail| -> Result<usize, ()> {
                tail[..6].copy_from_slice(b"abcdef");
                Ok(6)
            }),
            Ok(6)
        );
        tx.consume(5);
        assert_eq!(tx.append_bytes(|tail| if tail.len() == 7 { Err(()) } else { Ok(0) }), Err(()));
        assert_eq!(
            tx.append_bytes(|tail| -> Result<usize, ()> {
                tail[0] = b'g';
                Ok(1)
            }),
            Ok(1)
        );
        assert_eq!(tx.written(), b"fg");
    }

    /// Packets at rest, in an outbox of either role.
    #[test]
    fn packets_at_rest_are_kept_alike() {
        let mut tx = Outbox::with_keys([0; 32], || -> [u8; 4] { panic!("no key is drawn") });
        for _ in 0..2 {
            Out::stored(&mut tx).binary_message(b"abc").unwrap();
        }
        tx.consume(4);
        assert_eq!(tx.written(), b"c\x82\x03abc");
        let mut plain = [0; 32];
        let mut out = Out::stored(&mut plain);
        out.binary_message(b"abc").unwrap();
        assert_eq!(out.written(), b"\x82\x03abc");
    }
}
