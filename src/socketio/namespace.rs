use core::ops::Deref;

/// A namespace, by its place in the caller's list of names ([`Namespaces`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Namespace(pub u16);

/// The namespaces that there are; their names belong to the caller, sessions keep numbers.
///
/// A list of names is one: `["/", "/custom"]`. On the wire a name begins with a slash; a list may leave it out, as
/// `of("custom")` does in the reference. Dynamic namespaces are a type of the caller's that overrides [`resolve_connect`](Self::resolve_connect):
///
/// ```
/// use sansocket::socketio::{Namespace, Namespaces};
/// use std::{cell::RefCell, ops::Deref, rc::Rc};
///
/// /// `/` and any `/team-…`, which comes to be when somebody asks for it. Shared by all sessions.
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
    /// The namespace with the name `name`, as it stands on the wire.
    fn find(&self, name: &[u8]) -> Option<Namespace>;

    /// The name, with its slash or without.
    fn name(&self, namespace: Namespace) -> Option<impl Deref<Target = [u8]>>;

    /// The namespace that a client asks to join by `name`: one that there is, or a new one, if the caller's predicate wants it.
    /// Names come from strangers: bound how many there may be, and forget those that everybody left.
    fn resolve_connect(&self, name: &[u8]) -> Option<Namespace> {
        self.find(name)
    }
}

/// A name without its slash.
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
