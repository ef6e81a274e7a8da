//! HTTP/2: requests of polling, and WebSockets as streams (RFC 8441).

use crate::{
    host::{Host, echo},
    raw::{text, until},
};
use axum::Router;
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, client::conn::http2::SendRequest, ext::Protocol};
use hyper_util::rt::{TokioExecutor, TokioIo};
use sansocket_tokio::server::{Config, Server};
use std::net::SocketAddr;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

type Client = SendRequest<Full<Bytes>>;

async fn serve(host: Host, io: &Server) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let io = io.clone();
    tokio::spawn(async move {
        if host == Host::Axum {
            return axum::serve(listener, Router::new().merge(io.routes())).await.unwrap();
        }
        while let Ok((stream, _)) = listener.accept().await {
            let mut http = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
            http.enable_connect_protocol();
            tokio::spawn(http.serve_connection(TokioIo::new(stream), io.service()));
        }
    });
    address
}

async fn connect(address: SocketAddr) -> Client {
    let stream = TcpStream::connect(address).await.unwrap();
    let (client, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    client
}

fn request(method: Method, query: &str) -> http::request::Builder {
    Request::builder().method(method).uri(format!("http://chat.example/socket.io/?EIO=4&transport={query}"))
}

async fn ask(client: &mut Client, request: http::request::Builder, body: &'static str) -> Response<Incoming> {
    client.send_request(request.body(Full::from(body)).unwrap()).await.unwrap()
}

async fn body(response: Response<Incoming>) -> String {
    String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

async fn a_session_moves_from_polling_to_a_stream(host: Host) {
    let io = echo(Config::new());
    let mut client = connect(serve(host, &io).await).await;
    let opened = body(ask(&mut client, request(Method::GET, "polling"), "").await).await;
    let sid = opened.split('"').nth(3).unwrap().to_owned();
    let polling = format!("polling&sid={sid}");
    assert_eq!(body(ask(&mut client, request(Method::POST, &polling), "40").await).await, "ok");
    until("it is in", || io.counters().sockets == 1).await;

    let connect = request(Method::CONNECT, &format!("websocket&sid={sid}")).header("sec-websocket-version", "13");
    let connect = connect.extension(Protocol::from_static("websocket"));
    let response = ask(&mut client, connect, "").await;
    assert_eq!((response.status(), response.headers().get("upgrade")), (StatusCode::OK, None));
    let mut stream = TokioIo::new(hyper::upgrade::on(response).await.unwrap());
    stream.write_all(&text("2probe")).await.unwrap();
    let mut probed = [0; 8];
    stream.read_exact(&mut probed).await.unwrap();
    assert_eq!(&probed, b"\x81\x063probe");
    // The answer to the CONNECT packet is still to be fetched: over the stream now.
    stream.write_all(&[text("5"), text("421[\"ask\",7]")].concat()).await.unwrap();
    let mut received = Vec::new();
    while !String::from_utf8_lossy(&received).contains("431[7]") {
        assert_ne!(stream.read_buf(&mut received).await.unwrap(), 0);
    }
    assert_eq!(io.counters().websocket_sessions, 1);
    drop(stream);
    until("it is gone", || io.counters().websocket_sessions == 0 && io.counters().sockets == 0).await;
}

async fn handshakes_are_judged(host: Host) {
    let io = echo(Config::new());
    let mut client = connect(serve(host, &io).await).await;
    assert_eq!(ask(&mut client, request(Method::GET, "none"), "").await.status(), 400);
    let connect = |query: &str, version: &str, origin: &str| {
        let request = request(Method::CONNECT, query).extension(Protocol::from_static("websocket"));
        request.header("sec-websocket-version", version).header("origin", origin)
    };
    for (status, query, version, origin) in [
        (200, "websocket", "13", "https://chat.example"),
        (400, "websocket", "13", "https://evil.example"),
        (400, "websocket&sid=none", "13", "https://chat.example"),
        (400, "polling", "13", "https://chat.example"),
        (426, "websocket", "12", "https://chat.example"),
    ] {
        let response = ask(&mut client, connect(query, version, origin), "").await;
        assert_eq!(response.status(), status, "{query} {version} {origin}");
    }
    assert_eq!(io.counters().sessions_opened, 1);
}

#[tokio::test]
async fn hyper_moves() {
    a_session_moves_from_polling_to_a_stream(Host::Hyper).await;
}

#[tokio::test]
async fn axum_moves() {
    a_session_moves_from_polling_to_a_stream(Host::Axum).await;
}

#[tokio::test]
async fn hyper_judges() {
    handshakes_are_judged(Host::Hyper).await;
}

#[tokio::test]
async fn axum_judges() {
    handshakes_are_judged(Host::Axum).await;
}
