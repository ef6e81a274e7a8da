//! The only waiting of the drivers: for the first of two futures.

use core::{
    future::{Future, poll_fn},
    pin::Pin,
    task::Poll,
};

/// The result of `work`, or `None` if `limit` ended first. `work` is asked first, so what is ready is never lost to the time.
///
/// The caller pins both. An async function that took them by value would hold each of them twice.
pub(super) fn race<T>(
    mut work: Pin<&mut impl Future<Output = T>>,
    mut limit: Pin<&mut impl Future<Output = ()>>,
) -> impl Future<Output = Option<T>> {
    poll_fn(move |cx| match work.as_mut().poll(cx) {
        Poll::Ready(value) => Poll::Ready(Some(value)),
        Poll::Pending => limit.as_mut().poll(cx).map(|()| None),
    })
}
