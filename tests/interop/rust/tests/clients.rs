//! Clients against `echo_server`.

use fastwebsockets::{Frame, OpCode, Payload, handshake};
use futures_util::{SinkExt, StreamExt};
use http_body_util::Empty;
use hyper::{Request, body::Bytes, header};
use sansocket_rust_peers::{SIZES, Server};
use std::future::Future;
use tokio::net::TcpStream;
use tokio_websockets::{ClientBuilder, CloseCode, Message};

#[test]
fn tungstenite_as_client() {
    let server = Server::start("echo_server");
    let (mut ws, _) = tungstenite::connect(format!("ws://{}/", server.address)).unwrap();
    for size in SIZES {
        for message in [tungstenite::Message::text("x".repeat(size)), tungstenite::Message::binary(vec![7; size])] {
            ws.send(message.clone()).unwrap();
            assert_eq!(ws.read().unwrap(), message);
        }
    }
    ws.send(tungstenite::Message::Ping(b"?".as_slice().into())).unwrap();
    assert_eq!(ws.read().unwrap(), tungstenite::Message::Pong(b"?".as_slice().into()));
    ws.close(None).unwrap();
    assert!(matches!(ws.read(), Ok(tungstenite::Message::Close(None))));
    assert!(matches!(ws.read(), Err(tungstenite::Error::ConnectionClosed)));
}

#[tokio::test]
async fn tokio_websockets_as_client() {
    let server = Server::start("echo_server");
    let uri = format!("ws://{}/", server.address).parse().unwrap();
    let (mut ws, _) = ClientBuilder::from_uri(uri).connect().await.unwrap();
    for size in SIZES {
        ws.send(Message::text("x".repeat(size))).await.unwrap();
        assert_eq!(ws.next().await.unwrap().unwrap().as_text(), Some(&*"x".repeat(size)));
        ws.send(Message::binary(vec![7; size])).await.unwrap();
        assert_eq!(ws.next().await.unwrap().unwrap().as_payload()[..], vec![7; size]);
    }
    ws.send(Message::close(Some(CloseCode::GOING_AWAY), "bye")).await.unwrap();
    let close = ws.next().await.unwrap().unwrap();
    assert_eq!(close.as_close().unwrap().0, CloseCode::GOING_AWAY);
}

/// hyper wants to spawn on the runtime of the caller.
struct Spawn;
impl<F: Future<Output: Send> + Send + 'static> hyper::rt::Executor<F> for Spawn {
    fn execute(&self, future: F) {
        tokio::spawn(future);
    }
}

#[tokio::test]
async fn fastwebsockets_as_client() {
    let server = Server::start("echo_server");
    let stream = TcpStream::connect(&server.address).await.unwrap();
    let request = Request::get("/")
        .header(header::HOST, &server.address)
        .header(header::UPGRADE, "websocket")
        .header(header::CONNECTION, "upgrade")
        .header("Sec-WebSocket-Key", handshake::generate_key())
        .header("Sec-WebSocket-Version", "13")
        .body(Empty::<Bytes>::new())
        .unwrap();
    let (mut ws, _) = handshake::client(&Spawn, request, stream).await.unwrap();
    for size in SIZES {
        ws.write_frame(Frame::binary(Payload::Owned(vec![7; size]))).await.unwrap();
        let frame = ws.read_frame().await.unwrap();
        assert_eq!((frame.opcode, frame.payload.to_vec()), (OpCode::Binary, vec![7; size]));
    }
    ws.write_frame(Frame::close(1001, b"bye")).await.unwrap();
    let frame = ws.read_frame().await.unwrap();
    assert_eq!((frame.opcode, &frame.payload[..]), (OpCode::Close, &b"\x03\xe9"[..]));
}
