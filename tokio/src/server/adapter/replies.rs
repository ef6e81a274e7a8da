use crate::{AskError, args::Raw};
use sansocket::socketio::Sid;
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};
use tokio::sync::mpsc;

/// What one socket answered to a question to several.
#[derive(Debug)]
pub struct Reply {
    /// Whose answer it is. `None` if another node did not tell.
    pub socket: Option<Sid>,
    /// The answer, or why there is none.
    pub result: Result<Raw, AskError>,
}

/// Where the replies to a question to several sockets are given. The question is over when all clones are dropped.
#[derive(Clone, Debug)]
pub struct ReplySender {
    sender: mpsc::UnboundedSender<Reply>,
    expected: Arc<AtomicUsize>,
}

/// Where the replies to a question to several sockets arrive. See [`Local::ask`](super::Local::ask).
#[derive(Debug)]
pub struct Replies {
    receiver: mpsc::UnboundedReceiver<Reply>,
    expected: Arc<AtomicUsize>,
}

/// Joins who gives replies with who takes them.
///
/// ```
/// use sansocket_tokio::{args::Raw, server::adapter::{Reply, replies}};
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let (sender, mut replies) = replies();
/// sender.expect(1);
/// sender.reply(Reply { socket: None, result: Ok(Raw::of(&"yes")?) });
/// drop(sender);
/// assert_eq!(replies.expected(), 1);
/// assert!(replies.next().await.is_some_and(|reply| reply.result.is_ok()));
/// assert!(replies.next().await.is_none());
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// # Ok::<(), std::io::Error>(())
/// ```
#[must_use]
pub fn replies() -> (ReplySender, Replies) {
    // It holds as many replies as sockets were asked, and no more.
    let (sender, receiver) = mpsc::unbounded_channel();
    let expected = Arc::new(AtomicUsize::new(0));
    (ReplySender { sender, expected: expected.clone() }, Replies { receiver, expected })
}

impl ReplySender {
    /// So many more sockets were asked.
    pub fn expect(&self, sockets: usize) {
        self.expected.fetch_add(sockets, Ordering::Relaxed);
    }

    /// Gives a reply. `false`: nobody waits for it any more.
    pub fn reply(&self, reply: Reply) -> bool {
        self.sender.send(reply).is_ok()
    }
}

impl Replies {
    /// The number of sockets that were asked, as far as it is known.
    #[must_use]
    pub fn expected(&self) -> usize {
        self.expected.load(Ordering::Relaxed)
    }

    /// The next reply. `None`: the question is over. If the future is dropped, nothing is lost.
    pub async fn next(&mut self) -> Option<Reply> {
        self.receiver.recv().await
    }

    pub(crate) fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Reply>> {
        self.receiver.poll_recv(context)
    }
}
