//! Connections that break after any number of bytes, in either direction, however they end: the client comes back, and sends nothing twice.

use sansocket_tokio::{
    client::{Client, Transport},
    server::{self, Config, Server},
};
use std::{
    error::Error,
    io,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, ReadHalf, WriteHalf, duplex, split},
    time::timeout,
};

type Result<T = (), E = Box<dyn Error + Send + Sync>> = std::result::Result<T, E>;

/// Copies, and after `budget` bytes of all directions of a connection neither goes on.
async fn copy(mut from: ReadHalf<DuplexStream>, mut to: WriteHalf<DuplexStream>, budget: Arc<AtomicUsize>) {
    let mut bytes = [0; 512];
    while let Ok(n @ 1..) = from.read(&mut bytes).await {
        let left =
            budget.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| Some(left.saturating_sub(n))).unwrap();
        if to.write_all(&bytes[..n.min(left)]).await.is_err() || n > left {
            return;
        }
    }
}

/// A connection through which so many bytes pass.
fn dial(io: Server, budget: usize) -> DuplexStream {
    let ((near, a), (b, far)) = (duplex(1000), duplex(1000));
    tokio::spawn(async move { io.serve(far, None).await });
    let (from_client, to_client) = split(a);
    let (from_server, to_server) = split(b);
    let budget = Arc::new(AtomicUsize::new(budget));
    let (up, down) = (copy(from_client, to_server, Arc::clone(&budget)), copy(from_server, to_client, budget));
    tokio::spawn(async move {
        tokio::select! {
            () = up => {}
            () = down => {}
        }
    });
    near
}

async fn try_all(transports: &'static [Transport]) -> Result {
    let io = Server::new(Config::new());
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    io.on("n", move |_: server::Socket, n: u32| log.lock().unwrap().push(n));
    io.on("echo", |_: server::Socket, n: u32| n);
    // Each connection gets some bytes more than the one before, until one has enough.
    let dials = Arc::new(AtomicUsize::new(0));
    let (server, count) = (io.clone(), Arc::clone(&dials));
    let client = Client::builder("http://server")
        .transports(transports)
        .reconnection_delay(Duration::from_millis(1))
        .reconnection_delay_max(Duration::from_millis(1))
        .dial_with(move || {
            let stream = dial(server.clone(), 3 * count.fetch_add(1, Ordering::SeqCst));
            async { io::Result::Ok(stream) }
        })
        .start()?;
    let mut answers = 0;
    for n in 0..200_u32 {
        client.emit("n", n)?;
        match timeout(Duration::from_secs(300), client.ask::<u32>("echo", n).timeout(Duration::from_secs(200))).await? {
            Ok(answer) => {
                assert_eq!(answer, n);
                answers += 1;
            }
            // The connection broke behind the question.
            Err(sansocket_tokio::AskError::Disconnected) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let seen = seen.lock().unwrap();
    println!("{transports:?}: {} connections, {answers} answers, {} events", dials.load(Ordering::SeqCst), seen.len());
    assert!(answers >= 50 && dials.load(Ordering::SeqCst) > 100, "{answers} {dials:?}");
    assert!(seen.is_sorted_by(|a, b| a < b), "{seen:?}");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn over_polling() -> Result {
    try_all(&[Transport::Polling]).await
}

#[tokio::test(start_paused = true)]
async fn over_a_websocket() -> Result {
    try_all(&[Transport::WebSocket]).await
}

#[tokio::test(start_paused = true)]
async fn during_the_upgrade() -> Result {
    try_all(&[Transport::Polling, Transport::WebSocket]).await
}
