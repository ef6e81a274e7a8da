//! The bytes that have arrived.

use super::{ClientEnd, Line, Link, Seen, Step};
use crate::{
    endpoint::{Grow, room::room},
    engineio,
    socketio::{AckSlot, Collector, Namespaces, client::SocketSlot},
    time::Instant,
    ws::{Inbox, Storage},
};

impl<L, N, A, S, B> ClientEnd<L, N, A, S, B>
where
    L: Link,
    N: Namespaces,
    A: AsMut<[AckSlot]> + AsRef<[AckSlot]>,
    S: AsMut<[SocketSlot]> + AsRef<[SocketSlot]>,
    B: AsMut<[u8]> + AsRef<[u8]>,
{
    /// The next step of what a line received. See the [module page](super) for the loop.
    ///
    /// # Errors
    /// [`Grow`] for the inbox or the collector. Nothing was changed.
    pub fn poll<'e, R: Storage, C: AsMut<[u8]> + AsRef<[u8]>>(
        &mut self,
        line: Line,
        inbox: &'e mut Inbox<R>,
        collector: &'e mut Collector<C>,
        now: Instant,
    ) -> Result<Step<'e>, Grow> {
        self.poll_watched(line, inbox, collector, now, &mut |_| {})
    }

    /// As [`poll`](Self::poll), and shows each packet to `seen`, for logs.
    ///
    /// # Errors
    /// As [`poll`](Self::poll).
    pub fn poll_watched<'e, R: Storage, C: AsMut<[u8]> + AsRef<[u8]>>(
        &mut self,
        line: Line,
        inbox: &'e mut Inbox<R>,
        collector: &'e mut Collector<C>,
        now: Instant,
        seen: &mut dyn FnMut(Seen<'_>),
    ) -> Result<Step<'e>, Grow> {
        match self.advance(line, inbox, collector, now, seen)? {
            Step::Again => Ok(self.take(line, inbox, collector, now)),
            step => Ok(step),
        }
    }

    /// The first half of [`poll_watched`](Self::poll_watched). It lends nothing, so you can call it in a loop and lend after the loop:
    /// [`Step::Again`] means that [`take`](Self::take) returns the step. Every other step is returned as it is, and there is nothing to take.
    ///
    /// If you call it again without `take`, it returns [`Step::Again`] again, and nothing is lost, unless something else is to be told first.
    ///
    /// ```
    /// # use sansocket::{endpoint::{Grow, client::{ClientEnd, Config, Line, Memory, Step, WebSocketLink}}, socketio::{AckSlot, Collector, Namespace}};
    /// # use sansocket::{socketio::client::SocketSlot, time::Instant, ws::Inbox};
    /// type Client<'c> = ClientEnd<WebSocketLink<'c>, [&'static str; 1], [AckSlot; 4], [SocketSlot; 1], [u8; 64]>;
    ///
    /// /// The next step that is not `Idle`. Bytes come from `read`.
    /// fn next<'e>(
    ///     client: &mut Client<'_>,
    ///     inbox: &'e mut Inbox<Vec<u8>>,
    ///     files: &'e mut Collector<Vec<u8>>,
    ///     now: Instant,
    ///     mut read: impl FnMut(&mut [u8]) -> usize,
    /// ) -> Result<Step<'e>, Grow> {
    ///     loop {
    ///         match client.advance(Line::WebSocket, inbox, files, now, &mut |_| {})? {
    ///             Step::Again => break,
    ///             Step::Idle => {}
    ///             step => return Ok(step),
    ///         }
    ///         match client.handle_timeout(now) {
    ///             Step::Idle => {
    ///                 let n = inbox.space().map_or(0, &mut read);
    ///                 inbox.commit(n);
    ///             }
    ///             Step::Again => {}
    ///             step => return Ok(step),
    ///         }
    ///     }
    ///     Ok(client.take(Line::WebSocket, inbox, files, now)) // lends, once
    /// }
    /// # let config = Config::parse("ws://example.org").unwrap();
    /// # let memory = Memory { acks: [AckSlot::EMPTY; 4], sockets: [SocketSlot::EMPTY; 1], backlog: [0; 64] };
    /// # let mut client = ClientEnd::new(WebSocketLink::new(&config), ["/"], memory, 1);
    /// # let now = Instant::from_millis(0);
    /// # client.connect(Namespace(0), now).unwrap();
    /// # let (mut inbox, mut files) = (Inbox::new(vec![0; 64]), Collector::new(Vec::new()));
    /// # assert!(matches!(next(&mut client, &mut inbox, &mut files, now, |_| 0), Ok(Step::Open(Line::WebSocket))));
    /// ```
    ///
    /// # Errors
    /// As [`poll`](Self::poll).
    pub fn advance<R: Storage, C: AsMut<[u8]> + AsRef<[u8]>>(
        &mut self,
        line: Line,
        inbox: &mut Inbox<R>,
        collector: &Collector<C>,
        now: Instant,
        seen: &mut dyn FnMut(Seen<'_>),
    ) -> Result<Step<'static>, Grow> {
        while let Some(step) = self.next(now) {
            if !matches!(step, Step::Again) {
                return Ok(step);
            }
        }
        if !self.link.advance(line, inbox, now, seen)? {
            return Ok(Step::Idle);
        }
        match self.link.peek(line, inbox) {
            Some(engineio::Message::Text([b'5' | b'6', rest @ ..])) => room(collector, 0, rest.len())?,
            Some(engineio::Message::Binary(bytes)) if collector.is_open() => {
                room(collector, collector.held(), bytes.len())?;
            }
            _ => {}
        }
        Ok(Step::Again)
    }

    /// The step that [`advance`](Self::advance) has found, with the same arguments. It is [`Step::Again`] if what arrived is not an event. Call it once
    /// for each [`Step::Again`] of `advance`.
    pub fn take<'e, R: Storage, C: AsMut<[u8]> + AsRef<[u8]>>(
        &mut self,
        line: Line,
        inbox: &'e mut Inbox<R>,
        collector: &'e mut Collector<C>,
        now: Instant,
    ) -> Step<'e> {
        let event = self.link.take(line, inbox, now).and_then(|event| self.handle(event, now));
        match event.map(|event| collector.collect(event)) {
            Some(Ok(Some((event, attachments)))) => Step::Event(event, attachments),
            // Not an error: the room was checked before.
            None | Some(Ok(None) | Err(_)) => Step::Again,
        }
    }
}
