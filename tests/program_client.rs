//! The Socket.IO client of `guide::programs`, against a server that the test plays: it goes away once, asks, and sends the client away in each of the ways that end
//! the program.

use sansocket::ws::{Connection, Inbox, Incoming, Limits, Server};
use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    thread,
    time::Duration,
};

#[allow(dead_code)]
mod program {
    include!("programs/socketio_client.rs");
    pub(super) fn start(url: &str) -> Result<(), String> {
        run(&Config::parse(url).map_err(|e| e.to_string())?).map_err(|e| e.to_string())
    }
}

/// A connection of the client, after its handshake.
struct Peer {
    socket: TcpStream,
    ws: Connection<Server>,
    inbox: Inbox<Vec<u8>>,
}

impl Peer {
    fn accept(listener: &TcpListener) -> Self {
        let mut socket = listener.accept().unwrap().0;
        socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            socket.read_exact(&mut byte).unwrap();
            request.push(byte[0]);
        }
        let request = String::from_utf8(request).unwrap();
        assert!(request.starts_with("GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\n"), "{request}");
        let key = request.split("Sec-WebSocket-Key: ").nth(1).unwrap().split("\r\n").next().unwrap();
        let accept = sansocket::ws::accept_key(key.as_bytes()).unwrap();
        let accept = std::str::from_utf8(&accept).unwrap();
        let upgrade = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade";
        write!(socket, "{upgrade}\r\nSec-WebSocket-Accept: {accept}\r\n\r\n").unwrap();
        let ws = Connection::server(Limits::new());
        let mut peer = Self { socket, ws, inbox: Inbox::new(vec![0; 4096]) };
        peer.send(r#"0{"sid":"secret","upgrades":[],"pingInterval":25000,"pingTimeout":20000}"#);
        assert_eq!(peer.receive(), "40");
        peer.send(r#"40{"sid":"public"}"#);
        peer
    }

    fn send(&mut self, packet: &str) {
        let mut memory = [0; 256];
        let mut out = self.ws.out(&mut memory);
        self.ws.send_text(packet, &mut out).unwrap();
        self.socket.write_all(out.written()).unwrap();
    }

    /// The next packet, or `closed`.
    fn receive(&mut self) -> String {
        loop {
            match self.inbox.poll_message(&mut self.ws).unwrap() {
                Some(Incoming::Message(m)) => return String::from_utf8(m.as_bytes().to_vec()).unwrap(),
                Some(Incoming::Close(_)) => return "closed".into(),
                Some(_) => {}
                None => match self.socket.read(self.inbox.space().unwrap()).unwrap() {
                    0 => return "closed".into(),
                    n => self.inbox.commit(n),
                },
            }
        }
    }
}

#[test]
fn it_connects_again_answers_and_leaves() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let client = thread::spawn(move || program::start(&url));
    let mut first = Peer::accept(&listener);
    assert_eq!(first.receive(), r#"42["message","hello"]"#);
    drop(first); // an outage
    let mut second = Peer::accept(&listener);
    second.send(r#"427["question",1,{"a":[true]}]"#);
    assert_eq!(second.receive(), r#"437[1,{"a":[true]}]"#);
    second.send("2");
    assert_eq!(second.receive(), "3");
    second.send(r#"42["quit"]"#);
    assert_eq!((second.receive(), second.receive()), ("41".into(), "closed".into()));
    drop(second);
    client.join().unwrap().unwrap();
}

/// A socket that has failed reports its end again and again to who goes on reading from it.
#[cfg(target_os = "linux")]
#[test]
fn it_does_not_spin_after_a_reset() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let client = thread::spawn(move || {
        program::start(&url).unwrap();
        // The time on the processor, in nanoseconds.
        let spent = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
        spent.split(' ').next().unwrap().parse::<u64>().unwrap()
    });
    let first = Peer::accept(&listener);
    thread::sleep(Duration::from_millis(100));
    drop(first); // with unread bytes: a reset
    let mut second = Peer::accept(&listener);
    second.send(r#"42["quit"]"#);
    assert_eq!((second.receive(), second.receive()), ("41".into(), "closed".into()));
    drop(second);
    let spent = client.join().unwrap();
    assert!(spent < 100_000_000, "{spent} ns");
}

#[test]
fn it_ends_when_the_server_sends_it_away() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    for farewell in ["41", r#"44{"message":"banned"}"#] {
        let url = format!("http://{}", listener.local_addr().unwrap());
        let client = thread::spawn(move || program::start(&url));
        let mut peer = Peer::accept(&listener);
        assert_eq!(peer.receive(), r#"42["message","hello"]"#);
        peer.send(farewell);
        assert_eq!(peer.receive(), "closed", "{farewell}");
        drop(peer);
        client.join().unwrap().unwrap();
    }
}

#[test]
fn a_message_that_does_not_fit_is_told() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let client = thread::spawn(move || program::start(&url));
    let mut peer = Peer::accept(&listener);
    let mut frame = vec![0x81, 126, 0x50, 0];
    frame.resize(4 + 0x5000, b'x');
    peer.socket.write_all(&frame).unwrap();
    assert_eq!(client.join().unwrap().unwrap_err(), "Inbox must grow to 32768");
}
