//! Over this crate, with a SHA-1 of the program's own.

use crate::{HOST, Line, PATH};
use sansocket::{
    http::{HeadScanner, Limits as HeadLimits, ResponseHead},
    ws::{Connect, Connection, Inbox, Incoming, Limits, Outbox},
};

#[path = "../../../../examples/firmware/board/src/sha1.rs"]
pub mod sha1;

fn key<L: Line>() -> [u8; 4] {
    let mut key = [0; 4];
    L::fill(&mut key);
    key
}

fn connect<L: Line>(line: &mut L, inbox: &mut Inbox<[u8; 512]>, memory: &mut [u8]) -> Option<()> {
    let mut nonce = [0; 16];
    L::fill(&mut nonce);
    let connect = Connect::new(HOST, PATH, nonce);
    let n = connect.write(memory).ok()?;
    line.write(memory.get(..n)?);
    let mut head = HeadScanner::response(HeadLimits::new());
    loop {
        let n = line.read(inbox.space().ok()?);
        if n == 0 {
            return None;
        }
        inbox.commit(n);
        let Some(n) = head.scan(inbox.bytes()).ok()? else { continue };
        let response = ResponseHead::parse(inbox.bytes().get_mut(..n)?).ok()?;
        let is_open = connect.check_with(sha1::sha1, &response).ok()?.is_some();
        inbox.consume(n);
        if is_open {
            return Some(());
        }
        head = HeadScanner::response(HeadLimits::new());
    }
}

pub fn client<const CONNECTS: bool, L: Line>(line: &mut L) {
    let mut inbox = Inbox::new([0; 512]);
    let mut memory = [0; 512];
    if CONNECTS && connect(line, &mut inbox, &mut memory).is_none() {
        return;
    }
    let mut ws = Connection::client(Limits::new());
    let mut tx = Outbox::with_keys(memory, key::<L>);
    loop {
        let mut out = ws.out(&mut tx);
        loop {
            match inbox.poll_message(&mut ws) {
                Ok(Some(Incoming::Message(m))) => drop(ws.send(m.kind(), m.as_bytes(), &mut out)),
                Ok(None) | Err(_) => break,
                Ok(Some(_)) => {}
            }
        }
        while let Ok(true) = ws.poll_transmit(&mut out) {}
        line.write(tx.written());
        tx.consume(usize::MAX);
        if ws.is_closed() {
            return;
        }
        let Ok(space) = inbox.space() else { return };
        match line.read(space) {
            0 => return,
            n => inbox.commit(n),
        }
    }
}

/// A server, of a connection that is open.
#[cfg(not(target_os = "none"))]
pub fn server<L: Line>(line: &mut L) {
    let mut ws = Connection::server(Limits::new());
    let (mut inbox, mut tx) = (Inbox::new([0; 512]), Outbox::new([0; 512]));
    loop {
        let mut out = ws.out(&mut tx);
        while let Ok(Some(incoming)) = inbox.poll_message(&mut ws) {
            if let Incoming::Message(m) = incoming {
                let _ = ws.send(m.kind(), m.as_bytes(), &mut out);
            }
        }
        while let Ok(true) = ws.poll_transmit(&mut out) {}
        line.write(tx.written());
        tx.consume(usize::MAX);
        match inbox.space().map(|space| line.read(space)) {
            Ok(n) if n > 0 => inbox.commit(n),
            _ => return,
        }
    }
}
