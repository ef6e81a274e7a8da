use super::session::Answered;
use crate::{AskError, EmitError};
use serde::de::DeserializeOwned;
use std::{fmt, marker::PhantomData, pin::Pin};
use tokio::sync::oneshot;

/// The answer that is awaited: see [`Socket::ask`](super::Socket::ask).
#[must_use = "await it to have the answer"]
pub struct Ask<T> {
    work: Pin<Box<dyn Future<Output = Result<T, AskError>> + Send>>,
    kind: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned> Ask<T> {
    pub(crate) fn new(asked: Result<oneshot::Receiver<Answered>, EmitError>) -> Self {
        let work = Box::pin(async move {
            let raw = asked?.await.unwrap_or(Err(AskError::Disconnected))?;
            crate::error::answer(&raw)
        });
        Self { work, kind: PhantomData }
    }
}

impl<T> Future for Ask<T> {
    type Output = Result<T, AskError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut std::task::Context<'_>) -> std::task::Poll<Self::Output> {
        self.work.as_mut().poll(context)
    }
}

impl<T> fmt::Debug for Ask<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ask").finish_non_exhaustive()
    }
}
