//! Whose pages may use the server, and which path is whose.

use super::{inner::Inner, session::Kind};
use sansocket::engineio::server::{Cors, Origins};

impl Inner {
    /// What is at a path.
    pub(crate) fn kind_at(&self, path: &[u8]) -> Option<Kind> {
        let is_at = |of: &str| path.starts_with(of.as_bytes()) || of.as_bytes().strip_suffix(b"/") == Some(path);
        if is_at(&self.config.path) {
            Some(Kind::SocketIo)
        } else {
            self.config.engine_path.as_deref().is_some_and(is_at).then_some(Kind::Engine)
        }
    }

    /// Calls `act` with the fields for CORS.
    pub(crate) fn with_cors<R>(&self, act: impl FnOnce(&Cors<'_>) -> R) -> R {
        self.config.with_origins(|origins| {
            let cors = Cors::new(origins);
            act(&if self.config.has_credentials { cors.credentials() } else { cors })
        })
    }

    /// Whether a page of this origin may open a WebSocket: the rule is that of CORS, which browsers do not apply to WebSockets. A client that is no browser
    /// names no origin. `hosts` are the names under which the client reached the server; a page cannot set those, so the one that a proxy reports counts too.
    pub(crate) fn may_connect<'f>(
        &self,
        origin: Option<&[u8]>,
        hosts: impl IntoIterator<Item = Option<&'f [u8]>>,
    ) -> bool {
        let Some(origin) = origin else { return true };
        let is_own = || {
            let behind = origin.strip_prefix(b"http://").or_else(|| origin.strip_prefix(b"https://"));
            behind.is_some_and(|behind| hosts.into_iter().flatten().any(|host| behind.eq_ignore_ascii_case(host)))
        };
        self.config.with_origins(|origins| match origins {
            Origins::Any => true,
            Origins::List(list) => list.iter().any(|allowed| allowed.as_bytes() == origin) || is_own(),
            _ => is_own(),
        })
    }
}
