//! A client that hears news, answers the server's questions and asks one: `cargo run -p sansocket-tokio --example news`.

use sansocket_tokio::client::{Client, Socket};
use serde_json::json;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let client = Client::builder("http://127.0.0.1:3000")
        .auth(json!({ "token": "abc" }))
        .on("news", |_: Socket, text: String| println!("news: {text}"))
        .on("name?", |_: Socket| "example")
        .connect()
        .await?;
    let sum: i64 = client.ask("add", (1, 2)).await?;
    println!("sum: {sum}");
    tokio::signal::ctrl_c().await?;
    client.disconnect().await;
    Ok(())
}
