use super::{Async, Checking, Plain, Refusal};

/// A check of fixed parameters: a function or closure, plain or async, that returns `Result<(), E>` with an error that is a [`Refusal`] or becomes one.
///
/// `A` is the tuple of its parameters. `M` tells the forms apart. The compiler finds it.
#[diagnostic::on_unimplemented(
    message = "this is not a check of `{A}`",
    note = "it must be a function or closure, plain or async, with exactly these parameters, that returns `Result<(), E>` where `E` is `Refusal`, `String` or `&str`",
    note = "write the types of its parameters; what it captures, and its future, must be `Send + 'static`"
)]
pub trait Gate<A, M>: Send + Sync + 'static {
    /// Calls it.
    #[doc(hidden)]
    fn call(&self, args: A) -> Checking;
}

impl<F, A, B, E> Gate<(A, B), (Plain, E)> for F
where
    F: Fn(A, B) -> Result<(), E> + Send + Sync + 'static,
    E: Into<Refusal>,
{
    fn call(&self, (a, b): (A, B)) -> Checking {
        super::check::ready(self(a, b))
    }
}

impl<F, A, B, U, E> Gate<(A, B), (Async, E)> for F
where
    F: Fn(A, B) -> U + Send + Sync + 'static,
    U: Future<Output = Result<(), E>> + Send + 'static,
    E: Into<Refusal>,
{
    fn call(&self, (a, b): (A, B)) -> Checking {
        super::check::later(self(a, b))
    }
}
