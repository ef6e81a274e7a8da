//! What a connection costs, on 64 bits; `.ci/bare-metal` looks at 32 bits.

use sansocket::{engineio::server::Session, socketio::Server, ws};

#[test]
fn the_state_of_a_connection_is_within_its_budget() {
    let machines = [
        ("ws::Connection", size_of::<ws::Connection<ws::Server>>(), 216),
        ("ws::Inbox without its storage", size_of::<ws::Inbox<[u8; 0]>>(), 40),
        ("engineio::server::Session", size_of::<Session>(), 48),
        ("socketio::Server", size_of::<Server<&'static [&'static str]>>(), 88),
    ];
    for (name, size, budget) in machines {
        println!("{name}: {size} bytes");
        assert!(size <= budget, "{name}: {size} bytes, {budget} allowed");
    }
    assert!(machines.iter().map(|m| m.1).sum::<usize>() <= 512, "the core's own state of one connection");
    assert!(size_of::<ws::PeerError>() <= 8 && size_of::<ws::StateError>() <= 8);
}
