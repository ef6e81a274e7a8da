//! Random bytes of the system, without a system call for each frame.

use std::{
    cell::RefCell,
    hash::{DefaultHasher, Hash, Hasher},
    io,
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

/// Bytes that a thread has in store.
const STORE: usize = 512;

thread_local! {
    static POOL: RefCell<Pool> = const { RefCell::new(Pool { bytes: [0; STORE], left: 0 }) };
}

struct Pool {
    bytes: [u8; STORE],
    left: usize,
}

/// Whether the system has randomness. Call it once before [`fill`], where an error can be told.
pub(crate) fn check() -> io::Result<()> {
    if SEED.get().is_none() {
        let mut seed = [0; 16];
        getrandom::fill(&mut seed).map_err(|e| io::Error::other(format!("the system has no random bytes: {e}")))?;
        let _ = SEED.set(seed);
    }
    Ok(())
}

/// Fills `bytes`, which are masking keys or a nonce.
pub(crate) fn fill(bytes: &mut [u8]) {
    let taken = POOL.try_with(|pool| pool.try_borrow_mut().is_ok_and(|mut pool| pool.take(bytes)));
    if !matches!(taken, Ok(true)) && getrandom::fill(bytes).is_err() {
        stopgap(bytes);
    }
}

impl Pool {
    fn take(&mut self, bytes: &mut [u8]) -> bool {
        if bytes.len() > STORE {
            return false;
        }
        if self.left < bytes.len() {
            if getrandom::fill(&mut self.bytes).is_err() {
                return false;
            }
            self.left = STORE;
        }
        let from = self.left - bytes.len();
        let taken = &mut self.bytes[from..self.left];
        bytes.copy_from_slice(taken);
        // A key is used once.
        taken.fill(0);
        self.left = from;
        true
    }
}

/// Random bytes of the time when there were some.
static SEED: OnceLock<[u8; 16]> = OnceLock::new();

/// The system has had randomness and has none any more. That happens to a process whose sandbox is closed later, say. A masking key only has to be unknown to
/// the application that chooses the payload (RFC 6455 section 10.3), so a hash of a secret will do, and connections stay open.
fn stopgap(bytes: &mut [u8]) {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    for piece in bytes.chunks_mut(8) {
        let mut hasher = DefaultHasher::new();
        (SEED.get(), COUNTER.fetch_add(1, Ordering::Relaxed), std::time::Instant::now()).hash(&mut hasher);
        piece.copy_from_slice(&hasher.finish().to_ne_bytes()[..piece.len()]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn no_key_comes_twice_wherever_it_comes_from() {
        check().unwrap();
        for source in [fill as fn(&mut [u8]), stopgap] {
            let keys: HashSet<[u8; 16]> = (0..1000)
                .map(|_| {
                    let mut key = [0; 16];
                    source(&mut key);
                    key
                })
                .collect();
            assert_eq!(keys.len(), 1000);
            let mut long = vec![0; 2 * STORE];
            source(&mut long);
            assert!(long.iter().filter(|&&b| b == 0).count() < STORE / 4);
        }
    }
}
