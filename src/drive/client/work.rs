//! What the client does while its user waits.

use super::{Client, Io, io::OWN, line::Line};
use crate::{
    drive::{Packing, Timer, Transport, race::race},
    endpoint::{
        Grow, What,
        client::{self, Step},
    },
    socketio::client::Event,
    time::Instant,
};
use core::pin::pin;

/// What [`Client::work`] has done.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Worked {
    Some,
    /// It has waited, and nothing came.
    Waited,
    /// There is nothing to wait for.
    Never,
}

impl<'m, T, D, A, C, F, P, E> Client<'m, T, D, A, C, F, P>
where
    T: Transport,
    D: FnMut() -> A,
    A: Future<Output = Result<T, E>>,
    C: Timer,
    F: FnMut(&mut [u8]),
    P: Packing,
{
    /// The next step. `Idle`: it is `limit`. `asking`: the token of the only question whose answer is wanted.
    pub(super) async fn step(
        &mut self,
        limit: Instant,
        asking: Option<u32>,
    ) -> Result<(Step<'_>, &mut Io<'m, T, C, F, P>), Grow> {
        let (step, now) = self.advance(limit).await?;
        let Self { inbox, collector, io, .. } = self;
        let step = match step {
            Step::Again => io.end.take(client::Line::WebSocket, inbox, collector, now),
            step => step,
        };
        Ok((if is_stale(&step, asking) { Step::Again } else { step }, io))
    }

    /// Waits for the next step. `Again`: it is to be taken. It lends nothing, so it can loop.
    async fn advance(&mut self, limit: Instant) -> Result<(Step<'static>, Instant), Grow> {
        let mut worked = None;
        loop {
            let Self { inbox, collector, io, .. } = self;
            let now = io.timer.now();
            let mut step = io.end.advance(client::Line::WebSocket, inbox, collector, now, &mut |_| {})?;
            if matches!(step, Step::Again) {
                // Answers and pongs first: the application may not call again for long.
                match io.fill_until(limit)? {
                    Some(until) if io.write(until).await => continue,
                    _ => return Ok((Step::Again, now)),
                }
            }
            if matches!(step, Step::Idle) && (worked == Some(Worked::Waited) || io.is_time(now)) {
                step = io.end.handle_timeout(now);
            }
            match step {
                Step::Idle if worked == Some(Worked::Never) => return Ok((Step::Over(io.over), now)),
                Step::Idle if now >= limit && (worked.is_some() || io.late == limit) => {
                    io.late = Instant::FAR_FUTURE;
                    return Ok((Step::Idle, now));
                }
                Step::Idle => {
                    if now >= limit {
                        io.late = limit;
                    }
                    worked = Some(self.work(limit).await?);
                }
                Step::Again => {}
                Step::Open(_) => {
                    self.attempt.set(None);
                    self.wants_line = true;
                }
                Step::Close(_) => {
                    self.attempt.set(None);
                    self.wants_line = false;
                    io.close_line();
                }
                step => {
                    if let Step::Over(over) = step {
                        io.over = over;
                    }
                    return Ok((step, now));
                }
            }
        }
    }

    /// Writes what waits, and then one dial, read or wait.
    async fn work(&mut self, limit: Instant) -> Result<Worked, Grow> {
        let Self { inbox, io, dial, attempt, wants_line, .. } = self;
        // When it is time although the server takes nothing, what it has sent comes first: a heartbeat may be among it.
        while let Some(until) = io.fill_until(limit)? {
            if io.write(until).await {
                continue;
            }
            if !io.line.is_read() {
                return Ok(Worked::Waited);
            }
            break;
        }
        let due = io.due();
        let Io { line, timer, end, .. } = io;
        if let Some((transport, until)) = line.reading() {
            if timer.now() >= until {
                io.cut();
                return Ok(Worked::Some);
            }
            let space = inbox.space().map_err(|e| Grow::new(What::Inbox, e))?;
            let read = race(pin!(transport.read(space)), pin!(timer.sleep_until(due.min(until).min(limit)))).await;
            let now = timer.now();
            match read {
                Some(Ok(Some(0))) => {
                    *line = line.take().map_or(Line::Down, Line::Ended);
                    end.handle_eof(client::Line::WebSocket, now);
                }
                Some(Ok(Some(n))) => {
                    inbox.commit(n);
                    io.overdue.arrived(now, due);
                }
                Some(Err(_)) => io.cut(),
                Some(Ok(None)) | None => return Ok(Worked::Waited),
            }
            return Ok(Worked::Some);
        }
        if *wants_line {
            if attempt.is_none() {
                attempt.set(Some(dial()));
            }
            if let Some(future) = attempt.as_mut().as_pin_mut() {
                let Some(result) = race(future, pin!(timer.sleep_until(due.min(limit)))).await else {
                    return Ok(Worked::Waited);
                };
                attempt.set(None);
                *wants_line = false;
                match result {
                    Ok(transport) => {
                        let nonce = io.opened(transport);
                        io.end.opened(client::Line::WebSocket, inbox, &mut io.outbox, nonce);
                    }
                    Err(_) => io.cut(),
                }
                return Ok(Worked::Some);
            }
        }
        if due == Instant::FAR_FUTURE {
            return Ok(Worked::Never);
        }
        timer.sleep_until(due.min(limit)).await;
        Ok(Worked::Waited)
    }
}

/// Whether the step is about a question whose future was dropped.
fn is_stale(step: &Step<'_>, asking: Option<u32>) -> bool {
    let token = match step {
        Step::Event(Event::Ack(ack), _) => ack.token,
        Step::Event(Event::AckFailed { token, .. }, _) => Some(*token),
        _ => None,
    };
    token.is_some_and(|token| token & OWN != 0 && Some(token) != asking)
}
