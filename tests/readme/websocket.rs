use sansocket::{
    drive::{
        WebSocket,
        tokio::{Clock, Stream},
    },
    http::Url,
    ws::{CloseCode, Incoming, Message},
};
use tokio::net::{TcpListener, TcpStream};

type Error = Box<dyn std::error::Error + Send + Sync>;

/// Sends each message back, until the client closes.
async fn serve(stream: TcpStream) -> Result<(), Error> {
    let mut ws = WebSocket::server(Stream::tcp(stream)?, Clock::new(), [0; 4096], [0; 4096]);
    ws.accept().await?;
    while let Some((incoming, reply)) = ws.next().await? {
        // The message borrows the receive memory; `reply` is all the rest of the connection.
        if let Incoming::Message(message) = incoming {
            reply.send(message.kind(), message.as_bytes()).await?;
        }
    }
    Ok(())
}

/// Sends a text, and returns the next one that arrives.
async fn ask(url: &str, question: &str) -> Result<String, Error> {
    let url = Url::parse(url)?;
    let stream = TcpStream::connect((url.host(), url.port())).await?;
    let random = |bytes: &mut [u8]| getrandom::fill(bytes).expect("a source of randomness");
    let mut ws = WebSocket::client(Stream::tcp(stream)?, Clock::new(), random, [0; 4096], [0; 4096]);
    ws.connect(&url).await?;
    ws.send_text(question).await?;
    let mut answer = String::new();
    while let Some((incoming, _)) = ws.next().await? {
        if let Incoming::Message(Message::Text(text)) = incoming {
            answer = text.as_str().to_owned();
            break;
        }
    }
    ws.close(CloseCode::NORMAL, "").await?;
    Ok(answer)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("ws://{}/", listener.local_addr()?);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(async { serve(stream).await.inspect_err(|e| eprintln!("{e}")) });
        }
    });
    println!("{}", ask(&url, "hello").await?);
    Ok(())
}
