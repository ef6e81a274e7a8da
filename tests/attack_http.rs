//! Attacks on `http` and the handshakes by a reviewer who did not write it.

use sansocket::{
    http::{Body, BodyDecoder, HeadScanner, Limits, Request, ResponseHead, Url},
    ws::{Connect, ConnectError},
};

struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        ((self.0 >> 33) % n as u64) as usize
    }
}

/// `Body::Length(0)` can be made by hand, or come from another HTTP parser.
#[test]
fn a_body_of_no_bytes_is_complete() {
    let mut body = BodyDecoder::new(Body::Length(0), 10);
    let mut next = *b"GET / HTTP/1.1\r\n";
    let mut input = &mut next[..];
    assert_eq!(body.poll_piece(&mut input), Ok(None));
    assert!(body.is_complete());
    assert_eq!(input, b"GET / HTTP/1.1\r\n");
}

#[test]
fn credentials_are_written_once() {
    let url = Url::parse("ws://h/").unwrap();
    let fields = [("authorization", &b"Bearer x"[..])];
    let mut out = [0; 512];
    let connect = Connect::for_url(&url, [0; 16]).fields(&fields);
    assert!(connect.write(&mut out).is_ok());
    assert_eq!(connect.basic("u", "p").write(&mut out), Err(ConnectError::Field));
    assert_eq!(connect.bearer("x").write(&mut out), Err(ConnectError::Field));
}

const PIECES: [&str; 44] = [
    "GET ",
    "POST ",
    "/",
    "/a?b",
    "http://h/",
    "*",
    " HTTP/1.1",
    " HTTP/1.0",
    "\r\n",
    "\r\n",
    "\r\n",
    "\r",
    "\n",
    "Host: h",
    "Host:",
    "Host: h:1",
    "Host: [::1]",
    "A: b",
    "A:",
    " folded",
    "\tfolded",
    ":",
    " ",
    "\0",
    "\x7f",
    "é",
    "HTTP/1.1 101 x",
    "HTTP/1.1 200",
    "Content-Length: 3",
    "Transfer-Encoding: chunked",
    "Connection: close",
    "Upgrade: websocket",
    "1",
    "0",
    ";a=b",
    "3\r\nabc\r\n",
    "0\r\n\r\n",
    ";a=\"",
    "\"",
    "\\",
    "1\r\na\r\n",
    "0;x",
    "ffffffffffffffff",
    "Expect: x",
];

fn text(random: &mut Random) -> Vec<u8> {
    let mut text = match random.below(4) {
        0 => String::new(),
        1 => "GET / HTTP/1.1\r\nHost: h\r\n".into(),
        _ => "HTTP/1.1 200 OK\r\nA: b\r\n".into(),
    };
    for _ in 0..random.below(14) {
        text.push_str(PIECES[random.below(PIECES.len())]);
    }
    if random.below(2) == 0 {
        text.push_str("\r\n\r\n");
    }
    text.into_bytes()
}

#[test]
fn heads_are_judged_alike_however_they_come() {
    let runs = std::env::var("ATTACK_RUNS").ok().and_then(|n| n.parse().ok()).unwrap_or(20_000);
    let mut good = 0;
    for seed in 0..runs {
        let random = &mut Random(seed);
        let text = text(random);
        let limits = match random.below(3) {
            0 => Limits::new().bytes(random.below(60)).lines(9),
            1 => Limits::new().lines(random.below(5) as u16),
            _ => Limits::new(),
        };
        for fresh in [HeadScanner::new(limits), HeadScanner::response(limits)] {
            let whole = fresh.clone().scan(&text);
            let (mut scanner, mut at, mut n) = (fresh.clone(), None, 0);
            while at.is_none() && n < text.len() {
                n = (n + 1 + random.below(4)).min(text.len());
                at = match scanner.scan(&text[..n]) {
                    Ok(None) => None,
                    told => Some(told),
                };
            }
            assert_eq!(at.unwrap_or(Ok(None)), whole, "{:?}", String::from_utf8_lossy(&text));
            // The first prefix that fails is the same for one scanner that sees all prefixes and for those that see one.
            let mut all = fresh.clone();
            for n in 0..=text.len() {
                assert_eq!(all.scan(&text[..n]), fresh.clone().scan(&text[..n]));
            }
            let Ok(Some(n)) = whole else { continue };
            let head = &text[..n];
            if let Ok(request) = Request::parse(head) {
                good += 1;
                request
                    .fields()
                    .for_each(|(n, v)| assert!(!n.is_empty() && !v.contains(&b'\r') && !v.contains(&b'\n')));
                assert!(request.fields().count() < 100 && request.path().starts_with(b"/") || request.path() == b"*");
                let _ = (request.body(), request.keeps_alive(), format!("{request:?}"));
                if request.fields().get("host").is_none() {
                    assert_eq!(request.version(), sansocket::http::Version::Http10);
                }
            }
            let mut bytes = head.to_vec();
            if let Ok(response) = ResponseHead::parse(&mut bytes) {
                good += 1;
                response
                    .fields()
                    .for_each(|(n, v)| assert!(!n.is_empty() && !v.contains(&b'\r') && !v.contains(&b'\n')));
                let lines =
                    head.split(|&b| b == b'\n').filter(|l| !l.starts_with(b" ") && !l.starts_with(b"\t")).count();
                assert_eq!(response.fields().count(), lines - 3, "{:?}", String::from_utf8_lossy(head));
            }
        }
    }
    assert!(good > 500, "{good}");
}

#[test]
fn bodies_are_decoded_alike_however_they_come() {
    let runs = std::env::var("ATTACK_RUNS").ok().and_then(|n| n.parse().ok()).unwrap_or(20_000);
    let mut complete = 0;
    for seed in 0..runs {
        let random = &mut Random(seed);
        let mut wire = String::new();
        for _ in 0..random.below(5) {
            let len = random.below(20);
            let zeros = "0".repeat(random.below(4));
            let extension = ["", "", ";a", ";a=b", "; a = \"\\\"\r\"", " ;a=\"x;y\""][random.below(6)];
            wire.push_str(&format!(
                "{zeros}{len:x}{extension}\r\n{}{}",
                "x".repeat(len),
                if len > 0 { "\r\n" } else { "" }
            ));
        }
        wire.push_str(["0\r\n\r\n", "0\r\nA: b\r\n\r\n", "0;q\r\nA: b\r\nC:\r\n\r\nGET", "0\r\n"][random.below(4)]);
        let mut wire = wire.into_bytes();
        if random.below(3) == 0 {
            let at = random.below(wire.len());
            wire[at] = b"\r\n;=\"0f \0"[random.below(9)];
        }
        let body = [Body::Chunked, Body::Chunked, Body::Length(random.below(30) as u64), Body::Empty][random.below(4)];
        let limit = [5, 20, 1000][random.below(3)];
        let mut read = |most: usize| {
            let mut decoder = BodyDecoder::new(body, limit);
            let mut bytes = wire.clone();
            let (mut rest, mut told) = (&mut bytes[..], Vec::new());
            loop {
                let n = rest.len().min(1 + random.below(most));
                let (mut input, behind) = std::mem::take(&mut rest).split_at_mut(n);
                rest = behind;
                loop {
                    match decoder.poll_piece(&mut input) {
                        Ok(Some(piece)) => {
                            assert!(!piece.is_empty());
                            told.extend_from_slice(piece);
                        }
                        Ok(None) => break,
                        Err(e) => {
                            assert_eq!(decoder.poll_piece(&mut input).err(), Some(e));
                            return (told, Err(e), input.len() + rest.len());
                        }
                    }
                }
                if decoder.is_complete() || rest.is_empty() {
                    assert!(decoder.is_complete() || input.is_empty());
                    return (told, Ok(decoder.is_complete()), input.len() + rest.len());
                }
            }
        };
        let whole = read(10_000);
        assert_eq!(read(1), whole, "{:?}", String::from_utf8_lossy(&wire));
        assert_eq!(read(7), whole, "{:?}", String::from_utf8_lossy(&wire));
        assert!(whole.0.len() as u64 <= limit);
        complete += u32::from(whole.1 == Ok(true));
    }
    assert!(complete > 1000, "{complete}");
}
