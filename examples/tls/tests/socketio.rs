//! Socket.IO over TLS, both ends with their drivers.

mod support;

use sansocket::{
    drive::{
        Client, ClientMemory, Server, ServerMemory,
        tokio::{Clock, Stream},
    },
    endpoint::{
        Step,
        client::{Config, Step as Told},
    },
    socketio::{
        AckSlot, Namespace,
        client::{Event as News, SocketSlot},
        server::Event,
    },
};
use sansocket_tls::{Trust, client_config, connect};
use std::{pin::pin, time::Duration};
use support::{Certificates, Outcome};
use tokio::{
    net::{TcpListener, TcpStream},
    time::timeout,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

fn random(bytes: &mut [u8]) {
    getrandom::fill(bytes).unwrap();
}

/// Answers `double`, and cuts the connection on `cut`.
async fn serve(socket: TlsStream<TcpStream>) -> Outcome {
    let (mut rx, mut tx, mut acks) = ([0; 1024], [0; 1024], [AckSlot::EMPTY; 2]);
    let memory = ServerMemory { rx: &mut rx, tx: &mut tx, files: &mut [], acks: &mut acks };
    let mut server = Server::new(Stream::new(socket), Clock::new(), random, &["/"], memory);
    server.accept().await?;
    while let Some((step, io)) = server.next().await? {
        match step {
            Step::Event(Event::Connect { namespace, .. }, _) => io.accept(namespace).await?,
            Step::Event(Event::Event(e), _) if e.is("cut") => return Ok(()),
            Step::Event(Event::Event(e), _) => {
                let n: u32 = e.args().next().ok_or("no argument")?.deserialize(&mut [])?;
                if let Some(request) = e.ack {
                    io.ack(request, &(2 * n)).await?;
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// Connects, asks, loses the connection, which is made anew with TLS, and asks again.
#[tokio::test]
async fn questions_over_tls() {
    const ROOT: Namespace = Namespace(0);
    let certificates = Certificates::new();
    let acceptor = TlsAcceptor::from(certificates.server());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    tokio::spawn(async move {
        loop {
            let (socket, _) = listener.accept().await.unwrap();
            let acceptor = acceptor.clone();
            tokio::spawn(async move { serve(acceptor.accept(socket).await?).await });
        }
    });

    let tls = client_config(Trust::File(&certificates.ca()), None).unwrap();
    let config = Config::parse(&url).unwrap();
    let url = config.url();
    let attempt = pin!(None);
    let memory = ClientMemory {
        rx: &mut [0; 1024],
        tx: &mut [0; 1024],
        files: &mut [],
        backlog: &mut [0; 512],
        acks: &mut [AckSlot::EMPTY; 4],
        sockets: &mut [SocketSlot::EMPTY; 1],
        attempt,
    };
    let dial = async || connect(url.host(), url.port(), &tls).await.map(Stream::new);
    let mut client = Client::new(&config, &["/"], memory, dial, Clock::new(), random);
    client.connect(ROOT).unwrap();
    let mut connected = 0;
    let work = async {
        for n in [21_u32, 4] {
            let count = |told: Told<'_>| matches!(told, Told::Event(News::Connected { .. }, _));
            let answer = client
                .ask(
                    ROOT,
                    "double",
                    &n,
                    10_000,
                    |ack, _| ack.args().next().map(|arg| arg.raw().to_vec()),
                    |told, _| connected += u32::from(count(told)),
                )
                .await;
            assert_eq!(answer.unwrap().unwrap(), (2 * n).to_string().into_bytes());
            client.io().emit(ROOT, "cut", &()).unwrap();
            while !matches!(client.next().await.unwrap().0, Told::Event(News::Disconnected { .. }, _)) {}
        }
    };
    timeout(Duration::from_secs(30), work).await.expect("all answers");
    assert_eq!(connected, 2);
}
