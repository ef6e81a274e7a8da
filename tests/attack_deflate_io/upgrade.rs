//! A session that moves from polling to a WebSocket that compresses, or does not get there.

use super::link::{Memory, NOW, OPEN, Sending, frame, memory, outbox, packed, switching};
use sansocket::{
    endpoint::client::{Config, FullLink, Line, Link, Task},
    engineio::{Client, Event, Message, SendError, Sink, Transport, client::Source},
    ws::{Compression, Connection, Inbox, Incoming, Inflating, Limits},
};

const WS: Line = Line::WebSocket;

/// Texts that wait.
struct Queue(Vec<Vec<u8>>);

impl Source for Queue {
    fn forward<O: Sink<Client>>(&mut self, out: &mut O) -> Result<bool, SendError> {
        let Some(next) = self.0.first() else { return Ok(false) };
        out.text(|w| w.push(next), std::iter::empty::<&[u8]>())?;
        self.0.remove(0);
        Ok(true)
    }
}

struct Host<'c> {
    link: FullLink<'c>,
    wires: [(Memory, Sending, bool); 3],
    queue: Queue,
    told: Vec<Vec<u8>>,
}

impl<'c> Host<'c> {
    fn new(config: &'c Config<'c>) -> Self {
        let wires = [0; 3].map(|_| (memory(5120), outbox(), false));
        Self { link: FullLink::new(config), wires, queue: Queue(Vec::new()), told: Vec::new() }
    }

    fn turn(&mut self) {
        for _ in 0..20 {
            while let Some(task) = self.link.poll_task() {
                match task {
                    Task::Open(line) => {
                        let (inbox, outbox, is_open) = &mut self.wires[line as usize];
                        *is_open = true;
                        self.link.opened(line, inbox, outbox, *b"the sample nonce");
                    }
                    Task::Close(line) => self.wires[line as usize].2 = false,
                }
            }
            for line in Line::ALL {
                let (inbox, outbox, is_open) = &mut self.wires[line as usize];
                while self.link.advance(line, inbox, NOW, &mut |_| {}).unwrap() {
                    match self.link.take(line, inbox, NOW) {
                        Some(Event::Message(Message::Text(text))) => self.told.push(text.to_vec()),
                        Some(Event::Opened) => self.told.push(b"opened".to_vec()),
                        other => panic!("{other:?}"),
                    }
                }
                if *is_open {
                    self.link.transmit(line, outbox, &mut self.queue, NOW, &mut |_| {}).unwrap();
                }
            }
        }
    }

    fn feed(&mut self, line: Line, bytes: &[u8]) {
        super::link::feed(&mut self.wires[line as usize].0, bytes);
        self.turn();
    }

    fn sent(&mut self, line: Line) -> Vec<u8> {
        let outbox = &mut self.wires[line as usize].1;
        let sent = outbox.written().to_vec();
        outbox.consume(usize::MAX);
        self.turn();
        sent
    }

    /// Up to the request for the WebSocket, which offers compression.
    fn polling(&mut self) {
        self.link.start(NOW);
        self.turn();
        self.sent(Line::Get);
        let open = String::from_utf8(OPEN.to_vec()).unwrap().replace("[]", "[\"websocket\"]");
        self.feed(Line::Get, &body(open.as_bytes()));
        assert_eq!(std::mem::take(&mut self.told), [b"opened"]);
        assert_eq!(self.link.transport(), Transport::Polling);
        let request = String::from_utf8(self.sent(WS)).unwrap();
        assert!(
            request.contains("Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=12;"),
            "{request}"
        );
    }
}

fn body(bytes: &[u8]) -> Vec<u8> {
    [format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", bytes.len()).as_bytes(), bytes].concat()
}

fn long() -> Vec<u8> {
    b"la la ".repeat(60)
}

/// What a server reads of these frames, and the first byte of the first of them.
fn read(frames: &[u8], compression: Option<&str>) -> (u8, Vec<Vec<u8>>) {
    let offer = compression.map(|value| (&b"sec-websocket-extensions"[..], value.as_bytes()));
    let agreed = offer.and_then(|field| Compression::new().accept([field]));
    let mut ws = Connection::server(Limits::new()).with_compression(agreed);
    let mut inbox = Inbox::new(Inflating::new(vec![0; 5000], vec![0; 50_000], agreed).unwrap());
    inbox.space().unwrap()[..frames.len()].copy_from_slice(frames);
    inbox.commit(frames.len());
    let mut all = Vec::new();
    while let Some(Incoming::Message(message)) = inbox.poll_message(&mut ws).unwrap() {
        all.push(message.as_bytes().to_vec());
    }
    (frames.first().copied().unwrap_or_default(), all)
}

const AGREED: &str = "permessage-deflate; server_max_window_bits=12";

fn answer() -> Vec<u8> {
    switching(&format!("Sec-WebSocket-Extensions: {AGREED}\r\n"))
}

/// The probe may be answered compressed; what comes over polling meanwhile is not, and behind the upgrade all is as agreed.
#[test]
fn behind_an_upgrade_messages_are_compressed() {
    let config = Config::parse("http://h").unwrap();
    for is_agreed in [true, false] {
        let mut host = Host::new(&config);
        host.polling();
        let _ = host.sent(Line::Get);
        host.feed(WS, &if is_agreed { answer() } else { switching("") });
        assert_eq!(read(&host.sent(WS), None), (0x81, vec![b"2probe".to_vec()]));
        host.feed(WS, &if is_agreed { packed(b"3probe") } else { frame(0x81, b"3probe") });
        host.queue.0.push(long());
        host.feed(Line::Get, &body(b"4over polling"));
        assert_eq!(host.link.transport(), Transport::WebSocket, "{is_agreed}");
        let (first, all) = read(&host.sent(WS), is_agreed.then_some(AGREED));
        assert_eq!((first, &all[..]), (0x81, &[b"5".to_vec(), [b"4", &long()[..]].concat()][..]));
        // Alone, and short because of the one before.
        host.queue.0.push(long());
        host.turn();
        let frames = host.sent(WS);
        assert_eq!((frames[0], frames.len() < 100), (if is_agreed { 0xc1 } else { 0x81 }, is_agreed));
        if is_agreed {
            // The stream of this server goes on behind its first message.
            host.feed(WS, &frame(0x81, b"4plain"));
        }
        assert_eq!(host.told[0], b"over polling");
    }
}

/// The WebSocket is lost behind the agreement: the session goes on over polling, and its next one over a WebSocket begins anew.
#[test]
fn an_upgrade_that_fails_leaves_nothing_of_the_agreement() {
    let config = Config::parse("http://h").unwrap();
    for at in 0..3 {
        let mut host = Host::new(&config);
        host.polling();
        if at > 0 {
            host.feed(WS, &answer());
            let _ = host.sent(WS);
        }
        if at > 1 {
            // Half of a compressed message.
            host.feed(WS, &packed(b"3probe")[..5]);
        }
        host.wires[WS as usize].2 = false;
        host.link.handle_eof(WS, NOW);
        host.queue.0.push(long());
        host.turn();
        assert_eq!(host.link.transport(), Transport::Polling);
        let post = host.sent(Line::Post);
        assert!(post.ends_with(&[b"\r\n\r\n4", &long()[..]].concat()), "a body is not compressed");

        // The next session, with a server that does not compress.
        host.link.handle_error(Line::Get, NOW);
        while host.link.handle_timeout(NOW).is_some() {}
        host.wires[Line::Get as usize].2 = false;
        host.wires[Line::Post as usize].2 = false;
        host.told.clear();
        host.polling();
        let _ = host.sent(Line::Get);
        host.feed(WS, &switching(""));
        assert_eq!(read(&host.sent(WS), None).1, [b"2probe"]);
        host.feed(WS, &frame(0x81, b"3probe"));
        host.queue.0.push(long());
        host.feed(Line::Get, &body(b"6"));
        assert_eq!(read(&host.sent(WS), None).1, [b"5".to_vec(), [b"4", &long()[..]].concat()], "{at}");
    }
}
