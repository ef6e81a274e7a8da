//! `Sec-WebSocket-Accept` (RFC 6455 section 4.2.2).

use super::RequestError;
#[cfg(not(feature = "sha1"))]
use crate::bytes::{Writer, base64};
#[cfg(feature = "sha1")]
use base64::{Engine, engine::general_purpose::STANDARD};

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
    Ok(accept_of(check_key(key)?, sha1))
}

/// As [`accept_key_with`], for a key that was checked.
pub(super) fn accept_of(key: &[u8; 24], sha1: impl FnOnce(&[u8; 60]) -> [u8; 20]) -> [u8; 28] {
    let mut text = [0; 60];
    for (place, byte) in text.iter_mut().zip(key.iter().chain(GUID)) {
        *place = *byte;
    }
    let mut accept = [0; 28];
    #[cfg(feature = "sha1")]
    let written = STANDARD.encode_slice(sha1(&text), &mut accept).is_ok();
    #[cfg(not(feature = "sha1"))]
    let written = {
        let mut writer = Writer::new(&mut accept);
        base64::encode(&sha1(&text), &mut writer);
        writer.finish().is_ok()
    };
    debug_assert!(written, "20 bytes are 28 characters");
    accept
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
    if !digits.iter().all(|&b| is_digit(b)) || !matches!(last, b'A' | b'Q' | b'g' | b'w') {
        return Err(RequestError::Key);
    }
    Ok(key)
}

const fn is_digit(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/')
}
