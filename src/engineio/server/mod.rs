//! The server's end of Engine.IO: a [`Session`] for each client, and the answers to its HTTP requests.
//!
//! A [`Session`] uses polling or a WebSocket, or upgrades from polling to a WebSocket ([`Probe`]). [`route`] tells what an HTTP request is for. All
//! answers are plain data (status, header fields, body), so they work with any HTTP server. [`ServerLink`](crate::endpoint::ServerLink) combines
//! these parts.
//!
//! ```
//! use sansocket::engineio::{Event, Message, Packets, Payload, Reason, Sid, Transport};
//! use sansocket::engineio::server::{Config, Cors, OWED_MAX, Origins, PollError, Refusal, Route, Session, is_post_type, route};
//! use sansocket::{http::Method, time::Instant, ws::Out};
//!
//! let config = Config::new().ping_interval(10_000).ping_timeout(5000).upgrade_timeout(8000).max_payload(100_000);
//! let cors = Cors::new(Origins::List(&["https://a.example"])).methods("GET,POST").headers("X-Token").max_age("600");
//! let now = Instant::from_millis(0);
//!
//! // A preflight request of a browser. Answer 204 with these fields.
//! let fields = cors.preflight(Some(b"https://a.example"), None).ok_or("CORS is off")?;
//! assert!(fields.contains(&Some(("Access-Control-Max-Age", b"600"))));
//!
//! // A request that is refused.
//! let find = |sid: &[u8]| (sid == b"AAAAAAAAAAAAAAAAAAAA").then_some(Transport::Polling);
//! let refusal = route(Method::Get, b"EIO=3&transport=polling", false, find).unwrap_err();
//! assert_eq!((refusal, refusal.status(), refusal.code()), (Refusal::UnsupportedVersion, 400, Some(5)));
//! let mut body = [0; 64];
//! let len = refusal.write_body(None, &mut body)?;
//! assert_eq!(&body[..len], br#"{"code":5,"message":"Unsupported protocol version"}"#);
//!
//! // A GET that opens a session. The open packet answers it.
//! assert_eq!(route(Method::Get, b"EIO=4&transport=polling", false, find), Ok(Route::OpenPolling));
//! let mut session = Session::open_polling(Sid::from_random([0; 15]), config, now);
//! let mut owed = [0; OWED_MAX];
//! let mut out = Out::stored(&mut owed);
//! while session.poll_transmit(&mut out)? {}
//! let mut memory = [0; 256];
//! let mut payload = Payload::new(&mut memory);
//! payload.push_frames(out.written())?;
//! assert!(!payload.is_empty());
//! session.end_poll();
//!
//! // A POST.
//! assert!(is_post_type(Some(b"text/plain;charset=UTF-8")));
//! session.begin_post()?;
//! assert_eq!(session.begin_post(), Err(PollError::Overlap)); // a second POST ends the session
//! session.end_post();
//! assert!(session.is_closed() && session.fault().is_none());
//! assert_eq!(session.handle_timeout(now), Some(Event::Opened));
//! assert_eq!(session.handle_timeout(now), Some(Event::Closed(Reason::TransportError)));
//!
//! // The end of a session over a WebSocket, by this end. The end of the socket changes nothing then.
//! let mut session = Session::open(Sid::from_random([0; 15]), config, now);
//! session.close();
//! session.handle_eof();
//! assert_eq!(session.handle_timeout(now), Some(Event::Opened));
//! assert_eq!(session.handle_timeout(now), Some(Event::Closed(Reason::ForcedClose)));
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```

mod config;
mod cors;
mod open;
mod refusal;
mod response;
mod route;
mod session;

pub use config::Config;
pub use cors::{Cors, CorsFields, Origins};
pub use refusal::Refusal;
pub use response::{PAYLOAD_FIELDS, POSTED, POSTED_FIELDS, is_post_type, write_cookie};
pub use route::{Route, route};
pub use session::{OWED_MAX, PollError, Probe, Probed, Session};
