//! What two ends agree on, beside a reader of the grammar (RFC 6455 section 9.1 with the strings of RFC 7230 section 3.2.6) and of the parameters (RFC 7692
//! section 7.1).

use sansocket::{
    http::{Request, ResponseHead},
    ws::{Accept, Agreed, Compression, CompressionError, Connect, HandshakeError, Inflating, accept_key},
};

type Parameter<'d> = (&'d [u8], Option<Vec<u8>>);

/// The rest of a field value. Methods that return `None` have found what is not of the grammar.
struct Reader<'d>(&'d [u8]);

impl<'d> Reader<'d> {
    fn next(&mut self) -> Option<u8> {
        let (&first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(first)
    }

    fn blanks(&mut self) {
        while let [b' ' | b'\t', rest @ ..] = self.0 {
            self.0 = rest;
        }
    }

    /// Blanks, then this byte.
    fn takes(&mut self, byte: u8) -> bool {
        self.blanks();
        let is_there = self.0.first() == Some(&byte);
        if is_there {
            self.next();
        }
        is_there
    }

    fn token(&mut self) -> Option<&'d [u8]> {
        self.blanks();
        let is_token = |b: &u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(b);
        let (token, rest) = self.0.split_at(self.0.iter().take_while(|b| is_token(b)).count());
        self.0 = rest;
        (!token.is_empty()).then_some(token)
    }

    /// A token, or what is in quotes.
    fn value(&mut self) -> Option<Vec<u8>> {
        if !self.takes(b'"') {
            return Some(self.token()?.to_vec());
        }
        let mut inside = Vec::new();
        loop {
            match self.next()? {
                b'"' => return Some(inside),
                b'\\' => inside.push(self.next()?),
                byte => inside.push(byte),
            }
        }
    }

    fn member(&mut self) -> Option<(&'d [u8], Vec<Parameter<'d>>)> {
        let (name, mut parameters) = (self.token()?, Vec::new());
        while self.takes(b';') {
            let name = self.token()?;
            let value = if self.takes(b'=') { Some(self.value()?) } else { None };
            parameters.push((name, value));
        }
        Some((name, parameters))
    }

    /// All of a list, in which members may be empty (section 7 of RFC 7230).
    fn members(mut self) -> Option<Vec<Option<Terms>>> {
        let mut all = Vec::new();
        loop {
            while self.takes(b',') {}
            if self.0.is_empty() {
                return Some(all);
            }
            let (name, parameters) = self.member()?;
            all.push(if name == b"permessage-deflate" { Terms::of(&parameters) } else { None });
            if !self.0.is_empty() && !self.takes(b',') {
                // Blanks at the end.
                return self.0.is_empty().then_some(all);
            }
        }
    }
}

/// The parameters of a member: "no takeover" of server and client, and the bits of their windows.
#[derive(Clone, Copy, Default)]
struct Terms {
    is_alone: [bool; 2],
    server_bits: Option<u8>,
    client_bits: Option<Option<u8>>,
}

impl Terms {
    /// `None`: unknown, repeated, or with a value that is not allowed.
    fn of(parameters: &[Parameter<'_>]) -> Option<Self> {
        let bits = |value: &[u8]| (8..=15_u8).find(|bits| bits.to_string().as_bytes() == value);
        let mut terms = Self::default();
        for (i, (name, value)) in parameters.iter().enumerate() {
            if parameters.iter().take(i).any(|(before, _)| before == name) {
                return None;
            }
            match (*name, value.as_deref()) {
                (b"server_no_context_takeover", None) => terms.is_alone[0] = true,
                (b"client_no_context_takeover", None) => terms.is_alone[1] = true,
                (b"server_max_window_bits", Some(value)) => terms.server_bits = Some(bits(value)?),
                (b"client_max_window_bits", None) => terms.client_bits = Some(None),
                (b"client_max_window_bits", Some(value)) => terms.client_bits = Some(Some(bits(value)?)),
                _ => return None,
            }
        }
        Some(terms)
    }
}

/// What an end allows: for what it sends and for what it receives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Caps {
    bits: [u8; 2],
    takeover: [bool; 2],
}

impl Caps {
    fn of(agreed: Agreed) -> Self {
        Self {
            bits: [agreed.send_window_bits(), agreed.receive_window_bits()],
            takeover: [agreed.has_send_takeover(), agreed.has_receive_takeover()],
        }
    }

    fn serve(self, offer: Terms) -> Option<Self> {
        let [send, receive] = self.bits;
        if offer.client_bits.is_none() && receive < 15 {
            return None;
        }
        let allowed = [offer.server_bits.unwrap_or(15), offer.client_bits.flatten().unwrap_or(15)];
        let takeover = [0, 1].map(|i| self.takeover[i] && !offer.is_alone[i]);
        Some(Self { bits: [send.min(allowed[0]), receive.min(allowed[1])], takeover })
    }

    /// `None`: the handshake fails.
    fn take(self, answer: Terms) -> Option<Self> {
        let [send, receive] = self.bits;
        let told = answer.server_bits.unwrap_or(15);
        if answer.client_bits == Some(None) || told > receive || (!answer.is_alone[0] && !self.takeover[1]) {
            return None;
        }
        let most = answer.client_bits.flatten().unwrap_or(15);
        let takeover = [self.takeover[0] && !answer.is_alone[1], !answer.is_alone[0]];
        Some(Self { bits: [send.min(most), told], takeover })
    }
}

/// What one end is ready for, by caps or by memory, which is returned too.
fn end(&[send, receive, times, bytes]: &[u8; 4]) -> (Compression, Caps, usize) {
    let mut caps = Caps { bits: [send, receive].map(|b| 8 + b % 8), takeover: [send, receive].map(|b| b & 8 == 0) };
    let mut compression = Compression::new().send_window_bits(caps.bits[0]).receive_window_bits(caps.bits[1]);
    if !caps.takeover[0] {
        compression = compression.without_send_takeover();
    }
    if !caps.takeover[1] {
        compression = compression.without_receive_takeover();
    }
    let mut memory = usize::MAX;
    if receive & 16 != 0 {
        memory = usize::from(bytes) << (times & 7);
        compression = compression.receive_within(memory);
        match (8..=15).rev().find(|bits| (5 << bits) / 4 <= memory) {
            Some(bits) => caps.bits[1] = bits,
            None => caps.takeover[1] = false,
        }
    }
    (compression, caps, memory)
}

/// What is agreed on has its place in the memory.
fn fits(agreed: Option<Agreed>, memory: usize) {
    let needed =
        agreed.map_or(0, |a| if a.has_receive_takeover() { (5_usize << a.receive_window_bits()) / 4 } else { 0 });
    assert!(needed <= memory);
    assert!(Inflating::new([0; 8], vec![0; needed], agreed).is_ok());
}

fn lent<'d>(values: &'d [&'d [u8]]) -> impl Iterator<Item = (&'d [u8], &'d [u8])> {
    values.iter().map(|value| (&b"Sec-WebSocket-Extensions"[..], *value))
}

fn head(first: &[u8], values: &[&[u8]]) -> Vec<u8> {
    let mut head = first.to_vec();
    for value in values {
        head.extend([b"Sec-WebSocket-Extensions: ", *value, b"\r\n"].concat());
    }
    [&head[..], b"\r\n"].concat()
}

/// A server and a client read any fields. The server takes the first offer that it can serve, and answers within the offer, its caps and its memory; the client
/// takes an answer if and only if it is one to what it has offered. A field that is not of the grammar fails the client's handshake; what a server does with
/// the members around it is not checked, but that it is within its memory.
pub fn negotiation(data: &[u8]) {
    let Some((front, text)) = data.split_first_chunk::<4>() else { return };
    let (ours, caps, memory) = end(front);
    // No field holds a control byte but the tab, so those separate the fields.
    let values: Vec<&[u8]> = text.split(|&b| b != b'\t' && (b < 0x20 || b == 0x7f)).map(<[u8]>::trim_ascii).collect();
    let members: Option<Vec<Option<Terms>>> =
        values.iter().map(|v| Reader(v).members()).collect::<Option<Vec<_>>>().map(|all| all.concat());

    let served = ours.accept(lent(&values));
    fits(served, memory);
    if let Some(members) = &members {
        let offer = members.iter().flatten().find(|offer| caps.serve(**offer).is_some());
        assert_eq!(served.map(Caps::of), offer.and_then(|offer| caps.serve(*offer)));
        if let (Some(served), Some(offer)) = (served, offer) {
            let told = Reader(served.response().as_bytes()).members().unwrap();
            let [Some(told)] = told[..] else { panic!("one answer") };
            // RFC 7692 sections 7.1.1.1 to 7.1.2.2.
            assert!(told.is_alone[0] || !offer.is_alone[0]);
            assert!(offer.server_bits.is_none_or(|most| told.server_bits.is_some_and(|bits| bits <= most)));
            if let Some(bits) = told.client_bits {
                assert!(offer.client_bits.is_some_and(|most| bits.is_some_and(|bits| bits <= most.unwrap_or(15))));
            }
            // What it does is what it says.
            let kept = Caps::of(served);
            assert_eq!(kept.bits, [told.server_bits.unwrap_or(15), told.client_bits.flatten().unwrap_or(15)]);
            assert_eq!(kept.takeover, told.is_alone.map(|is_alone| !is_alone));
        }
    }

    let taken = ours.check(lent(&values));
    fits(taken.unwrap_or_default(), memory);
    let expected = match members.as_deref() {
        Some([]) => Some(None),
        Some([Some(answer)]) => caps.take(*answer).map(Some),
        _ => None,
    };
    assert_eq!(taken.ok().map(|agreed| agreed.map(Caps::of)), expected);

    // Within the heads of HTTP/1.1 the same.
    let key = b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    let request = head(&[b"GET / HTTP/1.1\r\nHost: a\r\n", &key[..]].concat(), &values);
    let accept = Accept::check(&Request::parse(&request).unwrap()).unwrap().compress(&ours);
    assert_eq!(accept.compression(), served);
    let accept = accept_key(b"dGhlIHNhbXBsZSBub25jZQ==").unwrap();
    let front = b"HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ";
    let mut response = head(&[&front[..], &accept, b"\r\n"].concat(), &values);
    let connect = Connect::new("a", "/", *b"the sample nonce").compress(ours);
    let opened = connect.check(&ResponseHead::parse(&mut response).unwrap());
    assert_eq!(opened.map(|opened| opened.unwrap().compression()), taken.map_err(HandshakeError::Compression));

    // Whatever this server answers, a client that has offered it takes it, and both mean the same.
    let theirs = Compression::new().receive_window_bits(front_bits(text)).send_window_bits(front_bits(&front[..1]));
    dialogue(theirs, ours);
    dialogue(ours, theirs);
}

fn front_bits(text: &[u8]) -> u8 {
    text.first().map_or(15, |byte| 8 + byte % 8)
}

/// The offer of a client, and the answer of a server.
fn dialogue(client: Compression, server: Compression) {
    let (offer, field) = (client.offer(), &b"sec-websocket-extensions"[..]);
    let Some(served) = server.accept([(field, offer.as_bytes())]) else {
        panic!("a client offers all that a server may ask for")
    };
    let taken: Result<_, CompressionError> = client.check([(field, served.response().as_bytes())]);
    let (by_server, by_client) = (Caps::of(served), Caps::of(taken.unwrap().unwrap()));
    assert_eq!(by_client.bits[1], by_server.bits[0]);
    assert!(by_client.bits[0] <= by_server.bits[1]);
    assert_eq!([by_client.takeover[1], by_client.takeover[0]], by_server.takeover);
}
