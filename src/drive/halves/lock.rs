use core::cell::RefCell;

/// A lock of yours around what the halves of a connection [share](super::Shared). `RefCell` is one, and so are references to locks. With the feature `tokio`,
/// `Mutex`, `Arc` and `Rc` of the standard library are locks too.
///
/// The halves take it for short pieces of work without waiting, and never hold it over an await. They take it once at a time, so it need not be recursive. The
/// halves can move to another thread (`Send`) if references to the lock can.
///
/// ```
/// use core::cell::RefCell;
/// use sansocket::drive::Lock;
///
/// /// A lock between an interrupt and the main loop, say. `critical` runs its argument while no interrupt can come.
/// struct Masked<T>(RefCell<T>);
/// # fn critical<X>(f: impl FnOnce() -> X) -> X { f() }
///
/// impl<T> Lock for Masked<T> {
///     type Value = T;
///
///     fn with<X>(&self, f: impl FnOnce(&mut T) -> X) -> Option<X> {
///         critical(|| self.0.with(f))
///     }
/// }
/// # assert_eq!(Masked(RefCell::new(3)).with(|n| *n + 1), Some(4));
/// ```
pub trait Lock {
    /// What it protects.
    type Value;

    /// Calls `f` while nobody else has access. Waits for the others if there are any.
    ///
    /// `None`: `f` was not called, and never will be: the lock is poisoned, or this thread holds it. The connection is lost then.
    fn with<X>(&self, f: impl FnOnce(&mut Self::Value) -> X) -> Option<X>;
}

impl<T> Lock for RefCell<T> {
    type Value = T;

    fn with<X>(&self, f: impl FnOnce(&mut T) -> X) -> Option<X> {
        self.try_borrow_mut().ok().map(|mut value| f(&mut value))
    }
}

impl<L: Lock> Lock for &L {
    type Value = L::Value;

    fn with<X>(&self, f: impl FnOnce(&mut L::Value) -> X) -> Option<X> {
        (**self).with(f)
    }
}
