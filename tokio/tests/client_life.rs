//! How the client's connections begin and end: credentials, refusals, disconnections, panics.

mod client_server;

use client_server::{Result, TestServer, builder, soon};
use sansocket_tokio::{
    AskError, EmitError,
    client::{Client, ConnectError, Event, Reason, Socket},
};
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::sync::mpsc::unbounded_channel;

#[tokio::test]
async fn credentials_are_fetched_at_each_attempt() -> Result {
    let server = TestServer::start().await;
    let calls = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&calls);
    let client = builder(server.url()).auth_with(move || {
        let number = count.fetch_add(1, Ordering::SeqCst);
        async move {
            tokio::time::sleep(Duration::from_millis(1)).await;
            Ok::<_, String>(std::collections::HashMap::from([("token", number)]))
        }
    });
    let client = soon(client.connect()).await?;
    for n in 1..4 {
        server.cut();
        server.wait_for("connect", n + 1).await;
        soon(client.connected()).await?;
    }
    let expected: Vec<_> = (0..4).map(|n| format!("connect / {{\"token\":{n}}}")).collect();
    assert_eq!(server.logged("connect"), expected);
    assert_eq!(calls.load(Ordering::SeqCst), 4);
    Ok(())
}

#[tokio::test]
async fn an_expired_token_is_replaced() -> Result {
    let server = TestServer::start().await;
    let auth = |token: &str| std::collections::HashMap::from([("token", token.to_owned())]);
    let error = soon(builder(server.url()).auth(auth("expired")).connect()).await.unwrap_err();
    let ConnectError::Refused { message, data } = error else { panic!("{error}") };
    assert_eq!((&message[..], data.as_deref()), ("not authorized", Some(r#"{"code":7}"#)));
    let client = builder(server.url()).auth(auth("expired")).on_connect_error({
        move |socket: Socket, error: ConnectError| {
            assert!(matches!(error, ConnectError::Refused { .. }));
            socket.set_auth(std::collections::HashMap::from([("token", "fresh")]));
            socket.connect();
        }
    });
    let client = client.start()?;
    server.wait_for("connect / {\"token\":\"fresh\"}", 1).await;
    let answer: u8 = soon(client.ask("echo", 1)).await?;
    assert_eq!(answer, 1);
    // What is not an object is refused before anything is sent.
    assert!(matches!(builder(server.url()).auth("text").start(), Err(ConnectError::Auth(_))));
    Ok(())
}

#[tokio::test]
async fn a_function_for_credentials_that_fails_is_called_again() -> Result {
    let server = TestServer::start().await;
    let calls = Arc::new(AtomicUsize::new(0));
    let fails_once = |calls: Arc<AtomicUsize>| {
        move || {
            let is_first = calls.fetch_add(1, Ordering::SeqCst) == 0;
            async move {
                if is_first { Err("the token server is away") } else { Ok(std::collections::HashMap::<u8, u8>::new()) }
            }
        }
    };
    let error = soon(builder(server.url()).auth_with(fails_once(Arc::clone(&calls))).connect()).await.unwrap_err();
    assert!(error.to_string().contains("the token server is away"), "{error}");
    calls.store(0, Ordering::SeqCst);
    let client = builder(server.url()).auth_with(fails_once(Arc::clone(&calls))).start()?;
    soon(client.connected()).await?;
    assert_eq!(calls.load(Ordering::SeqCst), 2);
    Ok(())
}

#[tokio::test]
async fn after_disconnect_there_is_no_reconnection() -> Result {
    let server = TestServer::start().await;
    let client = soon(builder(server.url()).connect()).await?;
    let mut events = client.events();
    soon(client.disconnect()).await;
    assert!(matches!(soon(events.next()).await, Some(Event::Disconnected(Reason::ClientDisconnect))));
    assert!(matches!(soon(client.connected()).await, Err(ConnectError::Closed)));
    // What is sent now waits.
    client.emit("later", ())?;
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(server.connections(), 1);
    // Until the application connects again.
    client.connect();
    soon(client.connected()).await?;
    server.wait_for("later", 1).await;
    // Also while it waits for its next attempt.
    let away = server.stop().await;
    loop {
        if let Some(Event::Reconnecting { attempt: 2.., .. }) = soon(events.next()).await {
            break;
        }
    }
    soon(client.disconnect()).await;
    let server = away.start().await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(server.connections(), 2);
    Ok(())
}

#[tokio::test]
async fn a_client_that_the_server_removed_connects_when_told() -> Result {
    let server = TestServer::start().await;
    let client = soon(builder(server.url()).connect()).await?;
    let (sender, mut reasons) = unbounded_channel();
    client.on_disconnect(move |_: Socket, reason: Reason| sender.send(reason).unwrap());
    client.emit("kick", ())?;
    assert_eq!(soon(reasons.recv()).await, Some(Reason::ServerDisconnect));
    assert!(matches!(soon(client.connected()).await, Err(ConnectError::Removed)));
    client.connect();
    soon(client.connected()).await?;
    server.cut();
    assert!(matches!(soon(reasons.recv()).await, Some(Reason::Link(_))));
    soon(client.connected()).await?;
    Ok(())
}

#[tokio::test]
async fn a_handler_that_panics_ends_the_connection_and_nothing_else() -> Result {
    let server = TestServer::start().await;
    let client = soon(builder(server.url()).connect()).await?;
    let other = soon(builder(server.url()).connect()).await?;
    client.on("echo", |_: Socket, text: String| assert_eq!(text, "good"));
    for (is_async, connections) in [(false, 3), (true, 4)] {
        if is_async {
            client.off("echo");
            client.on("echo", |_: Socket, text: String| async move {
                tokio::task::yield_now().await;
                tokio::time::sleep(Duration::from_millis(1)).await;
                assert_eq!(text, "good");
            });
        }
        let mut events = client.events();
        client.emit("echo", "good")?;
        assert!(matches!(soon(events.next()).await, Some(Event::Received(_))));
        client.emit("echo", "bad")?;
        assert!(matches!(soon(events.next()).await, Some(Event::Received(_))));
        assert!(matches!(soon(events.next()).await, Some(Event::Disconnected(Reason::ClientDisconnect))));
        assert!(matches!(soon(client.connected()).await, Err(ConnectError::Closed)));
        assert_eq!(soon(other.ask::<u8>("echo", 1)).await?, 1);
        client.connect();
        soon(client.connected()).await?;
        assert_eq!(server.connections(), connections);
    }
    Ok(())
}

#[tokio::test]
async fn dropping_the_last_client_ends_the_task() -> Result {
    let server = TestServer::start().await;
    let client = soon(builder(server.url()).connect()).await?;
    let socket: Socket = (*client).clone();
    client.emit("last", ())?;
    let clone = client.clone();
    drop(client);
    assert!(soon(clone.ask::<u8>("echo", 1)).await.is_ok());
    drop(clone);
    server.wait_for("left", 1).await;
    assert_eq!(server.logged("last").len(), 1);
    while !socket.is_over() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert!(matches!(socket.emit("x", ()), Err(EmitError::Disconnected)));
    assert!(matches!(soon(socket.ask::<()>("x", ())).await, Err(AskError::Emit(EmitError::Disconnected))));
    assert!(matches!(soon(socket.connected()).await, Err(ConnectError::Closed)));
    assert!(soon(socket.events().next()).await.is_none());
    soon(socket.disconnect()).await;
    Ok(())
}

#[tokio::test]
async fn what_is_wrong_is_said() -> Result {
    let url = |url: &str| Client::builder(url).start().unwrap_err().to_string();
    assert!(url("example.org").contains("URL"));
    let away = TestServer::start().await.stop().await;
    let error = soon(Client::connect(away.url())).await.unwrap_err();
    assert!(matches!(error, ConnectError::Dial(_)), "{error}");
    let thread = std::thread::spawn(|| Client::builder("http://127.0.0.1").start().unwrap_err());
    assert!(matches!(thread.join().unwrap(), ConnectError::NoRuntime));
    // With a limit of attempts the client gives up, and says why.
    let log = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&log);
    let client =
        builder(away.url()).reconnection_attempts(2).on_connect_error(move |_: Socket, error: ConnectError| {
            told.lock().unwrap().push(error.to_string());
        });
    let client = client.start()?;
    assert!(matches!(soon(client.connected()).await, Err(ConnectError::Dial(_))));
    assert_eq!(log.lock().unwrap().len(), 3);
    let server = away.start().await;
    client.connect();
    soon(client.connected()).await?;
    drop(server);
    Ok(())
}

/// The server of this test refuses polling.
#[tokio::test]
async fn the_next_transport_is_tried() -> Result {
    let server = TestServer::start().await;
    let client = Client::builder(server.url()).reconnection_delay(Duration::from_millis(10));
    let client = soon(client.connect()).await?;
    assert_eq!(soon(client.ask::<u8>("echo", 1)).await?, 1);
    // A field that cannot be sent: no attempt can succeed.
    let error = soon(builder(server.url()).header("a name", "x").connect()).await.unwrap_err();
    assert!(matches!(error, ConnectError::Failed(_)) && error.to_string().contains("configuration"), "{error}");
    Ok(())
}
