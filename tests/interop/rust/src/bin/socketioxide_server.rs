//! A server on socketioxide that answers as `../../peers/server.js`, for the client program.

use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use rmpv::Value;
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{SeqAccess, Visitor},
    ser::SerializeTuple,
};
use socketioxide::{
    SocketIo, TransportType,
    extract::{AckSender, Data, Event, SocketRef, TryData},
    handler::ConnectHandler,
};
use tokio::net::TcpListener;

/// All arguments of an event: what socketioxide takes for a tuple, of any length.
struct Args(Vec<Value>);

impl Serialize for Args {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut tuple = serializer.serialize_tuple(self.0.len())?;
        self.0.iter().try_for_each(|value| tuple.serialize_element(value))?;
        tuple.end()
    }
}

impl<'de> Deserialize<'de> for Args {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct All;
        impl<'de> Visitor<'de> for All {
            type Value = Args;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("arguments")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Args, A::Error> {
                let mut values = Vec::new();
                while let Some(value) = seq.next_element()? {
                    values.push(value);
                }
                Ok(Args(values))
            }
        }
        deserializer.deserialize_tuple(usize::MAX, All)
    }
}

async fn connected(socket: SocketRef, TryData(auth): TryData<Value>) {
    let _ = socket.emit("auth", &auth.unwrap_or(Value::Map(Vec::new())));
    socket.on_fallback(
        async |socket: SocketRef, Event(name): Event, Data(args): Data<Args>, ack: AckSender| match name.as_str() {
            "message" => drop(socket.emit("message-back", &args)),
            "message-with-ack" => drop(ack.send(&args)),
            "ask-ack" => {
                if let Ok(answer) = socket.emit_with_ack::<_, Args>("please-ack", &args) {
                    tokio::spawn(async move {
                        if let Ok(args) = answer.await {
                            let _ = socket.emit("ack-was", &args);
                        }
                    });
                }
            }
            "server-disconnect" => drop(socket.disconnect()),
            "transport" => {
                let is_polling = matches!(socket.transport_type(), TransportType::Polling);
                let _ = ack.send(if is_polling { "polling" } else { "websocket" });
            }
            _ => {}
        },
    );
}

async fn deny() -> Result<(), &'static str> {
    Err("not authorized")
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let listen = std::env::args().nth(2).expect("--listen ADDRESS");
    let (service, io) = SocketIo::builder().max_payload(1_000_000).max_buffer_size(100_000).build_svc();
    io.ns("/", connected);
    io.ns("/custom", connected);
    io.ns("/denied", (async || {}).with(deny));
    let listener = TcpListener::bind(listen).await.unwrap();
    println!("listening on http://{}/", listener.local_addr().unwrap());
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let service = service.clone();
        tokio::spawn(async move {
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).with_upgrades().await;
        });
    }
}
