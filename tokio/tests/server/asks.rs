//! Questions of the server.

use crate::peer::*;
use sansocket_tokio::{
    AskError, EmitError,
    server::{Config, Server, Socket},
};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::time::{Instant, sleep};

async fn asked(io: &Server) -> (Peer, Socket) {
    let last = Arc::new(Mutex::new(None));
    let kept = last.clone();
    io.on_connect(move |socket: Socket| *kept.lock().unwrap() = Some(socket));
    let peer = Peer::join(io).await;
    settle().await;
    let socket = last.lock().unwrap().take().unwrap();
    (peer, socket)
}

/// The id of a question.
fn id(question: &str) -> &str {
    question[2..].split('[').next().unwrap()
}

#[tokio::test(start_paused = true)]
async fn are_answered_time_out_or_end_with_the_client() {
    let io = Server::new(Config::new().ask_timeout(Duration::from_secs(3)));
    let (mut peer, socket) = asked(&io).await;
    let answer = socket.ask::<(u8, String)>("q", ());
    let question = peer.next().await.unwrap();
    peer.send(&format!("43{}[1,\"x\"]", id(&question))).await;
    assert_eq!(answer.await.unwrap(), (1, "x".into()));
    // An answer of another type.
    let answer = socket.ask::<u8>("q", ());
    let question = peer.next().await.unwrap();
    peer.send(&format!("43{}[\"x\"]", id(&question))).await;
    assert!(matches!(answer.await, Err(AskError::Decode(_))));
    // No answer; then it comes too late, twice.
    let began = Instant::now();
    let late = socket.ask::<u8>("q", ()).await;
    assert!(matches!(late, Err(AskError::TimedOut)), "{late:?}");
    assert_eq!(began.elapsed().as_secs(), 3);
    let question = peer.next().await.unwrap();
    for _ in 0..2 {
        peer.send(&format!("43{}[1]", id(&question))).await;
    }
    // Sent away, or gone.
    let (answer, other) = (socket.ask::<u8>("q", ()), socket.ask::<u8>("q", ()));
    drop(peer);
    assert!(matches!(answer.await, Err(AskError::Disconnected)));
    assert!(matches!(other.await, Err(AskError::Disconnected)));
    assert!(matches!(socket.ask::<u8>("q", ()).await, Err(AskError::Emit(EmitError::Disconnected))));
    let (peer, socket) = asked(&io).await;
    let answer = socket.ask::<u8>("q", ());
    socket.disconnect(false);
    assert!(matches!(answer.await, Err(AskError::Disconnected)));
    drop(peer);
    settle().await;
    assert_empty(&io);
}

#[tokio::test(start_paused = true)]
async fn have_their_own_deadline_over_polling_too() {
    let io = server();
    let last = Arc::new(Mutex::new(None));
    let kept = last.clone();
    io.on_connect(move |socket: Socket| *kept.lock().unwrap() = Some(socket));
    let _sid = poll_join(&io).await;
    settle().await;
    let socket = last.lock().unwrap().take().unwrap();
    let began = Instant::now();
    assert!(matches!(socket.timeout(Duration::from_secs(2)).ask::<u8>("q", ()).await, Err(AskError::TimedOut)));
    assert_eq!(began.elapsed().as_secs(), 2);
}

#[tokio::test(start_paused = true)]
async fn that_nobody_waits_for_any_more_are_forgotten() {
    let io = Server::new(Config::new().max_asks(10).ask_timeout(Duration::from_secs(5)));
    let (mut peer, socket) = asked(&io).await;
    for _ in 0..10 {
        drop(socket.ask::<u8>("q", ()));
    }
    assert!(matches!(socket.ask::<u8>("q", ()).await, Err(AskError::Emit(EmitError::TooManyAcks))));
    sleep(Duration::from_secs(6)).await;
    assert_eq!(peer.all().await.len(), 10);
    let answer = socket.ask::<u8>("q", ());
    let question = peer.next().await.unwrap();
    peer.send(&format!("43{}[7]", id(&question))).await;
    assert_eq!(answer.await.unwrap(), 7);
}

/// Thousands in flight at clients that answer in another order.
#[tokio::test(start_paused = true)]
async fn thousands_in_flight_find_their_answers() {
    let io = Server::new(Config::new().max_asks(u16::MAX));
    let (mut peer, socket) = asked(&io).await;
    let answers: Vec<_> = (0..5000_u32).map(|n| (n, socket.ask::<u32>("q", n))).collect();
    let waiting = tokio::spawn(async move {
        for (n, answer) in answers {
            assert_eq!(answer.await.unwrap(), n);
        }
    });
    let mut questions = Vec::new();
    while questions.len() < 5000 {
        questions.push(peer.next().await.unwrap());
    }
    for question in questions.iter().rev() {
        let n = question.rsplit(',').next().unwrap();
        peer.send(&format!("43{}[{n}", id(question))).await;
    }
    waiting.await.unwrap();
}

/// Two tasks ask over one socket, on several threads.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_several_tasks_are_not_mixed_up() {
    let io = server();
    io.on("go", |socket: Socket| async move {
        let ask = |from: u32| {
            let socket = socket.clone();
            tokio::spawn(async move {
                for n in from..from + 500 {
                    assert_eq!(socket.ask::<u32>("q", n).await.unwrap(), n);
                    socket.emit("note", n).unwrap();
                }
            })
        };
        let (a, b) = tokio::join!(ask(0), ask(1000));
        a.is_ok() && b.is_ok()
    });
    let mut peer = Peer::join(&io).await;
    peer.send("421[\"go\"]").await;
    let mut notes = Vec::new();
    loop {
        let said = peer.next().await.unwrap();
        if let Some(note) = said.strip_prefix("42[\"note\",") {
            notes.push(note.trim_end_matches(']').parse::<u32>().unwrap());
        } else if let Some((id, n)) = said.strip_prefix("42").and_then(|q| q.split_once("[\"q\",")) {
            peer.send(&format!("43{id}[{n}")).await;
        } else {
            assert_eq!(said, "431[true]");
            break;
        }
    }
    let (a, b): (Vec<u32>, Vec<u32>) = notes.iter().partition(|n| **n < 1000);
    assert!(a.is_sorted() && b.is_sorted() && notes.len() == 1000);
}
