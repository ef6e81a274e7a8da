//! The two things that drivers do with futures: wait for the first of two, and run one to its end on a transport that blocks.

use core::{
    future::{Future, poll_fn},
    pin::{Pin, pin},
    task::{Context, Poll, Waker},
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

/// Runs a future whose transport and clock block, so that it never has to wait.
pub(super) fn complete<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let mut cx = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut cx) {
            return value;
        }
    }
}
