use core::ops::Deref;

/// A namespace, as an index into the list of names of the application ([`Namespaces`]).
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Namespace(pub u16);

/// The application's namespaces. Sessions store indices; the names stay with the application.
///
/// A list of names implements this trait: `["/", "/custom"]`. On the wire a name begins with a slash; a list may leave it out, like `io.of("custom")`
/// in JavaScript. For dynamic namespaces, implement this trait and override [`resolve_connect`](Self::resolve_connect):
///
/// ```
/// use sansocket::socketio::{Namespace, Namespaces};
/// use std::{cell::RefCell, ops::Deref, rc::Rc};
///
/// /// Any `/team-…`, created when the first client asks for it. Shared by all sessions.
/// #[derive(Clone, Default)]
/// struct Teams(Rc<RefCell<Vec<Rc<[u8]>>>>);
///
/// impl Namespaces for Teams {
///     fn find(&self, name: &[u8]) -> Option<Namespace> {
///         self.0.borrow().iter().position(|n| **n == *name).map(|at| Namespace(at as u16))
///     }
///     fn resolve_connect(&self, name: &[u8]) -> Option<Namespace> {
///         if self.find(name).is_none() && self.0.borrow().len() < 1000 && name.starts_with(b"/team-") {
///             self.0.borrow_mut().push(name.into());
///         }
///         self.find(name)
///     }
///     fn name(&self, namespace: Namespace) -> Option<impl Deref<Target = [u8]>> {
///         self.0.borrow().get(usize::from(namespace.0)).cloned()
///     }
/// }
///
/// let teams = Teams::default();
/// assert_eq!(teams.find(b"/team-1"), None);
/// assert_eq!(teams.resolve_connect(b"/team-1"), Some(Namespace(0)));
/// assert_eq!(teams.resolve_connect(b"/other"), None);
/// assert_eq!(teams.find(b"/team-1"), Some(Namespace(0)));
/// ```
pub trait Namespaces {
    /// The namespace with this name, as it was received.
    fn find(&self, name: &[u8]) -> Option<Namespace>;

    /// The name of the namespace, with or without its slash.
    fn name(&self, namespace: Namespace) -> Option<impl Deref<Target = [u8]>>;

    /// The namespace that a client asks to join. To support dynamic namespaces, create it here. Clients choose the names: limit the number of
    /// namespaces, and remove those that have no members.
    fn resolve_connect(&self, name: &[u8]) -> Option<Namespace> {
        self.find(name)
    }
}

/// The name without its slash.
pub(super) fn bare(name: &[u8]) -> &[u8] {
    name.strip_prefix(b"/").unwrap_or(name)
}

impl Namespaces for [&str] {
    fn find(&self, name: &[u8]) -> Option<Namespace> {
        let at = self.iter().position(|n| bare(n.as_bytes()) == bare(name))?;
        u16::try_from(at).ok().map(Namespace)
    }

    fn name(&self, namespace: Namespace) -> Option<impl Deref<Target = [u8]>> {
        self.get(usize::from(namespace.0)).map(|name| name.as_bytes())
    }
}

impl<const N: usize> Namespaces for [&str; N] {
    fn find(&self, name: &[u8]) -> Option<Namespace> {
        self.as_slice().find(name)
    }

    fn name(&self, namespace: Namespace) -> Option<impl Deref<Target = [u8]>> {
        self.get(usize::from(namespace.0)).map(|name| name.as_bytes())
    }
}

impl<N: Namespaces + ?Sized> Namespaces for &N {
    fn find(&self, name: &[u8]) -> Option<Namespace> {
        (**self).find(name)
    }

    fn name(&self, namespace: Namespace) -> Option<impl Deref<Target = [u8]>> {
        (**self).name(namespace)
    }

    fn resolve_connect(&self, name: &[u8]) -> Option<Namespace> {
        (**self).resolve_connect(name)
    }
}
