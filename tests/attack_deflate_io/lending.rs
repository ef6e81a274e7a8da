//! An inflater that comes and goes.

use sansocket::ws::{
    Agreed, Client, Compression, Connection, Inbox, Incoming, Inflater, Kind, Limits, MayInflate, PeerError,
    ReceiveError,
};

type Memory = MayInflate<Vec<u8>, Box<Inflater<Vec<u8>>>>;

/// "Hello", compressed, and a plain message behind it.
const WIRE: &[u8] = b"\xc2\x07\xf2\x48\xcd\xc9\xc9\x07\x00\x82\x02ok";

fn agreed() -> Option<Agreed> {
    let answer: [(&[u8], &[u8]); 1] =
        [(b"sec-websocket-extensions", b"permessage-deflate; server_no_context_takeover")];
    Compression::new().check(answer).unwrap()
}

fn feed(inbox: &mut Inbox<Memory>, bytes: &[u8]) {
    inbox.space().unwrap()[..bytes.len()].copy_from_slice(bytes);
    inbox.commit(bytes.len());
}

fn lend(inbox: &mut Inbox<Memory>) {
    let inflater = Box::new(Inflater::new(vec![0; 64], None).unwrap());
    if inbox.replace_inflater(Some(inflater)).is_ok() {
        inbox.agree(agreed()).unwrap();
    }
}

fn all(ws: &mut Connection<Client>, inbox: &mut Inbox<Memory>) -> Result<Vec<Vec<u8>>, ReceiveError> {
    let mut told = Vec::new();
    while let Some(incoming) = inbox.poll_message(ws)? {
        let Incoming::Message(message) = incoming else { panic!("{incoming:?}") };
        assert_eq!(message.kind(), Kind::Binary);
        told.push(message.as_bytes().to_vec());
    }
    Ok(told)
}

/// Lent for each read, and taken back whenever that is allowed: wherever the reads cut, nothing is lost.
#[test]
fn an_inflater_that_is_lent_for_each_read_unpacks_any_cut() {
    for cut in 0..=WIRE.len() {
        let (mut ws, mut inbox) =
            (Connection::client(Limits::new()).with_compression(agreed()), Inbox::new(MayInflate::new(vec![0; 64])));
        let mut told = Vec::new();
        for piece in [&WIRE[..cut], &WIRE[cut..]] {
            lend(&mut inbox);
            feed(&mut inbox, piece);
            told.extend(all(&mut ws, &mut inbox).unwrap());
            let _ = inbox.replace_inflater(None);
        }
        assert_eq!(told, [b"Hello".to_vec(), b"ok".to_vec()], "{cut}");
    }
}

/// Compressed bytes never pass as a message, also if the header was read while there was an inflater.
#[test]
fn without_an_inflater_a_compressed_message_ends_the_connection() {
    for cut in 0..=WIRE.len() {
        let (mut ws, mut inbox) =
            (Connection::client(Limits::new()).with_compression(agreed()), Inbox::new(MayInflate::new(vec![0; 64])));
        lend(&mut inbox);
        feed(&mut inbox, &WIRE[..cut]);
        let first = all(&mut ws, &mut inbox).unwrap();
        let stays = inbox.replace_inflater(None).is_err();
        assert_eq!(stays, (3..9).contains(&cut), "{cut}");
        feed(&mut inbox, &WIRE[cut..]);
        let second = all(&mut ws, &mut inbox);
        if cut < 3 {
            assert_eq!(second, Err(ReceiveError::Peer(PeerError::ReservedBits)), "{cut}");
            assert!(first.is_empty() && ws.is_closing());
        } else {
            assert_eq!([first, second.unwrap()].concat(), [b"Hello".to_vec(), b"ok".to_vec()], "{cut}");
        }
    }
}

/// The rest of a skipped message stays skipped, whoever unpacks meanwhile.
#[test]
fn a_message_that_is_skipped_stays_skipped() {
    for cut in 0..9 {
        for (is_lent, is_lent_again) in [(true, true), (false, true), (true, false)] {
            let (mut ws, mut inbox) = (
                Connection::client(Limits::new()).with_compression(agreed()),
                Inbox::new(MayInflate::new(vec![0; 64])),
            );
            lend(&mut inbox);
            feed(&mut inbox, &WIRE[..cut]);
            assert!(all(&mut ws, &mut inbox).unwrap().is_empty());
            if !is_lent {
                let _ = inbox.replace_inflater(None);
            }
            let is_open = cut > 1;
            inbox.skip_message(&ws);
            if is_lent_again {
                lend(&mut inbox);
            }
            feed(&mut inbox, &WIRE[cut..]);
            let expected: &[&[u8]] = if is_open { &[b"ok"] } else { &[b"Hello", b"ok"] };
            match all(&mut ws, &mut inbox) {
                Ok(told) => assert_eq!(told, expected, "{cut} {is_lent} {is_lent_again}"),
                Err(e) => panic!("{e} {cut} {is_lent} {is_lent_again}"),
            }
        }
    }
}
