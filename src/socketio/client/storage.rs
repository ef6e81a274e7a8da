//! The memory that a session was lent: exchanged for other memory, or given back.

use super::{Session, SocketSlot};
use crate::socketio::{AckSlot, Namespaces};

impl<N, A, S> Session<N, A, S>
where
    N: Namespaces,
    A: AsMut<[AckSlot]> + AsRef<[AckSlot]>,
    S: AsMut<[SocketSlot]> + AsRef<[SocketSlot]>,
{
    /// Moves the acknowledgements into other slots, more or fewer, and returns the old slots. Cost: O(n log n), so double the number of slots to grow.
    ///
    /// # Errors
    /// Returns the new slots if they are too few. Nothing was changed.
    pub fn replace_acks(&mut self, slots: A) -> Result<A, A> {
        let lists = self.sockets.as_mut().iter_mut().flat_map(|s| [&mut s.sent, &mut s.queued]);
        self.acks.replace(slots, lists)
    }

    /// Moves the namespaces into other slots, more or fewer, and returns the old slots.
    ///
    /// ```
    /// use sansocket::socketio::{AckSlot, Namespace, client::{Session, SocketSlot}};
    ///
    /// let mut io = Session::new(["/", "/chat"], vec![AckSlot::EMPTY; 1], vec![SocketSlot::EMPTY; 1]);
    /// io.connect(Namespace(0))?;
    /// let full = io.connect(Namespace(1)).unwrap_err();
    /// assert_eq!((full.needed, full.available), (2, 1));
    /// let _old = io.replace_sockets(vec![SocketSlot::EMPTY; full.needed]).map_err(|_| "too few")?;
    /// io.connect(Namespace(1))?;
    /// assert!(io.namespaces().eq([Namespace(0), Namespace(1)]));
    /// assert_eq!(io.into_storage().1.len(), 2);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Returns the new slots if they are too few. Nothing was changed.
    pub fn replace_sockets(&mut self, mut slots: S) -> Result<S, S> {
        let used = || self.sockets.as_ref().iter().filter(|s| !s.is_vacant());
        if slots.as_ref().len() < used().count() {
            return Err(slots);
        }
        slots.as_mut().fill(SocketSlot::EMPTY);
        for (place, socket) in slots.as_mut().iter_mut().zip(used()) {
            *place = socket.clone();
        }
        Ok(core::mem::replace(&mut self.sockets, slots))
    }

    /// Ends the session and returns the slots.
    #[must_use]
    pub fn into_storage(self) -> (A, S) {
        (self.acks.into_slots(), self.sockets)
    }
}
