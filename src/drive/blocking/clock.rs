use crate::{drive::Timer, time::Instant};
use core::{
    fmt,
    future::{Future, poll_fn},
    task::Poll,
};

/// A clock for the [blocking drivers](super), from a function that tells the time.
///
/// ```
/// use sansocket::{drive::{Timer, blocking::FnClock}, time::Instant};
///
/// let start = std::time::Instant::now();
/// let mut clock = FnClock::new(|| Instant::from_millis(start.elapsed().as_millis() as u64));
/// assert!(clock.now() < Instant::from_millis(60_000));
/// ```
#[derive(Clone, Copy)]
pub struct FnClock<N, P = fn(Instant)> {
    now: N,
    pause: P,
}

impl<N: FnMut() -> Instant> FnClock<N> {
    /// A clock that calls `now` for the time, which must never run backwards.
    ///
    /// While a [`Polled`](crate::drive::io_0_7::Polled) transport is not ready, the processor stays busy. [`with_pause`](Self::with_pause) lets it rest.
    pub const fn new(now: N) -> Self {
        Self { now, pause: |_| core::hint::spin_loop() }
    }

    /// With a function that is called while a [`Polled`](crate::drive::io_0_7::Polled) transport is not ready. It waits for an interrupt (`wfi` on Arm and
    /// RISC-V), or for a short time, and returns at the latest at the time that it gets. It may return early.
    ///
    /// ```
    /// use sansocket::{drive::{Timer, blocking::{FnClock, wait}}, time::Instant};
    /// use std::cell::Cell;
    ///
    /// // A clock that runs only while it waits.
    /// let time = Cell::new(0);
    /// let now = || Instant::from_millis(time.get());
    /// let mut clock = FnClock::new(now).with_pause(|until: Instant| time.set(until.as_millis()));
    /// wait(clock.sleep_until(Instant::from_millis(7000)));
    /// assert_eq!(time.get(), 7000);
    /// ```
    pub fn with_pause<P: FnMut(Instant)>(self, pause: P) -> FnClock<N, P> {
        FnClock { now: self.now, pause }
    }
}

impl<N, P> fmt::Debug for FnClock<N, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FnClock").finish_non_exhaustive()
    }
}

impl<N: FnMut() -> Instant, P: FnMut(Instant)> Timer for FnClock<N, P> {
    fn now(&mut self) -> Instant {
        (self.now)()
    }

    /// One pause for each poll, so that the transport is asked in between.
    fn sleep_until(&mut self, at: Instant) -> impl Future<Output = ()> {
        poll_fn(move |_| {
            if (self.now)() >= at && at != Instant::FAR_FUTURE {
                return Poll::Ready(());
            }
            (self.pause)(at);
            Poll::Pending
        })
    }
}
