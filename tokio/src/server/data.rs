use crate::args::{self, EncodeError};
use bytes::Bytes;
use serde::Serialize;
use std::{
    any::{Any, TypeId},
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

type Values = HashMap<TypeId, Arc<dyn Any + Send + Sync>>;

/// Values that an application keeps with a socket, one for each type. They live as long as any clone of the socket, so that handlers of its end find
/// them. So do not keep sockets in them: two sockets that keep each other are never freed. Keep their ids, and find them by
/// [`Namespace::socket`](super::Namespace::socket).
#[derive(Default)]
pub struct Data(Mutex<Option<Box<Values>>>);

impl Data {
    fn lock(&self) -> MutexGuard<'_, Option<Box<Values>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a value, in place of the one of the same type. Returns the old one.
    ///
    /// ```
    /// # use sansocket_tokio::server::{Server, Config, Socket};
    /// struct Name(String);
    ///
    /// # let io = Server::new(Config::new());
    /// io.on("name", |socket: Socket, name: String| {
    ///     socket.data().insert(Name(name));
    /// });
    /// io.on("say", |socket: Socket, text: String| {
    ///     let name = socket.data().get::<Name>();
    ///     println!("{}: {text}", name.map_or("?".into(), |name| name.0.clone()));
    /// });
    /// ```
    pub fn insert<T: Any + Send + Sync>(&self, value: T) -> Option<Arc<T>> {
        let old = self.lock().get_or_insert_default().insert(TypeId::of::<T>(), Arc::new(value));
        old.and_then(|old| old.downcast().ok())
    }

    /// The value of a type. See [`insert`](Self::insert).
    pub fn get<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        let value = self.lock().as_ref()?.get(&TypeId::of::<T>())?.clone();
        value.downcast().ok()
    }

    /// The value of a type. If there is none, `make` makes it: for counters and the like, behind a lock of their own. If several
    /// tasks ask at once, each may call `make`, and all get the same value.
    ///
    /// ```
    /// # use sansocket_tokio::server::{Server, Config, Socket};
    /// use std::sync::atomic::{AtomicU32, Ordering};
    ///
    /// #[derive(Default)]
    /// struct Strokes(AtomicU32);
    ///
    /// # let io = Server::new(Config::new());
    /// io.on("draw", |socket: Socket| {
    ///     let strokes = socket.data().get_or_insert_with(Strokes::default);
    ///     strokes.0.fetch_add(1, Ordering::Relaxed) + 1
    /// });
    /// ```
    pub fn get_or_insert_with<T: Any + Send + Sync>(&self, make: impl FnOnce() -> T) -> Arc<T> {
        if let Some(value) = self.get() {
            return value;
        }
        // Made without the lock: `make` is the application's, and may use this.
        let made = Arc::new(make());
        let mut values = self.lock();
        let kept = values.get_or_insert_default().entry(TypeId::of::<T>()).or_insert_with(|| made.clone()).clone();
        kept.downcast().unwrap_or(made)
    }

    /// Removes the value of a type. See [`insert`](Self::insert).
    pub fn remove<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        let value = self.lock().as_mut()?.remove(&TypeId::of::<T>())?;
        value.downcast().ok()
    }
}

/// What is shown to other nodes.
pub(crate) struct Published(pub(crate) Bytes);

impl Data {
    /// Shows a value, as JSON, to whoever fetches this socket, on other nodes of a cluster too ([`RemoteSocket::data`](super::RemoteSocket::data)). It takes
    /// the place of the one before.
    ///
    /// # Errors
    /// [`EncodeError`] if it has no form in JSON.
    ///
    /// ```
    /// # use sansocket_tokio::server::{Server, Config, Socket};
    /// # let io = Server::new(Config::new());
    /// io.on("name", |socket: Socket, name: String| socket.data().publish(&name).is_ok());
    /// # let io2 = io.clone(); let _ = async move { let io = io2;
    /// for socket in io.fetch_sockets().await? {
    ///     println!("{}", socket.data::<Option<String>>()?.unwrap_or_default());
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(()) };
    /// ```
    pub fn publish(&self, value: &(impl Serialize + ?Sized)) -> Result<(), EncodeError> {
        drop(self.insert(Published(args::to_json(value)?.into())));
        Ok(())
    }
}

impl fmt::Debug for Data {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Data").finish_non_exhaustive()
    }
}
