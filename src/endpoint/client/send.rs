//! The packets that the application sends.

use super::{
    ClientEnd, Emit, Link, WhenFull,
    backlog::{Kind, Record},
};
use crate::{
    json::Args,
    socketio::{
        AckRequest, AckSlot, Content, ExpectAck, Flags, Namespace, Namespaces, SendError, StateError,
        client::{self, SocketSlot},
    },
    ws::{Out, Stored},
};

impl<L, N, A, S, B> ClientEnd<L, N, A, S, B>
where
    L: Link,
    N: Namespaces,
    A: AsMut<[AckSlot]> + AsRef<[AckSlot]>,
    S: AsMut<[SocketSlot]> + AsRef<[SocketSlot]>,
    B: AsMut<[u8]> + AsRef<[u8]>,
{
    /// Answers [`Step::Auth`](super::Step::Auth): sends CONNECT with these credentials, which must be written as a JSON object, or without.
    ///
    /// # Errors
    /// [`SendError::Capacity`] if the backlog has no room ([`Grow::of_client`](crate::endpoint::Grow::of_client)). [`SendError::State`] if the
    /// namespace does not wait for credentials (any more). Nothing was changed: [`Step::Auth`](super::Step::Auth) does not come again, so repeat the
    /// call.
    pub fn authorize(&mut self, namespace: Namespace, auth: Option<&impl Args>) -> Result<(), SendError> {
        let io = &mut self.io;
        let len = self.backlog.append(0, |out| io.authorize(namespace, auth, out))?;
        self.backlog.commit(Record::new(namespace, Kind::Auth, Flags::NONE), len);
        Ok(())
    }

    /// Sends an event, or keeps it until the namespace is connected. As [`emit_with`](Self::emit_with) with [`Emit::new`],
    /// but it does not tell whether [`WhenFull::DropNewest`] has dropped the event.
    ///
    /// # Errors
    /// As [`emit_with`](Self::emit_with).
    pub fn emit(&mut self, namespace: Namespace, name: &str, content: &impl Content) -> Result<(), SendError> {
        self.emit_with(namespace, name, content, Emit::new()).map(|_| ())
    }

    /// Sends an event, or keeps it until the namespace is connected. The events of a namespace are sent in the order of the calls; those with retries
    /// in an order of their own. [`transmit`](Self::transmit) writes it.
    ///
    /// `false`: it was dropped. It was volatile and could not be sent at once, or [`WhenFull::DropNewest`] has dropped it. Its acknowledgement does not
    /// fail: it was never asked for.
    ///
    /// # Errors
    /// [`SendError::Capacity`] if the backlog is full, with the size that it needs; [`SendError::Acks`] if no slot is free: see
    /// [`Grow::of_client`](crate::endpoint::Grow::of_client).
    /// [`SendError::Serialize`]. [`SendError::State`] if the name is reserved, the namespace is not one of the application's, or there are too many
    /// attachments. Nothing was changed.
    pub fn emit_with(
        &mut self,
        namespace: Namespace,
        name: &str,
        content: &impl Content,
        how: Emit,
    ) -> Result<bool, SendError> {
        let mut record = Record::new(namespace, Kind::Event, how.flags);
        let mut expect = how.expect;
        record.is_asked = expect.is_some();
        if let Some((retries, timeout)) = how.retry {
            (record.kind, record.left, record.timeout) = (Kind::Retry, retries, timeout);
            // Its deadlines begin when it is sent.
            expect = Some(ExpectAck { token: expect.map_or(0, |e| e.token), deadline: None });
        } else if how.flags.is_volatile() {
            record.kind = Kind::Volatile;
            if !self.io.is_connected(namespace) || !self.link.is_writable() || self.backlog.waits(namespace) {
                return Ok(false);
            }
        }
        let Some(len) = self.write_event(namespace, name, content, expect)? else { return Ok(false) };
        if let Some(expect) = expect {
            record.id = u32::try_from(self.io.expect(namespace, expect)?).ok();
        }
        self.backlog.commit(record, len);
        if record.kind == Kind::Retry {
            self.backlog.rescan_retries();
        }
        Ok(true)
    }

    /// Acknowledges an event of the server, at once or later. Answer each request once. If the event came before the namespace was connected, the
    /// answer waits for that.
    ///
    /// # Errors
    /// [`StateError::Stale`] if the request belongs to an earlier connection. Otherwise as [`emit_with`](Self::emit_with); an answer never drops an
    /// event.
    pub fn ack(&mut self, request: AckRequest, content: &impl Content) -> Result<(), SendError> {
        let (namespace, id) = self.io.check_request(request)?;
        let path = self.io.name(namespace).ok_or(StateError::NotConnected)?;
        let len = self.backlog.append(self.reserve, |out| client::ack(&path, id, content, out))?;
        drop(path);
        self.backlog.commit(Record::new(namespace, Kind::Answer, Flags::NONE), len);
        Ok(())
    }

    /// Writes an event behind the others, and makes room for it if that is allowed. `None`: it was dropped.
    fn write_event(
        &mut self,
        namespace: Namespace,
        name: &str,
        content: &impl Content,
        expect: Option<ExpectAck>,
    ) -> Result<Option<usize>, SendError> {
        let mut is_purged = false;
        loop {
            let path = self.io.name(namespace).ok_or(StateError::NotConnected)?;
            let mut write = |out: &mut Out<'_, Stored>| client::event(&path, name, content, None, out);
            let written = self.backlog.append(self.reserve, &mut write).map(Some);
            drop(path);
            let Err(SendError::Capacity(capacity)) = written else { return written };
            if !is_purged {
                is_purged = true;
                self.purge();
                continue;
            }
            let excess = capacity.needed.saturating_sub(capacity.available);
            let io = &mut self.io;
            match self.when_full {
                // Not if it is larger than all of the storage.
                WhenFull::DropNewest if excess <= self.backlog.held() => return Ok(None),
                WhenFull::DropOldest => {
                    if expect.is_some() {
                        // Without a slot nothing is to be dropped.
                        io.check_expect(namespace)?;
                    }
                    if !self.backlog.drop_oldest(excess, |namespace, id| io.forget(namespace, u64::from(id))) {
                        return written;
                    }
                    self.is_stirred = true;
                }
                _ => return written,
            }
        }
    }
}
