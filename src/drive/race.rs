//! The only waiting of the drivers: for the first of two futures.

use core::{
    future::{Future, poll_fn},
    pin::pin,
    task::Poll,
};

/// The result of `work`, or `None` if `limit` ended first. `work` is asked first, so what is ready is never lost to the time.
pub(super) async fn race<T>(work: impl Future<Output = T>, limit: impl Future<Output = ()>) -> Option<T> {
    let (mut work, mut limit) = (pin!(work), pin!(limit));
    poll_fn(|cx| match work.as_mut().poll(cx) {
        Poll::Ready(value) => Poll::Ready(Some(value)),
        Poll::Pending => limit.as_mut().poll(cx).map(|()| None),
    })
    .await
}
