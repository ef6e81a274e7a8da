//! A client's link over a WebSocket.

use sansocket::{
    deflate::{Deflate, Tier},
    endpoint::{
        Grow, What,
        client::{Config, Failure, Line, Link, Task, WebSocketLink},
    },
    engineio::{Client, Event, Message, SendError, Sink, client::Source},
    time::Instant,
    ws::{Compression, Deflater, Inbox, Inflating, Outbox, WithDeflater, accept_key},
};

const WS: Line = Line::WebSocket;
pub const NOW: Instant = Instant::from_millis(0);
pub const OPEN: &[u8] = br#"0{"sid":"S1","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}"#;

pub type Keys = fn() -> [u8; 4];
pub type Sending = Outbox<Vec<u8>, WithDeflater<Keys, Vec<u8>>>;
pub type Memory = Inbox<Inflating<Vec<u8>, Vec<u8>>>;

struct Nothing;
impl Source for Nothing {
    fn forward<O: Sink<Client>>(&mut self, _: &mut O) -> Result<bool, SendError> {
        Ok(false)
    }
}

pub fn outbox() -> Sending {
    let deflater = Deflater::new(Tier::TINY, vec![0; Tier::TINY.bytes()]).unwrap().with_threshold(10);
    Outbox::with_keys(vec![0; 2048], (|| [0; 4]) as Keys).with_deflater(deflater).offering(Compression::new())
}

pub fn memory(unpacked: usize) -> Memory {
    Inbox::new(Inflating::new(vec![0; 2048], vec![0; unpacked], None).unwrap())
}

pub fn switching(extensions: &str) -> Vec<u8> {
    let accept = accept_key(b"dGhlIHNhbXBsZSBub25jZQ==").unwrap();
    let head =
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ";
    [&head[..], &accept, b"\r\n", extensions.as_bytes(), b"\r\n"].concat()
}

pub fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    assert!(payload.len() < 126);
    [&[first, payload.len() as u8], payload].concat()
}

pub fn packed(text: &[u8]) -> Vec<u8> {
    let mut deflate = Deflate::new(Tier::TINY, vec![0; Tier::TINY.bytes()]).unwrap();
    let mut out = vec![0; 2000];
    let n = deflate.compress(text, true, &mut out).unwrap();
    frame(0xc1, &out[..n])
}

pub fn feed(inbox: &mut Memory, bytes: &[u8]) {
    inbox.space().unwrap()[..bytes.len()].copy_from_slice(bytes);
    inbox.commit(bytes.len());
}

/// Opens a line of a link that was started, and returns its request.
fn begin(link: &mut WebSocketLink<'_>, inbox: &mut Memory, outbox: &mut Sending) -> String {
    link.start(NOW);
    while link.poll_task() != Some(Task::Open(WS)) {}
    link.opened(WS, inbox, outbox, *b"the sample nonce");
    link.transmit(WS, outbox, &mut Nothing, NOW, &mut |_| {}).unwrap();
    let request = String::from_utf8(outbox.written().to_vec()).unwrap();
    outbox.consume(usize::MAX);
    request
}

/// The messages that are there.
fn told(link: &mut WebSocketLink<'_>, inbox: &mut Memory) -> Result<Vec<Vec<u8>>, Grow> {
    let mut all = Vec::new();
    while link.advance(WS, inbox, NOW, &mut |_| {})? {
        match link.take(WS, inbox, NOW) {
            Some(Event::Message(Message::Text(text))) => all.push(text.to_vec()),
            Some(Event::Opened) => all.push(b"opened".to_vec()),
            other => panic!("{other:?}"),
        }
    }
    Ok(all)
}

/// Whole and at each cut: what does not fit when it is unpacked is left out, and what comes behind it is told.
#[test]
fn a_message_that_does_not_fit_when_unpacked_is_left_out() {
    let config = Config::parse("ws://h").unwrap();
    let wire = [frame(0x81, b"4before"), packed(&[b'4'; 600]), packed(b"4behind")].concat();
    for answer in ["; server_no_context_takeover", "; server_max_window_bits=8"] {
        for cut in 0..=wire.len() {
            let (mut link, mut inbox, mut outbox) = (WebSocketLink::new(&config), memory(320), outbox());
            begin(&mut link, &mut inbox, &mut outbox);
            let extension =
                format!("Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=8{answer}\r\n");
            let extension = extension.replace("bits=8; server_max_window_bits=8", "bits=8");
            feed(&mut inbox, &[switching(&extension), frame(0x81, OPEN)].concat());
            assert_eq!(told(&mut link, &mut inbox).unwrap(), [b"opened"]);
            let mut all = Vec::new();
            let mut grown = 0;
            for piece in [&wire[..cut], &wire[cut..]] {
                feed(&mut inbox, piece);
                loop {
                    let found = link.advance(WS, &mut inbox, NOW, &mut |_| {});
                    match found {
                        Ok(true) => {
                            let Some(Event::Message(Message::Text(text))) = link.take(WS, &mut inbox, NOW) else {
                                panic!()
                            };
                            all.push(text.to_vec());
                        }
                        Ok(false) => break,
                        Err(grow) => {
                            assert_eq!(grow.what, What::Unpacked);
                            grown += 1;
                            assert!(link.skip_message(WS, &mut inbox), "a message is arriving, cut {cut}");
                        }
                    }
                }
                assert!(!link.skip_message(Line::Get, &mut inbox));
            }
            assert_eq!((grown, all), (1, vec![b"before".to_vec(), b"behind".to_vec()]), "cut {cut}");
            assert!(!link.skip_message(WS, &mut inbox), "none is arriving");
            assert!(link.is_open());
        }
    }
}

/// The memory to unpack in was exchanged for a short one during the handshake. It grows, and nothing is lost.
#[test]
fn an_answer_waits_for_the_memory_that_it_needs() {
    let config = Config::parse("ws://h").unwrap();
    let (mut link, mut inbox, mut outbox) = (WebSocketLink::new(&config), memory(5120), outbox());
    let request = begin(&mut link, &mut inbox, &mut outbox);
    assert!(request.contains("server_max_window_bits=12"), "{request}");
    assert!(inbox.replace_unpacked(Vec::new()).is_ok(), "nothing is agreed yet");
    let answer = switching("Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=12\r\n");
    feed(&mut inbox, &[answer, packed(OPEN), frame(0x81, b"4hi")].concat());
    for _ in 0..2 {
        assert_eq!(told(&mut link, &mut inbox), Err(Grow { what: What::Unpacked, to: 5120 }));
    }
    assert!(inbox.replace_unpacked(vec![0; 5120]).is_ok());
    assert_eq!(told(&mut link, &mut inbox).unwrap(), [b"opened".to_vec(), b"hi".to_vec()]);
    assert_eq!(link.failure(), None::<Failure>);
}
