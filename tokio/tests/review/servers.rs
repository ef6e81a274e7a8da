//! Servers whose applications do much, and whose clients say things at the wrong time.

use crate::peer::Peer;
use sansocket_tokio::{
    AskError,
    client::{self, Transport},
    server::{Ack, Config, Reason, Server, Socket},
    testing,
};
use std::{
    collections::HashSet,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::time::{Instant, sleep, timeout};

const LONG: Duration = Duration::from_secs(3600);

/// The memory of rooms that are left is used again.
#[tokio::test]
async fn rooms_of_ever_new_names() {
    let io = Server::new(Config::new().max_rooms(10_000, 64));
    let mut sockets = Vec::new();
    for _ in 0..4 {
        sockets.push(testing::connect(&io, "/").await.expect("connected"));
    }
    for round in 0..20 {
        for (_, socket) in &sockets {
            for n in 0..2_500 {
                assert!(socket.join(format!("a room of round {round} with number {n}")));
            }
        }
        for (_, socket) in &sockets {
            assert_eq!(socket.rooms().len(), 2_501);
            for n in 0..2_500 {
                assert!(socket.leave(format!("a room of round {round} with number {n}")));
            }
            assert_eq!(socket.rooms(), [socket.id().to_string()]);
        }
    }
    assert_eq!(io.count("a room of round 19 with number 0"), 0);
}

/// Each socket that was asked is told about once, whatever clients acknowledge, and whenever they leave.
#[tokio::test(start_paused = true)]
async fn answers_of_clients_that_leave_answer_twice_or_answer_for_others() {
    let io = Server::new(Config::new());
    let mut peers = Vec::new();
    for _ in 0..6 {
        peers.push(Peer::join(&io).await);
    }
    let ids: HashSet<String> = peers.iter().map(|peer| peer.id.clone()).collect();
    sleep(Duration::from_millis(10)).await;
    let mut answers = io.timeout(Duration::from_secs(5)).ask::<u32>("vote", "?").expect("asked");
    assert_eq!(answers.expected(), 6);
    // One who was not asked.
    let mut late = Peer::join(&io).await;
    late.acknowledge("0", "66").await;
    let mut question = String::new();
    for (n, peer) in peers.iter_mut().enumerate() {
        question = peer.question().await;
        match n {
            0 => peer.send_left().await,
            1 => {
                peer.acknowledge(&question, "1").await;
                peer.acknowledge(&question, "2").await;
            }
            2 => {
                let wrong = format!("{question}0");
                peer.acknowledge(&wrong, "3").await;
                peer.acknowledge("18446744073709551615", "3").await;
            }
            3 => peer.acknowledge(&question, "\"not a number\"").await,
            4 => {
                peer.acknowledge(&question, "4").await;
                peer.send_left().await;
            }
            _ => {}
        }
    }
    late.acknowledge(&question, "77").await;
    drop(peers.pop());
    let mut told = HashSet::new();
    while let Some(answer) = timeout(LONG, answers.next()).await.expect("in time") {
        let id = answer.socket.expect("a socket of here").to_string();
        assert!(told.insert(id.clone()), "told twice");
        match answer.result {
            Ok(n) => assert!(n == 1 || n == 4, "{n}"),
            Err(AskError::TimedOut | AskError::Disconnected | AskError::Decode(_)) => {}
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!(told, ids);
    assert_eq!(answers.answered(), 3);
}

/// The acknowledgement of an event does not go to the socket that the same client has afterwards.
#[tokio::test(start_paused = true)]
async fn an_acknowledgement_that_comes_after_its_socket() {
    let io = Server::new(Config::new());
    let acks = Arc::new(Mutex::new(Vec::new()));
    let kept = acks.clone();
    io.on("later", move |_: Socket, (): (), ack: Ack| kept.lock().unwrap().push(ack));
    let mut peer = Peer::join(&io).await;
    peer.send("427[\"later\"]").await;
    peer.send_left().await;
    peer.send("40").await;
    assert!(peer.text().await.expect("connected").starts_with("40"));
    let ack = acks.lock().unwrap().pop().expect("an acknowledgement");
    assert!(ack.send("too late").is_err());
    io.emit("mark", ()).expect("emitted");
    assert_eq!(peer.event().await, r#"["mark"]"#);
}

/// Whatever the hooks of the end do, the end comes once.
#[tokio::test(start_paused = true)]
async fn hooks_of_the_end_that_do_everything() {
    for case in 0..6 {
        let io = Server::new(Config::new());
        let notes = Arc::new(Mutex::new(Vec::new()));
        let (leaving, left) = (notes.clone(), notes.clone());
        io.on_disconnecting(move |socket: Socket, reason: Reason| {
            leaving.lock().unwrap().push(format!("leaving {reason}"));
            socket.join("another room");
            socket.disconnect(true);
            socket.emit("bye", ()).ok();
            drop(socket.ask::<()>("why", ()));
            socket.everybody().emit("bye", ()).ok();
            socket.everybody().disconnect(case % 2 == 0).ok();
            socket.on_disconnect(|_: Socket, _: Reason| {});
            socket.on("x", |_: Socket| {});
            socket.server().to("another room").disconnect(true).ok();
        });
        io.on_disconnect(move |socket: Socket, reason: Reason| {
            left.lock().unwrap().push(format!("left {reason}"));
            assert!(!socket.join("room") && !socket.leave("room") && socket.rooms().is_empty());
            assert!(socket.emit("bye", ()).is_err());
            socket.disconnect(true);
            let io = socket.server();
            tokio::spawn(async move { io.close().await });
        });
        let mut peer = Peer::join(&io).await;
        let other = testing::client(&io, "/").transports([Transport::Polling]).connect().await.expect("connected");
        sleep(Duration::from_millis(10)).await;
        match case {
            0 => peer.send_left().await,
            1 => peer.send("what is this").await,
            2 => drop(peer),
            3 => io.sockets()[0].disconnect(false),
            4 => io.sockets()[0].disconnect(true),
            _ => timeout(LONG, io.close()).await.expect("in time"),
        }
        sleep(Duration::from_secs(60)).await;
        assert_eq!(notes.lock().unwrap().len(), 4, "{case}: {notes:?}");
        assert_eq!((io.len(), io.counters().sockets, io.count("another room")), (0, 0, 0));
        drop(other);
    }
}

/// A check may send its client away, and then say anything.
#[tokio::test(start_paused = true)]
async fn a_check_that_sends_its_client_away() {
    let io = Server::new(Config::new());
    io.before_connect(async |socket: Socket| {
        socket.disconnect(true);
        sleep(Duration::from_millis(1)).await;
        Ok::<_, &str>(())
    });
    let notes = Arc::new(Mutex::new(0));
    let met = notes.clone();
    io.on_connect(move |_: Socket| *met.lock().unwrap() += 1);
    assert!(Peer::try_join_at(&io, "", "").await.is_err());
    sleep(Duration::from_secs(60)).await;
    assert_eq!((io.len(), *notes.lock().unwrap(), io.counters().websocket_sessions), (0, 0, 0));
}

/// Handlers that never end keep neither the end of the server nor that of the client.
#[tokio::test(start_paused = true)]
async fn a_server_that_ends_beside_handlers_that_hang() {
    let io = Server::new(Config::new());
    io.on("hang", async |_: Socket| std::future::pending::<()>().await);
    io.before_event(async |_: Socket, event: sansocket_tokio::server::Event| {
        if event.name == "check" {
            std::future::pending::<()>().await;
        }
        Ok::<_, &str>(())
    });
    io.of("/checked").before_connect(async |_: Socket| std::future::pending::<Result<(), &str>>().await);
    for transport in [Transport::WebSocket, Transport::Polling] {
        let client = testing::client(&io, "/").transports([transport]).connect().await.expect("connected");
        client.emit("hang", ()).expect("sent");
        client.emit("check", ()).expect("sent");
        let _other = client.of("/checked").start().expect("started");
        sleep(Duration::from_millis(10)).await;
        std::mem::forget(client);
    }
    let began = Instant::now();
    io.close().await;
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    assert_eq!((io.len(), io.counters().polling_sessions, io.counters().websocket_sessions), (0, 0, 0));
}

/// A pair of clients asks each other over the server, deeper than anything should.
#[tokio::test(start_paused = true)]
async fn questions_within_questions() {
    let io = Server::new(Config::new());
    io.on("down", async |socket: Socket, n: u32| -> Result<u32, AskError> {
        if n == 0 { Ok(0) } else { Ok(socket.ask::<u32>("down", n - 1).await? + 1) }
    });
    let down = async |socket: client::Socket, n: u32| -> Result<u32, AskError> {
        if n == 0 { Ok(0) } else { Ok(socket.ask::<u32>("down", n - 1).await? + 1) }
    };
    for transport in [Transport::WebSocket, Transport::Polling] {
        let client =
            testing::client(&io, "/").transports([transport]).on("down", down).connect().await.expect("connected");
        assert_eq!(
            timeout(LONG, client.ask::<u32>("down", 200).into_future()).await.expect("in time").expect("told"),
            200
        );
    }
}

/// A client may be in a room of another's id, where an application lets clients choose rooms. What is meant for the other is not for it.
#[tokio::test(start_paused = true)]
async fn a_client_in_the_room_of_another() {
    let io = Server::new(Config::new());
    io.on("join", |socket: Socket, room: String| socket.join(room));
    let mut victim = Peer::join(&io).await;
    let mut other = Peer::join(&io).await;
    let join = format!("\"join\",\"{}\"", victim.id);
    other.emit(&join).await;
    sleep(Duration::from_millis(10)).await;
    assert_eq!(io.count(&victim.id), 2);
    let found = io.fetch_sockets().await.expect("fetched");
    let found = found.into_iter().find(|socket| socket.id().to_string() == victim.id).expect("found");

    found.emit("secret", 7).expect("emitted");
    assert_eq!(victim.event().await, r#"["secret",7]"#);
    let asked = found.clone();
    let answer = tokio::spawn(async move { asked.ask::<u32>(Duration::from_secs(5), "pin?", ()).await });
    victim.answer("1").await;
    assert_eq!(answer.await.expect("no panic").expect("answered"), 1);
    found.join("room").expect("joined");
    assert_eq!(io.count("room"), 1);
    found.leave("room").expect("left");
    found.disconnect(false).expect("sent away");
    assert_eq!(victim.text().await.as_deref(), Some("41"));
    other.hears_nothing(&io).await;
    // It is gone: nothing happens.
    found.emit("secret", 7).expect("emitted");
    assert!(matches!(found.ask::<u32>(Duration::from_secs(5), "pin?", ()).await, Err(AskError::Disconnected)));
}

/// Threads that send, join, leave and send away at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn everything_at_once() {
    let io = Server::new(Config::new());
    let _ = io.of_matching(|name| name.starts_with("/room-"));
    io.on("echo", |_: Socket, n: u32| n);
    let until = std::time::Instant::now() + Duration::from_secs(4);
    let mut tasks = Vec::new();
    for k in 0..4_u64 {
        let io = io.clone();
        tasks.push(tokio::spawn(async move {
            let mut n = k;
            while std::time::Instant::now() < until {
                n += 1;
                let transports = if n % 2 == 0 {
                    vec![Transport::WebSocket]
                } else {
                    vec![Transport::Polling, Transport::WebSocket]
                };
                let client = testing::client(&io, "/")
                    .transports(transports)
                    .on("q", |_: client::Socket| 1)
                    .connect()
                    .await
                    .expect("connected");
                match client.of(&format!("/room-{}", n % 3)).await {
                    Ok(room) => {
                        room.emit("x", 1).ok();
                        if n % 5 == 0 {
                            room.disconnect().await;
                        }
                    }
                    // Others may have sent it away.
                    Err(error) => assert!(!error.to_string().contains("Invalid"), "{error}"),
                }
                let _ = client.ask::<u32>("echo", 3).await;
                if n % 3 == 0 {
                    client.close().await;
                }
            }
        }));
    }
    for k in 0..4 {
        let io = io.clone();
        tasks.push(tokio::spawn(async move {
            let mut n = 0;
            while std::time::Instant::now() < until {
                n += 1;
                for socket in io.sockets() {
                    match (n + k) % 7 {
                        0 => socket.disconnect(n % 2 == 0),
                        1 => drop(socket.join("a")),
                        2 => drop(socket.leave("a")),
                        3 => drop(socket.emit("e", "text")),
                        4 => drop(socket.ask::<u32>("q", ())),
                        _ => drop(socket.to("a").emit("e", "text")),
                    }
                }
                if n % 10 == 0 {
                    let _ = io.timeout(Duration::from_millis(50)).ask::<u32>("q", ()).expect("asked").all().await;
                    io.of(&format!("/room-{}", n % 3)).disconnect_sockets(false).ok();
                }
                tokio::task::yield_now().await;
            }
        }));
    }
    for task in tasks {
        timeout(Duration::from_secs(120), task).await.expect("nobody hangs").expect("nobody panics");
    }
    timeout(Duration::from_secs(20), io.close()).await.expect("in time");
    let now = io.counters();
    assert_eq!(
        (now.sockets, now.polling_sessions, now.websocket_sessions, io.count("a"), io.len()),
        (0, 0, 0, 0, 0),
        "{now:?}"
    );
}
