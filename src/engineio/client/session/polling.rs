//! A session over polling, as data for any HTTP client: GETs fetch packets of the server, POSTs carry packets to it.

use super::{Handled, Phase, Ready, Session, Told};
use crate::{
    bytes::{Capacity, Writer, open_gap},
    engineio::{
        Event, Message, Packet, Packets, Payload, Reason, SendError, Sink, Transport,
        client::{
            Fault, Source,
            open::{is_version3, refusal_code},
        },
        sink::Seeing,
    },
    time::Instant,
};

/// The HTTP request that a session over polling needs now. See [`Session::poll_request`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// A GET, which fetches packets. The server answers it when it has some.
    Get,
    /// A POST, which carries packets. Its `Content-Type` is `text/plain;charset=UTF-8`.
    Post,
}

impl Session {
    /// The request to begin now. `None`: none. `has_messages`: whether the application has messages to send.
    ///
    /// A GET and a POST may be in progress at once, but no two GETs or two POSTs. A session that is open always needs a GET. No request begins while
    /// a [`Probe`](super::super::Probe) waits for their end, or over a WebSocket. After [`close`](Self::close) it demands POSTs until the close packet
    /// was written.
    ///
    /// ```
    /// use sansocket::{bytes::{Capacity, Writer}, time::Instant};
    /// use sansocket::engineio::{Client, Event, Message, Packets, SendError, Sink, Transport};
    /// use sansocket::engineio::client::{Config, Request, Session, Source};
    ///
    /// /// The messages that wait.
    /// struct Waiting(Vec<&'static str>);
    ///
    /// impl Source for Waiting {
    ///     fn forward<O: Sink<Client>>(&mut self, out: &mut O) -> Result<bool, SendError> {
    ///         let Some(text) = self.0.first() else { return Ok(false) };
    ///         // Any writer of packets will do; those of `socketio` too.
    ///         Session::open(Transport::Polling, &Config::new(), Instant::from_millis(0))
    ///             .send(Message::Text(text.as_bytes()), out)?;
    ///         self.0.remove(0);
    ///         Ok(true)
    ///     }
    /// }
    ///
    /// # fn main() -> Result<(), Box<dyn core::error::Error>> {
    /// let now = Instant::from_millis(0);
    /// let mut engine = Session::open(Transport::Polling, &Config::new(), now);
    /// let mut waiting = Waiting(vec!["hello", "world"]);
    ///
    /// // The first GET is answered by the open packet.
    /// assert_eq!(engine.poll_request(true), Some(Request::Get));
    /// let mut memory = [0; 64];
    /// let mut query = Writer::new(&mut memory);
    /// engine.write_query(Transport::Polling, "", &mut query);
    /// assert_eq!(query.finish()?, b"EIO=4&transport=polling");
    /// engine.begin_get();
    /// assert_eq!(engine.poll_request(true), None, "the session is not open");
    /// let mut body = *br#"0{"sid":"a-secret","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":20000,"maxPayload":100000}"#;
    /// let mut packets = Packets::new(&mut body);
    /// assert_eq!(engine.poll_packets(&mut packets, now), Some(Event::Opened));
    /// assert_eq!(engine.poll_packets(&mut packets, now), None);
    /// engine.end_get();
    ///
    /// // The next GET waits at the server. Meanwhile a POST carries the messages.
    /// assert_eq!(engine.poll_request(true), Some(Request::Get));
    /// engine.begin_get();
    /// assert_eq!(engine.poll_request(true), Some(Request::Post));
    /// let mut query = Writer::new(&mut memory);
    /// engine.write_query(Transport::Polling, "token=1", &mut query);
    /// assert_eq!(query.finish()?, b"token=1&EIO=4&transport=polling&sid=a-secret");
    /// let mut body = [0; 64];
    /// let len = engine.begin_post(&mut waiting, &mut body)?;
    /// assert_eq!(&body[..len], b"4hello\x1e4world");
    /// engine.end_post(); // the answer has status 200
    ///
    /// engine.close();
    /// assert_eq!(engine.poll_request(false), Some(Request::Post));
    /// let len = engine.begin_post_with(&mut waiting, &mut body, |packet| println!("sent {packet:?}"))?;
    /// assert_eq!(&body[..len], b"1");
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub const fn poll_request(&self, has_messages: bool) -> Option<Request> {
        if !self.is_getting && self.may_request() && !self.is_closed() {
            return Some(Request::Get);
        }
        if self.may_post() && (has_messages || self.owes_pong || self.owes_close) { Some(Request::Post) } else { None }
    }

    /// Writes the query of the next request, without `?`: `EIO=4&transport=polling&sid=…`. With [`Transport::WebSocket`] it is the query for a
    /// WebSocket, of the session or of a probe. `extra` comes first, as it is; it must be percent-encoded. See
    /// [`poll_request`](Self::poll_request) for an example.
    pub fn write_query(&self, transport: Transport, extra: &str, w: &mut Writer<'_>) {
        write_query(transport, extra, w);
        if let Some(id) = self.id() {
            w.push(b"&sid=");
            id.write(w);
        }
    }

    /// A GET is being sent.
    pub const fn begin_get(&mut self) {
        self.is_getting = true;
    }

    /// Makes the body of a POST from what the session has to send and from the messages of `source`, and returns its length. A POST is in progress
    /// then. 0: nothing is to be sent, or no POST may begin now.
    ///
    /// A body has at most [`MAX_PACKETS`](crate::engineio::MAX_PACKETS) packets and at most `maxPayload` bytes of the open packet. A single message
    /// with its binary messages may have more of both: it has to be sent. See [`poll_request`](Self::poll_request) for an example.
    ///
    /// # Errors
    /// [`Capacity`] if `body` has no room for the first message. Nothing was taken. `needed` is exact.
    pub fn begin_post(&mut self, source: &mut impl Source, body: &mut [u8]) -> Result<usize, Capacity> {
        self.begin_post_with(source, body, |_| {})
    }

    /// As [`begin_post`](Self::begin_post), and calls `seen` with each packet that is written. For logs.
    ///
    /// # Errors
    /// As [`begin_post`](Self::begin_post).
    pub fn begin_post_with(
        &mut self,
        source: &mut impl Source,
        body: &mut [u8],
        seen: impl FnMut(Packet<'_>),
    ) -> Result<usize, Capacity> {
        if !self.may_post() {
            return Ok(0);
        }
        let mut payload = Payload::with_max(body, usize::try_from(self.max_payload).unwrap_or(usize::MAX));
        let mut out = Seeing { out: &mut payload, seen };
        if self.owes_pong {
            write_digit(b'3', &mut out)?;
        }
        while !out.out.is_full() {
            match source.forward(&mut out) {
                Ok(true) => {}
                Err(SendError::Capacity(e)) if out.out.is_empty() => return Err(e),
                // The body is full, or the source is empty.
                Ok(false) | Err(_) => break,
            }
        }
        if out.out.is_empty() && self.owes_close {
            write_digit(b'1', &mut out)?;
            self.owes_close = false;
        }
        self.owes_pong = false;
        let len = payload.written().len();
        self.is_posting = len > 0;
        Ok(len)
    }

    /// Returns the next event of the body of a GET's answer with status 200. `None`: the body was used up. Then call [`end_get`](Self::end_get). See
    /// [`poll_request`](Self::poll_request) for an example.
    pub fn poll_packets<'b>(&mut self, packets: &mut Packets<'b>, now: Instant) -> Option<Event<'b>> {
        self.poll_packets_with(packets, now, |_| {})
    }

    /// As [`poll_packets`](Self::poll_packets), and calls `seen` with each packet. For logs.
    pub fn poll_packets_with<'b>(
        &mut self,
        packets: &mut Packets<'b>,
        now: Instant,
        mut seen: impl FnMut(Packet<'_>),
    ) -> Option<Event<'b>> {
        loop {
            if matches!(self.phase, Phase::Fresh | Phase::Ended { .. }) {
                return self.tell();
            }
            let is_old = self.phase == Phase::Opening && is_version3(packets.rest());
            let packet = packets.next()?;
            if is_old {
                self.fail(Fault::Version3);
                continue;
            }
            if let Ok(packet) = packet {
                seen(packet);
            }
            if let (Handled::Message, Ok(packet)) = (self.handle(packet, now), packet) {
                return match packet {
                    Packet::Text(text) => Some(Event::Message(Message::Text(text))),
                    Packet::Binary(bytes) => Some(Event::Message(Message::Binary(bytes))),
                    _ => None,
                };
            }
        }
    }

    /// As [`poll_packets_with`](Self::poll_packets_with), but the result borrows nothing. `true`: [`take_body`](Self::take_body) returns an event.
    /// `false`: the body was used up. For a wrapper that returns an event.
    ///
    /// `at` is 0 at first, and the same variable in all calls for one body. It is the offset of the next packet.
    ///
    /// ```
    /// use sansocket::engineio::{Event, Message, Transport, client::{Config, Session}};
    /// use sansocket::time::Instant;
    ///
    /// let now = Instant::from_millis(0);
    /// let mut engine = Session::open(Transport::Polling, &Config::new(), now);
    /// let mut body = *b"0{\"sid\":\"a\",\"pingInterval\":1,\"pingTimeout\":1}\x1e4hi\x1e2\x1ebAQID";
    /// let (mut at, mut packets) = (0, 0);
    /// let mut events = Vec::new();
    /// while engine.advance_body(&mut body, &mut at, now, |_| packets += 1) {
    ///     match engine.take_body(&mut body, &mut at) {
    ///         Some(Event::Message(Message::Text(text))) => events.push(text.to_vec()),
    ///         Some(Event::Message(Message::Binary(bytes))) => events.push(bytes.to_vec()),
    ///         event => assert_eq!(event, Some(Event::Opened)),
    ///     }
    /// }
    /// assert_eq!((events, packets), (vec![b"hi".to_vec(), vec![1, 2, 3]], 4));
    /// ```
    pub fn advance_body(
        &mut self,
        body: &mut [u8],
        at: &mut usize,
        now: Instant,
        mut seen: impl FnMut(Packet<'_>),
    ) -> bool {
        loop {
            match self.phase {
                Phase::Fresh => return true,
                Phase::Ended { told, .. } => return told != Told::Closed,
                Phase::Opening | Phase::Open => {}
            }
            if self.ready != Ready::Nothing {
                return true;
            }
            // A separator at the end has an empty packet behind it, which is an error; so has an empty body.
            let Some(rest) = body.get_mut(*at..) else { return false };
            if self.phase == Phase::Opening && is_version3(rest) {
                self.fail(Fault::Version3);
                continue;
            }
            let mut packets = Packets::new(rest);
            let len = packets.next_len();
            let Some(packet) = packets.next() else { return false };
            if let Ok(packet) = packet {
                seen(packet);
            }
            let ready = match packet {
                Ok(Packet::Text(text)) => Ready::Text(text.len()),
                Ok(Packet::Binary(bytes)) => Ready::Binary(bytes.len()),
                _ => Ready::Nothing,
            };
            let handled = self.handle(packet, now);
            if let Handled::Message = handled {
                if let Ready::Binary(decoded) = ready
                    && let Some(place) = body.get_mut(*at..).and_then(|rest| rest.get_mut(1..len))
                {
                    // To the end of the packet, where `take_body` finds it as it finds a text.
                    open_gap(place, len.saturating_sub(1).saturating_sub(decoded));
                }
                self.ready = ready;
            }
            *at = at.saturating_add(len).saturating_add(1);
        }
    }

    /// Returns the event that [`advance_body`](Self::advance_body) found.
    pub fn take_body<'b>(&mut self, body: &'b mut [u8], at: &mut usize) -> Option<Event<'b>> {
        if matches!(self.phase, Phase::Fresh | Phase::Ended { .. }) {
            return self.tell();
        }
        let message = self.peek_body(body, *at)?;
        self.ready = Ready::Nothing;
        Some(Event::Message(message))
    }

    /// The message that [`take_body`](Self::take_body) would return.
    pub(crate) fn peek_body<'b>(&self, body: &'b [u8], at: usize) -> Option<Message<'b>> {
        let message = |len: usize| {
            let end = at.saturating_sub(1);
            body.get(end.saturating_sub(len)..end)
        };
        match self.ready {
            Ready::Text(len) => message(len).map(Message::Text),
            Ready::Binary(len) => message(len).map(Message::Binary),
            Ready::Nothing | Ready::Frame => None,
        }
    }

    /// The answer to the GET was handled.
    pub const fn end_get(&mut self) {
        self.is_getting = false;
    }

    /// The answer to the POST arrived, with status 200. See [`poll_request`](Self::poll_request) for an example.
    pub const fn end_post(&mut self) {
        self.is_posting = false;
    }

    /// A request was answered with another status than 200 and this body, or its connection was lost (`None`). Ends the session (`transport
    /// error`). No further request is to be made, and an answer that arrives later is to be ignored. See the [module page](super::super) for an
    /// example.
    pub fn fail_request(&mut self, status: Option<u16>, body: &[u8]) {
        if let Some(status) = status {
            self.note(if refusal_code(body) == Some(5) { Fault::Version3 } else { Fault::Status(status) });
        }
        self.end(Reason::TransportError);
        self.is_getting = false;
        self.is_posting = false;
        self.owes_close = false;
    }

    /// Whether no request is in progress.
    pub(in super::super) const fn is_idle(&self) -> bool {
        !self.is_getting && !self.is_posting
    }

    const fn may_request(&self) -> bool {
        matches!(self.transport, Transport::Polling) && !self.is_pausing
    }

    const fn may_post(&self) -> bool {
        !self.is_posting && self.may_request() && (self.is_open() || self.owes_close)
    }
}

/// Writes a packet without a payload.
fn write_digit<F: FnMut(Packet<'_>)>(digit: u8, out: &mut Seeing<'_, Payload<'_>, F>) -> Result<(), Capacity> {
    match out.packet(|w| w.byte(digit)) {
        Err(SendError::Capacity(e)) => Err(e),
        // A payload refuses nothing else.
        _ => Ok(()),
    }
}
/// The query of the first request of a session. It has no id.
pub(crate) fn write_query(transport: Transport, extra: &str, w: &mut Writer<'_>) {
    if !extra.is_empty() {
        w.push(extra.as_bytes());
        w.byte(b'&');
    }
    w.push(b"EIO=4&transport=");
    w.push(transport.as_str().as_bytes());
}
