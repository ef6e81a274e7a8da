//! The Socket.IO client that is awaited, over sockets: on Tokio, and blocking. The server is another program if `SERVER` has its URL, else one of this crate.

#[path = "client_end/server.rs"]
#[allow(dead_code)]
mod server;

/// What the server shares with the tests of the machine.
mod world {
    pub const NAMES: [&str; 3] = ["/", "/b", "/c"];
}

use sansocket::{
    deflate::Tier,
    drive::{Client, ClientMemory, Packing, Timer, Transport, blocking, tokio as on_tokio},
    endpoint::client::{Config, Line, Over, Step},
    socketio::{
        AckSlot, Binary, Namespace, Placeholder,
        client::{Event, SocketSlot},
    },
    time::Instant,
    ws::{Compression, Deflater},
};
use std::{
    io::{ErrorKind, Read, Write},
    net::TcpListener,
    pin::pin,
    time::Duration,
};

const ROOT: Namespace = Namespace(0);

fn random(bytes: &mut [u8]) {
    getrandom::fill(bytes).unwrap();
}

/// The URL of a server that answers questions with what they ask.
fn serve() -> String {
    if let Ok(url) = std::env::var("SERVER") {
        return url;
    }
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let start = std::time::Instant::now();
        for socket in listener.incoming() {
            let mut socket = socket.unwrap();
            socket.set_read_timeout(Some(Duration::from_millis(5))).unwrap();
            let mut server = server::Server::new();
            server.open(Line::WebSocket);
            loop {
                let mut bytes = [0; 4096];
                match socket.read(&mut bytes) {
                    Ok(0) => break,
                    Ok(n) => server.receive(Line::WebSocket, &bytes[..n]),
                    Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
                    Err(_) => break,
                }
                server.turn(Instant::from_millis(start.elapsed().as_millis() as u64));
                if socket.write_all(&server.output(Line::WebSocket)).is_err() {
                    break;
                }
            }
        }
    });
    url
}

/// Fills memory with random bytes.
type Fill = fn(&mut [u8]);

/// Asks a hundred questions, one after the other, sends a file, and leaves.
async fn talk<'m, T, D, A, C, P, E>(mut client: Client<'m, T, D, A, C, Fill, P>) -> usize
where
    T: Transport,
    D: FnMut() -> A,
    A: Future<Output = Result<T, E>>,
    C: Timer,
    P: Packing,
{
    client.connect(ROOT).unwrap();
    let (step, _) = client.next().await.unwrap();
    assert!(matches!(step, Step::Event(Event::Opened, _)), "{step:?}");
    let mut others = 0;
    for i in 0..100u32 {
        let expected = format!("{i}");
        let is_it = |json: &[u8]| json == expected.as_bytes() || json == format!("[{i}]").as_bytes();
        let answer = client.ask(ROOT, "echo", &i, 5000, |ack, _| is_it(ack.args().raw()), |_, _| others += 1).await;
        assert_eq!(answer, Ok(true), "{i}");
    }
    assert!(client.io().is_connected(ROOT));
    let files: [&[u8]; 1] = [&[7; 3000]];
    let file = Binary(Placeholder(0), files.as_slice().into());
    let got =
        client.ask(ROOT, "echo", &file, 5000, |_, files| files.into_iter().map(<[u8]>::len).sum(), |_, _| ()).await;
    assert!(client.leave().await);
    let (step, _) = client.next().await.unwrap();
    assert!(matches!(step, Step::Over(Over::Closed)));
    assert_eq!(others, 1, "it was connected");
    got.unwrap()
}

macro_rules! memory {
    ($attempt:expr) => {
        ClientMemory {
            rx: &mut [0; 4096],
            tx: &mut [0; 4096],
            files: &mut [0; 4096],
            acks: &mut [AckSlot::EMPTY; 2],
            sockets: &mut [SocketSlot::EMPTY; 1],
            backlog: &mut [0; 4096],
            attempt: $attempt,
        }
    };
}

#[tokio::test]
async fn on_tokio() {
    let url = serve();
    tokio::spawn(async move {
        let config = Config::parse(&url).unwrap();
        let attempt = pin!(None);
        let memory = memory!(attempt);
        let url = config.url();
        let dial = async || tokio::net::TcpStream::connect((url.host(), url.port())).await.map(on_tokio::Stream::new);
        let random: fn(&mut [u8]) = random;
        let client = Client::new(&config, &["/"], memory, dial, on_tokio::Clock::new(), random);
        talk(client).await
    })
    .await
    .unwrap();
}

#[test]
fn blocking() {
    let url = serve();
    let config = Config::parse(&url).unwrap();
    let attempt = pin!(None);
    let memory = memory!(attempt);
    let url = config.url();
    let dial = async || blocking::Stream::tcp(std::net::TcpStream::connect((url.host(), url.port()))?);
    let random: fn(&mut [u8]) = random;
    let client = Client::new(&config, &["/"], memory, dial, blocking::Clock::new(), random);
    blocking::wait(talk(client));
}

/// A server that compresses is another program.
#[tokio::test]
async fn compressed() {
    let url = serve();
    tokio::spawn(async move {
        let config = Config::parse(&url).unwrap();
        let (mut window, mut tables) = (vec![0; 16 * 1024], vec![0; Tier::MEDIUM.bytes()]);
        let deflater = Deflater::new(Tier::MEDIUM, &mut tables[..]).unwrap().with_threshold(4);
        let attempt = pin!(None);
        let memory = memory!(attempt);
        let url = config.url();
        let dial = async || tokio::net::TcpStream::connect((url.host(), url.port())).await.map(on_tokio::Stream::new);
        let random: fn(&mut [u8]) = random;
        let client = Client::new(&config, &["/"], memory, dial, on_tokio::Clock::new(), random);
        talk(client.with_compression(Compression::new(), &mut window, deflater)).await
    })
    .await
    .unwrap();
}

/// `cargo test --test drive_client_tcp -- --nocapture sizes` prints them.
#[test]
fn sizes() {
    let config = Config::parse("ws://localhost").unwrap();
    let attempt = pin!(None);
    let memory = memory!(attempt);
    let dial = async || Ok::<_, std::io::Error>(on_tokio::Stream::new(tokio::io::empty()));
    let random: fn(&mut [u8]) = random;
    let mut client = Client::new(&config, &["/"], memory, dial, on_tokio::Clock::new(), random);
    let all = size_of_val(&client);
    let flush = size_of_val(&client.io().flush());
    let next = size_of_val(&client.next());
    let leave = size_of_val(&client.leave());
    let ask = size_of_val(&client.ask(ROOT, "a", &1, 1, |_, _| (), |_, _| ()));
    println!("client {all}, flush {flush}, next {next}, ask {ask}, leave {leave}");
    // None holds a buffer.
    assert!(all <= 1300 && flush <= 300 && next.max(leave) <= 700 && ask <= 900);
}
