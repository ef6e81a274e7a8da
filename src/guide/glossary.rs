//! The words of this documentation, each with its one meaning.
//!
//! # WebSocket
//!
//! - **frame**: the unit on the wire, a header of 2 to 14 bytes and a payload.
//! - **opcode**: four bits in the header that say what a frame is: text, binary, continuation, close, ping or pong.
//! - **message**: what the application sends, a text or bytes. It travels in one frame or in several.
//! - **fragment**: a frame that holds a part of a message. The last one has the bit FIN.
//! - **chunk**, **part**: a piece of a message as it arrives. How a message is cut into chunks has no meaning.
//! - **control frame**: a close, a ping or a pong: at most 125 bytes, never fragmented, allowed between the fragments of a message.
//! - **masking key**: four random bytes that a client combines with its payload by XOR. A server's frames are not masked.
//! - **upgrade**: the HTTP request and the answer 101 that turn an HTTP connection into a WebSocket. Engine.IO also calls so the move from
//!   polling to a WebSocket.
//! - **handshake**: the exchange that opens a connection. A *closing handshake* is a close frame in each direction.
//! - **accept key**: the server's proof that it understood the handshake, a SHA-1 of the client's key.
//! - **subprotocol**: a name that both ends agree on in the handshake, such as `mqtt`.
//! - **extension**: a change to the frames that both ends agree on in the handshake, such as [compression](crate::ws::Compression).
//! - **close code**: a number in the close frame that says why: 1000 normal, 1001 going away, 1002 protocol error, 1007 invalid data, 1008
//!   policy, 1009 too big.
//! - **origin**: scheme, host and port of the page that a browser connects for.
//!
//! # Engine.IO
//!
//! - **session**: one client from its open packet to its end, whatever carries it.
//! - **transport**: what carries a session: HTTP polling or a WebSocket. Also, in general, the byte stream under a connection.
//! - **polling**: a GET that waits until there are packets, and a POST that brings some.
//! - **payload**: the body of a polling request or answer, packets with the byte 0x1e between them. Also, in general, the bytes that a frame or
//!   a packet carries.
//! - **packet**: a digit and its payload. Engine.IO and Socket.IO have packets of their own; one of Socket.IO lies inside a message of
//!   Engine.IO.
//! - **open packet**: the first packet of a session, with its id and intervals.
//! - **heartbeat**: the server's ping packet and the client's answer. They are messages, not WebSocket pings.
//! - **probe**: the ping packet `2probe` by which a client tests a WebSocket before it moves its session there.
//! - **noop**: a packet without meaning that ends a waiting GET during an upgrade.
//!
//! # Socket.IO
//!
//! - **namespace**: a channel inside one session, with a name that begins with a slash. The main one is `/`.
//! - **event**: a name and arguments, sent by the application. Also, in general, what a machine tells you.
//! - **acknowledgement**: the answer to one event, matched by an id. *Expected* by the end that sent the event, *requested* from the other.
//! - **attachment**: a binary value that belongs to an event or acknowledgement and follows it as a binary message.
//! - **placeholder**: the object `{"_placeholder":true,"num":0}` that stands in the JSON where an attachment belongs.
//! - **room**: a set of members, by name, inside a namespace. Known to the server only.
//! - **member**: a connection as the rooms know it, by a number of the application's.
//! - **broadcast**: one event for many members, encoded once.
//! - **volatile**: said of a packet that may be dropped when its receiver is not ready.
//! - **connect timeout**: the time in which a client must have joined a namespace.
//!
//! # This crate
//!
//! - **machine**: a struct that implements one protocol without I/O.
//! - **driver**: machines with a transport and a clock: what you call and await, or what blocks.
//! - **end**: client or server. Also a machine that is a complete connection of one, such as `ServerEnd`.
//! - **owed**: said of output that the protocol demands of a machine. `poll_transmit` writes it.
//! - **inbox**: the memory that the socket reads into and that messages are lent from.
//! - **output**, **`Out`**: the memory that frames are written to. An **outbox** owns it and keeps what the socket did not take.
//! - **stored frame**, **packet at rest**: a packet in the form of a server's frame that is not sent yet: in a queue, or for many receivers.
//!   Any connection can send it.
//! - **slot**: room for one entry of a table that you lend.
//! - **storage**: memory that you lend to a machine and can exchange with `replace`.
//! - **capacity**: the error that memory or slots are too few. It says how many were needed. Nothing was changed.
//! - **role**: client or server; a type parameter.
//! - **limit**: what a peer may do at most. Beyond it the peer is at fault.
//! - **leniency**: a rule of RFC 6455 that you choose not to enforce.
//! - **namespace index**: the number by which a session knows a namespace; the names stay with the application.
//! - **token**: your number for an acknowledgement that you expect; it comes back with the answer.
