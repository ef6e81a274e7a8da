//! What the server does with events.

use sansocket_tokio::{
    args::Raw,
    server::{Ack, Config, EngineMessage, EngineSocket, Namespace, Refusal, Server, Socket},
};
use serde_json::{Value, json};
use tracing::debug;

pub fn server(config: Config) -> Server {
    let io = Server::new(config.engine_path("/engine.io/"));
    io.on_engine_message(|client: EngineSocket, message: EngineMessage| {
        let _ = client.send(&message);
    });
    add_events(&io);
    add_events(&io.of("/custom"));
    io.of("/denied").before_connect(|_: Socket| {
        let refusal = Refusal::new("not authorized");
        Err(refusal.clone().data(&json!({ "code": 7 })).unwrap_or(refusal))
    });
    io
}

/// What is emitted to a client that is gone meanwhile is lost: nobody has to know.
fn add_events(io: &Namespace) {
    io.on_connect(|socket: Socket, auth: Raw| {
        let _ = socket.emit("auth", auth);
    });
    // With an `Ack` as parameter nothing is acknowledged unless it is sent.
    io.on("message", |socket: Socket, args: Raw, _: Ack| {
        let _ = socket.emit("message-back", args);
    });
    // Otherwise what a handler returns is the acknowledgement.
    io.on("message-with-ack", |_: Socket, args: Raw| args);
    // In a task of its own: further events must not wait for those that are answered late or never.
    io.on("ask-ack", |socket: Socket, args: Raw, _: Ack| {
        let asked = socket.ask::<Raw>("please-ack", args);
        tokio::spawn(async move {
            match asked.await {
                Ok(answer) => drop(socket.emit("ack-was", answer)),
                Err(error) => debug!("not acknowledged: {error}"),
            }
        });
    });
    io.on("server-disconnect", |socket: Socket| socket.disconnect(false));
    io.on("server-close", |socket: Socket| socket.disconnect(true));
    io.on("join", |socket: Socket, room: String| if socket.join(&room) { Value::String(room) } else { false.into() });
    io.on("leave", |socket: Socket, room: String| {
        socket.leave(&room);
        room
    });
    io.on("to-room", |socket: Socket, (room, args): (String, Raw), _: Ack| {
        let _ = socket.to(room).emit("room-message", args);
    });
    io.on("broadcast", |socket: Socket, args: Raw, _: Ack| {
        let _ = socket.broadcast().emit("broadcast-message", args);
    });
    io.on("compress", |socket: Socket, (may, args): (bool, Raw)| {
        let _ = socket.compress(may).emit("compressed", args);
    });
    io.on("transport", |socket: Socket| socket.transport());
    io.on("rooms", |socket: Socket| socket.rooms());
}
