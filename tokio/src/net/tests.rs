use super::*;
use std::net::Ipv4Addr;
use tokio::net::{TcpListener, TcpSocket};

async fn dial_text(url: &str) -> Result<Stream, DialError> {
    dial(&Url::parse(url).unwrap(), &Tls::new()).await
}

async fn refusing() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap()
}

/// A port whose queue is full: the system drops what wants to connect.
async fn silent() -> (SocketAddr, impl Sized) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut queue = Vec::new();
    while let Ok(Ok(stream)) = timeout(Duration::from_millis(50), TcpStream::connect(address)).await {
        queue.push(stream);
    }
    (address, (listener, queue))
}

#[tokio::test]
async fn addresses_that_refuse_or_are_silent_cost_only_their_time() {
    let live = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (silent, _queue) = silent().await;
    let addresses = [refusing().await, silent, live.local_addr().unwrap()];
    let start = std::time::Instant::now();
    assert_eq!(connect(&addresses, "a").await.unwrap().peer_addr().unwrap(), addresses[2]);
    assert!(start.elapsed() >= ONE_OF_MANY && start.elapsed() < 2 * ONE_OF_MANY, "{:?}", start.elapsed());
    match connect(&addresses[..2], "a").await {
        Err(DialError::Timeout { host, .. }) => assert_eq!(host, "a"),
        other => panic!("{other:?}"),
    }
    match connect(&[silent, addresses[0]], "a").await {
        Err(DialError::Refused { address, .. }) => assert_eq!(address, addresses[0]),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn names_that_nobody_has_are_not_found() {
    // RFC 6761: no name below `invalid` exists.
    match dial_text("http://no-such-host.invalid/").await.map(drop) {
        Err(DialError::NotFound { host, .. } | DialError::Timeout { host, .. }) => {
            assert_eq!(host, "no-such-host.invalid");
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn names_and_addresses_of_both_families_are_dialled_without_delay() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    for host in ["127.0.0.1", "localhost"] {
        dial_text(&format!("http://{host}:{port}/")).await.unwrap();
    }
    // A machine without IPv6 has no such address.
    if let Ok(listener) = TcpListener::bind("[::1]:0").await {
        dial_text(&format!("ws://[::1]:{}/", listener.local_addr().unwrap().port())).await.unwrap();
    }
}

#[tokio::test]
async fn tls_is_refused_before_the_name_is_looked_up_if_it_is_not_built_in() {
    let result = dial_text("https://127.0.0.1:1/").await.map(drop);
    match result {
        Err(DialError::NoTls { .. }) if !Tls::IS_AVAILABLE => {}
        Err(DialError::Refused { .. }) if Tls::IS_AVAILABLE => {}
        other => panic!("{other:?}"),
    }
}
