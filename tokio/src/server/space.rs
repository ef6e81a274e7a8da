//! The namespaces of a server, and the names that the core asks for.

use super::{dispatch::caught, listeners::Listeners, random, registry::Registry, session::Session};
use crate::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};
use sansocket::socketio::{Namespace, Namespaces};
use std::{
    collections::HashMap,
    fmt,
    ops::Deref,
    sync::{Arc, PoisonError, Weak},
};

/// One namespace.
#[derive(Debug)]
pub(crate) struct Space {
    pub(crate) name: Arc<str>,
    pub(crate) registry: Registry,
    listeners: RwLock<Arc<Listeners>>,
}

impl Space {
    fn new(name: &str, listeners: Arc<Listeners>) -> Arc<Self> {
        let registry = Registry::new([random(), random()].map(u64::from_le_bytes));
        Arc::new(Self { name: name.into(), registry, listeners: RwLock::new(listeners) })
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
    others: Arc<RwLock<Others>>,
    max_dynamic: usize,
}

#[derive(Debug, Default)]
pub(crate) struct Others {
    by_name: HashMap<Arc<str>, u16>,
    /// That of the main namespace is not here.
    places: Vec<Option<Place>>,
    dynamic: usize,
    patterns: Vec<Arc<Pattern>>,
}

#[derive(Debug)]
struct Place {
    space: Arc<Space>,
    /// Of a namespace that was made for the name that a client asked for, and goes with its last client: the clients that are in it or about to join.
    clients: Option<usize>,
}

/// Keeps a namespace, and its number, for a client that is in it or about to join.
#[derive(Debug)]
pub(crate) struct Seat {
    space: Arc<Space>,
    /// Where it is counted.
    counted: Option<(Arc<RwLock<Others>>, u16)>,
}

impl Seat {
    pub(crate) const fn space(&self) -> &Arc<Space> {
        &self.space
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        if let Some((others, at)) = self.counted.take() {
            let gone = others.write().unwrap_or_else(PoisonError::into_inner).give_back(at);
            // Without the lock: what the handlers captured may ask for namespaces when it is dropped.
            drop(gone);
        }
    }
}

const MAIN: &str = "/";

/// The name with its slash.
fn full(name: &str) -> String {
    format!("/{}", name.strip_prefix('/').unwrap_or(name))
}

impl Spaces {
    pub(crate) fn new(max_dynamic: usize) -> Self {
        Self { main: Space::new(MAIN, Arc::default()), others: Arc::default(), max_dynamic }
    }

    fn read(&self) -> RwLockReadGuard<'_, Others> {
        self.others.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Others> {
        self.others.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) const fn main(&self) -> &Arc<Space> {
        &self.main
    }

    /// The namespace of this name, which is made if there is none. It stays.
    pub(crate) fn of(&self, name: &str) -> Arc<Space> {
        let name = full(name);
        if name == MAIN {
            return self.main.clone();
        }
        let mut others = self.write();
        if let Some(at) = others.by_name.get(&*name).copied() {
            others.keep(at);
        }
        match others.find(&name) {
            Some(space) => space,
            None => {
                let space = Space::new(&name, Arc::default());
                if others.add(&space, None).is_none() {
                    tracing::error!("more namespaces than there are numbers: clients cannot join {name}");
                }
                space
            }
        }
    }

    /// The namespace of this name, if there is one.
    pub(crate) fn get(&self, name: &str) -> Option<Arc<Space>> {
        let name = full(name);
        if name == MAIN { Some(self.main.clone()) } else { self.read().find(&name) }
    }

    pub(crate) fn add_pattern(&self, matches: Matches) -> Arc<Space> {
        let space = Space::new("*", Arc::default());
        let pattern = Arc::new(Pattern { matches, space: space.clone() });
        self.write().patterns.push(pattern);
        space
    }

    pub(crate) fn name(&self, namespace: Namespace) -> Option<Arc<str>> {
        let at = usize::from(namespace.0).checked_sub(1)?;
        self.read().places.get(at)?.as_ref().map(|place| place.space.name.clone())
    }

    /// The number of namespaces.
    pub(crate) fn len(&self) -> usize {
        1 + self.read().by_name.len()
    }

    fn find(&self, name: &[u8]) -> Option<Namespace> {
        if name == MAIN.as_bytes() {
            return Some(Namespace(0));
        }
        self.read().by_name.get(std::str::from_utf8(name).ok()?).map(|at| Namespace(*at))
    }

    /// The namespace that a client asks for. It is there as long as the seat is.
    pub(crate) fn resolve(&self, name: &[u8]) -> Option<(Namespace, Seat)> {
        if name == MAIN.as_bytes() {
            return Some((Namespace(0), Seat { space: self.main.clone(), counted: None }));
        }
        let name = std::str::from_utf8(name).ok()?;
        // The application's function is called without a lock: it may ask for namespaces.
        let patterns = {
            let mut others = self.write();
            if let Some(at) = others.by_name.get(name).copied() {
                return others.seat(&self.others, at);
            }
            others.patterns.clone()
        };
        // It is called within the machine, so its panic must not get there.
        let matches = |pattern: &&Arc<Pattern>| {
            caught(|| (pattern.matches)(name)).unwrap_or_else(|| {
                tracing::error!("the function given to of_matching panicked: the namespace is refused");
                false
            })
        };
        let pattern = patterns.iter().find(matches)?;
        let mut others = self.write();
        let at = match others.by_name.get(name) {
            // Another client was faster.
            Some(at) => *at,
            None if others.dynamic >= self.max_dynamic => return None,
            None => others.add(&Space::new(name, pattern.space.listeners()), Some(0))?,
        };
        others.seat(&self.others, at)
    }
}

impl Others {
    fn place(&mut self, at: u16) -> Option<&mut Place> {
        self.places.get_mut(usize::from(at).checked_sub(1)?)?.as_mut()
    }

    fn find(&self, name: &str) -> Option<Arc<Space>> {
        let at = *self.by_name.get(name)?;
        self.places.get(usize::from(at).checked_sub(1)?)?.as_ref().map(|place| place.space.clone())
    }

    /// `None`: there is no number left.
    fn add(&mut self, space: &Arc<Space>, clients: Option<usize>) -> Option<u16> {
        let free = self.places.iter().position(Option::is_none).unwrap_or(self.places.len());
        let at = u16::try_from(free + 1).ok()?;
        if free == self.places.len() {
            self.places.push(None);
        }
        self.dynamic += usize::from(clients.is_some());
        self.by_name.insert(space.name.clone(), at);
        self.places[free] = Some(Place { space: space.clone(), clients });
        Some(at)
    }

    /// A place is not forgotten any more.
    fn keep(&mut self, at: u16) {
        if self.place(at).is_some_and(|place| place.clients.take().is_some()) {
            self.dynamic -= 1;
        }
    }

    fn seat(&mut self, others: &Arc<RwLock<Self>>, at: u16) -> Option<(Namespace, Seat)> {
        let place = self.place(at)?;
        let counted = place.clients.as_mut().map(|clients| {
            *clients += 1;
            (others.clone(), at)
        });
        Some((Namespace(at), Seat { space: place.space.clone(), counted }))
    }

    /// A client gives its seat back. The namespace, if it was the last one.
    fn give_back(&mut self, at: u16) -> Option<Place> {
        // The number is not used again before the last seat is given back, so it is the same place.
        let clients = self.place(at)?.clients.as_mut()?;
        *clients -= 1;
        if *clients > 0 {
            return None;
        }
        let place = self.places[usize::from(at) - 1].take()?;
        self.by_name.remove(&place.space.name);
        self.dynamic -= 1;
        Some(place)
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
            _ => self.0.upgrade()?.inner.spaces.name(namespace).map(Name::Other),
        }
    }

    fn resolve_connect(&self, name: &[u8]) -> Option<Namespace> {
        let session = self.0.upgrade()?;
        let (namespace, seat) = session.inner.spaces.resolve(name)?;
        // It must not be forgotten, and its number taken by another, before the session joins it.
        session.pin(seat);
        Some(namespace)
    }
}
