//! A server on a microcontroller: how many browsers, what memory, and what happens when somebody is slow.
//!
//! `examples/firmware/server` is a whole one: a Cortex-M3 with 64 KiB of RAM serves a chat page from its flash to four browsers at a time, over Socket.IO,
//! with smoltcp below. It runs in QEMU, and its README has the commands and the figures. This chapter says why it is as it is.
//!
//! # One client or several?
//!
//! - One client at a time, or several that have nothing to do with each other: `drive::Server`, one for each task or one after another.
//!   `examples/firmware/led.rs` does this with embassy, on a Raspberry Pi Pico W (`pico`) and an ESP32-C3 (`esp32c3`).
//! - Several that hear each other: a [`ServerEnd`](crate::endpoint::ServerEnd) for each connection, one [`Rooms`](crate::socketio::server::rooms::Rooms)
//!   for all, and a loop that gives each connection its turn. A packet for a room is written once
//!   ([`broadcast`](crate::socketio::server::broadcast)), into memory that all share, and copied to the sockets.
//! - A page beside it: the same port answers HTTP. Read the head of each request with [`HeadScanner`](crate::http::HeadScanner) into the memory that the
//!   messages use later, and look at the path; for that of Socket.IO [`judge`](crate::endpoint::judge) says what to do.
//!
//! # How many connections?
//!
//! More than clients. A browser fetches the page over connections of its own and opens some in advance, and a client that is refused needs a connection to
//! be told so: answer with status 503 and a sentence. Without a free socket the network stack refuses it, and the browser says only that the site cannot be
//! reached. The example has four places and seven connections. Give a connection without a request little time, 3 s in the example.
//!
//! # The memory of a connection
//!
//! | what | how large |
//! |---|---|
//! | to receive | the longest head of a request (browsers: 700 bytes, and cookies), and the longest message with 14 bytes for its header |
//! | state | [`ServerEnd`](crate::endpoint::ServerEnd), about 500 bytes; no slots for acknowledgements if the board asks for none |
//! | to send | nothing of its own: the socket's memory, larger than the longest packet |
//! | attachments | none, with a limit of 0 ([`Limits::attachments`](crate::socketio::server::Limits::attachments)): the client's error then, not a lack of memory |
//!
//! Set the limit of messages ([`ws::Limits::message`](crate::ws::Limits::message)) so that a message always fits. Then no call needs more memory than there is, and
//! nothing has to be decided when it does.
//!
//! # Who is slow
//!
//! A board has no memory for queues. If a packet does not fit into the memory of somebody's socket, it is lost or somebody must wait. Let them wait: handle no
//! message while one of its receivers has no room. TCP then stops those who send, and nothing is lost.
//!
//! ```
//! use sansocket::socketio::{Namespace, server::rooms::{Full, Member, RoomSlot, Rooms, Storage, Target}};
//!
//! const ROOT: Namespace = Namespace(0);
//! /// More than any packet that a message can lead to.
//! const PACKET: usize = 1280;
//!
//! /// Whether the next message may be read. `free` is the room in the memory of a socket.
//! fn is_clear(rooms: &mut Rooms<[RoomSlot; 24], [u8; 512]>, free: impl Fn(u32) -> usize) -> bool {
//!     rooms.select(ROOT, &Target::all()).all(|Member(socket)| free(socket) >= PACKET)
//! }
//!
//! let mut rooms = Rooms::new(Storage { slots: [RoomSlot::EMPTY; 24], name_bytes: [0; 512] }, [7, 8]);
//! rooms.enter(ROOT, Member(0))?;
//! rooms.enter(ROOT, Member(1))?;
//! assert!(is_clear(&mut rooms, |_| 3072));
//! assert!(!is_clear(&mut rooms, |socket| if socket == 1 { 700 } else { 3072 })); // the second has not read yet
//! # Ok::<(), Full>(())
//! ```
//!
//! Three things belong to it:
//!
//! - Give up whoever takes nothing for some seconds, or one sleeping phone stops all.
//! - Begin each turn with another connection. Else the first takes all the room that becomes free, the last is never read, its answer to the ping is not seen,
//!   and it is given up though it did nothing wrong.
//! - Call `handle_timeout` and `transmit` for those who wait, too. Heartbeats go on.
//!
//! # Who may connect
//!
//! Any page that a visitor of the board opens elsewhere can try to connect to it from the visitor's browser. Compare `Origin` with `Host`, and refuse with 403.
//! Programs send no `Origin`; if they must not come in, ask for a password in the `auth` of [`Event::Connect`](crate::socketio::server::Event::Connect).
//!
//! # Panics
//!
//! A network stack may have panics of its own (smoltcp has). Put the sockets behind a trait of yours, and link the program once with an implementation of which
//! the compiler knows nothing: that link proves the rest.
