//! Laws of WebSocket and of HTTP heads over bytes of any kind: property tests and fuzz targets share them. Each panics when its law is broken.
#![allow(dead_code, reason = "each target uses one")]

pub mod compressed;
mod inbox;
pub mod negotiation;
#[path = "../support/mod.rs"]
mod support;

use sansocket::{
    http::{HeadError, HeadScanner, Limits as HeadLimits, Request, ResponseHead, Url},
    ws::{
        Accept, Client, CloseCode, Connect, Connection, Event, Inbox, Incoming, Kept, Kind, Limits, MaskSource, NoKeys,
        Out, Outbox, ReceiveError, Role, SendError, Server,
    },
};
use support::{Taking, Trace, Vector, by_events, by_inbox};

/// Appends a client's frame.
pub fn frame(first: u8, payload: &[u8], wire: &mut Vec<u8>) {
    support::frame(first, Some([1, 2, 3, 4]), payload, wire);
}

/// The end of a head is the same however it is cut, and so is its error.
fn head_end(new: impl Fn() -> HeadScanner, bytes: &[u8]) -> Result<Option<usize>, HeadError> {
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

/// A second opinion on `uri-host [ ":" port ]` (RFC 3986 section 3.2), by the standard library: host and port.
fn authority(text: &str) -> Option<(&str, Option<u16>)> {
    let (host, port) = match text.strip_prefix('[') {
        Some(inner) => {
            let (host, rest) = inner.split_once(']')?;
            host.parse::<std::net::Ipv6Addr>().ok()?;
            (host, rest)
        }
        None => {
            let host = text.split(':').next()?;
            let plain: String = host.split('%').enumerate().try_fold(String::new(), |all, (i, part)| {
                let hex = part.get(..2).is_some_and(|h| h.chars().all(|c| c.is_ascii_hexdigit()));
                (i == 0 || hex).then(|| all + if i == 0 { part } else { &part[2..] })
            })?;
            let is_good = |c: char| c.is_ascii_alphanumeric() || "-._~!$&'()*+,;=".contains(c);
            (!host.is_empty() && plain.chars().all(is_good)).then_some((host, &text[host.len()..]))?
        }
    };
    let port = match port.strip_prefix(':') {
        None => port.is_empty().then_some(None)?,
        Some("") => None,
        Some(digits) => Some(digits.chars().all(|c| c.is_ascii_digit()).then(|| digits.parse().ok())??),
    };
    Some((host, port))
}

/// A text is taken as `Host`, and as the authority of a target, if and only if the second opinion takes it, and told the same.
fn host(text: &str) {
    let expected = authority(text);
    let told = |head: String| {
        let request = Request::parse(head.as_bytes())?;
        Ok(request.authority().map(|a| (String::from_utf8(a.host().to_vec()).unwrap(), a.port())))
    };
    let owned = expected.map(|(host, port)| (host.to_owned(), port));
    let by_field = told(format!("GET / HTTP/1.1\r\nHost: {text}\r\n\r\n"));
    let is_taken = expected.is_some() || text.is_empty();
    assert_eq!(by_field, if is_taken { Ok(owned.clone()) } else { Err(HeadError::Host) }, "{text:?}");
    if !text.contains(['/', '?', '#']) {
        let by_target = told(format!("GET http://{text} HTTP/1.1\r\nHost: other\r\n\r\n"));
        let expected = if owned.is_some() { Ok(owned) } else { Err(HeadError::RequestLine) };
        assert_eq!(by_target, expected, "{text:?}");
    }
    if let Some((host, _)) = expected
        && host.parse::<std::net::Ipv4Addr>().is_ok()
    {
        assert!(sansocket::http::Authority::parse(text.as_bytes()).unwrap().may_be_ipv4(), "{text}");
    }
}

/// A request that is good has the parts that it was made of; one that opens a WebSocket is answered.
pub fn request_head(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data)
        && text.bytes().all(|b| matches!(b, 0x21..=0x7e))
    {
        host(text);
    }
    let end = head_end(|| HeadScanner::new(HeadLimits::new()), data);
    // An empty line in front changes nothing, short of the limits (RFC 9112 section 2.2).
    if data.len() < 8000 && end != Err(HeadError::TooManyLines) {
        let behind = head_end(|| HeadScanner::new(HeadLimits::new().lines(101)), &[b"\r\n", data].concat());
        assert_eq!(behind, end.map(|end| end.map(|end| end + 2)));
    }
    let Ok(Some(end)) = end else { return };
    let Ok(request) = Request::parse(&data[..end]) else { return };
    let front = data.chunks(2).take_while(|line| line == b"\r\n").count();
    assert!(request.path().starts_with(b"/") || request.path() == b"*");
    assert_eq!(request.fields().count(), data[..end].split(|&b| b == b'\n').count() - 3 - front);
    let mut hosts = request.fields().all("host");
    let (named, again) = (hosts.next(), hosts.next());
    assert_eq!(again, None);
    assert!(named.is_none_or(|h| h.is_empty() || authority(std::str::from_utf8(h).unwrap()).is_some()));
    let _ = (request.body(), request.keeps_alive(), request.fields().list("connection").count());
    // The grammar of `Connection` has no quotes: a proxy that splits at each comma sees the same options.
    let options = |fields: sansocket::http::Fields<'_>| -> Vec<Vec<u8>> {
        let values: Vec<&[u8]> = fields.all("connection").collect();
        let members = values.iter().flat_map(|v| v.split(|&b| b == b',')).map(<[u8]>::trim_ascii);
        members.filter(|m| !m.is_empty()).map(<[u8]>::to_ascii_lowercase).collect()
    };
    let has = |option: &[u8]| options(request.fields()).iter().any(|m| m == option);
    let is_new = request.version() == sansocket::http::Version::Http11;
    assert_eq!(request.keeps_alive(), !has(b"close") && (is_new || has(b"keep-alive")));
    if let Ok(accept) = Accept::check(&request) {
        assert!(has(b"upgrade"));
        let mut out = [0; 256];
        let n = accept.write(&[], &mut out).unwrap();
        let response = ResponseHead::parse(&mut out[..n]).unwrap();
        assert_eq!((response.status().0, response.fields().count()), (101, 3));
    }
}

/// A response that is good is judged without a panic, and only one with the right accept key opens anything; its folds mean spaces.
pub fn response_head(data: &[u8]) {
    let Ok(Some(end)) = head_end(|| HeadScanner::response(HeadLimits::new()), data) else { return };
    // RFC 9112 section 5.2, by the letter.
    let mut plain = data[..end].to_vec();
    for at in 2..end {
        if plain[at - 2..at] == *b"\r\n" && matches!(plain[at], b' ' | b'\t') {
            plain[at - 2..at].fill(b' ');
        }
    }
    let mut head = data[..end].to_vec();
    let parsed = ResponseHead::parse(&mut head).map(|r| r.fields().map(|(n, v)| (n.to_vec(), v.to_vec())).collect());
    let expected: Result<Vec<(Vec<u8>, Vec<u8>)>, _> =
        ResponseHead::parse(&mut plain.clone()).map(|r| r.fields().map(|(n, v)| (n.to_vec(), v.to_vec())).collect());
    assert_eq!(parsed, expected);
    assert!(parsed.is_err() || head == plain, "nothing but folds is changed");
    let Ok(response) = ResponseHead::parse(&mut plain) else { return };
    assert!(Iterator::all(&mut response.fields(), |(_, v)| v.iter().all(|&b| b == b'\t' || b >= 0x20 && b != 0x7f)));
    assert!((100..=999).contains(&response.status().0));
    let connect = Connect::new("h", "/", *b"the sample nonce").protocols(&["a", "b"]);
    if let Ok(Some(opened)) = connect.check(&response) {
        assert_eq!(response.status().0, 101);
        assert_eq!(response.fields().all("sec-websocket-accept").count(), 1);
        let upgrades: Vec<_> = Iterator::map(response.fields().all("upgrade"), <[u8]>::to_ascii_lowercase).collect();
        assert_eq!(upgrades, [b"websocket"], "RFC 6455 section 4.1");
        assert!(opened.protocol().is_none_or(|p| matches!(p, b"a" | b"b")));
    }
}

/// A URL that is put together again names the same endpoint, and can be asked for.
pub fn url(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(url) = Url::parse(text) else { return };
    let (host, port) = authority(url.authority()).expect("a second opinion takes it");
    assert_eq!((host, port.unwrap_or(url.scheme().default_port())), (url.host(), url.port()));
    assert!(url.may_be_ipv4() || host.parse::<std::net::Ipv4Addr>().is_err());
    let query = url.query().map_or(String::new(), |q| format!("?{q}"));
    let scheme = format!("{:?}", url.scheme()).to_lowercase();
    let again = format!("{scheme}://{}{}{query}", url.authority(), url.path());
    assert_eq!(Url::parse(&again), Ok(url), "{again}");
    let mut out = vec![0; 2 * data.len() + 512];
    let n = Connect::for_url(&url, [7; 16]).write(&mut out).unwrap();
    assert_eq!(HeadScanner::new(HeadLimits::new().bytes(usize::MAX)).scan(&out[..n]), Ok(Some(n)));
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
                ws.close(code, std::str::from_utf8(&ascii).unwrap()).map_err(SendError::from)
            }
            4 => ws.send_text(std::str::from_utf8(&ascii).unwrap(), &mut out),
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
struct End<R, K> {
    ws: Connection<R>,
    tx: Outbox<Vec<u8>, K>,
    inbox: Inbox<Vec<u8>>,
    sent: Vec<Vec<u8>>,
    got: Vec<Vec<u8>>,
    /// On its way to the other end.
    wire: Vec<u8>,
}

impl<R: Role + PartialEq, K: MaskSource<R>> End<R, K> {
    fn new(ws: Connection<R>, keys: K) -> Self {
        let tx = Outbox::with_keys(vec![0; 256], keys);
        Self { ws, tx, inbox: Inbox::new(vec![0; 16]), sent: Vec::new(), got: Vec::new(), wire: Vec::new() }
    }

    /// Appends what `write` writes, in larger memory if there is no room.
    fn append<T>(
        &mut self,
        mut write: impl FnMut(&mut Connection<R>, &mut Out<'_, Kept<'_, R, K>>) -> Result<T, SendError>,
    ) -> Result<T, SendError> {
        loop {
            let (before, held) = (self.ws.clone(), self.tx.held());
            match write(&mut self.ws, &mut before.out(&mut self.tx)) {
                Err(SendError::Capacity(e)) => {
                    assert_eq!((&self.ws, self.tx.held()), (&before, held), "a refused call changes nothing");
                    self.tx.replace(vec![0; held + e.needed]).unwrap();
                }
                result => return result,
            }
        }
    }

    /// The socket takes `n` bytes, or what there is.
    fn write(&mut self, n: usize) {
        let n = n.min(self.tx.held());
        self.wire.extend_from_slice(&self.tx.written()[..n]);
        self.tx.consume(n);
    }

    fn say(&mut self, kind: Kind, payload: &[u8], in_parts: bool) {
        let result = if in_parts {
            let (a, b) = payload.split_at(payload.len() / 3);
            self.append(|ws, out| ws.send_chunk(kind, a, false, out))
                .and_then(|()| self.append(|ws, out| ws.send_chunk(kind, b, true, out)))
        } else {
            self.append(|ws, out| ws.send(kind, payload, out))
        };
        if result.is_ok() {
            self.sent.push(payload.to_vec());
        }
    }

    fn transmit(&mut self) {
        while let Ok(true) = self.append(|ws, out| Ok(ws.poll_transmit(out)?)) {}
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

/// Two machines with arbitrary cuts between them, which write as many bytes at a time as their sockets take: each hears what the other
/// said, whole and in order.
pub fn two_machines(data: &[u8]) {
    let mut key = 0_u32;
    let keys = move || {
        key = key.wrapping_mul(0x9e37_79b9).wrapping_add(0x7f4a_7c15);
        key.to_be_bytes()
    };
    let mut server = End::new(Connection::<Server>::server(Limits::new()), NoKeys);
    let mut client = End::new(Connection::<Client>::client(Limits::new()), keys);
    let mut rest = data;
    let mut closed = false;
    while let [op, arg, tail @ ..] = rest {
        rest = tail;
        let payload: Vec<u8> =
            (0..usize::from(*arg) * if op & 64 == 0 { 1 } else { 300 }).map(|i| i as u8 & 0x7f).collect();
        let kind = if op & 32 == 0 { Kind::Text } else { Kind::Binary };
        match op % 8 {
            0 => server.say(kind, &payload, op & 16 != 0),
            1 => client.say(kind, &payload, op & 16 != 0),
            2 => drop(server.append(|ws, out| ws.ping(&payload[..payload.len().min(125)], out))),
            3 if op & 16 != 0 => {
                closed = true;
                let _ = client.ws.close(CloseCode::NORMAL, "");
            }
            4 => server.receive(&mut client.wire, usize::from(*arg)),
            5 => client.receive(&mut server.wire, usize::from(*arg)),
            6 => {
                server.write(payload.len());
                client.write(payload.len());
            }
            _ => {
                server.transmit();
                client.transmit();
            }
        }
    }
    server.write(usize::MAX);
    client.write(usize::MAX);
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
