//! All or nothing: a call that is refused changes nothing, says to the byte what it needed, and draws no masking key.

use sansocket::{
    engineio::{
        self, Sid,
        server::{Config, Session},
    },
    http::{Response, ResponseError, Status},
    json::{Json, Raw},
    socketio::{
        self, AckSlot, Binary, ExpectAck, Namespace, Placeholder, SendError as IoError, StateError,
        server::{Event, Session as Io},
    },
    time::Instant,
    ws::{Client, CloseCode, Connection, Kept, Kind, Limits, Out, Outbox, SendError, Server, StateError as WsState},
};

/// Payload lengths at which the header changes.
const LENGTHS: [usize; 9] = [0, 1, 7, 124, 125, 126, 127, 65_535, 65_536];

fn sizes(needed: usize) -> impl Iterator<Item = usize> {
    (0..=needed).filter(move |n| needed < 400 || *n < 20 || *n + 20 > needed || n % 1009 == 0)
}

/// `call` on clones of `ws` with every size of memory from 0 to enough, as a client and counting the keys.
fn refused_until_it_fits(
    ws: &Connection<Client>,
    needed: usize,
    call: impl Fn(
        &mut Connection<Client>,
        &mut Out<'_, Kept<'_, Client, &mut dyn FnMut() -> [u8; 4]>>,
    ) -> Result<(), SendError>,
) {
    for size in sizes(needed) {
        let mut keys = 0;
        let mut source = || {
            keys += 1;
            [1, 2, 3, 4]
        };
        let source: &mut dyn FnMut() -> [u8; 4] = &mut source;
        let mut machine = ws.clone();
        let mut outbox = Outbox::with_keys(vec![0; size], source);
        let mut out = machine.out(&mut outbox);
        let result = call(&mut machine, &mut out);
        let written = out.written().len();
        if size < needed {
            assert!(
                matches!(result, Err(SendError::Capacity(c)) if c.needed == needed && c.available == size),
                "{result:?} for {size} of {needed}"
            );
            assert_eq!((&machine, written, keys), (ws, 0, 0));
        } else {
            assert_eq!((result, written, keys), (Ok(()), needed, 1));
        }
    }
}

#[test]
fn websocket_frames() {
    let ws = Connection::<Client>::client(Limits::new());
    for len in LENGTHS {
        let payload = vec![b'x'; len];
        let header = 4 + if len < 126 {
            2
        } else if len < 65_536 {
            4
        } else {
            10
        };
        let needed = header + len;
        refused_until_it_fits(&ws, needed, |ws, out| ws.send(Kind::Text, &payload, out));
        refused_until_it_fits(&ws, needed, |ws, out| ws.send_chunk(Kind::Binary, &payload, false, out));
        if len <= 125 {
            refused_until_it_fits(&ws, needed, |ws, out| ws.ping(&payload, out));
        }
    }
}

fn owed(
    ws: &mut Connection<Client>,
    out: &mut Out<'_, Kept<'_, Client, &mut dyn FnMut() -> [u8; 4]>>,
) -> Result<(), SendError> {
    assert!(ws.poll_transmit(out)?);
    Ok(())
}

#[test]
fn what_a_connection_owes() {
    let mut ws = Connection::<Client>::client(Limits::new());
    let mut wire = *b"\x89\x03abc\x88\x02\x03\xe8";
    let mut input = &mut wire[..5];
    assert!(ws.poll_event(&mut input).unwrap().is_some());
    refused_until_it_fits(&ws, 6 + 3, owed);
    let mut input = &mut wire[5..];
    assert!(ws.poll_event(&mut input).unwrap().is_some());
    assert!(ws.wants_transmit());
    refused_until_it_fits(&ws, 6 + 2, owed);
    for reason in ["bye", "", &"x".repeat(123)] {
        ws.close(CloseCode::NORMAL, reason).unwrap();
        refused_until_it_fits(&ws, 6 + 2 + reason.len(), owed);
    }
    ws.close(CloseCode::NO_STATUS, "").unwrap();
    refused_until_it_fits(&ws, 6, owed);
}

#[test]
fn calls_that_do_not_fit_the_state() {
    let mut memory = [0; 64];
    let mut ws = Connection::<Server>::server(Limits::new());
    let mut out = ws.out(&mut memory);
    ws.send_chunk(Kind::Text, b"a", false, &mut out).unwrap();
    let open = ws.clone();
    assert!(matches!(ws.send(Kind::Text, b"b", &mut out), Err(SendError::State(_))));
    assert!(ws.check_open_for_data().is_err());
    assert_eq!(ws, open);
    ws.ping(b"between", &mut out).unwrap();
    assert_eq!(ws.send_chunk(Kind::Binary, b"b", true, &mut out), Err(WsState::KindChanged.into()));
    assert_eq!(ws, open);
    ws.send_chunk(Kind::Text, b"b", true, &mut out).unwrap();
    assert!(matches!(ws.ping(&[0; 126], &mut out), Err(SendError::State(_))));
    for (code, reason) in [(1005, "x"), (1006, ""), (999, ""), (1000, &"x".repeat(124)[..])] {
        let before = ws.clone();
        assert!(ws.close(CloseCode(code), reason).is_err(), "{code}");
        assert_eq!(ws, before);
    }
    ws.close(CloseCode::NORMAL, "").unwrap();
    assert_eq!(ws.poll_transmit(&mut out), Ok(true));
    let closed = ws.clone();
    let written = out.written().to_vec();
    assert!(ws.send(Kind::Text, b"b", &mut out).is_err());
    assert!(ws.send_chunk(Kind::Text, b"b", true, &mut out).is_err());
    assert!(ws.ping(b"", &mut out).is_err());
    assert!(ws.close(CloseCode::NORMAL, "").is_err());
    assert_eq!(ws.poll_transmit(&mut out), Ok(false));
    // A layer above, which does not see the connection, is held back by the output.
    assert!(socketio::server::broadcast(&["/"], Namespace(0), "x", &(), None, &mut out).is_err());
    assert_eq!((ws, out.written()), (closed, &written[..]));
}

#[test]
fn engineio_owes_its_packets() {
    let now = Instant::from_millis(0);
    let session = Session::open(Sid::from_random([7; 15]), Config::new(), now);
    let needed = {
        let mut memory = [0; engineio::server::OWED_MAX];
        let mut out = Out::stored(&mut memory);
        assert_eq!(session.clone().poll_transmit(&mut out), Ok(true));
        out.written().len()
    };
    for size in 0..=needed {
        let mut machine = session.clone();
        let mut memory = vec![0; size];
        let mut out = Out::stored(&mut memory);
        let result = machine.poll_transmit(&mut out);
        if size < needed {
            assert!(result.is_err_and(|c| c.needed == needed && c.available == size));
            assert_eq!(machine, session);
        } else {
            assert_eq!(result, Ok(true));
            assert_eq!(machine.poll_transmit(&mut out), Ok(false), "once");
        }
    }
}

fn connected() -> Io<[&'static str; 2]> {
    let mut io = Io::new(["/", "chat"], [AckSlot::EMPTY; 8], Instant::from_millis(1000));
    for text in [&b"0"[..], b"0/chat,{\"token\":1}"] {
        let message = engineio::Message::Text(text);
        let Ok(Event::Connect { namespace, .. }) = io.handle_event(engineio::Event::Message(message)) else { panic!() };
        let mut memory = [0; 64];
        io.accept(namespace, sansocket::socketio::Sid::from_random([1; 15]), &mut Out::stored(&mut memory)).unwrap();
    }
    io
}

#[test]
fn socketio_packets() {
    type Call<'c> = &'c dyn Fn(&mut Io<[&'static str; 2]>, &mut Out<'_, sansocket::ws::Stored>) -> Result<(), IoError>;
    let long = "x\n".repeat(100);
    let raw = Raw::new(b"{\"a\":1},2").unwrap();
    let files = [b"\x01\x02".as_slice(), &[7; 200]];
    let binary = Binary((Placeholder(0), raw, Placeholder(1)), files.as_slice().into());
    let expect = ExpectAck { token: 9, deadline: None };
    let calls: [(&str, Call<'_>); 8] = [
        (r#"42["news"]"#, &|io, out| io.emit(Namespace(0), "news", &(), None, out)),
        (r#"42/chat,["n\"s",{"a":1},2]"#, &|io, out| io.emit(Namespace(1), "n\"s", &raw, None, out)),
        (r#"42["a","\u0001\\é",{"a":1},2]"#, &|io, out| {
            io.emit(Namespace(0), "a", &((), Json("\u{1}\\é"), (), raw, ()), None, out)
        }),
        (&format!(r#"42["long","{}"]"#, r"x\n".repeat(100)), &|io, out| {
            io.emit(Namespace(0), "long", &long.as_str(), None, out)
        }),
        (r#"420["sure?"]"#, &|io, out| io.emit(Namespace(0), "sure?", &(), Some(expect), out)),
        (r#"452-/chat,0["up",{"_placeholder":true,"num":0},{"a":1},2,{"_placeholder":true,"num":1}]"#, &|io, out| {
            io.emit(Namespace(1), "up", &binary, Some(expect), out)
        }),
        ("41/chat,", &|io, out| io.disconnect(Namespace(1), out)),
        (r#"44/no"x,{"message":"Invalid namespace"}"#, &|io, out| io.refuse_unknown(b"/no\"x", out)),
    ];
    for (packet, call) in calls {
        let header = if packet.len() < 126 { 2 } else { 4 };
        // Attachments come with their packet or not at all.
        let attached = if packet.starts_with("45") { 2 + 2 + 4 + 200 } else { 0 };
        let needed = header + packet.len() + attached;
        for size in 0..=needed {
            let before = connected();
            let mut io = before.clone();
            let mut memory = vec![0; size];
            let mut out = Out::stored(&mut memory);
            let result = call(&mut io, &mut out);
            if size < needed {
                assert!(
                    matches!(result, Err(IoError::Capacity(c)) if c.needed == needed && c.available == size),
                    "{packet}: {result:?} for {size}"
                );
                assert!(out.is_empty());
                assert_eq!(io, before);
            } else {
                assert_eq!(result, Ok(()));
                assert_eq!(&out.written()[header..header + packet.len()], packet.as_bytes());
                assert_eq!(out.written().len(), needed);
            }
        }
    }
    let mut io = connected();
    let mut memory = [0; 64];
    let mut out = Out::stored(&mut memory);
    assert!(matches!(io.emit(Namespace(0), "disconnect", &(), None, &mut out), Err(IoError::State(_))));
    assert!(matches!(io.emit(Namespace(9), "x", &(), None, &mut out), Err(IoError::State(_))));
    let eleven = [b"".as_slice(); 11];
    let too_many = Binary((), eleven.as_slice().into());
    assert_eq!(io.emit(Namespace(0), "x", &too_many, None, &mut out), Err(StateError::TooManyAttachments.into()));
    assert!(out.is_empty());
}

#[test]
fn a_full_table_of_acknowledgements_refuses_and_can_be_exchanged() {
    let mut io = connected();
    let mut memory = [0; 512];
    let mut out = Out::stored(&mut memory);
    let expect = |token| Some(ExpectAck { token, deadline: None });
    for token in 0..8 {
        io.emit(Namespace(0), "x", &(), expect(token), &mut out).unwrap();
    }
    let before = io.clone();
    let written = out.written().len();
    let full = Err(IoError::Acks(socketio::SlotCapacity { needed: 9, available: 8 }));
    assert_eq!(io.emit(Namespace(0), "x", &(), expect(8), &mut out), full);
    assert_eq!((&io, out.written().len()), (&before, written));
    io.emit(Namespace(0), "x", &(), None, &mut out).unwrap();
    assert_eq!(io.replace_acks([AckSlot::EMPTY; 8]).unwrap().len(), 8);
    assert_eq!(io, before, "moved as they were");
}

#[test]
fn responses() {
    let response = Response { status: Status(200), fields: &[("A", b"b")], body: b"body" };
    let mut all = [0; 256];
    let needed = response.write(&mut all).unwrap();
    for size in 0..needed {
        assert_eq!(
            response.write(&mut vec![0; size]),
            Err(ResponseError::Capacity(sansocket::Capacity { needed, available: size }))
        );
    }
    for (name, value) in [("A", &b"b\r\nC: d"[..]), ("A", b"\0"), ("A b", b""), ("", b""), ("A:", b"")] {
        let response = Response { status: Status(200), fields: &[(name, value)], body: b"" };
        assert_eq!(response.write(&mut all), Err(ResponseError::Field), "{name:?} {value:?}");
    }
}
