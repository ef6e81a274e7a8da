//! Messages of three kinds, made by code from a fixed seed.

use std::fmt::Write;

/// A small generator (splitmix64).
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
    pub fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }
    /// Small numbers are more frequent, as words of a language are.
    fn rank(&mut self, n: usize) -> usize {
        let unit = (self.next() >> 11) as f64 / (1_u64 << 53) as f64;
        (((n as f64).powf(unit) - 1.0) as usize).min(n - 1)
    }
}

/// Words of a script, from its syllables.
fn words(random: &mut Random, consonants: &[char], vowels: &[char], n: usize) -> Vec<String> {
    (0..n)
        .map(|i| {
            (0..1 + random.below(2) + usize::from(i > 50))
                .flat_map(|_| {
                    let first = consonants[random.rank(consonants.len())];
                    let second = vowels[random.rank(vowels.len())];
                    let third = (random.below(3) == 0).then(|| consonants[random.rank(consonants.len())]);
                    [Some(first), Some(second), third].into_iter().flatten()
                })
                .collect()
        })
        .collect()
}

fn sentences(random: &mut Random, words: &[String], len: usize) -> String {
    let mut text = String::new();
    while text.len() < len {
        let n = 4 + random.below(12);
        for i in 0..n {
            let word = &words[random.rank(words.len())];
            if i == 0 {
                let mut chars = word.chars();
                text.extend(chars.next().into_iter().flat_map(char::to_uppercase));
                text.push_str(chars.as_str());
            } else {
                text.push_str(word);
            }
            text.push_str(match (i + 1 == n, random.below(9)) {
                (true, 0) => "? ",
                (true, 1) => "! ",
                (true, _) => ". ",
                (false, 0) => ", ",
                _ => " ",
            });
        }
    }
    text
}

/// Events of Socket.IO with arrays of objects, 0.3 to 6 KB.
pub fn events() -> Vec<Vec<u8>> {
    let mut random = Random(1);
    let names = words(&mut random, &['s', 't', 'n', 'r', 'l', 'm', 'd', 'k'], &['a', 'e', 'i', 'o', 'u'], 400);
    (0..200)
        .map(|i| {
            let mut text = format!("42/game,[\"{}\",{{\"tick\":{i},\"players\":[", ["state", "chat", "move"][random.below(3)]);
            for j in 0..3 + random.below(50) {
                let name = &names[random.rank(names.len())];
                let (x, y, score) = (random.below(100_000), random.below(100_000), random.rank(5000));
                let comma = if j == 0 { "" } else { "," };
                write!(
                    text,
                    "{comma}{{\"id\":\"{:06x}\",\"name\":\"{name}\",\"position\":{{\"x\":{}.{:02},\"y\":{}.{:02}}},\"score\":{score},\"isAlive\":{}}}",
                    random.below(1 << 24), x / 100, x % 100, y / 100, y % 100, random.below(5) > 0
                )
                .unwrap();
            }
            text.push_str("]}]");
            text.into_bytes()
        })
        .collect()
}

/// Chat in Latin and Cyrillic letters, 1 to 3 KB.
pub fn chat() -> Vec<Vec<u8>> {
    let mut random = Random(2);
    let latin = words(&mut random, &"tnshrdlcmwfgypbvk".chars().collect::<Vec<_>>(), &['e', 'a', 'o', 'i', 'u'], 3000);
    let cyrillic = words(
        &mut random,
        &"нтсрвлкмдпягбзчжшц".chars().collect::<Vec<_>>(),
        &"оеаиуыя".chars().collect::<Vec<_>>(),
        3000,
    );
    (0..200)
        .map(|i| {
            let len = 1000 + random.below(2000);
            sentences(&mut random, if i % 2 == 0 { &latin } else { &cyrillic }, len).into_bytes()
        })
        .collect()
}

/// Bytes that nothing makes shorter, 1 to 8 KB.
pub fn compressed() -> Vec<Vec<u8>> {
    let mut random = Random(3);
    (0..100).map(|_| (0..1000 + random.below(7000)).map(|_| random.next() as u8).collect()).collect()
}
