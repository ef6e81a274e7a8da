//! The server's end of Socket.IO: a [`Session`] for each connection, and [`broadcast`] and [`rooms`] to send one event to many of them.
//!
//! ```
//! use sansocket::engineio::{self, Message};
//! use sansocket::socketio::server::{Event, Limits, Session, broadcast, rooms::{Member, RoomSlot, Rooms, Storage, Target}};
//! use sansocket::socketio::{AckSlot, Flags, Namespace, Policy, Pushed, Queue, QueueSlot, Sid};
//! use sansocket::{time::Instant, ws::Out};
//! use std::rc::Rc;
//!
//! const ROOT: Namespace = Namespace(0);
//! let connect = engineio::Event::Message(Message::Text(b"0"));
//! let mut memory = [0; 128];
//! let mut out = Out::stored(&mut memory);
//!
//! // One session for each connection, with limits for what its client may do.
//! let limits = Limits::new().attachments(4).attachment_bytes(1 << 20).namespaces(2).acks(100);
//! let connect_by = Instant::from_millis(45_000);
//! let mut session = Session::new(["/"], vec![AckSlot::EMPTY; 2], connect_by).with_limits(limits);
//! assert_eq!(session.poll_timeout(), Some(connect_by));
//!
//! // The client asks for a namespace. Refuse, or accept.
//! let Event::Connect { namespace, .. } = session.handle_event(connect)? else { panic!() };
//! session.refuse(namespace, "wrong password", None, &mut out)?;
//! assert_eq!(&out.written()[2..], br#"44{"message":"wrong password"}"#);
//! out.clear();
//! session.handle_event(connect)?;
//! session.accept(ROOT, Sid::from_random([0; 15]), &mut out)?;
//! assert!(session.is_connected(ROOT) && session.namespaces().eq([ROOT]));
//! out.clear();
//!
//! // Send an event to all members of a namespace. It is written once, and queued for each.
//! let mut rooms = Rooms::new(Storage { slots: [RoomSlot::EMPTY; 8], name_bytes: [0; 64] }, [7, 8]);
//! rooms.enter(ROOT, Member(1))?;
//! let mut queues = vec![(Member(1), Queue::new([const { QueueSlot::EMPTY }; 8], 1 << 16, Policy::Close))];
//! broadcast(&["/"], ROOT, "news", &"hi", None, &mut out)?;
//! let packet: Rc<[u8]> = out.written().into();
//! for member in rooms.select(ROOT, &Target::all()) {
//!     for (_, queue) in queues.iter_mut().filter(|(owner, _)| *owner == member) {
//!         assert_eq!(queue.push(packet.clone(), Flags::NONE, true), Pushed::Queued);
//!     }
//! }
//!
//! // More acknowledgements can be in flight with more slots.
//! assert!(session.replace_acks(vec![AckSlot::EMPTY; 16]).is_ok());
//!
//! // Remove the client from the namespace.
//! session.disconnect(ROOT, &mut out)?;
//! assert!(out.written().ends_with(b"41") && !session.is_connected(ROOT));
//!
//! // Use the session for the next connection, or take the slots back.
//! session.reopen(Instant::from_millis(90_000));
//! assert_eq!(session.into_storage().len(), 16);
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```

mod broadcast;
mod broadcast_acks;
mod event;
mod limits;
pub mod rooms;
mod send;
mod session;

pub use broadcast::broadcast;
pub use broadcast_acks::{AckIds, AskedSlot, BroadcastAcks};
pub use event::Event;
pub use limits::Limits;
pub use session::Session;
