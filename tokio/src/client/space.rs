//! What a client knows of its namespaces: names, handlers, credentials, ids.

use super::{ConnectError, auth::Auth, handlers::Handlers};
use sansocket::socketio::{Namespace, Namespaces};
use std::{
    fmt,
    ops::Deref,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// One namespace of a client.
pub(super) struct Space {
    pub number: Namespace,
    /// With its slash.
    pub name: Box<str>,
    pub handlers: Handlers,
    auth: Mutex<Auth>,
    /// The id that the server gave, while the namespace is connected.
    id: Mutex<Option<Arc<str>>>,
}

impl Space {
    pub(super) fn new(number: Namespace, name: &str) -> Self {
        let name = if name.starts_with('/') { name.into() } else { format!("/{name}").into() };
        Self { number, name, handlers: Handlers::default(), auth: Mutex::default(), id: Mutex::default() }
    }

    pub(super) fn auth(&self) -> Auth {
        lock(&self.auth).clone()
    }

    pub(super) fn set_auth(&self, auth: Auth) {
        *lock(&self.auth) = auth;
    }

    pub(super) fn id(&self) -> Option<Arc<str>> {
        lock(&self.id).clone()
    }

    pub(super) fn set_id(&self, id: Option<Arc<str>>) {
        *lock(&self.id) = id;
    }

    /// Whether the namespace can be joined at all.
    pub(super) fn check(&self) -> Result<(), ConnectError> {
        if !self.is_valid() {
            return Err(ConnectError::Namespace(self.name.to_string()));
        }
        let Auth::Value(value) = self.auth() else { return Ok(()) };
        match &*value {
            Ok(json) if json.starts_with(b"{") => Ok(()),
            Ok(_) => Err(ConnectError::Auth("they are not a JSON object".to_owned())),
            Err(error) => Err(ConnectError::Auth(error.clone())),
        }
    }

    /// A comma ends a name on the wire.
    pub(super) fn is_valid(&self) -> bool {
        !self.name.chars().any(|c| matches!(c, ',' | '"') || c.is_control())
    }
}

impl fmt::Debug for Space {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Space").field("name", &self.name).finish_non_exhaustive()
    }
}

/// The namespaces of a client, which only become more. Shared by its handles and the core.
#[derive(Clone, Debug, Default)]
pub(super) struct Spaces(Arc<Mutex<Vec<Arc<Space>>>>);

impl Spaces {
    pub(super) fn new(first: Arc<Space>) -> Self {
        Self(Arc::new(Mutex::new(vec![first])))
    }

    pub(super) fn get(&self, namespace: Namespace) -> Option<Arc<Space>> {
        lock(&self.0).get(usize::from(namespace.0)).cloned()
    }

    pub(super) fn all(&self) -> Vec<Arc<Space>> {
        lock(&self.0).clone()
    }

    /// The namespace with this name, which is new if there was none. `None`: there are 65,536 already.
    pub(super) fn of(&self, name: &str) -> Option<Arc<Space>> {
        let mut spaces = lock(&self.0);
        if let Some(space) = spaces.iter().find(|space| bare(space.name.as_bytes()) == bare(name.as_bytes())) {
            return Some(Arc::clone(space));
        }
        let number = Namespace(u16::try_from(spaces.len()).ok()?);
        let space = Arc::new(Space::new(number, name));
        spaces.push(Arc::clone(&space));
        Some(space)
    }
}

/// The name of a namespace, lent to the core.
struct Name(Arc<Space>);

impl Deref for Name {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.0.name.as_bytes()
    }
}

impl Namespaces for Spaces {
    fn find(&self, name: &[u8]) -> Option<Namespace> {
        lock(&self.0).iter().find(|space| bare(space.name.as_bytes()) == bare(name)).map(|space| space.number)
    }

    fn name(&self, namespace: Namespace) -> Option<impl Deref<Target = [u8]>> {
        self.get(namespace).map(Name)
    }
}

fn bare(name: &[u8]) -> &[u8] {
    name.strip_prefix(b"/").unwrap_or(name)
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
