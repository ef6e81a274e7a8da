//! On a microcontroller: features, flash, RAM, stack, panics. [`on_a_board`](super::on_a_board) says how to use it there.
//!
//! The crate is `no_std` and needs no allocator, no atomics and no floating-point unit. It builds for Cortex-M0 to M7, RISC-V, AVR (16-bit
//! `usize`) and WebAssembly, little and big endian.
//!
//! ```toml
//! [dependencies]
//! sansocket = { version = "0.1", default-features = false } # without the SHA-1 of sha1_smol
//!
//! [profile.release]
//! opt-level = "z"      # or "s"; 3 is faster and larger
//! lto = "fat"          # removes what you do not call; without it the figures below do not hold
//! codegen-units = 1
//! panic = "abort"
//! ```
//!
//! # SHA-1
//!
//! The handshake needs one SHA-1 of 60 bytes. With the default feature `sha1` it is computed by sha1_smol (about 3 KB of flash). Without it,
//! pass a function to `check_with`, `write_with` or [`accept_key_with`](crate::ws::accept_key_with): the hash unit of the chip, or a small
//! implementation of your own (about 700 bytes).
//!
//! # With an executor, or with a loop of your own
//!
//! With embassy, or another executor, use the drivers (module `drive`, feature `drive`; the clock of embassy: feature `embassy-time`). `examples/reading` is a
//! Socket.IO client on a Cortex-M4 with embassy-net. Without an executor use `drive::blocking`, or write the loop yourself, as below.
//!
//! # A client that takes messages in pieces
//!
//! With [`poll_event`](crate::ws::Connection::poll_event) no inbox is needed, and a message may be longer than all your memory. This loop uses
//! 64 bytes to receive and 160 to send. `Transport` stands for your driver. Errors and endings are as in [`the_loop`](super::the_loop).
//!
//! ```
//! use sansocket::ws::{Client, Connection, Event, Kind, Limits, Outbox};
//!
//! trait Transport {
//!     type Error;
//!     /// Waits for bytes; 0: the end.
//!     fn read(&mut self, memory: &mut [u8]) -> Result<usize, Self::Error>;
//!     fn write_all(&mut self, bytes: &[u8]) -> Result<(), Self::Error>;
//! }
//!
//! /// Counts the bytes of each binary message and answers with the count. Gives what came last.
//! fn run<T: Transport>(transport: &mut T, key: impl FnMut() -> [u8; 4]) -> Result<u32, T::Error> {
//!     let mut rx = [0; 64];
//!     let mut tx = Outbox::with_keys([0; 160], key);
//!     let mut ws: Connection<Client> = Connection::client(Limits::new().message(u64::MAX).frame(u64::MAX));
//!     let mut out = ws.out(&mut tx);
//!     let mut count = 0_u32;
//!     while !ws.is_closing() {
//!         let n = transport.read(&mut rx)?;
//!         if n == 0 {
//!             ws.handle_eof();
//!             break;
//!         }
//!         let mut input = &mut rx[..n];
//!         // `None`: the bytes are used up. An error is the server's fault, and its close frame is owed.
//!         while let Ok(Some(event)) = ws.poll_event(&mut input) {
//!             if let Event::Chunk(chunk) = event {
//!                 count = if chunk.is_first() { 0 } else { count } + chunk.as_bytes().len() as u32;
//!                 if chunk.is_last() {
//!                     // `out` is empty here, so an answer of 4 bytes always fits.
//!                     let _ = ws.send(Kind::Binary, &count.to_be_bytes(), &mut out);
//!                 }
//!             }
//!             // After each event: what is owed, then write. So nothing can overflow.
//!             while let Ok(true) = ws.poll_transmit(&mut out) {}
//!             transport.write_all(out.written())?;
//!             out.clear();
//!         }
//!         while let Ok(true) = ws.poll_transmit(&mut out) {}
//!         transport.write_all(out.written())?;
//!         out.clear();
//!     }
//!     Ok(count)
//! }
//!
//! # struct Wire { input: Vec<u8>, output: Vec<u8> }
//! # impl Transport for Wire {
//! #     type Error = core::convert::Infallible;
//! #     fn read(&mut self, memory: &mut [u8]) -> Result<usize, Self::Error> {
//! #         let n = memory.len().min(self.input.len());
//! #         memory[..n].copy_from_slice(&self.input.drain(..n).collect::<Vec<_>>());
//! #         Ok(n)
//! #     }
//! #     fn write_all(&mut self, bytes: &[u8]) -> Result<(), Self::Error> { self.output.extend(bytes); Ok(()) }
//! # }
//! // 300 bytes through memory for 64, then a close frame.
//! let input = [&[0x82, 126, 1, 44], &[7; 300][..], &[0x88, 2, 3, 0xe8]].concat();
//! let mut wire = Wire { input, output: Vec::new() };
//! assert_eq!(run(&mut wire, || [0; 4]), Ok(300));
//! assert_eq!(wire.output, b"\x82\x84\0\0\0\0\0\0\x01\x2c\x88\x82\0\0\0\0\x03\xe8");
//! ```
//!
//! # Flash
//!
//! Measured on thumbv7em with `opt-level = "z"` and fat LTO: bytes more than an empty firmware.
//!
//! | firmware | bytes |
//! |---|---|
//! | WebSocket client, frames in pieces | 3,400 |
//! | the same with whole messages | 4,400 |
//! | WebSocket client with URL, handshake, messages and deadlines, without a SHA-1 | 11,800 |
//! | the same with sha1_smol | 15,500 |
//! | Engine.IO server over polling, with the upgrade | 9,400 |
//! | Socket.IO server: acknowledgements, attachments, handlers, rooms, a queue | 24,800 |
//! | Socket.IO client, without a SHA-1: link and session, as in `examples/two_kilobytes` | 28,000 |
//! | the same as a [`ClientEnd`](crate::endpoint::client::ClientEnd): also what waits, retries, attachments | 37,800 |
//! | the same over polling too, with the upgrade | 49,200 |
//!
//! On a Cortex-M0 (thumbv6m) the three clients need 29,500, 39,400 and 51,800 bytes; on a RISC-V (riscv32imc) the first two need 33,300 and 45,400, the server 29,800,
//! frames 4,100, messages 5,800, the WebSocket client 14,500; with `opt-level = 3` on thumbv7em 54,400, 72,500 and 90,200.
//!
//! "Without a SHA-1" means that the hash is a stand-in that computes nothing. The handshake does need one: a SHA-1 written by hand adds 676 bytes,
//! sha1_smol about 3,000, the hash unit of a chip almost nothing.
//!
//! What they are made of, by the source file that each instruction comes from; a blank is nothing. This was counted when they had 5 to 18 % more:
//!
//! | part | frames | messages | client | polling | Socket.IO server | Socket.IO client |
//! |---|---|---|---|---|---|---|
//! | frame headers and their rules, every limit | 1,480 | 1,650 | 1,670 | 1,790 | 1,800 | 1,520 |
//! | pings, the close handshake, what may be sent when | 1,670 | 1,800 | 1,840 | 1,800 | 1,770 | 1,480 |
//! | UTF-8, masking | 580 | 580 | 580 | 770 | 730 | 640 |
//! | writing frames | 320 | 340 | 460 | 970 | 1,800 | 1,320 |
//! | whole messages in one memory | | 1,240 | 1,460 | 1,420 | 1,520 | 810 |
//! | deadlines | | | 880 | 50 | 70 | 220 |
//! | URL, host and port | | | 1,460 | | | 1,610 |
//! | heads and bodies of HTTP | | | 1,430 | 1,050 | | 1,590 |
//! | opening handshake, base64 | | | 1,500 | 780 | 630 | 1,420 |
//! | Engine.IO | | | | 1,860 | 1,330 | 1,460 |
//! | JSON | | | | | 3,390 | 4,060 |
//! | Socket.IO: packets, arguments, attachments | | | | | 3,250 | 3,060 |
//! | Socket.IO: the session | | | | | 1,980 | 3,260 |
//! | rooms | | | | | 4,000 | |
//! | acknowledgements; handlers; a queue | | | | | 1,640; 650; 690 | 1,880 |
//! | the link: its line, what an ending or a refusal means | | | | | | 2,870 |
//! | reconnection, what waits to be sent, retries | | | | | | 6,320 |
//! | `memcpy` and `memset`, what `core` does not inline, constants, the firmware's own loop | 540 | 520 | 2,580 | 1,130 | 2,780 | 8,020 |
//!
//! On targets whose words have fewer than 64 bits the crate prefers the small form of a loop where it is as fast: it needs no `memmove` and no
//! division of 64 bits.
//!
//! One client over this crate and over others (`firmware/peers`): it opens the connection, sends each message back, and answers pings and the close frame. All count a
//! hash. The last column is what it does with 23 things that RFC 6455 forbids: `taken` for something valid, or `dropped` with the connection going on; `docs/boards.md`
//! lists them.
//!
//! <!-- peers -->
//! | crate | flash of messages; with the handshake | stack, with its buffers | instructions of the handshake | of a text of 125 bytes, in and out | what RFC 6455 forbids |
//! |---|---|---|---|---|---|
//! | sansocket | 4,412; 9,244 | 2,400 | 24,641 | 1,310 | none of 23 |
//! | ws-framer 0.4.0 | 3,484; 9,120 | 2,568 | 20,519 | 2,314 | 9 taken, 10 dropped, 1 waits of 23 |
//! | embedded-websocket 0.9.5 | 3,812; 10,776 | 3,128 | 15,498 | 2,364 | 16 taken, 1 waits of 23 |
//! | websocketz 0.2.0 | 5,688; 14,328 | 4,312 | 20,506 | 1,856 | 4 taken, 1 panics of 23 |
//! <!-- /peers -->
//!
//! edge-ws 0.8 (1,496 bytes for frames) and websocket-sans-io 0.1 (1,988) are codecs: no UTF-8 check, no whole messages, no close handshake.
//!
//! You pay for what you call: a function that is not called is not linked. Error texts are linked only if you print them.
//!
//! # RAM and stack
//!
//! The state of one connection is in the table of [`memory`](super::memory). Everything else is memory that you lend, and it can be `static`:
//! the WebSocket machines have `const` constructors.
//!
//! The loop of a client over whole messages needs 1,744 bytes of stack in all, 1,024 of which are its buffers if they stand on the stack. There is no recursion, so the
//! depth is fixed. In async code buffers become part of the future: keep them outside and lend them. `docs/boards.md` has the stack of each program.
//!
//! A Socket.IO client of a link and a session fits into 2 KiB of static memory: 2,032 bytes, of which 1,024 are the receive buffer, 192 the send
//! buffer and 120 the configuration. Its stack is at most 1,008 bytes, measured in QEMU over a dialogue with a reconnection, with a SHA-1 in software, which
//! needs 184 of them. Write each part into the static memory by itself: a struct that is made as a whole is on the stack first. A client with
//! [`ClientEnd`](crate::endpoint::client::ClientEnd) needs 3,256 bytes of stack if all its memory is there.
//!
//! # Panics
//!
//! The code of the crate has no panic that input can reach. For the codec, whole messages, the handshakes, the clients, polling and the Socket.IO server the
//! linker proves it in the tests: the firmware's panic handler refers to a symbol that does not exist, so linking fails if the handler is
//! needed. One dependency keeps a bounds check that cannot fail but that the compiler does not see through: sha1_smol. Without it the proof holds for the whole
//! firmware, from `opt-level` 2 on, and at `s` and `z`.
//!
//! # TLS
//!
//! A TLS stack costs more than everything here: two record buffers of 16 KiB are usual. Do not flush after each message if flushing waits for
//! the TCP acknowledgement.
