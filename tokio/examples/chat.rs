//! A chat room: `cargo run -p sansocket-tokio --example tokio_chat`. It tells the history, who joined and who left, and passes messages on.

use sansocket_tokio::server::{Config, Page, Reason, Server, Socket};
use serde::{Deserialize, Serialize};
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

const HISTORY: usize = 100;

#[derive(Serialize, Deserialize)]
struct Said {
    name: String,
    message: String,
}

struct Name(String);

fn fits(text: &str, most: usize) -> bool {
    !text.trim().is_empty() && text.chars().count() <= most
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let io = Server::new(Config::new().max_payload(20_000));
    let history = Arc::new(Mutex::new(VecDeque::<Said>::new()));

    let told = history.clone();
    io.on_connect(move |socket: Socket| socket.emit("allMessage", (&*told.lock().unwrap(),)));
    // What a handler returns is the acknowledgement.
    io.on("user-name", |socket: Socket, name: String| {
        let is_good = fits(&name, 40);
        if is_good && socket.data().insert(Name(name.clone())).is_none() {
            socket.broadcast().emit("globalMsg", format!("{name} joined the chat")).ok();
        }
        is_good
    });
    io.on("sendMessage", move |socket: Socket, said: Said| {
        let is_good = fits(&said.name, 40) && fits(&said.message, 2000);
        if is_good {
            let mut history = history.lock().unwrap();
            socket.everybody().emit("newMessage", &said).ok();
            history.push_back(said);
            if history.len() > HISTORY {
                history.pop_front();
            }
        }
        is_good
    });
    io.on_disconnect(|socket: Socket, _: Reason| {
        if let Some(name) = socket.data().get::<Name>() {
            socket.broadcast().emit("globalMsg", format!("{} left the chat", name.0)).ok();
        }
    });
    io.pages(|path| (path == "/").then(|| Page::new("text/html", include_str!("chat.html"))));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    println!("open http://{}/ in a browser", listener.local_addr()?);
    Ok(io.listen(listener).await?)
}
