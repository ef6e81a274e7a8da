//! Handlers that call back into the server: nothing is held that they need.

use crate::peer::*;
use sansocket_tokio::server::{Config, Reason, Server, Socket};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::time::{sleep, timeout};

#[tokio::test(start_paused = true)]
async fn everything_can_be_called_from_a_handler() {
    let io = server();
    let me = io.clone();
    io.on("all", move |socket: Socket| {
        socket.join("room");
        socket.emit("self", socket.rooms().len()).unwrap();
        me.emit("all", ()).unwrap();
        me.to("room").except(socket.id().as_str()).emit("others", ()).unwrap();
        socket.broadcast().emit("broadcast", ()).unwrap();
        me.of("/new").on("x", |_: Socket| ());
        me.on("later", |_: Socket| ());
        socket.on("own", |_: Socket| ());
        me.off("nothing");
        assert!(socket.is_connected() && !socket.transport().is_empty());
        let _ = (me.counters(), socket.queued(), socket.data().insert(1_u8), format!("{socket:?} {me:?}"));
        drop(socket.ask::<()>("q", ()));
        socket.leave("room");
        "done"
    });
    let me = io.clone();
    io.on_disconnecting(move |socket: Socket, _: Reason| {
        socket.join("last room");
        let _ = socket.broadcast().emit("leaving", ());
        me.emit("leaving", ()).unwrap();
        socket.disconnect(true);
    });
    let me = io.clone();
    io.on_disconnect(move |socket: Socket, _: Reason| {
        me.emit("left", ()).unwrap();
        assert!(!socket.join("again") && socket.emit("x", ()).is_err());
        socket.on("x", |_: Socket| ());
        socket.disconnect(true);
    });
    let (mut peer, mut other) = (Peer::join(&io).await, Peer::join(&io).await);
    peer.send("421[\"all\"]").await;
    let all = peer.all().await;
    assert_eq!((all.len(), &all[0][..], &all[3][..]), (4, "42[\"self\",2]", "431[\"done\"]"), "{all:?}");
    drop(peer);
    assert_eq!(
        other.all().await,
        ["42[\"all\"]", "42[\"broadcast\"]", "42[\"leaving\"]", "42[\"leaving\"]", "42[\"left\"]"]
    );
    peer = Peer::join(&io).await;
    peer.send("422[\"own\"]").await;
    assert!(peer.all().await.is_empty());
}

/// Each sends the other away, from its own handler, on several threads.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_clients_send_each_other_away() {
    let io = server();
    let all: Arc<Mutex<Vec<Socket>>> = Arc::default();
    let (here, gone, them) = (all.clone(), all.clone(), all.clone());
    io.on_connect(move |socket: Socket| here.lock().unwrap().push(socket));
    io.on_disconnect(move |socket: Socket, _: Reason| {
        // An application's own lock is held while others are told.
        let mut all = gone.lock().unwrap();
        all.retain(|other| *other != socket);
        for other in &*all {
            let _ = other.emit("left", socket.id().as_str());
        }
    });
    io.on("kill", move |socket: Socket| {
        let others: Vec<Socket> = them.lock().unwrap().iter().filter(|other| **other != socket).cloned().collect();
        others.iter().for_each(|other| other.disconnect(true));
    });
    for _ in 0..100 {
        let (mut a, mut b) = (Peer::join(&io).await, Peer::join(&io).await);
        let _ = tokio::join!(a.try_send("42[\"kill\"]"), b.try_send("42[\"kill\"]"));
        let ended = async {
            tokio::join!(async { while a.next().await.is_some() {} }, async { while b.next().await.is_some() {} })
        };
        // One of them may stay, if the other's event came too late.
        let _ = timeout(Duration::from_millis(20), ended).await;
        drop((a, b));
        timeout(Duration::from_secs(5), async {
            while io.counters().websocket_sessions > 0 {
                sleep(Duration::from_millis(1)).await;
            }
        })
        .await
        .expect("both end");
    }
    assert!(all.lock().unwrap().is_empty());
    assert_empty(&io);
}

#[tokio::test(start_paused = true)]
async fn a_lock_of_the_application_may_be_held_around_an_emit() {
    let io = server();
    let state = Arc::new(Mutex::new(0));
    let (me, shared) = (io.clone(), state.clone());
    io.on("add", move |socket: Socket, n: u32| {
        let mut sum = shared.lock().unwrap();
        *sum += n;
        me.emit("sum", *sum).unwrap();
        socket.emit("own", *sum).unwrap();
        *sum
    });
    let mut peers = [Peer::join(&io).await, Peer::join(&io).await];
    for peer in &mut peers {
        peer.send("421[\"add\",2]").await;
        settle().await;
    }
    assert_eq!(peers[0].all().await, ["42[\"sum\",2]", "42[\"own\",2]", "431[2]", "42[\"sum\",4]"]);
}

#[tokio::test(start_paused = true)]
async fn a_handler_may_close_the_server() {
    let io = Server::new(Config::new().close_timeout(Duration::from_secs(2)));
    let me = io.clone();
    io.on("close", move |_: Socket| {
        let me = me.clone();
        async move { me.close().await }
    });
    let mut peer = Peer::join(&io).await;
    peer.send("421[\"close\"]").await;
    while peer.next().await.is_some() {}
    sleep(Duration::from_secs(3)).await;
    assert_empty(&io);
}

/// Emits from threads that know no runtime.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn threads_without_a_runtime_may_use_it() {
    let io = server();
    let last = Arc::new(Mutex::new(None));
    let kept = last.clone();
    io.on_connect(move |socket: Socket| *kept.lock().unwrap() = Some(socket));
    io.on_disconnect(|_: Socket, _: Reason| async { sleep(Duration::from_millis(1)).await });
    let mut peer = Peer::join(&io).await;
    let socket = last.lock().unwrap().take().unwrap();
    let me = io.clone();
    std::thread::spawn(move || {
        me.emit("all", ()).unwrap();
        socket.emit("one", ()).unwrap();
        socket.join("room");
        drop(socket.ask::<()>("q", ()));
        socket.disconnect(true);
    })
    .join()
    .unwrap();
    peer.expect("42[\"all\"]").await;
    peer.expect("42[\"one\"]").await;
    assert!(peer.next().await.unwrap().contains("[\"q\"]"));
    peer.expect("41").await;
    peer.ended().await;
}
