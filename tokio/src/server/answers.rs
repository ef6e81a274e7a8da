use super::adapter::{Replies, Reply};
use crate::AskError;
use futures_core::Stream;
use sansocket::socketio::Sid;
use serde::de::DeserializeOwned;
use std::{
    fmt,
    future::poll_fn,
    marker::PhantomData,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};
use tokio::time::{Instant, Sleep, sleep_until};

/// The answer of one socket to a question to several: [`Answers`].
#[derive(Debug)]
pub struct Answer<T> {
    /// Whose answer it is. `None` if it is a socket of another node that did not tell.
    pub socket: Option<Sid>,
    /// The answer. [`AskError::TimedOut`] and [`AskError::Disconnected`]: there is none.
    pub result: Result<T, AskError>,
}

/// The answers to a question to several sockets: [`Broadcast::ask`](super::Broadcast::ask).
///
/// There is one item for each socket of this server that was asked: its answer, or that it left, or, when the time is over, that it did not answer. It
/// ends as soon as all of them are there. It is a [`Stream`] too. Sockets of other nodes that do not answer in time have no item.
///
/// ```
/// use sansocket_tokio::server::{Config, Server};
/// use std::time::Duration;
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
/// let io = Server::new(Config::new());
/// let mut votes = io.to("jury").timeout(Duration::from_secs(5)).ask::<bool>("vote", "the first?")?;
/// println!("{} were asked", votes.expected());
/// while let Some(vote) = votes.next().await {
///     match (vote.socket, vote.result) {
///         (Some(id), Ok(vote)) => println!("{id}: {vote}"),
///         (id, Err(error)) => println!("{id:?}: {error}"),
///         (None, Ok(vote)) => println!("one of another node: {vote}"),
///     }
/// }
/// assert_eq!((votes.expected(), votes.answered()), (0, 0));
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// # Ok::<(), std::io::Error>(())
/// ```
#[must_use = "await the answers"]
pub struct Answers<T> {
    replies: Replies,
    /// When an adapter that still waits for other nodes is not waited for any more.
    until: Instant,
    sleep: Option<Pin<Box<Sleep>>>,
    answered: usize,
    kind: PhantomData<fn() -> T>,
}

/// What an adapter may take longer than the answers, to tell of those that are missing.
const GRACE: Duration = Duration::from_millis(500);

impl<T: DeserializeOwned> Answers<T> {
    pub(super) fn new(replies: Replies, timeout: Duration) -> Self {
        let until = super::config::after(timeout.saturating_add(GRACE));
        Self { replies, until, sleep: None, answered: 0, kind: PhantomData }
    }

    /// The next answer. `None`: all sockets were told about, or the time is over. If the future is dropped, nothing is lost.
    pub async fn next(&mut self) -> Option<Answer<T>> {
        poll_fn(|context| self.poll_answer(context)).await
    }

    fn poll_answer(&mut self, context: &mut Context<'_>) -> Poll<Option<Answer<T>>> {
        let polled = self.replies.poll_next(context);
        let until = self.until;
        let sleep = || Box::pin(sleep_until(until));
        if polled.is_pending() && self.sleep.get_or_insert_with(sleep).as_mut().poll(context).is_pending() {
            return Poll::Pending;
        }
        let Poll::Ready(Some(Reply { socket, result })) = polled else { return Poll::Ready(None) };
        self.answered += usize::from(result.is_ok());
        Poll::Ready(Some(Answer { socket, result: result.and_then(|raw| crate::error::answer(&raw)) }))
    }

    /// Waits for all answers.
    pub async fn all(mut self) -> Vec<Answer<T>> {
        let mut all = Vec::with_capacity(self.expected());
        while let Some(answer) = self.next().await {
            all.push(answer);
        }
        all
    }

    /// The number of sockets that were asked, as far as other nodes have told it until now.
    #[must_use]
    pub fn expected(&self) -> usize {
        self.replies.expected()
    }

    /// The answers that arrived until now.
    #[must_use]
    pub const fn answered(&self) -> usize {
        self.answered
    }
}

impl<T: DeserializeOwned> Stream for Answers<T> {
    type Item = Answer<T>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Answer<T>>> {
        self.poll_answer(context)
    }
}

impl<T> fmt::Debug for Answers<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answers").field("answered", &self.answered).finish_non_exhaustive()
    }
}
