//! The requests of a session over polling.

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

/// The result of [`ServerLink::poll_get`] and [`ServerLink::poll_answer`]. See the [module page](crate::endpoint) for an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Got {
    /// There is nothing to send yet. Call again when packets were queued, after each turn of this link, and when it is over.
    Waits,
    /// Answer the GET with this body.
    Payload {
        /// The number of bytes at the front of the queue that are in the body. Remove them ([`Queue::consume`](crate::socketio::Queue::consume)).
        taken: usize,
        /// The length of the body, at the front of the memory.
        len: usize,
    },
    /// The session is over and its close packet was fetched. Answer [`Got::GONE`].
    Over,
}

impl Got {
    /// The answer to a GET for a session that does not exist any more.
    pub const GONE: Answer<'static> = GONE;

    /// The answer to the GET. `memory` is what the payload was written into. `None`: there is none yet. See
    /// [`poll_answer`](ServerLink::poll_answer) for an example.
    #[must_use]
    pub fn answer(self, memory: &[u8]) -> Option<Answer<'_>> {
        match self {
            Self::Waits => None,
            Self::Payload { len, .. } => {
                Some(Answer::Payload { body: memory.get(..len).unwrap_or_default(), cookie: None })
            }
            Self::Over => Some(Self::GONE),
        }
    }
}

impl ServerLink {
    /// A GET arrived. Then call [`poll_get`](Self::poll_get) until it is answered. The GET that opened the session waits from the start.
    ///
    /// # Errors
    /// The answer to send at once. A second GET while one waits ends the session, like in the JavaScript server.
    pub fn begin_get(&mut self, now: Instant) -> Result<(), Answer<'static>> {
        self.engine.begin_poll(now).map_err(refused)
    }

    /// Makes the answer to the waiting GET, from the packets in `frames` (the queue, from its front) and from what the session has to send.
    ///
    /// The open packet comes before everything else. The packet that ends the session comes when nothing else waits, in a payload of its own: the
    /// JavaScript client handles a close packet before the packets in front of it. The length of `body` should be [`body_room`](Self::body_room).
    ///
    /// # Errors
    /// [`Grow`] if `body` has no room for the first packet.
    pub fn poll_get<'f>(&mut self, frames: impl Iterator<Item = &'f [u8]>, body: &mut [u8]) -> Result<Got, Grow> {
        if body.len() < OWED_MAX {
            return Err(Grow { what: What::Output, to: OWED_MAX });
        }
        // Memory that grew for one packet is not for more of them.
        let mut payload = Payload::with_max(body, self.max_payload.max(OWED_MAX));
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
            result = payload.push_frames(out.written()).map(|_| ());
            out.clear();
        }
        result.map_err(|e| Grow::new(What::Output, e))
    }

    /// The length of `body` for [`poll_get`](Self::poll_get) if `waiting` bytes of frames wait, within
    /// [`Config::max_payload`](crate::engineio::server::Config::max_payload).
    #[must_use]
    pub fn body_room(&self, waiting: usize) -> usize {
        // Base64 encodes three bytes as four.
        let all = waiting.saturating_add(waiting / 3).saturating_add(2 * OWED_MAX);
        all.min(self.max_payload).max(OWED_MAX)
    }

    /// The connection of the waiting GET ended. This ends the session (`transport close`), like in the JavaScript server.
    ///
    /// ```
    /// use sansocket::{endpoint::ServerLink, engineio::{Sid, Transport, server::Config}, time::Instant, ws::Limits};
    ///
    /// let now = Instant::from_millis(0);
    /// let mut link = ServerLink::open(Transport::Polling, Sid::from_random([0; 15]), Config::new(), Limits::new(), now);
    /// link.poll_get([].into_iter(), &mut [0; 256]).expect("room"); // answered with the open packet
    /// link.begin_get(now).map_err(|answer| answer.status())?;
    /// link.begin_post(None).map_err(|answer| answer.status())?;
    /// link.drop_post();
    /// assert!(!link.is_over());
    /// link.drop_get();
    /// assert!(link.is_over());
    /// # Ok::<(), u16>(())
    /// ```
    pub fn drop_get(&mut self) {
        self.engine.end_poll();
        self.engine.handle_eof();
    }

    /// Whether to queue a volatile packet: a GET waits, or the session uses a WebSocket whose socket accepts data (`socket_takes`).
    #[must_use]
    pub const fn is_writable(&self, socket_takes: bool) -> bool {
        match self.transport() {
            Transport::WebSocket => socket_takes,
            _ => self.engine.is_polled(),
        }
    }

    /// The head of a POST with this `Content-Type` arrived. Read the body next, within the limits for size and time.
    ///
    /// # Errors
    /// The answer to send at once. The session is over if the body of another POST is being received, or the content type is binary.
    pub fn begin_post(&mut self, content_type: Option<&[u8]>) -> Result<(), Answer<'static>> {
        self.engine.begin_post().map_err(refused)?;
        if is_post_type(content_type) {
            return Ok(());
        }
        self.engine.end_post();
        self.handle_error();
        Err(Answer::Bad)
    }

    /// The body of the POST is too large, too slow or malformed, or its connection ended. The session goes on. See [`drop_get`](Self::drop_get) for
    /// an example.
    pub fn drop_post(&mut self) {
        self.engine.end_post();
    }

    /// The next event of the body of a POST. `None`: the body was used up. Then answer [`posted`](Self::posted).
    pub fn poll_post<'b>(&mut self, packets: &mut Packets<'b>, now: Instant) -> Option<Event<'b>> {
        let event = self.engine.poll_post(packets, now)?;
        Some(self.told(event))
    }

    /// The answer to a POST, after its last event.
    #[must_use]
    pub const fn posted(&self) -> Answer<'static> {
        if self.fault().is_some() { Answer::Bad } else { Answer::Posted }
    }

    /// Writes a message, for applications that use Engine.IO without Socket.IO.
    ///
    /// # Errors
    /// [`SendError`]. Nothing was written.
    pub fn send<O: Sink<Server>>(&self, message: Message<'_>, out: &mut O) -> Result<(), SendError> {
        self.engine.send(message, out)
    }
}

const fn refused(error: PollError) -> Answer<'static> {
    match error {
        PollError::Upgraded => Answer::Refused { refusal: Refusal::BadRequest, message: None },
        PollError::Overlap | PollError::Unopened => Answer::Bad,
    }
}
