use core::fmt;

/// How the packets of a session travel.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// HTTP long-polling: a GET waits for packets, a POST brings some.
    Polling,
    /// A WebSocket: one packet in each message.
    WebSocket,
}

impl Transport {
    /// The name in the query of a request, `polling` or `websocket` (Engine.IO protocol, "URL").
    ///
    /// ```
    /// assert_eq!(sansocket::engineio::Transport::Polling.as_str(), "polling");
    /// ```
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Polling => "polling",
            Self::WebSocket => "websocket",
        }
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
