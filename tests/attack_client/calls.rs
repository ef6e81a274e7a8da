//! Cuts at every byte, and hosts with little memory.

use crate::host::{B, Host, ROOT, answer, at, config, frame, full_with, open_packet, switching, websocket};
use sansocket::{
    endpoint::{
        What,
        client::{Emit, FullLink, Line, WebSocketLink},
    },
    engineio::Transport,
    time::Instant,
    ws::Outbox,
};

/// What a server says over polling, an answer for each request.
fn polled() -> Vec<(Line, Vec<u8>)> {
    let chunks = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\
        5;a=\"b\"\r\n42[\"e\r\n4\r\n\",\"x\r\n2\r\n\"]\r\n0\r\nA: b\r\n\r\n";
    let open = open_packet("[]");
    vec![
        (
            Line::Get,
            [b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 x\r\nLink: y\r\n\r\n".to_vec(), answer(&open)].concat(),
        ),
        (Line::Post, answer("ok")),
        (
            Line::Get,
            answer(
                "40{\"sid\":\"x\",\"pid\":\"p\"}\x1e2\x1e451-[\"f\",{\"_placeholder\":true,\"num\":0}]\x1ebAQIDBA==\x1e6",
            ),
        ),
        (Line::Post, b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nok".to_vec()),
        (Line::Get, chunks.as_bytes().to_vec()),
        (Line::Get, answer("430[1]\x1e461-1[{\"_placeholder\":true,\"num\":0}]\x1eb\x1e42[\"last\"]")),
        (
            Line::Get,
            b"HTTP/1.1 400 Bad Request\r\nContent-Length: 42\r\n\r\n{\"code\":1,\"message\":\"Session ID unknown\"}\n"
                .to_vec(),
        ),
    ]
}

fn play_polled(cut: usize, inbox: usize) -> Vec<String> {
    let mut h = Host::new(FullLink::new(config("http://h", &[Transport::Polling])), [4, 3, 512], [inbox, 256, 0]);
    h.client.connect(ROOT, at(0)).unwrap();
    for token in 0..3 {
        h.client.emit_with(ROOT, "q", &token, Emit::new().ask(token, None)).unwrap();
    }
    h.turn();
    let mut left = cut;
    for (line, bytes) in polled() {
        if line == Line::Post && bytes.starts_with(b"HTTP/1.1 200 OK\r\nConnection") {
            let at = left.min(bytes.len());
            h.feed(line, &bytes[..at]);
            h.feed(line, &bytes[at..]);
            h.end(line, false);
        } else {
            let at = left.min(bytes.len());
            h.feed(line, &bytes[..at]);
            h.feed(line, &bytes[at..]);
        }
        left = left.saturating_sub(bytes.len());
    }
    h.log()
}

#[test]
fn any_cut_of_what_a_server_says_over_polling_gives_the_same() {
    let all: usize = polled().iter().map(|(_, bytes)| bytes.len()).sum();
    let whole = play_polled(0, 4096);
    assert!(whole.iter().any(|l| l == "ack Some(1) {\"_placeholder\":true,\"num\":0} file"), "{whole:?}");
    for cut in 0..all {
        for inbox in [0, 16, 4096] {
            assert_eq!(play_polled(cut, inbox), whole, "{cut} {inbox}");
        }
    }
}

#[test]
fn a_server_that_ends_at_any_byte_over_polling_is_left_once() {
    let all: usize = polled().iter().map(|(_, bytes)| bytes.len()).sum();
    for cut in 0..=all {
        for is_error in [true, false] {
            for ended in [Line::Get, Line::Post] {
                let mut h = full_with(&[Transport::Polling]);
                h.client.connect(ROOT, at(0)).unwrap();
                for token in 0..3 {
                    h.client.emit_with(ROOT, "q", &token, Emit::new().ask(token, None)).unwrap();
                }
                h.turn();
                let mut left = cut;
                for (line, bytes) in polled() {
                    let at = left.min(bytes.len());
                    h.feed(line, &bytes[..at]);
                    if at < bytes.len() {
                        h.end(ended, is_error);
                        break;
                    }
                    left -= at;
                }
                h.client.close();
                h.turn();
                h.now += 200_000;
                h.turn();
                h.now += 3_000;
                h.turn();
                let log = h.log();
                let count = |what: &str| log.iter().filter(|l| l.starts_with(what)).count();
                assert_eq!(count("over"), 1, "{cut} {log:?}");
                assert_eq!(count("connected"), count("left"), "{cut} {log:?}");
                assert!(count("failed") <= 1 && count("opened") <= 1, "{cut} {log:?}");
                assert_eq!(h.client.poll_timeout(), None);
                // Each question ended, or waits for the next connection.
                let ended = count("ack Some") + count("no ack");
                assert!(ended == 3 || (ended == 0 && h.client.held() > 0), "{cut} {log:?}");
            }
        }
    }
}

/// What a server says over a WebSocket, in three parts, behind each of which it hears the client.
fn spoken() -> [Vec<u8>; 3] {
    let open = [switching(), frame(&open_packet("[]"))].concat();
    let accept = [
        frame("40/b,{\"sid\":\"x\"}"),
        b"\x89\x01a".to_vec(),
        frame("2"),
        b"\x01\x0342[".to_vec(),
        b"\x80\x04\"e\"]".to_vec(),
        frame("40{\"sid\":\"x\"}"),
    ]
    .concat();
    let rest = [
        frame("430[]"),
        // This one was not asked for in `/b`.
        frame("461-/b,1[{\"_placeholder\":true,\"num\":0}]"),
        b"\x82\x03abc".to_vec(),
        frame("461-1[{\"_placeholder\":true,\"num\":0}]"),
        b"\x82\x03abc".to_vec(),
        frame("451-/b,7[\"f\",{\"_placeholder\":true,\"num\":0}]"),
        b"\x82\x00".to_vec(),
        b"\x88\x02\x03\xe8".to_vec(),
    ]
    .concat();
    [open, accept, rest]
}

#[test]
fn any_cut_of_what_a_server_says_over_a_websocket_gives_the_same() {
    let play = |mut cut: usize, sizes: [usize; 3]| {
        let mut h = Host::new(WebSocketLink::new(config("ws://h", &[])), [4, 3, 512], sizes);
        for namespace in [ROOT, B] {
            h.client.connect(namespace, at(0)).unwrap();
        }
        for token in 0..3 {
            h.client.emit_with(ROOT, "q", &token, Emit::new().ask(token, None)).unwrap();
        }
        h.turn();
        for bytes in spoken() {
            let at = cut.min(bytes.len());
            h.feed(Line::WebSocket, &bytes[..at]);
            h.feed(Line::WebSocket, &bytes[at..]);
            cut -= at;
        }
        h.log()
    };
    let whole = play(0, [4096, 4096, 4096]);
    assert_eq!(whole.iter().filter(|l| l.starts_with("ack Some")).count(), 2, "{whole:?}");
    for cut in 0..spoken().concat().len() {
        for sizes in [[0, 0, 0], [16, 256, 8], [4096; 3]] {
            assert_eq!(play(cut, sizes), whole, "{cut} {sizes:?}");
        }
    }
}

#[test]
fn a_refused_transmit_changes_nothing_that_matters() {
    let mut h = full_with(&[Transport::Polling]);
    h.client.connect(ROOT, at(0)).unwrap();
    h.turn();
    h.feed(Line::Get, &answer(&open_packet("[]")));
    h.feed(Line::Post, &answer("ok"));
    h.feed(Line::Get, &answer("40{\"sid\":\"x\"}"));
    h.client.emit_with(ROOT, "r", &1, Emit::new().ask(1, None).retry(1, 50)).unwrap();
    h.client.emit_with(ROOT, "e", &2, Emit::new().ask(2, None)).unwrap();
    let copy = h.client.clone();
    for size in 0..200 {
        let mut outbox = Outbox::with_keys(vec![0; size], (|| [0; 4]) as fn() -> [u8; 4]);
        let mut client = copy.clone();
        for _ in 0..3 {
            match client.transmit(Line::Post, &mut outbox, at(0)) {
                Ok(()) => assert!(!outbox.is_empty()),
                Err(grow) => {
                    assert!(grow.what == What::Output && grow.to > size && outbox.is_empty());
                    assert_eq!(client.held(), copy.held());
                    assert_eq!(format!("{:?}", client.link()), format!("{:?}", copy.link()));
                }
            }
        }
    }
    // With all that is needed everything is sent once.
    h.turn();
    let sent = h.sent_text(Line::Post);
    assert_eq!((sent.matches("[\"r\",1]").count(), sent.matches("[\"e\",2]").count()), (1, 1), "{sent}");
}

#[test]
fn no_slots_at_all() {
    let mut h = Host::new(WebSocketLink::new(config("ws://h", &[])), [0, 0, 0], [0, 0, 0]);
    assert!(h.client.connect(ROOT, at(0)).is_err());
    assert!(h.client.emit(ROOT, "x", &()).is_err());
    assert!(h.client.emit_with(ROOT, "x", &(), Emit::new().ask(1, None)).is_err());
    assert!(h.client.emit_with(ROOT, "x", &(), Emit::new().retry(1, 1)).is_err());
    assert_eq!(h.client.emit_with(ROOT, "x", &(), Emit::new().volatile()), Ok(false));
    h.client.disconnect(ROOT);
    h.client.close();
    h.turn();
    assert_eq!((h.client.poll_timeout(), h.log()), (None, vec![]));
}

#[test]
fn the_far_future() {
    let mut h = websocket();
    h.client.connect(ROOT, at(0)).unwrap();
    h.open_websocket();
    h.text("40{\"sid\":\"y\"}");
    h.client.emit_with(ROOT, "q", &(), Emit::new().ask(1, Some(Instant::FAR_FUTURE))).unwrap();
    h.client.emit_with(ROOT, "q", &(), Emit::new().ask(2, Some(at(0)))).unwrap();
    h.turn();
    h.now = u64::MAX - 1;
    h.poll_all();
    h.now = 0;
    h.poll_all();
    let log = h.log();
    assert_eq!(log.iter().filter(|l| l.starts_with("no ack")).count(), 2, "{log:?}");
}
