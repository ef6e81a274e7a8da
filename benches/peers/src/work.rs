//! The inputs, made once from a seeded generator.

/// splitmix64.
pub struct Random(u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }
}

/// 10,000 texts of 16 to 125 bytes.
pub fn texts() -> Vec<Vec<u8>> {
    let mut random = Random(1);
    (0..10_000)
        .map(|_| {
            let len = 16 + (random.next() % 110) as usize;
            (0..len).map(|_| 0x20 + (random.next() % 95) as u8).collect()
        })
        .collect()
}

/// 1,000 times 16 KiB.
pub fn blocks() -> Vec<Vec<u8>> {
    let mut random = Random(2);
    (0..1000).map(|_| (0..16 * 1024).map(|_| random.next() as u8).collect()).collect()
}

/// Masked final frames.
pub fn wire(first: u8, payloads: &[Vec<u8>]) -> Vec<u8> {
    let mut random = Random(3);
    let mut wire = Vec::new();
    for payload in payloads {
        wire.push(first);
        match payload.len() {
            n @ 0..=125 => wire.push(0x80 | n as u8),
            n => {
                wire.push(0x80 | 126);
                wire.extend((n as u16).to_be_bytes());
            }
        }
        let key = (random.next() as u32).to_le_bytes();
        wire.extend(key);
        wire.extend(payload.iter().zip(key.iter().cycle()).map(|(b, k)| b ^ k));
    }
    wire
}

pub const EVENT: &str = r#"2["message",{"user":"alice","text":"hello world","n":12345}]"#;
pub const ARGS: &str = r#"{"user":"alice","text":"hello world","n":12345}"#;
