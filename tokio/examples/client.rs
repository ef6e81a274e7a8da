//! A Socket.IO client for the terminal: `cargo run -p sansocket-tokio --example tokio_client -- http://127.0.0.1:3000`.
//!
//! Type an event and its arguments in JSON: `message "hello",1`. A `?` in front asks for an acknowledgement and prints it.

use sansocket_tokio::{
    args::Raw,
    client::{Client, Reason, Socket},
};
use serde_json::value::RawValue;
use tokio::io::{AsyncBufReadExt, BufReader, stdin};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = std::env::args().nth(1).unwrap_or_else(|| "http://127.0.0.1:3000".into());
    let client = Client::builder(url)
        .on_any(|_: Socket, name: String, args: Raw| println!("{name:?} {}", String::from_utf8_lossy(&args.json)))
        .on_connect(|socket: Socket| println!("connected as {:?}", socket.id()))
        .on_disconnect(|_: Socket, reason: Reason| println!("disconnected: {reason}"))
        .connect()
        .await?;
    let mut lines = BufReader::new(stdin()).lines();
    while let Some(line) = lines.next_line().await? {
        let (name, json) = line.split_once(' ').unwrap_or((&line, ""));
        let args = Raw { json: json.to_owned().into(), files: Vec::new() };
        match (name.strip_prefix('?'), serde_json::from_str::<Vec<&RawValue>>(&format!("[{json}]"))) {
            (_, Err(error)) => println!("these are no arguments: {error}"),
            (None, Ok(_)) => client.emit(name, args)?,
            (Some(name), Ok(_)) => match client.ask::<Raw>(name, args).await {
                Ok(answer) => println!("answer {}", String::from_utf8_lossy(&answer.json)),
                Err(error) => println!("no answer: {error}"),
            },
        }
    }
    client.disconnect().await;
    Ok(())
}
