//! SipHash-1-3 (Aumasson and Bernstein) with a secret key, because clients may choose the names of rooms.

#[derive(Clone, Copy, Debug)]
pub(super) struct Key(pub(super) u64, pub(super) u64);

struct State([u64; 4]);

impl State {
    const fn round(&mut self) {
        let [mut a, mut b, mut c, mut d] = self.0;
        a = a.wrapping_add(b);
        b = b.rotate_left(13) ^ a;
        a = a.rotate_left(32);
        c = c.wrapping_add(d);
        d = d.rotate_left(16) ^ c;
        a = a.wrapping_add(d);
        d = d.rotate_left(21) ^ a;
        c = c.wrapping_add(b);
        b = b.rotate_left(17) ^ c;
        c = c.rotate_left(32);
        self.0 = [a, b, c, d];
    }

    const fn word(&mut self, word: u64) {
        let [a, b, c, d] = self.0;
        self.0 = [a, b, c, d ^ word];
        self.round();
        let [a, b, c, d] = self.0;
        self.0 = [a ^ word, b, c, d];
    }
}

/// The hash of `number` and `bytes`.
pub(super) fn hash(key: Key, number: u64, bytes: &[u8]) -> u64 {
    let Key(k0, k1) = key;
    let mut state = State([
        k0 ^ 0x736f_6d65_7073_6575,
        k1 ^ 0x646f_7261_6e64_6f6d,
        k0 ^ 0x6c79_6765_6e65_7261,
        k1 ^ 0x7465_6462_7974_6573,
    ]);
    state.word(number);
    let (words, tail) = bytes.as_chunks::<8>();
    for word in words {
        state.word(u64::from_le_bytes(*word));
    }
    let mut last = [0; 8];
    for (place, byte) in last.iter_mut().zip(tail) {
        *place = *byte;
    }
    let [low, ..] = bytes.len().wrapping_add(8).to_le_bytes();
    state.word(u64::from_le_bytes(last) | u64::from(low) << 56);
    let [a, b, c, d] = state.0;
    state.0 = [a, b, c ^ 0xff, d];
    for _ in 0..3 {
        state.round();
    }
    let [a, b, c, d] = state.0;
    a ^ b ^ c ^ d
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[allow(deprecated)]
    fn is_siphash_1_3_as_the_standard_library_has_it() {
        use core::hash::Hasher;
        // `std`'s hasher is SipHash-1-3 with the key (0, 0).
        for len in 0..20 {
            let bytes: std::vec::Vec<u8> = (0..len).collect();
            let mut expected = std::collections::hash_map::DefaultHasher::new();
            expected.write(&7_u64.to_le_bytes());
            expected.write(&bytes);
            assert_eq!(hash(Key(0, 0), 7, &bytes), expected.finish());
        }
    }
}
