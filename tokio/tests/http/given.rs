//! Streams and addresses that an application gives to the server.

use crate::{
    host::{Host, echo},
    raw::{Raw, text, until},
};
use sansocket_tokio::server::{Config, Handshake, Server, Socket};
use std::{io, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
    task::JoinHandle,
    time::timeout,
};

fn upgraded(io: &Server, handshake: Handshake) -> (DuplexStream, JoinHandle<()>) {
    let (stream, client) = duplex(4096);
    let io = io.clone();
    (client, tokio::spawn(async move { io.upgraded(stream, handshake).await }))
}

async fn until_has(client: &mut DuplexStream, words: &str) {
    let mut received = Vec::new();
    while !String::from_utf8_lossy(&received).contains(words) {
        let read = timeout(Duration::from_secs(5), client.read_buf(&mut received)).await;
        assert!(matches!(read, Ok(Ok(1..))), "{words} did not come: {received:?}");
    }
}

#[tokio::test]
async fn a_websocket_from_elsewhere_carries_a_session_with_its_handshake() {
    let io = echo(Config::new());
    io.on("who", |socket: Socket| {
        let handshake = socket.handshake();
        (handshake.header("COOKIE").map(str::to_owned), handshake.query("name"), handshake.address())
    });
    let address = "[::1]:80".parse().unwrap();
    let query = "EIO=4&transport=websocket&name=J%C3%BCrgen";
    let handshake = Handshake::new().with_query(query).with_header("Cookie", "a=b").with_address(address);
    let (mut client, serving) = upgraded(&io, handshake);
    client.write_all(&[text("40"), text("420[\"who\"]")].concat()).await.unwrap();
    until_has(&mut client, r#"430["a=b","Jürgen","[::1]:80"]"#).await;
    drop(client);
    serving.await.unwrap();
    assert_eq!(io.counters().websocket_sessions, 0);
}

#[tokio::test]
async fn a_session_over_polling_may_move_to_a_websocket_from_elsewhere() {
    let served = Host::Own.serve(Config::new()).await;
    let sid = Raw::connect(served.address).await.open().await;
    let query = format!("EIO=4&transport=websocket&sid={sid}");
    let (mut client, _serving) = upgraded(&served.io, Handshake::new().with_query(&query));
    client.write_all(&text("2probe")).await.unwrap();
    until_has(&mut client, "3probe").await;
    client.write_all(&[text("5"), text("421[\"ask\"]")].concat()).await.unwrap();
    until_has(&mut client, "431[]").await;
    assert_eq!(served.io.counters().upgrades, 1);
}

#[tokio::test]
async fn who_is_refused_on_a_websocket_from_elsewhere_is_told_by_a_close_frame() {
    let io = Server::new(Config::new().max_sessions(1));
    let (_first, _serving) = upgraded(&io, Handshake::new());
    until("it is there", || io.counters().websocket_sessions == 1).await;
    for (query, code) in
        [("", 1013_u16), ("EIO=3&transport=websocket", 1008), ("EIO=4&transport=websocket&sid=x", 1008)]
    {
        let (mut client, serving) = upgraded(&io, Handshake::new().with_query(query));
        let mut frame = [0; 4];
        client.read_exact(&mut frame).await.unwrap();
        assert_eq!((frame[0], u16::from_be_bytes([frame[2], frame[3]])), (0x88, code), "{query}");
        drop(client);
        serving.await.unwrap();
    }
}

#[tokio::test]
async fn localhost_is_both_addresses() {
    let io = echo(Config::new());
    let bound = io.bind("localhost:0").await.unwrap();
    let addresses = bound.local_addrs();
    assert!(addresses[0].is_ipv4() && addresses.iter().all(|address| address.port() == addresses[0].port()));
    let serving = tokio::spawn(bound.serve());
    for address in addresses {
        drop(Raw::websocket(address).await);
    }
    io.close().await;
    timeout(Duration::from_secs(1), serving).await.unwrap().unwrap().unwrap();
}

#[tokio::test]
async fn an_address_that_is_none_or_in_use_is_an_error_that_names_it() {
    let io = echo(Config::new());
    for address in ["localhost:port", "127.0.0.1", "", "127.0.0.1:99999"] {
        let error = io.bind(address).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        assert!(error.to_string().contains(&format!("'{address}' is not an address")), "{error}");
    }
    let address = io.bind("127.0.0.1:0").await.unwrap();
    let taken = address.local_addrs()[0];
    let error = io.bind(&taken.to_string()).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
    assert!(error.to_string().starts_with(&format!("cannot listen on {taken}: ")), "{error}");
}
