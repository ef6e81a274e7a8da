//! Attacks on the halves of a driven WebSocket: many senders, floods, drops at random, both ends halves, a lock that is poisoned.

#[path = "drive_halves/setup.rs"]
mod setup;
#[path = "drive_halves/world.rs"]
mod world;

use sansocket::{
    drive::{AsServer, Deadlines, Receive, Transmit, WebSocket},
    ws::{Kind, Timeouts},
};
use setup::{LARGE, Memory, World, frames, ping, text};
use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    future::{Future, poll_fn},
    rc::Rc,
    task::{Context, Poll},
};
use world::{Broken, Clock, Tasks, get, put};

const NARROW: Memory = Memory { rx: 512, tx: 512, room: 10, piece: 10 };

fn quiet() -> Deadlines {
    Deadlines::new().others(Timeouts::new().ping_interval(0).idle(0))
}

/// Twelve senders without a pause, and four slots for wakers: each has its turn.
#[test]
fn no_sender_starves() {
    let (world, rx, tx) = World::with(&NARROW, quiet());
    world.receive(rx);
    for name in 0..12_u8 {
        let mut tx = tx.clone();
        world.tasks.spawn(async move { while tx.send(Kind::Binary, &[name; 18]).await.is_ok() {} });
    }
    let mut wire = Vec::new();
    for now in 1..=2400 {
        wire.extend(get(&world.output, 10));
        world.run_until(now * 5);
    }
    let mut counts = BTreeMap::new();
    for (_, payload) in frames(&wire).0 {
        *counts.entry(payload[0]).or_insert(0) += 1;
    }
    let all: usize = counts.values().sum();
    assert_eq!(counts.len(), 12, "each has sent: {counts:?}");
    assert!(counts.values().all(|n| *n >= all / 12 / 4), "none has less than a quarter of its share: {counts:?}");
}

/// `closed` is a question, and ends nothing.
#[test]
fn to_ask_how_it_closed_does_not_close() {
    let (world, rx, tx) = World::new(&LARGE);
    assert!(!rx.closed().unwrap().is_clean);
    let sent = world.send(&tx, "a", vec![1]);
    world.receive(rx);
    put(&world.input, &text("x"));
    world.run();
    assert!(world.tasks.is_over(sent));
    assert_eq!(world.log.take(), ["a sent", "message \"x\""]);
}

/// A socket that is always ready, in a runtime that lets each task do so many reads and writes in a row.
struct Eager {
    budget: Rc<Cell<u32>>,
    input: Vec<u8>,
    /// A write takes until the next turn.
    is_slow: bool,
    output: Rc<RefCell<Vec<u8>>>,
}

impl Eager {
    const BUDGET: u32 = 128;

    fn proceed(&self, cx: &Context<'_>) -> bool {
        let left = self.budget.get();
        if left == 0 {
            cx.waker().wake_by_ref();
            return false;
        }
        self.budget.set(left - 1);
        true
    }
}

impl Receive for Eager {
    type Error = Broken;

    fn read(&mut self, memory: &mut [u8]) -> impl Future<Output = Result<Option<usize>, Broken>> {
        poll_fn(|cx| {
            if !self.proceed(cx) {
                return Poll::Pending;
            }
            let n = memory.len().min(self.input.len());
            memory[..n].copy_from_slice(&self.input[..n]);
            self.input.rotate_left(n);
            Poll::Ready(Ok(Some(n)))
        })
    }
}

impl Transmit for Eager {
    type Error = Broken;

    fn write(&mut self, bytes: &[u8]) -> impl Future<Output = Result<Option<usize>, Broken>> {
        let mut is_slow = self.is_slow;
        poll_fn(move |cx| {
            if std::mem::take(&mut is_slow) {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            if !self.proceed(cx) {
                return Poll::Pending;
            }
            self.output.borrow_mut().extend_from_slice(bytes);
            Poll::Ready(Ok(Some(bytes.len())))
        })
    }
}

/// A peer that sends pings without a pause, and takes all pongs: the receiver writes in each turn, and still lets others write.
#[test]
fn a_flood_of_pings_does_not_keep_senders_from_writing() {
    let (fast, slow) = (flood(false), flood(true));
    assert!(fast > 1000 && slow > 100, "{fast} and {slow} messages in 1000 turns");
}

/// How many messages a sender sends in 1000 turns.
fn flood(is_slow: bool) -> u32 {
    let clock = Clock::default();
    let budget = Rc::new(Cell::new(Eager::BUDGET));
    let output = Rc::default();
    let both = [(); 2].map(|()| Eager {
        is_slow,
        budget: budget.clone(),
        input: ping(b"ping").repeat(100),
        output: Rc::clone(&output),
    });
    let [reader, writer] = both;
    let mut ws =
        WebSocket::<_, _, AsServer, _, _>::server(Pair(reader, writer), clock.clone(), vec![0; 512], vec![0; 512]);
    ws.opened();
    let (half, shared) = ws.split(|Pair(r, w)| (r, w));
    let (mut rx, mut tx) = half.join(Rc::new(RefCell::new(shared)));
    let tasks = Tasks::default();
    let receiver = tasks.spawn(async move { while let Ok(Some(_)) = rx.next().await {} });
    let sent = Rc::new(Cell::new(0));
    let count = sent.clone();
    tasks.spawn(async move {
        while tx.send(Kind::Binary, &[1; 18]).await.is_ok() {
            count.set(count.get() + 1);
        }
    });
    for _ in 0..1000 {
        for i in tasks.woken() {
            budget.set(Eager::BUDGET);
            tasks.poll(i);
        }
        clock.0.now.set(clock.0.now.get() + 1);
    }
    assert!(!tasks.is_over(receiver));
    sent.get()
}

struct Pair(Eager, Eager);

impl Receive for Pair {
    type Error = Broken;

    async fn read(&mut self, memory: &mut [u8]) -> Result<Option<usize>, Broken> {
        self.0.read(memory).await
    }
}

impl Transmit for Pair {
    type Error = Broken;

    async fn write(&mut self, bytes: &[u8]) -> Result<Option<usize>, Broken> {
        self.1.write(bytes).await
    }
}

/// The sender that was to write next is dropped: the pong is sent all the same, though nothing more happens.
#[test]
fn a_sender_that_is_dropped_when_it_is_its_turn_holds_nothing() {
    let (world, rx, tx) = World::with(&NARROW, quiet());
    world.receive(rx);
    put(&world.input, &ping(&[1; 18]));
    world.run();
    let waiting = world.send(&tx, "a", vec![1; 18]);
    world.run();
    put(&world.input, &ping(&[2; 18]));
    let mut wire = Vec::new();
    let mut is_dropped = false;
    for _ in 0..10 {
        wire.extend(get(&world.output, 10));
        while let Some(&task) = world.tasks.woken().first() {
            if task == waiting {
                is_dropped |= world.tasks.cancel(waiting);
            } else {
                world.tasks.poll(task);
            }
        }
    }
    assert!(is_dropped);
    assert_eq!(frames(&wire).0, [(0x8a, vec![1; 18]), (0x8a, vec![2; 18])]);
}
