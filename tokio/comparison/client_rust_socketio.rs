//! A client that hears news, answers the server's questions and asks one, as it is written with rust_socketio 0.6. It cannot answer: that crate has no
//! acknowledgement of what the server asks.

use rust_socketio::{Payload, asynchronous::ClientBuilder};
use serde_json::json;
use std::time::Duration;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let client = ClientBuilder::new("http://127.0.0.1:3000")
        .auth(json!({ "token": "abc" }))
        .on("news", |payload, _| {
            Box::pin(async move {
                if let Payload::Text(values) = payload
                    && let Some(text) = values.first().and_then(|value| value.as_str())
                {
                    println!("news: {text}");
                }
            })
        })
        .connect()
        .await?;
    let answered = |payload: Payload, _| {
        let print = async move {
            if let Payload::Text(values) = payload {
                println!("sum: {}", values[0][0]);
            }
        };
        Box::pin(print) as std::pin::Pin<Box<dyn Future<Output = ()> + Send>>
    };
    client.emit_with_ack("add", json!([1, 2]), Duration::from_secs(5), answered).await?;
    tokio::signal::ctrl_c().await?;
    client.disconnect().await?;
    Ok(())
}
