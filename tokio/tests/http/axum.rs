//! Beside the routes of an application, and under its layers.

use crate::raw::{Raw, handshake, polling, text, until};
use axum::{
    Extension, Router,
    extract::{Request, State},
    middleware::{Next, from_fn},
    response::Response,
    routing::{get, post},
};
use sansocket_tokio::server::{Config, Server, Socket};
use std::net::SocketAddr;
use tokio::net::TcpListener;

#[derive(Clone)]
struct User(String);

/// What an application's layer does: it knows users by a field of their requests.
async fn sign_in(mut request: Request, next: Next) -> Response {
    let name = request.headers().get("authorization").and_then(|value| value.to_str().ok()).map(str::to_owned);
    if let Some(name) = name {
        request.extensions_mut().insert(User(name));
    }
    next.run(request).await
}

async fn serve(app: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = app.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

#[tokio::test]
async fn layers_tell_handlers_who_the_user_is() {
    let io = Server::new(Config::new());
    io.on("who", |socket: Socket| {
        let handshake = socket.handshake();
        let user = handshake.extensions().get::<User>().map(|user| user.0.clone());
        (user, handshake.address().unwrap().port(), handshake.header("cookie").map(str::to_owned))
    });
    let address = serve(Router::new().merge(io.routes()).layer(from_fn(sign_in))).await;
    let fields = [("Authorization", "alice"), ("Cookie", "a=b")];
    let mut raw = Raw::connect(address).await;
    raw.ask(handshake("GET", "EIO=4&transport=websocket", &fields)).await;
    raw.send([text("40"), text("420[\"who\"]")].concat()).await;
    let port = raw.stream.local_addr().unwrap().port();
    raw.until_text(&format!(r#"430["alice",{port},"a=b"]"#)).await;

    let mut raw = Raw::connect(address).await;
    let sid = raw.open().await;
    assert_eq!(raw.poll(&sid, Some("420[\"who\"]")).await.body, "ok");
    let port = raw.stream.local_addr().unwrap().port();
    assert_eq!(raw.poll(&sid, None).await.body, format!("430[null,{port},null]"));
}

#[tokio::test]
async fn other_routes_have_the_server_as_state_and_as_extension() {
    let io = Server::new(Config::new());
    let count = |State(io): State<Server>| async move { io.counters().sockets.to_string() };
    let tell = |Extension(io): Extension<Server>, news: String| async move { io.emit("news", news).unwrap() };
    let app = Router::new()
        .route("/count", get(count))
        .route("/tell", post(tell))
        .route("/socket.io/socket.io.js", get(|| async { "script" }))
        .merge(io.routes())
        .layer(Extension(io.clone()))
        .with_state(io.clone());
    let address = serve(app).await;
    let mut client = Raw::websocket(address).await;
    until("it is in", || io.counters().sockets == 1).await;
    let mut raw = Raw::connect(address).await;
    assert_eq!(raw.ask("GET /count HTTP/1.1\r\nHost: a\r\n\r\n").await.body, "1");
    raw.ask("POST /tell HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi").await;
    client.until_text("42[\"news\",\"hi\"]").await;
    assert_eq!(raw.ask("GET /socket.io/socket.io.js HTTP/1.1\r\nHost: a\r\n\r\n").await.body, "script");
}

#[tokio::test]
async fn routes_can_be_nested_and_their_bodies_limited_by_layers() {
    let io = crate::host::echo(Config::new());
    let limit = axum::extract::DefaultBodyLimit::max(10);
    let address = serve(Router::new().nest("/api", io.routes()).layer(limit)).await;
    let mut raw = Raw::connect(address).await;
    let at = |request: String| request.replacen("/socket.io/", "/api/socket.io/", 1);
    let opened = raw.ask(at(polling("", None))).await;
    let sid = opened.body.split('"').nth(3).unwrap().to_owned();
    assert_eq!(raw.ask(at(polling(&sid, Some("40")))).await.body, "ok");
    let large = raw.ask(at(polling(&sid, Some("420[\"ask\",123456789]")))).await;
    // `DefaultBodyLimit` is for extractors; the limit of bodies here is the configuration's.
    assert_eq!(large.status(), 200);
}

#[tokio::test]
async fn a_graceful_end_tells_all_clients_and_ends_the_program() {
    let io = crate::host::echo(Config::new());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let app = Router::new().merge(io.routes());
    let closing = io.clone();
    let served = tokio::spawn(async move {
        let end = async move {
            let _ = stopped.await;
            closing.close().await;
        };
        axum::serve(listener, app).with_graceful_shutdown(end).await
    });
    let mut websocket = Raw::websocket(address).await;
    let mut raw = Raw::connect(address).await;
    let sid = raw.open().await;
    raw.send(polling(&sid, None)).await;
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    stop.send(()).unwrap();
    tokio::time::timeout(std::time::Duration::from_secs(4), served).await.unwrap().unwrap().unwrap();
    assert_eq!(raw.response().await.body, "1");
    websocket.end().await;
    assert_eq!(websocket.frames().last().map(|(opcode, _)| *opcode), Some(8));
}
