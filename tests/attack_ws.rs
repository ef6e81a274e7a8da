//! Attacks on `ws` by a reviewer who did not write it.

use sansocket::ws::{Connection, Inbox, Incoming, Limits, PeerError, ReceiveError, Server};

fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    assert!(payload.len() < 126);
    [&[first, 0x80 | payload.len() as u8, 0, 0, 0, 0][..], payload].concat()
}

fn fed(bytes: &[u8]) -> (Connection<Server>, Inbox<Vec<u8>>) {
    let mut inbox = Inbox::new(vec![0; 256]);
    inbox.space().unwrap()[..bytes.len()].copy_from_slice(bytes);
    inbox.filled(bytes.len());
    (Connection::server(Limits::new()), inbox)
}

/// What stands behind the byte that is not UTF-8 is payload, and never a frame.
#[test]
fn the_rest_of_a_broken_text_is_not_read_as_frames() {
    // The payload goes on with what would be a frame: a whole binary message.
    let wire = masked(0x81, &[b"ab".as_slice(), &masked(0x82, b"forged")].concat());
    for how in 0..4 {
        let (mut ws, mut inbox) = fed(&wire);
        match inbox.poll_part(&mut ws).unwrap() {
            Some(Incoming::Part(part)) => assert_eq!((part.as_bytes(), part.is_last()), (&b"ab"[..], false)),
            other => panic!("{other:?}"),
        }
        let error = Err(ReceiveError::Peer(PeerError::InvalidUtf8));
        let told = match how {
            0 => inbox.poll_part(&mut ws).map(|m| format!("{m:?}")),
            1 => inbox.poll_message(&mut ws).map(|m| format!("{m:?}")),
            2 => inbox.advance(&mut ws).map(|m| format!("{m:?}")),
            _ => {
                inbox.skip_message(&ws);
                inbox.poll_message(&mut ws).map(|m| format!("{m:?}"))
            }
        };
        assert_eq!(told, error, "{how}");
    }
}
