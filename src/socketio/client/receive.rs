//! The packets that a client receives.

use super::{
    Event, Session, SocketSlot,
    socket::{Short, State, slot_of},
};
use crate::{
    engineio::Message,
    json::{Elements, Str, Value},
    socketio::{
        AckPacket, AckRequest, AckSlot, EventPacket, Namespace, Namespaces, Packet, PeerError, Reason,
        arrivals::Arrivals, event::number_of,
    },
};

impl<N, A, S> Session<N, A, S>
where
    N: Namespaces,
    A: AsMut<[AckSlot]> + AsRef<[AckSlot]>,
    S: AsMut<[SocketSlot]> + AsRef<[SocketSlot]>,
{
    pub(super) fn handle_message<'m>(&mut self, message: Message<'m>) -> Result<Event<'m>, PeerError> {
        match message {
            Message::Text(text) => self.handle_text(text),
            Message::Binary(bytes) => self.handle_binary(bytes),
        }
    }

    fn handle_text<'m>(&mut self, text: &'m [u8]) -> Result<Event<'m>, PeerError> {
        if self.arrivals.are_missing() {
            return Err(PeerError::UnexpectedText);
        }
        self.arriving_for = None;
        self.offset = None;
        match Packet::parse_limited(text, self.limits.attachments)? {
            Packet::Connect { namespace, payload } => {
                let payload = payload.ok_or(PeerError::OldServer)?;
                let sid = payload.get("sid").ok_or(PeerError::OldServer)?;
                let sid = sid.as_str().ok_or(PeerError::InvalidPayload)?;
                match self.find(namespace) {
                    Some(at) => self.accepted(at, sid, payload.get("pid").and_then(|pid| pid.as_str())),
                    None => Ok(Event::Ignored),
                }
            }
            Packet::ConnectError { namespace, payload } => Ok(self.refused(namespace, payload)),
            Packet::Disconnect { namespace } => Ok(self.removed(namespace)),
            Packet::Event { namespace, id, payload, attachments, used } => {
                self.arrivals = Arrivals::of(attachments);
                let Some(namespace) = self.receives(namespace) else { return Ok(Event::Ignored) };
                let ack = id.map(|id| AckRequest { namespace, id, socket: self.number(namespace) });
                // The server appends an offset to those that want no acknowledgement.
                if ack.is_none() {
                    self.note_offset(namespace, payload.rest(), attachments);
                }
                Ok(Event::Event(EventPacket { namespace, ack, attachments, used, payload }))
            }
            Packet::Ack { namespace, id, payload, attachments, used } => {
                self.arrivals = Arrivals::of(attachments);
                let Some(namespace) = self.receives(namespace).filter(|&n| self.is_connected(n)) else {
                    self.arriving_for = None;
                    return Ok(Event::Ignored);
                };
                let token = self.acks.token(namespace, id);
                if attachments == 0 {
                    self.answered(namespace, id);
                } else if token.is_some() {
                    self.arrivals = Arrivals::of_ack(attachments, id);
                }
                Ok(Event::Ack(AckPacket { namespace, token, id, attachments, used, payload }))
            }
        }
    }

    fn handle_binary<'m>(&mut self, bytes: &'m [u8]) -> Result<Event<'m>, PeerError> {
        let (attachment, complete) = self.arrivals.next(bytes, self.limits.attachment_bytes, &self.acks)?;
        if let Some((namespace, id)) = complete {
            self.answered(namespace, id);
        }
        let Some(namespace) = self.arriving_for else { return Ok(Event::Ignored) };
        if !self.arrivals.are_missing()
            && let Some(offset) = self.offset.take()
            && let Some(socket) = self.socket_mut(namespace)
        {
            offset.put(&mut socket.offset);
        }
        Ok(Event::Attachment(attachment))
    }

    /// The server answered CONNECT with an id.
    fn accepted<'m>(&mut self, at: usize, sid: Str<'m>, pid: Option<Str<'m>>) -> Result<Event<'m>, PeerError> {
        let fresh = self.fresh_number(sid.escaped());
        let Some(socket) = self.sockets.as_mut().get_mut(at) else { return Ok(Event::Ignored) };
        match socket.state {
            State::Asked => {}
            State::Dropped => {
                socket.state = State::Leaving;
                return Ok(Event::Ignored);
            }
            State::Joined => return Err(PeerError::AlreadyConnected),
            State::Free | State::Out | State::Leaving => return Ok(Event::Ignored),
        }
        socket.state = State::Joined;
        if socket.number == 0 {
            socket.number = fresh;
        }
        let pid = pid.map_or(Short::EMPTY, Short::of);
        let is_recovered = pid.get().is_some() && pid.get() == socket.pid.get();
        socket.pid = pid;
        Ok(Event::Connected { namespace: socket.namespace, sid, is_recovered })
    }

    /// The server refused a namespace.
    fn refused<'m>(&mut self, name: &[u8], payload: Value<'m>) -> Event<'m> {
        let Some(at) = self.find(name) else { return Event::Ignored };
        let Some(socket) = self.sockets.as_mut().get_mut(at) else { return Event::Ignored };
        match socket.state {
            State::Asked | State::Joined => {
                let namespace = socket.namespace;
                note!("the server refused namespace {}", namespace.0);
                socket.is_wanted = false;
                if socket.state == State::Joined {
                    // The server takes back what it has accepted.
                    socket.left = Some(Reason::ServerDisconnect);
                }
                self.leave(at, State::Out);
                // Old servers send the message alone.
                let message = payload.as_str().or_else(|| payload.get("message")?.as_str());
                Event::Refused { namespace, message, data: payload.get("data") }
            }
            State::Dropped => {
                socket.state = State::Out;
                Event::Ignored
            }
            State::Free | State::Out | State::Leaving => Event::Ignored,
        }
    }

    /// The server removed this client from a namespace.
    fn removed(&mut self, name: &[u8]) -> Event<'static> {
        let Some(at) = self.find(name) else { return Event::Ignored };
        let Some(socket) = self.sockets.as_mut().get_mut(at) else { return Event::Ignored };
        match socket.state {
            State::Asked | State::Joined => {
                let namespace = socket.namespace;
                note!("the server removed this client from namespace {}", namespace.0);
                socket.is_wanted = false;
                self.leave(at, State::Out);
                Event::Disconnected { namespace, reason: Reason::ServerDisconnect }
            }
            State::Dropped | State::Leaving => {
                socket.state = State::Out;
                Event::Ignored
            }
            State::Free | State::Out => Event::Ignored,
        }
    }

    /// The namespace of an event or acknowledgement, if it can have any now. A server that recovers a connection sends events before its answer.
    fn receives(&mut self, name: &[u8]) -> Option<Namespace> {
        let socket = self.sockets.as_ref().get(self.find(name)?)?;
        let is_open = matches!(socket.state, State::Asked | State::Joined);
        self.arriving_for = is_open.then_some(socket.namespace);
        self.arriving_for
    }

    /// The number of the socket. An event that comes before the server's answer to CONNECT gives it one.
    fn number(&mut self, namespace: Namespace) -> u32 {
        let fresh = self.fresh_number(b"");
        let Some(socket) = self.socket_mut(namespace) else { return 0 };
        if socket.number == 0 {
            socket.number = fresh;
        }
        socket.number
    }

    /// Another number for each connection, also if it has the id of the one before. Never 0.
    fn fresh_number(&mut self, sid: &[u8]) -> u32 {
        // In steps of two, so that the number that stands for 0 is no other.
        self.numbers = self.numbers.wrapping_add(2);
        number_of(sid).wrapping_add(self.numbers).max(1)
    }

    /// The last argument of an event may be the offset at which the server recovers the connection.
    fn note_offset(&mut self, namespace: Namespace, args: Elements<'_>, attachments: u8) {
        let Some(socket) = self.socket_mut(namespace) else { return };
        if socket.state == State::Joined && socket.pid.get().is_none() {
            return;
        }
        let Some(offset) = last_string(args.raw()).map(Short::of) else { return };
        if attachments == 0 {
            socket.offset = offset;
        } else {
            self.offset = Some(offset);
        }
    }

    fn answered(&mut self, namespace: Namespace, id: u64) {
        if let Some(socket) = slot_of(self.sockets.as_mut(), namespace) {
            self.acks.answered(namespace, &mut socket.sent, id);
        }
    }

    fn find(&self, name: &[u8]) -> Option<usize> {
        self.at(self.namespaces.find(name)?)
    }
}

/// The last of these JSON values, if it is a string. Cost: one pass over it.
fn last_string(values: &[u8]) -> Option<Str<'_>> {
    let inside = values.strip_suffix(b"\"")?;
    let mut end = inside.len();
    loop {
        // A quote inside of the string has a backslash that is not escaped itself.
        let quote = inside.get(..end)?.iter().rposition(|&b| b == b'"')?;
        let backslashes = inside.get(..quote)?.iter().rev().take_while(|&&b| b == b'\\').count();
        if backslashes & 1 == 0 {
            return inside.get(quote.saturating_add(1)..).map(Str);
        }
        end = quote;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Array;

    #[test]
    fn the_last_string_is_found_from_behind() {
        let texts = [
            r#"[]"#,
            r#"[1]"#,
            r#"["a"]"#,
            r#"["a", 1]"#,
            r#"[1,""]"#,
            r#"["a","b\\"]"#,
            r#"["a","b\\\""]"#,
            r#"["\"",["b"]]"#,
            r#"[{"a":"b"}]"#,
            r#"["\\","\"\\\"" ]"#,
            r#"[[],"\\\\"]"#,
            r#"["\"","\",\""]"#,
        ];
        for text in texts {
            let elements = Array::parse(text.as_bytes()).unwrap().elements();
            assert_eq!(last_string(elements.raw()), elements.last().and_then(|last| last.as_str()), "{elements:?}");
        }
    }
}
