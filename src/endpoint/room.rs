use super::{Grow, What};
use crate::{bytes::Capacity, socketio::Collector};

/// Checks that the collector has room for `len` more bytes and their length after `held` bytes.
pub(super) fn room<C: AsMut<[u8]> + AsRef<[u8]>>(
    collector: &Collector<C>,
    held: usize,
    len: usize,
) -> Result<(), Grow> {
    let needed = held.saturating_add(len).saturating_add(size_of::<u32>());
    let available = collector.size();
    if needed > available {
        return Err(Grow::new(What::Collector, Capacity { needed, available }));
    }
    Ok(())
}
