use sansocket::{
    endpoint::client::{ClientEnd, Config, Line, Memory, Step, WebSocketLink},
    socketio::{AckSlot, Binary, Collector, Namespace, client::Event, client::SocketSlot},
    time::Instant,
    ws::{Inbox, Outbox},
};
use std::{
    error::Error,
    io::{
        ErrorKind::{Interrupted, TimedOut, WouldBlock},
        Read, Write,
    },
    net::TcpStream,
    time::Duration,
};

const ROOT: Namespace = Namespace(0);

fn main() -> Result<(), Box<dyn Error>> {
    run(&Config::parse("http://127.0.0.1:3000")?) // a path would name another namespace
}

fn run(config: &Config<'_>) -> Result<(), Box<dyn Error>> {
    let started = std::time::Instant::now();
    let now = || Instant::from_millis(started.elapsed().as_millis() as u64);
    // All the memory of this client. It is used again for each connection.
    let memory = Memory { acks: [AckSlot::EMPTY; 8], sockets: [SocketSlot::EMPTY; 1], backlog: [0; 4096] };
    let (mut inbox, mut outbox) = (Inbox::new([0; 16 * 1024]), Outbox::with_keys([0; 4096], random));
    let mut collector = Collector::new([0; 16 * 1024]); // for events with binary attachments

    let seed = u32::from_le_bytes(random());
    let mut client = ClientEnd::new(WebSocketLink::new(config), [config.namespace()], memory, seed);
    let mut socket: Option<TcpStream> = None;
    client.connect(ROOT, now())?;
    client.emit(ROOT, "message", &"hello")?; // not connected yet, so it waits
    loop {
        // 1. The next event in the received bytes, or the next one that is due by time.
        let step = match client.poll(Line::WebSocket, &mut inbox, &mut collector, now())? {
            Step::Idle => client.handle_timeout(now()),
            step => step,
        };
        match step {
            // 2. The application. An event borrows the inbox or the collector, so `client` can be used while it is alive.
            Step::Event(Event::Event(e), _) if e.is("quit") => client.disconnect(ROOT),
            Step::Event(Event::Event(e), attachments) => {
                println!("{e:?}");
                if let Some(request) = e.ack {
                    client.ack(request, &Binary(e.args(), attachments))?;
                }
            }
            Step::Event(other, _) => println!("{other:?}"), // connected, refused, disconnected, an acknowledgement, …
            Step::Failed { failure, .. } => eprintln!("{failure}"), // it will try again
            Step::Over(_) => return Ok(()),
            // 3. The socket: open it, close it.
            Step::Open(line) => match TcpStream::connect((config.url().host(), config.url().port())) {
                Ok(stream) => {
                    stream.set_write_timeout(Some(Duration::from_secs(10)))?;
                    client.opened(line, &mut inbox, &mut outbox, random());
                    socket = Some(stream);
                }
                Err(_) => client.handle_error(line, now()),
            },
            Step::Close(_) => socket = None,
            // 4. Write what waits, as much as the outbox holds at a time. Then read until the next deadline.
            Step::Idle => {
                if let Some(stream) = &mut socket {
                    client.transmit(Line::WebSocket, &mut outbox, now())?;
                    if !outbox.is_empty() {
                        if stream.write_all(outbox.written()).is_err() {
                            socket = None;
                            client.handle_error(Line::WebSocket, now());
                        }
                        outbox.consume(outbox.held());
                        continue; // there may be more
                    }
                }
                let due = client.poll_timeout().map_or(Duration::MAX, |due| due.duration_since(now()));
                let wait = due.clamp(Duration::from_millis(1), Duration::from_secs(60));
                let Some(stream) = &mut socket else {
                    std::thread::sleep(wait);
                    continue;
                };
                stream.set_read_timeout(Some(wait))?;
                match stream.read(inbox.space()?) {
                    Ok(0) => client.handle_eof(Line::WebSocket, now()), // `Step::Close` follows
                    Ok(n) => inbox.commit(n),
                    Err(e) if matches!(e.kind(), WouldBlock | TimedOut | Interrupted) => {}
                    Err(_) => {
                        socket = None;
                        client.handle_error(Line::WebSocket, now());
                    }
                }
            }
            _ => {}
        }
    }
}

/// From a cryptographically secure generator.
fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("a source of randomness");
    bytes
}
