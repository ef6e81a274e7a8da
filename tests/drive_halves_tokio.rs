//! The halves in tasks of a runtime with several threads: both roles, large messages in both directions, pings, futures dropped at random.
//! `STRESS_SECONDS=20` takes longer than the one second for each transport.

use sansocket::{
    drive::{
        AsClient, AsServer, Deadlines, Error, Receiver, Sender, Shared, Side, WebSocket,
        tokio::{Clock, Stream},
    },
    http::Url,
    ws::{CloseCode, Incoming, Kind, Limits, Timeouts},
};
use std::{
    collections::BTreeMap,
    io,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    task::{Context, Poll},
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf, ReadHalf, WriteHalf},
    net::{TcpListener, TcpStream},
    time::timeout,
};

/// Numbers that look random.
#[derive(Clone)]
struct Dice(u64);

impl Dice {
    fn new() -> Self {
        static SEED: AtomicU64 = AtomicU64::new(1);
        Self(SEED.fetch_add(1, Relaxed))
    }

    fn roll(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

/// A stream that gives and takes a few bytes at a time, and often none.
struct Nibbled<T>(T, Dice, u64);

impl<T> Nibbled<T> {
    /// How many bytes now. 0: it is not ready, and will be soon.
    fn piece(&mut self, cx: &Context<'_>) -> usize {
        let n = self.1.roll(self.2) as usize;
        if n == 0 {
            cx.waker().wake_by_ref();
        }
        n
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Nibbled<T> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let n = self.piece(cx).min(buf.remaining());
        if n == 0 {
            return Poll::Pending;
        }
        let mut small = buf.take(n);
        let result = Pin::new(&mut self.0).poll_read(cx, &mut small);
        let n = small.filled().len();
        // Safe code: the bytes are copied once more.
        let bytes = small.filled().to_vec();
        if result.is_ready() && n > 0 {
            buf.put_slice(&bytes);
        }
        result
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Nibbled<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let n = self.piece(cx).min(bytes.len());
        if n == 0 {
            return Poll::Pending;
        }
        Pin::new(&mut self.0).poll_write(cx, &bytes[..n])
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

type Lock<T, D> = Arc<Mutex<Shared<Stream<WriteHalf<T>>, D, Vec<u8>>>>;
type Rx<T, D> = Receiver<Stream<ReadHalf<T>>, Clock, Vec<u8>, Lock<T, D>>;
type Tx<T, D> = Sender<Clock, Lock<T, D>>;
type Socket<T, D> = WebSocket<Stream<T>, Clock, D, Vec<u8>, Vec<u8>>;

fn split<T: AsyncRead + AsyncWrite + Unpin, D: Side>(ws: Socket<T, D>) -> (Rx<T, D>, Tx<T, D>) {
    let (half, shared) = ws.split(|stream| {
        let stream = stream.into_inner();
        let (reader, writer) = tokio::io::split(stream);
        (Stream::new(reader), Stream::new(writer))
    });
    half.join(Arc::new(Mutex::new(shared)))
}

const LARGEST: u64 = 60_000;

/// Which messages of each sender were confirmed, or received.
type Ledger = Arc<Mutex<BTreeMap<u8, Vec<u32>>>>;

fn message(sender: u8, number: u32, len: usize) -> Vec<u8> {
    let mut bytes = vec![sender];
    bytes.extend(number.to_be_bytes());
    bytes.extend((0..len).map(|i| (i as u32).wrapping_mul(number | 1) as u8));
    bytes
}

async fn send<T, D>(mut tx: Tx<T, D>, id: u8, until: Instant, ledger: Ledger) -> Result<(), Error<io::Error>>
where
    T: AsyncRead + AsyncWrite + Unpin,
    D: Side,
{
    let mut dice = Dice::new();
    for number in 0.. {
        if Instant::now() > until {
            break;
        }
        let len = if dice.roll(4) == 0 { LARGEST } else { 300 };
        let bytes = message(id, number, dice.roll(len) as usize);
        let sending = tx.send(Kind::Binary, &bytes);
        let result = match dice.roll(3) {
            0 => timeout(Duration::from_micros(dice.roll(300)), sending).await,
            _ => Ok(sending.await),
        };
        if let Ok(sent) = result {
            sent?;
            ledger.lock().unwrap().entry(id).or_default().push(number);
        }
        if dice.roll(5) == 0 {
            let _ = timeout(Duration::from_micros(dice.roll(300)), tx.ping(&number.to_be_bytes())).await;
        }
        if dice.roll(10) == 0 {
            tokio::time::sleep(Duration::from_micros(dice.roll(2000))).await;
        }
    }
    tx.flush().await
}

async fn receive<T, D>(mut rx: Rx<T, D>, ledger: Ledger, pongs: Arc<AtomicU64>) -> Result<bool, Error<io::Error>>
where
    T: AsyncRead + AsyncWrite + Unpin,
    D: Side,
{
    let mut dice = Dice::new();
    loop {
        let next = rx.next();
        let incoming = if dice.roll(3) == 0 {
            let Ok(incoming) = timeout(Duration::from_micros(dice.roll(200)), next).await else { continue };
            incoming?
        } else {
            next.await?
        };
        match incoming {
            None => return Ok(rx.closed()?.is_clean),
            Some(Incoming::Message(m)) => {
                let bytes = m.as_bytes();
                let number = u32::from_be_bytes(bytes[1..5].try_into().unwrap());
                assert!(bytes == message(bytes[0], number, bytes.len() - 5), "the message is whole");
                ledger.lock().unwrap().entry(bytes[0]).or_default().push(number);
            }
            Some(Incoming::Pong(_)) => _ = pongs.fetch_add(1, Relaxed),
            Some(_) => {}
        }
    }
}

/// What was confirmed was received, in order, and nothing twice.
fn compare(sent: &Ledger, received: &Ledger) -> usize {
    let (sent, received) = (sent.lock().unwrap(), received.lock().unwrap());
    for (id, numbers) in received.iter() {
        assert!(numbers.is_sorted_by(|a, b| a < b), "sender {id}: in order, and once");
    }
    for (id, numbers) in sent.iter() {
        let received = &received[id];
        let lost: Vec<_> = numbers.iter().filter(|n| received.binary_search(n).is_err()).collect();
        assert!(lost.is_empty(), "sender {id}: {lost:?} are lost");
    }
    received.values().map(Vec::len).sum()
}

async fn stress<T: AsyncRead + AsyncWrite + Unpin + Send + 'static>(client: T, server: T) {
    let seconds = std::env::var("STRESS_SECONDS").map_or(1, |n| n.parse().unwrap());
    let until = Instant::now() + Duration::from_secs(seconds);
    let deadlines = Deadlines::new().others(Timeouts::new().ping_interval(50));
    let rx = || vec![0; LARGEST as usize + 100];
    let random = |bytes: &mut [u8]| getrandom::fill(bytes).unwrap();
    let mut client = WebSocket::client(Stream::new(client), Clock::new(), random, rx(), rx()).with_deadlines(deadlines);
    let mut server = WebSocket::server(Stream::new(server), Clock::new(), rx(), rx()).with_deadlines(deadlines);
    client = client.with_limits(Limits::new());
    let url = Url::parse("ws://localhost/").unwrap();
    let (connected, accepted) = tokio::join!(client.connect(&url), server.accept());
    connected.unwrap();
    accepted.unwrap();
    let ((client_rx, client_tx), (server_rx, server_tx)) =
        (split::<T, AsClient<_>>(client), split::<T, AsServer>(server));
    let ledgers: [Ledger; 4] = Default::default();
    let pongs = Arc::new(AtomicU64::new(0));
    let receivers = [
        tokio::spawn(receive(client_rx, ledgers[3].clone(), pongs.clone())),
        tokio::spawn(receive(server_rx, ledgers[1].clone(), pongs.clone())),
    ];
    let mut senders = Vec::new();
    for id in 0..6 {
        senders.push(tokio::spawn(send(client_tx.clone(), id, until, ledgers[0].clone())));
        senders.push(tokio::spawn(send(server_tx.clone(), id, until, ledgers[2].clone())));
    }
    for sender in senders {
        sender.await.unwrap().unwrap();
    }
    let mut client_tx = client_tx;
    client_tx.close(CloseCode::NORMAL, "").await.unwrap();
    for receiver in receivers {
        assert!(receiver.await.unwrap().unwrap(), "a clean end");
    }
    let up = compare(&ledgers[0], &ledgers[1]);
    let down = compare(&ledgers[2], &ledgers[3]);
    println!("{up} messages up, {down} down, {} pongs", pongs.load(Relaxed));
    assert!(up > 5 && down > 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn over_tcp() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    stress(client, listener.accept().await.unwrap().0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn over_memory() {
    let (client, server) = tokio::io::duplex(1000);
    stress(client, server).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn over_a_stream_that_gives_and_takes_a_few_bytes() {
    for n in [10, 50, 5000] {
        let (client, server) = tokio::io::duplex(3000);
        stress(Nibbled(client, Dice::new(), n), Nibbled(server, Dice::new(), n)).await;
    }
}
