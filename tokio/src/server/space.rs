//! The namespaces of a server, and the names that the core asks for.

use super::{listeners::Listeners, random, registry::Registry, session::Session};
use sansocket::socketio::{Namespace, Namespaces};
use std::{
    collections::HashMap,
    fmt,
    ops::Deref,
    sync::{Arc, PoisonError, RwLock, Weak},
};

/// One namespace.
#[derive(Debug)]
pub(crate) struct Space {
    pub(crate) name: Arc<str>,
    pub(crate) registry: Registry,
    listeners: RwLock<Arc<Listeners>>,
    /// Made for the name that a client asked for: goes when the last client has left.
    pub(crate) is_dynamic: bool,
}

impl Space {
    fn new(name: &str, listeners: Arc<Listeners>, is_dynamic: bool) -> Arc<Self> {
        let registry = Registry::new([random(), random()].map(u64::from_le_bytes));
        Arc::new(Self { name: name.into(), registry, listeners: RwLock::new(listeners), is_dynamic })
    }

    pub(crate) fn listeners(&self) -> Arc<Listeners> {
        self.listeners.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn change(&self, change: impl FnOnce(&mut Listeners)) {
        change(Arc::make_mut(&mut *self.listeners.write().unwrap_or_else(PoisonError::into_inner)));
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

    fn resolve(&self, name: &[u8]) -> Option<(Namespace, Arc<Space>)> {
        if name == MAIN.as_bytes() {
            return Some((Namespace(0), self.main.clone()));
        }
        let name = std::str::from_utf8(name).ok()?;
        // The application's function is called without a lock: it may ask for namespaces.
        let patterns = {
            let others = self.others.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(found) = others.numbered(name) {
                return Some(found);
            }
            others.patterns.clone()
        };
        let pattern = patterns.iter().find(|pattern| (pattern.matches)(name))?;
        let mut others = self.others.write().unwrap_or_else(PoisonError::into_inner);
        if others.find(name).is_none() {
            if others.dynamic >= self.max_dynamic {
                return None;
            }
            others.add(Space::new(name, pattern.space.listeners(), true));
        }
        others.numbered(name)
    }

    /// Forgets a namespace that was made for its clients, when the last of them has left.
    pub(crate) fn forget(&self, space: &Arc<Space>) {
        if !space.is_dynamic {
            return;
        }
        let mut others = self.others.write().unwrap_or_else(PoisonError::into_inner);
        // Two for the place and for who calls; every socket, and whoever is about to join, has another.
        if space.registry.len() == 0
            && Arc::strong_count(space) <= 2
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

    fn numbered(&self, name: &str) -> Option<(Namespace, Arc<Space>)> {
        Some((Namespace(*self.by_name.get(name)?), self.find(name)?))
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
        let (namespace, space) = session.inner.spaces.resolve(name)?;
        // It must not be forgotten, and its number taken by another, before the session joins it.
        session.pin(space);
        Some(namespace)
    }
}
