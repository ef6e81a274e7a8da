//! The Socket.IO client that is awaited, over pipes and a clock that jumps.

#[path = "support/cancel/mod.rs"]
mod cancel;
#[path = "drive_client/dropped.rs"]
mod dropped;
#[path = "drive_client/net.rs"]
mod net;
#[path = "drive_client/questions.rs"]
mod questions;
#[path = "client_end/server.rs"]
mod server;
mod support;

/// What the server shares with the tests of the machine.
mod world {
    pub const NAMES: [&str; 3] = ["/", "/b", "/c"];
}

use cancel::Script;
use net::{B, ROOT, World, tell};
use questions::ask;
use sansocket::{
    drive::AskError,
    endpoint::What,
    socketio::{AckError, Binary, ExpectAck, Placeholder},
};

/// Ready at once, with all bytes.
const PLAIN: Script = Script::Always(0, usize::MAX);

/// A world whose client has joined the first namespace.
fn connected(script: Script) -> World {
    let mut world = World::new(script);
    world.client.connect(ROOT).unwrap();
    world.wait(1, 0);
    assert_eq!(world.told(), ["opened", "connected /"]);
    assert_eq!(world.heard(), ["connect /"]);
    world
}

#[test]
fn it_connects_and_talks() {
    let mut world = connected(PLAIN);
    assert!(world.io().is_connected(ROOT) && !world.io().is_connected(B));
    world.io().emit(ROOT, "a", &1).unwrap();
    world.serve(ROOT, "news", 5);
    world.next(0);
    assert_eq!(world.told(), ["/ 5"]);
    assert_eq!(world.heard(), ["/ a 1"], "written before anything is returned");
    world.io().emit(ROOT, "b", &2).unwrap();
    world.finish(async |client| client.io().flush().await).unwrap();
    assert_eq!(world.heard(), ["/ b 2"]);
}

#[test]
fn an_answer_is_sent_before_the_next_event_is_returned() {
    let mut world = connected(PLAIN);
    for i in 0..3u32 {
        let expect = ExpectAck { token: i, deadline: None };
        world.net.borrow_mut().server.send(|io, out| io.emit(ROOT, "question", &i, Some(expect), out).unwrap());
    }
    let _ = world.heard();
    for i in 0..3u32 {
        world.next(0);
        assert_eq!(world.told(), [format!("/ {i}")]);
        let heard: Vec<_> = i.checked_sub(1).map(|i| format!("ack Some({i}) \"yes\"")).into_iter().collect();
        assert_eq!(world.heard(), heard);
    }
}

#[test]
fn what_came_before_the_line_failed_is_told() {
    let mut world = connected(PLAIN);
    world.serve(ROOT, "news", 5);
    let _ = world.heard();
    world.net.borrow_mut().cut();
    world.io().emit(ROOT, "a", &1).unwrap();
    world.wait(10, 0);
    assert_eq!(world.told(), ["/ 5", "failed Closed", "left / transport close"]);
}

#[test]
fn heartbeats_flow_though_nobody_sends() {
    let mut world = connected(PLAIN);
    world.wait(300_000, 0);
    assert!(world.told().is_empty());
    assert_eq!(world.net.borrow().dials, 1);
    assert!(world.heard().is_empty());
}

#[test]
fn a_server_that_vanishes_is_noticed() {
    let mut world = connected(PLAIN);
    world.net.borrow_mut().is_mute = true;
    world.next(0);
    assert_eq!((world.told(), world.now() / 1000), (vec!["failed PingTimeout".into()], 45));
}

#[test]
fn it_connects_again_and_sends_what_waits() {
    let mut world = connected(PLAIN);
    world.net.borrow_mut().is_reachable = false;
    world.net.borrow_mut().cut();
    world.wait(50, 0);
    assert_eq!(world.told(), ["failed Closed", "left / transport close"]);
    world.io().emit(ROOT, "offline", &1).unwrap();
    world.io().emit(ROOT, "offline", &2).unwrap();
    world.finish(async |client| client.io().flush().await).unwrap();
    world.wait(1000, 0);
    assert!(world.told().iter().all(|t| t == "failed Unreachable"));
    assert!(world.net.borrow().dials > 2);
    world.net.borrow_mut().is_reachable = true;
    world.wait(2000, 0);
    assert_eq!(world.told(), ["opened", "connected /"]);
    assert_eq!(world.heard(), ["connect /", "/ offline 1", "/ offline 2"]);
}

#[test]
fn two_namespaces() {
    let mut world = connected(PLAIN);
    world.client.connect(B).unwrap();
    world.io().emit(B, "b", &1).unwrap();
    world.wait(1, 0);
    world.serve(B, "news", 2);
    world.wait(1, 0);
    assert_eq!(world.told(), ["connected /b", "/b 2"]);
    assert_eq!(world.heard(), ["connect /b", "/b b 1"]);
    world.io().disconnect(ROOT);
    world.wait(1, 0);
    assert_eq!(world.told(), ["left / io client disconnect"]);
    assert_eq!(world.heard(), ["disconnect /"]);
    world.net.borrow_mut().cut();
    world.wait(500, 0);
    assert_eq!(world.heard(), ["connect /b"]);
}

#[test]
fn nothing_hangs_without_a_connection() {
    let mut world = World::new(PLAIN);
    for _ in 0..3 {
        assert!(world.next(0));
    }
    assert_eq!(world.told(), ["over Closed"; 3]);
    let mut told = Vec::new();
    assert_eq!(ask(&mut world, 0, &mut told), Some(Err(AskError::Failed(AckError::TimedOut))), "it waited");
    assert!(told.is_empty());
    assert!(world.finish(async |client| client.leave().await));
}

#[test]
fn a_server_that_takes_nothing_counts_as_lost() {
    let mut world = connected(PLAIN);
    world.net.borrow_mut().is_mute = true;
    // The pipe is full at some time.
    let start = world.now();
    loop {
        while world.io().emit(ROOT, "much", &&*"x".repeat(100)).is_ok() {}
        world.wait(1000, 0);
        if world.told().iter().any(|t| t.starts_with("failed Lost")) {
            break;
        }
        assert!(world.now() < start + 25_000, "within the deadline for writing");
    }
    assert!(world.now() >= start + 20_000);
}

#[test]
fn a_slow_dialer_goes_on_though_the_call_is_dropped() {
    let mut world = World::new(PLAIN);
    world.net.borrow_mut().dial_ms = 5000;
    world.client.connect(ROOT).unwrap();
    for _ in 0..6 {
        world.wait(1000, 1);
    }
    assert_eq!(world.told(), ["opened", "connected /"]);
    assert_eq!(world.net.borrow().dials, 1);
}

#[test]
fn a_dialer_that_never_ends_is_given_up() {
    let mut world = World::new(PLAIN);
    world.net.borrow_mut().dial_ms = u64::MAX / 2;
    world.client.connect(ROOT).unwrap();
    world.next(0);
    assert_eq!((world.told(), world.now()), (vec!["failed TimedOut".into()], 20_000));
    world.net.borrow_mut().dial_ms = 0;
    world.wait(1000, 0);
    assert_eq!(world.told(), ["opened", "connected /"]);
}

#[test]
fn it_leaves_when_all_is_sent() {
    let mut world = connected(Script::Always(1, 3));
    for i in 0..5 {
        world.io().emit(ROOT, "last", &i).unwrap();
    }
    assert!(world.finish(async |client| client.leave().await));
    let expected: Vec<_> = (0..5).map(|i| format!("/ last {i}")).collect();
    let heard = world.heard();
    assert_eq!(heard[..5], expected);
    assert_eq!(heard[5], "disconnect /");
    world.next(0);
    assert_eq!(world.told(), ["over Closed"]);
    // And back.
    world.client.connect(ROOT).unwrap();
    world.wait(10, 0);
    assert_eq!(world.told(), ["opened", "connected /"]);
}

#[test]
fn it_leaves_a_server_that_does_not_answer() {
    let mut world = connected(PLAIN);
    world.net.borrow_mut().is_mute = true;
    let start = world.now();
    world.finish(async |client| client.leave().await);
    assert!(world.now() - start <= 5_000, "{}", world.now() - start);
    while world.told.last().is_none_or(|t| t != "over Closed") {
        world.next(0);
    }
    assert!(world.now() - start <= 5_000);
}

#[test]
fn another_dialer_takes_over() {
    let mut world = connected(PLAIN);
    let mut world = {
        world.io().emit(ROOT, "waits", &1).unwrap();
        world.redial()
    };
    world.wait(1000, 0);
    assert_eq!(world.told(), ["failed Lost", "left / transport error", "opened", "connected /"]);
    assert!(world.heard().ends_with(&["connect /".into(), "/ waits 1".into()]));
}

#[test]
fn memory_that_is_too_small_is_told_and_can_be_replaced() {
    let mut world = connected(PLAIN);
    let text = "x".repeat(600);
    world.io().emit(ROOT, "large", &&*text).unwrap();
    let grow = world.grow().unwrap();
    assert_eq!(grow.what, What::Output);
    assert_eq!(world.grow(), Some(grow), "and again");
    world.io().replace_tx(vec![0; grow.to].leak()).unwrap();
    world.wait(10, 0);
    assert_eq!(world.heard(), [format!("/ large \"{text}\"")]);
    world.net.borrow_mut().server.send(|io, out| io.emit(ROOT, "large", &&*text, None, out).unwrap());
    let grow = world.grow().unwrap();
    assert_eq!(grow.what, What::Inbox);
    world.client.replace_rx(vec![0; grow.to].leak()).unwrap();
    world.wait(10, 0);
    assert_eq!(world.told(), [format!("/ \"{text}\"")]);
}

#[test]
fn a_message_that_is_too_large_can_be_left_out() {
    let mut world = connected(PLAIN);
    let text = "x".repeat(600);
    world.net.borrow_mut().server.send(|io, out| io.emit(ROOT, "large", &&*text, None, out).unwrap());
    world.serve(ROOT, "news", 5);
    assert_eq!(world.grow().map(|grow| grow.what), Some(What::Inbox));
    assert!(world.client.skip_message());
    world.wait(10, 0);
    assert_eq!(world.told(), ["/ 5"], "and nothing has ended");
}

#[test]
fn attachments_arrive_when_there_is_memory_for_them() {
    let mut world = connected(PLAIN);
    let files: [&[u8]; 1] = [&[7; 300]];
    let file = Binary(Placeholder(0), files.as_slice().into());
    world.net.borrow_mut().server.send(|io, out| io.emit(ROOT, "file", &file, None, out).unwrap());
    // The text, and then the attachment, which has no room.
    let grow = world.grow().or_else(|| world.grow()).unwrap();
    assert_eq!(grow.what, What::Collector);
    world.client.replace_files(vec![0; grow.to].leak()).unwrap();
    world.wait(10, 0);
    assert_eq!(world.told(), ["/ {\"_placeholder\":true,\"num\":0} file"]);
}

#[test]
fn a_server_that_never_pauses_does_not_stop_the_time() {
    let mut world = connected(PLAIN);
    let start = world.now();
    let limit = sansocket::time::Instant::from_millis(start + 10);
    let mut events = 0;
    loop {
        world.serve(ROOT, "news", events);
        let _ = world.heard();
        world.clock.advance(1);
        let step = world.finish(async |client| client.next_until(limit).await.unwrap().map(|(step, _)| tell(&step)));
        let Some(step) = step else { break };
        assert!(step.is_some_and(|told| told.starts_with("/ ")));
        events += 1;
        assert!(events < 1000, "it goes on for ever");
    }
    assert!(events >= 9);
    // A limit that has passed: what is there.
    let past = sansocket::time::Instant::from_millis(0);
    let _ = world.heard();
    while world.finish(async |client| client.next_until(past).await.unwrap().is_some()) {}
    for i in 0..5 {
        world.serve(ROOT, "news", i);
        let _ = world.heard();
        for is_there in [true, false] {
            let step = world.finish(async |client| client.next_until(past).await.unwrap().is_some());
            assert_eq!(step, is_there, "{i}");
        }
    }
}

/// What no type says: `tokio::spawn` takes the futures, also with a closure that dials.
#[tokio::test]
async fn a_task_of_its_own() {
    use sansocket::drive::{
        Client, ClientMemory,
        tokio::{Clock, Stream},
    };
    use sansocket::{
        endpoint::client::Config,
        socketio::{AckSlot, client::SocketSlot},
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let task = tokio::spawn(async move {
        let url = format!("ws://{address}");
        let config = Config::parse(&url).unwrap();
        let attempt = std::pin::pin!(None);
        let memory = ClientMemory {
            rx: &mut [0; 512],
            tx: &mut [0; 512],
            files: &mut [],
            acks: &mut [AckSlot::EMPTY; 1],
            sockets: &mut [SocketSlot::EMPTY; 1],
            backlog: &mut [0; 512],
            attempt,
        };
        let url = config.url();
        let dial = async || tokio::net::TcpStream::connect((url.host(), url.port())).await.map(Stream::new);
        let mut client = Client::new(&config, &["/"], memory, dial, Clock::new(), |b: &mut [u8]| b.fill(1));
        client.connect(ROOT).unwrap();
        let asked = client.ask(ROOT, "a", &1, 10, |_, _| (), |_, _| ()).await;
        assert_eq!(asked, Err(AskError::Failed(AckError::TimedOut)));
        client.io().flush().await.unwrap();
        let step = client.next().await.map(|(step, _)| format!("{step:?}")).unwrap();
        client.leave().await;
        step
    });
    task.await.unwrap();
}
