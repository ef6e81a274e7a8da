//! The sockets of a Socket.IO client on Tokio, which `client` and `chat_terminal` share. The crate decides everything that is protocol; here are
//! TCP, memory that grows, and the wait for whatever comes first.

use sansocket::{
    deflate::Tier,
    endpoint::{
        Grow, What,
        client::{ClientEnd, FullLink, Line, Memory, Seen, Step},
    },
    socketio::{AckSlot, Collector, SendError, client::SocketSlot},
    time::Instant,
    ws::{Compression, Deflater, Inbox, Inflater, MaskSource, MayInflate, Outbox, WithDeflater},
};
use std::{future::pending, io::ErrorKind, time::Duration};
use tokio::{
    io::Interest,
    net::TcpStream,
    select,
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    time::{self, Instant as Moment},
};

/// The client that an [`App`] uses.
pub type Client<'c> = ClientEnd<FullLink<'c>, &'c [&'c str], Vec<AckSlot>, Vec<SocketSlot>, Vec<u8>>;

/// What an application does with its client.
pub trait App {
    /// An event, a failed attempt, the end. The calls that open and close lines do not come here.
    fn step(&mut self, client: &mut Client<'_>, step: Step<'_>, now: Instant);
    /// A packet went over the wire.
    fn seen(&mut self, _: Seen<'_>) {}
    /// A line was typed. `None`: there will be no more.
    fn typed(&mut self, client: &mut Client<'_>, line: Option<String>, now: Instant);
    /// Ctrl-C was pressed.
    fn interrupted(&mut self, client: &mut Client<'_>);
    /// When to call [`handle_timeout`](Self::handle_timeout).
    fn poll_timeout(&self) -> Option<Instant> {
        None
    }
    /// The time has come.
    fn handle_timeout(&mut self, _: &mut Client<'_>) {}
    /// Whether the program may end. It ends when the lines are closed as well.
    fn is_done(&self) -> bool;
}

/// How long lines may take to close at the end.
const FAREWELL: Duration = Duration::from_secs(2);

/// How long a line may take to open.
const OPENING: Duration = Duration::from_secs(10);

/// The memory to unpack in at first: a window of 32 KiB, and a quarter more.
const WINDOW: usize = 40 * 1024;

/// A client for these namespaces.
pub fn client<'c>(link: FullLink<'c>, namespaces: &'c [&'c str]) -> Client<'c> {
    let memory = Memory {
        acks: vec![AckSlot::EMPTY; 16],
        sockets: vec![SocketSlot::EMPTY; namespaces.len()],
        backlog: vec![0; 4096],
    };
    let mut seed = [0; 4];
    getrandom::fill(&mut seed).expect("the system has randomness");
    ClientEnd::new(link, namespaces, memory, u32::from_le_bytes(seed))
}

/// Calls `send` until the client has the memory for it.
pub fn send<'c, T>(
    client: &mut Client<'c>,
    mut send: impl FnMut(&mut Client<'c>) -> Result<T, SendError>,
) -> Result<T, SendError> {
    loop {
        match send(client) {
            Err(error) => match Grow::of(&error) {
                Some(Grow { what: What::Acks, to }) => drop(client.replace_acks(vec![AckSlot::EMPTY; to])),
                Some(grow) => drop(client.replace_backlog(vec![0; grow.to])),
                None => return Err(error),
            },
            sent => return sent,
        }
    }
}

/// Masking keys from the system's randomness, 64 at a time.
struct Keys {
    bytes: [u8; 256],
    used: usize,
}

impl MaskSource for Keys {
    fn next_key(&mut self) -> [u8; 4] {
        if self.used == self.bytes.len() {
            getrandom::fill(&mut self.bytes).expect("the system has randomness");
            self.used = 0;
        }
        self.used += 4;
        self.bytes[self.used - 4..self.used].try_into().expect("four bytes")
    }
}

/// Memory for what is received. With an inflater it also unpacks.
type Received = MayInflate<Vec<u8>, Box<Inflater<Vec<u8>>>>;

/// One line to the server.
struct Wire {
    socket: Option<TcpStream>,
    /// Counts the attempts, so that a socket that comes too late is known.
    attempt: u32,
    /// To be closed when the outbox is empty.
    is_closing: bool,
    inbox: Inbox<Received>,
    outbox: Outbox<Vec<u8>, WithDeflater<Keys, Vec<u8>>>,
}

impl Wire {
    fn new(deflater: Option<Deflater<Vec<u8>>>) -> Self {
        let keys = Keys { bytes: [0; 256], used: 256 };
        Self {
            socket: None,
            attempt: 0,
            is_closing: false,
            inbox: Inbox::new(MayInflate::new(vec![0; 4096])),
            outbox: Outbox::with_keys(vec![0; 4096], keys).with_deflater(deflater),
        }
    }

    /// For a WebSocket: offers compression in each handshake.
    fn compressing() -> Self {
        let deflater = Deflater::new(Tier::LARGE, vec![0; Tier::LARGE.bytes()]).expect("as many bytes as it needs");
        let mut wire = Self::new(Some(deflater));
        wire.outbox = wire.outbox.offering(Compression::new());
        let inflater = Inflater::new(vec![0; WINDOW], None).expect("nothing is agreed on yet");
        wire.inbox.replace_inflater(Some(Box::new(inflater))).expect("there was none");
        wire
    }

    async fn ready(&self) {
        let Some(socket) = &self.socket else { return pending().await };
        let write = if self.outbox.is_empty() { None } else { Some(Interest::WRITABLE) };
        let read = if self.is_closing { None } else { Some(Interest::READABLE) };
        let Some(interest) = read.into_iter().chain(write).reduce(|a, b| a | b) else { return pending().await };
        let _ = socket.ready(interest).await;
    }
}

type Opened = (Line, u32, std::io::Result<TcpStream>);

/// Runs `app` until it is done and its lines are closed.
pub struct Dial<'c> {
    client: Client<'c>,
    host: String,
    port: u16,
    wires: [Wire; Line::COUNT],
    collector: Collector<Vec<u8>>,
    opened: (UnboundedSender<Opened>, UnboundedReceiver<Opened>),
    start: Moment,
}

impl<'c> Dial<'c> {
    pub fn new(client: Client<'c>, host: &str, port: u16, start: Moment) -> Self {
        Self {
            client,
            host: host.to_owned(),
            port,
            wires: std::array::from_fn(|_| Wire::new(None)),
            collector: Collector::new(Vec::new()),
            opened: unbounded_channel(),
            start,
        }
    }

    /// Offers compression (permessage-deflate) for WebSockets.
    pub fn compressing(mut self, compresses: bool) -> Self {
        if compresses {
            self.wires[Line::WebSocket as usize] = Wire::compressing();
        }
        self
    }

    pub async fn run(mut self, app: &mut impl App, mut typed: UnboundedReceiver<String>) {
        let mut has_input = true;
        let mut farewell = None;
        loop {
            let now = self.now();
            if app.poll_timeout().is_some_and(|due| due <= now) {
                app.handle_timeout(&mut self.client);
            }
            self.turn(app, now);
            if app.is_done() {
                let until = *farewell.get_or_insert(Moment::now() + FAREWELL);
                if self.wires.iter().all(|w| w.socket.is_none()) || Moment::now() >= until {
                    return;
                }
            }
            let due = [self.client.poll_timeout(), app.poll_timeout()].into_iter().flatten().min();
            let due = due.and_then(|due| self.start.checked_add(Duration::from_millis(due.as_millis())));
            let due = [due, farewell].into_iter().flatten().min();
            let wake = async move {
                match due {
                    Some(due) => time::sleep_until(due).await,
                    None => pending().await,
                }
            };
            let [a, b, c] = &self.wires;
            select! {
                Some(opened) = self.opened.1.recv() => self.socket_opened(opened),
                line = typed.recv(), if has_input => {
                    has_input = line.is_some();
                    let now = self.now();
                    app.typed(&mut self.client, line, now);
                }
                _ = tokio::signal::ctrl_c() => app.interrupted(&mut self.client),
                () = a.ready() => {}
                () = b.ready() => {}
                () = c.ready() => {}
                () = wake => {}
            }
            for line in Line::ALL {
                self.read(line);
            }
        }
    }

    fn now(&self) -> Instant {
        Instant::from_millis(u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX))
    }

    /// Everything that does not wait.
    fn turn(&mut self, app: &mut impl App, now: Instant) {
        for line in Line::ALL {
            while self.poll(line, app, now) {}
        }
        loop {
            match self.client.handle_timeout(now) {
                Step::Idle => break,
                Step::Again => {}
                Step::Open(line) => self.open(line),
                Step::Close(line) => self.wires[line as usize].is_closing = true,
                step => app.step(&mut self.client, step, now),
            }
        }
        for line in Line::ALL {
            while self.transmit(line, app, now) {}
        }
    }

    /// Writes what the line has to send. `true`: the socket took all that was in the outbox, so there is room for more.
    fn transmit(&mut self, line: Line, app: &mut impl App, now: Instant) -> bool {
        let wire = &mut self.wires[line as usize];
        if wire.socket.is_some() && !wire.is_closing {
            let outbox = &mut wire.outbox;
            while let Err(grow) = self.client.transmit_watched(line, outbox, now, &mut |seen| app.seen(seen)) {
                // A packet stands there twice while it is compressed.
                let _ = outbox.replace(vec![0; 2 * grow.to]);
            }
        }
        let had_bytes = !wire.outbox.is_empty();
        self.write(line);
        had_bytes && self.wires[line as usize].outbox.is_empty()
    }

    /// One step of what a line received. `false`: there are no more.
    fn poll(&mut self, line: Line, app: &mut impl App, now: Instant) -> bool {
        let inbox = &mut self.wires[line as usize].inbox;
        let step = self.client.poll_watched(line, inbox, &mut self.collector, now, &mut |seen| app.seen(seen));
        match step {
            Ok(Step::Idle) => return false,
            Ok(Step::Again) => {}
            Ok(Step::Open(line)) => self.open(line),
            Ok(Step::Close(line)) => self.wires[line as usize].is_closing = true,
            Ok(step) => app.step(&mut self.client, step, now),
            Err(Grow { what: What::Collector, to }) => drop(self.collector.replace(vec![0; to])),
            Err(Grow { what: What::Unpacked, to }) => drop(inbox.replace_unpacked(vec![0; to])),
            Err(grow) => drop(inbox.replace(vec![0; grow.to])),
        }
        true
    }

    fn open(&mut self, line: Line) {
        let wire = &mut self.wires[line as usize];
        wire.socket = None;
        wire.is_closing = false;
        wire.attempt += 1;
        let (attempt, sender, target) = (wire.attempt, self.opened.0.clone(), (self.host.clone(), self.port));
        tokio::spawn(async move {
            let socket = match time::timeout(OPENING, TcpStream::connect(target)).await {
                Ok(socket) => socket,
                Err(late) => Err(late.into()),
            };
            let _ = sender.send((line, attempt, socket));
        });
    }

    fn socket_opened(&mut self, (line, attempt, socket): Opened) {
        let now = self.now();
        let wire = &mut self.wires[line as usize];
        if attempt != wire.attempt || wire.is_closing {
            return;
        }
        match socket {
            Ok(socket) => {
                let _ = socket.set_nodelay(true);
                wire.socket = Some(socket);
                let mut nonce = [0; 16];
                getrandom::fill(&mut nonce).expect("the system has randomness");
                self.client.opened(line, &mut wire.inbox, &mut wire.outbox, nonce);
            }
            Err(_) => self.client.handle_error(line, now),
        }
    }

    /// Writes what waits, as far as the socket takes it. If it fails, [`read`](Self::read) tells: an answer may have come before.
    fn write(&mut self, line: Line) {
        let wire = &mut self.wires[line as usize];
        let Some(socket) = &wire.socket else { return };
        while !wire.outbox.is_empty() {
            match socket.try_write(wire.outbox.written()) {
                Ok(n) => wire.outbox.consume(n),
                Err(e) if wire.is_closing && e.kind() != ErrorKind::WouldBlock => break,
                Err(_) => return,
            }
        }
        if wire.is_closing {
            wire.socket = None;
        }
    }

    /// Reads once. The client must poll that before it is told of an end, else it would not see the last answer.
    fn read(&mut self, line: Line) {
        let now = self.now();
        let wire = &mut self.wires[line as usize];
        let Some(socket) = wire.socket.as_ref().filter(|_| !wire.is_closing) else { return };
        let space = match wire.inbox.space() {
            Ok(space) => space,
            Err(full) => return drop(wire.inbox.replace(vec![0; Grow::new(What::Inbox, full).to])),
        };
        match socket.try_read(space) {
            Ok(0) => {
                wire.socket = None;
                self.client.handle_eof(line, now);
            }
            Ok(n) => wire.inbox.commit(n),
            Err(e) if e.kind() == ErrorKind::WouldBlock => {}
            Err(_) => {
                wire.socket = None;
                self.client.handle_error(line, now);
            }
        }
    }
}
