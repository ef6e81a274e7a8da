//! Frames whose payload is not copied: the header is separate, for a vectored write, or is written directly before the payload.

use super::{Connection, Form, Kind, Out, Role, Server, StateError, header, mask};
use crate::bytes::copy;
use core::fmt;

/// How many free bytes [`Connection::send_in_place`] needs before the payload: the length of the longest header.
pub const HEAD_ROOM: usize = header::MAX;

/// The header of one frame, 2 to 14 bytes. Write it to the socket directly before its payload. See
/// [`Connection::send_header_for`](Connection::send_header_for).
#[must_use = "the payload must be written behind its header"]
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct FrameHeader {
    bytes: [u8; header::MAX],
    len: u8,
}

impl FrameHeader {
    pub(super) fn new(first: u8, key: Option<[u8; 4]>, len: usize) -> Self {
        let mut bytes = [0; header::MAX];
        header::write(first, key, len, &mut bytes);
        // At most 14.
        Self { bytes, len: header::size(key.is_some(), len).to_le_bytes()[0] }
    }

    /// The bytes of the header.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or_default()
    }
}

impl fmt::Debug for FrameHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FrameHeader").field(&self.as_bytes()).finish()
    }
}

impl<R: Role> Connection<R> {
    /// Sends a message, or a part of one as [`send_chunk`](Self::send_chunk) does, without copying the payload. Returns the header for a vectored
    /// write; [`send_header_for`](Connection::send_header_for) shows one. A client masks `payload` in place with a new key. A server does not change it.
    ///
    /// Write the content of `out`, then the header, then the payload, and nothing in between. Do not change the payload afterwards: a masking key must
    /// not be used twice (RFC 6455 section 10.3). Nothing is written into `out`; it provides the key and notes that a message is open. Cost: a client
    /// masks each byte, a server reads none.
    ///
    /// # Errors
    /// [`StateError`] as for [`send_chunk`](Self::send_chunk). Nothing was changed and no key was drawn.
    pub fn send_header<F: Form<Role = R>>(
        &mut self,
        kind: Kind,
        payload: &mut [u8],
        is_last: bool,
        out: &mut Out<'_, F>,
    ) -> Result<FrameHeader, StateError> {
        let (header, key) = self.header(kind, payload.len(), is_last, out)?;
        if let Some(key) = key {
            mask::apply(key, payload);
        }
        Ok(header)
    }

    /// The header of a whole message of `len` bytes that is not masked.
    #[cfg(feature = "drive")]
    pub(crate) fn plain_header(&self, kind: Kind, len: usize) -> Result<FrameHeader, StateError> {
        self.check_open_for_data()?;
        Ok(FrameHeader::new(0x80 | kind.opcode().bits(), None, len))
    }

    fn header<F: Form<Role = R>>(
        &mut self,
        kind: Kind,
        len: usize,
        is_last: bool,
        out: &mut Out<'_, F>,
    ) -> Result<(FrameHeader, Option<[u8; 4]>), StateError> {
        let (first, next) = self.begin(kind, is_last)?;
        self.state = next;
        out.gate = next.sending.into();
        Ok(out.header(first, len))
    }

    /// Turns a payload into a frame in place, and returns the frame. The payload begins after [`HEAD_ROOM`] free bytes of `memory`. The header is
    /// written directly before it. Everything else is as for [`send_header`](Self::send_header).
    ///
    /// # Errors
    /// [`StateError`] as for [`send_chunk`](Self::send_chunk), and [`StateError::NoHeadRoom`] if `memory` is shorter than [`HEAD_ROOM`]. Nothing was
    /// changed and no key was drawn.
    ///
    /// ```
    /// use sansocket::ws::{Connection, HEAD_ROOM, Kind, Limits, Outbox};
    ///
    /// let mut ws = Connection::client(Limits::new());
    /// let mut tx = Outbox::with_keys([0; 64], || [0x37, 0xfa, 0x21, 0x3d]); // not random, for the example
    /// let mut memory = [0; HEAD_ROOM + 5];
    /// memory[HEAD_ROOM..].copy_from_slice(b"Hello");
    /// let frame = ws.send_in_place(Kind::Text, &mut memory, true, &mut ws.out(&mut tx))?;
    /// assert_eq!(frame, b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"); // RFC 6455 section 5.7
    /// # Ok::<(), sansocket::ws::StateError>(())
    /// ```
    pub fn send_in_place<'m, F: Form<Role = R>>(
        &mut self,
        kind: Kind,
        memory: &'m mut [u8],
        is_last: bool,
        out: &mut Out<'_, F>,
    ) -> Result<&'m [u8], StateError> {
        let Some(payload) = memory.get_mut(HEAD_ROOM..) else { return Err(StateError::NoHeadRoom) };
        let header = self.send_header(kind, payload, is_last, out)?;
        // The header is never longer than the room.
        let from = HEAD_ROOM.saturating_sub(header.as_bytes().len());
        let frame = memory.get_mut(from..).unwrap_or_default();
        copy(header.as_bytes(), frame);
        Ok(frame)
    }
}

impl Connection<Server> {
    /// As [`send_header`](Self::send_header), for a payload of `len` bytes that is not one `&mut [u8]`: it is shared between many receivers, or is in
    /// several pieces. Only for servers, because a client must mask the payload.
    ///
    /// # Errors
    /// As [`send_header`](Self::send_header).
    ///
    /// ```
    /// use sansocket::ws::{Connection, Kind, Limits};
    ///
    /// let mut ws = Connection::server(Limits::new());
    /// let mut tx = [0; 64];
    /// let mut out = ws.out(&mut tx);
    /// let payload = std::sync::Arc::new([7; 300]);
    /// let header = ws.send_header_for(Kind::Binary, payload.len(), true, &mut out)?;
    /// assert_eq!(header.as_bytes(), [0x82, 126, 1, 44]);
    /// // socket.write_vectored(&[IoSlice::new(out.written()), IoSlice::new(header.as_bytes()), IoSlice::new(&*payload)])
    /// # Ok::<(), sansocket::ws::StateError>(())
    /// ```
    pub fn send_header_for<F: Form<Role = Server>>(
        &mut self,
        kind: Kind,
        len: usize,
        is_last: bool,
        out: &mut Out<'_, F>,
    ) -> Result<FrameHeader, StateError> {
        self.header(kind, len, is_last, out).map(|(header, _)| header)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ws::{Limits, MaskSource, NoKeys, Outbox};
    use std::{vec, vec::Vec};

    /// Whatever way a payload is sent, the bytes are the same, and a cursor that is alive knows of the open message.
    fn all_ways<R: Role + PartialEq, K: MaskSource<R> + Clone>(ws: Connection<R>, keys: K) {
        for len in [0, 1, 125, 126, 127, 65535, 65536] {
            let payload: Vec<u8> = (0..len).map(|i: usize| i as u8).collect();
            for lasts in [&[true][..], &[false, false, true]] {
                let (mut a, mut b, mut c) = (ws.clone(), ws.clone(), ws.clone());
                for &is_last in lasts {
                    let mut tx = Outbox::with_keys(vec![0; len + 40], keys.clone());
                    let mut out = a.out(&mut tx);
                    a.send_chunk(Kind::Binary, &payload, is_last, &mut out).unwrap();
                    assert_eq!(out.binary_message(b"").is_ok(), is_last);
                    let written = a_frame(&mut tx, len);

                    let mut memory = [&[0; HEAD_ROOM][..], &payload].concat();
                    let mut none = Outbox::with_keys([], keys.clone());
                    let mut out = b.out(&mut none);
                    assert_eq!(b.send_in_place(Kind::Binary, &mut memory, is_last, &mut out).unwrap(), written);
                    assert_eq!(out.binary_message(b"") == Err(StateError::MessageOpen.into()), !is_last);

                    let mut masked = payload.clone();
                    let mut out = c.out(&mut none);
                    let header = c.send_header(Kind::Binary, &mut masked, is_last, &mut out).unwrap();
                    assert_eq!(out.binary_message(b"") == Err(StateError::MessageOpen.into()), !is_last);
                    assert_eq!([header.as_bytes(), &masked].concat(), written);
                    assert_eq!((&a, &b), (&b, &c));
                }
            }
        }
    }

    /// The first frame, which has `len` bytes of payload.
    fn a_frame<K>(tx: &mut Outbox<Vec<u8>, K>, len: usize) -> Vec<u8> {
        let written = tx.written();
        let masked = written[1] & 0x80 != 0;
        written[..header::size(masked, len) + len].to_vec()
    }

    #[test]
    fn every_way_to_send_writes_the_same_bytes() {
        all_ways(Connection::client(Limits::new()), || [1, 2, 3, 4]);
        all_ways(Connection::server(Limits::new()), NoKeys);
        let (mut ws, mut tx) = (Connection::server(Limits::new()), [0; 64]);
        let mut out = ws.out(&mut tx);
        assert_eq!(ws.send_header_for(Kind::Text, 200, false, &mut out).unwrap().as_bytes(), [1, 126, 0, 200]);
        assert_eq!(out.binary_message(b""), Err(StateError::MessageOpen.into()));
    }

    #[test]
    fn what_is_refused_changes_nothing() {
        let mut ws = Connection::client(Limits::new());
        let mut tx = Outbox::with_keys([0; 64], || -> [u8; 4] { panic!("no key is drawn") });
        let before = ws.clone();
        let mut short = [0; HEAD_ROOM - 1];
        let mut out = ws.out(&mut tx);
        assert_eq!(ws.send_in_place(Kind::Text, &mut short, true, &mut out), Err(StateError::NoHeadRoom));
        assert_eq!(ws, before);
        ws.owe_close(crate::ws::CloseCode::NORMAL);
        let before = ws.clone();
        let mut payload = *b"abc";
        assert_eq!(ws.send_header(Kind::Text, &mut payload, true, &mut out), Err(StateError::Closing));
        assert_eq!((&payload, &ws), (b"abc", &before));
    }
}
