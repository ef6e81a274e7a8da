//! Sends a large message from where it lies.

use super::{Error, Failed, Reply, Side, Timer, Transport, error::End};
use crate::{
    bytes::copy,
    ws::{Kind, Outbox, Role},
};
use core::{
    future::Future,
    pin::pin,
    task::{Context, Poll, Waker},
};

impl<T: Transport, C: Timer, D: Side, B: AsMut<[u8]>> Reply<T, C, D, B> {
    /// Sends a message from where it lies, or else copies it into the outbox. `Ok(false)`: there is no room yet, and nothing was changed.
    pub(super) fn message(&mut self, kind: Kind, payload: &[u8]) -> Result<bool, Error<Failed<T>>> {
        Ok(self.offer(kind, payload)? || self.core.append(&mut self.outbox, |ws, out| ws.send(kind, payload, out))?)
    }

    /// Offers a message to the transport, once. What is not taken enters the outbox in the same poll, so the frame is whole whatever happens next.
    /// `Ok(false)`: this message is to be copied, or has no room yet; nothing was changed.
    fn offer(&mut self, kind: Kind, payload: &[u8]) -> Result<bool, Error<Failed<T>>> {
        let Self { transport, core, outbox, .. } = self;
        if D::Role::SENDS_MASKED || !transport.is_vectored() || D::would_deflate(outbox.keys(), payload.len()) {
            return Ok(false);
        }
        let Ok(header) = core.ws.plain_header(kind, payload.len()) else { return Ok(false) };
        let size = header.as_bytes().len().saturating_add(payload.len());
        // Of smaller ones several leave in one write.
        if size <= outbox.size() / 2 || size > outbox.room() {
            return Ok(false);
        }
        append(outbox, header.as_bytes());
        let offered =
            pin!(transport.write_both(outbox.written(), payload)).poll(&mut Context::from_waker(Waker::noop()));
        let n = match offered {
            Poll::Ready(Ok(Some(n))) => n,
            Poll::Ready(Ok(None)) | Poll::Pending => 0,
            Poll::Ready(Err(e)) => {
                outbox.consume(usize::MAX);
                core.fail(End::Transport);
                return Err(Error::Transport(e));
            }
        };
        if n > 0 {
            core.has_written();
        }
        let held = outbox.held();
        outbox.consume(n);
        append(outbox, payload.get(n.saturating_sub(held)..).unwrap_or_default());
        Ok(true)
    }
}

/// Appends bytes that have room.
fn append<B: AsMut<[u8]>, K>(outbox: &mut Outbox<B, K>, bytes: &[u8]) {
    let _ = outbox.append_bytes(|tail| {
        copy(bytes, tail.get_mut(..bytes.len()).unwrap_or_default());
        Ok::<_, core::convert::Infallible>(bytes.len())
    });
}
