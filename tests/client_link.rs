//! The links of the client: dialogues with servers whose bytes are written here, each failure, and both links against the server of this crate.

#[path = "client_link/failures.rs"]
mod failures;
#[path = "client_link/host.rs"]
mod host;
#[path = "client_link/hostile.rs"]
mod hostile;
#[path = "client_link/pair.rs"]
mod pair;
#[path = "client_link/polling.rs"]
mod polling;
mod support;
#[path = "client_link/websocket.rs"]
mod websocket;

/// On 64 bits; a board has pointers of half the size.
#[test]
fn a_link_is_small() {
    use sansocket::endpoint::client::{FullLink, WebSocketLink};
    let sizes = (size_of::<WebSocketLink<'_>>(), size_of::<FullLink<'_>>());
    assert!(sizes.0 <= 450 && sizes.1 <= 800, "{sizes:?}");
}
