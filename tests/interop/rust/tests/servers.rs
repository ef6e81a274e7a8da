//! Servers against `echo_client`.

use fastwebsockets::{Frame, OpCode, Payload, upgrade};
use futures_util::{SinkExt, StreamExt};
use hyper::{Request, Response, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use sansocket_rust_peers::{Case, SIZES, case_of, run_echo_client};
use std::{
    net::TcpListener as BlockingListener,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    thread,
};
use tokio::net::TcpListener;
use tokio_websockets::{CloseCode, Message, ServerBuilder};

// The callback's types are tungstenite's.
#[allow(clippy::result_large_err)]
#[tokio::test]
async fn tungstenite_as_server() {
    let listener = BlockingListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let passed = Arc::new(AtomicUsize::new(0));
    let count = passed.clone();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut path = String::new();
            let see = |request: &tungstenite::handshake::server::Request, response| {
                path = request.uri().to_string();
                Ok(response)
            };
            let mut ws = tungstenite::accept_hdr(stream.unwrap(), see).unwrap();
            match case_of(&path) {
                Case::Count(n) => ws.send(tungstenite::Message::text(n.to_string())).unwrap(),
                Case::Run(size) => {
                    for message in
                        [tungstenite::Message::text("x".repeat(size)), tungstenite::Message::binary(vec![7; size])]
                    {
                        ws.send(message.clone()).unwrap();
                        assert_eq!(ws.read().unwrap(), message);
                    }
                    count.fetch_add(1, SeqCst);
                }
                Case::Report => {}
            }
            ws.close(None).unwrap();
            while ws.read().is_ok() {}
        }
    });
    run_echo_client(port).await;
    assert_eq!(passed.load(SeqCst), SIZES.len());
}

#[tokio::test]
async fn tokio_websockets_as_server() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let passed = Arc::new(AtomicUsize::new(0));
    let count = passed.clone();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let (request, mut ws) = ServerBuilder::new().accept(stream).await.unwrap();
            match case_of(&request.uri().to_string()) {
                Case::Count(n) => ws.send(Message::text(n.to_string())).await.unwrap(),
                Case::Run(size) => {
                    ws.send(Message::text("x".repeat(size))).await.unwrap();
                    assert_eq!(ws.next().await.unwrap().unwrap().as_text(), Some(&*"x".repeat(size)));
                    count.fetch_add(1, SeqCst);
                }
                Case::Report => {}
            }
            ws.send(Message::close(Some(CloseCode::NORMAL_CLOSURE), "")).await.unwrap();
            while let Some(Ok(_)) = ws.next().await {}
        }
    });
    run_echo_client(port).await;
    assert_eq!(passed.load(SeqCst), SIZES.len());
}

async fn fast_case(
    mut request: Request<Incoming>,
    count: Arc<AtomicUsize>,
) -> Result<Response<http_body_util::Empty<hyper::body::Bytes>>, fastwebsockets::WebSocketError> {
    let path = request.uri().to_string();
    let (response, future) = upgrade::upgrade(&mut request)?;
    tokio::spawn(async move {
        let mut ws = future.await.unwrap();
        match case_of(&path) {
            Case::Count(n) => {
                ws.write_frame(Frame::text(Payload::Owned(n.to_string().into_bytes()))).await.unwrap();
            }
            Case::Run(size) => {
                ws.write_frame(Frame::binary(Payload::Owned(vec![7; size]))).await.unwrap();
                let frame = ws.read_frame().await.unwrap();
                assert_eq!((frame.opcode, frame.payload.to_vec()), (OpCode::Binary, vec![7; size]));
                count.fetch_add(1, SeqCst);
            }
            Case::Report => {}
        }
        ws.write_frame(Frame::close(1000, b"")).await.unwrap();
        while ws.read_frame().await.is_ok_and(|frame| frame.opcode != OpCode::Close) {}
    });
    Ok(response)
}

#[tokio::test]
async fn fastwebsockets_as_server() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let passed = Arc::new(AtomicUsize::new(0));
    let count = passed.clone();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let count = count.clone();
            let connection = http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service_fn(move |request| fast_case(request, count.clone())));
            tokio::spawn(connection.with_upgrades());
        }
    });
    run_echo_client(port).await;
    assert_eq!(passed.load(SeqCst), SIZES.len());
}
