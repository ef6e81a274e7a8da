use super::{Arrived, Async, Endpoint, Plain};
use crate::args::{self, DecodeError, EncodeError, decode};
use serde::{Serialize, de::DeserializeOwned};
use std::{fmt, pin::Pin};

/// Why a client is refused: a message, and data of the application. The client sees both in its `connect_error`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub(crate) message: String,
    pub(crate) data: Option<Vec<u8>>,
}

impl Refusal {
    /// A refusal with this message.
    ///
    /// ```
    /// use sansocket_tokio::server::Refusal;
    ///
    /// let refusal = Refusal::new("not authorized").data(&serde_json::json!({ "code": 7 }))?;
    /// assert_eq!(refusal.to_string(), "not authorized");
    /// # Ok::<(), sansocket_tokio::args::EncodeError>(())
    /// ```
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), data: None }
    }

    /// Adds data: one JSON value.
    ///
    /// # Errors
    /// [`EncodeError`] if it has no form in JSON.
    pub fn data(mut self, data: &impl Serialize) -> Result<Self, EncodeError> {
        self.data = Some(args::to_json(data)?);
        Ok(self)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Refusal {}

impl From<&str> for Refusal {
    fn from(message: &str) -> Self {
        Self::new(message)
    }
}

/// For `?` in a check: the client is refused, with the error as the message.
impl From<EncodeError> for Refusal {
    fn from(error: EncodeError) -> Self {
        Self::new(error.to_string())
    }
}

impl From<String> for Refusal {
    fn from(message: String) -> Self {
        Self::new(message)
    }
}

/// A check at work.
#[doc(hidden)]
pub type Checking = Pin<Box<dyn Future<Output = Result<(), Refusal>> + Send>>;

/// Whether something may go on: a function or closure `(socket)` or `(socket, auth)`, plain or async, that returns `Result<(), E>` with an error that
/// is a [`Refusal`] or becomes one: a message. Other errors become messages by `map_err`, since the client is told them.
///
/// `auth` is any type that serde can read. A client whose `auth` is missing or of another type is refused with a message that names the field, such as
/// ``auth: missing field `token` ``; take an `Option` to let it pass.
///
/// `M` tells the forms apart. The compiler finds it.
#[diagnostic::on_unimplemented(
    message = "this is not a check",
    note = "a check is a function or closure, plain or async: `|socket: Socket|` or `|socket: Socket, auth: A|`, that returns `Result<(), E>` where `E` is `Refusal`, `String` or `&str`",
    note = "write the types of its parameters; `A` must be `DeserializeOwned`; what it captures, and its future, must be `Send + 'static`"
)]
pub trait Check<S: Endpoint, M>: Send + Sync + 'static {
    /// Calls it.
    #[doc(hidden)]
    fn call(&self, socket: &S, args: Arrived<'_>) -> Checking;
}

/// Says of `auth`, which a client does not know as an argument, that it is not of the type that a check takes.
fn of_auth(error: &DecodeError) -> String {
    let text = error.to_string();
    format!("auth{}", text.strip_prefix("argument 1").unwrap_or(&text))
}

pub(super) fn ready(result: Result<(), impl Into<Refusal>>) -> Checking {
    Box::pin(std::future::ready(result.map_err(Into::into)))
}

pub(super) fn later<E: Into<Refusal>>(work: impl Future<Output = Result<(), E>> + Send + 'static) -> Checking {
    Box::pin(async move { work.await.map_err(Into::into) })
}

impl<S: Endpoint, F, E> Check<S, (Plain, (), E)> for F
where
    F: Fn(S) -> Result<(), E> + Send + Sync + 'static,
    E: Into<Refusal>,
{
    fn call(&self, socket: &S, _: Arrived<'_>) -> Checking {
        ready(self(socket.clone()))
    }
}

impl<S: Endpoint, F, U, E> Check<S, (Async, (), E)> for F
where
    F: Fn(S) -> U + Send + Sync + 'static,
    U: Future<Output = Result<(), E>> + Send + 'static,
    E: Into<Refusal>,
{
    fn call(&self, socket: &S, _: Arrived<'_>) -> Checking {
        later(self(socket.clone()))
    }
}

impl<S: Endpoint, F, A, E> Check<S, (Plain, (A,), E)> for F
where
    F: Fn(S, A) -> Result<(), E> + Send + Sync + 'static,
    A: DeserializeOwned,
    E: Into<Refusal>,
{
    fn call(&self, socket: &S, args: Arrived<'_>) -> Checking {
        match decode(args.json, args.files) {
            Ok(args) => ready(self(socket.clone(), args)),
            Err(error) => ready(Err(of_auth(&error))),
        }
    }
}

impl<S: Endpoint, F, A, U, E> Check<S, (Async, (A,), E)> for F
where
    F: Fn(S, A) -> U + Send + Sync + 'static,
    A: DeserializeOwned,
    U: Future<Output = Result<(), E>> + Send + 'static,
    E: Into<Refusal>,
{
    fn call(&self, socket: &S, args: Arrived<'_>) -> Checking {
        match decode(args.json, args.files) {
            Ok(args) => later(self(socket.clone(), args)),
            Err(error) => ready(Err(of_auth(&error))),
        }
    }
}
