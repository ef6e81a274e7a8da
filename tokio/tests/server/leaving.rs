//! How clients go, and what stays of them.

use crate::peer::*;
use sansocket_tokio::server::{Config, Reason, Server, Socket};
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::time::sleep;

/// A server that notes how sockets come and go, and the last socket that came.
fn noting() -> (Server, Notes, Arc<Mutex<Option<Socket>>>) {
    noting_in(server())
}

fn noting_in(io: Server) -> (Server, Notes, Arc<Mutex<Option<Socket>>>) {
    let (notes, last) = (Notes::default(), Arc::new(Mutex::new(None)));
    for space in [io.of("/"), io.of("/a")] {
        let (came, kept) = (notes.clone(), last.clone());
        space.on_connect(move |socket: Socket| {
            came.add("came");
            *kept.lock().unwrap() = Some(socket);
        });
        let leaves = notes.clone();
        space.on_disconnecting(move |socket: Socket, _: Reason| leaves.add(format!("leaves {}", socket.rooms().len())));
        let left = notes.clone();
        space.on_disconnect(move |socket: Socket, reason: Reason| {
            left.add(format!("left {} {reason}", socket.rooms().len()));
        });
    }
    (io, notes, last)
}

#[tokio::test(start_paused = true)]
async fn hooks_see_rooms_before_and_the_reason_after() {
    let (io, notes, last) = noting();
    let mut peer = Peer::join(&io).await;
    settle().await;
    last.lock().unwrap().as_ref().unwrap().join("r");
    peer.send("41").await;
    settle().await;
    notes.are(&["came", "leaves 2", "left 0 client namespace disconnect"]);
    peer.enter("").await;
    drop(peer);
    settle().await;
    notes.are(&["came", "leaves 1", "left 0 transport close"]);
    assert_empty(&io);
}

#[tokio::test(start_paused = true)]
async fn a_server_sends_away_from_one_namespace_or_closes() {
    let (io, notes, last) = noting();
    let socket = || last.lock().unwrap().clone().unwrap();
    let mut peer = Peer::join(&io).await;
    settle().await;
    let main = socket();
    peer.enter("/a,").await;
    settle().await;
    socket().disconnect(false);
    socket().disconnect(false);
    assert!(!socket().is_connected() && main.is_connected());
    assert!(socket().emit("e", ()).is_err());
    peer.expect("41/a,").await;
    settle().await;
    notes.are(&["came", "came", "leaves 1", "left 0 server namespace disconnect"]);
    main.disconnect(true);
    assert_eq!(peer.all().await, ["41"]);
    peer.ended().await;
    settle().await;
    notes.are(&["leaves 1", "left 0 server namespace disconnect"]);
    assert_empty(&io);
}

#[tokio::test(start_paused = true)]
async fn sockets_are_sent_away_from_handlers_and_hooks() {
    let (io, notes, _) = noting();
    io.on("bye", |socket: Socket, close: bool| {
        socket.emit("last", ()).unwrap();
        socket.disconnect(close);
        socket.emit("no more", ()).unwrap_err();
        "answer"
    });
    io.of("/a").on_connect(|socket: Socket| socket.disconnect(false));
    let mut peer = Peer::join(&io).await;
    peer.enter("/a,").await;
    peer.expect("41/a,").await;
    settle().await;
    notes.are(&["came", "came", "leaves 1", "left 0 server namespace disconnect"]);
    peer.send("421[\"bye\",true]").await;
    assert_eq!(peer.all().await, ["42[\"last\"]", "41"]);
    peer.ended().await;
    settle().await;
    notes.are(&["leaves 1", "left 0 server namespace disconnect"]);
    assert_empty(&io);
}

/// An old handle means the old socket, not the one that came after it over the same connection.
#[tokio::test(start_paused = true)]
async fn an_old_handle_does_nothing_to_the_socket_that_came_after_it() {
    let (io, notes, last) = noting();
    let mut peer = Peer::join(&io).await;
    settle().await;
    let old = last.lock().unwrap().take().unwrap();
    peer.send("41").await;
    peer.enter("").await;
    settle().await;
    let new = last.lock().unwrap().take().unwrap();
    notes.take();
    assert!(!old.is_connected() && new.is_connected() && old.id() != new.id());
    old.disconnect(false);
    old.disconnect(true);
    let asked = old.ask::<u8>("q", ()).await;
    assert!(matches!(asked, Err(sansocket_tokio::AskError::Emit(_))), "{asked:?}");
    assert!(peer.all().await.is_empty());
    assert!(new.is_connected());
    notes.are(&[]);
}

/// The same over polling, where no request waits: the hooks are called at once, not with the next heartbeat.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_session_over_polling_notices_at_once_that_it_is_sent_away() {
    let (io, _, last) = noting();
    let left = Arc::new(AtomicBool::new(false));
    let l = left.clone();
    io.on_disconnect(move |_: Socket, _: Reason| l.store(true, Ordering::SeqCst));
    for _ in 0..200 {
        let _sid = poll_join(&io).await;
        left.store(false, Ordering::SeqCst);
        let socket = last.lock().unwrap().take().unwrap();
        let other = socket.clone();
        let both = [tokio::task::spawn_blocking(move || other.emit("e", ())).await, Ok(Ok(()))];
        drop(both);
        socket.disconnect(true);
        tokio::time::timeout(Duration::from_secs(2), async {
            while !left.load(Ordering::SeqCst) {
                tokio::task::yield_now().await;
            }
        })
        .await
        .expect("the hook is called at once");
    }
}

struct Canary(Arc<AtomicBool>);

impl Drop for Canary {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// What an application keeps of a client that is gone is small: neither the session nor what handlers captured.
#[tokio::test(start_paused = true)]
async fn a_kept_socket_keeps_neither_its_session_nor_its_handlers() {
    let (io, _, last) = noting();
    let mut peer = Peer::join(&io).await;
    settle().await;
    let socket = last.lock().unwrap().take().unwrap();
    let dropped = Arc::new(AtomicBool::new(false));
    let (canary, me) = (Canary(dropped.clone()), socket.clone());
    socket.on("e", move |_: Socket| {
        let _ = (&canary, &me);
    });
    assert!(sansocket_tokio::testing::is_held(&socket));
    peer.send("42[\"e\"]").await;
    settle().await;
    drop(peer);
    settle().await;
    assert!(dropped.load(Ordering::SeqCst));
    assert!(!sansocket_tokio::testing::is_held(&socket));
    let late = Arc::new(AtomicBool::new(false));
    let canary = Canary(late.clone());
    socket.on("e", move |_: Socket| {
        let _ = &canary;
    });
    assert!(late.load(Ordering::SeqCst), "nothing is added to a socket that is gone");
    assert_eq!(socket.handshake().header("host"), Some("test"));
    assert!(!socket.is_connected() && socket.rooms().is_empty() && socket.queued() == 0);
    socket.disconnect(true);
    assert!(socket.emit("e", ()).is_err());
}

/// Dropping what a handler captured may use the socket and the server.
#[tokio::test(start_paused = true)]
async fn what_handlers_captured_may_use_the_server_when_it_is_dropped() {
    struct Late(Socket, Server);
    impl Drop for Late {
        fn drop(&mut self) {
            let Self(socket, io) = self;
            socket.on("late", |_: Socket| ());
            socket.data().insert(1_u8);
            let _ = io.emit("gone", ());
            io.on("late", |_: Socket| ());
        }
    }
    let (io, _, last) = noting();
    let (peer, mut other) = (Peer::join(&io).await, Peer::join(&io).await);
    settle().await;
    let socket = last.lock().unwrap().take().unwrap();
    let (late, second) = (Late(socket.clone(), io.clone()), Late(socket.clone(), io.clone()));
    socket.on("e", move |_: Socket| {
        let _ = &late;
    });
    socket.on("f", move |_: Socket| {
        let _ = &second;
    });
    socket.off("f");
    other.expect("42[\"gone\"]").await;
    other.send("41").await;
    drop(peer);
    settle().await;
    assert_eq!(io.counters().sockets, 0);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_joins_nothing_or_says_nothing_is_dropped() {
    let io = Server::new(
        Config::new()
            .connect_timeout(Duration::from_secs(3))
            .ping_interval(Duration::from_secs(5))
            .ping_timeout(Duration::from_secs(4)),
    );
    let (io, notes, _) = noting_in(io);
    Peer::open(&io).await.ended().await;
    let silent = Peer::join(&io).await;
    sleep(Duration::from_secs(8)).await;
    notes.are(&["came"]);
    sleep(Duration::from_secs(2)).await;
    notes.are(&["leaves 1", "left 0 ping timeout"]);
    drop(silent);
    let _sid = poll_join(&io).await;
    sleep(Duration::from_secs(10)).await;
    notes.are(&["came", "leaves 1", "left 0 ping timeout"]);
    assert_empty(&io);
}
