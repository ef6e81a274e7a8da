//! What both applications have said and heard, and the laws about it.

use crate::trace;
use sansocket::{
    endpoint::client::Seen,
    engineio::Packet,
    socketio::{AckError, Namespace, Sid},
};

pub const NAMES: [&str; 3] = ["/", "/b", "/c"];

/// A namespace's connection, from the server's `accept` on.
pub struct Socket {
    sid: Sid,
    /// The client's events that were written for it, and how many of them the server has received.
    written: Vec<u32>,
    heard: usize,
    /// The server's events, and how many of them the client has received.
    emitted: Vec<u32>,
    received: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Plain,
    Volatile,
    Retried,
}

/// An event of the client.
#[derive(Clone, Copy, Debug)]
pub struct Told {
    pub namespace: Namespace,
    pub kind: Kind,
    pub is_asked: bool,
    /// It may end before it is written: it has a deadline, can be dropped, or its namespace was left.
    pub may_vanish: bool,
    pub written: u32,
    /// How often it may be written.
    pub most: u32,
    pub heard: u32,
    /// The server has acknowledged it.
    pub is_answered: bool,
    /// Its time is over, or it was dropped: it is not written any more.
    pub is_expired: bool,
    /// The client was told how it ended.
    pub is_ended: bool,
}

/// An event of the server that asks for an acknowledgement.
#[derive(Clone, Copy, Debug, Default)]
pub struct Question {
    pub is_answered: bool,
    pub is_ended: bool,
}

#[derive(Default)]
pub struct Ledger {
    pub sockets: Vec<Socket>,
    pub events: Vec<Told>,
    pub questions: Vec<Question>,
    /// The last event that was written, of each namespace: of those without retries, and of those with.
    last: [[Option<u32>; 2]; 3],
    /// Credentials that were seen.
    pub tokens: Vec<u32>,
    /// What happened, for the test of the test.
    pub counts: [u64; 8],
}

pub const COUNTS: [&str; 8] =
    ["connected", "events up", "events down", "acks up", "acks down", "failed acks", "upgrades", "lost links"];

impl Ledger {
    pub fn accept(&mut self, sid: Sid) -> usize {
        self.sockets.push(Socket { sid, written: vec![], heard: 0, emitted: vec![], received: 0 });
        self.sockets.len() - 1
    }

    pub fn find(&self, sid: &str) -> usize {
        self.sockets.iter().rposition(|s| s.sid.as_str() == sid).expect("a sid of the server")
    }

    /// A packet of the client that was written. `sockets`: the last one of each namespace.
    pub fn see(&mut self, seen: Seen<'_>, sockets: &[Option<usize>; 3]) {
        trace!("client: {seen:?}");
        let Seen::Sent(Packet::Text(text)) = seen else { return };
        let text = std::str::from_utf8(text).unwrap();
        let Some((head, rest)) = text.split_once("[\"e\",") else { return };
        let name = head.find('/').map_or("/", |at| head[at..].split(',').next().unwrap());
        let namespace = NAMES.iter().position(|n| *n == name).unwrap();
        let number = rest.split([',', ']']).next().unwrap().parse::<u32>().unwrap();
        let event = &mut self.events[number as usize];
        assert_eq!(event.namespace.0 as usize, namespace);
        event.written += 1;
        assert!(event.written <= event.most, "event {number} is written {} times", event.written);
        // One whose namespace this end leaves is written behind its end.
        assert!(!event.is_expired, "event {number} is written after its end");
        let last = &mut self.last[namespace][usize::from(event.kind == Kind::Retried)];
        assert!(last.is_none_or(|last| last < number || event.kind == Kind::Retried && last == number), "order");
        *last = Some(number);
        self.sockets[sockets[namespace].expect("connected")].written.push(number);
    }

    /// The server has received an event.
    pub fn hear(&mut self, socket: usize, number: u32) {
        let socket = &mut self.sockets[socket];
        assert_eq!(socket.written.get(socket.heard), Some(&number), "lost, twice or out of order on the way up");
        socket.heard += 1;
        self.events[number as usize].heard += 1;
        self.counts[1] += 1;
    }

    pub fn emit(&mut self, socket: usize, number: u32) {
        self.sockets[socket].emitted.push(number);
    }

    /// The client has received an event.
    pub fn receive(&mut self, socket: usize, number: u32) {
        let socket = &mut self.sockets[socket];
        assert_eq!(socket.emitted.get(socket.received), Some(&number), "lost, twice or out of order on the way down");
        socket.received += 1;
        self.counts[2] += 1;
    }

    /// The client has received an acknowledgement.
    pub fn answer(&mut self, token: u32, args: u32) {
        assert_eq!(token, args, "the acknowledgement of another event");
        let event = &mut self.events[token as usize];
        assert!(event.is_asked && event.heard > 0 && event.is_answered, "event {token} was never acknowledged");
        self.end(token);
        self.counts[4] += 1;
    }

    /// The client was told that an event will have no acknowledgement.
    pub fn fail(&mut self, token: u32, error: AckError) {
        let event = &self.events[token as usize];
        match error {
            AckError::TimedOut => assert!(event.may_vanish || event.kind == Kind::Retried),
            AckError::Dropped => assert!(event.may_vanish && (event.written == 0 || event.kind == Kind::Retried)),
            _ => assert!(event.written > 0 || event.may_vanish, "event {token} {event:?}"),
        }
        self.events[token as usize].is_expired = matches!(error, AckError::TimedOut | AckError::Dropped);
        self.end(token);
        self.counts[5] += 1;
    }

    fn end(&mut self, token: u32) {
        let event = &mut self.events[token as usize];
        assert!(event.is_asked && !event.is_ended, "event {token} ends twice");
        event.is_ended = true;
    }

    /// The server has received an acknowledgement, or was told that there is none.
    pub fn end_question(&mut self, token: u32, args: Option<u32>) {
        let question = &mut self.questions[token as usize];
        assert!(!question.is_ended, "question {token} ends twice");
        question.is_ended = true;
        if let Some(args) = args {
            assert_eq!((token, question.is_answered), (args, true), "question {token}");
            self.counts[3] += 1;
        }
    }

    /// Everything has arrived that goes over this socket.
    pub fn is_settled(&self, socket: usize) -> bool {
        let socket = &self.sockets[socket];
        socket.heard == socket.written.len() && socket.received == socket.emitted.len()
    }

    /// An event that should have ended and has not.
    pub fn open(&self) -> Option<(usize, &Told)> {
        self.events.iter().enumerate().find(|(_, e)| match e.kind {
            _ if e.is_asked && !e.is_ended => true,
            Kind::Plain | Kind::Volatile => e.written == 0 && !e.may_vanish,
            Kind::Retried => false,
        })
    }
}
