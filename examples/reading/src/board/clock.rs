//! The clock of embassy, with one tick a millisecond.

use core::{cell::RefCell, task::Waker};
use critical_section::Mutex;
use embassy_time_driver::Driver;
use embassy_time_queue_utils::Queue;

struct Ticks {
    queue: Mutex<RefCell<Queue>>,
}

embassy_time_driver::time_driver_impl!(static TICKS: Ticks = Ticks { queue: Mutex::new(RefCell::new(Queue::new())) });

impl Driver for Ticks {
    fn now(&self) -> u64 {
        super::chip::ticks()
    }

    fn schedule_wake(&self, at: u64, waker: &Waker) {
        critical_section::with(|cs| self.queue.borrow(cs).borrow_mut().schedule_wake(at, waker));
    }
}

/// Wakes who waits. The timer's interrupt calls it each millisecond.
pub fn tick() {
    critical_section::with(|cs| {
        let now = super::chip::ticks();
        TICKS.queue.borrow(cs).borrow_mut().next_expiration(now);
    });
}
