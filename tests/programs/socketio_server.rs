use sansocket::{
    endpoint::{ServerEnd, ServerLink, Step, What},
    engineio::{self, Transport::WebSocket, server as engine},
    http::{HeadScanner, Request, Response, Status},
    socketio::{AckSlot, Collector, Reason, SendError, Sid, server::Event, server::Session},
    time::Instant,
    ws::{self, Accept, Inbox, Limits, Out, Stored},
};
use std::{
    error::Error,
    io::{self, ErrorKind, Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    time::Duration,
};

const ORIGINS: [&[u8]; 1] = [b"http://localhost:3000"]; // the pages that may connect
const MAX: u32 = 16 * 1024; // bytes of a message

fn main() -> io::Result<()> {
    for socket in TcpListener::bind("127.0.0.1:3000")?.incoming().flatten() {
        std::thread::spawn(|| println!("closed: {:?}", serve(socket, engine::Config::new().max_payload(MAX), 45_000)));
    }
    Ok(())
}

/// One connection from its first byte to its last. Returns why it ended, or `None` if its request was refused.
fn serve(mut socket: TcpStream, config: engine::Config, connect_ms: u64) -> Result<Option<Reason>, Box<dyn Error>> {
    let started = std::time::Instant::now();
    let now = || Instant::from_millis(started.elapsed().as_millis() as u64);
    socket.set_write_timeout(Some(Duration::from_secs(10)))?;
    let (mut inbox, mut collector) = (Inbox::new(vec![0; 4096]), Collector::new(Vec::new()));
    if !open(&mut socket, &mut inbox)? {
        return Ok(None);
    }
    let limits = Limits::new().message(MAX.into()).frame(MAX.into());
    let link = ServerLink::open(WebSocket, engineio::Sid::from_random(random()), config, limits, now());
    let io = Session::new(["/"], [AckSlot::EMPTY; 8], now().after_millis(connect_ms));
    let mut end = ServerEnd::with_session(link, io);
    let (mut memory, mut unsent, mut why) = (vec![0; MAX as usize + 256], Vec::new(), None);
    loop {
        // 1. The next event in the received bytes, or the next one that is due by time.
        let step = match end.poll(&mut inbox, &mut collector, now()) {
            Ok(Step::Idle) => end.handle_timeout(now()),
            Ok(step) => step,
            Err(grow) => {
                let larger = vec![0; grow.to];
                let _ = if grow.what == What::Inbox { inbox.replace(larger) } else { collector.replace(larger) };
                continue; // nothing was lost
            }
        };
        match step {
            Step::Event(event, _attachments) => answer(event, end.io(), &mut Out::stored(&mut memory), &mut unsent),
            Step::Closed(reason) => why = Some(reason), // the last event of the connection, however it ended
            Step::Idle => {
                // 2. What the protocol demands: the open packet, pings, pongs, the close frame. Then write.
                let n = end.transmit(&mut memory)?;
                unsent.extend_from_slice(&memory[..n]);
                if socket.write_all(&std::mem::take(&mut unsent)).is_err() {
                    end.link_mut().handle_error();
                } else if n == 0 && end.link().is_over() {
                    break;
                } else if n == 0 {
                    // 3. Read until the next deadline.
                    let due = end.poll_timeout().unwrap_or(Instant::FAR_FUTURE);
                    read(&mut socket, &mut inbox, due.duration_since(now())).unwrap_or_else(|e| match e.kind() {
                        ErrorKind::UnexpectedEof => end.link_mut().handle_eof(),
                        _ => end.link_mut().handle_error(),
                    });
                }
            }
            Step::Again => {}
        }
    }
    // Read what the peer still sends: closing a socket with unread bytes can destroy what was written last.
    let until = now().after_millis(5000);
    let _ = socket.shutdown(Shutdown::Write).and(socket.set_read_timeout(Some(Duration::from_secs(1))));
    while now() < until && matches!(socket.read(&mut [0; 1024]), Ok(1..)) {}
    Ok(why)
}

/// The application: what each event is answered. `out` has room for one answer to any message.
fn answer(event: Event<'_>, io: &mut Session<[&'static str; 1]>, out: &mut Out<'_, Stored>, unsent: &mut Vec<u8>) {
    let written: Result<(), SendError> = match event {
        Event::Connect { namespace, .. } => io.accept(namespace, Sid::from_random(random()), out),
        Event::UnknownNamespace { name } => io.refuse_unknown(name, out),
        Event::Event(e) if e.is("ask") => e.ack.map_or(Ok(()), |request| io.ack(request, &e.args(), out)),
        _ => Ok(()),
    };
    written.unwrap_or_else(|e| eprintln!("not sent: {e}"));
    unsent.extend_from_slice(out.written());
}

/// Waits for bytes, at most for `wait`.
fn read(socket: &mut TcpStream, inbox: &mut Inbox<Vec<u8>>, wait: Duration) -> io::Result<()> {
    socket.set_read_timeout(Some(wait.clamp(Duration::from_millis(1), Duration::from_secs(3600))))?;
    match socket.read(inbox.space().map_err(io::Error::other)?) {
        Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
        Ok(n) => inbox.commit(n),
        Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted) => {}
        Err(e) => return Err(e),
    }
    Ok(())
}

/// Reads the HTTP request and answers it; `false`: it was refused. What follows the request stays in the inbox.
fn open(socket: &mut TcpStream, inbox: &mut Inbox<Vec<u8>>) -> Result<bool, Box<dyn Error>> {
    let (mut head, until) = (HeadScanner::new(Default::default()), std::time::Instant::now() + Duration::from_secs(10));
    let n = loop {
        match (head.scan(inbox.bytes())?, until.checked_duration_since(std::time::Instant::now())) {
            (Some(n), _) => break n,
            (None, wait) => read(socket, inbox, wait.ok_or("no request in time")?)?,
        }
    };
    let request = Request::parse(&inbox.bytes()[..n])?;
    let route = engine::route(request.method(), request.query(), ws::is_upgrade(&request), |_| None);
    let accept = Accept::check(&request);
    let is_ours = accept.is_ok_and(|accept| accept.origin().is_none_or(|origin| ORIGINS.contains(&origin)));
    let is_open = is_ours && route == Ok(engine::Route::OpenWebSocket);
    let refusal = Response { status: Status(403), fields: &[("Connection", b"close")], body: b"" };
    let mut memory = [0; 1024];
    let n_written = match accept {
        Ok(accept) if is_open => accept.write(&[], &mut memory)?,
        Ok(_) if is_ours => Response { status: Status(400), ..refusal }.write(&mut memory)?,
        Ok(_) => refusal.write(&mut memory)?,
        Err(e) => ws::refuse(e, &mut memory)?,
    };
    socket.write_all(&memory[..n_written])?;
    inbox.consume(n);
    Ok(is_open)
}

fn random() -> [u8; 15] {
    let mut bytes = [0; 15];
    getrandom::fill(&mut bytes).expect("a source of randomness");
    bytes
}
