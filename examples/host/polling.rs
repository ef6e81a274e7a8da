//! Requests of sessions over polling: a GET that waits, a POST.

use super::{
    App, Host,
    connection::{Wire, give_back, read},
    session::{Entry, Input},
};
use sansocket::{
    endpoint::{Answer, ServerLink},
    engineio::Packets,
};
use std::{rc::Rc, time::Duration};
use tokio::time::timeout;

/// A GET: waits until something is to be said, and gives the body; `Err` is another answer, or that the client is gone.
pub async fn get<A: App>(
    host: &Rc<Host<A>>,
    entry: &Rc<Entry<A>>,
    wire: &mut Wire,
    is_first: bool,
) -> Result<Vec<u8>, Option<Answer<'static>>> {
    if !is_first && let Err(answer) = entry.link(|link| link.begin_get(entry.now(host))) {
        entry.work(host, Input::Time);
        return Err(Some(answer));
    }
    // Its deadline may be nearer now.
    entry.changed.notify_waiters();
    entry.peer.is_blocked.set(false);
    let got = loop {
        if let Some(got) = entry.link(|link| entry.peer.take_payload(link)) {
            break got.map_err(Some);
        }
        tokio::select! {
            () = entry.peer.wake.notified() => {}
            () = entry.changed.notified() => {}
            // What a client sends behind a GET that waits is its next request; its end is the end of the session.
            read = read(host, &mut wire.source, &mut wire.inbox), if wire.inbox.held() < 16 * 1024 => {
                if !matches!(read, Ok(1..)) {
                    entry.link(ServerLink::drop_get);
                    break Err(None);
                }
                give_back(host, &mut wire.inbox);
            }
        }
    };
    entry.peer.is_blocked.set(true);
    entry.work(host, Input::Time);
    // A probe may wait for this.
    entry.changed.notify_waiters();
    got
}

/// A POST whose body is there.
pub async fn post<A: App>(host: &Rc<Host<A>>, entry: &Rc<Entry<A>>, mut body: Vec<u8>) -> Answer<'static> {
    // Its own questions must not be what drops a client that is slow to fetch the answers.
    let patience = Duration::from_millis(host.options.ping_timeout.into());
    while entry.peer.is_backed_up() && !entry.link(|link| link.is_over()) {
        if timeout(patience, entry.changed.notified()).await.is_err() {
            break;
        }
    }
    entry.work(host, Input::Post(&mut Packets::new(&mut body)));
    entry.changed.notify_waiters();
    entry.link(|link| link.posted())
}
