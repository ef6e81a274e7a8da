//! Handlers that block, and code of the application that calls the server where nobody expects it.

use crate::peer::*;
use sansocket_tokio::server::{Config, Reason, Server, Socket};
use serde::{Serialize, Serializer};
use std::{
    sync::{Arc, Mutex, mpsc},
    time::{Duration, Instant},
};
use tokio::time::{sleep, timeout};

/// A handler of a session over polling blocks until another task has run. The task that has the deadlines of the session must leave it a thread.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handler_that_blocks_leaves_the_other_thread_to_others() {
    let (io, (sender, receiver)) = (server(), mpsc::channel());
    let receiver = Mutex::new(receiver);
    io.on("block", move |_: Socket| receiver.lock().unwrap().recv_timeout(Duration::from_secs(5)).is_ok());
    let sid = poll_join(&io).await;
    let mut get = begun(&io, "GET", &sid, "").await;
    tokio::spawn(async move {
        sleep(Duration::from_millis(200)).await;
        let _ = sender.send(());
    });
    let began = Instant::now();
    let mut post = begun(&io, "POST", &sid, "421[\"block\"]").await;
    sleep(Duration::from_millis(50)).await;
    // The GET that waits is answered meanwhile.
    io.emit("progress", ()).unwrap();
    assert_eq!(answer_of(&mut post).await.0, 200);
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    assert_eq!(answer_of(&mut get).await.1, "42[\"progress\"]");
    assert_eq!(request(&io, "GET", &sid, "").await.1, "431[true]");
}

/// One handler waits for a lock of the application that another one holds for a while.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn handlers_that_share_a_lock() {
    let io = server();
    let lock = Arc::new(Mutex::new(0));
    io.on("slow", move |socket: Socket| {
        let mut sum = lock.lock().unwrap();
        std::thread::sleep(Duration::from_millis(20));
        *sum += 1;
        socket.server().emit("sum", *sum).unwrap();
    });
    let (mut a, mut b) = (Peer::join(&io).await, Peer::join(&io).await);
    for _ in 0..10 {
        a.send("42[\"slow\"]").await;
        b.send("42[\"slow\"]").await;
    }
    for peer in [&mut a, &mut b] {
        for n in 1..=20 {
            peer.expect(&format!("42[\"sum\",{n}]")).await;
        }
    }
}

/// Whether `work` ends in time; it may block its thread for ever.
fn ends(work: impl Future<Output = ()> + Send + 'static) -> bool {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(work);
        let _ = sender.send(());
    });
    receiver.recv_timeout(Duration::from_secs(10)).is_ok()
}

/// What decides about names of namespaces may use the server and look at who is there.
#[test]
fn a_predicate_may_use_the_server() {
    assert!(ends(async {
        let io = server();
        let me = io.clone();
        let _ = io.of_matching(move |name| {
            let is_any = me.sockets().iter().any(|socket| socket.join(name) && socket.is_connected());
            me.emit("asked", name).unwrap();
            is_any && me.of(name).is_empty()
        });
        let mut peer = Peer::join(&io).await;
        peer.send("40/d").await;
        peer.expect("42[\"asked\",\"/d\"]").await;
        assert!(peer.next().await.unwrap().starts_with("40/d,{"));
    }));
}

struct OnDrop<F: FnMut() + Send + Sync>(F);

impl<F: FnMut() + Send + Sync> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

/// A handler is given to a socket that is gone: it is dropped, and what it captured may use the socket then.
#[test]
fn what_a_handler_captured_may_use_its_socket_when_it_is_dropped() {
    assert!(ends(async {
        let (io, notes) = (server(), Notes::default());
        let noted = notes.clone();
        io.on_disconnect(move |socket: Socket, _: Reason| {
            let mine = socket.clone();
            let captured = OnDrop(move || {
                mine.off("x").on("y", |_: Socket| ());
            });
            socket.on("x", move |_: Socket| {
                let _ = &captured;
            });
            noted.add("done");
        });
        drop(Peer::join(&io).await);
        sleep(Duration::from_millis(100)).await;
        notes.are(&["done"]);
    }));
}

struct Telling(Socket);

impl Serialize for Telling {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.everybody().to("room").emit("inner", ()).unwrap();
        self.0.emit("own", ()).unwrap();
        self.0.join("more");
        serializer.serialize_u8(1)
    }
}

#[tokio::test(start_paused = true)]
async fn an_argument_may_emit_while_it_is_written() {
    let io = server();
    io.on("go", |socket: Socket| {
        socket.join("room");
        socket.emit("outer", Telling(socket.clone())).unwrap();
        socket.everybody().emit("all", Telling(socket.clone())).unwrap();
        drop(socket.ask::<()>("question", Telling(socket.clone())));
        drop(socket.everybody().ask::<()>("many", Telling(socket.clone())).unwrap());
        Telling(socket)
    });
    let mut peer = Peer::join(&io).await;
    peer.send("427[\"go\"]").await;
    let all = peer.all().await;
    assert_eq!(all.iter().filter(|said| said.contains("inner")).count(), 5, "{all:?}");
    assert_eq!(all.last().unwrap(), "437[1]");
}

/// A socket that leaves in the handler that is called when it came, and in the check before.
#[tokio::test(start_paused = true)]
async fn sockets_that_leave_while_they_come() {
    for (close, early) in [(false, false), (true, false), (false, true), (true, true)] {
        let (io, notes) = (server(), Notes::default());
        let (came, left) = (notes.clone(), notes.clone());
        io.before_connect(move |socket: Socket| {
            if early {
                socket.disconnect(close);
            }
            Ok::<(), String>(())
        });
        io.on_connect(move |socket: Socket| {
            came.add("came");
            socket.disconnect(close);
        });
        io.on_disconnect(move |_: Socket, _: Reason| left.add("left"));
        let mut peer = Peer::open(&io).await;
        peer.send("40").await;
        let all = peer.all().await;
        drop(peer);
        settle().await;
        assert_eq!(notes.take(), ["came", "left"], "{close} {early} {all:?}");
        assert_empty(&io);
    }
}

/// The server is closed by the hook of a client's end.
#[tokio::test(start_paused = true)]
async fn the_end_of_a_client_may_end_the_server() {
    let io = Server::new(Config::new().close_timeout(Duration::from_secs(2)));
    io.on_disconnect(|socket: Socket, _: Reason| async move { socket.server().close().await });
    let (mut other, polled) = (Peer::join(&io).await, poll_join(&io).await);
    drop(Peer::join(&io).await);
    other.ended().await;
    assert_eq!(request(&io, "GET", &polled, "").await, (200, "1".into()));
    sleep(Duration::from_secs(3)).await;
    assert_empty(&io);
}

/// A handler asks its own client, and waits for the answer, while the client is slow and while it leaves.
#[tokio::test(start_paused = true)]
async fn a_handler_that_asks_its_own_client() {
    let io = server();
    io.on("ask", |socket: Socket| async move {
        let first: Result<u32, _> = socket.ask("a", ()).await;
        let second: Result<u32, _> = socket.ask("b", first.is_ok()).await;
        (first.ok(), second.ok())
    });
    let mut peer = Peer::join(&io).await;
    peer.send("421[\"ask\"]").await;
    peer.expect("420[\"a\"]").await;
    peer.send("430[1]").await;
    peer.expect("421[\"b\",true]").await;
    peer.send("431[2]").await;
    peer.expect("431[1,2]").await;
    peer.send("422[\"ask\"]").await;
    let _ = timeout(Duration::from_millis(5), peer.next()).await;
    drop(peer);
    settle().await;
    assert_empty(&io);
}
