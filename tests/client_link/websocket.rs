use crate::host::{Host, NONCE, at, config, frame, leak, masked, open_packet, switching};
use sansocket::{
    endpoint::client::{Failure, Line, Link, Task, WebSocketLink},
    engineio::Transport,
    ws::{CloseCode, Connect, Inbox},
};

const WS: Line = Line::WebSocket;

fn link(url: &'static str) -> WebSocketLink<'static> {
    WebSocketLink::new(leak(config(url)))
}

fn opened() -> Host<WebSocketLink<'static>> {
    let mut host = Host::new(link("ws://h"));
    host.start();
    host.feed(WS, &[switching(), frame(&open_packet(""))].concat());
    host.sent(WS);
    assert_eq!(host.told, ["opened"]);
    host
}

#[test]
fn the_request_names_path_query_host_and_fields() {
    let config = config("https://h:8443/admin?a=1&b=2")
        .path("/x/")
        .query("token=t%20t")
        .fields(&[("Cookie", b"c=d"), ("Origin", b"https://o")]);
    let mut host = Host::with_memory(WebSocketLink::new(leak(config)), 0, 0);
    assert!(host.link.is_over() && !host.link.is_open() && host.link.poll_timeout().is_none());
    host.start();
    assert_eq!(host.tasks, [Task::Open(WS)]);
    assert_eq!(
        host.sent_text(WS),
        "GET /x/?a=1&b=2&token=t%20t&EIO=4&transport=websocket HTTP/1.1\r\nHost: h:8443\r\nUpgrade: websocket\r\n\
         Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nCookie: c=d\r\n\
         Origin: https://o\r\n\r\n"
    );
    // As `Connect` writes it, but for the order.
    let mut memory = [0; 512];
    let n =
        Connect::new("h:8443", "/x/?a=1&b=2&token=t%20t&EIO=4&transport=websocket", NONCE).write(&mut memory).unwrap();
    let text = String::from_utf8_lossy(&memory[..n]).into_owned();
    let mut host = Host::new(WebSocketLink::new(leak(
        crate::host::config("http://h:8443?a=1&b=2").path("/x/").query("token=t%20t"),
    )));
    host.start();
    let sorted = |text: &str| {
        let mut lines: Vec<_> = text.split("\r\n").map(str::to_owned).collect();
        lines.sort();
        lines
    };
    assert_eq!(sorted(&host.sent_text(WS)), sorted(&text));
}

/// Any cut of the bytes of a whole dialogue, and memory of any size, gives the same events and the same answers.
#[test]
fn any_cut_of_a_dialogue_gives_the_same() {
    let dialogue = [
        b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n".to_vec(),
        switching(),
        frame(&open_packet("")),
        frame("40{\"sid\":\"a\"}"),
        frame("2"),
        b"\x89\x02hi".to_vec(),
        b"\x01\x024a\x80\x03bcd".to_vec(),
        b"\x82\x03\x01\x02\x03".to_vec(),
        frame(&format!("4{}", "x".repeat(300))),
        frame("bBAUG"),
        b"\x88\x02\x03\xe8".to_vec(),
        b"rubbish".to_vec(),
    ]
    .concat();
    let run = |pieces: &[&[u8]], memory: usize| {
        let mut host = Host::with_memory(link("ws://h"), memory, memory);
        host.queue.0.extend([b"before".to_vec(), b"\0\x07\x08".to_vec()]);
        host.start();
        for piece in pieces {
            host.feed(WS, piece);
        }
        (host.told.clone(), host.sent(WS), host.failure(), host.seen.clone(), host.tasks.clone())
    };
    let whole = run(&[&dialogue], 4096);
    let long = format!("message {}", "x".repeat(300));
    assert_eq!(
        whole.0,
        [
            "opened",
            "message 0{\"sid\":\"a\"}",
            "message abcd",
            "message [1, 2, 3]",
            &*long,
            "message [4, 5, 6]",
            "closed: transport close"
        ]
    );
    let after = whole.1.windows(4).position(|w| w == b"\r\n\r\n").unwrap() + 4;
    let pong = b"\x8a\x82\0\0\0\0hi".to_vec();
    let close = b"\x88\x82\0\0\0\0\x03\xe8".to_vec();
    assert_eq!(whole.2, Some(Failure::Closed));
    assert_eq!(whole.4, [Task::Open(WS), Task::Close(WS)]);
    assert_eq!(whole.3.iter().filter(|s| s.starts_with('<')).count(), 7);
    let sorted = |bytes: &[u8]| {
        let mut bytes = bytes.to_vec();
        bytes.sort_unstable();
        bytes
    };
    let all = [masked("4before"), b"\x82\x82\0\0\0\0\x07\x08".to_vec(), masked("3"), pong, close.clone()].concat();
    for cut in 0..dialogue.len() {
        for memory in [0, 1, 40] {
            let (front, back) = dialogue.split_at(cut);
            let cut_up = run(&[front, back], memory);
            assert_eq!((&cut_up.0, cut_up.2, &cut_up.4), (&whole.0, whole.2, &whole.4), "{cut}");
            assert!(cut_up.1.ends_with(&close), "{cut}");
            // How many messages go out before the server closes depends on the cut.
            assert!(cut_up.1.len() <= after + all.len());
        }
    }
    let bytes: Vec<&[u8]> = dialogue.chunks(1).collect();
    let slow = run(&bytes, 0);
    assert_eq!((slow.0, slow.2), (whole.0, whole.2));
    assert_eq!(sorted(&slow.1[after..]), sorted(&all));
    assert!(slow.3.contains(&"> pong".to_owned()) && slow.3.contains(&"> before".to_owned()), "{:?}", slow.3);
}

#[test]
fn close_sends_a_close_frame_and_waits_for_the_answer() {
    let mut host = opened();
    host.send(&["last"]);
    host.link.close(at(0));
    host.turn();
    assert_eq!(host.told, ["opened", "closed: forced close"]);
    assert_eq!(host.sent(WS), [masked("4last"), b"\x88\x80\0\0\0\0".to_vec()].concat());
    assert!(host.link.is_over() && !host.link.is_open() && host.failure().is_none());
    assert_eq!((host.tasks.len(), host.link.poll_timeout()), (1, Some(at(2000))));
    // What the server sent before its close frame is not told any more.
    host.feed(WS, &[frame("4late"), b"\x88\x00".to_vec()].concat());
    assert_eq!(host.tasks, [Task::Open(WS), Task::Close(WS)]);
    assert_eq!((host.told.len(), host.link.poll_timeout()), (2, None));

    // A server that does not answer.
    let mut host = opened();
    host.link.close(at(0));
    host.turn();
    host.wait(1999);
    assert_eq!(host.tasks.len(), 1);
    host.wait(1);
    assert_eq!(host.tasks, [Task::Open(WS), Task::Close(WS)]);
    // One that ends the line.
    let mut host = opened();
    host.link.close(at(0));
    host.turn();
    host.eof(WS);
    assert_eq!((host.tasks.len(), host.link.poll_timeout(), host.failure()), (2, None, None));

    // Before the handshake is done.
    let mut host = Host::new(link("ws://h"));
    host.start();
    host.link.close(at(0));
    host.turn();
    assert_eq!(
        (host.told, host.tasks),
        (vec!["closed: forced close".to_owned()], vec![Task::Open(WS), Task::Close(WS)])
    );
    assert!(host.link.failure().is_none() && !host.link.is_open());
}

#[test]
fn a_link_is_used_again_and_again() {
    let mut host = opened();
    // The end of the old connection lies in the memory.
    host.feed(WS, b"\x81\x05part");
    host.queue.0.push_back(vec![b'x'; 60]);
    host.takes = 1;
    host.turn();
    host.eof(WS);
    assert_eq!(host.told, ["opened", "closed: transport close"]);
    assert_eq!(host.failure(), Some(Failure::Closed));
    host.takes = usize::MAX;
    host.now = 5000;
    host.start();
    assert!(!host.link.is_over() && host.failure().is_none());
    assert!(host.sent_text(WS).starts_with("GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\n"));
    host.feed(WS, &[switching(), frame(&open_packet("")), frame("4again")].concat());
    assert_eq!(host.told[2..], ["opened", "message again"]);
    // A start over an open line closes that first.
    host.start();
    assert_eq!(host.tasks[2..], [Task::Open(WS), Task::Close(WS), Task::Open(WS)]);
    assert_eq!(host.link.transport(), Transport::WebSocket);
}

#[test]
fn it_is_writable_while_the_outbox_has_room() {
    let mut host = Host::new(link("ws://h"));
    host.start();
    assert!(!host.link.is_writable());
    host.feed(WS, &switching());
    assert!(!host.link.is_writable());
    host.feed(WS, &frame(&open_packet("")));
    assert!(host.link.is_writable() && host.link.is_open());
    host.takes = 0;
    let long = "x".repeat(150);
    host.send(&[&long, &long]);
    assert!(!host.link.is_writable(), "the second one waits");
    assert_eq!(host.queue.0.len(), 1);
    host.takes = usize::MAX;
    host.turn();
    assert!(host.link.is_writable() && host.queue.0.is_empty());
}

#[test]
fn a_missing_ping_ends_it() {
    let mut host = opened();
    assert_eq!(host.link.poll_timeout(), Some(at(45_000)));
    host.wait(44_999);
    assert!(host.link.is_open());
    host.wait(1);
    assert_eq!((host.told[1].as_str(), host.failure()), ("closed: ping timeout", Some(Failure::PingTimeout)));
    assert_eq!(host.sent(WS), b"\x88\x80\0\0\0\0");
    host.wait(2000);
    assert_eq!(host.tasks, [Task::Open(WS), Task::Close(WS)]);
    assert_eq!(CloseCode::NO_STATUS, CloseCode(1005));
}

/// Whole and at each cut: what does not fit is left out, and what comes behind it is told.
#[test]
fn a_message_that_does_not_fit_is_left_out() {
    let wire = [frame("4before"), frame(&"4".repeat(600)), frame("4behind")].concat();
    for cut in 0..=wire.len() {
        let mut link = opened().link;
        let mut inbox = Inbox::new([0; 256]);
        let (mut told, mut needed) = (Vec::new(), Vec::new());
        for mut rest in [&wire[..cut], &wire[cut..]] {
            while !rest.is_empty() {
                let space = inbox.space().unwrap();
                let n = space.len().min(rest.len());
                space[..n].copy_from_slice(&rest[..n]);
                inbox.commit(n);
                rest = &rest[n..];
                loop {
                    match link.advance(WS, &mut inbox, at(1), &mut |_| {}) {
                        Ok(false) => break,
                        Ok(true) => told.push(format!("{:?}", link.take(WS, &mut inbox, at(1)))),
                        Err(grow) => {
                            assert!(needed.is_empty(), "it is still there");
                            needed.push(grow.to);
                            assert!(!link.skip_message(Line::Get, &mut inbox) && link.skip_message(WS, &mut inbox));
                        }
                    }
                }
            }
        }
        assert_eq!(needed, [600], "the exact size, once; cut at {cut}");
        assert!(told.len() == 2 && link.is_open(), "{told:?} cut at {cut}");
    }
}

#[test]
fn the_answer_to_the_handshake_is_no_message() {
    let mut host = Host::new(link("ws://h"));
    host.start();
    let mut inbox = Inbox::new([0; 8]);
    assert!(!host.link.skip_message(WS, &mut inbox));
    inbox.space().unwrap().copy_from_slice(b"HTTP/1.1");
    inbox.commit(8);
    assert!(host.link.advance(WS, &mut inbox, at(1), &mut |_| {}).is_err());
    assert!(!host.link.skip_message(WS, &mut inbox));
    assert!(host.link.advance(WS, &mut inbox, at(1), &mut |_| {}).is_err(), "nothing was changed");
}
