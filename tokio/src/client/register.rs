//! What both builders register before anything can happen.

use super::{Builder, ConnectError, EventFailure, Of, Reason, Socket, auth::Auth};
use crate::{
    args::Raw,
    handler::{Handler, Hook},
};
use serde::Serialize;
use std::{fmt, future::Future};

macro_rules! registers {
    ($($builder:ty)*) => {
        $(impl $builder {
            /// The credentials: a JSON object, which goes with each CONNECT.
            pub fn auth(self, auth: impl Serialize) -> Self {
                self.space.set_auth(Auth::value(&auth));
                self
            }

            /// Calls an async function for the credentials at each CONNECT, also after a reconnection: so a token that has expired is replaced. If it fails, that
            /// is a [`ConnectError::Auth`], and it is called again after a while.
            pub fn auth_with<F, U, T, E>(self, function: F) -> Self
            where
                F: Fn() -> U + Send + Sync + 'static,
                U: Future<Output = Result<T, E>> + Send + 'static,
                T: Serialize,
                E: fmt::Display,
            {
                self.space.set_auth(Auth::function(function));
                self
            }

            /// As [`Socket::on`].
            pub fn on<M>(self, name: &str, handler: impl Handler<Socket, M>) -> Self {
                self.space.handlers.on(name, false, handler);
                self
            }

            /// As [`Socket::once`].
            pub fn once<M>(self, name: &str, handler: impl Handler<Socket, M>) -> Self {
                self.space.handlers.on(name, true, handler);
                self
            }

            /// As [`Socket::on_any`].
            pub fn on_any<M>(self, hook: impl Hook<(Socket, String, Raw), M>) -> Self {
                self.space.handlers.on_any(hook);
                self
            }

            /// As [`Socket::on_connect`].
            pub fn on_connect<M>(self, hook: impl Hook<(Socket,), M>) -> Self {
                self.space.handlers.on_connect(hook);
                self
            }

            /// As [`Socket::on_disconnect`].
            pub fn on_disconnect<M>(self, hook: impl Hook<(Socket, Reason), M>) -> Self {
                self.space.handlers.on_disconnect(hook);
                self
            }

            /// As [`Socket::on_connect_error`].
            pub fn on_connect_error<M>(self, hook: impl Hook<(Socket, ConnectError), M>) -> Self {
                self.space.handlers.on_connect_error(hook);
                self
            }

            /// As [`Socket::on_failure`].
            pub fn on_failure<M>(self, hook: impl Hook<(Socket, EventFailure), M>) -> Self {
                self.space.handlers.on_failure(hook);
                self
            }
        })*
    };
}

registers!(Builder Of);
