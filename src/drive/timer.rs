use crate::time::Instant;
use core::future::Future;

/// The caller's clock. The modules `tokio` and `embassy` have one each.
///
/// ```
/// use sansocket::{drive::Timer, time::Instant};
///
/// /// The clock of a program that has `async-io`, say.
/// struct Clock {
///     start: std::time::Instant,
/// }
///
/// impl Timer for Clock {
///     fn now(&mut self) -> Instant {
///         Instant::from_millis(self.start.elapsed().as_millis() as u64)
///     }
///
///     async fn sleep_until(&mut self, at: Instant) {
///         let wait = at.duration_since(self.now());
///         // async_io::Timer::after(wait).await
/// #       std::future::pending().await
///     }
/// }
/// ```
pub trait Timer {
    /// The time since a moment of your choice. It never runs backwards.
    fn now(&mut self) -> Instant;

    /// Ends at this time, or later. At [`Instant::FAR_FUTURE`] it does not end.
    fn sleep_until(&mut self, at: Instant) -> impl Future<Output = ()>;
}

impl<C: Timer> Timer for &mut C {
    fn now(&mut self) -> Instant {
        (**self).now()
    }

    fn sleep_until(&mut self, at: Instant) -> impl Future<Output = ()> {
        (**self).sleep_until(at)
    }
}
