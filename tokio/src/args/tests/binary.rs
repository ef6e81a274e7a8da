//! Binary values: attachments at any depth, both ways.

use super::{read, read_with, write};
use bytes::Bytes;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_bytes::ByteBuf;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const A: Bytes = Bytes::from_static(&[1, 2, 255]);
const B: Bytes = Bytes::from_static(b"");

#[derive(Serialize, Deserialize, Debug, PartialEq)]
struct File {
    name: String,
    data: Bytes,
    #[serde(with = "serde_bytes", default)]
    thumb: Vec<u8>,
}

#[derive(Serialize, Deserialize, Debug, PartialEq)]
enum Message {
    Data(Bytes),
    Two(u8, Bytes),
    Named { files: Vec<Bytes> },
}

#[derive(Serialize, Deserialize, Debug, PartialEq)]
#[serde(untagged)]
enum Untagged {
    Data(Bytes),
    File { num: u8, data: Bytes },
    Other(BTreeMap<String, Option<ByteBuf>>),
    Number(u8),
}

#[derive(Serialize, Deserialize, Debug, PartialEq)]
#[serde(tag = "kind")]
enum Internal {
    File(File),
    Raw { data: Bytes, also: Option<Bytes> },
}

#[derive(Serialize, Deserialize, Debug, PartialEq)]
struct Flat {
    id: u8,
    data: Bytes,
    #[serde(flatten)]
    inner: Inner,
    #[serde(flatten)]
    rest: BTreeMap<String, Bytes>,
}

#[derive(Serialize, Deserialize, Debug, PartialEq)]
struct Inner {
    picture: Bytes,
}

fn place(number: usize) -> String {
    format!("{{\"_placeholder\":true,\"num\":{number}}}")
}

/// `args` is written as `text` (`#` for each placeholder, in order) with `files`, and read from it.
#[track_caller]
fn both<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(args: T, text: &str, files: &[Bytes]) {
    let mut parts = text.split('#');
    let mut expected = parts.next().unwrap().to_owned();
    for (number, part) in parts.enumerate() {
        expected += &(place(number) + part);
    }
    assert_eq!(write(&args).unwrap(), (expected.clone(), files.to_vec()));
    assert_eq!(read_with::<T>(&expected, files).unwrap(), args);
    // Other clients order the keys differently, or write more blanks.
    let other = expected.replace("\"_placeholder\":true,\"num\":", "\"num\" : ");
    let other = (0..files.len()).fold(other, |text, n| {
        text.replace(&format!("{{\"num\" : {n}}}"), &format!("{{ \"num\" : {n} , \"_placeholder\" : true }}"))
    });
    assert_eq!(read_with::<T>(&other, files).unwrap(), args, "{other}");
}

#[test]
fn at_any_depth() {
    both(A, "#", &[A]);
    both((1, A, B), "1,#,#", &[A, B]);
    both(ByteBuf::from(b"x"), "#", &[Bytes::from_static(b"x")]);
    both((vec![A, B], Some(A), None::<Bytes>), "[#,#],#,null", &[A, B, A]);
    both(BTreeMap::from([("a".to_owned(), (1, A)), ("b".to_owned(), (2, B))]), r##"{"a":[1,#],"b":[2,#]}"##, &[A, B]);
    let file = File { name: "n".into(), data: A, thumb: vec![9] };
    both((file, 1), r##"{"name":"n","data":#,"thumb":#},1"##, &[A, Bytes::from_static(&[9])]);
    both((Message::Data(A), Message::Two(7, B)), r##"{"Data":#},{"Two":[7,#]}"##, &[A, B]);
    both(Message::Named { files: vec![B, A] }, r##"{"Named":{"files":[#,#]}}"##, &[B, A]);
}

#[test]
fn where_serde_buffers_values() {
    both(Untagged::Data(A), "#", &[A]);
    both((Untagged::File { num: 3, data: A }, Untagged::Number(1)), r##"{"num":3,"data":#},1"##, &[A]);
    let other = BTreeMap::from([("x".to_owned(), Some(ByteBuf::from(vec![1, 2, 255]))), ("y".to_owned(), None)]);
    both(Untagged::Other(other), r##"{"x":#,"y":null}"##, &[A]);
    both(Internal::Raw { data: A, also: Some(B) }, r##"{"kind":"Raw","data":#,"also":#}"##, &[A, B]);
    let file = File { name: "n".into(), data: B, thumb: vec![1, 2, 255] };
    both((A, Internal::File(file)), r##"#,{"kind":"File","name":"n","data":#,"thumb":#}"##, &[A, B, A]);
    let flat = Flat { id: 1, data: A, inner: Inner { picture: B }, rest: BTreeMap::from([("z".into(), A)]) };
    both(flat, r##"{"id":1,"data":#,"picture":#,"z":#}"##, &[A, B, A]);
}

#[test]
fn any_value_keeps_the_placeholder() {
    let text = format!("{{\"a\":[{}],\"b\":1e2,\"num\":5}},{}", place(0), place(1));
    let (first, second): (Value, Value) = read_with(&text, &[A, B]).unwrap();
    assert_eq!(first, json!({"a": [{"_placeholder": true, "num": 0}], "b": 100.0, "num": 5}));
    assert_eq!(second, json!({"_placeholder": true, "num": 1}));
    // Beside typed binary values.
    let (first, second): (Value, Bytes) = read_with(&text, &[A, B]).unwrap();
    assert_eq!((&first["a"][0]["num"], second), (&json!(0), B));
    let flat: BTreeMap<String, Value> = read_with(&text, &[A, B]).unwrap();
    assert_eq!(flat["a"], json!([{"_placeholder": true, "num": 0}]));

    #[derive(Deserialize)]
    struct Extra {
        #[serde(flatten)]
        all: BTreeMap<String, Value>,
    }
    let extra: Extra = read_with(&text, &[A, B]).unwrap();
    assert_eq!(extra.all["a"], json!([{"_placeholder": true, "num": 0}]));
    // The second attempt reads the first argument as objects. A type error behind it is still the one that is told.
    let error = read_with::<(Value, u8)>(&text, &[A, B]).unwrap_err();
    assert_eq!(error.to_string(), "argument 2: invalid type: map, expected u8");
}

#[test]
fn objects_that_only_begin_like_placeholders() {
    let files = [A];
    for text in [
        r#"{"_placeholder":false,"num":0,"x":{"y":1}}"#,
        r#"{"_placeholder":true,"x":[1,2]}"#,
        r#"{"num":{"a":null},"_placeholder":true}"#,
        r#"{"num":1.5,"x":2}"#,
        r#"{"num":1}"#,
        r#"{"num":1,"num":1,"_placeholder":true}"#,
        r#"{"x":1,"num":1}"#,
        "{}",
        r#"{"\u006eum":7,"z":"\n"}"#,
    ] {
        let value: Value = read_with(text, &files).unwrap();
        assert_eq!(value, serde_json::from_str::<Value>(text).unwrap(), "{text}");
    }

    #[derive(Deserialize, Debug, PartialEq)]
    #[serde(untagged)]
    enum Record {
        A { num: u64, data: Bytes, other: Vec<u8> },
    }
    let text = format!(r#"{{"num":18446744073709551615,"data":{},"other":[1]}}"#, place(0));
    assert_eq!(read_with::<Record>(&text, &files).unwrap(), Record::A { num: u64::MAX, data: A, other: vec![1] });
    // One that has more members is a placeholder, as in JavaScript.
    let text = r#"{"_placeholder":true,"num":0,"x":1,"y":{}}"#;
    assert_eq!(read_with::<Bytes>(text, &files).unwrap(), A);
    assert_eq!(read_with::<Untagged>(text, &files).unwrap(), Untagged::Data(A));
}

#[test]
fn bytes_that_are_no_attachment() {
    assert_eq!(
        read::<(Bytes, ByteBuf)>("\"a\\nb\",[1,2]").unwrap(),
        (Bytes::from_static(b"a\nb"), ByteBuf::from([1, 2]))
    );
    assert_eq!(read::<Option<Bytes>>("null").unwrap(), None);
    let error = |text: &str, files: &[Bytes]| read_with::<Bytes>(text, files).unwrap_err().to_string();
    assert_eq!(error("{\"a\":1}", &[]), "argument 1: invalid type: map, expected byte array");
    assert_eq!(error("1", &[]), "argument 1: invalid type: integer `1`, expected byte array");
    assert_eq!(error("[1,\"x\"]", &[]), "argument 1, field `[1]`: invalid type: string \"x\", expected u8");
    assert_eq!(error(&place(0), &[]), "argument 1: placeholder 0 has no attachment: the packet has 0");
    assert_eq!(error(&place(2), &[A, B]), "argument 1: placeholder 2 has no attachment: the packet has 2");
    assert_eq!(error(&place(256), &[A]), "argument 1: placeholder 256 has no attachment: the packet has 1");
    assert_eq!(error(r#"{"_placeholder":true,"num":-1}"#, &[A]), "argument 1: invalid type: map, expected byte array");
    let error = read_with::<Untagged>(&place(3), &[A]).unwrap_err();
    assert_eq!(error.to_string(), "argument 1: placeholder 3 has no attachment: the packet has 1");
}

#[test]
fn one_attachment_for_several_placeholders() {
    let text = format!("{},{}", place(0), place(0));
    assert_eq!(read_with::<(Bytes, Bytes)>(&text, &[A]).unwrap(), (A, A));
    // A hostile client could make the server copy a large attachment for each 30 bytes of text.
    let file = Bytes::from(vec![7; 1000]);
    let many = |count| format!("[{}]", vec![place(0); count].join(","));
    assert_eq!(read_with::<Vec<Bytes>>(&many(4), std::slice::from_ref(&file)).unwrap().len(), 4);
    let expected = "argument 1, field `[4]`: too many placeholders for the same attachments (the last one is 0)";
    let error = read_with::<Vec<Bytes>>(&many(5), std::slice::from_ref(&file)).unwrap_err();
    assert_eq!(error.to_string(), expected);
    let error = read_with::<Vec<Untagged>>(&many(5), std::slice::from_ref(&file)).unwrap_err();
    assert_eq!(error.to_string(), expected);
    // An object is no copy.
    assert_eq!(read_with::<Vec<Value>>(&many(1000), &[file]).unwrap().len(), 1000);
}

#[test]
fn a_type_of_its_own_that_takes_any_value() {
    /// Keys are numbers, which an object gives to visitors of `deserialize_map` and `deserialize_any` alike.
    #[derive(Debug, PartialEq)]
    struct Numbers(Vec<(u32, bool)>);
    impl<'de> Deserialize<'de> for Numbers {
        fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            struct Visitor;
            impl<'de> serde::de::Visitor<'de> for Visitor {
                type Value = Numbers;
                fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    f.write_str("numbers")
                }
                fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Numbers, A::Error> {
                    let mut numbers = Vec::new();
                    while let Some(member) = map.next_entry()? {
                        numbers.push(member);
                    }
                    Ok(Numbers(numbers))
                }
            }
            deserializer.deserialize_any(Visitor)
        }
    }
    let text = format!("{{\"1\":true,\"2\":false}},{}", place(0));
    let expected = (Numbers(vec![(1, true), (2, false)]), A);
    assert_eq!(read_with::<(Numbers, Bytes)>(&text, &[A]).unwrap(), expected);
}

#[test]
fn without_attachments_a_placeholder_is_an_object() {
    let value = json!({"_placeholder": true, "num": 7});
    let (text, files) = write(&value).unwrap();
    assert!(files.is_empty());
    assert_eq!(read::<Value>(&text).unwrap(), value);
}
