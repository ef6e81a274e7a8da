//! Socketioxide with the events of our server that the load test uses, on one thread, or on as many as the first argument says.

use socketioxide::{
    SocketIo,
    extract::{AckSender, Data, SocketRef},
};

async fn connected(socket: SocketRef) {
    socket.on("message-with-ack", async |Data(text): Data<String>, ack: AckSender| ack.send(&text).unwrap());
    socket.on("join", async |socket: SocketRef, Data(room): Data<String>, ack: AckSender| {
        socket.join(room.clone());
        ack.send(&room).unwrap();
    });
    socket.on("to-room", async |socket: SocketRef, Data((room, text)): Data<(String, String)>| {
        socket.to(room).emit("room-message", &text).await.unwrap();
    });
    socket.on("broadcast", async |socket: SocketRef, Data(text): Data<String>| {
        socket.broadcast().emit("broadcast-message", &text).await.unwrap();
    });
}

fn main() {
    let threads = std::env::args().nth(1).map_or(1, |n| n.parse().expect("a number of threads"));
    let mut builder = match threads {
        1 => tokio::runtime::Builder::new_current_thread(),
        _ => tokio::runtime::Builder::new_multi_thread(),
    };
    let runtime = builder.worker_threads(threads).enable_all().build().unwrap();
    // In a task of its own: the thread that waits for it is none of those that serve.
    runtime.block_on(async { tokio::spawn(serve()).await.unwrap() });
}

async fn serve() {
    let (layer, io) = SocketIo::new_layer();
    io.ns("/", connected);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("socketioxide: listening on http://{}/", listener.local_addr().unwrap());
    axum::serve(listener, axum::Router::new().layer(layer)).await.unwrap();
}
