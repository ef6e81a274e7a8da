//! The namespaces of a server, and the names that the core asks for.

use super::{inner::Inner, lease::Lease, listeners::Listeners, random, registry::Registry, session::Session};
use sansocket::socketio::{Namespace, Namespaces};
use std::{
    collections::HashMap,
    fmt,
    ops::Deref,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, PoisonError, RwLock, Weak,
        atomic::{AtomicUsize, Ordering},
    },
};

/// One namespace.
#[derive(Debug)]
pub(crate) struct Space {
    pub(crate) name: Arc<str>,
    pub(crate) registry: Registry,
    listeners: RwLock<Arc<Listeners>>,
    /// Made for the name that a client asked for: goes when the last client has left.
    pub(crate) is_dynamic: bool,
    /// Clients that are in it or about to be, if it is dynamic. Changed under the lock of the namespaces.
    leases: AtomicUsize,
}

impl Space {
    fn new(name: &str, listeners: Arc<Listeners>, is_dynamic: bool) -> Arc<Self> {
        let registry = Registry::new([random(), random()].map(u64::from_le_bytes));
        Arc::new(Self {
            name: name.into(),
            registry,
            listeners: RwLock::new(listeners),
            is_dynamic,
            leases: AtomicUsize::new(0),
        })
    }

    pub(crate) fn listeners(&self) -> Arc<Listeners> {
        self.listeners.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Changes what is called. What the change removes is dropped without the lock: handlers may hold what uses the server when it is dropped.
    pub(crate) fn change<R>(&self, change: impl FnOnce(&mut Listeners) -> R) {
        let removed = change(Arc::make_mut(&mut *self.listeners.write().unwrap_or_else(PoisonError::into_inner)));
        drop(removed);
    }
}

type Matches = Arc<dyn Fn(&str) -> bool + Send + Sync>;

/// The namespaces whose names an application accepts, and what is called in each of them.
pub(crate) struct Pattern {
    matches: Matches,
    /// What is called in the namespaces that are made.
    pub(crate) space: Arc<Space>,
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pattern").finish_non_exhaustive()
    }
}

/// All namespaces. Their places are the core's numbers for them.
#[derive(Debug)]
pub(crate) struct Spaces {
    main: Arc<Space>,
    others: RwLock<Others>,
    max_dynamic: usize,
}

#[derive(Debug, Default)]
struct Others {
    by_name: HashMap<Arc<str>, u16>,
    /// The place of the main namespace is not here.
    places: Vec<Option<Arc<Space>>>,
    dynamic: usize,
    patterns: Vec<Arc<Pattern>>,
}

const MAIN: &str = "/";

/// The name with its slash.
fn full(name: &str) -> String {
    format!("/{}", name.strip_prefix('/').unwrap_or(name))
}

impl Spaces {
    pub(crate) fn new(max_dynamic: usize) -> Self {
        Self { main: Space::new(MAIN, Arc::default(), false), others: RwLock::default(), max_dynamic }
    }

    pub(crate) const fn main(&self) -> &Arc<Space> {
        &self.main
    }

    /// The namespace of this name, which is made if there is none.
    pub(crate) fn of(&self, name: &str) -> Arc<Space> {
        let name = full(name);
        if name == MAIN {
            return self.main.clone();
        }
        let mut others = self.others.write().unwrap_or_else(PoisonError::into_inner);
        match others.find(&name) {
            Some(space) => space,
            None => others.add(Space::new(&name, Arc::default(), false)),
        }
    }

    /// The namespace of this name, if there is one.
    pub(crate) fn get(&self, name: &str) -> Option<Arc<Space>> {
        let name = full(name);
        if name == MAIN {
            return Some(self.main.clone());
        }
        self.others.read().unwrap_or_else(PoisonError::into_inner).find(&name)
    }

    pub(crate) fn add_pattern(&self, matches: Matches) -> Arc<Space> {
        let space = Space::new("*", Arc::default(), true);
        let pattern = Arc::new(Pattern { matches, space: space.clone() });
        self.others.write().unwrap_or_else(PoisonError::into_inner).patterns.push(pattern);
        space
    }

    /// All namespaces.
    pub(crate) fn all(&self) -> Vec<Arc<Space>> {
        let others = self.others.read().unwrap_or_else(PoisonError::into_inner);
        std::iter::once(&self.main).chain(others.places.iter().flatten()).cloned().collect()
    }

    /// The number of namespaces.
    pub(crate) fn len(&self) -> usize {
        1 + self.others.read().unwrap_or_else(PoisonError::into_inner).by_name.len()
    }

    pub(crate) fn at(&self, namespace: Namespace) -> Option<Arc<Space>> {
        match namespace.0 {
            0 => Some(self.main.clone()),
            n => {
                let others = self.others.read().unwrap_or_else(PoisonError::into_inner);
                others.places.get(usize::from(n) - 1).cloned().flatten()
            }
        }
    }

    fn find(&self, name: &[u8]) -> Option<Namespace> {
        if name == MAIN.as_bytes() {
            return Some(Namespace(0));
        }
        let others = self.others.read().unwrap_or_else(PoisonError::into_inner);
        others.by_name.get(std::str::from_utf8(name).ok()?).map(|at| Namespace(*at))
    }

    /// The namespace that a client asks for, made if a pattern has its name.
    fn resolve(&self, name: &[u8], inner: &Arc<Inner>) -> Option<(Namespace, Lease)> {
        if name == MAIN.as_bytes() {
            return Some((Namespace(0), Lease::counted(self.main.clone(), inner)));
        }
        let name = std::str::from_utf8(name).ok()?;
        let patterns = {
            let others = self.others.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(found) = others.lease(name, inner) {
                return Some(found);
            }
            others.patterns.clone()
        };
        // It is called within the machine, so its panic must not get there.
        let matches = |pattern: &&Arc<Pattern>| {
            catch_unwind(AssertUnwindSafe(|| (pattern.matches)(name))).unwrap_or_else(|_| {
                tracing::error!("the function given to of_matching panicked: the namespace is refused");
                false
            })
        };
        let pattern = patterns.iter().find(matches)?;
        let listeners = pattern.space.listeners();
        let mut others = self.others.write().unwrap_or_else(PoisonError::into_inner);
        if others.find(name).is_none() {
            if others.dynamic >= self.max_dynamic || others.is_full() {
                return None;
            }
            others.add(Space::new(name, listeners, true));
        }
        others.lease(name, inner)
    }

    /// A client has left a namespace that was made for its clients, or did not join it. It is forgotten if it was the last.
    pub(super) fn give_back(&self, space: &Arc<Space>) {
        let mut others = self.others.write().unwrap_or_else(PoisonError::into_inner);
        if space.leases.fetch_sub(1, Ordering::Relaxed) == 1
            && let Some(at) = others.by_name.remove(&space.name)
        {
            others.places[usize::from(at) - 1] = None;
            others.dynamic -= 1;
        }
    }
}

impl Others {
    fn find(&self, name: &str) -> Option<Arc<Space>> {
        let at = *self.by_name.get(name)?;
        self.places.get(usize::from(at) - 1).cloned().flatten()
    }

    fn lease(&self, name: &str, inner: &Arc<Inner>) -> Option<(Namespace, Lease)> {
        let space = self.find(name)?;
        space.leases.fetch_add(1, Ordering::Relaxed);
        Some((Namespace(*self.by_name.get(name)?), Lease::counted(space, inner)))
    }

    /// As many as the core has numbers for.
    fn is_full(&self) -> bool {
        self.by_name.len() >= usize::from(u16::MAX)
    }

    fn add(&mut self, space: Arc<Space>) -> Arc<Space> {
        let free = self.places.iter().position(Option::is_none);
        let at = free.unwrap_or_else(|| {
            self.places.push(None);
            self.places.len() - 1
        });
        self.dynamic += usize::from(space.is_dynamic);
        self.by_name.insert(space.name.clone(), u16::try_from(at + 1).unwrap_or(u16::MAX));
        self.places[at] = Some(space.clone());
        space
    }
}

/// The names, as the core asks for them for one session.
#[derive(Clone, Debug)]
pub(crate) struct Names(pub(crate) Weak<Session>);

/// A name, lent to the core.
pub(crate) enum Name {
    Main,
    Other(Arc<str>),
}

impl Deref for Name {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Main => MAIN.as_bytes(),
            Self::Other(name) => name.as_bytes(),
        }
    }
}

impl Namespaces for Names {
    fn find(&self, name: &[u8]) -> Option<Namespace> {
        if name == MAIN.as_bytes() { Some(Namespace(0)) } else { self.0.upgrade()?.inner.spaces.find(name) }
    }

    fn name(&self, namespace: Namespace) -> Option<impl Deref<Target = [u8]>> {
        match namespace.0 {
            0 => Some(Name::Main),
            _ => self.0.upgrade()?.inner.spaces.at(namespace).map(|space| Name::Other(space.name.clone())),
        }
    }

    fn resolve_connect(&self, name: &[u8]) -> Option<Namespace> {
        let session = self.0.upgrade()?;
        let (namespace, lease) = session.inner.spaces.resolve(name, &session.inner)?;
        session.pin(lease);
        Some(namespace)
    }
}
