use super::{Grow, What};
use crate::{bytes::Capacity, engineio::Packets, socketio::Collector};

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

/// Checks that the collector has room for the next packet of a POST.
pub(super) fn room_for_packet<C: AsMut<[u8]> + AsRef<[u8]>>(
    packets: &Packets<'_>,
    collector: &Collector<C>,
) -> Result<(), Grow> {
    match packets.next_message() {
        packet @ [b'4', b'5' | b'6', ..] => room(collector, 0, packet.len()),
        packet @ [b'b', ..] if collector.is_open() => room(collector, collector.held(), packet.len()),
        _ => Ok(()),
    }
}
