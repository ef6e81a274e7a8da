//! Typed JSON against serde_json: both ways, into types of every kind.

use sansocket::{
    bytes::{Capacity, Writer},
    json::{Args, DeserializeErrorKind, Json, Value},
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::{
    collections::{BTreeMap, HashMap},
    fmt::Debug,
};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Kinds {
    Unit,
    New(i64),
    Tuple(u8, String),
    Struct { a: bool, b: Option<char> },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Plain {
    Unit,
    #[serde(rename = "a\"\n")]
    Escaped,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Untagged {
    Number(i32),
    Text(String),
    List(Vec<Untagged>),
    Named { name: String },
    Float(f64),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name")]
pub enum Tagged {
    Unit,
    Struct { n: u32 },
}

/// Written by `serialize_bytes`, read by `deserialize_bytes`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Bytes(pub Vec<u8>);

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Bytes;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("bytes")
            }

            fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Bytes, E> {
                Ok(Bytes(bytes.to_vec()))
            }

            fn visit_seq<A: de::SeqAccess<'de>>(self, mut all: A) -> Result<Bytes, A::Error> {
                let mut bytes = Vec::new();
                while let Some(byte) = all.next_element()? {
                    bytes.push(byte);
                }
                Ok(Bytes(bytes))
            }
        }
        deserializer.deserialize_bytes(Visitor)
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct New(pub u16);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct NewKey(pub u64);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Nothing;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pair(pub i8, pub (char, Option<()>));

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Strict {
    pub name: String,
    #[serde(default)]
    pub n: Option<u32>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Flat {
    pub name: String,
    #[serde(flatten)]
    pub more: HashMap<String, serde_json::Value>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Node {
    pub n: f64,
    #[serde(default)]
    pub more: Vec<Node>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Everything {
    pub strings: BTreeMap<String, Vec<Kinds>>,
    pub unsigned: BTreeMap<u64, Untagged>,
    pub signed: BTreeMap<i8, Option<Pair>>,
    pub wide: BTreeMap<i128, u128>,
    pub bools: BTreeMap<bool, f32>,
    pub chars: BTreeMap<char, char>,
    pub variants: BTreeMap<Plain, Bytes>,
    pub news: BTreeMap<NewKey, New>,
    pub nodes: Node,
    pub tagged: Option<Tagged>,
    #[serde(rename = "\"quoted\" é\n")]
    pub strict: Box<Strict>,
    pub flat: Flat,
    pub nothing: (Nothing, (), i16, f64),
}

/// What we write, both read as what it was, and serde_json writes the same but for floats. The need is exact.
pub fn written<T: Serialize + for<'de> Deserialize<'de> + PartialEq + Debug>(value: &T) {
    let theirs = serde_json::to_string(value).unwrap();
    let mut counted = Writer::new(&mut []);
    Json(value).write(&mut counted).unwrap();
    let needed = counted.len();
    let mut memory = vec![0; needed];
    for size in [needed / 2, needed - 1] {
        let mut short = Writer::new(&mut memory[..size]);
        Json(value).write(&mut short).unwrap();
        assert_eq!(short.finish(), Err(Capacity { needed, available: size }));
    }
    let mut writer = Writer::new(&mut memory);
    Json(value).write(&mut writer).unwrap();
    let text = std::str::from_utf8(writer.finish().unwrap()).unwrap();
    assert_eq!(&serde_json::from_str::<T>(text).unwrap(), value, "{text}");
    if theirs != text {
        let parse = |text| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert_eq!(parse(text), parse(&theirs));
    }
    let parsed = Value::parse(text.as_bytes()).unwrap();
    assert_eq!(&parsed.deserialize::<T>(&mut vec![0; text.len()]).unwrap(), value, "{text}");
}

/// `value` is read as serde_json reads it: the same verdict and the same value.
fn read<T: Serialize + for<'de> Deserialize<'de> + PartialEq + Debug>(value: Value<'_>, is_exempt: bool) {
    let text = value.raw();
    let mut memory = vec![0; text.len()];
    let ours = value.deserialize::<T>(&mut memory);
    match value.deserialize::<T>(&mut []) {
        Err(e) if matches!(e.kind, DeserializeErrorKind::Capacity(_)) => {
            assert_eq!(e.kind, DeserializeErrorKind::Capacity(Capacity { needed: text.len(), available: 0 }));
        }
        without => assert_eq!(without, ours),
    }
    if let Err(e) = ours {
        assert!(e.at <= text.len() && !matches!(e.kind, DeserializeErrorKind::Capacity(_)), "{e:?}");
    }
    if is_exempt {
        return;
    }
    let theirs = serde_json::from_slice::<T>(text);
    let name = std::any::type_name::<T>();
    match (ours, theirs) {
        (Ok(ours), Ok(theirs)) => {
            assert_eq!(ours, theirs);
            written(&ours);
        }
        (Err(_), Err(_)) => {}
        (ours, theirs) => panic!("{name} of {}: {ours:?}, {theirs:?}", String::from_utf8_lossy(text)),
    }
}

/// A value that is good is read into types of every kind as serde_json reads it.
pub fn typed(value: Value<'_>) {
    // To serde_json -0 is no integer.
    let is_exempt = value.raw().windows(2).any(|w| w == b"-0");
    macro_rules! read {
        ($($type:ty),* $(,)?) => { $(read::<$type>(value, is_exempt);)* };
    }
    read!(
        (),
        bool,
        char,
        String,
        u8,
        i16,
        u64,
        i64,
        u128,
        i128,
        f64,
        Bytes,
        New,
        Nothing,
        Pair,
        (u8, String),
        [i64; 2],
        Vec<f64>,
        Option<Option<i32>>,
        Vec<Kinds>,
        Kinds,
        Plain,
        Untagged,
        Tagged,
        Strict,
        Flat,
        Node,
        Everything,
        serde_json::Value,
        BTreeMap<String, serde_json::Value>,
        HashMap<Option<String>, serde_json::Value>,
        BTreeMap<u8, serde_json::Value>,
        BTreeMap<i64, serde_json::Value>,
        BTreeMap<i128, serde_json::Value>,
        BTreeMap<bool, serde_json::Value>,
        BTreeMap<char, serde_json::Value>,
        BTreeMap<Plain, serde_json::Value>,
        BTreeMap<NewKey, serde_json::Value>,
    );
    assert!(value.deserialize::<de::IgnoredAny>(&mut []).is_ok());
    if let Ok(theirs) = serde_json::from_slice::<f64>(value.raw()) {
        assert_eq!(value.as_f64(), Some(theirs));
    } else {
        assert_eq!(value.as_f64(), None);
    }
    if !is_exempt {
        assert_eq!(value.as_i64(), serde_json::from_slice(value.raw()).ok());
        assert_eq!(value.as_u64(), serde_json::from_slice(value.raw()).ok());
    }
}
