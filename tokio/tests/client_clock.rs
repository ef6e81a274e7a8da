//! What the client does by time: delays, heartbeats, deadlines. Tokio's clock jumps here, and the connections are in memory.

use sansocket_tokio::{
    AskError,
    client::{Builder, Client, ConnectError, Event, Failure, Reason, Transport},
    server::{self, Config, Server},
};
use std::{
    error::Error,
    io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{DuplexStream, copy_bidirectional, duplex},
    sync::watch,
    time::{Instant, timeout},
};

type Result<T = (), E = Box<dyn Error + Send + Sync>> = std::result::Result<T, E>;

/// A network in memory between a client and a server.
#[derive(Clone)]
struct Network {
    io: Server,
    dials: Arc<AtomicUsize>,
    /// Whether bytes pass.
    flows: Arc<watch::Sender<bool>>,
}

impl Network {
    fn new() -> Self {
        let io = Server::new(Config::new());
        io.on("echo", |_: server::Socket, args: sansocket_tokio::args::Raw| args);
        Self { io, dials: Arc::default(), flows: Arc::new(watch::channel(true).0) }
    }

    fn dial(&self) -> io::Result<DuplexStream> {
        self.dials.fetch_add(1, Ordering::SeqCst);
        if !*self.flows.borrow() {
            return Err(io::ErrorKind::HostUnreachable.into());
        }
        let ((near, mut a), (mut b, far)) = (duplex(1000), duplex(1000));
        let (io, mut flows) = (self.io.clone(), self.flows.subscribe());
        tokio::spawn(async move { io.serve(far, None).await });
        tokio::spawn(async move {
            let cut = async { flows.wait_for(|flows| !flows).await.map(|_| ()) };
            let is_cut = tokio::select! {
                _ = copy_bidirectional(&mut a, &mut b) => false,
                _ = cut => true,
            };
            if is_cut {
                // Nothing passes, and nobody is told.
                std::future::pending::<()>().await;
            }
        });
        Ok(near)
    }

    fn builder(&self, transports: &[Transport]) -> Builder {
        let network = self.clone();
        Client::builder("http://server").transports(transports).dial_with(move || {
            let stream = network.dial();
            async { stream }
        })
    }
}

async fn soon<T>(future: impl IntoFuture<Output = T>) -> T {
    timeout(Duration::from_secs(3600), future.into_future()).await.expect("it happens within an hour")
}

#[tokio::test(start_paused = true)]
async fn a_silent_server_is_noticed_and_attempts_are_spread() -> Result {
    for transports in [&[Transport::WebSocket][..], &[Transport::Polling]] {
        let network = Network::new();
        let builder = network.builder(transports);
        let mut events = builder.events();
        let client = soon(builder.connect()).await?;
        let id = client.id();
        // Heartbeats keep an idle connection.
        tokio::time::sleep(Duration::from_secs(600)).await;
        assert_eq!(client.id(), id);
        network.flows.send_replace(false);
        let start = Instant::now();
        while !matches!(soon(events.next()).await, Some(Event::Disconnected(Reason::Link(_)))) {}
        // The interval of pings and the time for one.
        assert!((20..=46).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
        assert!(matches!(soon(events.next()).await, Some(Event::ConnectError(_))));
        let mut delays = Vec::new();
        while delays.len() < 8 {
            match soon(events.next()).await {
                Some(Event::Reconnecting { delay, .. }) => delays.push(delay),
                Some(Event::ConnectError(error)) => {
                    assert!(
                        matches!(error, ConnectError::Dial(_) | ConnectError::Failed(Failure::TimedOut)),
                        "{error}"
                    );
                }
                other => panic!("{other:?}"),
            }
        }
        // JavaScript's: 1, 2, 4 s, then 5 s at most, half of it random.
        assert!(delays.iter().all(|d| (1..=5).contains(&d.as_secs())), "{delays:?}");
        assert!(delays[3..].iter().any(|d| *d == Duration::from_secs(5)), "{delays:?}");
        network.flows.send_replace(true);
        soon(client.connected()).await?;
        assert_eq!(soon(client.ask::<u8>("echo", 1)).await?, 1);
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_question_has_a_deadline_wherever_it_waits() -> Result {
    let network = Network::new();
    let client = soon(network.builder(&[Transport::WebSocket]).connect()).await?;
    let start = Instant::now();
    assert!(matches!(soon(client.ask::<()>("silent", ())).await, Err(AskError::TimedOut)));
    assert_eq!(start.elapsed().as_secs(), 30);
    network.flows.send_replace(false);
    let start = Instant::now();
    let asked = client.ask::<()>("echo", ()).timeout(Duration::from_millis(1500)).await;
    assert!(matches!(asked, Err(AskError::TimedOut)));
    assert_eq!(start.elapsed().as_millis(), 1500);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_server_that_takes_nothing_is_given_up() -> Result {
    let network = Network::new();
    let builder = network.builder(&[Transport::WebSocket]);
    let mut events = builder.events();
    let client = soon(builder.connect()).await?;
    network.flows.send_replace(false);
    let start = Instant::now();
    client.emit("large", "x".repeat(100_000))?;
    while !matches!(soon(events.next()).await, Some(Event::Disconnected(Reason::Link(_)))) {}
    assert!(start.elapsed() <= Duration::from_secs(22), "{:?}", start.elapsed());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn leaving_takes_seconds_at_most() -> Result {
    for is_dropped in [false, true] {
        let network = Network::new();
        let client = soon(network.builder(&[Transport::Polling, Transport::WebSocket]).connect()).await?;
        tokio::time::sleep(Duration::from_secs(1)).await;
        network.flows.send_replace(false);
        let (start, mut events) = (Instant::now(), client.events());
        if is_dropped {
            drop(client);
            while soon(events.next()).await.is_some() {}
        } else {
            soon(client.disconnect()).await;
        }
        assert!(start.elapsed() <= Duration::from_secs(6), "{:?}", start.elapsed());
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_server_that_never_answers_is_tried_again() -> Result {
    let dials = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&dials);
    let client = Client::builder("http://server").timeout(Duration::from_secs(3)).dial_with(move || {
        count.fetch_add(1, Ordering::SeqCst);
        std::future::pending::<io::Result<DuplexStream>>()
    });
    let start = Instant::now();
    let error = soon(client.connect()).await.unwrap_err();
    assert!(matches!(error, ConnectError::Failed(Failure::TimedOut)), "{error}");
    // Both transports, and the delay between them.
    assert!((6..=8).contains(&start.elapsed().as_secs()) && dials.load(Ordering::SeqCst) == 2, "{:?}", start.elapsed());
    Ok(())
}

#[tokio::test]
async fn a_dialer_that_panics_ends_the_connection() -> Result {
    let client =
        Client::builder("http://server").dial_with(|| async { panic!("no network") as io::Result<DuplexStream> });
    assert!(matches!(soon(client.connect()).await, Err(ConnectError::Closed)));
    Ok(())
}
