//! Socket.IO beside an app's own routes, over axum and hyper: `cargo run --release -- --listen 127.0.0.1:3000`.
//!
//! HTTP is axum's, with its layers; the protocols are this crate's machines, the same as in `../server`. `session.rs` is what a session does with
//! events, `transport.rs` how its bytes come and go. On `/health` the app says that it lives, on `/metrics` how many sessions of which kind it has.

mod session;
mod transport;

use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderValue, header},
    routing::{any, get},
};
use clap::Parser;
use session::App;
use std::{process::ExitCode, sync::Arc};
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
    ping_interval: u32,
    /// Milliseconds that the answer to a heartbeat may take.
    #[arg(long, default_value_t = 20_000, value_name = "MS")]
    ping_timeout: u32,
    /// What is logged on standard error: error, warn, info, debug.
    #[arg(long, default_value = "info", value_name = "LEVEL")]
    log: tracing::Level,
}

#[tokio::main]
async fn main() -> ExitCode {
    let options = Options::parse();
    tracing_subscriber::fmt().with_max_level(options.log).with_writer(std::io::stderr).init();
    let listener = match TcpListener::bind(&options.listen).await {
        Ok(listener) => listener,
        Err(e) => {
            eprintln!("axum: cannot listen on '{}': {e}", options.listen);
            return ExitCode::from(2);
        }
    };
    if let Ok(address) = listener.local_addr() {
        println!("axum: listening on http://{address}/");
    }
    let app = Arc::new(App::new(options.ping_interval, options.ping_timeout));
    let router = Router::new()
        .route("/health", get(|| async { "ok\n" }))
        .route("/metrics", get(metrics))
        .route("/socket.io/", any(transport::serve))
        .layer(TraceLayer::new_for_http().make_span_with(span))
        .layer(SetResponseHeaderLayer::if_not_present(
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        ))
        .with_state(app.clone());
    // No request is begun any more; sessions end, and with them the GETs that wait; the rest is answered.
    let all = app.clone();
    let stop = async move {
        stop_signal().await;
        all.shut_down();
    };
    let served = axum::serve(listener, router).with_graceful_shutdown(stop).await;
    app.is_shut_down().await;
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("axum: {e}");
            ExitCode::FAILURE
        }
    }
}

/// The path alone: in the query stands the id of the session, which is a secret.
fn span(request: &Request) -> tracing::Span {
    tracing::debug_span!("request", method = %request.method(), path = request.uri().path())
}

async fn metrics(State(app): State<Arc<App>>) -> String {
    let [polling, websocket] = app.count();
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
