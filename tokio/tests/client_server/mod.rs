//! A small Socket.IO server for the tests of the client, over the core's `drive::Server`: WebSocket only, one task for each connection.

#![allow(dead_code, reason = "each test uses a part of it")]

use sansocket::{
    drive::{
        Server, ServerMemory,
        tokio::{Clock, Stream},
    },
    endpoint::Step,
    json::Json,
    socketio::{AckSlot, Attachments, Binary, ExpectAck, server::Event},
};
use sansocket_tokio::client::{Builder, Client, Transport};
use std::{
    error::Error,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::broadcast,
    task::JoinHandle,
    time::{sleep, timeout},
};

pub type Result<T = (), E = Box<dyn Error + Send + Sync>> = std::result::Result<T, E>;

/// What the connections of a server share.
struct Seen {
    log: Mutex<Vec<String>>,
    connections: AtomicUsize,
    cut: broadcast::Sender<()>,
}

/// A server that logs what it sees as `name [arguments]`, and CONNECT as `connect /name auth`.
pub struct TestServer {
    pub address: SocketAddr,
    seen: Arc<Seen>,
    listening: JoinHandle<()>,
}

impl TestServer {
    pub async fn start() -> Self {
        let seen = Seen { log: Mutex::default(), connections: AtomicUsize::new(0), cut: broadcast::channel(1).0 };
        Self::listen("127.0.0.1:0".parse().unwrap(), Arc::new(seen)).await
    }

    async fn listen(address: SocketAddr, seen: Arc<Seen>) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::clone(&seen);
        let listening = tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let (seen, mut cut) = (Arc::clone(&shared), shared.cut.subscribe());
                seen.connections.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(async move {
                    tokio::select! {
                        // An error is the client's end of the connection, which the tests look at there.
                        _ = serve(socket, &seen) => {}
                        _ = cut.recv() => {}
                    }
                });
            }
        });
        Self { address, seen, listening }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Breaks all connections.
    pub fn cut(&self) {
        let _ = self.seen.cut.send(());
    }

    /// Goes away: refuses connections, and breaks those that are open.
    pub async fn stop(self) -> Stopped {
        self.listening.abort();
        let _ = self.listening.await;
        let _ = self.seen.cut.send(());
        Stopped { address: self.address, seen: self.seen }
    }

    pub fn connections(&self) -> usize {
        self.seen.connections.load(Ordering::SeqCst)
    }

    pub fn log(&self) -> Vec<String> {
        self.seen.log.lock().unwrap().clone()
    }

    /// What was logged that begins so.
    pub fn logged(&self, start: &str) -> Vec<String> {
        self.log().into_iter().filter(|line| line.starts_with(start)).collect()
    }

    /// Waits until so many lines of the log begin so.
    pub async fn wait_for(&self, start: &str, count: usize) -> Vec<String> {
        for _ in 0..1000 {
            if self.logged(start).len() >= count {
                break;
            }
            sleep(Duration::from_millis(5)).await;
        }
        let found = self.logged(start);
        assert_eq!(found.len(), count, "{start}: {:?}", self.log());
        found
    }
}

/// A server that is away.
pub struct Stopped {
    pub address: SocketAddr,
    seen: Arc<Seen>,
}

impl Stopped {
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub async fn start(self) -> TestServer {
        TestServer::listen(self.address, self.seen).await
    }
}

/// A client on a WebSocket that reconnects fast.
pub fn builder(url: impl Into<String>) -> Builder {
    let delay = Duration::from_millis(20);
    Client::builder(url).transports([Transport::WebSocket]).reconnection_delay(delay).reconnection_delay_max(delay * 2)
}

/// Fails instead of hanging.
pub async fn soon<T>(future: impl IntoFuture<Output = T>) -> T {
    timeout(Duration::from_secs(20), future.into_future()).await.expect("it happens within 20 s")
}

/// What the server does with which event: see the match.
async fn serve(socket: TcpStream, seen: &Seen) -> Result {
    let mut rx = vec![0; 1 << 20];
    let (mut tx, mut files, mut acks) = (rx.clone(), rx.clone(), [AckSlot::EMPTY; 8]);
    let memory = ServerMemory { rx: &mut rx, tx: &mut tx, files: &mut files, acks: &mut acks };
    let random = |bytes: &mut [u8]| getrandom::fill(bytes).unwrap();
    let mut server = Server::new(Stream::tcp(socket)?, Clock::new(), random, &["/", "/admin", "/denied"], memory);
    server.accept().await?;
    let log = |line: String| seen.log.lock().unwrap().push(line);
    let mut pending = None;
    while let Some((step, io)) = server.next().await? {
        let Step::Event(event, files) = step else { continue };
        match event {
            Event::Connect { namespace, auth } => {
                let auth = auth.map_or("", |auth| std::str::from_utf8(auth.raw()).unwrap());
                log(format!("connect {} {auth}", ["/", "/admin", "/denied"][usize::from(namespace.0)]));
                if namespace.0 == 2 || auth.contains("expired") {
                    let data = sansocket::json::Value::parse(br#"{"code":7}"#)?;
                    io.refuse(namespace, "not authorized", Some(data)).await?;
                    continue;
                }
                io.accept(namespace).await?;
                io.emit(namespace, "welcome", &"you", None).await?;
            }
            Event::UnknownNamespace { name } => io.refuse_unknown(name).await?,
            Event::Event(e) => {
                let args = std::str::from_utf8(e.args().raw()).unwrap();
                let name = e.name().unwrap().as_str().unwrap().as_plain().unwrap();
                log(format!("{name} [{args}]"));
                let files: Vec<&[u8]> = files.into_iter().collect();
                let content = Binary(e.args(), Attachments::from(&files[..]));
                match (name, e.ack) {
                    // Comes back: as an acknowledgement, or as an event.
                    ("echo", Some(request)) => io.ack(request, &content).await?,
                    ("echo", None) => io.emit(e.namespace, "echo", &content, None).await?,
                    // The server asks `question` with the arguments, and acknowledges with the answer.
                    ("ask-me", request) => {
                        pending = request;
                        let expect = ExpectAck { token: 1, deadline: None };
                        io.emit(e.namespace, "question", &content, Some(expect)).await?;
                    }
                    // So many events `n`.
                    ("count", _) => {
                        let to = e.args().next().and_then(|n| n.as_u64()).unwrap();
                        for n in 0..to {
                            io.emit(e.namespace, "n", &Json(n), None).await?;
                        }
                    }
                    ("kick", _) => io.disconnect(e.namespace).await?,
                    ("cut", _) => return Ok(()),
                    _ => {}
                }
            }
            Event::Ack(ack) => {
                let args = std::str::from_utf8(ack.args().raw()).unwrap();
                log(format!("answer [{args}]"));
                let files: Vec<&[u8]> = files.into_iter().collect();
                if let Some(request) = pending.take() {
                    io.ack(request, &Binary(ack.args(), Attachments::from(&files[..]))).await?;
                }
            }
            Event::Disconnected { .. } => log("left".to_owned()),
            _ => {}
        }
    }
    Ok(())
}
