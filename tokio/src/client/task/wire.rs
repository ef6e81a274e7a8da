//! One line to the server: its stream, and the memory between that and the machine.

use crate::{Compression, net::Stream, random};
use sansocket::{
    time::Instant,
    ws::{Inbox, Inflater, MayInflate, Outbox, WithDeflater},
};
use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf},
    task::AbortHandle,
    time::timeout,
};

/// How much a line reads or writes at a time, unless a message is larger.
const CHUNK: usize = 8 * 1024;
/// How long the server may take nothing of what is sent, in milliseconds.
const WRITE_MS: u64 = 20_000;
/// How long a line that takes nothing any more is read: what the server said last may still come.
const DEAF_MS: u64 = 1_000;
/// How long the last bytes of a line may take.
const FAREWELL: Duration = Duration::from_secs(2);

/// What is received, with an inflater while there is something to unpack.
type Received = Inbox<MayInflate<Vec<u8>, Box<Inflater<Vec<u8>>>>>;
/// What is to be sent, masked. Its messages are compressed, if the handshake agrees.
type Sent = Outbox<Vec<u8>, WithDeflater<fn() -> [u8; 4], Vec<u8>>>;

fn outbox(compression: Option<Compression>) -> Sent {
    let outbox = Outbox::with_keys(Vec::new(), key as fn() -> [u8; 4]);
    let outbox = outbox.with_deflater(compression.and_then(|compression| compression.deflater()));
    match compression {
        Some(compression) => outbox.offering(compression.core()),
        None => outbox,
    }
}

fn key() -> [u8; 4] {
    let mut key = [0; 4];
    random::fill(&mut key);
    key
}

pub(super) struct Wire {
    pub stream: Option<Stream>,
    pub inbox: Received,
    pub outbox: Sent,
    /// What it offers.
    compression: Option<Compression>,
    /// Counts the dials, so that a stream that comes too late is known.
    pub number: u32,
    pub dial: Option<AbortHandle>,
    /// The stream holds bytes back until it is flushed.
    is_unflushed: bool,
    /// When the server must have taken a byte.
    write_by: Option<Instant>,
    /// It takes nothing any more, and is read until then.
    deaf_until: Option<Instant>,
    /// It has ended, and the machine is told when it has seen what came before.
    pub ended: Option<Ended>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    Eof,
    Failed,
    /// The machine knows of the end of what the server sends.
    Told,
}

impl Wire {
    pub(super) fn new(compression: Option<Compression>) -> Self {
        Self {
            stream: None,
            inbox: Inbox::new(MayInflate::new(Vec::new())),
            outbox: outbox(compression),
            compression,
            number: 0,
            dial: None,
            is_unflushed: false,
            write_by: None,
            deaf_until: None,
            ended: None,
        }
    }

    /// Begins anew: what comes of an earlier dial does not count.
    pub(super) fn reset(&mut self) {
        if let Some(dial) = self.dial.take() {
            dial.abort();
        }
        self.stream = None;
        self.number = self.number.wrapping_add(1);
        (self.is_unflushed, self.write_by, self.deaf_until, self.ended) = (false, None, None, None);
    }

    /// The stream is there. Memory that an earlier one made large is given back.
    pub(super) fn open(&mut self, stream: Stream) {
        self.dial = None;
        self.stream = Some(stream);
        // It stays larger if it holds more than this.
        let _ = self.inbox.replace(vec![0; CHUNK]);
        let _ = self.outbox.replace(vec![0; CHUNK]);
        self.forget_unpacker();
        if let Some(compression) = self.compression {
            let memory = if compression.has_takeover() { compression.window_bytes() } else { CHUNK };
            // There was none.
            let _ = self.inbox.replace_inflater(Inflater::new(vec![0; memory], None).ok().map(Box::new));
        }
    }

    /// Makes the outbox larger. A message that is compressed needs room for both its forms.
    pub(super) fn grow_outbox(&mut self, to: usize) {
        // The size grows, so it is never refused.
        let _ = self.outbox.replace(vec![0; if self.compression.is_some() { 2 * to } else { to }]);
    }

    fn forget_unpacker(&mut self) {
        if self.compression.is_none() {
            return;
        }
        self.inbox.reset();
        let _ = self.inbox.agree(None);
        let _ = self.inbox.replace_inflater(None);
    }

    /// Whether the machine may write into the outbox.
    pub(super) const fn is_open(&self) -> bool {
        self.stream.is_some() && self.deaf_until.is_none() && self.ended.is_none()
    }

    /// Whether it neither is open nor will be.
    pub(super) const fn is_down(&self) -> bool {
        self.stream.is_none() && self.dial.is_none()
    }

    /// Takes the stream away, for the last bytes to be written elsewhere.
    pub(super) fn close(&mut self) -> Option<Farewell> {
        let stream = self.stream.take().filter(|_| self.deaf_until.is_none());
        let rest = self.outbox.written().to_vec();
        self.outbox.consume(rest.len());
        self.reset();
        // The memory of a line that is not used.
        self.forget_unpacker();
        let _ = self.inbox.replace(Vec::new());
        let _ = self.outbox.replace(Vec::new());
        Some(Farewell { stream: stream?, rest })
    }

    /// The next time at which [`is_late`](Self::is_late) may tell something.
    pub(super) fn deadline(&self) -> Instant {
        self.deaf_until.or(self.write_by).unwrap_or(Instant::FAR_FUTURE)
    }

    /// Whether the line has failed because the server takes nothing.
    pub(super) fn is_late(&self, now: Instant) -> bool {
        self.stream.is_some() && self.deadline() <= now
    }

    /// Writes what the outbox holds, and reads once, if `may_read`. `true`: something was done.
    pub(super) fn progress(&mut self, may_read: bool, now: Instant, cx: &mut Context<'_>) -> bool {
        let has_written = self.write(now, cx);
        let has_read = may_read && self.read(cx);
        has_written || has_read
    }

    fn write(&mut self, now: Instant, cx: &mut Context<'_>) -> bool {
        let Self { stream: Some(stream), outbox, .. } = self else { return false };
        if self.deaf_until.is_some() {
            return false;
        }
        let mut stream = Pin::new(stream);
        let mut is_done = false;
        let result = loop {
            if outbox.is_empty() {
                break if self.is_unflushed { stream.as_mut().poll_flush(cx) } else { Poll::Ready(Ok(())) };
            }
            match stream.as_mut().poll_write(cx, outbox.written()) {
                Poll::Ready(Ok(0)) => break Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(n)) => {
                    outbox.consume(n);
                    (is_done, self.is_unflushed, self.write_by) = (true, true, None);
                }
                Poll::Ready(Err(error)) => break Poll::Ready(Err(error)),
                Poll::Pending => break Poll::Pending,
            }
        };
        match result {
            Poll::Ready(Ok(())) => (self.is_unflushed, self.write_by) = (false, None),
            Poll::Ready(Err(_)) => {
                self.outbox.consume(usize::MAX);
                self.deaf_until = Some(now.after_millis(DEAF_MS));
                is_done = true;
            }
            Poll::Pending => {
                self.write_by.get_or_insert(now.after_millis(WRITE_MS));
            }
        }
        is_done
    }

    fn read(&mut self, cx: &mut Context<'_>) -> bool {
        let Self { stream: Some(stream), inbox, ended: ended @ None, .. } = self else { return false };
        // A full inbox: the machine says how much it needs.
        let Ok(space) = inbox.space() else { return false };
        let mut space = ReadBuf::new(space);
        match Pin::new(stream).poll_read(cx, &mut space) {
            Poll::Pending => return false,
            Poll::Ready(Ok(())) => match space.filled().len() {
                0 => *ended = Some(Ended::Eof),
                n => inbox.commit(n),
            },
            Poll::Ready(Err(_)) => *ended = Some(Ended::Failed),
        }
        true
    }
}

/// A line that is closed when its last bytes are written.
pub(super) struct Farewell {
    stream: Stream,
    rest: Vec<u8>,
}

impl Farewell {
    pub(super) async fn say(mut self) {
        // The line is given up either way.
        let _ = timeout(FAREWELL, async {
            self.stream.write_all(&self.rest).await?;
            self.stream.shutdown().await
        })
        .await;
    }
}
