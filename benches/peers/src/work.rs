//! The inputs, made once from a seeded generator, and frames of our own making.

use std::sync::LazyLock;

/// splitmix64.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    fn bytes(&mut self, len: usize) -> Vec<u8> {
        (0..len.div_ceil(8)).flat_map(|_| self.next().to_le_bytes()).take(len).collect()
    }
}

/// What a client sends, and what a server shall find in it.
pub struct Wire {
    pub bytes: Vec<u8>,
    pub messages: Vec<Vec<u8>>,
    /// Bytes of the longest frame's payload.
    pub frame: usize,
    pub is_text: bool,
}

/// 10,000 texts of 16 to 125 ASCII characters, a frame each.
pub static TEXTS: LazyLock<Wire> = LazyLock::new(|| {
    let mut random = Random(1);
    let texts = (0..10_000).map(|_| {
        let len = 16 + (random.next() % 110) as usize;
        (0..len).map(|_| 0x20 + (random.next() % 95) as u8).collect()
    });
    Wire::of(texts.collect(), 125, true)
});

/// 1,000 times 16 KiB of random bytes, a frame each.
pub static BLOCKS: LazyLock<Wire> = LazyLock::new(|| {
    let mut random = Random(2);
    Wire::of((0..1000).map(|_| random.bytes(16 * 1024)).collect(), 16 * 1024, false)
});

/// 64 MiB of random bytes in frames of 64 KiB.
pub static LARGE: LazyLock<Wire> = LazyLock::new(|| Wire::of(vec![Random(4).bytes(64 << 20)], 64 * 1024, false));

/// 1 MiB of ASCII letters and Chinese characters in turn, in frames of 4 KiB that are cut without regard to characters.
pub static MIXED: LazyLock<Wire> = LazyLock::new(|| {
    let mut random = Random(5);
    let mut text = String::new();
    while text.len() < 1 << 20 {
        for _ in 0..1 + random.next() % 24 {
            text.push(char::from(b'a' + (random.next() % 26) as u8));
        }
        for _ in 0..1 + random.next() % 12 {
            text.extend(char::from_u32(0x4e00 + (random.next() % 0x51a0) as u32));
        }
    }
    // To exactly 1 MiB, at a character's end.
    let end = text.floor_char_boundary(1 << 20);
    text.truncate(end);
    text.extend(std::iter::repeat_n('x', (1 << 20) - end));
    Wire::of(vec![text.into_bytes()], 4096, true)
});

impl Wire {
    fn of(messages: Vec<Vec<u8>>, frame: usize, is_text: bool) -> Self {
        let mut random = Random(3);
        let mut bytes = Vec::new();
        for message in &messages {
            let count = message.len().div_ceil(frame);
            for (i, payload) in message.chunks(frame).enumerate() {
                let opcode = if i > 0 { 0 } else { 2 - u8::from(is_text) };
                let fin = u8::from(i + 1 == count) << 7;
                push_frame(&mut bytes, fin | opcode, Some((random.next() as u32).to_le_bytes()), payload);
            }
        }
        Self { bytes, messages, frame, is_text }
    }
}

pub fn push_frame(to: &mut Vec<u8>, first: u8, key: Option<[u8; 4]>, payload: &[u8]) {
    let bit = if key.is_some() { 0x80 } else { 0 };
    to.push(first);
    match payload.len() {
        n @ 0..=125 => to.push(bit | n as u8),
        n @ 126..=0xffff => {
            to.push(bit | 126);
            to.extend((n as u16).to_be_bytes());
        }
        n => {
            to.push(bit | 127);
            to.extend((n as u64).to_be_bytes());
        }
    }
    to.extend(key.unwrap_or_default().iter().take(if key.is_some() { 4 } else { 0 }));
    let key = key.unwrap_or_default();
    to.extend(payload.iter().zip(key.iter().cycle()).map(|(b, k)| b ^ k));
}

pub const EVENT: &str = r#"2["message",{"user":"alice","text":"hello world","n":12345}]"#;
pub const ARGS: &str = r#"{"user":"alice","text":"hello world","n":12345}"#;
