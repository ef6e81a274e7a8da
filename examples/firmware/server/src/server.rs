//! What the board serves: a page, its state, an echo over WebSocket, and the chat. `chat.rs` has the rooms.
//!
//! There are [`LINES`] connections, and [`SEATS`] of them may be WebSockets. The others fetch the page, or are told that there is no seat.

use crate::{
    chat::{Chat, Guest},
    sha1::sha1,
};
use sansocket::{
    endpoint::{Answer, Ask, Todo, judge},
    engineio::{
        Transport,
        server::{Cors, Origins, Refusal},
    },
    http::{self, HeadScanner, Method, Request, Response, Status},
    time::Instant,
    ws::{Accept, CloseCode, Connection, Inbox, Incoming, KeepAlive, Limits, ReceiveError, Server, Timeouts, refuse},
};

/// WebSockets at a time.
pub const SEATS: usize = 4;
/// Connections at a time.
pub const LINES: usize = SEATS + 3;

/// The longest head of a request, and the memory in which messages are received.
const MEMORY: usize = 1536;
/// The longest message.
pub const MESSAGE: u32 = 1024;
/// More than any packet that a message can lead to.
pub const PACKET: usize = 1280;

/// For the head of a request, and for a browser to fetch what it has asked for.
const HEAD_MS: u64 = 3000;
const PAGE_MS: u64 = 10_000;
/// How long a browser may take nothing while packets wait for it. The others wait too.
const STUCK_MS: u64 = 5000;
/// For a browser to close when the board has.
const ENDING_MS: u64 = 2000;

const PAGE: &str = include_str!("../page.html");
const FULL: &str = "All seats are taken. Please try again when somebody has left.\n";

/// The sockets of a network stack, each known by its number.
pub trait Sockets {
    /// Whether a browser is connected. If the socket is closed, it begins to listen.
    fn accept(&mut self, line: usize) -> bool;
    /// Moves what was received to `memory`; 0: nothing.
    fn receive(&mut self, line: usize, memory: &mut [u8]) -> usize;
    /// Nothing will be received any more.
    fn has_ended(&mut self, line: usize) -> bool;
    /// How many bytes can be sent now. Without end if the connection is lost.
    fn room(&mut self, line: usize) -> usize;
    /// Sends as much as there is room for.
    fn send(&mut self, line: usize, bytes: &[u8]) -> usize;
    /// Ends the connection when all was sent.
    fn close(&mut self, line: usize);
    /// The connection has ended on both sides.
    fn is_over(&mut self, line: usize) -> bool;
    /// Ends the connection at once.
    fn abort(&mut self, line: usize);
}

/// The socket of one connection, those of the others, and memory to write a packet in.
pub struct Wire<'w, S> {
    pub at: usize,
    pub net: &'w mut S,
    pub out: &'w mut [u8],
}

impl<S: Sockets> Wire<'_, S> {
    pub fn room(&mut self) -> usize {
        self.net.room(self.at)
    }

    /// Sends the first `n` bytes of the memory.
    pub fn send(&mut self, n: usize) {
        self.net.send(self.at, self.out.get(..n).unwrap_or_default());
    }

    /// Closes the connection when all was sent.
    fn end(&mut self, now: Instant) -> Option<Talk> {
        self.net.close(self.at);
        Some(Talk::Ending(now.after_millis(ENDING_MS)))
    }

    fn abort(&mut self) -> Option<Talk> {
        self.net.abort(self.at);
        Some(Talk::Closed)
    }

    /// Ends a connection whose browser takes nothing.
    fn give_up(&mut self, stuck: &mut Option<Instant>, now: Instant) -> Option<Talk> {
        if self.room() >= PACKET {
            *stuck = None;
            return None;
        }
        let since = *stuck.get_or_insert(now);
        if now < since.after_millis(STUCK_MS) { None } else { self.abort() }
    }
}

/// What the board does for each connection.
struct Line {
    talk: Talk,
    inbox: Inbox<&'static mut [u8]>,
    /// Since when the browser takes nothing.
    stuck: Option<Instant>,
}

enum Talk {
    Closed,
    /// A request is received.
    Head(HeadScanner, Instant),
    /// The rest of an answer is sent.
    Body(&'static [u8], Instant),
    Echo(Connection<Server>, KeepAlive),
    Chat(Guest),
    /// The board has said its last; until the browser closes.
    Ending(Instant),
}

impl Line {
    const CLOSED: Self = Self { talk: Talk::Closed, inbox: Inbox::new(&mut []), stuck: None };

    const fn is_seated(&self) -> bool {
        matches!(self.talk, Talk::Echo(..) | Talk::Chat(_))
    }
}

/// What the connections receive into, and memory to write packets in.
pub struct Memory {
    received: [[u8; MEMORY]; LINES],
    out: [u8; PACKET],
}

impl Memory {
    pub const fn new() -> Self {
        Self { received: [[0; MEMORY]; LINES], out: [0; PACKET] }
    }
}

/// The connections.
pub struct Lines {
    lines: [Line; LINES],
    /// Whose turn is first.
    first: usize,
    out: &'static mut [u8],
}

impl Lines {
    /// Without memory until [`start`](Self::start).
    pub const fn new() -> Self {
        Self { lines: [const { Line::CLOSED }; LINES], first: 0, out: &mut [] }
    }

    pub fn start(&mut self, memory: &'static mut Memory) {
        self.out = &mut memory.out;
        for (line, received) in self.lines.iter_mut().zip(&mut memory.received) {
            line.inbox = Inbox::new(received);
        }
    }

    /// Does what does not have to wait. `true`: call it again before you sleep. `status` writes the state of the board.
    pub fn turn(
        &mut self,
        chat: &mut Chat,
        net: &mut impl Sockets,
        now: Instant,
        mut status: impl FnMut(usize, &mut [u8]) -> usize,
    ) -> bool {
        let Self { lines, first, out } = self;
        let mut is_changed = false;
        let mut free = SEATS.saturating_sub(lines.iter().filter(|line| line.is_seated()).count());
        // Another one begins each time, or the first would take all the room that becomes free.
        *first = if *first + 1 < LINES { *first + 1 } else { 0 };
        for at in (*first..LINES).chain(0..*first) {
            let Some(line) = lines.get_mut(at) else { continue };
            if !matches!(line.talk, Talk::Closed | Talk::Ending(_))
                && let Ok(space) = line.inbox.space()
            {
                let n = net.receive(at, space);
                line.inbox.commit(n);
                if let Talk::Echo(_, keep) = &mut line.talk
                    && n > 0
                {
                    keep.handle_input(now);
                }
            }
            let wire = Wire { at, net: &mut *net, out: &mut *out };
            if let Some(next) = line.turn(wire, free, chat, now, &mut status) {
                line.talk = next;
                line.stuck = None;
                is_changed = true;
                free = free.saturating_sub(usize::from(line.is_seated()));
            }
        }
        is_changed
    }
}

impl Line {
    /// What the line does next, if that is something else.
    fn turn(
        &mut self,
        mut wire: Wire<'_, impl Sockets>,
        free: usize,
        chat: &mut Chat,
        now: Instant,
        status: &mut impl FnMut(usize, &mut [u8]) -> usize,
    ) -> Option<Talk> {
        let Self { talk, inbox, stuck } = self;
        let at = wire.at;
        match talk {
            Talk::Closed => {
                inbox.reset();
                // One byte less, so that a head that is too long is noticed when the memory is full.
                let limits = http::Limits::new().bytes(MEMORY - 1);
                wire.net.accept(at).then(|| Talk::Head(HeadScanner::new(limits), now.after_millis(HEAD_MS)))
            }
            Talk::Head(scanner, by) => match scanner.scan(inbox.bytes()) {
                Ok(Some(n)) => {
                    let head = inbox.bytes().get(..n).unwrap_or_default();
                    let (next, len) = answer(head, free, chat, now, wire.out, status);
                    inbox.consume(n);
                    wire.send(len);
                    Some(next)
                }
                Ok(None) if now < *by && !wire.net.has_ended(at) => None,
                Ok(None) => wire.abort(),
                Err(error) => {
                    let len = plain(error.status(), "", wire.out);
                    wire.send(len);
                    wire.end(now)
                }
            },
            Talk::Body(rest, by) => {
                let n = wire.net.send(at, rest);
                *rest = rest.get(n..).unwrap_or_default();
                match rest {
                    [] => wire.end(now),
                    _ if now >= *by => wire.abort(),
                    _ => None,
                }
            }
            Talk::Echo(ws, keep) => {
                let mut is_more = true;
                while is_more && wire.room() >= PACKET {
                    let mut out = ws.out(&mut *wire.out);
                    match inbox.poll_message(ws) {
                        Ok(Some(Incoming::Message(message))) => {
                            let _ = ws.send(message.kind(), message.as_bytes(), &mut out);
                        }
                        Ok(Some(Incoming::Pong(pong))) => keep.handle_pong(&pong),
                        Ok(Some(_)) => {}
                        Err(ReceiveError::Capacity(_)) => drop(ws.close(CloseCode::MESSAGE_TOO_BIG, "")),
                        // The close frame is owed already.
                        Ok(None) | Err(_) => is_more = false,
                    }
                    if !is_more {
                        let _ = keep.handle_timeout(now, ws);
                        while let Ok(true) = keep.poll_transmit(ws, &mut out) {}
                    }
                    while let Ok(true) = ws.poll_transmit(&mut out) {}
                    let n = out.written().len();
                    wire.send(n);
                }
                let is_over = ws.is_closing() || wire.net.has_ended(at);
                if is_over && !is_more { wire.end(now) } else { wire.give_up(stuck, now) }
            }
            Talk::Chat(guest) => {
                if chat.turn(guest, inbox, &mut wire, now) {
                    return wire.end(now);
                }
                wire.give_up(stuck, now).inspect(|_| chat.leave(guest, &mut wire))
            }
            Talk::Ending(by) => {
                while wire.net.receive(at, wire.out) > 0 {}
                if wire.net.is_over(at) || now >= *by { wire.abort() } else { None }
            }
        }
    }
}

/// Answers a request. Returns what comes next, and the length of the answer in `out`.
fn answer(
    head: &[u8],
    free: usize,
    chat: &mut Chat,
    now: Instant,
    out: &mut [u8],
    status: &mut impl FnMut(usize, &mut [u8]) -> usize,
) -> (Talk, usize) {
    let body = |rest| Talk::Body(rest, now.after_millis(PAGE_MS));
    let request = match Request::parse(head) {
        Ok(request) => request,
        Err(error) => return (body(b""), plain(error.status(), "", out)),
    };
    let is_full = free == 0;
    match (request.path(), Accept::check(&request)) {
        (b"/" | b"/status", _) if request.method() != Method::Get => (body(b""), plain(Status(405), "", out)),
        (b"/", _) => {
            let page = [
                ("Content-Type", &b"text/html; charset=utf-8"[..]),
                ("Content-Security-Policy", POLICY.as_bytes()),
                ("Cache-Control", b"no-cache"),
                ("Connection", b"close"),
            ];
            let response = Response { status: Status(200), fields: &page, body: PAGE.as_bytes() };
            (body(PAGE.as_bytes()), response.write_head(out).unwrap_or(0))
        }
        (b"/status", _) => {
            let mut text = [0; 128];
            let n = status(free, &mut text);
            let text = core::str::from_utf8(text.get(..n).unwrap_or_default()).unwrap_or_default();
            (body(b""), plain(Status(200), text, out))
        }
        (b"/echo" | b"/socket.io/", Ok(_)) if !is_own(&request) => (body(b""), plain(Status(403), "", out)),
        (b"/echo" | b"/socket.io/", Ok(_)) if is_full => (body(b""), plain(Status(503), FULL, out)),
        (b"/echo", Ok(accept)) => {
            let mut keep = KeepAlive::new(Timeouts::new().ping_interval(10_000).pong(10_000), now);
            keep.opened(now);
            let limits = Limits::new().message(MESSAGE.into());
            (Talk::Echo(Connection::server(limits), keep), accept.write_with(sha1, &[], out).unwrap_or(0))
        }
        (b"/echo", Err(error)) => (body(b""), refuse(error, out).unwrap_or(0)),
        (b"/socket.io/", accept) => {
            let cors = Cors::new(Origins::Own);
            let answer = match (judge(&Ask::of(&request), &cors, |_| None), accept) {
                (Todo::Open(Transport::WebSocket), Ok(accept)) => {
                    return (Talk::Chat(chat.guest(now)), accept.write_with(sha1, &[], out).unwrap_or(0));
                }
                (Todo::Answer(answer), _) => answer,
                // Polling, which this board does not speak.
                _ => Answer::refuse(Refusal::UnknownTransport, None, false),
            };
            (body(b""), answer.write(&request, &cors, out).unwrap_or(0))
        }
        _ => (body(b""), plain(Status(404), "There is nothing here.\n", out)),
    }
}

/// Everything that the page needs comes from here, nothing from elsewhere.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; \
    img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Writes a short answer.
fn plain(status: Status, text: &str, out: &mut [u8]) -> usize {
    let fields =
        [("Content-Type", &b"text/plain; charset=utf-8"[..]), ("Cache-Control", b"no-store"), ("Connection", b"close")];
    Response { status, fields: &fields, body: text.as_bytes() }.write(out).unwrap_or(0)
}

/// Whether the request comes from the board's own page, or from no page. Else any page that somebody visits could connect to the board.
fn is_own(request: &Request<'_>) -> bool {
    let Some(origin) = request.fields().get("origin") else { return true };
    origin.strip_prefix(b"http://").is_some_and(|host| Some(host) == request.fields().get("host"))
}
