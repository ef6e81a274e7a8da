//! The client's end of Socket.IO: a [`Session`] for one link with several namespaces, and [`Backoff`] for reconnecting.
//!
//! The session outlives the link. What the application wants stays in it, so the loop around it opens link after link:
//!
//! ```
//! use sansocket::engineio::{self, Message, Reason::TransportClose};
//! use sansocket::socketio::{AckError, AckSlot, ExpectAck, Namespace, Reason, client::{Backoff, Event, Session, SocketSlot}};
//! use sansocket::{time::Instant, ws::Out};
//!
//! const ROOT: Namespace = Namespace(0);
//! const NEWS: Namespace = Namespace(1);
//! let mut io = Session::new(["/", "/news"], [AckSlot::EMPTY; 4], [SocketSlot::EMPTY; 2]);
//! let mut backoff = Backoff::new();
//! io.connect(ROOT)?;
//! io.connect(NEWS)?;
//!
//! // What two links delivered. The first one was lost.
//! let text = |text: &'static str| engineio::Event::Message(Message::Text(text.as_bytes()));
//! let received = [
//!     engineio::Event::Opened,
//!     text(r#"0{"sid":"Ag","pid":"Bx"}"#),
//!     text(r#"4/news,{"message":"members only"}"#),
//!     text(r#"2["tick",1,"offset-1"]"#),
//!     engineio::Event::Closed(TransportClose),
//!     engineio::Event::Opened,
//!     text(r#"2["tick",2,"offset-2"]"#),
//!     text(r#"0{"sid":"Ag","pid":"Bx"}"#),
//! ];
//! let (mut log, mut sent) = (Vec::new(), Vec::new());
//! for event in received {
//!     let mut memory = [0; 256];
//!     let mut out = Out::stored(&mut memory);
//!     match io.handle_event(event)? {
//!         Event::Connected { namespace, is_recovered, .. } => {
//!             backoff.reset();
//!             log.push(format!("connected, recovered: {is_recovered}"));
//!             io.emit(namespace, "hello", &(), Some(ExpectAck { token: 1, deadline: None }), &mut out)?;
//!         }
//!         // Not asked again until `connect` is called.
//!         Event::Refused { namespace: NEWS, message: Some(message), .. } if message.is("members only") => log.push("refused".into()),
//!         Event::Event(e) if e.is("tick") => log.push(format!("tick {:?}", e.args().next().and_then(|n| n.as_u64()))),
//!         // Open the next link after this time, with random bits of the application.
//!         Event::Closed(_) => log.push(format!("again in {:?} ms", backoff.next(0))),
//!         _ => {}
//!     }
//!     while io.poll_transmit(&mut out)? {}
//!     sent.extend_from_slice(out.written());
//!     while let Some(event) = io.handle_timeout(Instant::from_millis(0)) {
//!         match event {
//!             Event::Disconnected { reason, .. } => log.push(reason.to_string()),
//!             Event::AckFailed { token: 1, error: AckError::Disconnected, .. } => log.push("no answer".into()),
//!             _ => {}
//!         }
//!     }
//! }
//! assert_eq!(log, [
//!     "connected, recovered: false", "refused", "tick Some(1)",
//!     "again in Some(1000) ms", "transport close", "no answer",
//!     "tick Some(2)", "connected, recovered: true",
//! ]);
//! // The second CONNECT says where the first connection ended.
//! let again = br#"40{"pid":"Bx","offset":"offset-1"}"#;
//! assert!(sent.windows(again.len()).any(|part| part == again));
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```

mod backoff;
mod event;
mod limits;
mod queued;
mod receive;
mod send;
mod session;
mod socket;
mod storage;
mod writers;

pub use backoff::Backoff;
pub use event::Event;
pub use limits::Limits;
pub use session::Session;
pub use socket::SocketSlot;
pub use writers::{ack, connect, disconnect, event};
