//! rust_socketio against `server`, on every transport that it has.

use rust_socketio::{ClientBuilder, Payload, TransportType};
use sansocket_rust_peers::Server;
use serde_json::json;
use std::{sync::mpsc, time::Duration};

const PATIENCE: Duration = Duration::from_secs(10);

fn speaks(transport: TransportType) {
    let server = Server::start("server");
    let (sender, heard) = mpsc::channel();
    let callback = move |payload: Payload, _: rust_socketio::RawClient| {
        sender.send(payload).unwrap();
    };
    let client = ClientBuilder::new(format!("http://{}", server.address))
        .transport_type(transport)
        .auth(json!({ "token": 1 }))
        .on("auth", callback.clone())
        .on("message-back", callback)
        .connect()
        .unwrap();
    let next = || match heard.recv_timeout(PATIENCE).unwrap() {
        Payload::Text(values) => json!(values),
        Payload::Binary(bytes) => json!(bytes.to_vec()),
        #[allow(deprecated)]
        Payload::String(text) => json!(text),
    };
    assert_eq!(next(), json!([{ "token": 1 }]));
    for i in 0..100 {
        client.emit("message", json!({ "n": i, "ü": [null, true, 0.5] })).unwrap();
        assert_eq!(next(), json!([{ "n": i, "ü": [null, true, 0.5] }]));
    }
    client.emit("message", vec![1, 2, 3]).unwrap();
    assert_eq!(next(), json!([1, 2, 3]));
    let (sender, answered) = mpsc::channel();
    let callback = move |payload: Payload, _: rust_socketio::RawClient| sender.send(payload).unwrap();
    client.emit_with_ack("message-with-ack", json!("hello"), PATIENCE, callback).unwrap();
    assert!(
        matches!(answered.recv_timeout(PATIENCE).unwrap(), Payload::Text(values) if json!(values).to_string().contains("hello"))
    );
    client.disconnect().unwrap();
}

#[test]
fn rust_socketio_over_polling() {
    speaks(TransportType::Polling);
}

#[test]
fn rust_socketio_over_websocket() {
    speaks(TransportType::Websocket);
}

#[test]
fn rust_socketio_upgraded() {
    speaks(TransportType::WebsocketUpgrade);
}
