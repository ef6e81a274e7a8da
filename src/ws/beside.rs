//! Frames around a payload that stays where it lies: a header for a vectored write, or one in the room in front of the payload.

use super::{Client, Connection, Kind, MaskSource, Server, StateError, header, mask};
use crate::bytes::copy;
use core::fmt;

/// Bytes in front of a payload that [`Connection::send_in_place`](Connection::<Client>::send_in_place) needs at most: the longest header.
pub const HEAD_ROOM: usize = header::MAX;

/// The header of one frame, 2 to 14 bytes, to be written in front of the payload that it was made for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct FrameHeader {
    bytes: [u8; header::MAX],
    len: u8,
}

impl FrameHeader {
    fn new(first: u8, key: Option<[u8; 4]>, len: usize) -> Self {
        let mut bytes = [0; header::MAX];
        header::write(first, key, len, &mut bytes);
        // At most 14.
        Self { bytes, len: header::size(key.is_some(), len).to_le_bytes()[0] }
    }

    /// The header as it stands on the wire.
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

impl Connection<Server> {
    /// The header of a message of `len` bytes, or of a part of one as in [`send_chunk`](Self::send_chunk), for a vectored write with the payload
    /// beside it. Nothing may come between the two, and what an [`Out`](super::Out) holds goes in front of them.
    ///
    /// # Errors
    /// [`StateError`] after a close; nothing was changed.
    ///
    /// ```
    /// use sansocket::ws::{Connection, Kind, Limits};
    ///
    /// let mut ws = Connection::server(Limits::new());
    /// let payload = [7; 300];
    /// let header = ws.send_header(Kind::Binary, payload.len(), true)?;
    /// assert_eq!(header.as_bytes(), [0x82, 126, 1, 44]);
    /// // socket.write_vectored(&[IoSlice::new(header.as_bytes()), IoSlice::new(&payload)])
    /// # Ok::<(), sansocket::ws::StateError>(())
    /// ```
    pub fn send_header(&mut self, kind: Kind, len: usize, is_last: bool) -> Result<FrameHeader, StateError> {
        let (first, next) = self.begin(kind, is_last)?;
        self.state = next;
        Ok(FrameHeader::new(first, None, len))
    }

    /// As the client's [`send_in_place`](Connection::<Client>::send_in_place), without a mask: the payload stays as it is.
    ///
    /// # Errors
    /// [`StateError`] after a close, or when `memory` is shorter than [`HEAD_ROOM`]; nothing was changed.
    pub fn send_in_place<'m>(
        &mut self,
        kind: Kind,
        memory: &'m mut [u8],
        is_last: bool,
    ) -> Result<&'m [u8], StateError> {
        let len = payload_len(memory)?;
        let header = self.send_header(kind, len, is_last)?;
        Ok(place(&header, memory))
    }
}

impl Connection<Client> {
    /// The header of a frame around `payload`, which is masked where it lies, under a fresh key; as the server's
    /// [`send_header`](Connection::<Server>::send_header). The payload is to be written as it is now, and not to be changed any more (RFC 6455
    /// section 10.3).
    ///
    /// # Errors
    /// [`StateError`] after a close; nothing was changed and no key drawn.
    pub fn send_header<M: MaskSource + ?Sized>(
        &mut self,
        kind: Kind,
        payload: &mut [u8],
        is_last: bool,
        keys: &mut M,
    ) -> Result<FrameHeader, StateError> {
        let (first, next) = self.begin(kind, is_last)?;
        self.state = next;
        let key = keys.next_key();
        mask::apply(key, payload);
        Ok(FrameHeader::new(first, Some(key), payload.len()))
    }

    /// Makes a frame of a payload that was written behind [`HEAD_ROOM`] free bytes of `memory`, where it lies: masks it, writes the header
    /// right in front of it, and lends the frame. A message, or a part of one as in [`send_chunk`](Self::send_chunk).
    ///
    /// # Errors
    /// [`StateError`] after a close, or when `memory` is shorter than [`HEAD_ROOM`]; nothing was changed and no key drawn.
    ///
    /// ```
    /// use sansocket::ws::{Connection, HEAD_ROOM, Kind, Limits};
    ///
    /// let mut ws = Connection::client(Limits::new());
    /// let mut memory = [0; HEAD_ROOM + 5];
    /// memory[HEAD_ROOM..].copy_from_slice(b"Hello");
    /// let frame = ws.send_in_place(Kind::Text, &mut memory, true, &mut || [0x37, 0xfa, 0x21, 0x3d])?;
    /// assert_eq!(frame, b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"); // RFC 6455 section 5.7
    /// # Ok::<(), sansocket::ws::StateError>(())
    /// ```
    pub fn send_in_place<'m, M: MaskSource + ?Sized>(
        &mut self,
        kind: Kind,
        memory: &'m mut [u8],
        is_last: bool,
        keys: &mut M,
    ) -> Result<&'m [u8], StateError> {
        payload_len(memory)?;
        let header = self.send_header(kind, memory.get_mut(HEAD_ROOM..).unwrap_or_default(), is_last, keys)?;
        Ok(place(&header, memory))
    }
}

const fn payload_len(memory: &[u8]) -> Result<usize, StateError> {
    match memory.len().checked_sub(HEAD_ROOM) {
        Some(len) => Ok(len),
        None => Err(StateError::NoHeadRoom),
    }
}

/// Writes the header right in front of the payload.
fn place<'m>(header: &FrameHeader, memory: &'m mut [u8]) -> &'m [u8] {
    let from = HEAD_ROOM.saturating_sub(header.as_bytes().len());
    let frame = memory.get_mut(from..).unwrap_or_default();
    copy(header.as_bytes(), frame);
    frame
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ws::Limits;
    use std::{vec, vec::Vec};

    /// Whatever way a payload is sent, the bytes are the same.
    #[test]
    fn every_way_to_send_writes_the_same_bytes() {
        for len in [0, 1, 125, 126, 127, 65535, 65536] {
            let payload: Vec<u8> = (0..len).map(|i: usize| i as u8).collect();
            let keys = || [1, 2, 3, 4];
            for lasts in [&[true][..], &[false, false, true]] {
                let (mut a, mut b, mut c) = (
                    Connection::client(Limits::new()),
                    Connection::client(Limits::new()),
                    Connection::client(Limits::new()),
                );
                let (mut d, mut e, mut f) = (
                    Connection::server(Limits::new()),
                    Connection::server(Limits::new()),
                    Connection::server(Limits::new()),
                );
                for &is_last in lasts {
                    let mut tx = vec![0; len + 14];
                    let mut key = keys;
                    let mut out = a.out(&mut tx, &mut key);
                    a.send_chunk(Kind::Binary, &payload, is_last, &mut out).unwrap();
                    let mut memory = [&[0; HEAD_ROOM][..], &payload].concat();
                    let frame = b.send_in_place(Kind::Binary, &mut memory, is_last, &mut { keys }).unwrap();
                    assert_eq!(frame, out.written());
                    let mut masked = payload.clone();
                    let header = c.send_header(Kind::Binary, &mut masked, is_last, &mut { keys }).unwrap();
                    assert_eq!([header.as_bytes(), &masked].concat(), frame);

                    let mut tx = vec![0; len + 14];
                    let mut out = d.out(&mut tx);
                    d.send_chunk(Kind::Binary, &payload, is_last, &mut out).unwrap();
                    let mut memory = [&[0; HEAD_ROOM][..], &payload].concat();
                    assert_eq!(e.send_in_place(Kind::Binary, &mut memory, is_last).unwrap(), out.written());
                    let header = f.send_header(Kind::Binary, len, is_last).unwrap();
                    assert_eq!([header.as_bytes(), &payload].concat(), out.written());
                }
            }
        }
    }

    #[test]
    fn what_is_refused_changes_nothing() {
        let mut never = || -> [u8; 4] { panic!("no key is drawn") };
        let mut ws = Connection::client(Limits::new());
        let before = ws.clone();
        let mut short = [0; HEAD_ROOM - 1];
        assert_eq!(ws.send_in_place(Kind::Text, &mut short, true, &mut never), Err(StateError::NoHeadRoom));
        assert_eq!(ws, before);
        ws.owe_close(crate::ws::CloseCode::NORMAL);
        let before = ws.clone();
        let mut payload = *b"abc";
        assert_eq!(ws.send_header(Kind::Text, &mut payload, true, &mut never), Err(StateError::Closing));
        assert_eq!((&payload, &ws), (b"abc", &before));
    }
}
