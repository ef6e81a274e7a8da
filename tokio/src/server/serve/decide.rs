//! What a request to the server's paths comes to, whichever HTTP server read it.

use crate::server::{
    inner::Inner,
    session::{Kind, Session},
};
use sansocket::{
    endpoint::{Answer, Ask, Todo, judge},
    engineio::server::{Refusal, write_cookie},
};
use std::sync::Arc;

/// What to do, and the session it is for. `field` finds a header field by its name in small letters.
pub(crate) fn decide<'r, 'f>(
    inner: &Inner,
    kind: Kind,
    ask: &Ask<'r>,
    field: impl Fn(&str) -> Option<&'f [u8]>,
) -> (Todo<'r>, Option<Arc<Session>>) {
    let mut found = None;
    let todo = inner.with_cors(|cors| {
        judge(ask, cors, |sid| {
            found = inner.find(sid).filter(|session| session.kind() == kind);
            found.as_ref().map(|session| session.link(|link| link.transport()))
        })
    });
    let is_refused = ask.websocket.is_some()
        && !matches!(todo, Todo::Answer(_))
        && !inner.may_connect(field("origin"), [field("host"), field("x-forwarded-host")]);
    if is_refused {
        let refused = Answer::refuse(Refusal::Forbidden, Some("this origin may not connect"), true);
        return (Todo::Answer(refused), None);
    }
    (todo, found)
}

/// The value of `Set-Cookie` for the answer that opens a session.
pub(crate) fn cookie(session: &Session) -> Option<Vec<u8>> {
    let name = session.inner.config.cookie.as_deref()?;
    let mut out = vec![0; name.len() + 128];
    let n = write_cookie(name, &session.id, &mut out).ok()?;
    out.truncate(n);
    Some(out)
}
