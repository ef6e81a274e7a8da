//! Compression of what goes over one WebSocket.

use crate::{
    Compression,
    server::{frames::Frames, outbox::Waiting, sink::gather},
};
use bytes::Bytes;
use sansocket::{
    socketio::Flags,
    ws::{Agreed, Deflater, Inflater, Out},
};
use std::{
    cell::Cell,
    collections::VecDeque,
    io, mem,
    pin::Pin,
    task::{Context, Poll, ready},
};
use tokio::io::AsyncWrite;

/// Bytes that are compressed in one go. Then others have their turn.
const AT_ONCE: usize = 16 * 1024;
/// The memory to unpack in that all connections of a thread share.
const UNPACKED: usize = 64 * 1024;

/// What unpacks the messages of a connection.
pub(crate) type Unpacker = Box<Inflater<Vec<u8>>>;

thread_local! {
    /// Lent to whoever has compressed bytes in hand.
    static UNPACKER: Cell<Option<Unpacker>> = const { Cell::new(None) };
    /// Compresses for all connections without takeover, and the memory that it writes into.
    static PRESS: Cell<Option<Box<Press>>> = const { Cell::new(None) };
}

struct Press {
    settings: Compression,
    deflater: Deflater<Vec<u8>>,
    memory: Vec<u8>,
}

/// The inflater of this thread.
pub(super) fn lent_unpacker() -> Option<Unpacker> {
    UNPACKER.take().or_else(|| Inflater::new(vec![0; UNPACKED], None).ok().map(Box::new))
}

/// Gives the inflater of this thread back. One whose memory has grown is dropped.
pub(super) fn give_unpacker(mut unpacker: Unpacker) {
    if unpacker.size() == UNPACKED {
        UNPACKER.set(Some(unpacker));
    }
}

/// What a connection that has agreed on compression holds for it.
#[derive(Debug)]
pub(crate) struct Packing {
    pub(crate) agreed: Agreed,
    settings: Compression,
    /// With takeover: the compressor of this connection.
    own: Option<Deflater<Vec<u8>>>,
    /// What was taken from the queue and is not compressed yet.
    taken: Vec<Taken>,
    /// What is ready for the socket, and how much of its front was written.
    staged: VecDeque<Bytes>,
    written: usize,
}

/// Frames from the queue.
#[derive(Debug)]
enum Taken {
    /// A packet, without its first `from` bytes, which were written before.
    Packet { frames: Frames, flags: Flags, from: usize },
    /// Short packets that were copied together behind the queue (the tail of the outbox).
    Rest(Bytes),
}

impl Packing {
    pub(super) fn new(agreed: Agreed, settings: Compression) -> Self {
        let own = if agreed.has_send_takeover() { settings.deflater() } else { None };
        let own = own.map(|mut deflater| {
            deflater.agree(&agreed);
            deflater
        });
        Self { agreed, settings, own, taken: Vec::new(), staged: VecDeque::new(), written: 0 }
    }

    /// The memory of a window that the client keeps.
    pub(super) fn own_unpacker(&self) -> Option<Unpacker> {
        Inflater::new(vec![0; self.settings.window_bytes()], Some(self.agreed)).ok().map(Box::new)
    }

    /// Takes frames from the front of what waits. How many bytes. They are compressed by [`press_taken`](Self::press_taken), since whoever calls this holds a
    /// lock that others want.
    pub(super) fn take(&mut self, queue: &Waiting, rest: &[u8]) -> usize {
        let mut taken = 0;
        for ((frames, flags), bytes) in queue.packets().zip(queue.slices()) {
            if taken > 0 && taken + bytes.len() > AT_ONCE {
                return taken;
            }
            taken += bytes.len();
            let from = frames.as_ref().len() - bytes.len();
            self.taken.push(Taken::Packet { frames: frames.clone(), flags, from });
        }
        if taken == 0 && !rest.is_empty() {
            taken = rest.len();
            self.taken.push(Taken::Rest(Bytes::copy_from_slice(rest)));
        }
        taken
    }

    /// Compresses what was taken.
    pub(super) fn press_taken(&mut self) {
        for taken in mem::take(&mut self.taken) {
            let ready = match taken {
                Taken::Packet { frames, flags, from } => {
                    let plain = frames.plain().slice(from..);
                    let packed = if !flags.may_compress() {
                        None
                    } else if let Some(twin) = frames.twin().filter(|_| from == 0 && self.is_as_all()) {
                        twin.get_or_init(|| self.pack(&plain)).clone()
                    } else {
                        self.pack(&plain)
                    };
                    packed.unwrap_or(plain)
                }
                Taken::Rest(plain) => self.pack(&plain).unwrap_or(plain),
            };
            self.staged.push_back(ready);
        }
    }

    /// Whether what is compressed for this connection is the same for all of them.
    fn is_as_all(&self) -> bool {
        self.own.is_none() && self.agreed.send_window_bits() >= self.settings.tier_bits()
    }

    /// `None`: not shorter.
    fn pack(&mut self, frames: &[u8]) -> Option<Bytes> {
        if frames.len() < self.settings.minimum() {
            return None;
        }
        let Some(deflater) = &mut self.own else { return pressed(&self.settings, &self.agreed, frames) };
        press(deflater, frames, &mut vec![0; frames.len()])
    }

    /// Writes what was taken. Ready when nothing is left of it.
    pub(super) fn poll_write<W: AsyncWrite + Unpin>(
        &mut self,
        context: &mut Context<'_>,
        stream: &mut W,
        written: &mut usize,
    ) -> Poll<io::Result<()>> {
        self.press_taken();
        while let Some(first) = self.staged.front() {
            let others = self.staged.iter().skip(1).map(|frames| &frames[..]);
            let are_few = self.staged.len() < 8;
            let n = ready!(gather(context, Pin::new(&mut *stream), &first[self.written..], are_few, others))?;
            if n == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            *written += n;
            self.consume(n);
        }
        // Idle connections hold no memory.
        self.staged = VecDeque::new();
        Poll::Ready(Ok(()))
    }

    fn consume(&mut self, n: usize) {
        self.written += n;
        while let Some(first) = self.staged.front()
            && self.written >= first.len()
        {
            self.written -= first.len();
            self.staged.pop_front();
        }
    }
}

/// Compresses with the compressor of this thread. `None`: not shorter.
fn pressed(settings: &Compression, agreed: &Agreed, frames: &[u8]) -> Option<Bytes> {
    let press_of_thread = PRESS.take().filter(|press| press.settings == *settings);
    let mut held = match press_of_thread {
        Some(held) => held,
        None => {
            let deflater = settings.deflater()?;
            Box::new(Press { settings: *settings, deflater, memory: Vec::new() })
        }
    };
    held.deflater.agree(agreed);
    if held.memory.len() < frames.len() {
        held.memory.resize(frames.len(), 0);
    }
    let packed = press(&mut held.deflater, frames, &mut held.memory);
    if held.memory.len() > UNPACKED {
        held.memory = Vec::new();
    }
    PRESS.set(Some(held));
    packed
}

/// Stored frames, each compressed if that makes it shorter. `None`: none is.
fn press(deflater: &mut Deflater<Vec<u8>>, frames: &[u8], memory: &mut [u8]) -> Option<Bytes> {
    let mut over = deflater.over(memory);
    let mut out = Out::stored(&mut over);
    // They have room, since each gets shorter or stays as it is.
    out.append(frames).ok()?;
    (out.written().len() < frames.len()).then(|| Bytes::copy_from_slice(out.written()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use sansocket::socketio::Policy;

    fn agreed(settings: &Compression, offer: &[u8]) -> Agreed {
        settings.core().accept([(&b"sec-websocket-extensions"[..], offer)]).unwrap()
    }

    fn taken(settings: Compression, offer: &[u8], queue: &Waiting) -> Bytes {
        let mut packing = Packing::new(agreed(&settings, offer), settings);
        assert_eq!(packing.take(queue, b"not yet"), queue.bytes());
        assert!(packing.staged.is_empty(), "nothing is compressed while the queue is locked");
        packing.press_taken();
        packing.staged.pop_front().unwrap()
    }

    /// The receivers share memory, unless one has a window of its own.
    #[test]
    fn what_is_for_many_is_compressed_once() {
        let frames = Frames::compressed_once([&[0x81, 126, 0x0b, 0xb8][..], &[b'x'; 3000]].concat().into());
        let mut queue = Waiting::new(Vec::new(), 10_000, Policy::Close);
        queue.reserve();
        let _ = queue.push(frames, Flags::NONE, true);
        let settings = Compression::new();
        let (usual, small) = (&b"permessage-deflate"[..], &b"permessage-deflate; server_max_window_bits=9"[..]);
        let [one, two, three] = [usual, usual, small].map(|offer| taken(settings, offer, &queue));
        assert_eq!((one[0], one.as_ptr()), (0xc1, two.as_ptr()));
        assert!(three[0] == 0xc1 && three.as_ptr() != one.as_ptr());
        let own = taken(settings.takeover(), usual, &queue);
        assert!(own[0] == 0xc1 && own.as_ptr() != one.as_ptr());
    }

    #[test]
    fn what_must_not_be_compressed_is_sent_as_it_is() {
        let plain = Bytes::from([&[0x81, 126, 0x0b, 0xb8][..], &[b'x'; 3000]].concat());
        let mut queue = Waiting::new(Vec::new(), 10_000, Policy::Close);
        queue.reserve();
        let _ = queue.push(plain.clone().into(), Flags::NONE.compress(false), true);
        let sent = taken(Compression::new().threshold(0), b"permessage-deflate", &queue);
        assert_eq!(sent.as_ptr(), plain.as_ptr(), "without a copy");
    }
}
