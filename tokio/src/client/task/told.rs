//! What the machine tells, and what it means for handlers, streams and those who wait.

use super::{End, calls::Late, commands, wire::Wire};
use crate::client::{
    ConnectError, Event as Told, Reason, Socket,
    auth::{Auth, Credentials},
    shared::{Answer, Shared, Unanswered},
};
use crate::{args::Raw, net::DialError};
use bytes::Bytes;
use sansocket::{
    endpoint::client::{Failure, Link, Over, Step},
    json::{self, Str},
    socketio::{Attachments, Namespace, SendError, StateError, client::Event},
    time::Instant,
};
use std::{collections::HashMap, sync::Arc, time::Duration};
use tokio::{
    sync::oneshot,
    task::{AbortHandle, JoinError, JoinSet},
    time::sleep,
};

/// How much memory for what waits is kept when nothing does.
const BACKLOG: usize = 16 * 1024;

/// Who waits for a namespace.
pub(super) struct Waiter {
    pub namespace: Namespace,
    /// How many attempts may fail.
    pub patience: u32,
    pub reply: oneshot::Sender<Result<(), ConnectError>>,
}

/// A function for credentials that is running.
struct Fetching {
    number: u32,
    failures: u32,
    task: AbortHandle,
}

pub(super) struct App {
    pub shared: Arc<Shared>,
    pub asks: HashMap<u32, oneshot::Sender<Answer>>,
    token: u32,
    pub waiters: Vec<Waiter>,
    /// Who waits until the server was told that a namespace is left.
    pub leavers: Vec<oneshot::Sender<()>>,
    /// Why the namespaces that are not wanted are not.
    pub down: HashMap<u16, ConnectError>,
    /// Handlers that wait for something.
    pub running: JoinSet<()>,
    pub late: Late,
    /// Functions for credentials, with the namespace and the number of the call.
    pub auths: JoinSet<(Namespace, u32, Credentials)>,
    fetching: HashMap<u16, Fetching>,
    fetches: u32,
    pub dial_error: Option<Arc<DialError>>,
    last_error: ConnectError,
    /// The session has been open.
    is_open: bool,
    pub is_ending: bool,
}

impl App {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self {
            shared,
            asks: HashMap::new(),
            token: 0,
            waiters: Vec::new(),
            leavers: Vec::new(),
            down: HashMap::new(),
            running: JoinSet::new(),
            late: Late::default(),
            auths: JoinSet::new(),
            fetching: HashMap::new(),
            fetches: 0,
            dial_error: None,
            last_error: ConnectError::Closed,
            is_open: false,
            is_ending: false,
        }
    }

    /// A token that no question has that waits for its answer.
    pub(super) fn next_token(&mut self) -> u32 {
        loop {
            self.token = self.token.wrapping_add(1);
            if !self.asks.contains_key(&self.token) {
                return self.token;
            }
        }
    }

    pub(super) fn socket(&self, namespace: Namespace) -> Option<Socket> {
        self.shared.spaces.get(namespace).map(|space| self.shared.socket(space))
    }

    /// Gives memory back that an outage has filled, and says how much waits.
    pub(super) fn keep(&self, end: &mut End<'_>) {
        let held = end.held();
        self.shared.set_held(held);
        if held == 0
            && let Ok(memory) = end.replace_backlog(Vec::new())
            && memory.len() <= BACKLOG
        {
            let _ = end.replace_backlog(memory);
        }
    }

    /// Answers those who wait for the end.
    pub(super) fn settle(&mut self, is_at_rest: bool, wires: &[Wire], end: &End<'_>) {
        if self.leavers.is_empty() {
            return;
        }
        // With other namespaces on it the connection stays; then it counts that all is written.
        let is_written =
            end.io().wants_any() && end.link().is_open() && wires.iter().all(|wire| wire.outbox.is_empty());
        if is_at_rest || is_written || (end.io().wants_any() && !end.link().is_open()) {
            for reply in self.leavers.drain(..) {
                let _ = reply.send(());
            }
        }
    }

    pub(super) fn told(&mut self, end: &mut End<'_>, step: Step<'_>, now: Instant) {
        match step {
            Step::Event(event, files) => self.event(end, event, files),
            Step::Failed { failure, attempt, retry } => {
                let retry = retry.map(|at| at.duration_since(now));
                self.failed(end, failure, attempt, retry);
            }
            Step::Auth(namespace) => {
                self.fetching.remove(&namespace.0).inspect(|fetching| fetching.task.abort());
                self.fetch(end, namespace, 0, Duration::ZERO);
            }
            Step::Over(Over::GaveUp) => {
                let wanted: Vec<Namespace> = end.io().namespaces().collect();
                for namespace in wanted {
                    self.is_down(namespace, self.last_error.clone());
                }
            }
            // The others are done elsewhere, or tell nothing new.
            _ => {}
        }
    }

    fn event(&mut self, end: &mut End<'_>, event: Event<'_>, files: Attachments<'_>) {
        match event {
            Event::Opened => {
                self.is_open = true;
                self.dial_error = None;
            }
            Event::Connected { namespace, sid, is_recovered } => {
                self.connected(end, namespace, &text(sid), is_recovered)
            }
            Event::Refused { namespace, message, data } => {
                let message = message.map_or_else(|| "no reason given".to_owned(), text);
                let data = data.map(|data| String::from_utf8_lossy(data.raw()).into_owned());
                let error = ConnectError::Refused { message, data };
                self.is_down(namespace, error.clone());
                self.connect_error(end, namespace, &error);
            }
            Event::Event(event) => self.received(end, &event, files),
            Event::Ack(ack) => {
                if let Some(reply) = ack.token.and_then(|token| self.asks.remove(&token)) {
                    let files = files.into_iter().map(Bytes::copy_from_slice).collect();
                    let _ = reply.send(Ok(Raw { json: Bytes::copy_from_slice(ack.args().raw()), files }));
                }
            }
            Event::AckFailed { token, error, .. } => {
                if let Some(reply) = self.asks.remove(&token) {
                    let _ = reply.send(Err(Unanswered::Lost(error)));
                }
            }
            Event::Disconnected { namespace, reason } => self.disconnected(end, namespace, reason),
            _ => {}
        }
    }

    fn connected(&mut self, end: &mut End<'_>, namespace: Namespace, sid: &str, is_recovered: bool) {
        let Some(socket) = self.socket(namespace) else { return };
        tracing::info!(namespace = socket.namespace(), "connected");
        socket.space.set_id(Some(sid.into()));
        for waiter in self.waiters.extract_if(.., |waiter| waiter.namespace == namespace) {
            let _ = waiter.reply.send(Ok(()));
        }
        socket.space.handlers.tell(|| Told::Connected { id: sid.to_owned(), is_recovered });
        self.call_connect(end, &socket);
    }

    fn disconnected(&mut self, end: &mut End<'_>, namespace: Namespace, reason: Reason) {
        let Some(socket) = self.socket(namespace) else { return };
        tracing::info!(namespace = socket.namespace(), "disconnected: {reason}");
        socket.space.set_id(None);
        if !end.io().is_wanted(namespace) && !self.down.contains_key(&namespace.0) {
            self.is_down(namespace, ConnectError::Removed);
        }
        socket.space.handlers.tell(|| Told::Disconnected(reason));
        self.call_disconnect(end, &socket, reason);
    }

    fn failed(&mut self, end: &mut End<'_>, failure: Failure, attempt: u32, retry: Option<Duration>) {
        let was_open = std::mem::take(&mut self.is_open);
        let dial_error = self.dial_error.take();
        let error = match dial_error {
            Some(error) if failure == Failure::Unreachable => ConnectError::Dial(error),
            _ => ConnectError::Failed(failure),
        };
        tracing::info!(attempt, ?retry, "no connection: {error}");
        self.last_error = error.clone();
        for waiter in &mut self.waiters {
            waiter.patience = waiter.patience.saturating_sub(u32::from(waiter.patience < u32::MAX));
        }
        for waiter in self.waiters.extract_if(.., |waiter| waiter.patience == 0) {
            let _ = waiter.reply.send(Err(error.clone()));
        }
        let wanted: Vec<Namespace> = end.io().namespaces().collect();
        for namespace in wanted {
            if !was_open {
                self.connect_error(end, namespace, &error);
            }
            if let (Some(socket), Some(delay)) = (self.socket(namespace), retry) {
                socket.space.handlers.tell(|| Told::Reconnecting { attempt: attempt.saturating_add(1), delay });
            }
        }
    }

    /// The namespace is not wanted any more. Nobody waits for it in vain.
    pub(super) fn is_down(&mut self, namespace: Namespace, error: ConnectError) {
        for waiter in self.waiters.extract_if(.., |waiter| waiter.namespace == namespace) {
            let _ = waiter.reply.send(Err(error.clone()));
        }
        self.down.insert(namespace.0, error);
    }

    fn connect_error(&mut self, end: &mut End<'_>, namespace: Namespace, error: &ConnectError) {
        let Some(socket) = self.socket(namespace) else { return };
        socket.space.handlers.tell(|| Told::ConnectError(error.clone()));
        self.call_connect_error(end, &socket, error);
    }

    /// Fetches the credentials of a namespace.
    fn fetch(&mut self, end: &mut End<'_>, namespace: Namespace, failures: u32, delay: Duration) {
        let Some(space) = self.shared.spaces.get(namespace) else { return };
        match space.auth() {
            Auth::None => {
                // An error: the server was left meanwhile.
                let _ = commands::send(end, |end| end.authorize(namespace, None::<&()>));
            }
            Auth::Value(value) => self.authorize(end, namespace, &value),
            Auth::Function(function) => {
                self.fetches = self.fetches.wrapping_add(1);
                let number = self.fetches;
                let task = self.auths.spawn(async move {
                    sleep(delay).await;
                    (namespace, number, function().await)
                });
                self.fetching.insert(namespace.0, Fetching { number, failures, task });
            }
        }
    }

    /// A function for credentials has ended.
    pub(super) fn authorized(&mut self, end: &mut End<'_>, done: Result<(Namespace, u32, Credentials), JoinError>) {
        let (namespace, number, credentials) = match done {
            Ok(done) => done,
            Err(error) => return self.handled(end, Err(error)),
        };
        // A later call counts, that of a later connection.
        let Some(fetching) = self.fetching.remove(&namespace.0) else { return };
        if fetching.number != number {
            self.fetching.insert(namespace.0, fetching);
            return;
        }
        let Err(error) = &credentials else { return self.authorize(end, namespace, &credentials) };
        if !end.io().is_wanted(namespace) || !end.link().is_open() {
            // The next connection asks again.
            return;
        }
        let error = ConnectError::Auth(error.clone());
        for waiter in self.waiters.extract_if(.., |w| w.namespace == namespace && w.patience < u32::MAX) {
            let _ = waiter.reply.send(Err(error.clone()));
        }
        self.connect_error(end, namespace, &error);
        let delay = Duration::from_millis(1000 << fetching.failures.min(3)).min(Duration::from_secs(5));
        self.fetch(end, namespace, fetching.failures.saturating_add(1), delay);
    }

    fn authorize(&mut self, end: &mut End<'_>, namespace: Namespace, credentials: &Credentials) {
        let error = match credentials {
            Err(error) => error.clone(),
            Ok(auth) => {
                let auth = json::Raw::trusted(auth);
                let mut is_object = true;
                let _ = commands::send(end, |end| {
                    end.authorize(namespace, Some(&auth)).inspect_err(|error| {
                        is_object = *error != SendError::State(StateError::NotAnObject);
                    })
                });
                if is_object {
                    return;
                }
                "they are not a JSON object".to_owned()
            }
        };
        // It would fail again: the application's fault.
        end.disconnect(namespace);
        let error = ConnectError::Auth(error);
        self.is_down(namespace, error.clone());
        self.connect_error(end, namespace, &error);
    }
}

/// The text without its escapes.
pub(super) fn text(text: Str<'_>) -> String {
    text.as_plain().map_or_else(|| text.chars().collect(), str::to_owned)
}
