use core::fmt;

/// The transport of a session.
#[non_exhaustive]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// HTTP long-polling: a GET waits for packets to the client, a POST carries packets from the client.
    Polling,
    /// A WebSocket: each message is one packet.
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
