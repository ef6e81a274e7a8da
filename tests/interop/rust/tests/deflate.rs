//! yawc, which compresses by zlib, against the echo programs: with each parameter, in both directions.

use futures_util::{SinkExt, StreamExt};
use hyper::{Request, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use sansocket_rust_peers::{Server, run_echo_client_with};
use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    time::timeout,
};
use yawc::{Frame, Options, WebSocket, close::CloseCode, frame::OpCode};

fn options() -> [Options; 6] {
    // With 0 yawc never gets done with an empty message.
    let all = Options::default().with_balanced_compression().with_compression_threshold(1).with_utf8();
    let all = all.with_max_payload_read(1 << 20).with_max_read_buffer(1 << 21);
    [
        all.clone(),
        all.clone().server_no_context_takeover(),
        all.clone().client_no_context_takeover(),
        all.clone().server_no_context_takeover().client_no_context_takeover(),
        all.clone().with_server_max_window_bits(9),
        all.with_client_max_window_bits(10),
    ]
}

/// What comes twice is in the window the second time.
fn messages() -> Vec<Frame> {
    let events: String = (0..3000).map(|n| format!("{{\"event\":\"tick\",\"n\":{n},\"at\":{}}},", n * 37)).collect();
    let mut state = 1_u32;
    let noise: Vec<u8> = (0..100_000)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_be_bytes()[0]
        })
        .collect();
    let texts = ["", "short", &events[..2000], &events[..2000], &"消息".repeat(9000), &events, &events[..2000]];
    let mut all: Vec<Frame> = texts.iter().map(|text| Frame::text((*text).to_owned())).collect();
    all.extend([vec![], vec![0; 300_000], noise].map(Frame::binary));
    all.push(Frame::text(events[..2000].to_owned()));
    all
}

/// Counts the bytes that are read.
struct Counting(TcpStream, Arc<AtomicUsize>);

impl AsyncRead for Counting {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = Pin::new(&mut self.0).poll_read(cx, buf);
        self.1.fetch_add(buf.filled().len() - before, SeqCst);
        read
    }
}

impl AsyncWrite for Counting {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

/// Sends each message and gets it back.
async fn echoes<S: AsyncRead + AsyncWrite + Unpin>(ws: &mut WebSocket<S>) {
    for (i, message) in messages().into_iter().enumerate() {
        ws.send(message.clone()).await.unwrap();
        let back = timeout(Duration::from_secs(10), ws.next()).await;
        let back = back.unwrap_or_else(|_| panic!("message {i} does not come back")).expect("it is open");
        assert_eq!(back.opcode(), message.opcode(), "{i}");
        assert!(back.payload() == message.payload(), "{i}");
    }
}

#[tokio::test]
async fn yawc_as_client() {
    let server = Server::start_with("echo_server", &["--compress"]);
    for options in options() {
        let read = Arc::new(AtomicUsize::new(0));
        let stream = Counting(TcpStream::connect(&server.address).await.unwrap(), read.clone());
        let url = format!("ws://{}/", server.address).parse().unwrap();
        let mut ws = WebSocket::handshake(url, stream, options).await.unwrap();
        echoes(&mut ws).await;
        let plain: usize = messages().iter().map(|message| message.payload().len()).sum();
        let read = read.load(SeqCst);
        assert!(read < plain / 2, "compressed: {read} of {plain}");
        ws.send(Frame::close(CloseCode::Normal, "")).await.unwrap();
        assert_eq!(ws.next().await.unwrap().opcode(), OpCode::Close);
    }
}

#[tokio::test]
async fn yawc_as_server() {
    for options in options() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let passed = Arc::new(AtomicUsize::new(0));
        let count = passed.clone();
        let serve = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (count, options) = (count.clone(), options.clone());
                let answer = service_fn(move |mut request: Request<Incoming>| {
                    let (count, options) = (count.clone(), options.clone());
                    async move {
                        let path = request.uri().path().to_owned();
                        let (response, upgrade) = WebSocket::upgrade_with_options(&mut request, options)?;
                        let agreed = response.headers().contains_key("sec-websocket-extensions");
                        tokio::spawn(async move {
                            let mut ws = upgrade.await.unwrap();
                            match &*path {
                                "/getCaseCount" => ws.send(Frame::text("1")).await.unwrap(),
                                "/runCase" => {
                                    echoes(&mut ws).await;
                                    count.fetch_add(usize::from(agreed), SeqCst);
                                }
                                _ => {}
                            }
                            ws.send(Frame::close(CloseCode::Normal, "")).await.unwrap();
                            while ws.next().await.is_some() {}
                        });
                        Ok::<_, yawc::WebSocketError>(response)
                    }
                });
                let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), answer).with_upgrades();
                tokio::spawn(connection);
            }
        });
        run_echo_client_with(port, &["--compress"]).await;
        assert_eq!(passed.load(SeqCst), 1);
        serve.abort();
    }
}
