//! Acknowledgements of packets that wait in a queue before they are sent. They survive the loss of the link, and an answer that comes before the packet
//! was sent does not count.

use super::{
    Session, SocketSlot,
    socket::{State, slot_of},
};
use crate::socketio::{AckSlot, ExpectAck, Namespace, Namespaces, SendError, StateError};

impl<N, A, S> Session<N, A, S>
where
    N: Namespaces,
    A: AsMut<[AckSlot]> + AsRef<[AckSlot]>,
    S: AsMut<[SocketSlot]> + AsRef<[SocketSlot]>,
{
    /// Takes a slot and an id for a packet that is not sent yet. If the namespace is not wanted, it takes a slot for it too.
    pub(crate) fn expect(&mut self, namespace: Namespace, expect: ExpectAck) -> Result<u64, SendError> {
        let at = self.slot_for(namespace).map_err(|_| StateError::NotConnected)?;
        let vacancy = self.acks.vacancy().map_err(SendError::Acks)?;
        self.claim(at, namespace);
        if let Some(socket) = self.sockets.as_mut().get_mut(at) {
            self.acks.queue(vacancy, namespace, &mut socket.queued, expect);
        }
        Ok(vacancy.id())
    }

    /// Fails as [`expect`](Self::expect) would.
    pub(crate) fn check_expect(&self, namespace: Namespace) -> Result<(), SendError> {
        self.slot_for(namespace).map_err(|_| StateError::NotConnected)?;
        self.acks.vacancy().map(|_| ()).map_err(SendError::Acks)
    }

    /// The packet with this id was sent: from now on the loss of the link loses its acknowledgement.
    pub(crate) fn mark_sent(&mut self, namespace: Namespace, id: u64) {
        if let Some(socket) = slot_of(self.sockets.as_mut(), namespace) {
            self.acks.sent(namespace, &mut socket.queued, &mut socket.sent, id);
        }
    }

    /// Whether the acknowledgement with this id is still expected: it has not arrived, failed, or been forgotten.
    pub(crate) fn is_expected(&self, namespace: Namespace, id: u64) -> bool {
        self.acks.is_queued(namespace, id) || self.acks.token(namespace, id).is_some()
    }

    /// The acknowledgement with this id is not expected any more. Frees the slot and returns the token.
    pub(crate) fn forget(&mut self, namespace: Namespace, id: u64) -> Option<u32> {
        let socket = slot_of(self.sockets.as_mut(), namespace)?;
        let queued = self.acks.unqueue(namespace, &mut socket.queued, id);
        queued.or_else(|| self.acks.answered(namespace, &mut socket.sent, id))
    }

    /// Whether DISCONNECT is owed.
    pub(crate) fn is_leaving(&self, namespace: Namespace) -> bool {
        self.socket(namespace).is_some_and(|s| s.state == State::Leaving)
    }

    /// As [`needs_auth`](Self::needs_auth), but names each namespace once for each CONNECT.
    pub(crate) fn next_auth(&mut self) -> Option<Namespace> {
        if !self.asks_auth || !self.is_usable() {
            return None;
        }
        let names = &self.namespaces;
        let is_next = |s: &&mut SocketSlot| s.owes_connect() && !s.is_auth_asked && names.name(s.namespace).is_some();
        let socket = self.sockets.as_mut().iter_mut().find(is_next)?;
        socket.is_auth_asked = true;
        Some(socket.namespace)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        engineio::{self, Message},
        socketio::{AckError, client::Event},
        time::Instant,
        ws::Out,
    };
    use std::{vec, vec::Vec};

    const ROOT: Namespace = Namespace(0);
    const CHAT: Namespace = Namespace(1);

    type Io = Session<[&'static str; 2], Vec<AckSlot>, Vec<SocketSlot>>;

    fn session() -> Io {
        Session::new(["/", "/chat"], vec![AckSlot::EMPTY; 4], vec![SocketSlot::EMPTY; 1])
    }

    fn join(io: &mut Io) {
        io.connect(ROOT).unwrap();
        io.handle_event(engineio::Event::Opened).unwrap();
        assert_eq!(io.poll_transmit(&mut Out::stored(&mut [0; 64])), Ok(true));
        text(io, r#"0{"sid":"a","pid":"p"}"#);
    }

    fn text<'m>(io: &mut Io, text: &'m str) -> Event<'m> {
        io.handle_event(engineio::Event::Message(Message::Text(text.as_bytes()))).unwrap()
    }

    fn token(event: Event<'_>) -> Option<u32> {
        let Event::Ack(answer) = event else { panic!("{event:?}") };
        answer.token
    }

    fn expect(io: &mut Io, token: u32, deadline: Option<u64>) -> Result<u64, SendError> {
        io.expect(ROOT, ExpectAck { token, deadline: deadline.map(Instant::from_millis) })
    }

    fn failed(io: &mut Io, now: u64) -> Vec<(Namespace, u64, u32, AckError)> {
        core::iter::from_fn(|| io.next_failed(Instant::from_millis(now))).collect()
    }

    fn lose(io: &mut Io) {
        io.handle_event(engineio::Event::Closed(engineio::Reason::PingTimeout)).unwrap();
        assert!(io.next_left().is_some());
        assert!(io.next_left().is_none());
    }

    #[test]
    fn what_waits_survives_the_loss_of_the_link_and_what_was_sent_does_not() {
        let mut io = session();
        let early = expect(&mut io, 1, None).unwrap();
        join(&mut io);
        let sent = expect(&mut io, 2, None).unwrap();
        io.mark_sent(ROOT, sent);
        assert!(io.is_expected(ROOT, early) && io.is_expected(ROOT, sent) && !io.is_expected(CHAT, sent));
        lose(&mut io);
        assert_eq!(failed(&mut io, 0), [(ROOT, sent, 2, AckError::Disconnected)]);
        assert!(io.is_expected(ROOT, early) && !io.is_expected(ROOT, sent));
        join(&mut io);
        io.mark_sent(ROOT, early);
        assert_eq!(token(text(&mut io, "30[]")), Some(1));
        assert!(!io.is_expected(ROOT, early));
    }

    #[test]
    fn what_waits_survives_that_the_client_leaves() {
        for leaves in [true, false] {
            let mut io = session();
            join(&mut io);
            let id = expect(&mut io, 1, None).unwrap();
            if leaves {
                io.disconnect(ROOT);
            } else {
                text(&mut io, "1");
            }
            assert_eq!(io.next_left().is_some(), leaves);
            assert_eq!((failed(&mut io, 0), io.is_expected(ROOT, id)), (vec![], true));
            io.handle_event(engineio::Event::Opened).unwrap();
            assert!(io.connect(CHAT).is_err(), "the slot is in use by what waits");
            assert_eq!(io.forget(ROOT, id), Some(1));
            assert_eq!(io.forget(ROOT, id), None);
            assert!(io.connect(CHAT).is_ok());
        }
    }

    #[test]
    fn an_answer_before_the_packet_was_sent_does_not_count() {
        let mut io = session();
        join(&mut io);
        let id = expect(&mut io, 1, None).unwrap();
        assert_eq!(token(text(&mut io, "30[]")), None);
        assert_eq!(token(text(&mut io, "61-0[]")), None);
        io.handle_event(engineio::Event::Message(Message::Binary(b""))).unwrap();
        assert!(io.is_expected(ROOT, id));
        io.mark_sent(ROOT, id);
        io.mark_sent(ROOT, id);
        assert_eq!(token(text(&mut io, "61-0[]")), Some(1));
        io.handle_event(engineio::Event::Message(Message::Binary(b""))).unwrap();
        assert!(!io.is_expected(ROOT, id));
    }

    #[test]
    fn deadlines_run_while_it_waits() {
        let mut io = session();
        let ids = [50, 30, 40].map(|ms| expect(&mut io, ms, Some(u64::from(ms))).unwrap());
        io.mark_sent(ROOT, ids[2]);
        assert_eq!(io.poll_timeout(), Some(Instant::from_millis(30)));
        let late = |at: usize, token| (ROOT, ids[at], token, AckError::TimedOut);
        assert_eq!(failed(&mut io, 45), [late(1, 30), late(2, 40)]);
        io.mark_sent(ROOT, ids[1]);
        assert!(!io.is_expected(ROOT, ids[1]), "sent too late");
        assert_eq!(failed(&mut io, 50), [late(0, 50)]);
        assert_eq!(io.poll_timeout(), None);
    }

    #[test]
    fn what_is_sent_can_be_forgotten_too() {
        let mut io = session();
        join(&mut io);
        let id = expect(&mut io, 1, Some(5)).unwrap();
        io.mark_sent(ROOT, id);
        assert_eq!(io.forget(CHAT, id), None);
        assert_eq!(io.forget(ROOT, id), Some(1));
        assert_eq!(token(text(&mut io, "30[]")), None);
        assert_eq!(failed(&mut io, 9), []);
    }

    #[test]
    fn a_refused_request_takes_no_slot() {
        let mut io = session();
        for token in 0..4 {
            expect(&mut io, token, None).unwrap();
        }
        let before = io.clone();
        assert!(matches!(expect(&mut io, 5, None), Err(SendError::Acks(_))));
        let other = io.expect(CHAT, ExpectAck { token: 5, deadline: None });
        assert_eq!(other, Err(StateError::NotConnected.into()), "no slot for its namespace");
        assert!(io == before);
    }

    #[test]
    fn what_waits_moves_with_the_slots() {
        let mut io = session();
        join(&mut io);
        let ids = [0, 1, 2].map(|token| expect(&mut io, token, None).unwrap());
        io.mark_sent(ROOT, ids[1]);
        assert!(io.replace_acks(vec![AckSlot::EMPTY; 9]).is_ok());
        assert!(io.replace_sockets(vec![SocketSlot::EMPTY; 3]).is_ok());
        assert_eq!(token(text(&mut io, "30[]")), None);
        lose(&mut io);
        assert_eq!(failed(&mut io, 0), [(ROOT, ids[1], 1, AckError::Disconnected)]);
        assert_eq!([io.forget(ROOT, ids[0]), io.forget(ROOT, ids[2])], [Some(0), Some(2)]);
    }

    #[test]
    fn a_slot_is_within_its_budget() {
        assert!(size_of::<SocketSlot>() <= 80, "{}", size_of::<SocketSlot>());
        let session = size_of::<Session<&'static [&'static str], [AckSlot; 0], [SocketSlot; 0]>>();
        assert!(session <= 130, "{session}");
    }
}
