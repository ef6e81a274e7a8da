//! The states of a connection: one state machine for each direction. They decide what may be sent, and whether input is still read. They do not
//! depend on the role.
//!
//! ```text
//! receiving: Open -- Close frame --> Closed      sending: Open <-- first, last --> Message
//!                 -- fault       --> Failed                 |  Close, fault received  |
//!                 -- end         --> Ended                  |  or close()             |
//! (all but Open are final)                                  +-----> CloseOwed <-------+
//!                                                                       | written
//!                                                                   CloseSent
//!                                                  all of them -- end of the transport --> Ended
//! ```
//!
//! An owed close frame is written between two frames, possibly inside a message of ours. The peer then knows that the rest of the message will not
//! follow (RFC 6455 section 5.5.1).

use super::{CloseCode, Kind, PeerError, StateError};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Receiving {
    Open,
    Closed(CloseCode),
    Failed(PeerError),
    Ended,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sending {
    Open,
    /// A message sent in parts is not complete.
    Message(Kind),
    CloseOwed(CloseCode),
    CloseSent,
    /// The transport has ended: nothing can be sent and nothing is owed.
    Ended {
        /// Whether our close frame was sent before.
        was_closed: bool,
    },
}

/// What happens to a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trigger {
    /// A close frame arrived.
    ReceiveClose(CloseCode),
    /// The peer broke the protocol.
    ReceiveFault(PeerError),
    /// The transport ended.
    ReceiveEnd,
    /// We send a data frame: the first of its message, the last, both, or neither.
    SendData { kind: Kind, is_last: bool },
    /// We send a whole message.
    SendMessage,
    /// We send a ping.
    SendPing,
    /// This end closes, unless a close frame is owed already.
    OweClose(CloseCode),
    /// The application closes, with this code.
    Close(CloseCode),
    /// The owed close frame is written.
    SendClose,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct State {
    pub(crate) receiving: Receiving,
    pub(crate) sending: Sending,
}

impl State {
    pub(crate) const fn new() -> Self {
        Self { receiving: Receiving::Open, sending: Sending::Open }
    }

    /// The state after `trigger`, or why it is not possible now.
    #[inline(always)]
    pub(crate) const fn next(mut self, trigger: Trigger) -> Result<Self, StateError> {
        match self.turn(trigger) {
            Ok(()) => Ok(self),
            Err(e) => Err(e),
        }
    }

    /// Changes what `trigger` changes, in place, or says why it is not possible now.
    // Each caller knows its trigger, so little of this is left at each. A state that is built anew is put together field by field.
    #[inline(always)]
    const fn turn(&mut self, trigger: Trigger) -> Result<(), StateError> {
        match trigger {
            Trigger::ReceiveClose(code) => {
                if let Receiving::Open = self.receiving {
                    self.receiving = Receiving::Closed(code);
                    // The answer repeats the code, or has none if it must not be sent.
                    self.sending.owe_close(if code.is_sendable() { code } else { CloseCode::NO_STATUS });
                }
            }
            Trigger::ReceiveFault(error) => {
                if let Receiving::Open = self.receiving {
                    self.receiving = Receiving::Failed(error);
                    self.sending.owe_close(error.close_code());
                }
            }
            Trigger::ReceiveEnd => {
                if let Receiving::Open = self.receiving {
                    self.receiving = Receiving::Ended;
                }
                match self.sending {
                    Sending::Open | Sending::Message(_) | Sending::CloseOwed(_) => {
                        self.sending = Sending::Ended { was_closed: false };
                    }
                    Sending::CloseSent => self.sending = Sending::Ended { was_closed: true },
                    Sending::Ended { .. } => {}
                }
            }
            Trigger::SendMessage => match self.sending {
                Sending::Open => {}
                Sending::Message(_) => return Err(StateError::MessageOpen),
                Sending::CloseOwed(_) | Sending::CloseSent | Sending::Ended { .. } => return Err(StateError::Closing),
            },
            Trigger::SendData { kind, is_last } => match self.sending {
                Sending::Message(open)
                    if !matches!((open, kind), (Kind::Text, Kind::Text) | (Kind::Binary, Kind::Binary)) =>
                {
                    return Err(StateError::KindChanged);
                }
                Sending::Open | Sending::Message(_) => {
                    self.sending = if is_last { Sending::Open } else { Sending::Message(kind) };
                }
                Sending::CloseOwed(_) | Sending::CloseSent | Sending::Ended { .. } => return Err(StateError::Closing),
            },
            Trigger::SendPing => match self.sending {
                Sending::Open | Sending::Message(_) => {}
                Sending::CloseOwed(_) | Sending::CloseSent | Sending::Ended { .. } => return Err(StateError::Closing),
            },
            Trigger::OweClose(code) => self.sending.owe_close(code),
            Trigger::Close(code) => match self.sending {
                Sending::Open | Sending::Message(_) | Sending::CloseOwed(_) => self.sending = Sending::CloseOwed(code),
                Sending::CloseSent | Sending::Ended { .. } => return Err(StateError::Closing),
            },
            Trigger::SendClose => match self.sending {
                Sending::CloseOwed(_) => self.sending = Sending::CloseSent,
                Sending::Open | Sending::Message(_) | Sending::CloseSent => {}
                Sending::Ended { .. } => return Err(StateError::Closing),
            },
        }
        Ok(())
    }

    /// As [`next`](Self::next), for actions of the peer, which cannot be refused.
    #[inline(always)]
    pub(crate) fn receive(&mut self, trigger: Trigger) {
        let _ = self.turn(trigger);
    }

    /// Whether no more input is read and nothing is left to send.
    pub(crate) const fn is_closed(self) -> bool {
        match (self.receiving, self.sending) {
            (_, Sending::Ended { .. }) => true,
            (Receiving::Closed(_) | Receiving::Failed(_), Sending::CloseSent) => true,
            (Receiving::Closed(_) | Receiving::Failed(_) | Receiving::Open | Receiving::Ended, _) => false,
        }
    }
}

impl Sending {
    const fn owe_close(&mut self, code: CloseCode) {
        match self {
            Self::Open | Self::Message(_) => *self = Self::CloseOwed(code),
            Self::CloseOwed(_) | Self::CloseSent | Self::Ended { .. } => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CODE: CloseCode = CloseCode::GOING_AWAY;
    const FAULT: PeerError = PeerError::InvalidUtf8;

    /// The full product of states and triggers against a table written from the RFC, row by row.
    #[test]
    fn every_state_meets_every_trigger() {
        let receivings = [Receiving::Open, Receiving::Closed(CODE), Receiving::Failed(FAULT), Receiving::Ended];
        let sendings = [
            Sending::Open,
            Sending::Message(Kind::Text),
            Sending::CloseOwed(CODE),
            Sending::CloseSent,
            Sending::Ended { was_closed: false },
            Sending::Ended { was_closed: true },
        ];
        let first = Trigger::SendData { kind: Kind::Text, is_last: false };
        let last = Trigger::SendData { kind: Kind::Text, is_last: true };
        use Sending::{CloseOwed, CloseSent, Ended, Message, Open};
        // For each trigger of ours what becomes of Open, Message, CloseOwed, CloseSent; None: refused. Behind the end of the transport
        // all are refused, but for what is only noted.
        let ours = [
            (Trigger::SendMessage, [Some(Open), None, None, None]),
            (first, [Some(Message(Kind::Text)), Some(Message(Kind::Text)), None, None]),
            (Trigger::SendData { kind: Kind::Binary, is_last: true }, [Some(Open), None, None, None]),
            (last, [Some(Open), Some(Open), None, None]),
            (Trigger::SendPing, [Some(Open), Some(Message(Kind::Text)), None, None]),
            (
                Trigger::OweClose(CODE),
                [Some(CloseOwed(CODE)), Some(CloseOwed(CODE)), Some(CloseOwed(CODE)), Some(CloseSent)],
            ),
            (
                Trigger::Close(CloseCode::NORMAL),
                [
                    Some(CloseOwed(CloseCode::NORMAL)),
                    Some(CloseOwed(CloseCode::NORMAL)),
                    Some(CloseOwed(CloseCode::NORMAL)),
                    None,
                ],
            ),
            (Trigger::SendClose, [Some(Open), Some(Message(Kind::Text)), Some(CloseSent), Some(CloseSent)]),
        ];
        let theirs = [
            (Trigger::ReceiveClose(CloseCode::NORMAL), Receiving::Closed(CloseCode::NORMAL), CloseCode::NORMAL),
            (
                Trigger::ReceiveFault(PeerError::ReservedBits),
                Receiving::Failed(PeerError::ReservedBits),
                CloseCode::PROTOCOL_ERROR,
            ),
        ];
        for receiving in receivings {
            for (row, sending) in sendings.into_iter().enumerate() {
                let state = State { receiving, sending };
                for (trigger, becomes) in ours {
                    let ended = matches!(trigger, Trigger::OweClose(_)).then_some(sending);
                    let becomes = becomes.get(row).copied().unwrap_or(ended);
                    assert_eq!(state.next(trigger).ok().map(|s| s.sending), becomes, "{state:?} {trigger:?}");
                    assert!(state.next(trigger).is_ok_and(|s| s.receiving == receiving) || becomes.is_none());
                }
                let was_closed = matches!(sending, CloseSent | Ended { was_closed: true });
                let end = state.next(Trigger::ReceiveEnd).unwrap();
                assert_eq!(end.sending, Ended { was_closed });
                assert_eq!(end.receiving, if receiving == Receiving::Open { Receiving::Ended } else { receiving });
                assert!(end.is_closed());
                for (trigger, becomes, owed) in theirs {
                    let expected = match (receiving, sending) {
                        (Receiving::Open, Open | Message(_)) => State { receiving: becomes, sending: CloseOwed(owed) },
                        (Receiving::Open, _) => State { receiving: becomes, sending },
                        _ => state,
                    };
                    assert_eq!(state.next(trigger), Ok(expected), "{state:?} {trigger:?}");
                }
            }
        }
    }
}
