//! Attacks on `json` by a reviewer who did not write it: serde_json says what is right.

use sansocket::{
    bytes::Writer,
    json::{Args, Array, DeserializeErrorKind, ErrorKind, Json, Raw, Value},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{borrow::Cow, collections::BTreeMap, fmt::Debug};

struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        ((self.0 >> 33) % n as u64) as usize
    }

    fn pick<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len())]
    }
}

const NUMBERS: [&str; 30] = [
    "0",
    "-0",
    "-0.0",
    "1",
    "-1",
    "127",
    "128",
    "-128",
    "-129",
    "255",
    "256",
    "65536",
    "2147483648",
    "4294967296",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "-9223372036854775809",
    "18446744073709551615",
    "18446744073709551616",
    "340282366920938463463374607431768211455",
    "-170141183460469231731687303715884105728",
    "1e308",
    "1e309",
    "1e-400",
    "3.4028236e38",
    "1.0",
    "0.1",
    "1E+2",
    "5e-324",
];
const STRINGS: [&str; 24] = [
    "",
    "a",
    "id",
    "kind",
    "A",
    "B",
    "C",
    "\\u0041",
    "\\n",
    "\\ud83d\\ude00",
    "\\u0000",
    "\\/\\b\\f\\r\\t",
    "true",
    "false",
    "1",
    "-7",
    "1.5",
    "NaN",
    "漢🦀é",
    "\\u00e9",
    "\\\"",
    "\\\\",
    "x y z longer than eight",
    "\\u0069d",
];

fn blanks(random: &mut Random, text: &mut String) {
    if random.below(6) == 0 {
        text.push_str(random.pick(&[" ", "\n", "\t\r", "  "]));
    }
}

fn write(random: &mut Random, depth: usize, text: &mut String) {
    blanks(random, text);
    match random.below(if depth > 4 { 5 } else { 9 }) {
        0 => text.push_str(random.pick(&["null", "true", "false"])),
        1 | 2 => text.push_str(random.pick(&NUMBERS)),
        3 | 4 => {
            text.push('"');
            text.push_str(random.pick(&STRINGS));
            text.push('"');
        }
        5 | 6 => {
            text.push('[');
            let n = random.below(4);
            for i in 0..n {
                if i > 0 {
                    text.push(',');
                }
                write(random, depth + 1, text);
            }
            blanks(random, text);
            text.push(']');
        }
        _ => {
            text.push('{');
            let n = random.below(4);
            for i in 0..n {
                if i > 0 {
                    text.push(',');
                }
                blanks(random, text);
                text.push('"');
                text.push_str(random.pick(&STRINGS));
                text.push('"');
                blanks(random, text);
                text.push(':');
                write(random, depth + 1, text);
            }
            text.push('}');
        }
    }
    blanks(random, text);
}

#[derive(Clone, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
enum E {
    A,
    B(Option<u8>),
    C { id: i64 },
    D(u8, String),
}
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Untagged {
    N(u64),
    F(f64),
    S(String),
    L(Vec<Untagged>),
    M(BTreeMap<String, Untagged>),
    U(()),
}
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind")]
enum Inner {
    A { id: i64 },
    B,
}
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "id")]
enum Adjacent {
    A(i64),
    B,
    C(Vec<String>),
}
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Flat {
    id: i64,
    #[serde(flatten)]
    rest: BTreeMap<String, Untagged>,
}
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Opt {
    #[serde(default)]
    id: Option<i32>,
    a: Option<Box<Opt>>,
}
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Unit;
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct New(f32);
#[derive(Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
struct Key(i16);
#[derive(Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
enum Name {
    A,
    B,
    #[serde(rename = "\n")]
    C,
}

fn same<T: DeserializeOwned + Debug + PartialEq>(text: &str) {
    let value = Value::parse(text.as_bytes()).unwrap();
    let theirs: Result<T, _> = serde_json::from_str(text);
    let mut memory = vec![0; value.raw().len()];
    let ours: Result<T, _> = value.deserialize(&mut memory);
    let what = std::any::type_name::<T>();
    match (&ours, &theirs) {
        (Ok(a), Ok(b)) => assert!(a == b || format!("{a:?}") == format!("{b:?}"), "{what} {text}: {a:?} {b:?}"),
        (Err(e), Err(_)) => {
            assert!(e.at < value.raw().len() && !matches!(e.kind, DeserializeErrorKind::Capacity(_)), "{text} {e:?}");
        }
        // `-0` is an integer here.
        _ => assert!(text.contains("-0"), "{what} {text}: {ours:?} {theirs:?}"),
    }
    // With less memory it is the same, or the memory is what is missing.
    for len in [0, 1, memory.len() / 2, memory.len().saturating_sub(1)] {
        let less: Result<T, _> = value.deserialize(&mut memory[..len]);
        match less {
            Err(e) if matches!(e.kind, DeserializeErrorKind::Capacity(_)) => {}
            less => assert_eq!(format!("{less:?}"), format!("{ours:?}"), "{what} {text} {len}"),
        }
    }
}

#[test]
fn every_type_reads_what_serde_json_reads() {
    let runs = std::env::var("ATTACK_RUNS").ok().and_then(|n| n.parse().ok()).unwrap_or(3_000);
    for seed in 0..runs {
        let random = &mut Random(seed);
        let mut text = String::new();
        write(random, 0, &mut text);
        let t = text.as_str();
        same::<u8>(t);
        same::<i64>(t);
        same::<u64>(t);
        same::<i128>(t);
        same::<u128>(t);
        same::<f32>(t);
        same::<f64>(t);
        same::<bool>(t);
        same::<char>(t);
        same::<String>(t);
        same::<()>(t);
        same::<Unit>(t);
        same::<New>(t);
        same::<Option<Option<i8>>>(t);
        same::<Vec<Option<String>>>(t);
        same::<(String, i32)>(t);
        same::<[Option<f64>; 2]>(t);
        same::<E>(t);
        same::<Vec<E>>(t);
        same::<Untagged>(t);
        same::<Inner>(t);
        same::<Adjacent>(t);
        same::<Flat>(t);
        same::<Opt>(t);
        same::<BTreeMap<String, Untagged>>(t);
        same::<BTreeMap<Key, Untagged>>(t);
        same::<BTreeMap<Name, Untagged>>(t);
        same::<BTreeMap<char, Untagged>>(t);
        same::<BTreeMap<bool, Untagged>>(t);
        same::<BTreeMap<i128, Untagged>>(t);
        same::<BTreeMap<Option<u8>, Untagged>>(t);
        same::<BTreeMap<String, E>>(t);
        same::<serde_json::Value>(t);
        // Borrowed.
        let value = Value::parse(t.as_bytes()).unwrap();
        let mut memory = vec![0; value.raw().len()];
        let owned: Option<Vec<String>> = serde_json::from_str(t).ok();
        let ours: Option<Vec<Cow<'_, str>>> = value.deserialize(&mut memory).ok();
        assert_eq!(ours.map(|v| v.iter().map(|s| s.to_string()).collect()), owned, "{t}");
        let mut memory = vec![0; value.raw().len()];
        let ours: Option<BTreeMap<&str, &str>> = value.deserialize(&mut memory).ok();
        let owned: Option<BTreeMap<String, String>> = serde_json::from_str(t).ok();
        assert_eq!(ours.map(|v| v.iter().map(|(k, s)| (k.to_string(), s.to_string())).collect()), owned, "{t}");
        // What is untyped.
        let theirs: serde_json::Value = match serde_json::from_str(t) {
            Ok(v) => v,
            Err(_) => continue,
        };
        compare(value, &theirs);
        assert_eq!(json(&theirs), serde_json::to_string(&theirs).unwrap().replace("e+", "e"));
    }
}

fn compare(ours: Value<'_>, theirs: &serde_json::Value) {
    match theirs {
        serde_json::Value::Array(list) => {
            assert_eq!(ours.elements().count(), list.len());
            ours.elements().zip(list).for_each(|(a, b)| compare(a, b));
            let array = Array::parse(ours.raw()).unwrap();
            assert_eq!(array.elements().count(), list.len());
            assert_eq!(array.first(), ours.elements().next());
            assert!(array.rest().eq(ours.elements().skip(1)));
        }
        serde_json::Value::Object(map) => {
            for (key, value) in map {
                // The first of several here, the last there.
                let found = ours.members().filter(|(k, _)| k.is(key)).last().unwrap().1;
                compare(found, value);
                assert_eq!(ours.get(key), ours.members().find(|(k, _)| k.is(key)).map(|(_, v)| v));
            }
        }
        serde_json::Value::String(s) => {
            let str = ours.as_str().unwrap();
            assert!(str.is(s) && str.chars().eq(s.chars()));
            let mut memory = vec![0; str.escaped().len()];
            assert_eq!(str.unescape_into(&mut memory).unwrap(), s);
            let n = s.len();
            assert!(str.unescape_into(&mut memory[..n]).is_ok());
            assert_eq!(n == 0, str.unescape_into(&mut memory[..n.saturating_sub(1)]).is_ok());
        }
        serde_json::Value::Number(n) => assert!(n.as_f64() == ours.as_f64(), "{n} {ours:?}"),
        _ => {}
    }
}

fn json<T: Serialize>(value: &T) -> String {
    let mut writer = Writer::new(&mut []);
    Json(value).write(&mut writer).unwrap();
    let needed = writer.len();
    for len in [needed.saturating_sub(1), needed] {
        let mut memory = vec![0; len];
        let mut writer = Writer::new(&mut memory);
        Json(value).write(&mut writer).unwrap();
        match writer.finish() {
            Ok(text) if len == needed => return String::from_utf8(text.to_vec()).unwrap(),
            Ok(_) => panic!("less was enough"),
            Err(e) => assert_eq!((e.needed, e.available), (needed, len)),
        }
    }
    unreachable!()
}

/// Texts that are nearly JSON are taken exactly when serde_json takes them, apart from depth.
#[test]
fn hostile_texts_are_judged_as_serde_json_judges_them() {
    let runs = std::env::var("ATTACK_RUNS").ok().and_then(|n| n.parse().ok()).unwrap_or(20_000);
    let bytes = b"\"\\{}[]:,0-1.eE+ntu \n\x00\x1f\x7f\xc3\xa9dD8";
    let mut good = 0;
    for seed in 0..runs {
        let random = &mut Random(seed);
        let mut text = String::new();
        write(random, 2, &mut text);
        let mut text = text.into_bytes();
        for _ in 0..1 + random.below(2) {
            let at = random.below(text.len() + 1);
            let byte = bytes[random.below(bytes.len())];
            match random.below(3) {
                0 if at < text.len() => text[at] = byte,
                1 if at < text.len() => drop(text.remove(at)),
                _ => text.insert(at, byte),
            }
        }
        let Ok(str) = std::str::from_utf8(&text) else {
            let _ = Value::parse(&text).map(|v| v.deserialize::<serde_json::Value>(&mut [0; 200]).is_ok());
            continue;
        };
        let theirs = serde_json::from_str::<Box<serde_json::value::RawValue>>(str).is_ok();
        let ours = Value::parse(&text);
        // That looks at no pair of surrogates.
        let is_pair = matches!(ours, Err(e) if e.kind == ErrorKind::Escape) && str.contains("\\ud");
        assert!(ours.is_ok() == theirs || is_pair, "{str} {ours:?}");
        good += u32::from(theirs);
        if let Err(e) = ours {
            assert!(e.at <= text.len());
            // No good text begins with what stands in front of the place and this byte: so any cut fails there or later.
            assert!(Value::parse(&text[..e.at]).is_err() || str[e.at..].trim_start().len() == str[e.at..].len());
        }
        // The inside of an array.
        let listed = serde_json::from_str::<Vec<Box<serde_json::value::RawValue>>>(&format!("[{str}]")).is_ok();
        assert!(Raw::new(&text).is_ok() == listed || is_pair, "{str}");
    }
    assert!(good > 100);
}

/// Raw values are written between others, whatever blanks stand around them.
#[test]
fn raw_blanks_are_no_value() {
    for raw in [&b""[..], b" ", b"\n\t", b" 1 ", b" 1 , 2 "] {
        for raw in [Raw::new(raw).unwrap(), Raw::trusted(raw)] {
            let mut memory = [0; 64];
            let mut writer = Writer::new(&mut memory);
            (raw, 7, raw, "x", raw).write(&mut writer).unwrap();
            let text = [b"[", &*writer.finish().unwrap(), b"]"].concat();
            assert!(Value::parse(&text).is_ok(), "{}", String::from_utf8_lossy(&text));
        }
    }
}

#[test]
fn what_is_written_is_what_serde_json_writes() {
    fn both<T: Serialize>(value: T) {
        assert_eq!(json(&value), serde_json::to_string(&value).unwrap());
    }
    both((i8::MIN, i128::MIN, u128::MAX, f32::MIN_POSITIVE, f64::MIN_POSITIVE, 1e15, -0.0, f64::NAN, 'é', '"'));
    both((E::A, E::B(None), E::C { id: -1 }, E::D(1, "\u{0}\u{1f}\u{7f}\u{2028}\"\\/".into()), Unit, New(0.1), ()));
    both((Some(Some(1)), None::<u8>, [0_u8; 0], [[1]; 2], b"bytes", Cow::Borrowed("x")));
    both((BTreeMap::from([(Key(-3), 1)]), BTreeMap::from([(Name::C, 1)]), BTreeMap::from([('"', 1)])));
    both((BTreeMap::from([(true, ())]), BTreeMap::from([(u128::MAX, ())]), BTreeMap::from([(i128::MIN, ())])));
    both((Inner::A { id: 1 }, Inner::B, Adjacent::A(1), Adjacent::B, Adjacent::C(vec!["a\nb".into()])));
    both(Flat { id: 1, rest: BTreeMap::from([("x".into(), Untagged::L(vec![Untagged::U(()), Untagged::F(0.5)]))]) });
    both(std::net::Ipv6Addr::LOCALHOST);
    both(std::time::Duration::from_millis(1500));
    both((std::ops::Bound::Included(1), std::ops::Bound::<u8>::Unbounded, Ok::<u8, u8>(1), 0..3));
    both(format_args!("a\"{}\n", 1));
}
