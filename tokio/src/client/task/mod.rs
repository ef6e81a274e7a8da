//! The task of a client: it owns the machine, its memory and its lines.
//!
//! `wire.rs` has a line, `commands.rs` what the handles want, `told.rs` what the machine tells, `calls.rs` the handlers.

mod calls;
mod commands;
mod told;
mod wire;

use super::shared::{Command, Shared};
use crate::{
    Compression,
    net::{self, DialError, Stream, Tls},
};
use sansocket::{
    drive::{Timer, tokio::Clock},
    endpoint::{
        Grow, What,
        client::{ClientEnd, Config, FullLink, Line, Link, Memory, Step},
    },
    engineio::Transport,
    http::Url,
    socketio::{
        AckSlot, Collector,
        client::{Backoff, Limits, SocketSlot},
    },
    time::Instant,
};
use std::{
    future::{Future, pending, poll_fn},
    io,
    pin::Pin,
    sync::Arc,
    task::Poll,
    time::Duration,
};
use tokio::{select, sync::mpsc::UnboundedReceiver, task::JoinSet, time::timeout};
use told::App;
use tracing::Instrument;
use wire::{Ended, Wire};

/// How many commands are taken before the lines have their turn.
const COMMANDS: usize = 1024;
/// How long a client that is dropped may take to leave.
const LEAVING: Duration = Duration::from_secs(5);

pub(super) type Dial = Arc<dyn Fn() -> Pin<Box<dyn Future<Output = io::Result<Stream>> + Send>> + Send + Sync>;

/// What a builder has set.
pub(super) struct Settings {
    pub url: String,
    pub path: String,
    pub query: String,
    pub fields: Vec<(String, Vec<u8>)>,
    pub transports: Vec<Transport>,
    pub tls: Tls,
    /// Instead of TCP and TLS.
    pub dial: Option<Dial>,
    pub backoff: Backoff,
    pub open_ms: u32,
    pub max_message: usize,
    pub compression: Option<Compression>,
}

type End<'c> = ClientEnd<FullLink<'c>, super::space::Spaces, Vec<AckSlot>, Vec<SocketSlot>, Vec<u8>>;

/// A line, the number of its dial, and what came of it.
type Dialed = (Line, u32, Result<Stream, DialError>);

/// However the task ends, though it was never polled, nobody waits for it in vain.
pub(super) struct Finish(pub Arc<Shared>);

impl Drop for Finish {
    fn drop(&mut self) {
        self.0.finish();
    }
}

/// Runs a client until its last handle is dropped.
pub(super) async fn run(settings: Settings, finish: Finish, commands: UnboundedReceiver<Command>) {
    let fields: Vec<(&str, &[u8])> = settings.fields.iter().map(|(name, value)| (&name[..], &value[..])).collect();
    // The builder has checked the URL.
    let Ok(config) = Config::parse(&settings.url) else { return };
    let config = config
        .path(&settings.path)
        .query(&settings.query)
        .fields(&fields)
        .transports(&settings.transports)
        .limits(settings.limits())
        .reconnection(settings.backoff)
        .open_timeout(settings.open_ms);
    let span = tracing::info_span!("socketio", server = config.url().authority());
    let mut task = Task::new(&settings, &config, Arc::clone(&finish.0), commands);
    async {
        // The memory of the task is freed with it, whether the server answers or not.
        while !task.app.is_ending {
            task.turn().await;
        }
        let _ = timeout(LEAVING, async {
            while !task.is_at_rest() {
                task.turn().await;
            }
        })
        .await;
    }
    .instrument(span)
    .await;
    // Handlers that run end by themselves.
    task.app.running.detach_all();
}

struct Task<'c> {
    settings: &'c Settings,
    end: End<'c>,
    wires: [Wire; Line::COUNT],
    files: Collector<Vec<u8>>,
    dials: JoinSet<Dialed>,
    farewells: JoinSet<()>,
    commands: UnboundedReceiver<Command>,
    clock: Clock,
    app: App,
}

impl<'c> Task<'c> {
    fn new(
        settings: &'c Settings,
        config: &'c Config<'c>,
        shared: Arc<Shared>,
        commands: UnboundedReceiver<Command>,
    ) -> Self {
        let memory = Memory { acks: Vec::new(), sockets: vec![SocketSlot::EMPTY; 1], backlog: Vec::new() };
        let mut seed = [0; 4];
        crate::random::fill(&mut seed);
        let limits =
            Limits::new().attachments(64).attachment_bytes(u32::try_from(settings.max_message).unwrap_or(u32::MAX));
        let end = ClientEnd::new(FullLink::new(config), shared.spaces.clone(), memory, u32::from_le_bytes(seed));
        Self {
            settings,
            end: end.with_auth(0).with_limits(limits),
            wires: Line::ALL.map(|line| Wire::new(settings.compression.filter(|_| line == Line::WebSocket))),
            files: Collector::new(Vec::new()),
            dials: JoinSet::new(),
            farewells: JoinSet::new(),
            commands,
            clock: Clock::new(),
            app: App::new(shared),
        }
    }

    /// Does all that does not wait, and then waits until something can be done.
    async fn turn(&mut self) {
        let now = self.clock.now();
        self.work(now);
        self.app.settle(self.is_at_rest(), &self.wires, &self.end);
        self.wait(now).await;
        let now = self.clock.now();
        for _ in 0..COMMANDS {
            let Ok(command) = self.commands.try_recv() else { break };
            self.app.command(&mut self.end, command, now);
        }
    }

    /// No connection is wanted, and the last one was closed.
    fn is_at_rest(&self) -> bool {
        !self.end.io().wants_any()
            && self.end.link().is_over()
            && self.wires.iter().all(Wire::is_down)
            && self.farewells.is_empty()
    }

    async fn wait(&mut self, now: Instant) {
        let may_read = self.app.may_read();
        let due = self.wires.iter().map(Wire::deadline).min().unwrap_or(Instant::FAR_FUTURE);
        let due = self.end.poll_timeout().map_or(due, |at| at.min(due));
        let Self { wires, dials, farewells, commands, clock, app, end, .. } = self;
        let mut has_moved = false;
        let mut lines = poll_fn(|cx| {
            // Each line, not the first one that is ready.
            let mut has_moved = false;
            for wire in wires.iter_mut() {
                has_moved |= wire.progress(may_read, now, cx);
            }
            if has_moved { Poll::Ready(()) } else { Poll::Pending }
        });
        let mut dialed = None;
        select! {
            () = &mut lines => has_moved = true,
            Some(command) = commands.recv() => app.command(end, command, clock.now()),
            Some(done) = next(dials) => match done {
                Ok(done) => dialed = Some(done),
                // It was given up, or it panicked.
                Err(error) => app.handled(end, Err(error)),
            },
            Some(done) = next(&mut app.running) => app.handled(end, done),
            Some(done) = next(&mut app.auths) => app.authorized(end, done),
            Some(_) = next(farewells) => {}
            () = clock.sleep_until(due) => {}
        }
        if !has_moved {
            // What has arrived comes before what is due: a heartbeat may be among it.
            poll_fn(|cx| {
                let _ = Pin::new(&mut lines).poll(cx);
                Poll::Ready(())
            })
            .await;
        }
        if let Some(dialed) = dialed {
            self.dialed(dialed);
        }
    }

    /// Everything that does not wait.
    fn work(&mut self, now: Instant) {
        for line in Line::ALL {
            while self.poll(line, now) {}
            self.tell_end(line, now);
        }
        loop {
            match self.end.handle_timeout(now) {
                Step::Idle => break,
                Step::Again => {}
                Step::Open(line) => self.open(line),
                Step::Close(line) => self.close(line),
                step => self.app.told(&mut self.end, step, now),
            }
        }
        for line in Line::ALL {
            let wire = &mut self.wires[line as usize];
            if !wire.is_open() {
                continue;
            }
            while let Err(grow) = self.end.transmit(line, &mut wire.outbox, now) {
                wire.grow_outbox(grow.to);
            }
        }
        self.app.keep(&mut self.end);
    }

    /// One step of what a line has received. `false`: there are no more.
    fn poll(&mut self, line: Line, now: Instant) -> bool {
        let inbox = &mut self.wires[line as usize].inbox;
        match self.end.poll(line, inbox, &mut self.files, now) {
            Ok(Step::Idle) => return false,
            Ok(Step::Again) => {}
            Ok(Step::Open(line)) => self.open(line),
            Ok(Step::Close(line)) => self.close(line),
            Ok(step) => self.app.told(&mut self.end, step, now),
            Err(Grow { what: What::Collector, to }) => drop(self.files.replace(vec![0; to])),
            Err(Grow { what: What::Unpacked, to }) => drop(inbox.replace_unpacked(vec![0; to])),
            Err(grow) => drop(inbox.replace(vec![0; grow.to])),
        }
        true
    }

    /// Tells the machine that a line has ended, now that it has seen what the line had received.
    fn tell_end(&mut self, line: Line, now: Instant) {
        let wire = &mut self.wires[line as usize];
        if wire.is_late(now) {
            wire.ended = Some(Ended::Failed);
        }
        match wire.ended {
            Some(Ended::Eof) => {
                wire.ended = Some(Ended::Told);
                self.end.handle_eof(line, now);
            }
            Some(Ended::Failed) => {
                wire.reset();
                self.end.handle_error(line, now);
            }
            Some(Ended::Told) | None => {}
        }
    }

    fn open(&mut self, line: Line) {
        let wire = &mut self.wires[line as usize];
        wire.reset();
        let (number, url, tls) = (wire.number, self.settings.url.clone(), self.settings.tls.clone());
        let own = self.settings.dial.clone();
        let dial = self.dials.spawn(async move {
            // The builder has checked it.
            let Ok(url) = Url::parse(&url) else { return pending().await };
            let dialed = match own {
                Some(own) => own().await.map_err(|source| DialError::Failed { host: url.host().to_owned(), source }),
                None => net::dial(&url, &tls).await,
            };
            (line, number, dialed)
        });
        wire.dial = Some(dial);
    }

    fn dialed(&mut self, (line, number, result): Dialed) {
        let now = self.clock.now();
        let wire = &mut self.wires[line as usize];
        if number != wire.number {
            return;
        }
        match result {
            Ok(stream) => {
                wire.open(stream);
                let mut nonce = [0; 16];
                crate::random::fill(&mut nonce);
                self.end.opened(line, &mut wire.inbox, &mut wire.outbox, nonce);
            }
            Err(error) => {
                wire.dial = None;
                self.app.dial_error = Some(Arc::new(error));
                self.end.handle_error(line, now);
            }
        }
    }

    fn close(&mut self, line: Line) {
        if let Some(farewell) = self.wires[line as usize].close() {
            self.farewells.spawn(farewell.say());
        }
    }
}

/// The next task that has ended. It waits for ever while there are none, so it suits `select!`.
async fn next<T: 'static>(tasks: &mut JoinSet<T>) -> Option<Result<T, tokio::task::JoinError>> {
    if tasks.is_empty() { pending().await } else { tasks.join_next().await }
}
