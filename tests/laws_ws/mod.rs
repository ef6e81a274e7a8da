//! Laws of WebSocket and of HTTP heads over bytes of any kind: property tests and fuzz targets share them. Each panics when its law is broken.
#![allow(dead_code, reason = "each target uses one")]

mod inbox;
#[path = "../support/mod.rs"]
mod support;

use sansocket::{
    http::{Head, HeadError, Limits as HeadLimits, Request, ResponseHead, Url},
    ws::{
        Accept, Client, CloseCode, Connect, Connection, Event, Inbox, Incoming, Kind, Limits, Out, ReceiveError, Role,
        SendError, Server,
    },
};
use support::{Taking, Trace, Vector, by_events, by_inbox};

/// Appends a client's frame.
pub fn frame(first: u8, payload: &[u8], wire: &mut Vec<u8>) {
    support::frame(first, Some([1, 2, 3, 4]), payload, wire);
}

/// The end of a head is the same however it is cut, and so is its error.
fn head_end(new: impl Fn() -> Head, bytes: &[u8]) -> Result<Option<usize>, HeadError> {
    let whole = new().scan(bytes);
    let mut head = new();
    let mut by_bytes = Ok(None);
    for n in 0..=bytes.len() {
        by_bytes = head.scan(&bytes[..n]);
        if by_bytes != Ok(None) {
            assert!(!matches!(by_bytes, Ok(Some(end)) if end != n), "told as soon as it is there");
            break;
        }
    }
    assert_eq!(by_bytes, whole);
    whole
}

/// A request that is good has the parts that it was made of; one that opens a WebSocket is answered.
pub fn request_head(data: &[u8]) {
    let Ok(Some(end)) = head_end(|| Head::new(HeadLimits::new()), data) else { return };
    let Ok(request) = Request::parse(&data[..end]) else { return };
    assert!(request.path().starts_with(b"/") || request.path() == b"*");
    assert_eq!(request.fields().count(), data[..end].split(|&b| b == b'\n').count() - 3);
    let _ = (request.body(), request.keeps_alive(), request.fields().list("connection").count());
    if let Ok(accept) = Accept::check(&request) {
        let mut out = [0; 256];
        let n = accept.write(&[], &mut out).unwrap();
        let response = ResponseHead::parse(&out[..n]).unwrap();
        assert_eq!((response.status().0, response.fields().count()), (101, 3));
    }
}

/// A response that is good is judged without a panic, and only one with the right accept key opens anything.
pub fn response_head(data: &[u8]) {
    let Ok(Some(end)) = head_end(|| Head::response(HeadLimits::new()), data) else { return };
    let Ok(response) = ResponseHead::parse(&data[..end]) else { return };
    assert!((100..=999).contains(&response.status().0));
    let connect = Connect::new("h", "/", *b"the sample nonce").protocols(&["a", "b"]);
    if let Ok(Some(opened)) = connect.check(&response) {
        assert_eq!(response.status().0, 101);
        assert_eq!(response.fields().all("sec-websocket-accept").count(), 1);
        assert!(opened.protocol().is_none_or(|p| matches!(p, b"a" | b"b")));
    }
}

/// A URL that is put together again names the same endpoint, and can be asked for.
pub fn url(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(url) = Url::parse(text) else { return };
    let query = url.query().map_or(String::new(), |q| format!("?{q}"));
    let scheme = format!("{:?}", url.scheme()).to_lowercase();
    let again = format!("{scheme}://{}{}{query}", url.authority(), url.path());
    assert_eq!(Url::parse(&again), Ok(url), "{again}");
    let mut out = vec![0; 2 * data.len() + 512];
    let n = Connect::to(&url, [7; 16]).write(&mut out).unwrap();
    assert_eq!(Head::new(HeadLimits::new().bytes(usize::MAX)).scan(&out[..n]), Ok(Some(n)));
    let request = Request::parse(&out[..n]).unwrap();
    assert_eq!((request.path(), request.query()), (url.path().as_bytes(), url.query().unwrap_or_default().as_bytes()));
    assert_eq!(request.fields().get("host"), Some(url.authority().as_bytes()));
    assert!(Accept::check(&request).is_ok());
}

/// Cut anywhere, read in whatever way: the same events, and the same error at the same byte.
pub fn decoder(data: &[u8]) {
    let [role, cut, wire @ ..] = data else { return };
    let limits = Limits::new().message(1 << 12).frame(1 << 11).fragments(12).empty_fragments(3).controls(4);
    let vector = Vector {
        name: String::new(),
        is_server: role % 2 == 0,
        limits,
        wire: wire.to_vec(),
        expected: Trace::default(),
    };
    let whole = by_events(&vector, &[]);
    let each: Vec<usize> = (0..wire.len()).collect();
    let step = usize::from(*cut) + 1;
    for seed in 0..4 {
        let seed = seed ^ wire.iter().fold(u64::from(*cut), |sum, &b| sum.wrapping_mul(31).wrapping_add(b.into()));
        inbox::any_calls(&vector, &whole, seed);
        inbox::any_drains(&vector, &whole, seed);
    }
    for cuts in [each, (0..wire.len()).step_by(step).collect()] {
        assert_eq!(by_events(&vector, &cuts), whole);
        let messages = by_inbox(&vector, &cuts, Taking::Messages);
        assert_eq!((messages.told, messages.error), (whole.whole(), whole.error));
        let parts = by_inbox(&vector, &cuts, Taking::Parts);
        assert_eq!((parts.told, parts.error), (whole.told.clone(), whole.error));
    }
}

/// A connection under any calls: none panics, one that is refused changes nothing, and what it wrote the other end takes.
pub fn connection_operations(data: &[u8]) {
    let mut ws = Connection::<Server>::server(Limits::new().message(4096));
    // How many parts a message has is the application's choice.
    let mut peer = Connection::<Client>::client(Limits::new().empty_fragments(u16::MAX).fragments(u32::MAX));
    let mut memory = vec![0; 300];
    let mut rest = data;
    while let [op, arg, tail @ ..] = rest {
        let (bytes, tail) = tail.split_at(tail.len().min(usize::from(*arg % 32)));
        rest = tail;
        let before = ws.clone();
        let mut out = ws.out(&mut memory[..usize::from(*arg) + 8]);
        let kind = if op & 16 == 0 { Kind::Text } else { Kind::Binary };
        let ascii: Vec<u8> = bytes.iter().map(|b| b & 0x7f).collect();
        let result = match op % 8 {
            0 => ws.send(kind, &ascii, &mut out),
            1 => ws.send_chunk(kind, &ascii, op & 32 == 0, &mut out),
            2 => ws.ping(&ascii, &mut out),
            3 => {
                let code = CloseCode(u16::from(*arg) * 20);
                ws.close(code, std::str::from_utf8(&ascii).unwrap(), &mut out)
            }
            4 => {
                ws.owe_close(CloseCode(u16::from(*arg) * 20));
                Ok(())
            }
            5 => ws.poll_transmit(&mut out).map(|_| ()).map_err(SendError::from),
            6 => {
                let mut wire = Vec::new();
                support::frame(0x80 | (op >> 4) & 0x0b, Some([1, 2, 3, 4]), bytes, &mut wire);
                let _ = ws.poll_event(&mut &mut wire[..]);
                Ok(())
            }
            _ => {
                let _ = ws.poll_event(&mut &mut bytes.to_vec()[..]);
                Ok(())
            }
        };
        if let Err(error) = result {
            assert!(out.is_empty(), "{error:?}");
            assert_eq!(ws, before, "{error:?}");
        }
        let mut wire = out.written().to_vec();
        let mut input = &mut wire[..];
        while peer.poll_event(&mut input).expect("what we write is good").is_some() {}
        assert_eq!(ws.is_closing(), matches!(ws.check_open_for_data(), Err(sansocket::ws::StateError::Closing)));
    }
}

/// One end of [`two_machines`].
struct End<R> {
    ws: Connection<R>,
    inbox: Inbox<Vec<u8>>,
    sent: Vec<Vec<u8>>,
    got: Vec<Vec<u8>>,
    /// On its way to the other end.
    wire: Vec<u8>,
}

impl<R: Role> End<R> {
    fn new(ws: Connection<R>) -> Self {
        Self { ws, inbox: Inbox::new(vec![0; 16]), sent: Vec::new(), got: Vec::new(), wire: Vec::new() }
    }

    /// Takes the first `n` bytes of `wire`.
    fn receive(&mut self, wire: &mut Vec<u8>, n: usize) {
        let mut bytes: Vec<u8> = wire.drain(..n.min(wire.len())).collect();
        loop {
            match self.inbox.poll_message(&mut self.ws) {
                Ok(Some(Incoming::Message(message))) => self.got.push(message.as_bytes().to_vec()),
                Ok(Some(_)) => {}
                Ok(None) if bytes.is_empty() => return,
                Ok(None) => match self.inbox.space() {
                    Ok(space) => {
                        let n = space.len().min(bytes.len());
                        space[..n].copy_from_slice(&bytes[..n]);
                        self.inbox.commit(n);
                        bytes.drain(..n);
                    }
                    Err(e) => drop(self.inbox.replace(vec![0; e.needed]).unwrap()),
                },
                Err(ReceiveError::Capacity(e)) => drop(self.inbox.replace(vec![0; e.needed]).unwrap()),
                Err(e) => panic!("what the other end wrote: {e}"),
            }
        }
    }
}

/// Two machines with arbitrary cuts between them: each hears what the other said, whole and in order.
pub fn two_machines(data: &[u8]) {
    let mut server = End::new(Connection::<Server>::server(Limits::new()));
    let mut client = End::new(Connection::<Client>::client(Limits::new()));
    let mut memory = vec![0; 1 << 17];
    let mut key = 0_u32;
    let mut keys = move || {
        key = key.wrapping_mul(0x9e37_79b9).wrapping_add(0x7f4a_7c15);
        key.to_be_bytes()
    };
    let mut rest = data;
    let mut closed = false;
    while let [op, arg, tail @ ..] = rest {
        rest = tail;
        let payload: Vec<u8> =
            (0..usize::from(*arg) * if op & 64 == 0 { 1 } else { 300 }).map(|i| i as u8 & 0x7f).collect();
        let kind = if op & 32 == 0 { Kind::Text } else { Kind::Binary };
        match op % 8 {
            0 => {
                let mut out = server.ws.out(&mut memory);
                say(&mut server.ws, &mut out, kind, &payload, op & 16 != 0, &mut server.sent);
                server.wire.extend_from_slice(out.written());
            }
            1 => {
                let mut out = client.ws.out(&mut memory, &mut keys);
                say(&mut client.ws, &mut out, kind, &payload, op & 16 != 0, &mut client.sent);
                client.wire.extend_from_slice(out.written());
            }
            2 => {
                let mut out = server.ws.out(&mut memory);
                let _ = server.ws.ping(&payload[..payload.len().min(125)], &mut out);
                server.wire.extend_from_slice(out.written());
            }
            3 if op & 16 != 0 => {
                closed = true;
                client.ws.owe_close(CloseCode::NORMAL);
            }
            4 => server.receive(&mut client.wire, usize::from(*arg)),
            5 => client.receive(&mut server.wire, usize::from(*arg)),
            _ => {
                let mut out = server.ws.out(&mut memory);
                while server.ws.poll_transmit(&mut out).unwrap() {}
                server.wire.extend_from_slice(out.written());
                let mut out = client.ws.out(&mut memory, &mut keys);
                while client.ws.poll_transmit(&mut out).unwrap() {}
                client.wire.extend_from_slice(out.written());
            }
        }
    }
    server.receive(&mut client.wire, usize::MAX);
    client.receive(&mut server.wire, usize::MAX);
    assert_eq!(server.got, client.sent);
    if closed {
        // What the server said behind the client's close frame may be dropped, and nothing else.
        assert!(server.sent.starts_with(&client.got));
    } else {
        assert_eq!(client.got, server.sent);
    }
}

fn say<R: Role, F: sansocket::ws::Form<Role = R>>(
    ws: &mut Connection<R>,
    out: &mut Out<'_, F>,
    kind: Kind,
    payload: &[u8],
    in_parts: bool,
    sent: &mut Vec<Vec<u8>>,
) {
    let result = if in_parts {
        let (a, b) = payload.split_at(payload.len() / 3);
        ws.send_chunk(kind, a, false, out).and_then(|()| ws.send_chunk(kind, b, true, out))
    } else {
        ws.send(kind, payload, out)
    };
    if result.is_ok() {
        sent.push(payload.to_vec());
    }
}

/// Messages, the fault of the peer, the code of its close frame.
pub type Told = (Vec<(Kind, Vec<u8>)>, Option<sansocket::ws::PeerError>, Option<CloseCode>);

/// What a server tells of a wire, for the comparison with another implementation.
pub fn messages(wire: &[u8], limits: Limits) -> Told {
    let mut ws = Connection::<Server>::server(limits);
    let mut wire = wire.to_vec();
    let mut input = &mut wire[..];
    let (mut all, mut open) = (Vec::new(), Vec::new());
    loop {
        match ws.poll_event(&mut input) {
            Ok(Some(Event::Chunk(chunk))) => {
                open.extend_from_slice(chunk.as_bytes());
                if chunk.is_last() {
                    all.push((chunk.kind(), std::mem::take(&mut open)));
                }
            }
            Ok(Some(Event::Close(code))) => return (all, None, Some(code)),
            Ok(Some(_)) => {}
            Ok(None) => return (all, None, None),
            Err(e) => return (all, Some(e), None),
        }
    }
}
