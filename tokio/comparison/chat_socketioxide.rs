//! The chat room of `../examples/chat.rs`, as it is written with socketioxide 0.18.

use axum::{Router, response::Html, routing::get};
use serde::{Deserialize, Serialize};
use socketioxide::{
    SocketIo,
    extract::{AckSender, Data, SocketRef, State},
};
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

const HISTORY: usize = 100;

#[derive(Clone, Serialize, Deserialize)]
struct Said {
    name: String,
    message: String,
}

#[derive(Clone)]
struct Name(String);

#[derive(Clone, Default)]
struct History(Arc<Mutex<VecDeque<Said>>>);

async fn connected(socket: SocketRef, State(history): State<History>) {
    let said: Vec<Said> = history.0.lock().unwrap().iter().cloned().collect();
    socket.emit("allMessage", &[said]).ok();
    socket.on("user-name", async |io: SocketIo, socket: SocketRef, Data(name): Data<String>, ack: AckSender| {
        let is_good = !name.trim().is_empty() && name.chars().count() <= 40;
        if is_good && socket.extensions.insert(Name(name.clone())).is_none() {
            io.emit("globalMsg", &format!("{name} joined the chat")).await.ok();
        }
        ack.send(&is_good).ok();
    });
    socket.on(
        "sendMessage",
        async |io: SocketIo, Data(said): Data<Said>, State(history): State<History>, ack: AckSender| {
            let is_good = !said.message.trim().is_empty() && said.message.chars().count() <= 2000;
            if is_good {
                io.emit("newMessage", &said).await.ok();
                let mut history = history.0.lock().unwrap();
                history.push_back(said);
                if history.len() > HISTORY {
                    history.pop_front();
                }
            }
            ack.send(&is_good).ok();
        },
    );
    socket.on_disconnect(async |io: SocketIo, socket: SocketRef| {
        if let Some(Name(name)) = socket.extensions.get::<Name>() {
            io.emit("globalMsg", &format!("{name} left the chat")).await.ok();
        }
    });
}

#[tokio::main]
async fn main() {
    let (layer, io) = SocketIo::builder().with_state(History::default()).build_layer();
    io.ns("/", connected);
    let page = get(async || Html("a page with the client"));
    let app = Router::new().route("/", page).layer(layer);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await.unwrap();
    axum::serve(listener, app).await.unwrap();
}
