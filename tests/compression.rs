//! What two ends agree on about compression (RFC 7692 section 7.1).

use sansocket::{
    http::{Request, ResponseHead, Status},
    ws::{
        Accept, Agreed, Compression, CompressionError, Connect, ExtendedConnect, ExtendedConnectError, HandshakeError,
        accept_key,
    },
};

const ALL: Compression = Compression::new();

fn fields<'h>(values: &[&'h str]) -> Vec<(&'h [u8], &'h [u8])> {
    values.iter().map(|value| (&b"Sec-WebSocket-Extensions"[..], value.as_bytes())).collect()
}

/// What a server answers to these fields.
fn answer(server: &Compression, offers: &[&str]) -> Option<String> {
    server.accept(fields(offers)).map(|agreed| agreed.response().as_str().to_owned())
}

fn check(client: &Compression, response: &str) -> Result<Option<Agreed>, CompressionError> {
    client.check(fields(&[response]))
}

/// Windows and takeovers, of what is sent first.
fn terms(agreed: Agreed) -> (u8, bool, u8, bool) {
    (agreed.send_window_bits(), agreed.has_send_takeover(), agreed.receive_window_bits(), agreed.has_receive_takeover())
}

#[test]
fn a_server_takes_the_first_offer_that_it_can_serve() {
    let plain = Some("permessage-deflate".to_owned());
    for (offers, expected) in [
        (&["permessage-deflate"][..], plain.clone()),
        (&["permessage-deflate; client_max_window_bits"], plain.clone()),
        (&["permessage-deflate; client_max_window_bits=15"], plain.clone()),
        (&["permessage-deflate;client_max_window_bits"], plain.clone()),
        (&["permessage-deflate ; client_max_window_bits = \"15\""], plain.clone()),
        (&["foo, permessage-deflate"], plain.clone()),
        (&["foo; a=\", permessage-deflate\""], None),
        (&["foo; a=\"\\\", permessage-deflate\""], None),
        (&["foo", "permessage-deflate"], plain.clone()),
        (&["permessage-deflate; x, permessage-deflate"], plain.clone()),
        // The client's order of preference.
        (
            &["permessage-deflate; server_no_context_takeover, permessage-deflate"],
            Some("permessage-deflate; server_no_context_takeover".into()),
        ),
        (
            &["permessage-deflate; server_max_window_bits=10; client_max_window_bits=9"],
            Some("permessage-deflate; server_max_window_bits=10; client_max_window_bits=9".into()),
        ),
        (
            &[
                "permessage-deflate; client_no_context_takeover; server_max_window_bits=\"8\"; client_max_window_bits=\"\\8\"",
            ],
            Some(
                "permessage-deflate; client_no_context_takeover; server_max_window_bits=8; client_max_window_bits=8"
                    .into(),
            ),
        ),
        // What was asked for is confirmed.
        (
            &["permessage-deflate; server_max_window_bits=15"],
            Some("permessage-deflate; server_max_window_bits=15".into()),
        ),
        (&[], None),
        (&[""], None),
        (&["x-webkit-deflate-frame"], None),
        (&["permessage-deflate; "], None),
        (&["permessage-deflate; server_max_window_bits"], None),
        (&["permessage-deflate; server_max_window_bits="], None),
        (&["permessage-deflate; server_max_window_bits=7"], None),
        (&["permessage-deflate; server_max_window_bits=16"], None),
        (&["permessage-deflate; server_max_window_bits=08"], None),
        (&["permessage-deflate; server_max_window_bits=010"], None),
        (&["permessage-deflate; server_max_window_bits=+9"], None),
        (&["permessage-deflate; server_max_window_bits=\"9"], None),
        (&["permessage-deflate; server_max_window_bits=\"\\"], None),
        (&["permessage-deflate; client_max_window_bits=\"\""], None),
        (&["permessage-deflate; client_max_window_bits=16"], None),
        (&["permessage-deflate; server_no_context_takeover=1"], None),
        (&["permessage-deflate; client_no_context_takeover=\"\""], None),
        (&["permessage-deflate; server_no_context_takeover; server_no_context_takeover"], None),
        (&["permessage-deflate; client_no_context_takeover; client_no_context_takeover"], None),
        (&["permessage-deflate; server_max_window_bits=9; server_max_window_bits=9"], None),
        (&["permessage-deflate; client_max_window_bits; client_max_window_bits=9"], None),
        (&["permessage-deflate; level=9"], None),
    ] {
        assert_eq!(answer(&ALL, offers), expected, "{offers:?}");
    }
}

#[test]
fn a_server_tells_its_own_terms_or_declines() {
    let small = ALL.send_window_bits(9).receive_window_bits(10).without_send_takeover().without_receive_takeover();
    assert_eq!(
        answer(&small, &["permessage-deflate; client_max_window_bits"]).unwrap(),
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=9; \
         client_max_window_bits=10"
    );
    // A client that did not say that it can limit its window cannot be told to.
    assert_eq!(answer(&small, &["permessage-deflate"]), None);
    assert_eq!(
        answer(
            &small,
            &["permessage-deflate, permessage-deflate; client_max_window_bits=8; server_max_window_bits=12"]
        )
        .unwrap(),
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=9; \
         client_max_window_bits=8"
    );
    // What takes messages whole needs no window for them. As Firefox offers it, and as Chromium does. Old Safaris offer another extension.
    let firefox = &["permessage-deflate"][..];
    let chromium = &["permessage-deflate; client_max_window_bits"][..];
    assert_eq!(answer(&ALL.receive_window_bits(8).receive_whole(), &["x-webkit-deflate-frame"]), None);
    let own = "permessage-deflate; client_no_context_takeover";
    for (server, offers, expected) in [
        (ALL, firefox, "permessage-deflate"),
        (ALL.receive_window_bits(14), firefox, own),
        (ALL.receive_window_bits(8), firefox, own),
        (ALL.receive_window_bits(8), chromium, "permessage-deflate; client_max_window_bits=8"),
        (ALL.receive_window_bits(8), &["permessage-deflate; client_no_context_takeover"], own),
        (ALL.receive_within(1500), firefox, own),
        (ALL.receive_within(100), chromium, own),
        (ALL.receive_within(100), firefox, own),
    ] {
        assert_eq!(answer(&server.receive_whole(), offers).as_deref(), Some(expected), "{server:?} {offers:?}");
    }
    let agreed = ALL.receive_window_bits(8).receive_whole().accept(fields(firefox));
    assert_eq!(terms(agreed.unwrap()), (15, true, 15, false), "any distance, in a message");
    let agreed = ALL.accept(fields(&["permessage-deflate; server_max_window_bits=8; client_max_window_bits=8"]));
    assert_eq!(terms(agreed.unwrap()), (8, true, 8, true));
}

#[test]
fn a_client_takes_what_it_offered_and_nothing_else() {
    use CompressionError::*;
    let small = ALL.receive_window_bits(10).without_receive_takeover().send_window_bits(12);
    assert_eq!(
        small.offer().as_str(),
        "permessage-deflate; server_no_context_takeover; server_max_window_bits=10; client_max_window_bits"
    );
    for (client, response, expected) in [
        (ALL, "", Ok(None)),
        (ALL, ", ,", Ok(None)),
        (ALL, "permessage-deflate", Ok(Some((15, true, 15, true)))),
        (
            ALL,
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=8; \
             client_max_window_bits=\"8\"",
            Ok(Some((8, false, 8, false))),
        ),
        (
            small,
            "permessage-deflate; server_no_context_takeover; server_max_window_bits=9",
            Ok(Some((12, true, 9, false))),
        ),
        (small, "permessage-deflate; server_no_context_takeover", Err(Larger)),
        (small, "permessage-deflate; server_no_context_takeover; server_max_window_bits=11", Err(Larger)),
        (small, "permessage-deflate; server_max_window_bits=10", Err(Larger)),
        (ALL, "permessage-deflate; client_max_window_bits", Err(Parameter)),
        (ALL, "permessage-deflate; server_max_window_bits", Err(Parameter)),
        (ALL, "permessage-deflate; server_max_window_bits=7", Err(Parameter)),
        (ALL, "permessage-deflate; server_no_context_takeover; server_no_context_takeover", Err(Parameter)),
        (ALL, "permessage-deflate; x", Err(Parameter)),
        (ALL, "permessage-deflate, permessage-deflate", Err(Repeated)),
        (ALL, "permessage-deflate, foo", Err(NotOffered)),
        (ALL, "foo", Err(NotOffered)),
    ] {
        assert_eq!(check(&client, response).map(|agreed| agreed.map(terms)), expected, "{response}");
    }
    assert_eq!(ALL.check(fields(&["permessage-deflate", "permessage-deflate"])), Err(Repeated));
}

#[test]
fn whatever_a_client_offers_a_server_answers_so_that_it_is_taken() {
    let all = || {
        (8..=15).flat_map(|bits| {
            [ALL, ALL.without_receive_takeover(), ALL.without_send_takeover()]
                .into_iter()
                .flat_map(move |c| [c.send_window_bits(bits), c.receive_window_bits(bits)])
        })
    };
    for client in all() {
        for server in all() {
            let offer = client.offer();
            let at_server = server.accept(fields(&[offer.as_str()])).expect("it can be served");
            let at_client = check(&client, at_server.response().as_str()).unwrap().unwrap();
            let (sends, keeps, receives, knows) = terms(at_server);
            let other = terms(at_client);
            assert_eq!((other.2, other.3), (sends, keeps), "{client:?} {server:?}");
            // The client may use less than the server has room for.
            assert!(other.0 <= receives && other.1 <= knows, "{client:?} {server:?}");
        }
    }
}

const REQUEST: &str = "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n";

#[test]
fn a_server_that_was_not_told_ignores_offers() {
    let head = [REQUEST, "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n"].concat();
    let request = Request::parse(head.as_bytes()).unwrap();
    let accept = Accept::check(&request).unwrap();
    let mut out = [0; 512];
    let n = accept.write(&[], &mut out).unwrap();
    assert_eq!(accept.compression(), None);
    assert!(!String::from_utf8_lossy(&out[..n]).contains("Extensions"));
    // And one that was, when there is none.
    let head = [REQUEST, "\r\n"].concat();
    let request = Request::parse(head.as_bytes()).unwrap();
    let accept = Accept::check(&request).unwrap().compress(&ALL);
    let n = accept.write(&[], &mut out).unwrap();
    assert_eq!(accept.compression(), None);
    assert!(!String::from_utf8_lossy(&out[..n]).contains("Extensions"));
}

#[test]
fn both_handshakes_go_through_and_a_bad_answer_has_its_reason() {
    let connect = Connect::new("a", "/", *b"the sample nonce");
    let respond = |connect: &Connect<'_>, extensions: &str| {
        let key = accept_key(b"dGhlIHNhbXBsZSBub25jZQ==").unwrap();
        let mut head = format!(
            "HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {}\r\n\
             sec-websocket-extensions: {extensions}\r\n\r\n",
            String::from_utf8_lossy(&key)
        )
        .into_bytes();
        let response = ResponseHead::parse(&mut head).unwrap();
        connect.check(&response).map(|opened| opened.unwrap().compression().map(terms))
    };
    assert_eq!(respond(&connect, "permessage-deflate"), Err(HandshakeError::Extension));
    let connect = connect.compress(ALL);
    assert_eq!(respond(&connect, "permessage-deflate"), Ok(Some((15, true, 15, true))));
    assert_eq!(respond(&connect, ""), Ok(None));
    for (extensions, error) in [
        ("x", CompressionError::NotOffered),
        ("permessage-deflate; x", CompressionError::Parameter),
        ("permessage-deflate, permessage-deflate", CompressionError::Repeated),
    ] {
        let told = respond(&connect, extensions);
        assert_eq!(told, Err(HandshakeError::Compression(error)));
        assert_eq!(told.unwrap_err().to_string(), error.to_string());
    }
    let mut out = [0; 512];
    let n = connect.write(&mut out).unwrap();
    let request = Request::parse(&out[..n]).unwrap();
    let accept = Accept::check(&request).unwrap().compress(&ALL);
    assert_eq!(accept.compression().map(terms), Some((15, true, 15, true)));
}

#[test]
fn over_one_stream_of_http_2_too() {
    use ExtendedConnectError as E;
    let respond = |values: &[&'static str]| {
        let fields = values.iter().map(|v| (&b"sec-websocket-extensions"[..], v.as_bytes()));
        ExtendedConnect::check_compressed(Status(200), fields, &[], &ALL).map(|(_, agreed)| agreed.map(terms))
    };
    assert_eq!(respond(&[]), Ok(None));
    assert_eq!(respond(&["permessage-deflate; client_max_window_bits=8"]), Ok(Some((8, true, 15, true))));
    assert_eq!(respond(&["permessage-deflate", "permessage-deflate"]), Err(E::Compression(CompressionError::Repeated)));
    assert_eq!(respond(&["x"]), Err(E::Compression(CompressionError::NotOffered)));
}
