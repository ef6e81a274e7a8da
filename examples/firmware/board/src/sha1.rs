//! The hash of the WebSocket handshake. A chip with a hash unit does without.

/// SHA-1 (FIPS 180-4) of 60 bytes, in two blocks. Small rather than fast: one connection needs it once.
pub fn sha1(text: &[u8; 60]) -> [u8; 20] {
    let mut h = [0x6745_2301_u32, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0];
    for block in 0..2_usize {
        let mut w = [0_u32; 16];
        for (i, word) in w.iter_mut().enumerate() {
            for j in 0..4 {
                let b = match block * 64 + i * 4 + j {
                    at @ 0..60 => text.get(at).copied().unwrap_or_default(),
                    60 => 0x80,
                    126 => 1,
                    127 => 0xe0,
                    _ => 0,
                };
                *word = *word << 8 | u32::from(b);
            }
        }
        let [mut a, mut b, mut c, mut d, mut e] = h;
        for t in 0..80_usize {
            let at = |n: usize| w.get((t.wrapping_add(n)) & 15).copied().unwrap_or_default();
            let word = if t < 16 { at(0) } else { (at(13) ^ at(8) ^ at(2) ^ at(0)).rotate_left(1) };
            if let Some(place) = w.get_mut(t & 15) {
                *place = word;
            }
            let (f, k) = match t {
                0..20 => (b & c | !b & d, 0x5a82_7999),
                20..40 => (b ^ c ^ d, 0x6ed9_eba1),
                40..60 => (b & c | b & d | c & d, 0x8f1b_bcdc_u32),
                _ => (b ^ c ^ d, 0xca62_c1d6),
            };
            let sum = a.rotate_left(5).wrapping_add(f).wrapping_add(e).wrapping_add(k).wrapping_add(word);
            (a, b, c, d, e) = (sum, a, b.rotate_left(30), c, d);
        }
        for (h, add) in h.iter_mut().zip([a, b, c, d, e]) {
            *h = h.wrapping_add(add);
        }
    }
    let mut out = [0; 20];
    for (place, b) in out.iter_mut().zip(h.iter().flat_map(|word| word.to_be_bytes())) {
        *place = b;
    }
    out
}
