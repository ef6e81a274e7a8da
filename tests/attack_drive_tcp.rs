//! Attacks over sockets: what an application does wrong or late, and peers that go without a word.

use sansocket::{
    drive::{
        Client, ClientMemory, Deadlines, Error, Server, ServerMemory, WebSocket, blocking,
        tokio::{Clock, Stream},
    },
    endpoint::{
        Step,
        client::{self as client_end, Config},
    },
    http::Url,
    socketio::{AckSlot, Namespace, client, server},
    ws::{CloseCode, Incoming, Kind, Timeouts},
};
use std::{
    cell::Cell,
    future::{Future, poll_fn},
    pin::pin,
    rc::Rc,
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

const ROOT: Namespace = Namespace(0);

fn random(bytes: &mut [u8]) {
    getrandom::fill(bytes).unwrap();
}

async fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let near = TcpStream::connect(listener.local_addr().unwrap());
    let (near, far) = tokio::join!(near, listener.accept());
    (near.unwrap(), far.unwrap().0)
}

/// How often a future is polled.
async fn counted<X>(polls: &Cell<usize>, future: impl Future<Output = X>) -> X {
    let mut future = pin!(future);
    poll_fn(|cx| {
        polls.set(polls.get() + 1);
        future.as_mut().poll(cx)
    })
    .await
}

/// The thread was busy for longer than each deadline, without an await. What has arrived meanwhile comes first.
#[tokio::test]
async fn who_blocks_the_thread_loses_nothing_to_the_time() {
    let (near, mut far) = pair().await;
    let quick = Timeouts::new().idle(200).ping_interval(100).pong(150);
    let ws = WebSocket::server(Stream::new(near), Clock::new(), [0; 256], [0; 256]);
    let mut ws = ws.with_deadlines(Deadlines::new().write(200).others(quick));
    ws.opened();
    let waits = tokio::time::timeout(Duration::from_millis(120), ws.next()).await;
    assert!(waits.is_err(), "nothing has come");
    far.write_all(b"\x81\x81\0\0\0\0a\x8a\x84\0\0\0\0\0\0\0\x01\x81\x81\0\0\0\0b").await.unwrap();
    std::thread::sleep(Duration::from_millis(600));
    for expected in [b"a", b"b"] {
        let next = ws.next().await.unwrap();
        assert!(matches!(next, Some((Incoming::Message(m), _)) if m.as_bytes() == expected));
    }
}

/// An hour's worth of waiting in a second: few polls.
#[tokio::test]
async fn who_waits_is_not_polled() {
    let (near, mut far) = pair().await;
    let polls = Rc::new(Cell::new(0));
    let ws = WebSocket::server(Stream::new(near), Clock::new(), [0; 256], [0; 256]);
    let mut ws = ws.with_deadlines(Deadlines::new().others(Timeouts::new().ping_interval(100).pong(5000)));
    ws.opened();
    let idle = tokio::time::timeout(Duration::from_secs(1), counted(&polls, ws.next()));
    assert!(idle.await.is_err());
    assert!(polls.get() < 20, "{}", polls.get());
    let mut bytes = [0; 64];
    assert_eq!(far.read(&mut bytes).await.unwrap(), 6, "one ping, whose pong is missing");
    polls.set(0);

    // A client that cannot connect, and one whose server is silent.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}", listener.local_addr().unwrap());
    let config = Config::parse(&url).unwrap();
    let address = listener.local_addr().unwrap();
    let dial = async || TcpStream::connect(address).await.map(Stream::new);
    let memory = ClientMemory {
        rx: &mut [0; 512],
        tx: &mut [0; 512],
        files: &mut [],
        acks: &mut [AckSlot::EMPTY; 1],
        sockets: &mut [client::SocketSlot::EMPTY; 1],
        backlog: &mut [0; 512],
        attempt: pin!(None),
    };
    let mut client = Client::new(&config, &["/"], memory, dial, Clock::new(), random);
    client.connect(ROOT).unwrap();
    client.io().emit(ROOT, "a", &1).unwrap();
    let idle = tokio::time::timeout(Duration::from_secs(1), counted(&polls, client.next()));
    assert!(idle.await.is_err());
    assert!(polls.get() < 20, "{}", polls.get());
}

/// Browsers and Node end a connection in many ways. The driver names each.
#[tokio::test]
async fn how_a_peer_goes_is_told() {
    // Half-closed: what it has sent is read, and then its end.
    let (near, mut far) = pair().await;
    let mut ws = WebSocket::server(Stream::new(near), Clock::new(), [0; 256], [0; 256]);
    ws.opened();
    far.write_all(b"\x81\x81\0\0\0\0a").await.unwrap();
    far.shutdown().await.unwrap();
    let (incoming, reply) = ws.next().await.unwrap().unwrap();
    assert!(matches!(incoming, Incoming::Message(_)));
    reply.send(Kind::Text, b"answer").await.unwrap();
    assert!(matches!(ws.next().await.map(drop), Err(Error::Eof)));
    let mut bytes = [0; 8];
    far.read_exact(&mut bytes).await.unwrap();
    assert_eq!(&bytes, b"\x81\x06answer");
    // Reset.
    let (near, far) = pair().await;
    let mut ws = WebSocket::server(Stream::new(near), Clock::new(), [0; 256], [0; 256]);
    ws.opened();
    ws.send_text("unread").await.unwrap();
    far.readable().await.unwrap();
    drop(far);
    assert!(matches!(ws.next().await.map(drop), Err(Error::Transport(_))));
    assert!(matches!(ws.next().await.map(drop), Err(Error::Ended)));
    assert!(matches!(ws.close(CloseCode::NORMAL, "").await, Err(Error::Ended)));
}

/// A server on a thread that blocks, and a client on another, both of this crate: all that is asked is answered, whatever the sizes.
#[test]
fn blocking_ends_talk_to_each_other() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let serve = std::thread::spawn(move || {
        let stream = blocking::Stream::tcp(listener.accept().unwrap().0).unwrap();
        let memory = ServerMemory {
            rx: &mut [0; 1024],
            tx: &mut [0; 1024],
            files: &mut [0; 1024],
            acks: &mut [AckSlot::EMPTY; 2],
        };
        let mut server = blocking::Server::new(stream, blocking::Clock::new(), random, &["/"], memory);
        server.accept().unwrap();
        let mut reason = None;
        while let Some((step, mut io)) = server.next().unwrap() {
            match step {
                Step::Event(server::Event::Connect { namespace, .. }, _) => io.accept(namespace).unwrap(),
                Step::Event(server::Event::Event(e), _) => {
                    if let Some(request) = e.ack {
                        io.ack(request, &e.args()).unwrap();
                    }
                }
                Step::Closed(why) => reason = Some(why),
                _ => {}
            }
        }
        reason.unwrap()
    });
    let config = Config::parse("ws://127.0.0.1:1").unwrap();
    let memory = ClientMemory {
        rx: &mut [0; 1024],
        tx: &mut [0; 1024],
        files: &mut [],
        acks: &mut [AckSlot::EMPTY; 1],
        sockets: &mut [client::SocketSlot::EMPTY; 1],
        backlog: &mut [0; 1024],
        attempt: pin!(None),
    };
    let dial = async || blocking::Stream::tcp(std::net::TcpStream::connect(address)?);
    let mut client = Client::new(&config, &["/"], memory, dial, blocking::Clock::new(), random);
    client.connect(ROOT).unwrap();
    let start = Instant::now();
    for n in (0..900).step_by(7) {
        let text = "x".repeat(n);
        let text = &*text;
        let asked = client.ask(ROOT, "echo", &text, 5000, |ack, _| ack.args().raw().len(), |_, _| ());
        assert_eq!(blocking::wait(asked), Ok(n + 2));
    }
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
    assert!(blocking::wait(client.leave()));
    let _ = serve.join().unwrap();
}

/// The other server of one client, on Tokio: dropped and called again in a loop with other work, as `select!` does.
#[tokio::test]
async fn a_server_in_a_select_loop() {
    let (near, far) = pair().await;
    let serve = async {
        let memory =
            ServerMemory { rx: &mut [0; 1024], tx: &mut [0; 1024], files: &mut [], acks: &mut [AckSlot::EMPTY; 2] };
        let mut server = Server::new(Stream::new(near), Clock::new(), random, &["/"], memory);
        server.accept().await.unwrap();
        let mut tick = tokio::time::interval(Duration::from_millis(1));
        let mut ticks = 0_u32;
        loop {
            tokio::select! {
                next = server.next() => match next.unwrap() {
                    None => return ticks,
                    Some((Step::Event(server::Event::Connect { namespace, .. }, _), io)) => io.accept(namespace).await.unwrap(),
                    Some(_) => {}
                },
                _ = tick.tick() => {
                    if server.io().session().is_connected(ROOT) && ticks < 200 {
                        server.io().emit(ROOT, "tick", &ticks, None).await.unwrap();
                        ticks += 1;
                    }
                }
            }
        }
    };
    let listen = async {
        let config = Config::parse("ws://127.0.0.1:1").unwrap();
        let memory = ClientMemory {
            rx: &mut [0; 1024],
            tx: &mut [0; 1024],
            files: &mut [],
            acks: &mut [AckSlot::EMPTY; 1],
            sockets: &mut [client::SocketSlot::EMPTY; 1],
            backlog: &mut [0; 1024],
            attempt: pin!(None),
        };
        let far = Cell::new(Some(far));
        let dial = async || far.take().map(Stream::new).ok_or(());
        let mut client = Client::new(&config, &["/"], memory, dial, Clock::new(), random);
        client.connect(ROOT).unwrap();
        let mut heard = Vec::new();
        while heard.len() < 200 {
            let next = tokio::time::timeout(Duration::from_millis(2), client.next()).await;
            if let Ok(Ok((client_end::Step::Event(client::Event::Event(e), _), _))) = next {
                heard.push(String::from_utf8(e.args().raw().to_vec()).unwrap());
            }
        }
        assert!(client.leave().await);
        heard
    };
    let (ticks, heard) = tokio::join!(serve, listen);
    assert_eq!(ticks, 200);
    assert!(heard.iter().map(|h| h.parse::<u32>().unwrap()).eq(0..200), "{heard:?}");
}

#[tokio::test]
async fn a_message_and_a_close_right_behind_the_answer() {
    let (near, mut far) = pair().await;
    let mut ws = WebSocket::client(Stream::new(near), Clock::new(), random, [0; 512], [0; 512]);
    let serve = async {
        let mut bytes = vec![0; 1024];
        let n = far.read(&mut bytes).await.unwrap();
        let mut memory = [0; 512];
        let request = sansocket::http::Request::parse(&bytes[..n]).unwrap();
        let m = sansocket::ws::Accept::check(&request).unwrap().write(&[], &mut memory).unwrap();
        far.write_all(&[&memory[..m], b"\x81\x05hello\x88\x02\x03\xe8"].concat()).await.unwrap();
        far
    };
    let url = Url::parse("ws://127.0.0.1/a").unwrap();
    let (far, connected) = tokio::join!(serve, async { ws.connect(&url).await.map(|answer| answer.status().0) });
    assert_eq!(connected.unwrap(), 101);
    let (incoming, reply) = ws.next().await.unwrap().unwrap();
    assert!(matches!(incoming, Incoming::Message(m) if m.as_bytes() == b"hello"));
    reply.send_text("answer").await.unwrap();
    assert!(matches!(ws.next().await, Ok(Some((Incoming::Close(CloseCode::NORMAL), _)))));
    drop(far);
    assert!(ws.next().await.unwrap().is_none());
    assert!(ws.reply().closed().is_clean);
}
