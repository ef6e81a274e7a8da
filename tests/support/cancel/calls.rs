//! The calls of a driver as data, and the books about what they did.

use super::{Driven, End, Failure, Script, World, peer::Say};
use crate::support::{Told, Trace};
use sansocket::{
    drive::Error,
    ws::{CloseCode, Closed, Incoming, Kind, StateError},
};
use std::cell::RefCell;

#[derive(Clone, Debug)]
pub enum Call {
    Shake,
    Next,
    NextPart,
    /// `next_growing`, which gives memory back at each opportunity.
    NextGrowing,
    /// `next`, and the message is sent back while it is lent.
    Echo,
    Send(Kind, Vec<u8>),
    Feed(Kind, Vec<u8>),
    FeedGrowing(Kind, Vec<u8>),
    FeedPart(Kind, Vec<u8>, bool),
    Flush,
    Ping(Vec<u8>),
    Close(CloseCode, &'static str),
}

impl Call {
    /// Whether it does nothing that could be done twice, so that one repeats it as it is until it ends.
    pub fn is_repeatable(&self) -> bool {
        !matches!(self, Self::Send(..) | Self::Ping(_) | Self::Echo)
    }

    /// The same with another payload, for a call that may or may not have done its work.
    fn again(&self, attempt: usize) -> Self {
        let other = |payload: &[u8]| [payload, format!("/{attempt}").as_bytes()].concat();
        match self {
            Self::Send(kind, payload) if attempt > 0 => Self::Send(*kind, other(payload)),
            Self::Ping(payload) if attempt > 0 => Self::Ping(other(payload)),
            same => same.clone(),
        }
    }
}

/// What the application knows.
#[derive(Default)]
pub struct Ledger {
    /// Messages and pings in their order, and whether it was told that they are sent.
    pub sent: Vec<(Told, bool)>,
    open: Vec<u8>,
    pub got: Trace,
    pub pongs: Vec<Vec<u8>>,
    pub has_ended: bool,
    pub closed: Option<Closed>,
    pub is_open: bool,
}

impl Ledger {
    fn maybe(&mut self, told: Told) {
        self.sent.push((told, false));
    }

    fn settle(&mut self, result: Result<(), Failure>) -> Result<(), Failure> {
        match result {
            Ok(()) => self.sent.last_mut().unwrap().1 = true,
            // Refused, since the peer closes: nothing was sent.
            Err(Error::State(StateError::Closing)) if self.is_closing() => {
                self.sent.pop();
            }
            Err(e) => return Err(e),
        }
        Ok(())
    }

    fn is_closing(&self) -> bool {
        self.got.told.iter().any(|t| matches!(t, Told::Close(..)))
    }

    fn got(&mut self, incoming: &Incoming<'_>) {
        match incoming {
            Incoming::Message(m) => self.got.told.push(Told::Message(m.kind(), m.as_bytes().to_vec(), true)),
            Incoming::Part(c) => self.got.chunk(c.kind(), c.is_first(), c.is_last(), c.as_bytes()),
            Incoming::Pong(p) => self.pongs.push(p.as_bytes().to_vec()),
            Incoming::Close(code) => self.got.told.push(Told::Close(*code, String::new())),
            other => panic!("{other:?}"),
        }
    }

    /// The pongs of its own pings.
    fn pongs(&self) -> impl Iterator<Item = &[u8]> {
        self.pongs.iter().map(|p| &p[..]).filter(|p| p.len() != 4)
    }

    /// A number that grows with each thing that arrives.
    fn arrived(&self) -> usize {
        let bytes: usize = self.got.told.iter().map(|t| if let Told::Message(_, p, _) = t { p.len() } else { 0 }).sum();
        self.got.whole().len() + self.got.told.len() + bytes + self.pongs.len() + usize::from(self.has_ended)
    }
}

pub async fn perform<D: End>(driver: &mut Driven<D>, call: &Call, ledger: &RefCell<Ledger>) -> Result<(), Failure> {
    match call {
        Call::Shake => {
            D::shake(driver).await?;
            ledger.borrow_mut().is_open = true;
        }
        Call::Next => match driver.next().await? {
            Some((incoming, _)) => ledger.borrow_mut().got(&incoming),
            None => ledger.borrow_mut().has_ended = true,
        },
        Call::NextPart => match driver.next_part().await? {
            Some((incoming, _)) => ledger.borrow_mut().got(&incoming),
            None => ledger.borrow_mut().has_ended = true,
        },
        Call::NextGrowing => match driver.next_growing(512).await? {
            Some((incoming, _)) => ledger.borrow_mut().got(&incoming),
            None => ledger.borrow_mut().has_ended = true,
        },
        Call::Echo => match driver.next().await? {
            Some((incoming, reply)) => {
                ledger.borrow_mut().got(&incoming);
                if let Incoming::Message(m) = incoming {
                    ledger.borrow_mut().maybe(Told::Message(m.kind(), m.as_bytes().to_vec(), true));
                    let result = reply.send(m.kind(), m.as_bytes()).await;
                    ledger.borrow_mut().settle(result)?;
                }
            }
            None => ledger.borrow_mut().has_ended = true,
        },
        Call::Send(kind, payload) => {
            ledger.borrow_mut().maybe(Told::Message(*kind, payload.clone(), true));
            let result = driver.send(*kind, payload).await;
            ledger.borrow_mut().settle(result)?;
        }
        Call::Feed(kind, payload) => {
            let result = driver.reply().feed(*kind, payload).await;
            let mut ledger = ledger.borrow_mut();
            ledger.maybe(Told::Message(*kind, payload.clone(), true));
            ledger.settle(result)?;
        }
        Call::FeedGrowing(kind, payload) => {
            let result = driver.reply().feed_growing(*kind, payload).await;
            let mut ledger = ledger.borrow_mut();
            ledger.maybe(Told::Message(*kind, payload.clone(), true));
            ledger.settle(result)?;
        }
        Call::FeedPart(kind, payload, is_last) => {
            let result = driver.reply().feed_part(*kind, payload, *is_last).await;
            let mut ledger = ledger.borrow_mut();
            ledger.open.extend(payload);
            if *is_last {
                let whole = std::mem::take(&mut ledger.open);
                ledger.maybe(Told::Message(*kind, whole, true));
                ledger.settle(result)?;
            } else if !ledger.is_closing() {
                result?;
            }
        }
        Call::Flush => driver.reply().flush().await?,
        Call::Ping(payload) => {
            ledger.borrow_mut().maybe(Told::Ping(payload.clone()));
            let result = driver.reply().ping(payload).await;
            ledger.borrow_mut().settle(result)?;
        }
        Call::Close(code, reason) => {
            let closed = driver.close(*code, reason).await?;
            ledger.borrow_mut().closed = Some(closed);
        }
    }
    Ok(())
}

/// A driver in its world, with what was said and done.
pub struct Run<D: End> {
    pub world: World<D>,
    pub driver: Driven<D>,
    pub ledger: RefCell<Ledger>,
    /// What the peer says.
    pub said: Vec<Told>,
    /// The peer must have heard at once what a call that ended has sent.
    pub looks: bool,
    pub drops: usize,
}

impl<D: End> Run<D> {
    /// `blocks`: how long a call of the transport blocks, see [`World::blocking`].
    pub fn new(script: Script, pipe: usize, tx: usize, says: &[Say], blocks: u64) -> Self {
        let (world, driver) = World::blocking(script, pipe, 512, tx, blocks);
        let said = says.iter().map(|say| match say {
            Say::Message(kind, frames) => Told::Message(*kind, frames.concat(), true),
            Say::Ping(payload) => Told::Ping(payload.clone()),
            Say::Close(code, _) => Told::Close(*code, String::new()),
            Say::Raw(_) => panic!("not here"),
        });
        world.peer.borrow_mut().script = says.iter().cloned().collect();
        Self { said: said.collect(), world, driver, ledger: RefCell::default(), looks: true, drops: 0 }
    }

    fn events(&self) -> impl Iterator<Item = &Told> {
        self.said.iter().filter(|t| !matches!(t, Told::Ping(_)))
    }

    /// Whether `next` has something to wait for.
    pub fn expects(&self) -> bool {
        let ledger = self.ledger.borrow();
        let asked = ledger.sent.iter().filter(|(told, is_sure)| *is_sure && matches!(told, Told::Ping(_))).count();
        let events = ledger.got.whole().len() < self.events().count() || ledger.pongs().count() < asked;
        !ledger.has_ended && (events || ledger.is_closing())
    }

    /// Makes the call until it ends, dropping attempt `i` at point `drops(i)`. Returns the number of points of each attempt.
    pub fn call(&mut self, call: &Call, mut drops: impl FnMut(usize) -> usize) -> Vec<usize> {
        let mut points = Vec::new();
        for attempt in 0.. {
            assert!(attempt < 1_000_000, "it does not get on");
            let arrived = self.ledger.borrow().arrived();
            let again = call.again(attempt);
            let result = self.world.run(perform(&mut self.driver, &again, &self.ledger), drops(attempt));
            points.push(self.world.points);
            let has_heard = matches!(call, Call::Echo) && self.ledger.borrow().arrived() > arrived;
            match result {
                Some(result) => {
                    result.unwrap_or_else(|e| panic!("{call:?}: {e:?}"));
                    self.look(call);
                    return points;
                }
                None => self.drops += 1,
            }
            if has_heard {
                return points;
            }
        }
        points
    }

    fn look(&self, call: &Call) {
        if !self.looks {
            return;
        }
        match call {
            // Refused.
            Call::Send(..) | Call::Ping(_) if self.ledger.borrow().is_closing() => {}
            Call::Send(..) | Call::Flush | Call::Ping(_) => {
                self.world.catch_up();
                assert_eq!(self.check_heard(), self.ledger.borrow().sent.len(), "{call:?}: all of it is sent");
            }
            Call::Next | Call::NextPart | Call::NextGrowing | Call::Echo => {
                self.world.catch_up();
                let told = self.ledger.borrow().got.told.len();
                let mut events = 0;
                let before = self.said.iter().take_while(|t| {
                    events += usize::from(!matches!(t, Told::Ping(_)));
                    events < told
                });
                let ping = before.filter_map(|t| if let Told::Ping(p) = t { Some(p) } else { None }).last();
                if let Some(ping) = ping {
                    let peer = self.world.peer.borrow();
                    assert!(
                        peer.pongs().any(|p| p == ping) || peer.ws.is_closing(),
                        "a pong before anything is returned"
                    );
                }
            }
            _ => {}
        }
    }

    /// What the peer has heard is what was sent, in its order; nothing is lost, doubled or torn. Returns how much of what was sent it has seen.
    fn check_heard(&self) -> usize {
        let (peer, ledger) = (self.world.peer.borrow(), self.ledger.borrow());
        let mut sent = ledger.sent.iter();
        let mut beats = 0_u32;
        for told in &peer.heard {
            match told {
                Told::Ping(p) if p.len() == 4 && p[0] == 0 => {
                    beats += 1;
                    assert_eq!(p[..], beats.to_be_bytes(), "pings are counted");
                }
                Told::Pong(_) | Told::Close(..) => {}
                told => loop {
                    let Some((next, is_sure)) = sent.next() else { panic!("never sent, or twice: {told:?}") };
                    if next == told {
                        break;
                    }
                    assert!(!is_sure, "lost: {next:?}");
                },
            }
        }
        let rest = sent.as_slice();
        ledger.sent.len() - rest.iter().rposition(|(_, is_sure)| *is_sure).map_or(0, |_| rest.len())
    }

    /// All that was said arrives, all that was sent is heard, and the connection is closed in order.
    pub fn end(&mut self) {
        let mut is_complete = false;
        if !self.ledger.borrow().is_open {
            self.call(&Call::Shake, |_| 0);
        }
        if self.ledger.borrow().closed.is_none() && !self.ledger.borrow().is_closing() {
            self.call(&Call::Flush, |_| 0);
        }
        if matches!(self.said.last(), Some(Told::Close(..))) || self.ledger.borrow().closed.is_some() {
            while self.ledger.borrow().closed.is_none() && !self.ledger.borrow().has_ended {
                self.call(&Call::NextPart, |_| 0);
            }
        } else {
            self.call(&Call::Ping(b"the last".to_vec()), |_| 0);
            while self.expects() || self.ledger.borrow().pongs.last().is_none_or(|p| p != b"the last") {
                self.call(&Call::NextPart, |_| 0);
            }
            self.call(&Call::Close(CloseCode::GOING_AWAY, "done"), |_| 0);
            is_complete = true;
        }
        assert!(self.driver.reply().closed().is_clean);
        self.world.catch_up();
        assert_eq!(self.check_heard(), self.ledger.borrow().sent.len(), "nothing is lost at the end");
        let (mut peer, ledger) = (self.world.peer.borrow_mut(), self.ledger.borrow());
        assert!(matches!(peer.heard.last(), Some(Told::Close(..))), "{:?}", peer.heard.last());
        assert_eq!(peer.heard.iter().filter(|t| matches!(t, Told::Close(..))).count(), 1);
        assert!(peer.ws.handle_eof().is_clean);
        let events: Vec<_> = self.events().cloned().collect();
        let (got, is_cut) = (&ledger.got.told, ledger.closed.is_some() && !is_complete);
        for (i, (got, said)) in got.iter().zip(&events).enumerate() {
            match (got, said) {
                // Who closes in the middle of a message drops the rest.
                (Told::Message(kind, part, false), Told::Message(k, whole, _))
                    if is_cut && i + 1 == ledger.got.told.len() =>
                {
                    assert!(kind == k && whole.starts_with(part));
                }
                (got, said) => assert_eq!(got, said, "what was said is what arrived"),
            }
        }
        assert!(got.len() == events.len() || is_cut && got.len() < events.len(), "{got:?}");
        let pings: Vec<_> =
            self.said.iter().filter_map(|t| if let Told::Ping(p) = t { Some(&p[..]) } else { None }).collect();
        let mut rest = pings.iter();
        for pong in peer.pongs() {
            assert!(rest.any(|p| *p == pong), "a pong that nobody asked for, or twice");
        }
        let mine = peer.pings().filter(|p| p.len() != 4);
        if !is_complete {
            let mut asked = mine;
            assert!(ledger.pongs().all(|pong| asked.any(|p| p == pong)), "a pong arrived twice");
        } else {
            assert!(ledger.pongs().eq(mine), "each pong arrives once");
        }
    }
}
