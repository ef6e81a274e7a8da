//! The client against `socket.io` on Node: `tests/interop/tokio-client.test.js` starts that and names it in the variable SERVER. Without it nothing is
//! tested here. With COMPRESS the client offers compression.

use sansocket_tokio::{
    AskError, Bytes, Compression,
    client::{Builder, Client, ConnectError, Event, Reason, Socket, Transport},
};
use serde_json::json;
use std::{collections::HashSet, error::Error, time::Duration};
use tokio::time::timeout;

type Result<T = (), E = Box<dyn Error + Send + Sync>> = std::result::Result<T, E>;

const WAYS: [&[Transport]; 3] =
    [&[Transport::Polling], &[Transport::WebSocket], &[Transport::Polling, Transport::WebSocket]];

async fn soon<T>(future: impl IntoFuture<Output = T>) -> T {
    timeout(Duration::from_secs(30), future.into_future()).await.expect("it happens within 30 s")
}

/// A client for each way to connect, if there is a server.
fn builders(namespace: &str) -> Vec<Builder> {
    let Ok(url) = std::env::var("SERVER") else { return Vec::new() };
    let delay = Duration::from_millis(20);
    let builder = |transports: &[Transport]| {
        let builder = Client::builder(format!("{url}{namespace}")).transports(transports);
        let builder = match std::env::var("COMPRESS").as_deref() {
            Ok("takeover") => builder.compression(Compression::new().takeover().threshold(0)),
            Ok(_) => builder.compression(Compression::new()),
            Err(_) => builder,
        };
        builder.reconnection_delay(delay).reconnection_delay_max(delay)
    };
    WAYS.into_iter().map(builder).collect()
}

#[tokio::test]
async fn events_answers_and_binary() -> Result {
    for builder in builders("") {
        let client = soon(builder.connect()).await?;
        let nothing: Vec<()> = Vec::new();
        client.on("question", |_: Socket, (a, b): (serde_json::Value, Bytes)| async move {
            tokio::time::sleep(Duration::from_millis(1)).await;
            (b, a)
        });
        for n in 0..30_u32 {
            let back: (u32, String, Bytes) =
                soon(client.ask("echo", (n, "é😀\"\\", Bytes::from(vec![9; 100])))).await?;
            assert_eq!(back, (n, "é😀\"\\".to_owned(), Bytes::from(vec![9; 100])));
        }
        assert_eq!(soon(client.ask::<Vec<()>>("echo", (&nothing,))).await?, nothing);
        let back: (Bytes, serde_json::Value) =
            soon(client.ask("ask-me", (json!({ "a": [1, null] }), Bytes::from_static(b"\x00\x01")))).await?;
        assert_eq!(back, (Bytes::from_static(b"\x00\x01"), json!({ "a": [1, null] })));
        let large = "x".repeat(900_000);
        assert!(soon(client.ask::<String>("echo", &large)).await? == large);
        soon(client.disconnect()).await;
    }
    Ok(())
}

#[tokio::test]
async fn namespaces_and_credentials() -> Result {
    for builder in builders("/admin") {
        let client = builder.auth(json!({ "token": "good" }));
        let client = soon(client.connect()).await?;
        assert_eq!(client.namespace(), "/admin");
        assert_eq!(soon(client.ask::<serde_json::Value>("auth", ())).await?, json!({ "token": "good" }));
        let Err(ConnectError::Refused { message, data }) =
            soon(client.of("/bad").auth(json!({ "token": "old" }))).await
        else {
            panic!()
        };
        assert_eq!((&message[..], data.as_deref()), ("the token is old", Some(r#"{"code":401}"#)));
        let Err(ConnectError::Refused { message, .. }) = soon(client.of("/none")).await else { panic!() };
        assert_eq!(message, "Invalid namespace");
        let root = soon(client.of("/")).await?;
        assert_eq!(soon(root.ask::<u8>("echo", 1)).await?, 1);
        soon(client.close()).await;
    }
    Ok(())
}

#[tokio::test]
async fn cuts_and_removals() -> Result {
    for builder in builders("") {
        let mut events = builder.events();
        let client = soon(builder.connect()).await?;
        let mut ids = HashSet::from([client.id()]);
        for n in 0..50_u32 {
            // The server closes the connection, and does not answer.
            assert!(matches!(soon(client.ask::<()>("cut", ())).await, Err(AskError::Disconnected)));
            while !matches!(soon(events.next()).await, Some(Event::Disconnected(Reason::Link(_)))) {}
            assert_eq!(soon(client.ask::<u32>("echo", n)).await?, n);
            ids.insert(client.id());
        }
        assert_eq!(ids.len(), 51);
        client.emit("kick", ())?;
        while !matches!(soon(events.next()).await, Some(Event::Disconnected(Reason::ServerDisconnect))) {}
        client.connect();
        assert_eq!(soon(client.ask::<String>("echo", "again")).await?, "again");
        soon(client.disconnect()).await;
    }
    Ok(())
}
