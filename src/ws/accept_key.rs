//! `Sec-WebSocket-Accept` (RFC 6455 section 4.2.2).

use super::RequestError;
use crate::bytes::{Writer, base64};

/// What stands behind the key in the text that is hashed.
const GUID: &[u8; 36] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// Computes the value of `Sec-WebSocket-Accept` from `key`, the value of `Sec-WebSocket-Key`. `sha1` computes the SHA-1 of 60 bytes, for
/// example with the hash unit of a chip.
///
/// # Errors
/// [`RequestError::Key`] if `key` is not the base64 of exactly 16 bytes: 24 characters, the last two `=`, unused bits zero.
///
/// ```
/// /// Stands for the hash unit of a chip.
/// fn hash(text: &[u8; 60]) -> [u8; 20] {
///     assert!(text.ends_with(b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"));
///     [0; 20]
/// }
/// let accept = sansocket::ws::accept_key_with(b"dGhlIHNhbXBsZSBub25jZQ==", hash)?;
/// assert_eq!(&accept, b"AAAAAAAAAAAAAAAAAAAAAAAAAAA=");
/// # Ok::<(), sansocket::ws::RequestError>(())
/// ```
pub fn accept_key_with(key: &[u8], sha1: impl FnOnce(&[u8; 60]) -> [u8; 20]) -> Result<[u8; 28], RequestError> {
    let key = check_key(key)?;
    let mut accept = [0; 28];
    accept_of(|text| text.push(key), sha1, &mut Writer::new(&mut accept));
    Ok(accept)
}

/// As [`accept_key_with`], for a key that was checked, and all in place: a firmware often has no other use for `memcpy`.
#[inline]
pub(super) fn accept_of(
    write_key: impl FnOnce(&mut Writer<'_>),
    sha1: impl FnOnce(&[u8; 60]) -> [u8; 20],
    accept: &mut Writer<'_>,
) {
    let mut text = [0; 60];
    let mut writer = Writer::new(&mut text);
    write_key(&mut writer);
    writer.push(GUID);
    base64::encode(&sha1(&text), accept);
}

/// As [`accept_key_with`], with the SHA-1 of the sha1_smol crate. That crate has bounds checks that the linker cannot remove. Firmware that
/// must prove the absence of panics needs another SHA-1.
///
/// # Errors
/// As [`accept_key_with`].
///
/// ```
/// // The example of RFC 6455 section 1.3.
/// let accept = sansocket::ws::accept_key(b"dGhlIHNhbXBsZSBub25jZQ==")?;
/// assert_eq!(&accept, b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
/// # Ok::<(), sansocket::ws::RequestError>(())
/// ```
#[cfg(feature = "sha1")]
pub fn accept_key(key: &[u8]) -> Result<[u8; 28], RequestError> {
    accept_key_with(key, |text| sha1_smol::Sha1::from(text).digest().bytes())
}

/// The base64 of exactly 16 bytes.
pub(super) fn check_key(key: &[u8]) -> Result<&[u8; 24], RequestError> {
    let key: &[u8; 24] = key.try_into().map_err(|_| RequestError::Key)?;
    let [digits @ .., last, b'=', b'='] = key else { return Err(RequestError::Key) };
    // Only the two high bits of the last digit belong to the 16 bytes.
    // Without an early end the compiler judges sixteen digits at once; some are in both halves.
    let are_digits = |half: &[u8; 16]| half.iter().fold(true, |good, &b| good & is_digit(b));
    let is_good = digits.first_chunk().is_some_and(are_digits) && digits.last_chunk().is_some_and(are_digits);
    if !is_good || !matches!(last, b'A' | b'Q' | b'g' | b'w') {
        return Err(RequestError::Key);
    }
    Ok(key)
}

const fn is_digit(byte: u8) -> bool {
    byte.is_ascii_alphabetic() | matches!(byte, b'/'..=b'9') | (byte == b'+')
}
