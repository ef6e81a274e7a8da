use core::{
    cell::{Cell, RefCell},
    future::poll_fn,
    task::Poll,
};
use embedded_tls::TlsError;

/// The memory of a connection besides that of the driver, to be lent anew to each connection. `R`, `W`: the record buffers of embedded-tls. A server may send
/// records of 16 KiB, and the larger buffer must hold the handshake. The one to write into decides how large the records are that are sent; 1,280 is enough for
/// those of [`Pipes`].
#[derive(Debug)]
pub struct Memory<const R: usize = 16_640, const W: usize = 1_280> {
    pub read: [u8; R],
    pub write: [u8; W],
    pub pipes: PipesMemory,
}

impl<const R: usize, const W: usize> Memory<R, W> {
    pub const fn new() -> Self {
        Self { read: [0; R], write: [0; W], pipes: [[0; 1024]; 2] }
    }
}

impl<const R: usize, const W: usize> Default for Memory<R, W> {
    fn default() -> Self {
        Self::new()
    }
}

/// The memory of [`Pipes`].
pub type PipesMemory = [[u8; 1024]; 2];

/// The bytes between TLS and a driver. Both are polled by the same task, in the same poll, so nobody has to be woken.
#[derive(Debug)]
pub struct Pipes<'m> {
    /// What was received and decrypted: its memory, where it begins, where it ends.
    received: RefCell<(&'m mut [u8], usize, usize)>,
    /// What is to be sent, from the beginning of the memory. The length is 0 if nothing is.
    sent: RefCell<&'m mut [u8]>,
    to_send: Cell<usize>,
    end: Cell<Option<TlsError>>,
}

impl<'m> Pipes<'m> {
    /// Empty ones.
    pub fn new(memory: &'m mut PipesMemory) -> Self {
        let [received, sent] = memory;
        let (received, sent) = (RefCell::new((received.as_mut_slice(), 0, 0)), RefCell::new(sent.as_mut_slice()));
        Self { received, sent, to_send: Cell::new(0), end: Cell::new(None) }
    }

    /// Takes as much of `bytes` as there is room for.
    pub(crate) fn push(&self, bytes: &[u8]) -> usize {
        let Ok(mut received) = self.received.try_borrow_mut() else { return 0 };
        let (memory, start, end) = &mut *received;
        if start == end {
            (*start, *end) = (0, 0);
        }
        let Some(room) = memory.get_mut(*end..) else { return 0 };
        let n = copy(bytes, room);
        *end += n;
        n
    }

    /// Moves what was received to `memory`.
    pub(crate) fn pull(&self, memory: &mut [u8]) -> usize {
        let Ok(mut received) = self.received.try_borrow_mut() else { return 0 };
        let (from, start, end) = &mut *received;
        let n = copy(from.get(*start..*end).unwrap_or_default(), memory);
        *start += n;
        n
    }

    /// Hands bytes over to be sent, when all before was sent.
    pub(crate) fn hand_over(&self, bytes: &[u8]) -> usize {
        let Ok(mut sent) = self.sent.try_borrow_mut() else { return 0 };
        let n = copy(bytes, &mut sent);
        self.to_send.set(n);
        n
    }

    pub(crate) fn is_sent(&self) -> bool {
        self.to_send.get() == 0
    }

    pub(crate) fn set_sent(&self) {
        self.to_send.set(0);
    }

    /// Waits for bytes to send. They stay where they are until [`set_sent`](Self::set_sent).
    pub(crate) async fn wait(&self) -> core::cell::Ref<'_, [u8]> {
        poll_fn(|_| match (self.to_send.get(), self.sent.try_borrow()) {
            (1.., Ok(sent)) => {
                Poll::Ready(core::cell::Ref::map(sent, |sent| sent.get(..self.to_send.get()).unwrap_or_default()))
            }
            _ => Poll::Pending,
        })
        .await
    }

    pub(crate) fn set_end(&self, end: TlsError) {
        self.end.set(self.end.get().or(Some(end)));
    }

    pub(crate) fn end(&self) -> Option<TlsError> {
        self.end.get()
    }
}

fn copy(from: &[u8], to: &mut [u8]) -> usize {
    from.iter().zip(to).map(|(from, to)| *to = *from).count()
}
