use sansocket::{
    drive::{
        Client, ClientMemory,
        tokio::{Clock, Stream},
    },
    endpoint::client::{Config, Step, WhenFull},
    socketio::{
        AckSlot, Namespace,
        client::{Event, SocketSlot},
    },
};
use std::{pin::pin, time::Duration};
use tokio::{net::TcpStream, select, time::interval};

type Error = Box<dyn std::error::Error + Send + Sync>;

const ROOT: Namespace = Namespace(0);

/// Sends a reading each second, and answers each question, until the server sends this client away.
async fn run(url: &str) -> Result<(), Error> {
    let config = Config::parse(url)?;
    let server = config.url();
    let memory = ClientMemory {
        rx: &mut [0; 4096],
        tx: &mut [0; 4096],
        files: &mut [],
        backlog: &mut [0; 2048], // what waits while there is no connection
        acks: &mut [AckSlot::EMPTY; 4],
        sockets: &mut [SocketSlot::EMPTY; 1],
        attempt: pin!(None), // the future of `dial`
    };
    let random = |bytes: &mut [u8]| getrandom::fill(bytes).expect("a source of randomness");
    let dial = async || TcpStream::connect((server.host(), server.port())).await.and_then(Stream::tcp);
    let client = Client::new(&config, &["/"], memory, dial, Clock::new(), random);
    // Of the readings that wait, the newest count.
    let mut client = client.with_when_full(WhenFull::DropOldest);
    client.connect(ROOT)?;
    let mut second = interval(Duration::from_secs(1));
    loop {
        select! {
            step = client.next() => match step? {
                (Step::Event(Event::Event(e), _), io) if e.is("question") => {
                    if let Some(request) = e.ack {
                        io.ack(request, &42)?;
                    }
                }
                (Step::Failed { failure, .. }, _) => println!("{failure}"),
                (Step::Over(_), _) => return Ok(()),
                _ => {}
            },
            _ = second.tick() => client.io().emit(ROOT, "reading", &21.5)?,
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    run("http://127.0.0.1:3000").await
}
