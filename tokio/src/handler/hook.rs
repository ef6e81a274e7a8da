use super::{Async, Called, Plain, start};

/// A function or closure of fixed parameters, plain or async: what is called when a socket leaves, and the like. It returns `()`. For what it captures see
/// [`Handler`](super::Handler#state).
///
/// `A` is the tuple of its parameters. `M` tells the forms apart. The compiler finds it.
#[diagnostic::on_unimplemented(
    message = "this is not a function of `{A}`",
    note = "it must be a function or closure, plain or async, with exactly these parameters; write their types",
    note = "it returns `()`; what it captures, and its future, must be `Send + 'static`"
)]
pub trait Hook<A, M>: Send + Sync + 'static {
    /// Calls it.
    #[doc(hidden)]
    fn call(&self, args: A) -> Called;
}

macro_rules! hook {
    ($($name:ident)*) => {
        #[allow(non_snake_case, reason = "names of types for values")]
        impl<F: Fn($($name),*) + Send + Sync + 'static, $($name),*> Hook<($($name,)*), Plain> for F {
            fn call(&self, ($($name,)*): ($($name,)*)) -> Called {
                self($($name),*);
                Called::Done
            }
        }

        #[allow(non_snake_case, reason = "names of types for values")]
        impl<F, U, $($name),*> Hook<($($name,)*), Async> for F
        where
            F: Fn($($name),*) -> U + Send + Sync + 'static,
            U: Future<Output = ()> + Send + 'static,
        {
            fn call(&self, ($($name,)*): ($($name,)*)) -> Called {
                start(self($($name),*))
            }
        }
    };
}

hook!(A);
hook!(A B);
hook!(A B C);
