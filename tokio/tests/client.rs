//! What the client sends, receives and answers, against a server over the core, on WebSockets.

mod client_server;

use client_server::{Result, TestServer, builder, soon};
use sansocket_tokio::{
    AskError, EmitError,
    client::{ConnectError, Event, Reason, Socket},
};
use std::time::Duration;
use tokio::sync::mpsc::unbounded_channel;

#[tokio::test]
async fn events_questions_and_answers() -> Result {
    let server = TestServer::start().await;
    let client = soon(builder(server.url()).connect()).await?;
    assert!(client.is_connected() && client.id().is_some() && client.namespace() == "/");
    let (sender, mut received) = unbounded_channel();
    client.on("echo", move |_: Socket, n: u32| sender.send(n).unwrap());
    for n in 0..100_u32 {
        client.emit("echo", n)?;
    }
    for n in 0..100 {
        assert_eq!(soon(received.recv()).await, Some(n));
    }
    let answer: String = soon(client.ask("echo", "hello")).await?;
    assert_eq!(answer, "hello");
    soon(client.disconnect()).await;
    server.wait_for("left", 1).await;
    assert!(!client.is_connected() && client.id().is_none());
    Ok(())
}

/// Each form of handler, and what the server gets as the acknowledgement.
#[tokio::test]
async fn the_value_of_a_handler_is_the_answer() -> Result {
    use sansocket_tokio::client::Ack;

    let server = TestServer::start().await;
    let client = soon(builder(server.url()).connect()).await?;
    let ask = async || -> Result<u32, AskError> { soon(client.ask("ask-me", 20)).await };
    client.on("question", |_: Socket, n: u32| n + 1);
    assert_eq!(ask().await?, 21);
    client.off("question");
    client.on("question", |_: Socket, n: u32| async move {
        tokio::time::sleep(Duration::from_millis(5)).await;
        n + 2
    });
    assert_eq!(ask().await?, 22);
    client.off("question");
    client.on("question", |socket: Socket, n: u32, ack: Ack| async move {
        let doubled: u32 = socket.ask("echo", n * 2).await.unwrap();
        ack.send(doubled).unwrap();
    });
    assert_eq!(ask().await?, 40);
    client.off("question");
    // Two handlers: the first acknowledgement counts. `once`: only once.
    client.once("question", |_: Socket| 1);
    client.on("question", |_: Socket| 2);
    assert_eq!((ask().await?, ask().await?), (1, 2));
    assert_eq!(server.wait_for("answer", 5).await.last().unwrap(), "answer [2]");
    Ok(())
}

#[tokio::test]
async fn an_event_of_another_type_is_told() -> Result {
    let server = TestServer::start().await;
    let (sender, mut told) = unbounded_channel();
    let client = builder(server.url()).on("question", |_: Socket, n: u32| n).on_failure(
        move |_: Socket, failure: sansocket_tokio::client::EventFailure| sender.send(failure.to_string()).unwrap(),
    );
    let client = soon(client.connect()).await?;
    let answer: std::collections::HashMap<String, String> = soon(client.ask("ask-me", "no number")).await?;
    assert!(answer["error"].contains("u32"), "{answer:?}");
    assert!(soon(told.recv()).await.unwrap().contains("question"));
    Ok(())
}

#[tokio::test]
async fn what_is_sent_while_offline_arrives_once_and_in_order() -> Result {
    let away = TestServer::start().await.stop().await;
    let client = builder(away.url()).start()?;
    for n in 0..1000_u32 {
        client.emit("n", n)?;
    }
    let asked = tokio::spawn(client.ask::<String>("echo", "late").into_future());
    client.volatile().emit("volatile", ())?;
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(!client.is_connected() && client.waiting() > 1000);
    let server = away.start().await;
    soon(client.connected()).await?;
    assert_eq!(soon(asked).await??, "late");
    let expected: Vec<_> = (0..1000).map(|n| format!("n [{n}]")).collect();
    assert_eq!(server.logged("n "), expected);
    assert!(server.logged("volatile").is_empty());
    // And across a cut.
    server.cut();
    for n in 1000..2000_u32 {
        client.emit("m", n)?;
    }
    let _: String = soon(client.ask("echo", "last").timeout(Duration::from_secs(10))).await?;
    // Those that were written into the broken connection are lost; none comes twice, none overtakes another.
    let logged = server.logged("m ");
    let numbers: Vec<u32> = logged.iter().map(|line| line[3..line.len() - 1].parse().unwrap()).collect();
    assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
    assert_eq!(numbers.last(), Some(&1999));
    assert_eq!(client.waiting(), 0);
    Ok(())
}

#[tokio::test]
async fn a_full_backlog_refuses() -> Result {
    let away = TestServer::start().await.stop().await;
    let client = builder(away.url()).backlog_limit(1000).start()?;
    let mut sent = 0;
    let error = loop {
        match client.emit("n", sent) {
            Ok(()) if sent < 100 => sent += 1,
            Ok(()) => panic!("there is no limit"),
            Err(error) => break error,
        }
    };
    assert!(matches!(error, EmitError::Full) && (5..20).contains(&sent), "{error} after {sent}");
    assert!(matches!(client.emit("connect", ()), Err(EmitError::ReservedName)));
    let server = away.start().await;
    assert_eq!(server.wait_for("n ", sent).await.len(), sent);
    client.emit("n", 0)?;
    Ok(())
}

#[tokio::test]
async fn a_question_fails_with_the_connection_and_with_its_time() -> Result {
    let server = TestServer::start().await;
    let client = soon(builder(server.url()).connect()).await?;
    let asked = tokio::spawn(client.ask::<()>("silent", ()).into_future());
    server.wait_for("silent", 1).await;
    server.cut();
    assert!(matches!(soon(asked).await?, Err(AskError::Disconnected)));
    soon(client.connected()).await?;
    let asked = soon(client.ask::<()>("silent", ()).timeout(Duration::from_millis(30))).await;
    assert!(matches!(asked, Err(AskError::TimedOut)));
    let asked = soon(client.ask::<u32>("echo", "text")).await;
    assert!(matches!(asked, Err(AskError::Decode(_))));
    // With retries it is sent again, on the next connection too.
    let asked = tokio::spawn(client.ask::<()>("deaf", ()).retries(2).timeout(Duration::from_secs(5)).into_future());
    server.wait_for("deaf", 1).await;
    server.cut();
    server.wait_for("deaf", 2).await;
    server.cut();
    server.wait_for("deaf", 3).await;
    server.cut();
    assert!(matches!(soon(asked).await?, Err(AskError::Disconnected)));
    Ok(())
}

#[tokio::test]
async fn the_stream_tells_everything_in_order() -> Result {
    let server = TestServer::start().await;
    let builder = builder(server.url());
    let mut events = builder.events();
    let client = builder.start()?;
    let Some(Event::Connected { id, is_recovered: false }) = soon(events.next()).await else { panic!() };
    assert_eq!(client.id().as_deref(), Some(&id[..]));
    let Some(Event::Received(welcome)) = soon(events.next()).await else { panic!() };
    assert_eq!((&welcome.name[..], &welcome.parse::<String>()?[..]), ("welcome", "you"));
    let asked = tokio::spawn(client.ask::<u32>("ask-me", 5).into_future());
    let Some(Event::Received(question)) = soon(events.next()).await else { panic!() };
    question.ack.send(question.args.json.len())?;
    assert_eq!(soon(asked).await??, 1);
    let away = server.stop().await;
    assert!(matches!(soon(events.next()).await, Some(Event::Reconnecting { attempt: 1, .. })));
    assert!(matches!(soon(events.next()).await, Some(Event::Disconnected(Reason::Link(_)))));
    assert!(matches!(soon(events.next()).await, Some(Event::ConnectError(ConnectError::Dial(_)))));
    assert!(matches!(soon(events.next()).await, Some(Event::Reconnecting { attempt: 2, .. })));
    drop(away);
    drop(client);
    while soon(events.next()).await.is_some() {}
    Ok(())
}

#[tokio::test]
async fn a_stream_that_nobody_reads_is_bounded() -> Result {
    let server = TestServer::start().await;
    let builder = builder(server.url()).events_limit(2000);
    let mut events = builder.events();
    let client = soon(builder.connect()).await?;
    client.emit("count", 1000)?;
    let _: u8 = soon(client.ask("echo", 1)).await?;
    drop(client);
    let (mut received, mut missed) = (0, 0);
    while let Some(event) = soon(events.next()).await {
        match event {
            Event::Received(_) => received += 1,
            Event::Missed(n) => missed += n,
            _ => {}
        }
    }
    assert!(received < 20 && received + missed >= 1000, "{received} {missed}");
    Ok(())
}

#[tokio::test]
async fn several_namespaces_share_a_connection() -> Result {
    let server = TestServer::start().await;
    let client = soon(builder(server.url()).connect()).await?;
    let (sender, mut welcomed) = unbounded_channel();
    let admin = client
        .of("/admin")
        .auth(std::collections::HashMap::from([("key", 7)]))
        .on("welcome", move |socket: Socket, who: String| sender.send((socket.namespace().to_owned(), who)).unwrap());
    let admin = soon(admin).await?;
    assert_eq!(soon(welcomed.recv()).await, Some(("/admin".to_owned(), "you".to_owned())));
    assert_eq!(soon(client.ask::<u8>("echo", 1)).await?, 1);
    assert_eq!(soon(admin.ask::<u8>("echo", 2)).await?, 2);
    assert_ne!(client.id(), admin.id());
    assert!(matches!(soon(client.of("/denied")).await, Err(ConnectError::Refused { .. })));
    assert!(matches!(soon(client.of("unknown")).await, Err(ConnectError::Refused { .. })));
    assert!(matches!(soon(client.of("/a,b")).await, Err(ConnectError::Namespace(_))));
    assert_eq!(server.connections(), 1);
    // One leaves, the other stays. Both come back after a cut.
    soon(client.disconnect()).await;
    assert_eq!(soon(admin.ask::<u8>("echo", 3)).await?, 3);
    client.connect();
    soon(client.connected()).await?;
    server.cut();
    assert_eq!(server.wait_for("connect /admin {\"key\":7}", 2).await.len(), 2);
    soon(client.connected()).await?;
    soon(admin.connected()).await?;
    soon(client.close()).await;
    assert!(!client.is_connected() && !admin.is_connected());
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_tasks_send() -> Result {
    let server = TestServer::start().await;
    let client = soon(builder(server.url()).connect()).await?;
    let tasks: Vec<_> = (0..8_u32)
        .map(|task| {
            let client = client.clone();
            tokio::spawn(async move {
                for n in 0..50 {
                    let number = task * 100 + n;
                    assert_eq!(client.ask::<u32>("echo", number).await.unwrap(), number);
                }
            })
        })
        .collect();
    for task in tasks {
        soon(task).await?;
    }
    assert_eq!(server.logged("echo").len(), 400);
    Ok(())
}

#[tokio::test]
async fn handlers_that_wait_do_not_hold_others_up() -> Result {
    let server = TestServer::start().await;
    let client = soon(builder(server.url()).connect()).await?;
    let (sender, mut done) = unbounded_channel();
    let gate = std::sync::Arc::new(tokio::sync::Semaphore::new(0));
    let waits = std::sync::Arc::clone(&gate);
    client.on("n", move |_: Socket, n: u32| {
        let (sender, gate) = (sender.clone(), std::sync::Arc::clone(&waits));
        async move {
            if n > 0 {
                gate.acquire().await.unwrap().forget();
            }
            sender.send(n).unwrap();
        }
    });
    client.emit("count", 5000)?;
    assert_eq!(soon(done.recv()).await, Some(0));
    // So many wait at a time; the others are not read before.
    tokio::time::sleep(Duration::from_millis(50)).await;
    gate.add_permits(5000);
    let mut seen: Vec<u32> = Vec::new();
    for _ in 1..5000 {
        seen.push(soon(done.recv()).await.unwrap());
    }
    seen.sort_unstable();
    assert!(seen.iter().copied().eq(1..5000));
    Ok(())
}

/// The answers that handlers wait for come behind the events of those that are not called yet.
#[tokio::test]
async fn handlers_that_ask_do_not_wait_for_each_other() -> Result {
    let server = TestServer::start().await;
    let client = soon(builder(server.url()).connect()).await?;
    let (sender, mut done) = unbounded_channel();
    client.on("n", move |socket: Socket, n: u32| {
        let sender = sender.clone();
        async move { sender.send(socket.ask::<u32>("echo", n).await.unwrap()).unwrap() }
    });
    client.emit("count", 5000)?;
    for _ in 0..5000 {
        assert!(soon(done.recv()).await.is_some());
    }
    Ok(())
}
