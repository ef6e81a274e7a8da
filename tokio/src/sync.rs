//! Locks, flags and wake-ups that threads share.
//!
//! They are those of the standard library and of Tokio. With `cfg(models)`, which `models/run` sets for the tests in `models/`, they are those of the
//! checker `shuttle`, which decides at each of them which thread goes on. So what is checked is this code, not a copy of it.

#[cfg(not(models))]
pub(crate) use std::sync::{Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard, atomic};
#[cfg(not(models))]
pub(crate) use tokio::sync::Notify;

#[cfg(models)]
pub(crate) use checked::Notify;
#[cfg(models)]
pub(crate) use shuttle::sync::{Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard, atomic};

/// Tokio's `Notify`, each of whose steps is a step for the checker. Its insides were modelled by Tokio's authors.
#[cfg(models)]
mod checked {
    use shuttle::sync::atomic::{AtomicUsize, Ordering};
    use tokio::sync::futures::Notified;

    /// Where another thread may go on.
    #[derive(Debug, Default)]
    struct Steps(AtomicUsize);

    impl Steps {
        fn step(&self) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    #[derive(Debug)]
    pub(crate) struct Notify {
        steps: Steps,
        notify: tokio::sync::Notify,
    }

    impl Notify {
        pub(crate) fn new() -> Self {
            Self { steps: Steps::default(), notify: tokio::sync::Notify::new() }
        }

        pub(crate) fn notify_one(&self) {
            self.steps.step();
            self.notify.notify_one();
        }

        pub(crate) fn notify_waiters(&self) {
            self.steps.step();
            self.notify.notify_waiters();
        }

        pub(crate) fn notified(&self) -> Notified<'_> {
            self.steps.step();
            self.notify.notified()
        }
    }
}
