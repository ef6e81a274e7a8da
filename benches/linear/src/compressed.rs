//! Compressed messages.

use sansocket::{
    deflate::{Deflate, SYNC_TAIL, Tier},
    ws::{Compression, Connection, Inbox, Incoming, Inflating, Limits, PeerError, ReceiveError, Server},
};
use std::hint::black_box;

type Memory = Inbox<Inflating<Vec<u8>, Vec<u8>>>;

/// A server with a window of 256 bytes, and a peer's compressor.
fn begin(limit: u64) -> (Connection<Server>, Memory, Deflate<Vec<u8>>) {
    let offer: [(&[u8], &[u8]); 1] = [(b"sec-websocket-extensions", b"permessage-deflate; client_max_window_bits")];
    let agreed = Compression::new().receive_window_bits(8).accept(offer);
    let limits = Limits::new().message(limit).frame(1 << 30).fragments(u32::MAX);
    let storage = Inflating::new(vec![0; 1024], vec![0; 1024], agreed).expect("room").ratio(u32::MAX);
    let deflate = Deflate::new(Tier::TINY, vec![0; Tier::TINY.bytes()]).expect("room");
    (Connection::server(limits).with_compression(agreed), Inbox::new(storage), deflate)
}

/// A block with its tail.
fn block(deflate: &mut Deflate<Vec<u8>>, bytes: &[u8]) -> Vec<u8> {
    let mut block = vec![0; bytes.len() + 100];
    let n = deflate.compress(bytes, true, &mut block).expect("room");
    block.truncate(n);
    block.extend(SYNC_TAIL);
    block
}

/// Takes what is there, in parts.
fn read(inbox: &mut Memory, ws: &mut Connection<Server>) -> Result<(), ReceiveError> {
    while let Some(incoming) = inbox.poll_part(ws)? {
        if let Incoming::Part(part) = incoming {
            black_box(part.as_bytes());
        }
    }
    Ok(())
}

fn feed(inbox: &mut Memory, ws: &mut Connection<Server>, mut wire: &[u8]) -> Result<(), ReceiveError> {
    while !wire.is_empty() {
        let space = inbox.space()?;
        let n = space.len().min(wire.len());
        space[..n].copy_from_slice(&wire[..n]);
        inbox.commit(n);
        wire = &wire[n..];
        read(inbox, ws)?;
    }
    Ok(())
}

/// A text in N frames of 16 bytes, each of which is a block.
pub fn message(n: usize) {
    let (mut ws, mut inbox, mut deflate) = begin(1 << 30);
    for i in 0..n {
        let mut wire = Vec::new();
        super::frame(if i == 0 { 0x41 } else { 0 }, &block(&mut deflate, b"0123 six\xc3\xa9 89abc"), &mut wire);
        feed(&mut inbox, &mut ws, &wire).expect("good");
    }
}

/// A message without end that unpacks to a thousand times its bytes: what it costs until a limit of N KiB stops it.
pub fn bomb(n: usize) {
    let (mut ws, mut inbox, mut deflate) = begin(1024 * n as u64);
    let mut wire = Vec::new();
    super::frame(0x42, &block(&mut deflate, &[0]), &mut wire);
    feed(&mut inbox, &mut ws, &wire).expect("below the limit");
    wire.clear();
    let unit = block(&mut deflate, &[0; 20_000]);
    super::frame(0, &unit, &mut wire);
    let error = loop {
        if let Err(e) = feed(&mut inbox, &mut ws, &wire) {
            break e;
        }
    };
    assert_eq!(error, PeerError::MessageTooLarge.into());
}
