//! The to-do list of `../examples/todo.rs`, as it is written with socketioxide 0.18.

use axum::{Router, routing::get};
use serde::{Deserialize, Serialize};
use socketioxide::{
    SocketIo,
    extract::{AckSender, Data, SocketRef, State},
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

#[derive(Clone, Serialize)]
struct Item {
    id: usize,
    text: String,
}

#[derive(Deserialize)]
struct NewItem {
    list: String,
    text: String,
}

#[derive(Clone)]
struct Name(String);

#[derive(Clone, Default)]
struct Lists(Arc<Mutex<HashMap<String, Vec<Item>>>>);

async fn connected(socket: SocketRef) {
    socket.on(
        "join",
        async |socket: SocketRef,
               Data((list, name)): Data<(String, String)>,
               State(lists): State<Lists>,
               ack: AckSender| {
            socket.join(list.clone());
            socket.extensions.insert(Name(name));
            let items = lists.0.lock().unwrap().get(&list).cloned().unwrap_or_default();
            ack.send(&items).ok();
        },
    );
    socket.on(
        "add",
        async |socket: SocketRef, Data(new): Data<NewItem>, State(lists): State<Lists>, ack: AckSender| {
            let item = {
                let mut lists = lists.0.lock().unwrap();
                let items = lists.entry(new.list.clone()).or_default();
                items.push(Item { id: items.len(), text: new.text });
                items[items.len() - 1].clone()
            };
            socket.to(new.list).emit("added", &item).await.ok();
            ack.send(&item).ok();
        },
    );
    socket.on_disconnect(async |socket: SocketRef| {
        let Some(Name(name)) = socket.extensions.get::<Name>() else { return };
        for room in socket.rooms() {
            socket.to(room).emit("left", &name).await.ok();
        }
    });
}

#[tokio::main]
async fn main() {
    let (layer, io) = SocketIo::builder().with_state(Lists::default()).build_layer();
    io.ns("/", connected);
    let app = Router::new().route("/", get(async || "to-do lists")).layer(layer);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await.unwrap();
    axum::serve(listener, app).await.unwrap();
}
