//! Compression is negotiated whichever HTTP server does the handshake, and when a session moves from polling.

use crate::{
    host::{Host, for_each_host},
    raw::{Raw, frame, handshake, text},
};
use sansocket::deflate::{Deflate, Inflate, SYNC_TAIL, Tier};
use sansocket_tokio::{Compression, server::Config};

const OFFER: &[(&str, &str)] = &[("Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits")];
const ANSWER: &str = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

fn compressed(text: &str) -> Vec<u8> {
    let mut deflate = Deflate::new(Tier::TINY, [0; Tier::TINY.bytes()]).unwrap();
    let mut memory = vec![0; text.len() + 100];
    let n = deflate.compress(text.as_bytes(), true, &mut memory).unwrap();
    frame(0x41, &memory[..n])
}

/// The messages that came, unpacked, and whether one of them was compressed.
fn messages(mut rest: &[u8]) -> (Vec<String>, bool) {
    let (mut messages, mut is_any) = (Vec::new(), false);
    while let [first, len, behind @ ..] = rest {
        let (len, behind) = match len {
            126 if behind.len() >= 2 => (usize::from(u16::from_be_bytes([behind[0], behind[1]])), &behind[2..]),
            126.. => break,
            len => (usize::from(*len), behind),
        };
        let Some((payload, next)) = behind.split_at_checked(len) else { break };
        messages.push(if *first == 0xc1 {
            is_any = true;
            let (mut memory, mut end) = (vec![0; 1 << 16], 0);
            let packed = [payload, &SYNC_TAIL[..]].concat();
            Inflate::new(15).inflate(&mut &packed[..], &mut memory, &mut end).unwrap();
            String::from_utf8(memory[..end].to_vec()).unwrap()
        } else {
            String::from_utf8_lossy(payload).into_owned()
        });
        rest = next;
    }
    (messages, is_any)
}

/// Asks, and has a compressed answer.
async fn asks(raw: &mut Raw) {
    let words = "la ".repeat(700);
    raw.send(compressed(&format!("421[\"ask\",\"{words}\"]"))).await;
    let answer = format!("431[\"{words}\"]");
    while !messages(&raw.received).0.contains(&answer) {
        assert!(raw.read().await, "the end instead of an answer");
    }
    assert!(messages(&raw.received).1);
}

async fn a_session_that_begins_on_a_websocket(host: Host) {
    let served = host.serve(Config::new().compression(Compression::new())).await;
    let mut raw = Raw::connect(served.address).await;
    let opened = raw.ask(handshake("GET", "EIO=4&transport=websocket", OFFER)).await;
    assert_eq!((opened.status(), opened.field("sec-websocket-extensions")), (101, Some(ANSWER)));
    raw.send(text("40")).await;
    asks(&mut raw).await;
}

async fn a_session_that_moves_there(host: Host) {
    let served = host.serve(Config::new().compression(Compression::new())).await;
    let mut polling = Raw::connect(served.address).await;
    let sid = polling.open().await;
    let mut raw = Raw::connect(served.address).await;
    let opened = raw.ask(handshake("GET", &format!("EIO=4&transport=websocket&sid={sid}"), OFFER)).await;
    assert_eq!((opened.status(), opened.field("sec-websocket-extensions")), (101, Some(ANSWER)));
    // The probe may be compressed as well.
    raw.send(compressed("2probe")).await;
    raw.until_text("3probe").await;
    raw.send(text("5")).await;
    asks(&mut raw).await;
}

async fn who_is_not_asked_or_does_not_offer(host: Host) {
    for (config, offer) in [(Config::new().compression(Compression::new()), &[][..]), (Config::new(), OFFER)] {
        let served = host.serve(config).await;
        let mut raw = Raw::connect(served.address).await;
        let opened = raw.ask(handshake("GET", "EIO=4&transport=websocket", offer)).await;
        assert_eq!((opened.status(), opened.field("sec-websocket-extensions")), (101, None));
        raw.send([text("40"), text("421[\"ask\",7]")].concat()).await;
        raw.until_text("431[7]").await;
    }
}

for_each_host! { a_session_that_begins_on_a_websocket a_session_that_moves_there who_is_not_asked_or_does_not_offer }
