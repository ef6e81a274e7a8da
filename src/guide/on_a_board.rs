//! On a board: how much memory, what is left out when it is short, watchdogs, sleep, and how to try your firmware in QEMU. [`boards`](super::boards) has the
//! figures.
//!
//! `examples/firmware` in the repository has a complete client on a board, with its clock, its serial line and a script that tries it in QEMU against real servers. Read its
//! README if you want to begin with something that runs.
//!
//! # How large the buffers are
//!
//! | memory | its size |
//! |---|---|
//! | inbox, Socket.IO client | the largest message that you want to take, and 4 bytes of its header (2 up to 125 bytes). It must also hold the head of the answer to the handshake: 129 bytes from the server on Node, more from proxies. 512 is a good beginning |
//! | inbox, Socket.IO server | as above with 8 bytes for the header, since clients mask; and the head of the request, about 600 bytes from a browser. 1024 |
//! | outbox | the largest packet that you send, and 8 bytes; the request of the handshake, which is 170 bytes, the host and the path. 256 |
//! | [`AckSlot`](crate::socketio::AckSlot) | 32 bytes for each acknowledgement that you wait for at a time. 1 for a board that sends its readings one by one |
//! | backlog of a [`ClientEnd`](crate::endpoint::client::ClientEnd) | what may wait while there is no connection, and 16 bytes for each event. 0 if old readings are of no use |
//! | attachments | none if you take them one by one, as the example does. A [`Collector`](crate::socketio::Collector) holds all of an event |
//!
//! # What each part costs
//!
//! Flash on a Cortex-M4 at `opt-level = "z"`, each row over the one that it names; and the state that it keeps, without the memory above.
//!
//! | part | flash, bytes | RAM, bytes |
//! |---|---|---|
//! | WebSocket in pieces | 3,400 | 232 |
//! | whole messages in one memory, over that | 1,100 | 24 |
//! | URL, handshake and deadlines of a client, over that | 7,400 | 56 |
//! | receiving compressed messages, over whole messages | 7,200 | 1,400; the window and a quarter more, 320 (256 bytes) to 40,960 (32 KiB), and room for a message |
//! | compressing what is sent (`deflate::Tier::TINY`) | 3,000 | 2,048 |
//! | Socket.IO client of a link and a session, in all | 28,000 | 450 and 80; 80 for each namespace, 32 for each acknowledgement |
//! | what waits, retries, attachments (`ClientEnd`), over that | 9,800 | 250 |
//! | polling besides, over that | 11,400 | 160, and two more lines with their buffers |
//! | awaiting (`drive`), over a `ClientEnd` | 5,100 | 144 for the future that waits |
//! | Socket.IO server with rooms, in all | 24,700 | 160 for each connection; 32 for each room, member and membership |
//! | a SHA-1 by hand; by sha1_smol (feature `sha1`) | 680; 3,000 | 180 of stack |
//! | features `log` and `defmt`, when they are off | 0 | 0 |
//!
//! The complete program `examples/firmware/client`, with its SHA-1, the driver of a serial line and its modem, needs 32,500 bytes of flash on a Cortex-M3, 33,600 as code for a
//! Cortex-M0 and 38,800 on a RISC-V. Its static memory is 1,292 bytes, 1,280 of which are the two buffers; its stack 1,780 to 2,020, with all machines on it, measured by painting.
//!
//! `examples/firmware/compressed` is a WebSocket client that compresses both ways, with a window of 256 bytes for what it sends and one of 512 for what it receives. It needs 27,500
//! bytes of flash on a Cortex-M3, 5,260 of static memory and 4,570 of stack. Its readings, each like the one before, are a fifth of their text on the wire.
//!
//! # When memory is short
//!
//! From the largest step to the smallest:
//!
//! - Take a [`Link`](crate::endpoint::client::Link) and a [`Session`](crate::socketio::client::Session) instead of a
//!   [`ClientEnd`](crate::endpoint::client::ClientEnd): 10 KB of flash and 700 bytes less, and nothing waits while there is no connection.
//! - Take messages in parts ([`ws::Connection::poll_event`](crate::ws::Connection::poll_event)): 64 bytes are enough to receive. For plain WebSocket; Socket.IO
//!   needs whole packets.
//! - Leave out messages that do not fit: [`Link::skip_message`](crate::endpoint::client::Link::skip_message), and the method of that name of a
//!   client, a driver or [`ws::Inbox::skip_message`](crate::ws::Inbox::skip_message). Or set [`Config::limits`](crate::endpoint::client::Config::limits) below the size of the inbox:
//!   then a message that is too large ends the connection with the close code 1009, and the client connects again. Skip what you can do without; set the limit
//!   where a missing message would leave you in a wrong state.
//! - Write numbers yourself: [`Args`](crate::json::Args) for a type of your own, with [`Writer::decimal`](crate::bytes::Writer::decimal), needs less flash than
//!   [`Json`](crate::json::Json), and nothing of `core::fmt`.
//! - Leave out `default-features`, and bring the SHA-1 of your chip, or one of 676 bytes (`examples/firmware/board/src/sha1.rs`).
//! - Do not format errors. `Display` of [`Failure`](crate::endpoint::client::Failure) brings its sentences and `core::fmt`, some kilobytes. The feature `defmt`
//!   leaves the sentences on the developer's machine.
//! - One buffer for two things: while an inbox holds nothing, its memory can be lent to something else ([`memory`](super::memory)).
//!
//! # What to watch
//!
//! A watchdog is fed where the loop comes round, and nowhere else. The calls of this crate do not wait, and what they cost is bounded by the size of your memory. Two
//! things in the loop can take long, and they are yours: a write to a transport that takes nothing, and a dial. Give both a limit that is shorter than the
//! watchdog's, and report a failure by `handle_error` when it has passed.
//!
//! A connection that is silent is not the watchdog's business. A server of Engine.IO sends a ping every 25 s, and the client ends the session if it does not come
//! within 20 s more. For plain WebSocket put a [`KeepAlive`](crate::ws::KeepAlive) beside the connection.
//!
//! # How long one may sleep
//!
//! Until the least `poll_timeout` of all machines, and until bytes come. There is no other work in between. So with a server that pings every 25 s the processor
//! wakes once in 25 s, and once for each message and reading.
//!
//! ```
//! use sansocket::{
//!     endpoint::client::{Config, Link, WebSocketLink},
//!     socketio::{AckSlot, client::{Session, SocketSlot}},
//!     time::Instant,
//! };
//!
//! /// When the processor has to wake, if no byte wakes it before. `own`: the deadlines of the application.
//! fn alarm(link: &WebSocketLink<'_>, io: &Session<[&'static str; 1], [AckSlot; 1], [SocketSlot; 1]>, own: Option<Instant>) -> Option<Instant> {
//!     [link.poll_timeout(), io.poll_timeout(), own].into_iter().flatten().min()
//! }
//!
//! # let config = Config::parse("ws://192.168.0.7:3000")?;
//! let mut link = WebSocketLink::new(&config);
//! let io = Session::new(["/"], [AckSlot::EMPTY; 1], [SocketSlot::EMPTY; 1]);
//! assert_eq!(alarm(&link, &io, None), None, "nothing is to be done: sleep until a byte comes");
//! link.start(Instant::from_millis(5));
//! assert_eq!(alarm(&link, &io, None), Some(Instant::from_millis(0)), "a line is to be opened: do not sleep");
//! # Ok::<(), sansocket::http::UrlError>(())
//! ```
//!
//! Ask whether a byte has come and go to sleep with interrupts off, else one that comes in between is noticed late: `wfi` wakes for an interrupt that is pending,
//! whether it is masked or not. `examples/firmware/board` does that on Arm and RISC-V. If the clock of your chip stops in a deep sleep, use one that does not
//! (that of the calendar), since deadlines are counted by it.
//!
//! To sleep for longer than the server's interval, leave: `disconnect`, send what is owed, close, cut the power of the network, and connect anew when there is
//! something to say. A connection costs about 1 KB each way and three round trips.
//!
//! # Lines for the log
//!
//! The features `log` and `defmt` print one line for what the machines decide: how a session has ended and why, when the client connects again, what was refused, how
//! a peer broke a protocol. Nothing that goes well is printed but the opening of a session, and no data of the application. With `defmt` the errors, reasons and
//! failures of this crate implement `defmt::Format`. `examples/firmware/client` has a feature `defmt` that prints the lines by semihosting. Build with
//! `DEFMT_LOG=info` in the environment: the lines have that level, and `defmt` leaves out all but errors if the variable is not set.
//!
//! ```toml
//! sansocket = { version = "0.1", default-features = false, features = ["defmt"] }
//! ```
//!
//! # Your own firmware in QEMU, from an empty folder
//!
//! Try what your application says and answers on the processor that it is for, without a board and without a network. You need QEMU for Arm (Debian:
//! `apt-get install qemu-system-arm`) and a folder that does not lie in another package. Four files:
//!
//! `Cargo.toml`:
//!
//! ```toml
//! [package]
//! name = "my-board"
//! version = "0.1.0"
//! edition = "2024"
//!
//! [dependencies]
//! cortex-m-rt = "0.7"
//! cortex-m-semihosting = "0.5"
//! panic-semihosting = { version = "0.6", features = ["exit"] }
//! sansocket = { version = "0.1", default-features = false }
//!
//! [profile.release]
//! opt-level = "z"
//! lto = "fat"
//! codegen-units = 1
//! panic = "abort"
//! ```
//!
//! With a copy of the repository instead of crates.io, name its folder: `sansocket = { path = "/path/to/sansocket", default-features = false }`.
//!
//! `.cargo/config.toml`, so that `cargo run` starts QEMU:
//!
//! ```toml
//! [build]
//! target = "thumbv7m-none-eabi"
//!
//! [target.thumbv7m-none-eabi]
//! rustflags = ["-Clink-arg=-Tlink.x"]
//! runner = "qemu-system-arm -M lm3s6965evb -nographic -monitor none -semihosting-config enable=on,target=native -kernel"
//! ```
//!
//! `memory.x`, the memory of the chip:
//!
//! ```text
//! MEMORY {
//!   FLASH : ORIGIN = 0x00000000, LENGTH = 256K
//!   RAM : ORIGIN = 0x20000000, LENGTH = 64K
//! }
//! ```
//!
//! `src/main.rs`. `answer` is the application; `main` plays the server:
//!
//! ```ignore
//! #![no_std]
//! #![no_main]
//!
//! use cortex_m_rt::entry;
//! use cortex_m_semihosting::{debug, hprintln};
//! use panic_semihosting as _;
//! use sansocket::{
//!     engineio::{self, Client, Message, Sink},
//!     socketio::{AckSlot, Namespace, SendError, client::{Event, Session, SocketSlot}},
//!     ws::{Connection, Limits, Outbox},
//! };
//!
//! const ROOM: Namespace = Namespace(0);
//! type Io = Session<[&'static str; 1], [AckSlot; 1], [SocketSlot; 1]>;
//!
//! /// Answers questions with the temperature.
//! fn answer(io: &mut Io, packet: &[u8], out: &mut impl Sink<Client>) -> Result<(), SendError> {
//!     let event = io.handle_event(engineio::Event::Message(Message::Text(packet))).expect("the server is right");
//!     match event {
//!         Event::Event(e) if e.is("temperature") => match e.ack {
//!             Some(request) => io.ack(request, &21, out),
//!             None => Ok(()),
//!         },
//!         _ => Ok(()),
//!     }
//! }
//!
//! /// The server lets the board in, and asks.
//! #[entry]
//! fn main() -> ! {
//!     let mut io = Io::new(["/"], [AckSlot::EMPTY; 1], [SocketSlot::EMPTY; 1]);
//!     let ws: Connection<Client> = Connection::client(Limits::new());
//!     let mut outbox = Outbox::with_keys([0; 256], || [0; 4]);
//!     io.connect(ROOM).expect("there is a slot");
//!     io.handle_event(engineio::Event::Opened).expect("it was closed");
//!     while io.poll_transmit(&mut ws.out(&mut outbox)).expect("there is room") {}
//!     for packet in [r#"0{"sid":"a"}"#, r#"27["temperature"]"#] {
//!         answer(&mut io, packet.as_bytes(), &mut ws.out(&mut outbox)).expect("there is room");
//!     }
//!     // Two frames with the key 0: CONNECT, and the acknowledgement.
//!     assert_eq!(outbox.written(), b"\x81\x82\0\0\0\x0040\x81\x87\0\0\0\x00437[21]");
//!     hprintln!("the server gets its answer");
//!     debug::exit(debug::EXIT_SUCCESS);
//!     loop {}
//! }
//! ```
//!
//! Then, with rustup:
//!
//! ```sh
//! rustup target add thumbv7m-none-eabi
//! cargo run --release
//! ```
//!
//! QEMU says `Timer with period zero, disabling`, which is harmless. Then the firmware prints `the server gets its answer` and ends: `cargo` gives the code of QEMU on, so a script can tell. With a wrong number in the assertion it prints where, and
//! fails. Where rustup is not to be had, Debian's compiler for WebAssembly builds `core` for any target:
//!
//! ```sh
//! # As root, after `apt-get update`.
//! apt-get install -y --no-install-recommends rustc-web cargo-web rust-web-src lld qemu-system-arm
//! # With their paths: if rustup is there too, its programs come first in PATH.
//! export RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1 CARGO_TARGET_THUMBV7M_NONE_EABI_LINKER=ld.lld
//! /usr/bin/cargo run --release -Zbuild-std=core
//! ```
//!
//! The first build takes one to two minutes of processor time, most of it for `core`. A build after a change takes some seconds.
//!
//! From here to a board that connects: keep `answer`, and put the loop of `examples/firmware/client` around it, or a driver
//! ([`drivers`](super::drivers)). The README of `examples/firmware` says what to change for your chip.
//!
//! `examples/firmware/checks` writes these files into an empty folder and runs the last command, so they are as they must be.
