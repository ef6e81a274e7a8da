use super::{Ack, Endpoint};
use serde::Serialize;
use std::error::Error;

/// What a handler may return: the acknowledgement, for a peer that asked for one.
///
/// `K` tells the forms apart. The compiler finds it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an acknowledgement",
    note = "a handler returns what serde can write (`Serialize`), or a `Result` of that whose error is an `Error`, a `Box<dyn Error + Send + Sync>` or what serde can write"
)]
pub trait Respond<K> {
    /// Acknowledges.
    #[doc(hidden)]
    fn respond<S: Endpoint>(self, ack: Ack<S>);
}

/// Marks a value.
#[derive(Debug)]
pub struct Value;
/// Marks a result whose error is an `Error`.
#[derive(Debug)]
pub struct Fallible;
/// Marks a result whose error is in a box.
#[derive(Debug)]
pub struct Boxed;

impl<T: Serialize> Respond<Value> for T {
    fn respond<S: Endpoint>(self, ack: Ack<S>) {
        if ack.is_wanted() {
            ack.give(&self);
        }
    }
}

impl<T: Serialize, E: Error> Respond<Fallible> for Result<T, E> {
    fn respond<S: Endpoint>(self, ack: Ack<S>) {
        match self {
            Ok(value) => value.respond(ack),
            Err(error) => failed(&error, ack),
        }
    }
}

impl<T: Serialize> Respond<Boxed> for Result<T, Box<dyn Error + Send + Sync>> {
    fn respond<S: Endpoint>(self, ack: Ack<S>) {
        match self {
            Ok(value) => value.respond(ack),
            Err(error) => failed(&*error, ack),
        }
    }
}

fn failed<S: Endpoint>(error: &dyn Error, ack: Ack<S>) {
    tracing::debug!("a handler failed: {error}");
    ack.fail(error);
}
