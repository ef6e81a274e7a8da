//! The frame header (RFC 6455 section 5.2). It is checked byte by byte, so a header in pieces gives the same error at the same byte as a complete one.

use super::{
    Kind, Leniency, Limits, PeerError,
    limits::{Length, exact},
    opcode::Opcode,
    role::Role,
};

const RSV1: u8 = 0x40;

/// The length of the longest header: 2 bytes, 8 for an extended length, 4 for a masking key.
pub(crate) const MAX: usize = 14;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) is_final: bool,
    /// The message was changed by an extension, such as compression (RFC 7692 section 6). Set on its first frame.
    pub(crate) rsv1: bool,
    pub(crate) opcode: Opcode,
    pub(crate) len: Length,
    pub(crate) key: [u8; 4],
}

/// What the headers before it have told, on which the check of a header depends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Before {
    pub(crate) open: Option<Kind>,
    /// Of the open message: payload bytes, as its headers announced them, frames, empty frames, and control frames since its last data frame.
    pub(crate) message: Length,
    pub(crate) fragments: u32,
    pub(crate) empty_fragments: u16,
    pub(crate) controls: u16,
}

/// An error, and the offset of the byte that shows it.
pub(crate) type Fault = (PeerError, usize);

/// Reads a header from the front of `bytes`. `None` if they end inside it. `R` is the role of the reader.
#[inline]
pub(crate) fn parse<R: Role>(
    bytes: &[u8],
    limits: &Limits,
    leniency: Leniency,
    before: &Before,
) -> Result<Option<(Header, usize)>, Fault> {
    let Some((&first, rest)) = bytes.split_first() else { return Ok(None) };
    let opcode = judge_first(first, leniency, before.open).map_err(|e| (e, 0))?;
    let (is_final, rsv1) = (first & 0x80 != 0, first & RSV1 != 0);
    let Some((&second, rest)) = rest.split_first() else { return Ok(None) };
    let masked = second & 0x80 != 0;
    if masked == R::SENDS_MASKED {
        let (error, is_taken) = if masked {
            (PeerError::Masked, leniency.takes_masked())
        } else {
            (PeerError::NotMasked, leniency.takes_unmasked())
        };
        if !is_taken {
            return Err((error, 1));
        }
    }
    let (len, rest, before_key) = match second & 0x7f {
        1 if matches!(opcode, Opcode::Close) => return Err((PeerError::InvalidClose, 1)),
        126 if opcode.is_control() => return Err((PeerError::ControlTooLong, 1)),
        127 if opcode.is_control() => return Err((PeerError::ControlTooLong, 1)),
        126 => {
            let Some((bytes, rest)) = rest.split_first_chunk::<2>() else { return Ok(None) };
            let len = u16::from_be_bytes(*bytes);
            if len < 126 && !leniency.takes_long_lengths() {
                return Err((PeerError::LengthNotMinimal, 3));
            }
            (Length::from(len), rest, 4)
        }
        127 => {
            if rest.first().is_some_and(|b| b & 0x80 != 0) {
                return Err((PeerError::LengthTooLarge, 2));
            }
            let Some((bytes, rest)) = rest.split_first_chunk::<8>() else { return Ok(None) };
            let len = u64::from_be_bytes(*bytes);
            if len <= 0xffff && !leniency.takes_long_lengths() {
                return Err((PeerError::LengthNotMinimal, 9));
            }
            // No limit allows what cannot be counted.
            (exact(len).ok_or((PeerError::FrameTooLarge, 9))?, rest, 10)
        }
        short => (Length::from(short), rest, 2_usize),
    };
    judge_limits(opcode, is_final, len, limits, before).map_err(|e| (e, before_key.wrapping_sub(1)))?;
    if !masked {
        return Ok(Some((Header { is_final, rsv1, opcode, len, key: [0; 4] }, before_key)));
    }
    let Some(key) = rest.first_chunk::<4>() else { return Ok(None) };
    Ok(Some((Header { is_final, rsv1, opcode, len, key: *key }, before_key.wrapping_add(4))))
}

#[inline]
const fn judge_first(first: u8, leniency: Leniency, open: Option<Kind>) -> Result<Opcode, PeerError> {
    if first & 0x70 != 0 && !(first & 0x70 == RSV1 && leniency.takes_compression() && matches!(first & 0x0f, 1 | 2)) {
        return Err(PeerError::ReservedBits);
    }
    let Some(opcode) = Opcode::from_bits(first & 0x0f) else { return Err(PeerError::ReservedOpcode) };
    match (opcode, open) {
        (Opcode::Continuation, None) => Err(PeerError::UnexpectedContinuation),
        (Opcode::Text | Opcode::Binary, Some(_)) => Err(PeerError::ExpectedContinuation),
        _ if opcode.is_control() && first & 0x80 == 0 => Err(PeerError::FragmentedControl),
        _ => Ok(opcode),
    }
}

#[inline]
const fn judge_limits(
    opcode: Opcode,
    is_final: bool,
    len: Length,
    limits: &Limits,
    before: &Before,
) -> Result<(), PeerError> {
    if opcode.is_control() {
        // Between messages there is no limit.
        return if before.open.is_some() && before.controls >= limits.controls {
            Err(PeerError::TooManyControls)
        } else {
            Ok(())
        };
    }
    if len > limits.frame {
        return Err(PeerError::FrameTooLarge);
    }
    match before.message.checked_add(len) {
        Some(message) if message <= limits.message => {}
        _ => return Err(PeerError::MessageTooLarge),
    }
    if is_final && before.open.is_none() {
        return Ok(());
    }
    if before.fragments >= limits.fragments {
        return Err(PeerError::TooManyFragments);
    }
    if len == 0 && before.empty_fragments >= limits.empty_fragments {
        return Err(PeerError::TooManyEmptyFragments);
    }
    Ok(())
}

/// The length of the header for a payload of `len` bytes.
#[inline]
pub(crate) const fn size(masked: bool, len: usize) -> usize {
    let unmasked: usize = match len {
        0..=125 => 2,
        126..=0xffff => 4,
        _ => 10,
    };
    if masked { unmasked.wrapping_add(4) } else { unmasked }
}

/// Writes a header to the front of `place`. `false` if it is too short.
#[inline]
pub(crate) fn write(first: u8, key: Option<[u8; 4]>, len: usize, place: &mut [u8]) -> bool {
    let mask_bit = if key.is_some() { 0x80 } else { 0 };
    let [.., b1, b0] = len.to_be_bytes();
    let rest = if len <= 125 {
        let Some((head, rest)) = place.split_first_chunk_mut::<2>() else { return false };
        *head = [first, mask_bit | b0];
        rest
    } else if len <= 0xffff {
        let Some((head, rest)) = place.split_first_chunk_mut::<4>() else { return false };
        *head = [first, mask_bit | 126, b1, b0];
        rest
    } else {
        let Some((head, rest)) = place.split_first_chunk_mut::<2>() else { return false };
        *head = [first, mask_bit | 127];
        let Some((length, rest)) = rest.split_first_chunk_mut::<8>() else { return false };
        *length = u64::try_from(len).unwrap_or(u64::MAX).to_be_bytes();
        rest
    };
    match key {
        None => true,
        Some(key) => {
            let Some(place) = rest.first_chunk_mut::<4>() else { return false };
            *place = key;
            true
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ws::{Client, Compression};

    #[test]
    fn rfc7692_6_rsv1_may_stand_on_the_first_frame_of_data_alone_and_only_if_it_has_a_meaning() {
        let limits = Limits::new();
        let offer: [(&[u8], &[u8]); 1] = [(b"sec-websocket-extensions", b"permessage-deflate")];
        let agreed = Compression::new().accept(offer);
        for first in 0..=255_u8 {
            for open in [None, Some(Kind::Text)] {
                for allows_rsv1 in [false, true] {
                    let leniency = Leniency::STRICT.with_compression(agreed.filter(|_| allows_rsv1));
                    let before = Before { open, message: 0, fragments: 0, empty_fragments: 0, controls: 0 };
                    let plain = parse::<Client>(&[first & !RSV1, 0], &limits, leniency, &before);
                    let told = parse::<Client>(&[first, 0], &limits, leniency, &before);
                    if first & RSV1 == 0 {
                        assert_eq!(told, plain);
                    } else if allows_rsv1 && matches!(first & 0x3f, 1 | 2) {
                        let with_rsv1 = plain.map(|found| found.map(|(h, n)| (Header { rsv1: true, ..h }, n)));
                        assert_eq!(told, with_rsv1);
                    } else {
                        assert_eq!(told, Err((PeerError::ReservedBits, 0)));
                    }
                }
            }
        }
    }
}
