//! The core allocates nothing, from the first byte of a request to the last of a close frame, whoever reads.

use sansocket::{
    endpoint::client::{ClientEnd, Config as At, FullLink, Line, Link, Memory, Step, WebSocketLink},
    engineio::{
        self, Packets, Payload, Sid, Transport,
        server::{Config, Cors, Origins, Probe, Probed, Route, Session},
    },
    http::{self, Body, BodyDecoder, Method},
    json::Json,
    socketio::{
        self, AckSlot, Binary, Collector, ExpectAck, Flags, HandlerSlot, Handlers, Namespace, Policy, Pushed, Queue,
        QueueSlot,
        client::{Event as Told, SocketSlot},
        server::{
            AckIds, AskedSlot, BroadcastAcks, Event, Session as Io,
            rooms::{Member, RoomSlot, Rooms, Storage, Target},
        },
    },
    time::Instant,
    ws::{self, Accept, Client, CloseCode, Connect, Connection, Inbox, Incoming, Kind, Limits, Out, Outbox},
};
use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
};

struct Counting;

thread_local!(static ALLOCATIONS: Cell<usize> = const { Cell::new(0) });

// SAFETY: hands everything on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn read(inbox: &mut Inbox<[u8; 512]>, bytes: &[u8]) {
    let space = inbox.space().unwrap();
    space[..bytes.len()].copy_from_slice(bytes);
    inbox.commit(bytes.len());
}

#[test]
fn none_from_the_first_byte_to_the_last() {
    // The counter counts.
    let before = ALLOCATIONS.get();
    drop(std::hint::black_box(vec![1]));
    assert_eq!(ALLOCATIONS.get(), before + 1);

    let before = ALLOCATIONS.get();
    let (mut tx, mut rx) = ([0; 512], [0; 512]);
    let mut served = Inbox::new([0; 512]);
    read(
        &mut served,
        b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
    );
    let n = http::HeadScanner::new(http::Limits::new()).scan(served.bytes()).unwrap().unwrap();
    let n = {
        let request = http::Request::parse(&served.bytes()[..n]).unwrap();
        assert!(Accept::check(&request).unwrap().write(&[], &mut tx).unwrap() > 0);
        n
    };
    served.consume(n);

    // A client and a server, over a wire that is an array.
    let keys = || [1, 2, 3, 4];
    let mut client = Connection::<Client>::client(Limits::new());
    let mut server = Connection::<ws::Server>::server(Limits::new());
    let mut engine = Session::open(Sid::from_random([0; 15]), Config::new(), Instant::from_millis(0));
    let mut io = Io::new(["/"], [AckSlot::EMPTY; 2], Instant::from_millis(1000));
    let mut rooms = Rooms::new(Storage { slots: [RoomSlot::EMPTY; 16], name_bytes: [0; 64] }, [1, 2]);
    let mut heard = Inbox::new([0; 512]);
    let mut collector = Collector::new([0; 128]);
    let mut handlers = Handlers::<u8, _>::new([const { HandlerSlot::EMPTY }; 4]);
    handlers.once("say", 1).unwrap();
    handlers.on("file", 2).unwrap();
    let mut queue = Queue::new([QueueSlot::<&[u8]>::EMPTY; 4], 64, Policy::DropVolatile);
    let mut asked =
        BroadcastAcks::new(Namespace(0), AckIds::new().next_id(), Instant::from_millis(9), [AskedSlot::EMPTY; 4]);
    let sends: [&[(Kind, &[u8])]; 5] = [
        &[(Kind::Text, b"40")],
        &[(Kind::Text, br#"421["say",{"text":"hello \u00e9"}]"#)],
        &[(Kind::Text, br#"451-["file",[{"_placeholder":true,"num":0}]]"#), (Kind::Binary, b"\x01\x02\x03")],
        &[(Kind::Text, b"430[true]")],
        &[(Kind::Text, b"41")],
    ];
    let mut told = 0;
    for (turn, messages) in sends.into_iter().enumerate() {
        let mut outbox = Outbox::with_keys(&mut tx, keys);
        let mut out = client.out(&mut outbox);
        if turn == 1 {
            client.ping(b"ping", &mut out).unwrap();
            let text = messages[0].1;
            client.send_chunk(Kind::Text, &text[..9], false, &mut out).unwrap();
            client.send_chunk(Kind::Text, &text[9..], true, &mut out).unwrap();
        } else {
            for (kind, bytes) in messages {
                client.send(*kind, bytes, &mut out).unwrap();
            }
        }
        if turn == 4 {
            client.close(CloseCode::NORMAL, "bye").unwrap();
            client.poll_transmit(&mut out).unwrap();
        }
        read(&mut served, out.written());
        let mut out = server.out(&mut rx);
        while engine.poll_transmit(&mut out).unwrap() {}
        while let Some(event) = engine.poll_event(&mut served, &mut server, Instant::from_millis(1)).unwrap() {
            let event = io.handle_event(event).unwrap();
            let Some((event, attachments)) = collector.collect(event).unwrap() else { continue };
            if let Event::Event(e) = &event {
                let mut call = handlers.call();
                while let Some(handler) = handlers.next(&mut call, e) {
                    told += usize::from(handler);
                }
            }
            match event {
                Event::Connect { namespace, .. } => {
                    rooms.join(namespace, Member(1), b"lobby").unwrap();
                    io.accept(namespace, sansocket::socketio::Sid::from_random([1; 15]), &mut out).unwrap();
                }
                Event::Event(e) if e.is("file") => {
                    let expect = ExpectAck { token: 5, deadline: Some(Instant::from_millis(500)) };
                    io.emit(Namespace(0), "back", &Binary(e.args(), attachments), Some(expect), &mut out).unwrap();
                }
                Event::Ack(answer) => {
                    assert_eq!(answer.token, Some(5));
                    asked.ask(Member(1)).unwrap();
                    assert!(!asked.answered(Namespace(0), Member(1), answer.id));
                    assert_eq!(queue.push(b"packet", Flags::NONE, true), Pushed::Queued);
                    queue.consume(queue.bytes());
                }
                Event::Event(e) => {
                    let said = e.args().next().and_then(|a| a.get("text")).and_then(|t| t.as_str()).unwrap();
                    let mut memory = [0; 32];
                    let said = said.unescape_into(&mut memory).unwrap();
                    let mut packet = [0; 128];
                    let mut packet = Out::stored(&mut packet);
                    socketio::server::broadcast(&["/"], Namespace(0), "said", &(said, Json(7)), None, &mut packet)
                        .unwrap();
                    for _ in rooms.select(Namespace(0), &Target::all().to(&[b"lobby"])) {
                        told += packet.written().len();
                    }
                    io.ack(e.ack.unwrap(), &(), &mut out).unwrap();
                }
                _ => {}
            }
        }
        while server.poll_transmit(&mut out).unwrap() {}
        read(&mut heard, out.written());
        while let Some(incoming) = heard.poll_message(&mut client).unwrap() {
            told += usize::from(matches!(incoming, Incoming::Message(_) | Incoming::Pong(_) | Incoming::Close(_)));
        }
    }
    assert!(server.is_closed() && client.is_closed());
    assert_eq!(ALLOCATIONS.get() - before, 0, "allocations by the core");
    assert!(told > 5);
}

/// A client's handshake, polling from both sides, and the move to a WebSocket.
#[test]
fn none_over_polling() {
    let at = Instant::from_millis;
    let before = ALLOCATIONS.get();
    let mut tx = [0; 512];

    let url = http::Url::parse("ws://[::1]:3000/socket.io/?EIO=4&transport=websocket").unwrap();
    let connect = Connect::for_url(&url, *b"the sample nonce").protocols(&["a", "b"]).basic("user", "password");
    let n = connect.write(&mut tx).unwrap();
    assert!(http::HeadScanner::new(http::Limits::new()).scan(&tx[..n]).unwrap().is_some());
    let mut answer = *b"HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
    assert!(connect.check(&http::ResponseHead::parse(&mut answer).unwrap()).unwrap().is_some());

    let query = b"EIO=4&transport=polling&sid=x";
    assert_eq!(engineio::server::route(Method::Get, query, false, |_| Some(Transport::Polling)), Ok(Route::Poll(b"x")));
    assert!(Cors::new(Origins::Any).preflight(Some(b"http://a"), None).is_some());
    let mut engine = Session::open_polling(Sid::from_random([0; 15]), Config::new(), at(0));
    let mut io = Io::new(["/"], [AckSlot::EMPTY; 2], at(1000));
    let mut collector = Collector::new([0; 64]);
    let mut queue = [0; 512];
    let mut out = Out::stored(&mut queue);
    while engine.poll_transmit(&mut out).unwrap() {}
    let mut chunked = *b"55\r\n40\x1e451-0[\"file\",{\"_placeholder\":true,\"num\":0}]\x1ebAQIDBA==\x1e420[\"a\"]\x1e421[\"b\"]\x1e3\x1e420[\"c\"]\r\n0\r\n\r\n";
    let mut input = &mut chunked[..];
    let mut body = BodyDecoder::new(Body::Chunked, 1000);
    engine.begin_post().unwrap();
    let mut heard = 0;
    while let Some(piece) = body.poll_piece(&mut input).unwrap() {
        let mut packets = Packets::new(piece);
        while let Some(event) = engine.poll_post(&mut packets, at(1)) {
            let event = io.handle_event(event).unwrap();
            let Some((event, files)) = collector.collect(event).unwrap() else { continue };
            match event {
                Event::Connect { namespace, .. } => {
                    io.accept(namespace, sansocket::socketio::Sid::from_random([1; 15]), &mut out).unwrap();
                }
                Event::Event(e) => {
                    heard += 1;
                    io.ack(e.ack.unwrap(), &Binary(e.args(), files), &mut out).unwrap();
                }
                _ => {}
            }
        }
    }
    assert!(body.is_complete() && heard == 4);
    let mut memory = [0; 512];
    let mut payload = Payload::new(&mut memory);
    assert_eq!(payload.push_frames(out.written()).unwrap(), out.written().len());
    assert!(payload.written().ends_with(b"430[]"));
    engine.end_poll();

    let mut ws = Connection::<ws::Server>::server(Limits::new());
    let mut inbox = Inbox::new([0; 512]);
    let mut probe = Probe::begin(&mut engine, at(2)).unwrap();
    read(&mut inbox, b"\x81\x81\0\0\0\x005");
    assert_eq!(probe.poll(&mut engine, &mut inbox, &mut ws), Ok(Probed::Failed), "without a probe");
    let mut ws = Connection::<ws::Server>::server(Limits::new());
    let mut inbox = Inbox::new([0; 512]);
    let mut probe = Probe::begin(&mut engine, at(2)).unwrap();
    read(&mut inbox, b"\x81\x86\0\0\0\x002probe");
    assert_eq!(probe.poll(&mut engine, &mut inbox, &mut ws), Ok(Probed::Pending));
    while probe.poll_transmit(&mut ws.out(&mut tx)).unwrap() {}
    read(&mut inbox, b"\x81\x81\0\0\0\x005");
    assert_eq!(probe.poll(&mut engine, &mut inbox, &mut ws), Ok(Probed::Upgraded));
    assert_eq!(ALLOCATIONS.get() - before, 0, "allocations by the core");
}

/// Plays a client against what a server says, one piece a turn. Returns how much it told the application.
fn play<L: Link>(link: L, says: &[(Line, Vec<u8>)]) -> usize {
    let memory = Memory { acks: [AckSlot::EMPTY; 2], sockets: [SocketSlot::EMPTY; 1], backlog: [0; 256] };
    let mut client = ClientEnd::new(link, ["/"], memory, 1);
    let mut inboxes = [const { Inbox::new([0; 512]) }; Line::COUNT];
    let mut outboxes = [(); Line::COUNT].map(|()| Outbox::with_keys([0; 512], || [1, 2, 3, 4]));
    let mut files = Collector::new([0; 64]);
    let (mut told, mut now) = (0, 0);
    client.connect(Namespace(0), Instant::from_millis(0)).unwrap();
    client.emit(Namespace(0), "hello", &("waits", 1)).unwrap();
    for said in std::iter::once(None).chain(says.iter().map(Some)) {
        if let Some((line, bytes)) = said {
            let inbox = &mut inboxes[*line as usize];
            let space = inbox.space().unwrap();
            space[..bytes.len()].copy_from_slice(bytes);
            inbox.commit(bytes.len());
        }
        // Long enough for the next attempt.
        now += 2000;
        let now = Instant::from_millis(now);
        for _ in 0..2 {
            for line in Line::ALL {
                loop {
                    let step = match client.poll(line, &mut inboxes[line as usize], &mut files, now).unwrap() {
                        Step::Idle => client.handle_timeout(now),
                        step => step,
                    };
                    match step {
                        Step::Idle => break,
                        Step::Open(line) => {
                            client.opened(
                                line,
                                &mut inboxes[line as usize],
                                &mut outboxes[line as usize],
                                *b"the sample nonce",
                            );
                            break;
                        }
                        Step::Event(Told::Event(e), files) => {
                            told += 1;
                            client.ack(e.ack.unwrap(), &Binary((e.args(), Json(7)), files)).unwrap();
                            let how = sansocket::endpoint::client::Emit::new().ask(1, None);
                            assert!(client.emit_with(Namespace(0), "reading", &1, how).unwrap());
                        }
                        Step::Event(Told::Ack(answer), _) => told += 10 * usize::from(answer.token == Some(1)),
                        Step::Event(Told::Disconnected { .. }, _) => told += 100,
                        Step::Over(_) => told += 1000,
                        Step::Failed { .. } => told += 10_000,
                        _ => {}
                    }
                }
            }
            for line in Line::ALL {
                client.transmit(line, &mut outboxes[line as usize], now).unwrap();
                outboxes[line as usize].consume(usize::MAX);
            }
        }
    }
    told
}

/// The client over each of its links.
#[test]
fn none_by_a_client() {
    const OPEN: &str = r#"0{"sid":"a","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":100000}"#;
    let frame = |first: u8, payload: &[u8]| [&[first, payload.len() as u8], payload].concat();
    let text = |text: &str| frame(0x81, text.as_bytes());
    let hello = "HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
    let question = r#"451-1["question",{"_placeholder":true,"num":0}]"#;
    let http = |body: &str| format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len()).into_bytes();
    let (ws, get, post) = (Line::WebSocket, Line::Get, Line::Post);
    let over_websocket = [
        (ws, [hello.as_bytes(), &text(OPEN)].concat()),
        (ws, text("40{\"sid\":\"b\",\"pid\":\"c\"}")),
        (ws, [text(question), frame(0x82, b"\x01\x02"), text("2")].concat()),
        (ws, text("430[\"ok\"]")),
        (ws, text("41")),
        (ws, frame(0x88, b"")),
    ];
    let over_polling = [
        (get, http(OPEN)),
        (post, http("ok")),
        (get, http("40{\"sid\":\"b\"}")),
        (post, http("ok")),
        (get, http(&format!("{question}\x1ebAQI=\x1e2"))),
        (post, http("ok")),
        (get, http("430[\"ok\"]\x1e41")),
        (post, http("ok")),
        (get, http("6")),
        (post, http("ok")),
    ];
    let config = At::parse("http://[::1]:3000").unwrap();
    let polling = config.transports(&[Transport::Polling]);
    let before = ALLOCATIONS.get();
    let told = [play(WebSocketLink::new(&config), &over_websocket), play(FullLink::new(&polling), &over_polling)];
    assert_eq!(ALLOCATIONS.get() - before, 0, "allocations by the core");
    assert_eq!(told, [1111; 2]);
}
