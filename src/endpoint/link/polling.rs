//! Requests of a session over polling.

use super::ServerLink;
use crate::{
    endpoint::{Answer, Grow, What, judge::GONE},
    engineio::{
        Event, Message, Packets, Payload, SendError, Sink, Transport,
        server::{OWED_MAX, PollError, Refusal, is_post_type},
    },
    time::Instant,
    ws::{Out, Server},
};

/// What a GET came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Got {
    /// Nothing is to be said yet: ask again when packets were queued, when a turn of this link ended, and when the link is over.
    Waits,
    /// The GET is answered.
    Payload {
        /// Bytes of the queue that are in the body: take them out ([`Queue::consume`](crate::socketio::Queue::consume)).
        taken: usize,
        /// Bytes of the body at the front of the memory.
        len: usize,
    },
    /// The session is over, and the client was told: answer [`Got::GONE`].
    Over,
}

impl Got {
    /// The answer to a GET for a session that is there no more.
    pub const GONE: Answer<'static> = GONE;
}

impl ServerLink {
    /// A GET came. (The one that opened the session waits from the start.) Then [`poll_get`](Self::poll_get) until it is answered.
    ///
    /// # Errors
    /// The answer to give at once. A second GET while one waits ends the session, as in the JavaScript server.
    pub fn begin_get(&mut self, now: Instant) -> Result<(), Answer<'static>> {
        self.engine.begin_poll(now).map_err(refused)
    }

    /// Makes the answer to the GET that waits, of the packets that wait in `frames` (the queue, from its front) and of what is owed.
    ///
    /// The open packet stands in front of everything. The packet that ends the session comes when nothing else waits, in a payload of its own: the
    /// stock client acts on it before the packets in front of it. `body` is as long as [`body_room`](Self::body_room) says.
    ///
    /// # Errors
    /// [`Grow`] when not one packet has room.
    pub fn poll_get<'f>(&mut self, frames: impl Iterator<Item = &'f [u8]>, body: &mut [u8]) -> Result<Got, Grow> {
        if body.len() < OWED_MAX {
            return Err(Grow { what: What::Output, to: OWED_MAX });
        }
        let mut payload = Payload::new(body);
        let mut memory = [0; OWED_MAX];
        if !self.is_over() {
            self.push_owed(&mut memory, &mut payload)?;
        }
        let mut taken = 0_usize;
        for frames in frames {
            let n = payload.push_frames(frames).map_err(|e| Grow::new(What::Output, e))?;
            taken = taken.saturating_add(n);
            if n < frames.len() {
                break;
            }
        }
        if payload.is_empty() && self.is_over() {
            self.push_owed(&mut memory, &mut payload)?;
            self.farewell = None;
        }
        let len = payload.written().len();
        if len > 0 {
            self.engine.end_poll();
            Ok(Got::Payload { taken, len })
        } else if self.is_over() {
            self.engine.end_poll();
            Ok(Got::Over)
        } else {
            Ok(Got::Waits)
        }
    }

    fn push_owed(&mut self, memory: &mut [u8; OWED_MAX], payload: &mut Payload<'_>) -> Result<(), Grow> {
        let mut result = Ok(());
        let mut out = Out::stored(memory);
        while let Ok(true) = self.engine.poll_transmit(&mut out) {
            self.is_announced = true;
            result = payload.push_frames(out.written()).map(|_| ());
            out.clear();
        }
        result.map_err(|e| Grow::new(What::Output, e))
    }

    /// Bytes that the body of a GET may need when `waiting` bytes of frames wait, within [`Config::max_payload`](crate::engineio::server::Config::max_payload).
    #[must_use]
    pub fn body_room(&self, waiting: usize) -> usize {
        // Base64 makes four bytes of three.
        let all = waiting.saturating_add(waiting / 3).saturating_add(2 * OWED_MAX);
        all.min(self.max_payload).max(OWED_MAX)
    }

    /// The client of the GET that waited is gone, and with it the session (`transport close`), as in the JavaScript server.
    pub fn drop_get(&mut self) {
        self.engine.end_poll();
        self.engine.handle_eof();
    }

    /// Whether a volatile packet is to be queued: a GET waits, or the session has a WebSocket whose socket takes more (`socket_takes`).
    #[must_use]
    pub const fn is_writable(&self, socket_takes: bool) -> bool {
        match self.transport() {
            Transport::WebSocket => socket_takes,
            _ => self.engine.is_polled(),
        }
    }

    /// The head of a POST came, with this `Content-Type`. Read the body next, within the limit and the time.
    ///
    /// # Errors
    /// The answer to give at once. A second POST before the body of the first was there ends the session, and so does a body of bytes.
    pub fn begin_post(&mut self, content_type: Option<&[u8]>) -> Result<(), Answer<'static>> {
        self.engine.begin_post().map_err(refused)?;
        if is_post_type(content_type) {
            return Ok(());
        }
        self.engine.end_post();
        self.handle_error();
        Err(Answer::Bad)
    }

    /// The body of the POST did not come: it is over the limit, too slow, malformed, or its client is gone. The session goes on.
    pub fn drop_post(&mut self) {
        self.engine.end_post();
    }

    /// The next event of the body of a POST; `None` when it is used up: then answer [`posted`](Self::posted).
    pub fn poll_post<'b>(&mut self, packets: &mut Packets<'b>, now: Instant) -> Option<Event<'b>> {
        let event = self.engine.poll_post(packets, now)?;
        Some(self.told(event))
    }

    /// The answer to a POST whose events were told.
    #[must_use]
    pub const fn posted(&self) -> Answer<'static> {
        if self.fault().is_some() { Answer::Bad } else { Answer::Posted }
    }

    /// Writes a message, for applications that speak Engine.IO itself.
    ///
    /// # Errors
    /// [`SendError`]; nothing was written.
    pub fn send<O: Sink<Server>>(&self, message: Message<'_>, out: &mut O) -> Result<(), SendError> {
        self.engine.send(message, out)
    }
}

const fn refused(error: PollError) -> Answer<'static> {
    match error {
        PollError::Upgraded => Answer::Refused { refusal: Refusal::BadRequest, message: None },
        PollError::Overlap => Answer::Bad,
    }
}
