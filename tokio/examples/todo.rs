//! To-do lists behind axum: people join a list, add to it, and see what the others add: `cargo run --example todo`.

use axum::{Router, extract::State, routing::get};
use sansocket_tokio::server::{Config, Server, Socket};
use serde::{Deserialize, Serialize};
use std::sync::{Arc, Mutex, PoisonError};

#[derive(Clone, Deserialize, Serialize)]
struct Todo {
    list: String,
    text: String,
}

type Todos = Arc<Mutex<Vec<Todo>>>;

fn of(todos: &Todos, list: &str) -> Vec<Todo> {
    let todos = todos.lock().unwrap_or_else(PoisonError::into_inner);
    todos.iter().filter(|todo| todo.list == list).cloned().collect()
}

pub fn app() -> Router {
    let (io, todos) = (Server::new(Config::new()), Todos::default());
    let known = todos.clone();
    io.on("join", move |socket: Socket, list: String| {
        socket.join(&list);
        of(&known, &list)
    });
    let known = todos.clone();
    io.on("add", move |socket: Socket, todo: Todo| -> Result<usize, Box<dyn std::error::Error + Send + Sync>> {
        if todo.text.is_empty() {
            return Err("a todo has a text".into());
        }
        known.lock().unwrap_or_else(PoisonError::into_inner).push(todo.clone());
        socket.to(&todo.list).emit("added", &todo)?;
        Ok(of(&known, &todo.list).len())
    });
    io.on_disconnecting(|socket: Socket, _| {
        socket.rooms().iter().for_each(|list| drop(socket.to(list).emit("left", socket.id().to_string())));
    });
    let count = |State(todos): State<Todos>| async move { of(&todos, "home").len().to_string() };
    Router::new().route("/count", get(count)).with_state(todos).merge(io.routes())
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    axum::serve(listener, app()).await
}
