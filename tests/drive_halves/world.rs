//! A world of one thread: a transport in memory, a clock that the test moves, and tasks that are polled only if they were woken.
#![allow(dead_code, reason = "each test uses a part")]

use sansocket::{
    drive::{Lock, Receive, Timer, Transmit},
    time::Instant,
};
use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    future::{Future, poll_fn},
    pin::Pin,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    task::{Context, Poll, Wake, Waker},
};

/// What a failing transport says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Broken;

impl core::fmt::Display for Broken {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("broken")
    }
}

impl core::error::Error for Broken {}

/// One direction of a transport.
#[derive(Default)]
pub struct Pipe {
    pub bytes: VecDeque<u8>,
    /// How many bytes it holds at most.
    pub room: usize,
    /// How many one call takes or gives at most.
    pub piece: usize,
    pub is_ended: bool,
    pub is_broken: bool,
    pub reader: Option<Waker>,
    pub writer: Option<Waker>,
}

impl Pipe {
    pub fn new(room: usize, piece: usize) -> Rc<RefCell<Self>> {
        Rc::new(RefCell::new(Self { room, piece, ..Self::default() }))
    }
}

pub type End = Rc<RefCell<Pipe>>;

pub fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        waker.wake();
    }
}

/// The bytes arrive at the end that reads.
pub fn put(pipe: &End, bytes: &[u8]) {
    let waker = {
        let mut pipe = pipe.borrow_mut();
        pipe.bytes.extend(bytes);
        pipe.reader.take()
    };
    wake(waker);
}

/// At most `n` bytes that were written.
pub fn get(pipe: &End, n: usize) -> Vec<u8> {
    let (bytes, waker) = {
        let mut pipe = pipe.borrow_mut();
        let n = n.min(pipe.bytes.len());
        (pipe.bytes.drain(..n).collect(), pipe.writer.take())
    };
    wake(waker);
    bytes
}

pub fn end(pipe: &End) {
    pipe.borrow_mut().is_ended = true;
    let waker = pipe.borrow_mut().reader.take();
    wake(waker);
}

pub fn break_it(pipe: &End) {
    let wakers = {
        let mut pipe = pipe.borrow_mut();
        pipe.is_broken = true;
        [pipe.reader.take(), pipe.writer.take()]
    };
    wakers.into_iter().for_each(wake);
}

/// Forgets its waker when it is dropped, as the futures of many reactors do.
struct Waits<'p>(&'p End, bool);

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        let mut pipe = self.0.borrow_mut();
        if self.1 { pipe.reader = None } else { pipe.writer = None }
    }
}

pub struct Reader(pub End);

impl Receive for Reader {
    type Error = Broken;

    async fn read(&mut self, memory: &mut [u8]) -> Result<Option<usize>, Broken> {
        assert!(!memory.is_empty());
        let _waits = Waits(&self.0, true);
        poll_fn(|cx| {
            let mut pipe = self.0.borrow_mut();
            if pipe.is_broken {
                return Poll::Ready(Err(Broken));
            }
            let n = memory.len().min(pipe.piece).min(pipe.bytes.len());
            if n == 0 && !pipe.is_ended {
                pipe.reader = Some(cx.waker().clone());
                return Poll::Pending;
            }
            for (to, from) in memory.iter_mut().zip(pipe.bytes.drain(..n)) {
                *to = from;
            }
            let waker = pipe.writer.take();
            drop(pipe);
            wake(waker);
            Poll::Ready(Ok(Some(n)))
        })
        .await
    }
}

pub struct Writer(pub End);

impl Transmit for Writer {
    type Error = Broken;

    async fn write(&mut self, bytes: &[u8]) -> Result<Option<usize>, Broken> {
        assert!(!bytes.is_empty());
        let _waits = Waits(&self.0, false);
        poll_fn(|cx| {
            let mut pipe = self.0.borrow_mut();
            if pipe.is_broken {
                return Poll::Ready(Err(Broken));
            }
            let n = bytes.len().min(pipe.piece).min(pipe.room.saturating_sub(pipe.bytes.len()));
            if n == 0 {
                pipe.writer = Some(cx.waker().clone());
                return Poll::Pending;
            }
            pipe.bytes.extend(&bytes[..n]);
            let waker = pipe.reader.take();
            drop(pipe);
            wake(waker);
            Poll::Ready(Ok(Some(n)))
        })
        .await
    }
}

/// Both ends in one, for the handshake that is skipped.
pub struct Both(pub Reader, pub Writer);

impl Receive for Both {
    type Error = Broken;

    fn read(&mut self, memory: &mut [u8]) -> impl Future<Output = Result<Option<usize>, Broken>> {
        self.0.read(memory)
    }
}

impl Transmit for Both {
    type Error = Broken;

    fn write(&mut self, bytes: &[u8]) -> impl Future<Output = Result<Option<usize>, Broken>> {
        self.1.write(bytes)
    }
}

/// A clock that stands until the test moves it.
#[derive(Clone, Default)]
pub struct Clock(pub Rc<Time>);

#[derive(Default)]
pub struct Time {
    pub now: Cell<u64>,
    sleepers: RefCell<Vec<(u64, Waker)>>,
}

impl Timer for Clock {
    fn now(&mut self) -> Instant {
        Instant::from_millis(self.0.now.get())
    }

    async fn sleep_until(&mut self, at: Instant) {
        poll_fn(|cx| {
            if at.as_millis() <= self.0.now.get() {
                return Poll::Ready(());
            }
            if at != Instant::FAR_FUTURE {
                self.0.sleepers.borrow_mut().push((at.as_millis(), cx.waker().clone()));
            }
            Poll::Pending
        })
        .await;
    }
}

impl Clock {
    /// Moves to the next time at which somebody wakes. False: nobody sleeps, or only until after `end`.
    pub fn step(&self, end: u64) -> bool {
        let mut sleepers = self.0.sleepers.borrow_mut();
        let Some(next) = sleepers.iter().map(|s| s.0).min().filter(|at| *at <= end) else { return false };
        self.0.now.set(self.0.now.get().max(next));
        let (due, later): (Vec<_>, _) = sleepers.drain(..).partition(|s| s.0 <= next);
        *sleepers = later;
        drop(sleepers);
        due.into_iter().for_each(|(_, waker)| waker.wake());
        true
    }
}

/// 0, or how many wake-ups there were before it was woken.
struct Flag(AtomicU64);

static WAKES: AtomicU64 = AtomicU64::new(1);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        let _ = self.0.compare_exchange(0, WAKES.fetch_add(1, Relaxed), Relaxed, Relaxed);
    }
}

type Job = Pin<Box<dyn Future<Output = ()>>>;

struct Task {
    job: RefCell<Option<Job>>,
    is_over: Cell<bool>,
    polls: Cell<u32>,
    flag: Arc<Flag>,
}

/// The tasks. A clone is the same.
#[derive(Clone, Default)]
pub struct Tasks(Rc<RefCell<Vec<Rc<Task>>>>);

impl Tasks {
    pub fn spawn(&self, job: impl Future<Output = ()> + 'static) -> usize {
        let task = Task {
            job: RefCell::new(Some(Box::pin(job))),
            is_over: Cell::new(false),
            polls: Cell::new(0),
            flag: Arc::new(Flag(AtomicU64::new(WAKES.fetch_add(1, Relaxed)))),
        };
        self.0.borrow_mut().push(Rc::new(task));
        self.0.borrow().len() - 1
    }

    fn task(&self, i: usize) -> Rc<Task> {
        self.0.borrow()[i].clone()
    }

    /// Those that were woken and are not being polled, in the order of their waking.
    pub fn woken(&self) -> Vec<usize> {
        let all = self.0.borrow();
        let at = |i: &usize| all[*i].flag.0.load(Relaxed);
        let mut woken: Vec<_> = (0..all.len()).filter(|i| at(i) > 0 && all[*i].job.borrow().is_some()).collect();
        woken.sort_by_key(at);
        woken
    }

    pub fn count(&self) -> usize {
        self.0.borrow().len()
    }

    pub fn is_over(&self, i: usize) -> bool {
        self.task(i).is_over.get()
    }

    pub fn wake(&self, i: usize) {
        self.task(i).flag.clone().wake();
    }

    pub fn polls(&self, i: usize) -> u32 {
        self.task(i).polls.get()
    }

    pub fn poll(&self, i: usize) {
        let task = self.task(i);
        let Some(mut job) = task.job.borrow_mut().take() else { return };
        task.flag.0.store(0, Relaxed);
        task.polls.set(task.polls.get() + 1);
        let waker = Waker::from(task.flag.clone());
        match job.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(()) => task.is_over.set(true),
            Poll::Pending => *task.job.borrow_mut() = Some(job),
        }
    }

    /// Drops the task. False: it is over, or being polled.
    pub fn cancel(&self, i: usize) -> bool {
        let job = self.task(i).job.borrow_mut().take();
        job.is_some()
    }

    /// Polls all that are woken, until none is.
    pub fn run(&self) {
        for _ in 0..100_000 {
            let woken = self.woken();
            if woken.is_empty() {
                return;
            }
            woken.into_iter().for_each(|i| self.poll(i));
        }
        panic!("the tasks spin");
    }

    /// As [`run`](Self::run), and moves the clock on until `end`.
    pub fn run_until(&self, clock: &Clock, end: u64) {
        loop {
            self.run();
            if !clock.step(end) {
                clock.0.now.set(clock.0.now.get().max(end));
                return;
            }
        }
    }
}

/// A lock that calls `pause` before and after each piece of work.
pub struct Paused<T> {
    pub value: RefCell<T>,
    pub pause: Rc<dyn Fn()>,
}

impl<T> Lock for Paused<T> {
    type Value = T;

    fn with<X>(&self, f: impl FnOnce(&mut T) -> X) -> Option<X> {
        (self.pause)();
        let x = f(&mut self.value.try_borrow_mut().expect("no waker or drop runs inside the lock"));
        (self.pause)();
        Some(x)
    }
}
