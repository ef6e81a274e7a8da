//! What a connection costs, on 64 bits; `.ci/bare-metal` looks at 32 bits.

use sansocket::{
    engineio::server::Session,
    socketio::{AckSlot, server::Session as Io},
    ws,
};

#[test]
fn the_state_of_a_connection_is_within_its_budget() {
    let machines = [
        ("ws::Connection", size_of::<ws::Connection<ws::Server>>(), 216),
        ("ws::Inbox without its storage", size_of::<ws::Inbox<[u8; 0]>>(), 40),
        ("engineio::server::Session", size_of::<Session>(), 72),
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
    assert!(machines.iter().map(|m| m.1).sum::<usize>() <= 512, "the core's own state of one connection");
    assert!(size_of::<ws::PeerError>() <= 8 && size_of::<ws::StateError>() <= 8);
}
