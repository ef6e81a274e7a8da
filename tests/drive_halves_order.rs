//! All orders in which the halves can run, with up to some deviations from a plain one. A deviation is: another task, or the peer, comes first, at the end of a
//! poll or in front of and behind each use of the lock; the future of a sender is dropped; that of the receiver is dropped and made anew.
//!
//! The law: each message is on the wire once and whole, in both directions; that of a dropped call at most once; the latest ping is answered; and nobody sleeps
//! though there is something to do. `ORDER_DEVIATIONS=3` looks further.

#[path = "drive_halves/setup.rs"]
mod setup;
#[path = "drive_halves/world.rs"]
mod world;

use sansocket::{
    drive::{Deadlines, Error, Sender},
    ws::{CloseCode, Incoming, Kind, StateError, Timeouts},
};
use setup::{Log, Memory, State, World, frame, frames, ping, text};
use std::{
    cell::{Cell, RefCell},
    future::poll_fn,
    pin::pin,
    rc::Rc,
    task::Poll,
};
use world::{Clock, Paused, get, put};

/// Chooses, and counts up to the next run.
#[derive(Default)]
struct Oracle {
    /// What was chosen, and among how many.
    path: Vec<(usize, usize)>,
    at: usize,
    deviations: usize,
}

impl Oracle {
    fn choose(&mut self, n: usize) -> usize {
        if self.at == self.path.len() {
            self.path.push((0, n));
        }
        let (choice, of) = self.path[self.at];
        assert_eq!(of, n, "a run is repeated exactly");
        self.at += 1;
        choice
    }

    /// False: there are no more runs.
    fn next(&mut self) -> bool {
        self.path.truncate(self.at);
        self.at = 0;
        while let Some((choice, n)) = self.path.pop() {
            let others = self.path.iter().filter(|p| p.0 > 0).count();
            if choice + 1 < n && others < self.deviations {
                self.path.push((choice + 1, n));
                return true;
            }
        }
        false
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Scene {
    /// Two senders, one of which may be dropped, and a ping among the messages that come.
    Traffic,
    /// One sender closes while the other one sends.
    Close,
}

struct Run {
    world: World,
    scene: Scene,
    restarts: Rc<Cell<bool>>,
    chunks: RefCell<Vec<Vec<u8>>>,
    wire: RefCell<Vec<u8>>,
    is_cancelled: Cell<bool>,
    has_restarted: Cell<bool>,
    /// False before the tasks are there, and in the end.
    is_running: Cell<bool>,
    oracle: RefCell<Oracle>,
}

type Lent = Rc<Paused<State>>;

const RECEIVER: usize = 0;
const FIRST: usize = 1;

impl Run {
    /// What could happen next; the first is what happens without a deviation.
    fn actions(&self) -> Vec<Action> {
        let mut actions: Vec<_> = self.world.tasks.woken().into_iter().map(Action::Poll).collect();
        if !self.chunks.borrow().is_empty() {
            actions.push(Action::Deliver);
        }
        if !self.world.output.borrow().bytes.is_empty() {
            actions.push(Action::Take);
        }
        actions
    }

    fn drops(&self) -> Vec<Action> {
        let mut actions = Vec::new();
        if !self.is_cancelled.get() && !self.world.tasks.is_over(FIRST) {
            actions.push(Action::Cancel);
        }
        if !self.has_restarted.get() && !self.world.tasks.is_over(RECEIVER) {
            actions.push(Action::Restart);
        }
        actions
    }

    fn act(&self, action: Action) {
        match action {
            Action::Poll(i) => self.world.tasks.poll(i),
            Action::Deliver => {
                let chunk = self.chunks.borrow_mut().remove(0);
                put(&self.world.input, &chunk);
            }
            Action::Take => {
                let bytes = get(&self.world.output, 2);
                self.wire.borrow_mut().extend(bytes);
            }
            Action::Cancel => self.is_cancelled.set(self.world.tasks.cancel(FIRST)),
            Action::Restart => {
                self.has_restarted.set(true);
                self.restarts.set(true);
                self.world.tasks.wake(RECEIVER);
            }
        }
    }

    /// In front of and behind each use of the lock, another one may run.
    fn pause(&self) {
        if !self.is_running.get() {
            return;
        }
        let mut actions = self.actions();
        actions.extend(self.drops());
        let choice = self.oracle.borrow_mut().choose(actions.len() + 1);
        if let Some(i) = choice.checked_sub(1) {
            self.act(actions[i]);
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Action {
    Poll(usize),
    Deliver,
    Take,
    Cancel,
    Restart,
}

fn setting(scene: Scene, oracle: Oracle) -> Rc<Run> {
    let memory = Memory { rx: 64, tx: 64, room: 2, piece: 2 };
    let (world, half, shared) =
        World::split(&memory, Deadlines::new().others(Timeouts::new().ping_interval(0).idle(0)));
    let chunks = match scene {
        Scene::Traffic => vec![[ping(b"1"), text("x")].concat(), ping(b"2"), text("y")],
        Scene::Close => vec![text("x"), frame(0x88, b"")],
    };
    let run = Rc::new(Run {
        world,
        scene,
        restarts: Rc::default(),
        chunks: RefCell::new(chunks),
        wire: RefCell::default(),
        is_cancelled: Cell::new(false),
        has_restarted: Cell::new(false),
        is_running: Cell::new(false),
        oracle: RefCell::new(oracle),
    });
    let weak = Rc::downgrade(&run);
    let pause = Rc::new(move || {
        if let Some(run) = weak.upgrade() {
            run.pause();
        }
    });
    let lock = Rc::new(Paused { value: RefCell::new(shared), pause });
    let (mut rx, tx) = half.join(lock);
    let (log, restarts) = (run.world.log.clone(), run.restarts.clone());
    run.world.tasks.spawn(async move {
        loop {
            let next = {
                let mut next = pin!(rx.next());
                poll_fn(|cx| {
                    if restarts.take() {
                        return Poll::Ready(None);
                    }
                    next.as_mut().poll(cx).map(Some)
                })
                .await
            };
            match next {
                None => {}
                Some(Ok(Some(Incoming::Message(m)))) => {
                    log.say(format!("got {}", String::from_utf8_lossy(m.as_bytes())))
                }
                Some(Ok(Some(Incoming::Close(_)))) => log.say("got close"),
                Some(Ok(None)) => break log.say("got end"),
                Some(other) => break log.say(format!("{other:?}")),
            }
        }
        std::mem::forget(rx);
    });
    spawn_sender(&run, tx.clone(), 'a', scene == Scene::Close);
    spawn_sender(&run, tx, 'b', false);
    run
}

fn spawn_sender(run: &Run, mut tx: Sender<Clock, Lent>, name: char, closes: bool) {
    let log: Log = run.world.log.clone();
    run.world.tasks.spawn(async move {
        let result = if closes {
            tx.close(CloseCode::NO_STATUS, "").await
        } else {
            tx.send(Kind::Binary, &[name as u8; 2]).await
        };
        match result {
            Ok(()) => log.say(format!("{name} sent")),
            Err(Error::State(StateError::Closing)) => log.say(format!("{name} late")),
            Err(e) => log.say(format!("{name}: {e:?}")),
        }
    });
}

fn one(run: &Run) {
    run.is_running.set(true);
    loop {
        let mut actions = run.actions();
        if actions.is_empty() {
            break;
        }
        actions.extend(run.drops());
        let choice = run.oracle.borrow_mut().choose(actions.len());
        run.act(actions[choice]);
    }
    run.is_running.set(false);
    check(run);
}

fn check(run: &Run) {
    let wire = run.wire.borrow();
    let log = run.world.log.take();
    let path: Vec<_> = run.oracle.borrow().path.iter().map(|p| p.0).collect();
    let said = |text: &str| log.iter().filter(|l| *l == text).count();
    let (frames, rest) = frames(&wire);
    let count = |first: u8, payload: &[u8]| frames.iter().filter(|f| f.0 == first && f.1 == payload).count();
    let mut laws = vec![(rest.is_empty(), "no frame is torn, and all is written")];
    let got: Vec<_> = log.iter().filter(|l| l.starts_with("got")).map(String::as_str).collect();
    match run.scene {
        Scene::Traffic => {
            let a = count(0x82, b"aa");
            laws.push((said("b sent") == 1 && count(0x82, b"bb") == 1, "the message of b is sent once"));
            laws.push((a == 1 || run.is_cancelled.get() && a == 0, "that of a once, or not if it was dropped"));
            laws.push((run.is_cancelled.get() || said("a sent") == 1, "a has ended"));
            let pongs: Vec<_> = frames.iter().filter(|f| f.0 == 0x8a).map(|f| &f.1[..]).collect();
            laws.push((pongs == [&b"1"[..], b"2"] || pongs == [b"2"], "the latest ping is answered, once"));
            laws.push((frames.len() == pongs.len() + a + 1, "nothing else is on the wire"));
            laws.push((got == ["got x", "got y"], "what came was returned, once"));
        }
        Scene::Close => {
            laws.push((got == ["got x", "got close", "got end"], "the connection was closed"));
            let b = count(0x82, b"bb");
            laws.push((said("b sent") == b && said("b sent") + said("b late") == 1, "b has ended, and knows how"));
            laws.push((
                frames.len() == b + 1 && frames.last().is_some_and(|f| f.0 == 0x88),
                "one close frame, at the end",
            ));
            let a = said("a sent") + said("a late");
            laws.push((run.is_cancelled.get() || a == 1, "a has ended"));
        }
    }
    for (holds, law) in laws {
        assert!(holds, "{law}: {frames:?} {rest:?} {log:?} after {path:?}");
    }
}

fn all(scene: Scene) -> usize {
    let deviations = std::env::var("ORDER_DEVIATIONS").map_or(2, |n| n.parse().unwrap());
    let mut oracle = Oracle { deviations, ..Oracle::default() };
    let mut runs = 0;
    loop {
        let run = setting(scene, std::mem::take(&mut oracle));
        one(&run);
        oracle = run.oracle.take();
        runs += 1;
        if !oracle.next() {
            println!("{runs} orders");
            return runs;
        }
    }
}

#[test]
fn all_orders_of_traffic() {
    assert!(all(Scene::Traffic) > 10_000);
}

#[test]
fn all_orders_of_a_close() {
    assert!(all(Scene::Close) > 10_000);
}
