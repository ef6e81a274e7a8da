//! The clock of embassy. Feature `embassy-time`.

use super::Timer;
use crate::time::Instant;
use core::future::pending;
use embassy_time as embassy;

/// The clock of `embassy-time` 0.5: its time begins when the board starts. It needs the time driver that comes with the board's crate.
///
/// It has no state, so copies are alike. A wait uses the timer queue of embassy and ends at most one tick late.
///
/// ```
/// use sansocket::drive::{WebSocket, embassy::Clock};
/// # use sansocket::drive::Transport;
///
/// # fn board(socket: impl Transport, random: impl FnMut(&mut [u8])) {
/// let mut ws = WebSocket::client(socket, Clock, random, [0; 1024], [0; 512]);
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Clock;

impl Timer for Clock {
    fn now(&mut self) -> Instant {
        Instant::from_millis(embassy::Instant::now().as_millis())
    }

    async fn sleep_until(&mut self, at: Instant) {
        match embassy::Instant::try_from_millis(at.as_millis()) {
            // A tick may be shorter than what is lost by rounding down to one. Without the next the driver would wake too early, and spin until it is time.
            Some(tick) => embassy::Timer::at(embassy::Instant::from_ticks(tick.as_ticks().saturating_add(1))).await,
            None => pending().await,
        }
    }
}
