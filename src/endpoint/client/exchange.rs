//! One request after another over a line, and their answers (RFC 9112).

use super::{Failure, Line, Task, refusal::no_answer};
use crate::{
    bytes::{Capacity, close_gap},
    endpoint::{Grow, What},
    http::{Body, BodyDecoder, BodyError, HeadScanner, Limits, ResponseHead, Status},
    ws::{Inbox, MaskSource, Outbox, Storage},
};

/// The requests of a line: those with GET, or those with POST.
#[derive(Clone, Debug)]
pub(super) struct Exchange {
    line: Line,
    phase: Phase,
    /// `Task::Close` is to be returned.
    owes_close: bool,
    /// An answer has come over this connection.
    is_reused: bool,
    /// The POST whose connection was lost is sent again over the next one.
    again: bool,
}

#[derive(Clone, Debug)]
enum Phase {
    Down,
    /// `Task::Open` is to be returned.
    Wanted,
    Opening,
    Idle,
    /// The request was written.
    Asked {
        scanner: HeadScanner,
        /// A byte of the answer has come.
        is_heard: bool,
    },
    Body {
        answer: Answer,
        decoder: Option<BodyDecoder>,
    },
    /// The answer is there. Its body is at the front of the inbox.
    Answered(Answer),
}

/// The answer to a request. Its body is at the front of the inbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: Status,
    /// The length of the part of its body that has come.
    pub(super) len: usize,
    keeps_alive: bool,
}

/// What became of a request whose connection was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lost {
    /// No request was under way, or the answer is complete.
    Nothing,
    /// No connection was opened.
    Unreachable,
    /// A POST was sent over a connection that had been used before, and no byte of an answer came: the server closed it at that moment.
    Unheard,
    /// Another request was sent, and no byte of an answer came.
    Silent,
    /// The request has no answer, or only a part of it.
    Request,
}

impl Exchange {
    pub(super) const fn new(line: Line) -> Self {
        Self { line, phase: Phase::Down, owes_close: false, is_reused: false, again: false }
    }

    pub(super) const fn poll_task(&mut self) -> Option<Task> {
        if self.owes_close {
            self.owes_close = false;
            return Some(Task::Close(self.line));
        }
        if matches!(self.phase, Phase::Wanted) {
            self.phase = Phase::Opening;
            return Some(Task::Open(self.line));
        }
        None
    }

    pub(super) const fn has_task(&self) -> bool {
        self.owes_close || matches!(self.phase, Phase::Wanted)
    }

    /// A connection is needed, if there is none.
    pub(super) const fn want(&mut self) {
        if matches!(self.phase, Phase::Down) {
            self.phase = Phase::Wanted;
        }
    }

    pub(super) fn opened<S: Storage, T: AsMut<[u8]>, K: MaskSource>(
        &mut self,
        inbox: &mut Inbox<S>,
        outbox: &mut Outbox<T, K>,
    ) {
        match self.phase {
            Phase::Opening => {
                self.phase = Phase::Idle;
                self.is_reused = false;
            }
            // It is not needed any more, and is closed.
            Phase::Down | Phase::Wanted => {}
            _ => return,
        }
        inbox.reset();
        if !self.again {
            outbox.consume(usize::MAX);
        }
    }

    /// The connection has ended (`is_eof`) or failed.
    pub(super) const fn lost(&mut self, is_eof: bool) -> Lost {
        let lost = match &mut self.phase {
            Phase::Down | Phase::Wanted => return Lost::Nothing,
            Phase::Idle => Lost::Nothing,
            Phase::Opening => Lost::Unreachable,
            // The caller drops the connection when the next one is opened. Its outbox may still hold the request.
            Phase::Asked { is_heard: false, .. } if self.is_reused && matches!(self.line, Line::Post) => {
                self.phase = Phase::Down;
                return Lost::Unheard;
            }
            // The end of the connection ends this body. A refusal is one also without the end of its body.
            Phase::Body { answer, decoder } if is_eof && decoder.is_none() || answer.status.0 != 200 => {
                answer.keeps_alive = false;
                self.phase = Phase::Answered(*answer);
                return Lost::Nothing;
            }
            Phase::Asked { is_heard: false, .. } => Lost::Silent,
            Phase::Asked { .. } | Phase::Body { .. } => Lost::Request,
            Phase::Answered(answer) => {
                answer.keeps_alive = false;
                return Lost::Nothing;
            }
        };
        self.owes_close = is_eof;
        self.phase = Phase::Down;
        lost
    }

    /// The line is not needed any more.
    pub(super) const fn close(&mut self) {
        // An old connection stays until the next one is opened.
        if self.again || !matches!(self.phase, Phase::Down | Phase::Wanted) {
            self.owes_close = true;
        }
        self.phase = Phase::Down;
        self.again = false;
    }

    /// Whether a request can be written now.
    pub(super) const fn is_idle(&self) -> bool {
        matches!(self.phase, Phase::Idle)
    }

    pub(super) const fn is_down(&self) -> bool {
        matches!(self.phase, Phase::Down)
    }

    /// The answer, once it is complete.
    pub(super) const fn answer(&self) -> Option<Answer> {
        if let Phase::Answered(answer) = self.phase { Some(answer) } else { None }
    }

    /// A request was written.
    pub(super) const fn ask(&mut self) {
        self.again = false;
        self.phase = Phase::Asked { scanner: HeadScanner::response(Limits::new()), is_heard: false };
    }

    /// The lost request is to be sent again, over a new connection.
    pub(super) const fn ask_again(&mut self) {
        self.again = true;
        self.phase = Phase::Wanted;
    }

    pub(super) const fn is_asking_again(&self) -> bool {
        self.again
    }

    /// Whether a request is under way.
    pub(super) const fn is_busy(&self) -> bool {
        self.again || matches!(self.phase, Phase::Asked { .. } | Phase::Body { .. } | Phase::Answered(_))
    }

    /// Reads the answer. `limit`: of its body.
    pub(super) fn advance<S: Storage>(
        &mut self,
        inbox: &mut Inbox<S>,
        limit: u64,
    ) -> Result<Result<(), Failure>, Grow> {
        loop {
            match &mut self.phase {
                // Nor would a new connection for the GET, which is asked for at once, be another one.
                Phase::Idle if !inbox.bytes().is_empty() && self.line == Line::Get && !self.is_reused => {
                    return Ok(Err(Failure::NotHttp));
                }
                Phase::Idle if !inbox.bytes().is_empty() => {
                    // Nothing was asked: whatever it is, it answers nothing (RFC 9112 section 9.2).
                    self.close();
                    return Ok(Ok(()));
                }
                Phase::Asked { scanner, is_heard } => {
                    let bytes = inbox.bytes();
                    *is_heard |= !bytes.is_empty();
                    let held = bytes.len();
                    let end = match scanner.scan(bytes) {
                        Ok(Some(end)) => end,
                        Ok(None) => return has_room(inbox, held).map(Ok),
                        Err(e) => return Ok(Err(no_answer(e, bytes))),
                    };
                    let Ok(head) = ResponseHead::parse(bytes.get_mut(..end).unwrap_or_default()) else {
                        return Ok(Err(Failure::NotHttp));
                    };
                    let (status, keeps_alive) = (head.status(), head.keeps_alive());
                    let Ok(body) = head.body() else { return Ok(Err(Failure::NotHttp)) };
                    inbox.consume(end);
                    self.phase = match status.0 {
                        // Nothing was asked that would change the protocol.
                        101 => return Ok(Err(Failure::NotHttp)),
                        100..=199 => Phase::Asked { scanner: HeadScanner::response(Limits::new()), is_heard: true },
                        _ => Phase::Body {
                            answer: Answer { status, len: 0, keeps_alive: keeps_alive && body.is_some() },
                            decoder: body.map(|body| BodyDecoder::new(body, limit)),
                        },
                    };
                    if let (Phase::Body { .. }, Some(Body::Length(n))) = (&self.phase, body)
                        && n <= limit
                    {
                        let (needed, available) = (usize::try_from(n).unwrap_or(usize::MAX), inbox.size());
                        if needed > available {
                            return Err(Grow::new(What::Inbox, Capacity { needed, available }));
                        }
                    }
                }
                Phase::Body { answer, decoder } => {
                    let is_complete = match decoder {
                        Some(decoder) => match decode(decoder, &mut answer.len, inbox) {
                            Ok(()) => decoder.is_complete(),
                            Err(BodyError::TooLarge) => return Ok(Err(Failure::TooLarge)),
                            Err(_) => return Ok(Err(Failure::NotHttp)),
                        },
                        None => {
                            answer.len = inbox.bytes().len();
                            if u64::try_from(answer.len).is_ok_and(|len| len > limit) {
                                return Ok(Err(Failure::TooLarge));
                            }
                            false
                        }
                    };
                    if !is_complete {
                        return has_room(inbox, answer.len).map(Ok);
                    }
                    self.is_reused = true;
                    self.phase = Phase::Answered(*answer);
                }
                _ => return Ok(Ok(())),
            }
        }
    }

    /// The answer was used up.
    pub(super) fn finish<S: Storage>(&mut self, inbox: &mut Inbox<S>) {
        let Phase::Answered(answer) = self.phase else { return };
        inbox.consume(answer.len);
        self.phase = Phase::Idle;
        // What follows was not asked for.
        if !answer.keeps_alive || !inbox.bytes().is_empty() {
            self.close();
        }
    }
}

/// Decodes what has come of a body, in place: its first `len` bytes are at the front of `inbox` already.
fn decode<S: Storage>(decoder: &mut BodyDecoder, len: &mut usize, inbox: &mut Inbox<S>) -> Result<(), BodyError> {
    let mut read = *len;
    let bytes = inbox.bytes();
    let all = bytes.len();
    loop {
        let mut input = bytes.get_mut(read..).unwrap_or_default();
        let piece = decoder.poll_piece(&mut input)?.map(|piece| piece.len());
        let rest = input.len();
        read = all.saturating_sub(rest);
        let Some(piece) = piece else { break };
        let gap = read.saturating_sub(piece).saturating_sub(*len);
        if gap > 0 {
            close_gap(bytes.get_mut(*len..read).unwrap_or_default(), gap);
        }
        *len = len.saturating_add(piece);
    }
    inbox.cut(*len, read.saturating_sub(*len));
    Ok(())
}

/// Whether more can be read behind the `held` bytes.
fn has_room<S: Storage>(inbox: &mut Inbox<S>, held: usize) -> Result<(), Grow> {
    let available = inbox.size();
    // Empty storage is lent elsewhere until there is something to read.
    if held < available || available == 0 {
        return Ok(());
    }
    Err(Grow::new(What::Inbox, Capacity { needed: available.saturating_add(1), available }))
}
