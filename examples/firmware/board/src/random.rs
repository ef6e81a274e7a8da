//! Stands for the random number generator of the chip, which these machines do not have. It can be guessed. Use that of your board: the keys of the frames and
//! the nonce of the handshake must be unpredictable.

static mut STATE: u32 = 0x9e37_79b9;

/// Bytes that look random.
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    // SAFETY: there is one thread, and no interrupt comes here.
    let mut x = unsafe { STATE } ^ crate::now().as_millis() as u32;
    for byte in &mut bytes {
        x = if x == 0 { 1 } else { x };
        x ^= x << 13;
        x ^= x >> 17;
        x ^= x << 5;
        *byte = (x >> 24) as u8;
    }
    // SAFETY: as above.
    unsafe { STATE = x };
    bytes
}
