//! SHA-1 (FIPS 180-4) of the 60 bytes of a handshake, small rather than fast. A chip's hash unit can take its place.

#[inline(never)]
pub fn sha1(text: &[u8; 60]) -> [u8; 20] {
    let mut schedule = [0u32; 32];
    for (word, bytes) in schedule.iter_mut().zip(text.as_chunks::<4>().0) {
        *word = u32::from_be_bytes(*bytes);
    }
    // The padding: one bit, and the length in bits.
    schedule[15] = 0x8000_0000;
    schedule[31] = 480;
    let mut state: [u32; 5] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0];
    for block in schedule.as_chunks::<16>().0 {
        let mut words = *block;
        let [mut a, mut b, mut c, mut d, mut e] = state;
        for i in 0..80 {
            let (f, k) = match i / 20 {
                0 => (d ^ (b & (c ^ d)), 0x5a82_7999),
                1 => (b ^ c ^ d, 0x6ed9_eba1),
                2 => (b & c | d & (b | c), 0x8f1b_bcdc),
                _ => (b ^ c ^ d, 0xca62_c1d6_u32),
            };
            let next =
                (words[(i + 13) & 15] ^ words[(i + 8) & 15] ^ words[(i + 2) & 15] ^ words[i & 15]).rotate_left(1);
            let sum = a.rotate_left(5).wrapping_add(f).wrapping_add(e).wrapping_add(k).wrapping_add(words[i & 15]);
            words[i & 15] = next;
            (e, d, c, b, a) = (d, c, b.rotate_left(30), a, sum);
        }
        for (old, new) in state.iter_mut().zip([a, b, c, d, e]) {
            *old = old.wrapping_add(new);
        }
    }
    let mut digest = [0; 20];
    for (bytes, word) in digest.as_chunks_mut::<4>().0.iter_mut().zip(state) {
        *bytes = word.to_be_bytes();
    }
    digest
}
