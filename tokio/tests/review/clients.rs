//! Clients that end, leave and come back at the wrong time.

use sansocket_tokio::{
    AskError,
    client::{Client, Event, Socket, Transport},
    server::{self, Config, Server},
    testing,
};
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::time::{sleep, timeout};

const LONG: Duration = Duration::from_secs(3600);

#[tokio::test(start_paused = true)]
async fn a_stream_without_room_leaves_the_client_its_ears() {
    let io = Server::new(Config::new());
    io.on("echo", |_: server::Socket, n: u32| n);
    let client = testing::client(&io, "/").events_limit(0).ask_timeout(LONG);
    let client = timeout(LONG, client.connect()).await.expect("in time").expect("connected");
    assert_eq!(client.ask::<u32>("echo", 7).await.expect("answered"), 7);
}

/// What a handler captures would never be given back: it may hold the client's own memory.
#[tokio::test(start_paused = true)]
async fn nothing_is_kept_for_a_client_that_is_gone() {
    let io = Server::new(Config::new());
    let (client, _) = testing::connect(&io, "/").await.expect("connected");
    let socket = Socket::clone(&client);
    drop(client);
    sleep(Duration::from_secs(1)).await;
    assert!(socket.is_over());
    let held = Arc::new(());
    let (own, kept) = (socket.clone(), held.clone());
    socket.on("never", move |_: Socket| drop((kept.clone(), own.clone())));
    let (one, other) = (held.clone(), held.clone());
    socket.once("never", move |_: Socket| drop(one.clone()));
    socket.on_any(move |_: Socket, _: String, _: sansocket_tokio::args::Raw| drop(other.clone()));
    let (one, other, third) = (held.clone(), held.clone(), held.clone());
    socket.on_connect(move |_: Socket| drop(one.clone()));
    socket.on_disconnect(move |_: Socket, _: sansocket_tokio::client::Reason| drop(other.clone()));
    socket.on_connect_error(move |_: Socket, _: sansocket_tokio::client::ConnectError| drop(third.clone()));
    assert_eq!(Arc::strong_count(&held), 1);
}

#[tokio::test(start_paused = true)]
async fn a_stream_ends_with_a_client_that_never_began() {
    for url in ["no url", "http://server/a,b"] {
        let builder = Client::builder(url);
        let mut events = builder.events();
        assert!(builder.start().is_err());
        assert!(timeout(LONG, events.next()).await.expect("in time").is_none());
    }
}

#[test]
fn a_stream_ends_with_the_runtime() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let client = runtime.block_on(async { Client::builder("http://127.0.0.1:9").start().expect("started") });
    let mut events = client.events();
    // The task of the client was never polled.
    drop(runtime);
    assert!(client.is_over());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let next = runtime.block_on(async { timeout(Duration::from_secs(10), events.next()).await });
    assert!(next.expect("in time").is_none());
}

#[tokio::test(start_paused = true)]
async fn times_without_end() {
    let io = Server::new(Config::new());
    io.on("echo", |_: server::Socket, n: u32| n);
    io.on("silent", |_: server::Socket, (): (), _: server::Ack| {});
    let client = testing::client(&io, "/")
        .reconnection_delay(Duration::MAX)
        .reconnection_delay_max(Duration::MAX)
        .timeout(Duration::MAX)
        .jitter(255)
        .ask_timeout(Duration::MAX);
    let client = client.connect().await.expect("connected");
    assert_eq!(client.ask::<u32>("echo", 7).retries(255).await.expect("answered"), 7);
    let asked = timeout(Duration::from_secs(10), client.ask::<u32>("silent", ()).retries(1).into_future()).await;
    assert!(asked.is_err());
    io.close().await;
    sleep(Duration::from_secs(86_400)).await;
    assert!(!client.is_over());
    timeout(Duration::from_secs(60), client.close()).await.expect("in time");
}

/// The server takes its time to check whoever comes, and the client changes its mind meanwhile.
#[tokio::test(start_paused = true)]
async fn a_namespace_left_and_joined_while_it_is_checked() {
    let io = Server::new(Config::new());
    let slow = io.of("/slow");
    slow.before_connect(async |_: server::Socket| {
        sleep(Duration::from_millis(100)).await;
        Ok::<_, &str>(())
    });
    slow.on("echo", |_: server::Socket, n: u32| n);
    for transport in [Transport::WebSocket, Transport::Polling] {
        let client = testing::client(&io, "/").transports([transport]).connect().await.expect("connected");
        let id = client.id();
        for times in 1..6 {
            let other = client.of("/slow").start().expect("started");
            for n in 0..times {
                sleep(Duration::from_millis(n * 7)).await;
                timeout(LONG, other.disconnect()).await.expect("left");
                other.connect();
            }
            timeout(LONG, other.connected()).await.expect("in time").expect("connected");
            assert_eq!(other.ask::<u64>("echo", times).await.expect("answered"), times);
            assert_eq!(slow.len(), 1);
            other.disconnect().await;
            assert_eq!(client.id(), id, "the connection was lost");
        }
    }
}

/// The last call counts, however many there were.
#[tokio::test(start_paused = true)]
async fn a_client_that_cannot_make_up_its_mind() {
    let io = Server::new(Config::new());
    io.on("echo", |_: server::Socket, n: u32| n);
    let (client, _) = testing::connect(&io, "/").await.expect("connected");
    for n in 0..200_u32 {
        let leaving = client.clone();
        let left = tokio::spawn(async move { leaving.disconnect().await });
        for _ in 0..n % 5 {
            tokio::task::yield_now().await;
        }
        client.connect();
        if n % 3 == 0 {
            client.emit("echo", n).expect("kept");
        }
        timeout(LONG, left).await.expect("in time").expect("left");
        client.connect();
        timeout(LONG, client.connected()).await.expect("in time").expect("connected");
        assert_eq!(
            timeout(LONG, client.ask::<u32>("echo", n).into_future()).await.expect("in time").expect("answered"),
            n
        );
    }
    client.close().await;
    sleep(Duration::from_secs(60)).await;
    assert_eq!((io.len(), io.counters().polling_sessions, io.counters().websocket_sessions), (0, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn dropped_at_each_moment_of_its_beginning() {
    let io = Server::new(Config::new());
    io.before_connect(async |_: server::Socket| {
        sleep(Duration::from_millis(3)).await;
        Ok::<_, &str>(())
    });
    for transports in
        [vec![Transport::WebSocket], vec![Transport::Polling], vec![Transport::Polling, Transport::WebSocket]]
    {
        for turns in 0..60 {
            let builder = testing::client(&io, "/").transports(transports.clone());
            let mut events = builder.events();
            let connecting = tokio::spawn(builder.connect());
            for _ in 0..turns % 20 {
                tokio::task::yield_now().await;
            }
            sleep(Duration::from_millis(turns / 20 * 2)).await;
            connecting.abort();
            drop(connecting.await);
            timeout(LONG, async { while events.next().await.is_some() {} }).await.expect("the task ends");
            sleep(Duration::from_secs(15)).await;
            let now = io.counters();
            assert_eq!(
                (now.polling_sessions, now.websocket_sessions, now.sockets, now.handlers),
                (0, 0, 0, 0),
                "{turns}"
            );
        }
    }
}

/// Links break at random, also while what has waited is being sent.
#[tokio::test(start_paused = true)]
async fn the_order_of_events_over_links_that_break() {
    for transports in
        [vec![Transport::WebSocket], vec![Transport::Polling], vec![Transport::Polling, Transport::WebSocket]]
    {
        let io = Server::new(Config::new());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let log = seen.clone();
        io.on("n", move |_: server::Socket, n: u32| log.lock().unwrap().push(n));
        let (cutting, links) = (io.clone(), AtomicU64::new(0));
        let client = testing::client(&io, "/")
            .transports(transports)
            .dial_with(move || {
                let (near, far) = tokio::io::duplex(300);
                let io = cutting.clone();
                let task = tokio::spawn(async move { io.serve(far, None).await });
                // Of any length, and the same in each run.
                let lives = links.fetch_add(37, Ordering::Relaxed) * 53 % 97;
                tokio::spawn(async move {
                    sleep(Duration::from_millis(5 + lives)).await;
                    task.abort();
                });
                async { Ok(near) }
            })
            .reconnection_delay(Duration::from_millis(1))
            .reconnection_delay_max(Duration::from_millis(5))
            .start()
            .expect("started");
        for n in 0..3000_u32 {
            client.emit("n", n).expect("kept");
            if n % 10 == 0 {
                sleep(Duration::from_millis(1)).await;
            }
        }
        for _ in 0..10_000 {
            if client.waiting() == 0 && client.is_connected() {
                break;
            }
            sleep(Duration::from_millis(10)).await;
        }
        sleep(Duration::from_millis(200)).await;
        let seen = seen.lock().unwrap();
        assert!(seen.is_sorted_by(|a, b| a < b), "out of order, or twice: {seen:?}");
        assert!(seen.len() > 2000, "{}", seen.len());
    }
}

/// A handler may hold the last client, and drop it.
#[tokio::test(start_paused = true)]
async fn a_client_dropped_by_its_own_handler() {
    let io = Server::new(Config::new());
    let held = Arc::new(Mutex::new(None::<Client>));
    let last = held.clone();
    let client = testing::client(&io, "/").on("go", move |_: Socket| drop(last.lock().unwrap().take()));
    let client = client.connect().await.expect("connected");
    let mut events = client.events();
    *held.lock().unwrap() = Some(client);
    io.emit("go", ()).expect("emitted");
    timeout(LONG, async { while events.next().await.is_some() {} }).await.expect("it ends");
    sleep(Duration::from_secs(1)).await;
    assert_eq!(io.len(), 0);
}

#[tokio::test(start_paused = true)]
async fn what_was_sent_before_the_last_client_was_dropped_arrives() {
    let io = Server::new(Config::new());
    let seen = Arc::new(Mutex::new(0));
    let count = seen.clone();
    io.on("n", move |_: server::Socket, _: String| *count.lock().unwrap() += 1);
    for transport in [Transport::WebSocket, Transport::Polling] {
        *seen.lock().unwrap() = 0;
        let client = testing::client(&io, "/").transports([transport]).connect().await.expect("connected");
        for _ in 0..1000 {
            client.emit("n", "x".repeat(500)).expect("kept");
        }
        drop(client);
        sleep(Duration::from_secs(10)).await;
        assert_eq!(*seen.lock().unwrap(), 1000, "{transport:?}");
        assert_eq!(io.len(), 0);
    }
}

/// Questions that nobody waits for any more, and a client that goes while others wait.
#[tokio::test(start_paused = true)]
async fn questions_given_up_and_lost() {
    let io = Server::new(Config::new());
    io.on("echo", |_: server::Socket, n: u32| n);
    io.on("silent", |_: server::Socket, (): (), _: server::Ack| {});
    let (client, _) = testing::connect(&io, "/").await.expect("connected");
    for n in 0..2000 {
        let given_up = timeout(Duration::from_millis(n % 3), client.ask::<()>("silent", ()).into_future()).await;
        assert!(given_up.is_err());
    }
    assert_eq!(client.ask::<u32>("echo", 7).await.expect("answered"), 7);
    let asks: Vec<_> = (0..100)
        .map(|_| {
            let socket = Socket::clone(&client);
            tokio::spawn(async move { socket.ask::<()>("silent", ()).await })
        })
        .collect();
    sleep(Duration::from_millis(10)).await;
    drop(client);
    for ask in asks {
        let answer = timeout(Duration::from_secs(10), ask).await.expect("in time").expect("no panic");
        assert!(matches!(answer, Err(AskError::Disconnected)), "{answer:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_ends_and_another_that_begins() {
    let (old, new) = (Server::new(Config::new()), Server::new(Config::new()));
    let current = Arc::new(Mutex::new(old.clone()));
    for io in [&old, &new] {
        io.on("echo", |_: server::Socket, n: u32| n);
    }
    let dialed = current.clone();
    let builder = testing::client(&old, "/").dial_with(move || {
        let stream = testing::stream(&dialed.lock().unwrap());
        async move { Ok(stream) }
    });
    let mut events = builder.events();
    let client = builder.connect().await.expect("connected");
    old.close().await;
    *current.lock().unwrap() = new.clone();
    let told = timeout(Duration::from_secs(60), async {
        let mut is_lost = false;
        loop {
            match events.next().await.expect("the client goes on") {
                Event::Disconnected(_) => is_lost = true,
                Event::Connected { .. } if is_lost => break,
                _ => {}
            }
        }
    })
    .await;
    assert!(told.is_ok(), "a server that ends is no reason to stay away");
    assert_eq!(client.ask::<u32>("echo", 7).await.expect("answered"), 7);
}
