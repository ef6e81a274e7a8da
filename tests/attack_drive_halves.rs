//! Attacks on the halves of a driven WebSocket: many senders, floods, drops at random, both ends halves, a lock that is poisoned.

#[path = "drive_halves/setup.rs"]
mod setup;
#[path = "drive_halves/world.rs"]
mod world;

use sansocket::{
    drive::{AsServer, Deadlines, Error, Receive, Side, Timer, Transmit, WebSocket},
    time::Instant,
    ws::{CloseCode, Incoming, Kind, StateError, Timeouts},
};
use setup::{LARGE, Memory, World, frames, ping, text};
use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    future::{Future, poll_fn},
    panic::AssertUnwindSafe,
    pin::{Pin, pin},
    rc::Rc,
    sync::Mutex,
    task::{Context, Poll, Waker},
};
use world::{Both, Broken, Clock, Pipe, Reader, Tasks, Writer, get, put};

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

/// Drops the future after a few polls. It may wake itself for that.
async fn cut<T>(future: impl Future<Output = T>, dice: &Dice) -> Option<T> {
    let mut future = pin!(future);
    let mut left = dice.roll(6);
    poll_fn(|cx| match future.as_mut().poll(cx) {
        Poll::Ready(value) => Poll::Ready(Some(value)),
        Poll::Pending if left == 0 => Poll::Ready(None),
        Poll::Pending => {
            if left < 5 {
                left -= 1;
                cx.waker().wake_by_ref();
            }
            Poll::Pending
        }
    })
    .await
}

/// Numbers that look random. A clone is the same.
#[derive(Clone)]
struct Dice(Rc<Cell<u64>>);

impl Dice {
    fn roll(&self, n: u64) -> u64 {
        self.0.set(self.0.get().wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407));
        (self.0.get() >> 33) % n
    }
}

/// What each sender of one end was told to be sent, what the other end received, and how it ended there.
#[derive(Clone, Default)]
struct Ledger {
    sent: Rc<RefCell<BTreeMap<u8, Vec<u8>>>>,
    received: Rc<RefCell<BTreeMap<u8, Vec<u8>>>>,
    end: Rc<RefCell<String>>,
}

struct Play {
    tasks: Tasks,
    clock: Clock,
    dice: Dice,
}

impl Play {
    /// One end: a receiver, and senders that drop their futures. One of them closes at some time.
    fn end<D: Side + 'static>(&self, ws: Socket<D>, ours: &Ledger, theirs: &Ledger) {
        let (half, shared) = ws.split(|Both(r, w)| (r, w));
        let (mut rx, tx) = half.join(Rc::new(RefCell::new(shared)));
        let (dice, ledger) = (self.dice.clone(), theirs.clone());
        self.tasks.spawn(async move {
            let end = loop {
                let next = rx.next();
                let next = if dice.roll(2) == 0 { cut(next, &dice).await } else { Some(next.await) };
                match next {
                    None => {}
                    Some(Ok(Some(Incoming::Message(m)))) => {
                        let bytes = m.as_bytes();
                        assert!(bytes[2..].iter().all(|b| *b == bytes[1]), "torn");
                        ledger.received.borrow_mut().entry(bytes[0]).or_default().push(bytes[1]);
                    }
                    Some(Ok(Some(_))) => {}
                    Some(Ok(None)) => break format!("{}", rx.closed().unwrap().is_clean),
                    Some(Err(e)) => break format!("{e:?}"),
                }
            };
            *ledger.end.borrow_mut() = end;
            std::mem::forget(rx);
        });
        let closer = self.dice.roll(20);
        for id in 0..=self.dice.roll(7) as u8 {
            let (mut tx, dice, ledger) = (tx.clone(), self.dice.clone(), ours.clone());
            self.tasks.spawn(async move {
                for number in 0..30 {
                    let mut bytes = vec![number; 2 + dice.roll(60) as usize];
                    bytes[0] = id;
                    let result = match dice.roll(5) {
                        0 | 1 => cut(tx.send(Kind::Binary, &bytes), &dice).await,
                        2 => {
                            let fed = tx.feed(Kind::Binary, &bytes).await;
                            if cut(tx.ping(b"p"), &dice).await.is_none() {
                                let _ = cut(tx.flush(), &dice).await;
                            }
                            Some(fed)
                        }
                        _ => Some(tx.send(Kind::Binary, &bytes).await),
                    };
                    match result {
                        None => {}
                        Some(Ok(())) => ledger.sent.borrow_mut().entry(id).or_default().push(number),
                        Some(Err(Error::State(StateError::Closing))) => return,
                        Some(Err(e)) => panic!("{e:?}"),
                    }
                    if u64::from(id) == closer && dice.roll(20) == 0 {
                        break;
                    }
                }
                if u64::from(id) == closer.min(1) || dice.roll(4) == 0 {
                    while cut(tx.close(CloseCode::NORMAL, ""), &dice).await.is_none() {}
                } else {
                    let _ = tx.flush().await;
                }
            });
        }
        // One that closes after all, if no other has.
        let (mut tx, mut clock) = (tx, self.clock.clone());
        self.tasks.spawn(async move {
            clock.sleep_until(Instant::from_millis(10_000)).await;
            let _ = tx.close(CloseCode::NORMAL, "").await;
        });
    }
}

type Socket<D> = WebSocket<Both, Clock, D, Vec<u8>, Vec<u8>>;

fn play(seed: u64) {
    let dice = Dice(Rc::new(Cell::new(seed)));
    for _ in 0..4 {
        dice.roll(2);
    }
    let play = Play { tasks: Tasks::default(), clock: Clock::default(), dice: dice.clone() };
    let pipe = || Pipe::new(1 + dice.roll(80) as usize, 1 + dice.roll(40) as usize);
    let (there, back) = (pipe(), pipe());
    let memory = || vec![0; 150 + dice.roll(200) as usize];
    let clock = || play.clock.clone();
    let key = |bytes: &mut [u8]| bytes.fill(0x5a);
    let client = Both(Reader(back.clone()), Writer(there.clone()));
    let mut client = WebSocket::client(client, clock(), key, memory(), memory()).with_deadlines(quiet());
    let mut server =
        WebSocket::server(Both(Reader(there), Writer(back)), clock(), memory(), memory()).with_deadlines(quiet());
    client.opened();
    server.opened();
    let (a, b) = (Ledger::default(), Ledger::default());
    play.end(client, &a, &b);
    play.end(server, &b, &a);
    let mut polls = 0;
    loop {
        let woken = play.tasks.woken();
        if woken.is_empty() {
            if !play.clock.step(14_000) {
                break;
            }
            continue;
        }
        play.tasks.poll(woken[dice.roll(woken.len() as u64) as usize]);
        polls += 1;
        assert!(polls < 400_000, "seed {seed}: the tasks spin");
    }
    for (ledger, name) in [(&a, "client"), (&b, "server")] {
        assert_eq!(*ledger.end.borrow(), "true", "seed {seed}: what the {name} sends ends");
        let received = ledger.received.borrow();
        for (id, numbers) in received.iter() {
            assert!(numbers.is_sorted_by(|a, b| a < b), "seed {seed}: {name} {id}: {numbers:?}");
        }
    }
    // What was sent before one's own close, or without a close of the peer, was received.
    for (ledger, name) in [(&a, "client"), (&b, "server")] {
        for (id, numbers) in ledger.sent.borrow().iter() {
            let received = ledger.received.borrow().get(id).cloned().unwrap_or_default();
            let lost: Vec<_> = numbers.iter().filter(|n| !received.contains(n)).collect();
            assert!(lost.is_empty(), "seed {seed}: {name} {id} has lost {lost:?}");
        }
    }
    for i in 0..play.tasks.count() {
        assert!(play.tasks.is_over(i), "seed {seed}: task {i} hangs");
    }
}

/// Both ends are halves with up to eight senders each, which drop futures, feed, ping, flush and close at random; tasks run in any order. `ATTACK_SEEDS=10000`
/// takes longer.
#[test]
fn nothing_is_lost_whatever_is_dropped() {
    let seeds = std::env::var("ATTACK_SEEDS").map_or(300, |n| n.parse().unwrap());
    (0..seeds).for_each(play);
}

/// A thread has panicked in the lock: whoever comes next is told, and nothing hangs or panics.
#[test]
fn a_poisoned_lock_ends_all() {
    let (world, half, shared) = World::split(&NARROW, quiet());
    let lock = Rc::new(Mutex::new(shared));
    let (mut rx, tx) = half.join(lock.clone());
    let log = world.log.clone();
    world.tasks.spawn(async move { log.say(format!("receiver {:?}", rx.next().await.map(|_| ()))) });
    for _ in 0..6 {
        let (mut tx, log) = (tx.clone(), world.log.clone());
        world.tasks.spawn(async move { log.say(format!("sender {:?}", tx.send(Kind::Binary, &[1; 18]).await)) });
    }
    world.run();
    let poison = AssertUnwindSafe(|| {
        let _guard = lock.lock();
        std::panic::resume_unwind(Box::new(()));
    });
    assert!(std::panic::catch_unwind(poison).is_err());
    get(&world.output, 10);
    put(&world.input, &text("x"));
    world.run_until(21_000);
    let mut log = world.log.take();
    log.sort();
    assert_eq!(log.len(), 7, "{log:?}");
    assert!(log.iter().all(|line| line.ends_with("Err(Lock)")), "{log:?}");
}

/// A transport that panics takes neither the output nor the lock along.
#[test]
fn a_panic_in_the_transport_leaves_the_pen() {
    struct Mine(Writer, Rc<Cell<bool>>);
    impl Transmit for Mine {
        type Error = Broken;
        async fn write(&mut self, bytes: &[u8]) -> Result<Option<usize>, Broken> {
            if self.1.take() {
                std::panic::resume_unwind(Box::new(()));
            }
            self.0.write(bytes).await
        }
    }
    let world = World::new(&LARGE).0;
    let both = Both(Reader(world.input.clone()), Writer(world.output.clone()));
    let mut ws = WebSocket::server(both, world.clock.clone(), vec![0; 99], vec![0; 200]);
    ws.opened();
    let explodes = Rc::new(Cell::new(true));
    let (half, shared) = ws.split(|Both(r, w)| (r, Mine(w, explodes)));
    let (rx, mut tx) = half.join(Rc::new(Mutex::new(shared)));
    let mut first = tx.clone();
    world.tasks.spawn(async move { first.send_text("a").await.unwrap() });
    assert!(std::panic::catch_unwind(AssertUnwindSafe(|| world.tasks.poll(0))).is_err());
    let second = world.tasks.spawn(async move { tx.send_text("b").await.unwrap() });
    world.run();
    assert!(world.tasks.is_over(second));
    assert_eq!(get(&world.output, 99), b"\x81\x01a\x81\x01b");
    drop(rx);
}

/// The receiver and many senders as futures of one task, which share its waker.
#[test]
fn all_in_one_task() {
    let (world, mut rx, tx) = World::with(&NARROW, quiet());
    let mut all: Vec<Pin<Box<dyn Future<Output = ()>>>> = Vec::new();
    all.push(Box::pin(async move { while let Ok(Some(_)) = rx.next().await {} }));
    for name in 0..7_u8 {
        let mut tx = tx.clone();
        all.push(Box::pin(async move {
            for _ in 0..20 {
                tx.send(Kind::Binary, &[name; 18]).await.unwrap();
            }
        }));
    }
    let task = world.tasks.spawn(poll_fn(move |cx| {
        all.retain_mut(|job| job.as_mut().poll(cx).is_pending());
        if all.len() == 1 { Poll::Ready(()) } else { Poll::Pending }
    }));
    let mut wire = Vec::new();
    for i in 0..400 {
        put(&world.input, &ping(&[i as u8]));
        world.run();
        wire.extend(get(&world.output, 10));
        world.run();
    }
    assert!(world.tasks.is_over(task));
    assert_eq!(frames(&wire).0.iter().filter(|f| f.0 == 0x82).count(), 140);
    assert!(world.tasks.polls(task) < 5000, "{}", world.tasks.polls(task));
    assert!(world.clock.0.now.get() == 0);
}

/// A program that polls each call once, and drops it if it is not done: a sender that was to write next, and is gone, does not stand in its way for ever.
#[test]
fn a_call_that_is_polled_once_comes_through() {
    let (world, rx, mut tx) = World::with(&NARROW, quiet());
    std::mem::forget(rx);
    let writing = world.send(&tx, "a", vec![1; 18]);
    let waiting = world.send(&tx, "b", vec![2; 18]);
    world.run();
    get(&world.output, 10);
    world.tasks.poll(writing);
    assert!(world.tasks.is_over(writing), "it leaves the output to the one that waits");
    assert!(world.tasks.cancel(waiting));
    let mut cx = Context::from_waker(Waker::noop());
    for i in 0.. {
        get(&world.output, 10);
        let send = pin!(tx.send(Kind::Binary, &[3; 3]));
        if send.poll(&mut cx).is_ready() {
            break;
        }
        assert!(i < 20, "it never gets the output");
    }
}
