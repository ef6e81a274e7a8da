//! The client against the server of this package: both transports, the upgrade, binary, large messages, cuts.

use sansocket_tokio::{
    Bytes,
    client::{Builder, Client, Event, Reason, Socket, Transport},
    server::{self, Config, Server},
};
use std::{error::Error, net::SocketAddr, time::Duration};
use tokio::{net::TcpListener, task::JoinHandle, time::timeout};

type Result<T = (), E = Box<dyn Error + Send + Sync>> = std::result::Result<T, E>;

const POLLING: &[Transport] = &[Transport::Polling];
const WEBSOCKET: &[Transport] = &[Transport::WebSocket];
const BOTH: &[Transport] = &[Transport::Polling, Transport::WebSocket];
const WAYS: [&[Transport]; 3] = [POLLING, WEBSOCKET, BOTH];

/// Fails instead of hanging.
async fn soon<T>(future: impl IntoFuture<Output = T>) -> T {
    timeout(Duration::from_secs(30), future.into_future()).await.expect("it happens within 30 s")
}

struct Running {
    io: Server,
    address: SocketAddr,
    task: JoinHandle<()>,
}

/// A server whose event `echo` comes back as an acknowledgement, and whose event `ask-me` asks the client.
async fn serve(config: Config, address: &str) -> Result<Running> {
    let io = Server::new(config);
    io.on("echo", |_: server::Socket, args: sansocket_tokio::args::Raw| args);
    io.on("transport", |socket: server::Socket| socket.transport().to_owned());
    io.on("ask-me", |socket: server::Socket, args: sansocket_tokio::args::Raw| async move {
        socket.ask::<sansocket_tokio::args::Raw>("question", args).await
    });
    io.on("leave", |socket: server::Socket| socket.disconnect(true));
    let listener = TcpListener::bind(address).await?;
    let (listening, address) = (io.clone(), listener.local_addr()?);
    let task = tokio::spawn(async move { listening.listen(listener).await.unwrap() });
    Ok(Running { io, address, task })
}

fn builder(address: SocketAddr, transports: &[Transport]) -> Builder {
    let delay = Duration::from_millis(20);
    Client::builder(format!("http://{address}"))
        .transports(transports)
        .reconnection_delay(delay)
        .reconnection_delay_max(delay * 2)
}

#[tokio::test]
async fn all_transports_carry_events_questions_and_answers() -> Result {
    let server = serve(Config::new(), "127.0.0.1:0").await?;
    for transports in WAYS {
        let client = soon(builder(server.address, transports).connect()).await?;
        client.on("question", |_: Socket, (a, b): (u32, Bytes)| (a + 1, b, "more"));
        for n in 0..20_u32 {
            assert_eq!(soon(client.ask::<(u32, String)>("echo", (n, "text"))).await?, (n, "text".to_owned()));
        }
        let picture = Bytes::from_static(b"\x00\xff picture");
        let (n, back, more): (u32, Bytes, String) = soon(client.ask("ask-me", (7, &picture))).await?;
        assert_eq!((n, back, &more[..]), (8, picture, "more"), "{transports:?}");
        soon(client.disconnect()).await;
    }
    Ok(())
}

#[tokio::test]
async fn polling_is_upgraded_if_both_are_listed() -> Result {
    let server = serve(Config::new(), "127.0.0.1:0").await?;
    for (transports, last) in [(POLLING, "polling"), (WEBSOCKET, "websocket"), (BOTH, "websocket")] {
        let client = soon(builder(server.address, transports).connect()).await?;
        let mut transport = String::new();
        for n in 0..200_u32 {
            // Nothing is lost on the way.
            assert_eq!(soon(client.ask::<u32>("echo", n)).await?, n);
            transport = soon(client.ask("transport", ())).await?;
            if transport == last && n > 20 {
                break;
            }
        }
        assert_eq!(transport, last);
    }
    Ok(())
}

#[tokio::test]
async fn memory_grows_with_messages_up_to_the_limit() -> Result {
    let server =
        serve(Config::new().max_payload(4 << 20).queue(16 << 20, server::Policy::Close), "127.0.0.1:0").await?;
    for transports in WAYS {
        let client = soon(builder(server.address, transports).max_message(3 << 20).connect()).await?;
        for len in [0, 1, 125, 126, 65_535, 65_536, 1 << 20, 2 << 20] {
            let text = "x".repeat(len);
            assert!(soon(client.ask::<String>("echo", &text)).await? == text, "{transports:?} {len}");
            let file = Bytes::from(vec![7; len]);
            assert!(soon(client.ask::<Bytes>("echo", &file)).await? == file, "{transports:?} {len}");
        }
        // More than this client takes ends the connection, and the next one works.
        let mut events = client.events();
        assert!(soon(client.ask::<String>("echo", "x".repeat((3 << 20) + 1))).await.is_err(), "{transports:?}");
        while !matches!(soon(events.next()).await, Some(Event::Disconnected(Reason::Link(_)))) {}
        soon(client.connected()).await?;
        assert_eq!(soon(client.ask::<u8>("echo", 1)).await?, 1);
    }
    Ok(())
}

#[tokio::test]
async fn a_server_that_restarts_is_found_again() -> Result {
    for transports in WAYS {
        let server = serve(Config::new().close_timeout(Duration::from_millis(200)), "127.0.0.1:0").await?;
        let client = soon(builder(server.address, transports).connect()).await?;
        let mut events = client.events();
        soon(server.io.close()).await;
        soon(server.task).await?;
        while !matches!(soon(events.next()).await, Some(Event::Disconnected(Reason::Link(_)))) {}
        client.emit("echo", "kept")?;
        let asked = tokio::spawn(client.ask::<String>("echo", "kept").into_future());
        let _server = serve(Config::new(), &server.address.to_string()).await?;
        assert_eq!(soon(asked).await??, "kept");
        assert!(client.is_connected());
    }
    Ok(())
}

#[tokio::test]
async fn the_query_the_fields_and_the_path_reach_the_server() -> Result {
    let server = serve(Config::new().path("/realtime"), "127.0.0.1:0").await?;
    server.io.on("who", |socket: server::Socket| {
        let handshake = socket.handshake();
        (handshake.query("a&b"), handshake.header("X-Name").map(str::to_owned), handshake.query("lang"))
    });
    for transports in WAYS {
        let client = Client::builder(format!("http://{}?lang=en", server.address))
            .transports(transports)
            .path("/realtime/")
            .query("a&b", "c d/é")
            .header("X-Name", "Ann");
        let client = soon(client.connect()).await?;
        let who: (String, String, String) = soon(client.ask("who", ())).await?;
        assert_eq!(who, ("c d/é".to_owned(), "Ann".to_owned(), "en".to_owned()));
    }
    Ok(())
}

/// Each reconnection gives back what it took: tasks here, memory in `client_memory.rs`.
#[tokio::test]
async fn fifty_reconnections_leave_no_task() -> Result {
    // The server has a runtime of its own, so its tasks do not count.
    let (sender, server) = tokio::sync::oneshot::channel();
    let _thread = std::thread::spawn(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let server = serve(Config::new(), "127.0.0.1:0").await.unwrap();
            sender.send(server.address).unwrap();
            server.task.await.unwrap();
        });
    });
    let address = server.await?;
    for transports in WAYS {
        let client = builder(address, transports);
        let client = soon(client.reconnection_delay(Duration::from_millis(1)).connect()).await?;
        let mut tasks = Vec::new();
        for n in 0..50 {
            let mut events = client.events();
            client.emit("leave", ())?;
            while !matches!(soon(events.next()).await, Some(Event::Disconnected(_))) {}
            client.connect();
            soon(client.connected()).await?;
            assert_eq!(soon(client.ask::<u8>("echo", n)).await?, n);
            tasks.push(tokio::runtime::Handle::current().metrics().num_alive_tasks());
        }
        assert!(tasks.iter().all(|&tasks| tasks <= 8), "{transports:?} {tasks:?}");
    }
    Ok(())
}

#[tokio::test]
async fn events_are_a_stream_of_futures() -> Result {
    use futures_util::StreamExt;

    let server = serve(Config::new(), "127.0.0.1:0").await?;
    let builder = builder(server.address, WEBSOCKET);
    let events = builder.events();
    let client = soon(builder.connect()).await?;
    drop(client);
    let told: Vec<_> = soon(events.map(|event| matches!(event, Event::Connected { .. })).collect::<Vec<_>>()).await;
    assert_eq!(told, [true, false]);
    Ok(())
}
