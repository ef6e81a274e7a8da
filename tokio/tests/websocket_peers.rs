//! Beside another implementation, in both roles.

mod support;

use futures_util::{SinkExt, StreamExt};
use sansocket_tokio::websocket::{self, CloseCode, Connector, Error, Message};
use support::Result;
use tokio::net::TcpListener;
use tokio_tungstenite::{
    accept_async, connect_async,
    tungstenite::{self, protocol::CloseFrame},
};

fn sizes() -> impl Iterator<Item = usize> {
    [0, 1, 125, 126, 4096, 65_535, 65_536, 1 << 20].into_iter()
}

#[tokio::test]
async fn our_client_and_a_foreign_server() -> Result {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("ws://{}/a?b", listener.local_addr()?);
    let server = tokio::spawn(async move {
        let mut ws = accept_async(listener.accept().await?.0).await?;
        ws.send(tungstenite::Message::Ping("are you there".into())).await?;
        let mut pongs = 0;
        let mut close = None;
        while let Some(message) = ws.next().await {
            match message? {
                tungstenite::Message::Pong(payload) => pongs += usize::from(payload == "are you there"),
                tungstenite::Message::Close(frame) => close = frame,
                message @ (tungstenite::Message::Text(_) | tungstenite::Message::Binary(_)) => ws.send(message).await?,
                _ => {}
            }
        }
        Result::Ok((pongs, close))
    });
    let mut ws = Connector::new(url).header("X-Token", "t").connect().await?;
    ws.ping("and you").await?;
    for size in sizes() {
        for message in [Message::from(vec![7; size]), Message::from("x".repeat(size))] {
            ws.send(message.clone()).await?;
            assert!(ws.next().await? == Some(message));
        }
    }
    let closed = ws.close_with(CloseCode(4001), "bye").await?;
    assert_eq!((closed.code, closed.is_clean), (CloseCode(4001), true));
    let (pongs, close) = server.await??;
    assert_eq!(pongs, 1);
    assert_eq!(close.map(|c| (u16::from(c.code), c.reason.to_string())), Some((4001, "bye".into())));
    Ok(())
}

#[tokio::test]
async fn our_server_and_a_foreign_client() -> Result {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("ws://{}/", listener.local_addr()?);
    let server = tokio::spawn(async move {
        let (mut sender, mut receiver) = websocket::accept(listener.accept().await?.0).await?.split();
        while let Some(message) = receiver.next().await? {
            sender.send(message).await?;
        }
        Result::Ok(receiver.closed())
    });
    let (mut ws, _) = connect_async(url).await?;
    for size in sizes() {
        for message in [tungstenite::Message::from(vec![7; size]), tungstenite::Message::from("x".repeat(size))] {
            ws.send(message.clone()).await?;
            assert!(ws.next().await.transpose()? == Some(message));
        }
    }
    ws.close(Some(CloseFrame { code: 4002.into(), reason: "done".into() })).await?;
    while let Some(message) = ws.next().await {
        assert!(matches!(message?, tungstenite::Message::Close(_)));
    }
    let closed = server.await??.ok_or("open")?;
    assert_eq!((closed.code, &*closed.reason, closed.is_clean), (CloseCode(4002), "done", true));
    Ok(())
}

#[tokio::test]
async fn a_foreign_client_that_is_dropped_is_gone() -> Result {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("ws://{}/", listener.local_addr()?);
    let server = tokio::spawn(async move {
        let mut ws = websocket::accept(listener.accept().await?.0).await?;
        Result::Ok(ws.next().await)
    });
    drop(connect_async(url).await?);
    assert!(matches!(server.await??, Err(Error::Gone)));
    Ok(())
}
