//! What a connection costs, on 64 bits; `.ci/bare-metal` looks at 32 bits.

use sansocket::{
    endpoint::client::{ClientEnd, WebSocketLink},
    engineio::{client as engine, server::Session},
    socketio::{AckSlot, client, server::Session as Io},
    ws,
};

#[test]
fn the_state_of_a_connection_is_within_its_budget() {
    let machines = [
        ("ws::Connection", size_of::<ws::Connection<ws::Server>>(), 256),
        ("ws::Inbox without its storage", size_of::<ws::Inbox<[u8; 0]>>(), 40),
        ("engineio::server::Session", size_of::<Session>(), 72),
        ("engineio::client::Session", size_of::<engine::Session>(), 128),
        (
            "socketio::server::Session without acknowledgements",
            size_of::<Io<&'static [&'static str], [AckSlot; 0]>>(),
            144,
        ),
        ("socketio::AckSlot", size_of::<AckSlot>(), 32),
    ];
    for (name, size, budget) in machines {
        println!("{name}: {size} bytes");
        assert!(size <= budget, "{name}: {size} bytes, {budget} allowed");
    }
    // A client outlives its links, so it has the names with it; 33 bytes are for connection state recovery.
    assert!(size_of::<client::Session<&'static [&'static str], [AckSlot; 0], [client::SocketSlot; 0]>>() <= 120);
    assert!(size_of::<client::SocketSlot>() <= 80);
    let end = size_of::<ClientEnd<WebSocketLink<'static>, [&str; 1], [AckSlot; 0], [client::SocketSlot; 0], [u8; 0]>>();
    let parts = size_of::<WebSocketLink<'static>>()
        + size_of::<client::Session<[&str; 1], [AckSlot; 0], [client::SocketSlot; 0]>>();
    println!("ClientEnd: {end} bytes, of which link and session {parts}");
    assert!(end - parts <= 240, "{}", end - parts);
    // An owed pong is kept while a control frame comes in pieces (40 bytes), and acknowledgements cost the same however many wait (32).
    assert!(
        machines.iter().filter(|m| !m.0.contains("client")).map(|m| m.1).sum::<usize>() <= 544,
        "the core's own state of one connection"
    );
    assert!(size_of::<ws::KeepAlive>() <= 56);
    assert!(size_of::<ws::Outbox<[u8; 0]>>() <= 16, "beside its storage, for those who have no queue");
    assert!(size_of::<ws::PeerError>() <= 8 && size_of::<ws::StateError>() <= 8);
}
