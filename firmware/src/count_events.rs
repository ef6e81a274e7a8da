//! Counts the instructions of Socket.IO: a client and a server that are connected send an event to each other.

use crate::count::{DIGEST, check, count, feed, some};
use core::hint::black_box;
use sansocket::{
    endpoint::{
        self, ServerEnd,
        client::{ClientEnd, Config, Line, Memory, Step, WebSocketLink},
    },
    engineio::{self, Transport, server},
    http::Request,
    json::Raw,
    socketio::{AckSlot, Collector, Namespace, Sid, client::Event, client::SocketSlot, server::Event as Asked},
    time::Instant,
    ws::{Accept, Inbox, Limits, Out, Outbox},
};

const ROOT: Namespace = Namespace(0);
const NOW: Instant = Instant::from_millis(1);
const ARGS: &[u8] = br#"{"user":"alice","text":"hello world","n":12345}"#;

struct Client<'c> {
    end: ClientEnd<WebSocketLink<'c>, [&'static str; 1], [AckSlot; 1], [SocketSlot; 1], [u8; 256]>,
    inbox: Inbox<[u8; 512]>,
    outbox: Outbox<[u8; 512], fn() -> [u8; 4]>,
    files: Collector<[u8; 0]>,
}

struct Server {
    end: ServerEnd<[&'static str; 1], [AckSlot; 1]>,
    inbox: Inbox<[u8; 512]>,
    files: Collector<[u8; 0]>,
    tx: [u8; 512],
    len: usize,
}

impl Client<'_> {
    /// Until nothing is left to do. `true`: the event has come, with its arguments.
    #[inline(never)]
    fn turn(&mut self) -> bool {
        let mut has_come = false;
        loop {
            let step = match self.end.poll(Line::WebSocket, &mut self.inbox, &mut self.files, NOW) {
                Ok(Step::Idle) => self.end.handle_timeout(NOW),
                Ok(step) => step,
                Err(_) => return false,
            };
            match step {
                Step::Idle => break,
                Step::Open(line) => self.end.opened(line, &mut self.inbox, &mut self.outbox, [7; 16]),
                Step::Event(Event::Event(e), _) => has_come = e.is("said") && e.args().raw() == ARGS,
                _ => {}
            }
        }
        self.end.transmit(Line::WebSocket, &mut self.outbox, NOW).is_ok() && has_come
    }
}

impl Server {
    /// As that of the client.
    #[inline(never)]
    fn turn(&mut self) -> bool {
        let mut has_come = false;
        let Ok(n) = self.end.transmit(&mut self.tx) else { return false };
        self.len = n;
        loop {
            let Ok(step) = self.end.poll(&mut self.inbox, &mut self.files, NOW) else { return false };
            match step {
                endpoint::Step::Idle => return has_come,
                endpoint::Step::Event(Asked::Connect { namespace, .. }, _) => {
                    let mut out = Out::stored(self.tx.get_mut(self.len..).unwrap_or_default());
                    if self.end.io().accept(namespace, Sid::from_random([2; 15]), &mut out).is_err() {
                        return false;
                    }
                    self.len = self.len.wrapping_add(out.written().len());
                }
                endpoint::Step::Event(Asked::Event(e), _) => has_come = e.is("say") && e.args().raw() == ARGS,
                _ => {}
            }
        }
    }
}

/// Lets the client and the server join.
#[inline(never)]
fn join(client: &mut Client<'_>, server: &mut Server) {
    check(client.end.connect(ROOT, NOW).is_ok());
    client.turn();
    let request = some(Request::parse(client.outbox.written()).ok());
    let accept = some(Accept::check(&request).ok());
    server.len = some(accept.write_with(|_| DIGEST, &[], &mut server.tx).ok());
    client.outbox.consume(usize::MAX);
    for _ in 0..3 {
        feed(&mut client.inbox, some(server.tx.get(..server.len)));
        client.turn();
        feed(&mut server.inbox, client.outbox.written());
        client.outbox.consume(usize::MAX);
        server.turn();
    }
    check(client.end.io().is_connected(ROOT));
}

pub fn count_all() {
    let config = some(Config::parse_with("ws://server.example.com", |_| DIGEST).ok());
    let memory = Memory { acks: [AckSlot::EMPTY; 1], sockets: [SocketSlot::EMPTY; 1], backlog: [0; 256] };
    let mut client = Client {
        end: ClientEnd::new(WebSocketLink::new(&config), ["/"], memory, 1),
        inbox: Inbox::new([0; 512]),
        outbox: Outbox::with_keys([0; 512], || [1, 2, 3, 4]),
        files: Collector::new([]),
    };
    let sid = engineio::Sid::from_random([1; 15]);
    let acks = [AckSlot::EMPTY; 1];
    let mut server = Server {
        end: ServerEnd::open(Transport::WebSocket, sid, server::Config::new(), Limits::new(), ["/"], acks, NOW),
        inbox: Inbox::new([0; 512]),
        files: Collector::new([]),
        tx: [0; 512],
        len: 0,
    };
    join(&mut client, &mut server);
    let args = some(Raw::new(ARGS).ok());

    let sent = count("event out of a client", || {
        let sent = client.end.emit(ROOT, black_box("say"), black_box(&args));
        client.turn();
        sent
    });
    check(sent.is_ok());
    feed(&mut server.inbox, client.outbox.written());
    client.outbox.consume(usize::MAX);
    check(count("event into a server", || server.turn()));
    let mut out = Out::stored(&mut server.tx);
    let sent = count("event out of a server", || {
        server.end.io().emit(ROOT, black_box("said"), black_box(&args), None, &mut out)
    });
    check(sent.is_ok());
    feed(&mut client.inbox, out.written());
    check(count("event into a client", || client.turn()));
}
