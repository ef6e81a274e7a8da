//! `round_trips ours|rust_socketio PORT N`: emits `q` N times over a WebSocket, each when the acknowledgement of the one before has come, and prints
//! the seconds that it took. `../round-trips.js` runs it.

use rust_socketio::{ClientBuilder, Event as Named, Payload, RawClient, TransportType};
use sansocket::{
    endpoint::client::{ClientEnd, Config, Emit, Line, Memory, Step, WebSocketLink},
    socketio::{
        AckSlot, Collector, Namespace,
        client::{Event, SocketSlot},
    },
    ws::{Inbox, Outbox},
};
use std::{
    io::{Read, Write},
    net::TcpStream,
    sync::mpsc,
    time::{Duration, Instant},
};

const ROOT: Namespace = Namespace(0);

fn ours(port: u16, n: usize) -> Duration {
    let url = format!("ws://127.0.0.1:{port}");
    let config = Config::parse(&url).unwrap();
    let memory = Memory { acks: [AckSlot::EMPTY; 4], sockets: [SocketSlot::EMPTY; 1], backlog: [0; 256] };
    let mut client = ClientEnd::new(WebSocketLink::new(&config), ["/"], memory, 1);
    let mut inbox = Inbox::new([0; 1024]);
    let mut key = 1_u32;
    let mut outbox = Outbox::with_keys([0; 512], || {
        key = key.wrapping_mul(0x9e37_79b1);
        key.to_le_bytes()
    });
    let mut files = Collector::new([0; 0]);
    let (mut socket, mut left, start) = (None, n, Instant::now());
    let mut begin = start;
    client.connect(ROOT, sansocket::time::Instant::from_millis(0)).unwrap();
    loop {
        let now = sansocket::time::Instant::from_millis(start.elapsed().as_millis() as u64);
        let step = match client.poll(Line::WebSocket, &mut inbox, &mut files, now).unwrap() {
            Step::Idle => client.handle_timeout(now),
            step => step,
        };
        match step {
            Step::Event(event @ (Event::Connected { .. } | Event::Ack(_)), _) => {
                match event {
                    Event::Ack(_) => left -= 1,
                    _ => begin = Instant::now(),
                }
                if left == 0 {
                    return begin.elapsed();
                }
                client.emit_with(ROOT, "q", &(left as u32, "some text"), Emit::new().ask(1, None)).unwrap();
            }
            Step::Open(line) => {
                let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
                stream.set_nodelay(true).unwrap();
                socket = Some(stream);
                client.opened(line, &mut inbox, &mut outbox, [7; 16]);
            }
            Step::Idle => {
                let Some(socket) = &mut socket else { continue };
                client.transmit(Line::WebSocket, &mut outbox, now).unwrap();
                socket.write_all(outbox.written()).unwrap();
                outbox.consume(usize::MAX);
                let read = socket.read(inbox.space().unwrap()).unwrap();
                assert!(read > 0);
                inbox.commit(read);
            }
            Step::Failed { failure, .. } => panic!("{failure}"),
            _ => {}
        }
    }
}

fn rust_socketio(port: u16, n: usize) -> Duration {
    let (sender, heard) = mpsc::channel();
    let connected = sender.clone();
    let client = ClientBuilder::new(format!("http://127.0.0.1:{port}"))
        .transport_type(TransportType::Websocket)
        .on(Named::Connect, move |_: Payload, _: RawClient| connected.send(()).unwrap())
        .connect()
        .unwrap();
    heard.recv().unwrap();
    let begin = Instant::now();
    for left in (1..=n).rev() {
        let sender = sender.clone();
        let content = Payload::Text(vec![left.into(), "some text".into()]);
        let callback = move |_: Payload, _: RawClient| sender.send(()).unwrap();
        client.emit_with_ack("q", content, Duration::from_secs(10), callback).unwrap();
        heard.recv().unwrap();
    }
    let all = begin.elapsed();
    client.disconnect().unwrap();
    all
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let (port, n) = (args[2].parse().unwrap(), args[3].parse().unwrap());
    let all = if args[1] == "ours" { ours(port, n) } else { rust_socketio(port, n) };
    println!("{}", all.as_secs_f64());
}
