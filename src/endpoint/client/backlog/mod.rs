use crate::{
    bytes::Capacity,
    socketio::{Flags, Namespace},
};

/// What to do with an event that does not fit.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenFull {
    /// `SendError::Capacity`: nothing was changed.
    Refuse,
    DropOldest,
    DropNewest,
}

/// The packets that wait to be sent, in lent memory: records of (namespace, flags, id, retry state) and a stored frame without the id, so that a
/// retry can go with another one.
#[derive(Clone, Debug)]
pub struct Backlog<B> {
    storage: B,
}

impl<B: AsMut<[u8]> + AsRef<[u8]>> Backlog<B> {
    pub const fn new(storage: B) -> Self {
        Self { storage }
    }
    pub fn held(&self) -> usize {
        todo!()
    }
    pub fn replace(&mut self, storage: B) -> Result<B, B> {
        todo!()
    }
}
