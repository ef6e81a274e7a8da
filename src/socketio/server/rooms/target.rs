use super::Member;

/// The receivers of a broadcast: everybody in a namespace, or the members of some rooms, without the members of others.
#[derive(Clone, Copy, Debug, Default)]
pub struct Target<'t> {
    pub(super) to: &'t [&'t [u8]],
    pub(super) except: &'t [&'t [u8]],
    pub(super) not: Option<Member>,
}

impl<'t> Target<'t> {
    /// Everybody in the namespace.
    #[must_use]
    pub const fn all() -> Self {
        Self { to: &[], except: &[], not: None }
    }

    /// The members of any of these rooms, each once. Without rooms: everybody.
    #[doc(alias = "in")]
    #[must_use]
    pub const fn to(mut self, rooms: &'t [&'t [u8]]) -> Self {
        self.to = rooms;
        self
    }

    /// But not members of any of these rooms.
    #[must_use]
    pub const fn except(mut self, rooms: &'t [&'t [u8]]) -> Self {
        self.except = rooms;
        self
    }

    /// Nor this member: the sender, of a broadcast.
    #[must_use]
    pub const fn not(mut self, member: Member) -> Self {
        self.not = Some(member);
        self
    }

    /// The rooms that are reached; empty stands for the whole namespace.
    #[must_use]
    pub const fn rooms(&self) -> &'t [&'t [u8]] {
        self.to
    }

    /// The rooms whose members are left out.
    #[must_use]
    pub const fn excluded_rooms(&self) -> &'t [&'t [u8]] {
        self.except
    }

    /// The member that is left out.
    #[must_use]
    pub const fn excluded_member(&self) -> Option<Member> {
        self.not
    }
}
