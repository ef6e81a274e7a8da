use sansocket::{
    engineio::{self, server as engine},
    http::{Head, Request, Response, Status},
    socketio::{AckSlot, Namespace, SendError, server as socketio},
    time::Instant,
    ws::{self, Accept, CloseCode},
};
use std::{
    convert::Infallible,
    error::Error,
    io::{self, ErrorKind, Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    thread,
    time::Duration,
};

type Failure = Box<dyn Error + Send + Sync>;
type Out<'o> = ws::Out<'o, ws::Frames>;

const ROOT: Namespace = Namespace(0);
const ORIGINS: [&[u8]; 1] = [b"http://localhost:3000"]; // the pages that may connect
const RX: usize = 16 * 1024;
const TX: usize = RX + 256; // so the answer to any message that fits in RX fits in TX

fn main() -> io::Result<()> {
    for socket in TcpListener::bind("127.0.0.1:3000")?.incoming().flatten() {
        thread::spawn(|| match serve(socket, engine::Config::new(), 45_000) {
            Ok(why) => println!("closed: {why}"),
            Err(e) => println!("lost: {e}"),
        });
    }
    Ok(())
}

/// One connection from its first byte to its last. Gives the reason why it ended.
fn serve(mut socket: TcpStream, config: engine::Config, connect_timeout: u64) -> io::Result<Failure> {
    let started = std::time::Instant::now();
    let now = || Instant::from_millis(started.elapsed().as_millis() as u64);
    socket.set_write_timeout(Some(Duration::from_secs(10)))?;
    let (mut rx, mut tx) = ([0; RX], [0; TX]);
    let mut inbox = ws::Inbox::new(&mut rx[..]);
    if let Err(why) = open(&mut socket, &mut inbox, &mut tx, now) {
        return Ok(why);
    }
    let mut ws = ws::Connection::server(ws::Limits::new());
    let mut engine = engine::Session::open(engineio::Sid::from_random(random()), config, now());
    let io = socketio::Session::new(["/"], [AckSlot::EMPTY; 8], now().after_millis(connect_timeout));
    let mut out = ws.out(&mut tx);

    // Every ending leaves `run` by its error, so this is the one exit.
    let Err(why) = run(&mut socket, &mut inbox, &mut ws, &mut engine, io, &mut out, now);
    // A socket that failed may have taken half a frame: nothing can follow it.
    let why = match why.downcast::<io::Error>() {
        Ok(broken) => return Err(*broken),
        Err(why) => why,
    };
    engine.close(&mut ws); // a close frame is owed now, unless one was owed or sent before
    flush(&mut socket, &mut out)?; // what was answered before the end
    while ws.poll_transmit(&mut out).map_err(io::Error::other)? {}
    flush(&mut socket, &mut out)?;
    // Read what the peer still sends: closing a socket with unread bytes can destroy what was written last.
    socket.shutdown(Shutdown::Write)?;
    socket.set_read_timeout(Some(Duration::from_secs(1)))?;
    let until = now().after_millis(5000);
    while now() < until && matches!(socket.read(&mut [0; 1024]), Ok(1..)) {}
    Ok(why)
}

/// The loop.
fn run(
    socket: &mut TcpStream,
    inbox: &mut ws::Inbox<&mut [u8]>,
    ws: &mut ws::Connection<ws::Server>,
    engine: &mut engine::Session,
    mut io: socketio::Session<[&'static str; 1]>,
    out: &mut Out<'_>,
    now: impl Fn() -> Instant,
) -> Result<Infallible, Failure> {
    loop {
        // 1. Owed: the open packet, pings, pongs. `out` is empty here, and what is owed always fits in it.
        while engine.poll_transmit(out)? || ws.poll_transmit(out)? {}
        // 2. Events, until the bytes in the inbox are used up.
        loop {
            match engine.poll_event(inbox, ws, now()) {
                Ok(Some(event)) => handle(io.handle_event(event)?, &mut io, socket, out)?,
                Ok(None) => break,
                Err(too_large) => {
                    ws.owe_close(CloseCode::MESSAGE_TOO_BIG);
                    return Err(too_large.into());
                }
            }
        }
        // 3. Time.
        while let Some(event) = io.handle_timeout(now()) {
            handle(event, &mut io, socket, out)?;
        }
        if let Some(event) = engine.handle_timeout(now()) {
            handle(io.handle_event(event)?, &mut io, socket, out)?;
        }
        // 4. Write, then read until the next deadline.
        flush(socket, out)?;
        if engine.wants_transmit() || ws.wants_transmit() {
            continue;
        }
        let due = engine.poll_timeout().into_iter().chain(io.poll_timeout()).min();
        if !read(socket, inbox, due.unwrap_or(Instant::FAR_FUTURE), now())? {
            ws.handle_eof();
            let event = engine.handle_eof();
            event.map(|event| io.handle_event(event)).transpose()?;
            return Err("transport close".into());
        }
    }
}

/// The application: what each event is answered. An error ends the connection.
fn handle(
    event: socketio::Event<'_>,
    io: &mut socketio::Session<[&'static str; 1]>,
    socket: &mut TcpStream,
    out: &mut Out<'_>,
) -> Result<(), Failure> {
    match event {
        socketio::Event::Connect { .. } => {
            let sid = engineio::Sid::from_random(random()); // public, unlike the id of the Engine.IO session
            say(socket, out, |out| io.accept(ROOT, sid, out))
        }
        socketio::Event::UnknownNamespace { name } => say(socket, out, |out| io.refuse_unknown(name, out)),
        socketio::Event::Event(e) if e.is("ask") => match e.ack {
            Some(request) => say(socket, out, |out| io.ack(request, &e.args(), out)),
            None => Ok(()),
        },
        socketio::Event::ConnectTimeout => Err("no namespace was connected in time".into()),
        socketio::Event::Closed(reason) => Err(reason.as_str().into()),
        _ => Ok(()),
    }
}

/// Writes a packet into `out`. If `out` is full, sends it and tries once more: a refused call changed nothing.
fn say(
    socket: &mut TcpStream,
    out: &mut Out<'_>,
    mut write: impl FnMut(&mut Out<'_>) -> Result<(), SendError>,
) -> Result<(), Failure> {
    match write(out) {
        Err(SendError::Capacity(_)) if !out.is_empty() => {
            flush(socket, out)?;
            Ok(write(out)?)
        }
        other => Ok(other?),
    }
}

fn flush(socket: &mut TcpStream, out: &mut Out<'_>) -> io::Result<()> {
    socket.write_all(out.written())?;
    out.clear();
    Ok(())
}

/// Waits for bytes, at most until `due`. `false`: the peer sends no more.
fn read(socket: &mut TcpStream, inbox: &mut ws::Inbox<&mut [u8]>, due: Instant, now: Instant) -> Result<bool, Failure> {
    let wait = due.duration_since(now).clamp(Duration::from_millis(1), Duration::from_secs(3600));
    socket.set_read_timeout(Some(wait))?;
    match socket.read(inbox.space()?) {
        Ok(0) => return Ok(false),
        Ok(n) => inbox.filled(n),
        Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted) => {}
        Err(e) => return Err(e.into()),
    }
    Ok(true)
}

/// The HTTP request and its answer. What follows the request stays in the inbox.
fn open(
    socket: &mut TcpStream,
    inbox: &mut ws::Inbox<&mut [u8]>,
    tx: &mut [u8],
    now: impl Fn() -> Instant,
) -> Result<(), Failure> {
    let mut head = Head::new(Default::default());
    let due = now().after_millis(10_000);
    let n = loop {
        match head.scan(inbox.bytes())? {
            Some(n) => break n,
            None if now() < due && read(socket, inbox, due, now())? => {}
            None => return Err("no request".into()),
        }
    };
    let request = Request::parse(&inbox.bytes()[..n])?;
    let refusal = Response { status: Status(400), fields: &[("Connection", b"close")], body: b"" };
    let (len, result) = match engine::route(request.method(), request.query(), ws::is_upgrade(&request), |_| None) {
        Ok(engine::Route::OpenWebSocket) => match Accept::check(&request) {
            Ok(accept) if accept.origin().is_none_or(|origin| ORIGINS.contains(&origin)) => {
                (accept.write(&[], tx)?, Ok(()))
            }
            Ok(_) => (Response { status: Status(403), ..refusal }.write(tx)?, Err("page of another site".into())),
            Err(e) => (ws::refuse(e, tx)?, Err(e.into())),
        },
        _ => (refusal.write(tx)?, Err("not a request for Engine.IO over a WebSocket".into())),
    };
    socket.write_all(&tx[..len])?;
    inbox.consume(n);
    result
}

fn random() -> [u8; 15] {
    let mut bytes = [0; 15];
    getrandom::fill(&mut bytes).expect("a source of randomness");
    bytes
}
