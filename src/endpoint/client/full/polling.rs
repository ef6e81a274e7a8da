//! The requests of a session over polling.

use super::{Farewell, FullLink};
use crate::{
    bytes::{Capacity, open_gap},
    endpoint::{
        Grow, What,
        client::{
            Failure, Line, Seen,
            exchange::{Answer, Lost},
            refusal::cause,
            request::write_poll,
        },
    },
    engineio::client::{Request, Session, Source},
    time::Instant,
    ws::{ConnectError, Inbox, MaskSource, Outbox, Storage},
};

impl FullLink<'_> {
    /// Reads the answer to the GET. `true`: there is an event.
    pub(super) fn advance_get<S: Storage>(
        &mut self,
        inbox: &mut Inbox<S>,
        now: Instant,
        seen: &mut dyn FnMut(Seen<'_>),
    ) -> Result<bool, Grow> {
        if let Err(failure) = self.get.advance(inbox, self.base.config.limits.message_bytes())? {
            self.fail(failure);
        }
        let Some(answer) = self.get.answer() else { return Ok(false) };
        let body = inbox.bytes().get_mut(..answer.len).unwrap_or_default();
        match self.base.life.engine() {
            Some(engine) if answer.status.0 == 200 => {
                if engine.advance_body(body, &mut self.at, now, |packet| seen(Seen::Received(packet))) {
                    return Ok(true);
                }
                engine.end_get();
            }
            _ => {
                let failure = refused(answer, body);
                self.fail(failure);
            }
        }
        self.at = 0;
        self.get.finish(inbox);
        Ok(false)
    }

    /// Reads the answer to the POST. Its body has no meaning.
    pub(super) fn advance_post<S: Storage>(&mut self, inbox: &mut Inbox<S>) -> Result<(), Grow> {
        if let Err(failure) = self.post.advance(inbox, self.base.config.limits.message_bytes())? {
            self.lose_post(failure);
        }
        let Some(answer) = self.post.answer() else { return Ok(()) };
        if answer.status.0 == 200 {
            if let Some(engine) = self.base.life.engine() {
                engine.end_post();
            }
        } else {
            let failure = refused(answer, inbox.bytes().get_mut(..answer.len).unwrap_or_default());
            self.lose_post(failure);
        }
        self.post.finish(inbox);
        Ok(())
    }

    pub(super) fn transmit_get<S: AsMut<[u8]>, K: MaskSource>(
        &mut self,
        outbox: &mut Outbox<S, K>,
    ) -> Result<(), Grow> {
        let Some(engine) = self.base.life.session().filter(|_| self.get.is_idle()) else { return Ok(()) };
        // The rest of a request that was answered before it was read goes first.
        if engine.poll_request(true) != Some(Request::Get) || !outbox.is_empty() {
            return Ok(());
        }
        match outbox.append_bytes(|out| write_poll(self.base.config, engine, None, out)) {
            Ok(_) => {
                engine.begin_get();
                self.get.ask();
                Ok(())
            }
            Err(ConnectError::Capacity(e)) => Err(Grow::new(What::Output, e)),
            Err(e) => {
                self.fail(Failure::Config(e));
                Ok(())
            }
        }
    }

    /// Opens the line of the POSTs again when there is something to send.
    pub(super) fn want_post(&mut self, source: &mut impl Source) {
        if !self.post.is_down() {
            return;
        }
        if let Some(engine) = self.base.life.engine()
            && engine.poll_request(true) == Some(Request::Post)
            // The error says that there is something.
            && begin_post(engine, source, &mut [], &mut |_| {}).is_err()
        {
            self.post.want();
        }
    }

    pub(super) fn transmit_post<S: AsMut<[u8]>, K: MaskSource>(
        &mut self,
        outbox: &mut Outbox<S, K>,
        source: &mut impl Source,
        seen: &mut dyn FnMut(Seen<'_>),
    ) -> Result<(), Grow> {
        if self.post.is_asking_again() {
            self.repeat_post(outbox);
            return Ok(());
        }
        let Some(engine) = self.base.life.engine() else { return Ok(()) };
        if engine.poll_request(true) != Some(Request::Post) {
            return Ok(());
        }
        // The rest of a request that was answered before it was read goes first.
        if !self.post.is_idle() || !outbox.is_empty() {
            return Ok(());
        }
        let config = self.base.config;
        // The most that the head can need. If it cannot be written at all, that shows before messages are taken.
        let head = match write_poll(config, engine, Some(usize::MAX), &mut []) {
            Err(ConnectError::Capacity(e)) => e.needed,
            Err(e) => {
                self.fail(Failure::Config(e));
                return Ok(());
            }
            Ok(n) => n,
        };
        let written = outbox.append_bytes(|out| {
            let available = out.len();
            let (place, _) = out.split_at_mut_checked(available.saturating_sub(head)).unwrap_or_default();
            let body = begin_post(engine, source, place, seen)
                .map_err(|e| Capacity { needed: e.needed.saturating_add(head), available })?;
            if body == 0 {
                return Ok(0);
            }
            let head = write_poll(config, engine, Some(body), out.get_mut(body..).unwrap_or_default());
            debug_assert!(head.is_ok(), "its room was left");
            let head = head.unwrap_or(0);
            let len = body.saturating_add(head);
            open_gap(out.get_mut(..len).unwrap_or_default(), head);
            Ok::<_, Capacity>(len)
        });
        match written {
            Ok(0) => {}
            Ok(len) => {
                self.posted = len;
                self.post.ask();
            }
            Err(e) => return Err(Grow::new(What::Output, e)),
        }
        Ok(())
    }

    /// Sends the lost POST again over the new connection: it lies in the outbox still, if no byte of it was taken.
    pub(super) fn repeat_post<S: AsMut<[u8]>, K>(&mut self, outbox: &mut Outbox<S, K>) {
        if !self.post.is_asking_again() {
            return;
        }
        if outbox.held() < self.posted {
            // The server may have handled it. What is left of it is no request.
            outbox.consume(usize::MAX);
            self.post.close();
            self.lose_post(Failure::Lost);
        } else if self.post.is_idle() {
            self.post.ask();
        }
    }

    /// The connection of a line has ended or failed.
    pub(super) fn lose_request(&mut self, line: Line, is_eof: bool) {
        // The caller has no room for a message that has come.
        let is_stuck = !is_eof && line == Line::Get && self.base.life.has_message();
        let exchange = if line == Line::Get { &mut self.get } else { &mut self.post };
        let failure = match exchange.lost(is_eof) {
            Lost::Nothing if is_stuck => Failure::Lost,
            Lost::Nothing => return,
            Lost::Unheard => return exchange.ask_again(),
            Lost::Unreachable => Failure::Unreachable,
            Lost::Silent if !self.base.life.is_open() => Failure::Unanswered,
            Lost::Silent | Lost::Request => Failure::Lost,
        };
        if line == Line::Post {
            self.lose_post(failure);
        } else {
            self.fail(failure);
        }
    }

    fn lose_post(&mut self, failure: Failure) {
        self.fail(failure);
        if self.farewell != Farewell::None {
            self.farewell = Farewell::Over;
            self.get.close();
        }
    }
}

/// One code for both callers, and with it all that writes a packet into a body.
fn begin_post(
    engine: &mut Session,
    source: &mut impl Source,
    body: &mut [u8],
    seen: &mut dyn FnMut(Seen<'_>),
) -> Result<usize, Capacity> {
    engine.begin_post_with(source, body, |packet| seen(Seen::Sent(packet)))
}

fn refused(answer: Answer, body: &[u8]) -> Failure {
    cause(answer.status, body).unwrap_or(Failure::NotEngineIo(answer.status))
}
