//! A transport and a clock whose every step is scripted.

use crate::support::Random;
use sansocket::{
    drive::{Receive, Timer, Transmit},
    time::Instant,
};
use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    fmt,
    future::poll_fn,
    rc::Rc,
    task::Poll,
};

pub type Shared<T> = Rc<RefCell<T>>;

pub fn shared<T>(value: T) -> Shared<T> {
    Rc::new(RefCell::new(value))
}

/// One direction of bytes between two ends.
pub struct Pipe {
    pub bytes: VecDeque<u8>,
    /// It takes no more than this.
    pub capacity: usize,
    /// Nothing follows.
    pub is_ended: bool,
    /// Each call of the driver fails.
    pub is_broken: bool,
    /// It never runs dry: these bytes follow each other.
    pub endless: Vec<u8>,
}

impl Pipe {
    pub fn new(capacity: usize) -> Shared<Self> {
        shared(Self { bytes: VecDeque::new(), capacity, is_ended: false, is_broken: false, endless: Vec::new() })
    }

    pub fn put(&mut self, bytes: &[u8], most: usize) -> usize {
        let n = bytes.len().min(most).min(self.capacity.saturating_sub(self.bytes.len()));
        self.bytes.extend(&bytes[..n]);
        n
    }

    pub fn get(&mut self, most: usize) -> Vec<u8> {
        if self.bytes.is_empty() {
            self.bytes.extend(&self.endless);
        }
        let n = most.min(self.bytes.len());
        self.bytes.drain(..n).collect()
    }
}

/// How often a call is not ready, and how many bytes it then moves at most.
#[derive(Clone, Debug)]
pub enum Script {
    Always(usize, usize),
    /// Up to these.
    Random(Random, usize, usize),
}

impl Script {
    fn draw(&mut self) -> (usize, usize) {
        match self {
            Self::Always(pending, bytes) => (*pending, *bytes),
            Self::Random(random, pending, bytes) => (random.below(*pending + 1), 1 + random.below(*bytes)),
        }
    }
}

/// What a call does that cannot move a byte.
#[derive(Clone)]
pub enum Wait {
    /// It is not ready.
    Pend,
    /// It blocks for so many milliseconds, while the other end works, and then gives up.
    Block(u64, Rc<dyn Fn() -> bool>),
}

/// The driver's end of two pipes. A call that is dropped has moved nothing, and the next one is not ready so much less often.
pub struct Line {
    pub input: Shared<Pipe>,
    pub output: Shared<Pipe>,
    pub clock: Clock,
    pub script: Script,
    pub wait: Wait,
    pub is_vectored: bool,
    reading: Option<(usize, usize)>,
    writing: Option<(usize, usize)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Broken;

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("broken")
    }
}

impl std::error::Error for Broken {}

impl Line {
    pub fn new(input: &Shared<Pipe>, output: &Shared<Pipe>, clock: &Clock, script: Script) -> Self {
        let (input, output, clock) = (input.clone(), output.clone(), clock.clone());
        Self { input, output, clock, script, wait: Wait::Pend, is_vectored: false, reading: None, writing: None }
    }

    /// How many bytes to move now; `None`: the script says that it is not ready.
    fn turn(clock: &Clock, script: &mut Script, state: &mut Option<(usize, usize)>) -> Option<usize> {
        clock.count();
        let (pending, bytes) = state.get_or_insert_with(|| script.draw());
        if *pending > 0 {
            *pending -= 1;
            clock.0.is_scripted.set(true);
            return None;
        }
        Some(*bytes)
    }

    fn wait(&self) -> Poll<Result<Option<usize>, Broken>> {
        match &self.wait {
            Wait::Pend => Poll::Pending,
            Wait::Block(ms, work) => {
                if !work() {
                    self.clock.advance(*ms);
                }
                Poll::Ready(Ok(None))
            }
        }
    }
}

impl Receive for Line {
    type Error = Broken;

    fn read(&mut self, memory: &mut [u8]) -> impl Future<Output = Result<Option<usize>, Broken>> {
        assert!(!memory.is_empty(), "memory that is not empty");
        poll_fn(|_| {
            let Some(most) = Self::turn(&self.clock, &mut self.script, &mut self.reading) else { return Poll::Pending };
            let mut pipe = self.input.borrow_mut();
            if pipe.is_broken {
                return Poll::Ready(Err(Broken));
            }
            let bytes = pipe.get(most.min(memory.len()));
            if bytes.is_empty() && !pipe.is_ended {
                drop(pipe);
                return self.wait();
            }
            memory[..bytes.len()].copy_from_slice(&bytes);
            self.reading = None;
            self.clock.pay();
            Poll::Ready(Ok(Some(bytes.len())))
        })
    }
}

impl Transmit for Line {
    type Error = Broken;

    fn write(&mut self, bytes: &[u8]) -> impl Future<Output = Result<Option<usize>, Broken>> {
        self.write_both(bytes, &[])
    }

    fn is_vectored(&self) -> bool {
        self.is_vectored
    }

    fn write_both(&mut self, first: &[u8], second: &[u8]) -> impl Future<Output = Result<Option<usize>, Broken>> {
        assert!(!first.is_empty() || !second.is_empty(), "bytes that are not empty");
        let bytes = [first, second].concat();
        poll_fn(move |_| {
            let Some(most) = Self::turn(&self.clock, &mut self.script, &mut self.writing) else { return Poll::Pending };
            let mut pipe = self.output.borrow_mut();
            if pipe.is_broken {
                return Poll::Ready(Err(Broken));
            }
            let n = pipe.put(&bytes, most);
            if n == 0 {
                drop(pipe);
                return self.wait();
            }
            self.writing = None;
            self.clock.pay();
            Poll::Ready(Ok(Some(n)))
        })
    }
}

/// A clock that stands until it is told to go on.
#[derive(Clone, Default)]
pub struct Clock(Rc<Moment>);

#[derive(Default)]
struct Moment {
    now: Cell<u64>,
    /// The first moment that the latest poll waits for.
    due: Cell<Option<u64>>,
    /// How long it takes to move bytes.
    cost: Cell<u64>,
    /// The latest poll met a call that the script had not ready.
    is_scripted: Cell<bool>,
    /// How often transport and clock were asked at this moment, and at the busiest one.
    asked: Cell<usize>,
    most_asked: Cell<usize>,
}

impl Clock {
    pub fn now_ms(&self) -> u64 {
        self.0.now.get()
    }

    pub fn advance(&self, ms: u64) {
        self.0.now.set(self.0.now.get().saturating_add(ms));
        self.0.asked.set(0);
    }

    /// Each call that moves bytes takes so long.
    pub fn set_cost(&self, ms: u64) {
        self.0.cost.set(ms);
    }

    fn pay(&self) {
        if self.0.cost.get() > 0 {
            self.advance(self.0.cost.get());
            assert!(self.now_ms() < 1_000_000, "it never ends");
        }
    }

    /// Before a poll.
    pub fn begin(&self) {
        self.0.due.set(None);
        self.0.is_scripted.set(false);
    }

    /// After a poll that was not ready: when to go on, `None` if the script says at once.
    pub fn next(&self) -> Option<Option<u64>> {
        (!self.0.is_scripted.get()).then(|| self.0.due.get())
    }

    /// Who asks again and again, with no time passing, spins.
    fn count(&self) {
        let asked = self.0.asked.get() + 1;
        self.0.asked.set(asked);
        self.0.most_asked.set(self.0.most_asked.get().max(asked));
        assert!(asked < 100_000, "it spins");
    }

    pub fn asked(&self) -> usize {
        self.0.asked.get()
    }

    /// Counts anew.
    pub fn forget(&self) {
        self.0.asked.set(0);
        self.0.most_asked.set(0);
    }

    pub fn most_asked(&self) -> usize {
        self.0.most_asked.get()
    }
}

impl Timer for Clock {
    fn now(&mut self) -> Instant {
        Instant::from_millis(self.0.now.get())
    }

    fn sleep_until(&mut self, at: Instant) -> impl Future<Output = ()> {
        let at = at.as_millis();
        poll_fn(move |_| {
            self.count();
            if self.0.now.get() >= at {
                return Poll::Ready(());
            }
            if at < u64::MAX {
                self.0.due.set(Some(self.0.due.get().map_or(at, |due| due.min(at))));
            }
            Poll::Pending
        })
    }
}
