//! What is written into the outbox of a WebSocket.

use super::Seen;
use crate::{
    endpoint::{Grow, What},
    engineio::{
        Packet, Seeing, SendError,
        client::{Session, Source},
    },
    ws::{Client, Connection, MaskSource, Outbox},
};

/// Writes what is owed, and then messages while there is room. Returns whether a message had no room.
#[cfg_attr(not(target_pointer_width = "64"), inline(never))]
pub(super) fn send_frames<S: AsMut<[u8]>, K: MaskSource>(
    engine: &mut Session,
    ws: &mut Connection<Client>,
    outbox: &mut Outbox<S, K>,
    source: &mut impl Source,
    seen: &mut dyn FnMut(Seen<'_>),
) -> Result<bool, Grow> {
    outbox.keys().settle(ws.sends_compressed());
    let mut out = ws.out(outbox);
    let missing = loop {
        match ws.poll_transmit(&mut out) {
            Ok(true) => continue,
            Ok(false) => {}
            Err(e) => break Some(e),
        }
        if engine.is_closed() {
            break None;
        }
        let mut out = Seeing { out: &mut out, seen: |packet: Packet<'_>| seen(Seen::Sent(packet)) };
        match engine.poll_transmit(&mut out) {
            Ok(true) => continue,
            Ok(false) => {}
            Err(e) => break Some(e),
        }
        if !engine.is_open() {
            break None;
        }
        match source.forward(&mut out) {
            Ok(true) => {}
            Err(SendError::Capacity(e)) => break Some(e),
            // The others do not pass with more room. The session is closing.
            Ok(false) | Err(_) => break None,
        }
    };
    match missing {
        Some(e) if outbox.is_empty() => Err(Grow::new(What::Output, e)),
        missing => Ok(missing.is_some()),
    }
}
