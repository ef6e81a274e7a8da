//! The counters of the server as Prometheus reads them.

use sansocket_tokio::server::{Counters, Page};
use std::fmt::Write;

/// The page at `/metrics`.
pub fn page(counters: &Counters) -> Page {
    Page::new("text/plain; version=0.0.4; charset=utf-8", text(counters))
}

fn text(c: &Counters) -> String {
    let mut text = String::new();
    let mut add = |name: &str, kind: &str, help: &str, samples: &[(&str, u64)]| {
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
        for (label, value) in samples {
            let _ = writeln!(text, "{name}{label} {value}");
        }
    };
    add("socketio_connections", "gauge", "Open TCP connections.", &[("", c.connections)]);
    let sessions =
        [("{transport=\"polling\"}", c.polling_sessions), ("{transport=\"websocket\"}", c.websocket_sessions)];
    add("socketio_sessions", "gauge", "Open sessions.", &sessions);
    add("socketio_sockets", "gauge", "Connected sockets in all namespaces.", &[("", c.sockets)]);
    add("socketio_handlers", "gauge", "Handlers that wait for something.", &[("", c.handlers)]);
    add("socketio_sessions_opened_total", "counter", "Sessions that were opened.", &[("", c.sessions_opened)]);
    add("socketio_upgrades_total", "counter", "Sessions that moved to a WebSocket.", &[("", c.upgrades)]);
    let events = [("{direction=\"in\"}", c.events_received), ("{direction=\"out\"}", c.events_sent)];
    add("socketio_events_total", "counter", "Events, one for each receiver.", &events);
    let bytes = [("{direction=\"in\"}", c.bytes_received), ("{direction=\"out\"}", c.bytes_sent)];
    add("socketio_bytes_total", "counter", "Bytes of WebSockets and of bodies.", &bytes);
    add("socketio_events_dropped_total", "counter", "Events that were dropped.", &[("", c.events_dropped)]);
    text
}
