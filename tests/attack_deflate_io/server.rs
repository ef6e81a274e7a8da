//! A server of Socket.IO whose memory grows, and a client that compresses.

use super::world::Random;
use sansocket::{
    deflate::Tier,
    endpoint::{Batch, Input, ServerEnd, Step},
    engineio::{Sid, Transport, server::Config},
    socketio::{AckSlot, Collector, Sid as Socket, server::Event},
    time::Instant,
    ws::{
        Agreed, Compression, Connection, Deflater, Growing, Inbox, Inflater, Inflating, Kind, Limits, MayInflate,
        Outbox,
    },
};

const NOW: Instant = Instant::from_millis(0);
const LIMIT: u64 = 10_000;

fn fields(value: &str) -> [(&[u8], &[u8]); 1] {
    [(b"sec-websocket-extensions", value.as_bytes())]
}

fn agreed(offer: &str) -> Option<Agreed> {
    Compression::new().accept(fields(offer))
}

/// What a client says, compressed as it has agreed. `bomb`: the length of its last message.
fn dialogue(offer: Option<&str>, bomb: usize) -> Vec<u8> {
    let answer = offer.and_then(agreed).map_or_else(String::new, |a| a.response().as_str().to_owned());
    let agreed = Compression::new().check(fields(&answer)).unwrap();
    let mut ws = Connection::client(Limits::new()).with_compression(agreed);
    let deflater = Deflater::new(Tier::MEDIUM, vec![0; Tier::MEDIUM.bytes()]).unwrap().with_threshold(10);
    let mut tx = Outbox::with_keys(vec![0; 1 << 17], || [1, 2, 3, 4]).with_deflater(deflater);
    tx.keys().agree(agreed.as_ref());
    let mut out = ws.out(&mut tx);
    for text in ["40", "40/b,"] {
        ws.send_text(text, &mut out).unwrap();
    }
    for _ in 0..3 {
        ws.send_text("42[\"short\"]", &mut out).unwrap();
        ws.send_text(&format!("42/b,[\"long\",\"{}\"]", "la la ".repeat(900)), &mut out).unwrap();
        ws.send_text("451-[\"file\",{\"_placeholder\":true,\"num\":0}]", &mut out).unwrap();
        ws.send(Kind::Binary, &b"0123456789".repeat(300), &mut out).unwrap();
    }
    ws.send_text(&format!("42[\"bomb\",\"{}\"]", "x".repeat(bomb)), &mut out).unwrap();
    tx.written().to_vec()
}

fn end(agreed: Option<Agreed>) -> ServerEnd<[&'static str; 2], Vec<AckSlot>> {
    let limits = Limits::new().message(LIMIT);
    let mut end = ServerEnd::open(
        Transport::WebSocket,
        Sid::from_random([1; 15]),
        Config::new(),
        limits,
        ["/", "/b"],
        Vec::new(),
        NOW,
    );
    let link = end.link_mut();
    *link = link.clone().with_compression(agreed);
    end
}

/// What the server is told of `wire`, which comes in pieces of any size, and what it sends.
fn told<S: Growing>(
    agreed: Option<Agreed>,
    mut inbox: Inbox<S>,
    mut wire: &[u8],
    random: &mut Random,
) -> (Vec<String>, Vec<u8>) {
    let (mut end, mut files, mut batch) = (end(agreed), Collector::new(Vec::new()), Batch::new(Vec::new()));
    let mut all = Vec::new();
    loop {
        loop {
            let step = format!(
                "{:?}",
                match end.step(&mut Input::Socket(&mut inbox), &mut files, &mut batch, NOW) {
                    Step::Idle => break,
                    Step::Event(Event::Connect { namespace, .. }, _) => {
                        end.say(&mut batch, |io, out| io.accept(namespace, Socket::from_random([2; 15]), out)).unwrap();
                        continue;
                    }
                    step => step,
                }
            );
            all.push(step);
        }
        if wire.is_empty() || end.link().is_over() {
            return (all, batch.into_storage());
        }
        let n = match inbox.space() {
            Ok(space) => {
                let n = space.len().min(wire.len()).min(1 + random.below(500));
                space[..n].copy_from_slice(&wire[..n]);
                n
            }
            Err(e) => panic!("the inbox is as large as the largest message: {e}"),
        };
        inbox.commit(n);
        wire = &wire[n..];
    }
}

/// From no memory at all, in any pieces: the events are those of the same client without compression, a bomb at its end included.
#[test]
fn events_are_the_same_compressed_or_not() {
    let random = &mut Random(1);
    for bomb in [10, 9_000, 100_000] {
        let wire = dialogue(None, bomb);
        let plain = told(None, Inbox::new(vec![0; 12_000]), &wire, random);
        assert!(plain.0.iter().filter(|step| step.contains("long")).count() == 3 && plain.0.len() > 9, "{plain:?}");
        for offer in [
            "permessage-deflate",
            "permessage-deflate; client_max_window_bits=8",
            "permessage-deflate; client_no_context_takeover",
        ] {
            let agreed = agreed(offer);
            let has_takeover = agreed.unwrap().has_receive_takeover();
            let wire = dialogue(Some(offer), bomb);
            for _ in 0..5 {
                let least = if has_takeover { 5 << agreed.unwrap().receive_window_bits() >> 2 } else { 0 };
                let inbox = Inbox::new(Inflating::new(vec![0; 12_000], vec![0; least], agreed).unwrap());
                assert_eq!(told(agreed, inbox, &wire, random).0, plain.0, "{offer}");
                let mut inbox = Inbox::new(MayInflate::new(vec![0; 12_000]));
                let inflater = Box::new(Inflater::new(vec![0; least], agreed).unwrap());
                inbox.replace_inflater(Some(inflater)).unwrap();
                assert_eq!(told(agreed, inbox, &wire, random).0, plain.0, "{offer}");
            }
        }
    }
}
