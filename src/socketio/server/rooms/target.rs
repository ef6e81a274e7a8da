use super::Member;

/// The receivers of a broadcast: all members of a namespace, or the members of some rooms, without the members of others. See [`Rooms`](super::Rooms)
/// for an example.
#[derive(Clone, Copy, Debug, Default)]
pub struct Target<'t> {
    pub(super) to: &'t [&'t [u8]],
    pub(super) except: &'t [&'t [u8]],
    pub(super) not: Option<Member>,
}

impl<'t> Target<'t> {
    /// All members of the namespace.
    #[must_use]
    pub const fn all() -> Self {
        Self { to: &[], except: &[], not: None }
    }

    /// The members of at least one of these rooms. Without rooms: all members of the namespace.
    #[doc(alias = "in")]
    #[must_use]
    pub const fn to(mut self, rooms: &'t [&'t [u8]]) -> Self {
        self.to = rooms;
        self
    }

    /// Excludes the members of these rooms.
    #[must_use]
    pub const fn except(mut self, rooms: &'t [&'t [u8]]) -> Self {
        self.except = rooms;
        self
    }

    /// Excludes this member, such as the sender.
    #[must_use]
    pub const fn not(mut self, member: Member) -> Self {
        self.not = Some(member);
        self
    }

    /// The rooms whose members are reached. Empty for the whole namespace.
    #[must_use]
    pub const fn rooms(&self) -> &'t [&'t [u8]] {
        self.to
    }

    /// The rooms whose members are excluded.
    #[must_use]
    pub const fn excluded_rooms(&self) -> &'t [&'t [u8]] {
        self.except
    }

    /// The member that is excluded.
    #[must_use]
    pub const fn excluded_member(&self) -> Option<Member> {
        self.not
    }
}
