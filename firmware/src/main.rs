//! One path of the crate, from opaque bytes to opaque bytes. It links only if the linker could drop the panic handler, which
//! calls a function that there is not.

#![no_std]
#![no_main]

#[cfg(target_arch = "arm")]
use cortex_m_rt::entry;
#[allow(unused_imports)]
use host::{byte, receive, send};
#[cfg(target_arch = "riscv32")]
use riscv_rt::entry;

// What the paths stand on: bytes that the compiler knows nothing of, or a server that says what is written.
#[cfg(any(feature = "drive-client", feature = "drive-io-client", feature = "loop-client"))]
#[allow(dead_code)]
mod board;
#[cfg(feature = "count")]
mod count;
#[cfg(feature = "count")]
mod count_events;
#[cfg(feature = "script")]
mod dialogues;
#[cfg(feature = "drive-client")]
mod drive_client;
#[cfg(feature = "drive-io-client")]
mod drive_io_client;
#[cfg_attr(feature = "script", path = "script.rs")]
#[allow(dead_code)]
mod host;
#[cfg(any(feature = "io-client", feature = "io-client-full"))]
mod io_client;
#[cfg(feature = "io-client-small")]
mod io_client_small;
#[cfg(feature = "loop-client")]
mod loop_client;
#[cfg(feature = "script")]
mod paint;
#[cfg(any(feature = "count", feature = "script"))]
mod semihosting;

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    #[cfg(feature = "script")]
    host::exit("a panic");
    #[cfg(feature = "count")]
    count::check(false);
    #[cfg(all(any(feature = "count", feature = "find"), not(feature = "script")))]
    loop {}
    #[cfg(not(any(feature = "count", feature = "find", feature = "script")))]
    {
        unsafe extern "C" {
            fn a_panic_is_reachable() -> !;
        }
        unsafe { a_panic_is_reachable() }
    }
}

#[entry]
fn main() -> ! {
    #[cfg(feature = "prove")]
    {
        let mut memory = [0; 8];
        let n = receive(&mut memory);
        let bytes = memory.get(..n).unwrap_or_default();
        send(&[bytes[1]]);
    }
    host::begin();
    loop {
        path();
        host::end();
    }
}

#[cfg(feature = "count")]
use count::path;
#[cfg(feature = "drive-client")]
use drive_client::path;
#[cfg(feature = "drive-io-client")]
use drive_io_client::path;
#[cfg(any(feature = "io-client", feature = "io-client-full"))]
use io_client::path;
#[cfg(feature = "io-client-small")]
use io_client_small::path;
#[cfg(feature = "loop-client")]
use loop_client::path;

#[cfg(not(any(
    feature = "frames",
    feature = "messages",
    feature = "inflate",
    feature = "messages-inflate",
    feature = "handshake",
    feature = "handshake-sha1",
    feature = "server",
    feature = "polling",
    feature = "typed",
    feature = "client",
    feature = "count",
    feature = "io-client",
    feature = "io-client-full",
    feature = "io-client-small",
    feature = "drive-client",
    feature = "drive-io-client",
    feature = "loop-client",
    feature = "deflate"
)))]
fn path() {
    let mut memory = [0; 512];
    let n = receive(&mut memory);
    send(memory.get(..n).unwrap_or_default());
}

/// The frame codec alone, a client's: pieces as they arrive, answered masked.
#[cfg(feature = "frames")]
fn path() {
    use sansocket::ws::{Connection, Event, Limits, Outbox};
    let mut ws = Connection::client(Limits::new());
    let mut rx = [0; 512];
    let mut tx = Outbox::with_keys([0; 512], || [byte(), byte(), byte(), byte()]);
    loop {
        let n = receive(&mut rx);
        let mut out = ws.out(&mut tx);
        let mut input = rx.get_mut(..n).unwrap_or_default();
        loop {
            match ws.poll_event(&mut input) {
                Ok(Some(Event::Chunk(c))) => drop(ws.send_chunk(c.kind(), c.as_bytes(), c.is_last(), &mut out)),
                Ok(None) => break,
                Ok(Some(_)) => {}
                Err(_) => return,
            }
        }
        send(tx.written());
        tx.consume(tx.held());
    }
}

/// Whole messages with everything: UTF-8, pong, close.
#[cfg(feature = "messages")]
fn path() {
    use sansocket::ws::{Connection, Inbox, Incoming, Limits, Outbox};
    let mut ws = Connection::client(Limits::new());
    let mut inbox = Inbox::new([0; 512]);
    let mut tx = Outbox::with_keys([0; 512], || [byte(), byte(), byte(), byte()]);
    loop {
        let mut out = ws.out(&mut tx);
        loop {
            match inbox.poll_message(&mut ws) {
                Ok(Some(Incoming::Message(m))) => drop(ws.send(m.kind(), m.as_bytes(), &mut out)),
                Ok(None) | Err(_) => break,
                Ok(Some(_)) => {}
            }
        }
        while let Ok(true) = ws.poll_transmit(&mut out) {}
        send(tx.written());
        tx.consume(tx.held());
        if ws.is_closed() {
            return;
        }
        let Ok(space) = inbox.space() else { return };
        let n = receive(space);
        inbox.commit(n);
    }
}

/// Compresses messages, with the smallest memory.
#[cfg(feature = "deflate")]
fn path() {
    use sansocket::deflate::{Deflate, Tier};
    let mut memory = [0; Tier::TINY.bytes()];
    let Ok(mut compressor) = Deflate::new(Tier::TINY, memory.as_mut_slice()) else { return };
    let (mut rx, mut tx) = ([0; 512], [0; 512]);
    loop {
        let n = receive(&mut rx);
        let Ok(n) = compressor.compress(rx.get(..n).unwrap_or_default(), true, &mut tx) else { continue };
        send(tx.get(..n).unwrap_or_default());
    }
}

/// The inflater alone.
#[cfg(feature = "inflate")]
fn path() {
    use sansocket::deflate::{Inflate, InflateStatus};
    let mut inflate = Inflate::new(9);
    let (mut rx, mut memory, mut end) = ([0; 128], [0; 1024], 0);
    loop {
        let n = receive(&mut rx);
        let mut input = rx.get(..n).unwrap_or_default();
        loop {
            match inflate.inflate(&mut input, &mut memory, &mut end) {
                Ok(InflateStatus::NeedsInput) => break,
                Ok(_) => {
                    send(memory.get(..end).unwrap_or_default());
                    end = 0;
                }
                Err(_) => return,
            }
        }
    }
}

/// As `messages`, with compression for what is received.
#[cfg(feature = "messages-inflate")]
fn path() {
    use sansocket::ws::{Compression, Connection, Inbox, Incoming, Inflating, Limits, Outbox};
    let offer: [(&[u8], &[u8]); 1] = [(b"sec-websocket-extensions", b"permessage-deflate; client_max_window_bits")];
    let agreed = Compression::new().receive_window_bits(9).accept(offer);
    let mut ws = Connection::client(Limits::new()).with_compression(agreed);
    let Ok(storage) = Inflating::new([0; 512], [0; 1024], agreed) else { return };
    let mut inbox = Inbox::new(storage);
    let mut tx = Outbox::with_keys([0; 512], || [byte(), byte(), byte(), byte()]);
    loop {
        let mut out = ws.out(&mut tx);
        loop {
            match inbox.poll_message(&mut ws) {
                Ok(Some(Incoming::Message(m))) => drop(ws.send(m.kind(), m.as_bytes(), &mut out)),
                Ok(None) | Err(_) => break,
                Ok(Some(_)) => {}
            }
        }
        while let Ok(true) = ws.poll_transmit(&mut out) {}
        send(tx.written());
        tx.consume(tx.held());
        if ws.is_closed() {
            return;
        }
        let Ok(space) = inbox.space() else { return };
        let n = receive(space);
        inbox.commit(n);
    }
}

/// A request and the answer that opens a WebSocket.
#[cfg(any(feature = "handshake", feature = "handshake-sha1"))]
fn path() {
    use sansocket::{http, ws};
    let (mut rx, mut tx) = ([0; 1024], [0; 512]);
    let mut head = http::HeadScanner::new(http::Limits::new());
    let mut len = 0;
    let n = loop {
        let space = rx.get_mut(len..).unwrap_or_default();
        len = (len + receive(space)).min(1024);
        match head.scan(rx.get(..len).unwrap_or_default()) {
            Ok(Some(n)) => break n,
            Ok(None) => {}
            Err(_) => return,
        }
    };
    let Ok(request) = http::Request::parse(rx.get(..n).unwrap_or_default()) else { return };
    let written = match ws::Accept::check(&request) {
        #[cfg(feature = "handshake-sha1")]
        Ok(accept) => accept.write(&[], &mut tx).unwrap_or(0),
        #[cfg(not(feature = "handshake-sha1"))]
        Ok(accept) => accept.write_with(|text| [text.iter().fold(0, |a, b| a ^ b); 20], &[], &mut tx).unwrap_or(0),
        Err(e) => ws::refuse(e, &mut tx).unwrap_or(0),
    };
    send(tx.get(..written).unwrap_or_default());
}

/// A Socket.IO server, from the first frame to a broadcast.
#[cfg(feature = "server")]
fn path() {
    use sansocket::{
        engineio::{
            Sid,
            server::{Config, Session},
        },
        socketio::{
            self, AckSlot, Binary, Collector, ExpectAck, Flags, HandlerSlot, Handlers, Namespace, Policy, Queue,
            QueueSlot,
            server::{
                Event, Session as Io,
                rooms::{Member, RoomSlot, Rooms, Storage, Target},
            },
        },
        time::Instant,
        ws::{Connection, Inbox, Limits, Out},
    };
    const NAMES: [&str; 1] = ["/"];
    const ROOT: Namespace = Namespace(0);
    let random = || core::array::from_fn(|_| byte());
    let now = || Instant::from_millis(u64::from(byte()) << 16);
    let mut ws = Connection::server(Limits::new());
    let mut inbox = Inbox::new([0; 512]);
    let mut engine = Session::open(Sid::from_random(random()), Config::new(), now());
    let mut io = Io::new(NAMES, [AckSlot::EMPTY; 4], now());
    let mut rooms = Rooms::new(Storage { slots: [RoomSlot::EMPTY; 32], name_bytes: [0; 64] }, [7, 8]);
    let (mut tx, mut stored) = ([0; 512], [0; 256]);
    let mut collector = Collector::new([0; 128]);
    let mut handlers = Handlers::<u8, _>::new([const { HandlerSlot::EMPTY }; 4]);
    let _ = (handlers.on("join", byte()), handlers.once("say", byte()), handlers.on_any(byte()));
    let mut queue = Queue::new([const { QueueSlot::EMPTY }; 4], 64, Policy::DropVolatile);
    loop {
        let mut out = ws.out(&mut tx);
        while let Ok(Some(event)) = engine.poll_event(&mut inbox, &mut ws, now()) {
            let member = Member(u32::from(byte()));
            let event = match io.handle_event(event) {
                Ok(event) => event,
                Err(_) => {
                    engine.close();
                    continue;
                }
            };
            let Ok(Some((event, attachments))) = collector.collect(event) else { continue };
            if let Event::Event(e) = &event {
                let mut call = handlers.call();
                while let Some(handler) = handlers.next(&mut call, e) {
                    send(&[handler]);
                }
                handlers.off("say");
            }
            match event {
                Event::Connect { namespace, .. } => {
                    let _ = rooms.enter(namespace, member);
                    let _ = io.accept(namespace, socketio::Sid::from_random(random()), &mut out);
                }
                Event::UnknownNamespace { name } => drop(io.refuse_unknown(name, &mut out)),
                Event::Event(e) => {
                    if e.is("join")
                        && let Some(room) = e.args().next().and_then(|a| a.as_str())
                    {
                        let _ = rooms.join(ROOT, member, room.escaped());
                        let _ = rooms.sockets_join(ROOT, &Target::all(), room.escaped());
                        rooms.sockets_leave(ROOT, &Target::all(), b"lobby");
                    }
                    let mut packet = Out::stored(&mut stored);
                    let _ = socketio::server::broadcast(&NAMES, ROOT, "said", &e.args(), None, &mut packet);
                    let expect = ExpectAck { token: 1, deadline: Some(now()) };
                    let _ = io.emit(ROOT, "file", &Binary(e.args(), attachments), Some(expect), &mut out);
                    for reached in rooms.select(ROOT, &Target::all().to(&[b"lobby"]).not(member)) {
                        send(&reached.0.to_le_bytes());
                        let _ = queue.push(b"packet".as_slice(), Flags::NONE.volatile(), true);
                        queue.slices().for_each(send);
                        queue.consume(usize::from(byte()));
                        send(packet.written());
                    }
                    if let Some(request) = e.ack {
                        let _ = io.ack(request, &"ok", &mut out);
                    }
                }
                Event::Closed(_) => rooms.leave_all(ROOT, member),
                _ => {}
            }
        }
        let _ = (io.handle_timeout(now()), engine.handle_timeout(now()));
        while let Ok(true) = engine.poll_transmit(&mut out) {}
        while let Ok(true) = ws.poll_transmit(&mut out) {}
        send(out.written());
        if engine.is_closed() {
            return;
        }
        let Ok(space) = inbox.space() else { return };
        let n = receive(space);
        inbox.commit(n);
    }
}

/// A session over polling, from the body of a POST to the answer of a GET, and its move to a WebSocket.
#[cfg(feature = "polling")]
fn path() {
    use sansocket::{
        engineio::{
            Event, Packets, Payload, Sid,
            server::{Config, Probe, Probed, Session},
        },
        http::{Body, BodyDecoder},
        time::Instant,
        ws::{Connection, Inbox, Limits, Out},
    };
    let now = || Instant::from_millis(u64::from(byte()) << 8);
    let mut engine = Session::open_polling(Sid::from_random(core::array::from_fn(|_| byte())), Config::new(), now());
    let (mut queue, mut memory, mut rx) = ([0; 512], [0; 512], [0; 512]);
    let mut ws = Connection::server(Limits::new());
    let mut inbox = Inbox::new([0; 64]);
    let mut probe = None;
    let mut out = Out::stored(&mut queue);
    loop {
        let n = receive(&mut rx);
        let mut input = rx.get_mut(..n).unwrap_or_default();
        let mut body = BodyDecoder::new(if byte() == 0 { Body::Chunked } else { Body::Length(u64::from(byte())) }, 512);
        let is_begun = engine.begin_post().is_ok();
        while is_begun && let Ok(Some(piece)) = body.poll_piece(&mut input) {
            let mut packets = Packets::new(piece);
            while let Some(event) = engine.poll_post(&mut packets, now()) {
                if let Event::Message(message) = event {
                    let _ = engine.send(message, &mut out);
                }
            }
        }
        let _ = (engine.begin_poll(now()), engine.handle_timeout(now()));
        while let Ok(true) = engine.poll_transmit(&mut out) {}
        let mut payload = Payload::new(&mut memory);
        let _ = payload.push_frames(out.written());
        send(payload.written());
        out.clear();
        engine.end_poll();
        if probe.is_none() {
            probe = Probe::begin(&mut engine, now());
        }
        if let Some(probe) = &mut probe {
            if let Ok(space) = inbox.space() {
                let n = receive(space);
                inbox.commit(n);
            }
            let probed = probe.poll(&mut engine, &mut inbox, &mut ws);
            let mut out = ws.out(&mut memory);
            while let Ok(true) = probe.poll_transmit(&mut out) {}
            while let Ok(true) = ws.poll_transmit(&mut out) {}
            send(out.written());
            if probed == Ok(Probed::Upgraded) || probe.handle_timeout(now(), &mut engine, &mut ws).is_some() {
                return;
            }
        }
    }
}

/// A WebSocket client, from its URL to messages with deadlines.
#[cfg(feature = "client")]
fn path() {
    use sansocket::{
        http::{HeadScanner, Limits as HeadLimits, ResponseHead, Url},
        time::Instant,
        ws::{Connect, Connection, Inbox, Incoming, KeepAlive, Limits, Outbox, Timeouts},
    };
    let now = || Instant::from_millis(u64::from(byte()) << 8);
    let (mut text, mut tx) = ([0; 128], [0; 512]);
    let n = receive(&mut text);
    let Ok(url) = core::str::from_utf8(text.get(..n).unwrap_or_default()) else { return };
    let Ok(url) = Url::parse(url) else { return };
    let connect = Connect::for_url(&url, core::array::from_fn(|_| byte())).protocols(&["a"]).bearer("token");
    let Ok(n) = connect.write(&mut tx) else { return };
    send(tx.get(..n).unwrap_or_default());
    let mut inbox = Inbox::new([0; 512]);
    let mut head = HeadScanner::response(HeadLimits::new());
    let mut keep = KeepAlive::new(Timeouts::new(), now());
    loop {
        let Ok(space) = inbox.space() else { return };
        let n = receive(space);
        inbox.commit(n);
        let Ok(end) = head.scan(inbox.bytes()) else { return };
        let Some(n) = end else { continue };
        let Ok(response) = ResponseHead::parse(inbox.bytes().get_mut(..n).unwrap_or_default()) else { return };
        #[cfg(feature = "client-sha1")]
        let opened = connect.check(&response).map(|opened| opened.is_some());
        #[cfg(not(feature = "client-sha1"))]
        let opened = connect.check_with(|text| [text.iter().fold(0, |a, b| a ^ b); 20], &response).map(|o| o.is_some());
        inbox.consume(n);
        match opened {
            Ok(true) => break,
            Ok(false) => head = HeadScanner::response(HeadLimits::new()),
            Err(_) => return,
        }
    }
    let mut ws = Connection::client(Limits::new());
    let mut tx = Outbox::with_keys(&mut tx, || [byte(), byte(), byte(), byte()]);
    keep.opened(now());
    loop {
        let mut out = ws.out(&mut tx);
        loop {
            match inbox.poll_message(&mut ws) {
                Ok(Some(Incoming::Message(m))) => drop(ws.send(m.kind(), m.as_bytes(), &mut out)),
                Ok(Some(Incoming::Pong(pong))) => keep.handle_pong(&pong),
                Ok(None) | Err(_) => break,
                Ok(Some(_)) => {}
            }
        }
        let _ = keep.handle_timeout(now(), &mut ws);
        while let Ok(true) = keep.poll_transmit(&mut ws, &mut out) {}
        while let Ok(true) = ws.poll_transmit(&mut out) {}
        send(tx.written());
        tx.consume(tx.held());
        if ws.is_closed() {
            return;
        }
        let Ok(space) = inbox.space() else { return };
        let n = receive(space);
        inbox.commit(n);
        keep.handle_input(now());
    }
}

/// Sizes of the machines on this target, as the sizes of symbols.
mod sizes {
    use sansocket::{
        endpoint::client::{ClientEnd, Config, FullLink, WebSocketLink},
        engineio,
        socketio::{
            self,
            client::{Session as Io, SocketSlot},
        },
        ws,
    };
    #[used]
    static SIZE_WS_CONNECTION: [u8; size_of::<ws::Connection<ws::Server>>()] = [0; _];
    #[used]
    static SIZE_WS_INBOX_STATE: [u8; size_of::<ws::Inbox<[u8; 0]>>()] = [0; _];
    #[used]
    static SIZE_WS_KEEP_ALIVE: [u8; size_of::<ws::KeepAlive>()] = [0; _];
    #[used]
    static SIZE_ENGINEIO_SESSION: [u8; size_of::<engineio::server::Session>()] = [0; _];
    #[used]
    static SIZE_CLIENT_LINK: [u8; size_of::<WebSocketLink<'static>>()] = [0; _];
    #[used]
    static SIZE_CLIENT_FULL_LINK: [u8; size_of::<FullLink<'static>>()] = [0; _];
    #[used]
    static SIZE_CLIENT_CONFIG: [u8; size_of::<Config<'static>>()] = [0; _];
    #[used]
    static SIZE_SOCKETIO_CLIENT: [u8; size_of::<Io<[&'static str; 1], [socketio::AckSlot; 1], [SocketSlot; 1]>>()] =
        [0; _];
    #[used]
    static SIZE_CLIENT_END: [u8; size_of::<
        ClientEnd<WebSocketLink<'static>, [&'static str; 1], [socketio::AckSlot; 1], [SocketSlot; 1], [u8; 0]>,
    >()] = [0; _];
    #[used]
    static SIZE_SOCKETIO_SERVER_8_ACKS: [u8; size_of::<socketio::server::Session<&'static [&'static str]>>()] = [0; _];
    #[used]
    static SIZE_SOCKETIO_SERVER: [u8; size_of::<
        socketio::server::Session<&'static [&'static str], [socketio::AckSlot; 0]>,
    >()] = [0; _];
}

/// JSON read into a type and written from it.
#[cfg(feature = "typed")]
fn path() {
    use sansocket::{
        bytes::Writer,
        json::{Args, Array, Json},
    };
    #[derive(serde::Serialize, serde::Deserialize)]
    struct Said<'t> {
        user: &'t str,
        text: &'t str,
        n: u32,
    }
    let (mut rx, mut lent, mut tx) = ([0; 512], [0; 256], [0; 256]);
    let n = receive(&mut rx);
    let Ok(array) = Array::parse(rx.get(..n).unwrap_or_default()) else { return };
    let Some(value) = array.rest().next() else { return };
    let Ok(said) = value.deserialize::<Said<'_>>(&mut lent) else { return };
    let mut out = Writer::new(&mut tx);
    let _ = Json(&said).write(&mut out);
    if let Ok(written) = out.finish() {
        send(written);
    }
}
