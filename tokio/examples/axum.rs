//! Socket.IO beside an application's own routes, behind axum and under its layers: `cargo run --release --example axum -- --listen 127.0.0.1:3000`.
//!
//! On `/health` the application says that it lives, on `/metrics` how many sessions of which kind it has.

use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderValue, header},
    routing::get,
    serve::ListenerExt,
};
use clap::Parser;
use sansocket_tokio::{
    args::Raw,
    server::{Config, Server, Socket},
};
use std::{net::SocketAddr, process::ExitCode, time::Duration};
use tokio::net::TcpListener;
use tower_http::{set_header::SetResponseHeaderLayer, trace::TraceLayer};

/// Socket.IO behind axum.
#[derive(Clone, Debug, Parser)]
struct Options {
    /// Address to listen on.
    #[arg(long, default_value = "127.0.0.1:3000", value_name = "ADDRESS")]
    listen: String,
    /// Milliseconds between two heartbeats.
    #[arg(long, default_value_t = 25_000, value_name = "MS")]
    ping_interval: u64,
    /// Milliseconds that the answer to a heartbeat may take.
    #[arg(long, default_value_t = 20_000, value_name = "MS")]
    ping_timeout: u64,
    /// What is logged on standard error: error, warn, info, debug.
    #[arg(long, default_value = "info", value_name = "LEVEL")]
    log: tracing::Level,
}

/// What clients can do: the demonstration speaks to pages of every origin.
fn server(options: &Options) -> Server {
    let io = Server::new(
        Config::new()
            .any_origin()
            .ping_interval(Duration::from_millis(options.ping_interval))
            .ping_timeout(Duration::from_millis(options.ping_timeout)),
    );
    io.on_connect(|socket: Socket, auth: Raw| socket.emit("auth", auth));
    io.on("message", |socket: Socket, args: Raw| socket.emit("message-back", args));
    io.on("broadcast", |socket: Socket, args: Raw| socket.broadcast().emit("broadcast-message", args));
    io.on("ask", |_: Socket, args: Raw| args);
    io
}

fn routes(io: &Server) -> Router {
    Router::new()
        .route("/health", get(|| async { "ok\n" }))
        .route("/metrics", get(metrics))
        .merge(io.routes())
        .layer(TraceLayer::new_for_http().make_span_with(span))
        .layer(SetResponseHeaderLayer::if_not_present(
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        ))
        .with_state(io.clone())
}

#[tokio::main]
async fn main() -> ExitCode {
    let options = Options::parse();
    tracing_subscriber::fmt().with_max_level(options.log).with_writer(std::io::stderr).init();
    let listener = match TcpListener::bind(&options.listen).await {
        Ok(listener) => listener,
        Err(error) => {
            eprintln!("axum: cannot listen on '{}': {error}", options.listen);
            return ExitCode::from(2);
        }
    };
    if let Ok(address) = listener.local_addr() {
        println!("axum: listening on http://{address}/");
    }
    let io = server(&options);
    // What is written leaves at once.
    let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
    let app = routes(&io).into_make_service_with_connect_info::<SocketAddr>();
    let stop = async move {
        stop_signal().await;
        io.close().await;
    };
    match axum::serve(listener, app).with_graceful_shutdown(stop).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("axum: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The path alone: in the query stands the id of the session, which is a secret.
fn span(request: &Request) -> tracing::Span {
    tracing::debug_span!("request", method = %request.method(), path = request.uri().path())
}

async fn metrics(State(io): State<Server>) -> String {
    let counters = io.counters();
    let [polling, websocket] = [counters.polling_sessions, counters.websocket_sessions];
    format!("sessions{{transport=\"polling\"}} {polling}\nsessions{{transport=\"websocket\"}} {websocket}\n")
}

async fn stop_signal() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! { _ = terminate.recv() => {}, _ = tokio::signal::ctrl_c() => {} }
            return;
        }
    }
    let _ = tokio::signal::ctrl_c().await;
}
