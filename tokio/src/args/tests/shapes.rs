//! Every shape of serde, both ways.

use super::{both, json, read};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json, value::RawValue};
use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap},
    net::Ipv4Addr,
    sync::Arc,
    time::Duration,
};

#[derive(Serialize, Deserialize, Debug, PartialEq, Clone, Copy)]
struct Point {
    x: i32,
    y: i32,
}

#[derive(Serialize, Deserialize, Debug, PartialEq)]
struct Pair(u8, u8);

#[derive(Serialize, Deserialize, Debug, PartialEq)]
struct Id(u64);

#[derive(Serialize, Deserialize, Debug, PartialEq)]
struct NewTuple((u8, u8));

#[derive(Serialize, Deserialize, Debug, PartialEq)]
#[serde(transparent)]
struct Transparent((u8, u8));

#[derive(Serialize, Deserialize, Debug, PartialEq)]
struct Unit;

#[derive(Serialize, Deserialize, Debug, PartialEq, Eq, PartialOrd, Ord, Clone, Copy, Hash)]
enum Color {
    Red,
    #[serde(rename = "green!")]
    Green,
}

#[derive(Serialize, Deserialize, Debug, PartialEq)]
enum Shape {
    Empty,
    Circle(f64),
    Line(Point, Point),
    Rect { at: Point, size: (u8, u8) },
}

#[derive(Serialize, Deserialize, Debug, PartialEq)]
#[serde(tag = "kind")]
enum Internal {
    Empty,
    Move { to: Point },
    Point(Point),
}

#[derive(Serialize, Deserialize, Debug, PartialEq)]
#[serde(tag = "t", content = "c")]
enum Adjacent {
    Empty,
    One(u8),
    Two(u8, u8),
    Named { a: String },
}

#[derive(Serialize, Deserialize, Debug, PartialEq)]
#[serde(untagged)]
enum Untagged {
    Number(i64),
    Text(String),
    Pair(u8, u8),
    Named { name: String },
    None,
}

#[derive(Serialize, Deserialize, Debug, PartialEq)]
struct Flat {
    id: u8,
    #[serde(flatten)]
    at: Point,
    #[serde(flatten)]
    rest: BTreeMap<String, Value>,
}

#[derive(Serialize, Deserialize, Debug, PartialEq, Default)]
#[serde(default, rename_all = "camelCase")]
struct Options {
    is_on: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_len: Option<u32>,
}

const P: Point = Point { x: 1, y: -2 };

#[test]
fn no_argument() {
    both((), "");
    assert_eq!(json::<[u8; 0]>(&[]), "");
    read::<()>("1,{\"a\":2}").unwrap();
    read::<[u8; 0]>("1").unwrap();
    read::<serde::de::IgnoredAny>("1,2").unwrap();
}

#[test]
fn one_argument() {
    both(true, "true");
    both(-7_i8, "-7");
    both(u64::MAX, "18446744073709551615");
    both(i128::MIN, "-170141183460469231731687303715884105728");
    both(u128::MAX, "340282366920938463463374607431768211455");
    both(1.5_f32, "1.5");
    both(0.1_f64, "0.1");
    both('é', "\"é\"");
    both(String::from("a\"b\n\u{1}"), "\"a\\\"b\\n\\u0001\"");
    both(Some(3), "3");
    both(None::<u8>, "null");
    both(Some((1, 2)), "[1,2]");
    both(Unit, "null");
    both(Id(5), "5");
    both(Pair(1, 2), "[1,2]");
    both(NewTuple((1, 2)), "[1,2]");
    both(vec![1, 2], "[1,2]");
    both(Vec::<u8>::new(), "[]");
    both(P, r#"{"x":1,"y":-2}"#);
    both(HashMap::from([(String::from("a"), 1)]), r#"{"a":1}"#);
    both(BTreeMap::from([(7_u32, 'a'), (9, 'b')]), r#"{"7":"a","9":"b"}"#);
    both(BTreeMap::from([(Color::Red, true), (Color::Green, false)]), r#"{"Red":true,"green!":false}"#);
    both(json!({"a": [1, null, {"b": 1.5}], "c": "d"}), r#"{"a":[1,null,{"b":1.5}],"c":"d"}"#);
    both(Ipv4Addr::LOCALHOST, "\"127.0.0.1\"");
    both(Duration::new(1, 2), r#"{"secs":1,"nanos":2}"#);
    both(Ok::<u8, String>(1), r#"{"Ok":1}"#);
}

#[test]
fn several_arguments() {
    both((1,), "1");
    both(("a".to_owned(), 7, None::<u8>, P), r#""a",7,null,{"x":1,"y":-2}"#);
    both(((1, 2), [3, 4]), "[1,2],[3,4]");
    both([1, 2, 3], "1,2,3");
    both(([1, 2, 3],), "[1,2,3]");
    both(((), Unit), "null,null");
    both(Box::new((1, 2)), "1,2");
    both(Transparent((1, 2)), "1,2");
    both((Pair(1, 2), Id(3), NewTuple((4, 5)), Some((6, 7))), "[1,2],3,[4,5],[6,7]");
    assert_eq!(json(&Arc::new(("a", 'b')).as_ref()), r#""a","b""#);
    assert_eq!(json(&("a", &P, Cow::Borrowed("b"))), r#""a",{"x":1,"y":-2},"b""#);
    assert_eq!(json("a"), "\"a\"");
    assert_eq!(json(&[1, 2][..]), "[1,2]");
    type Twelve = (u8, u8, u8, u8, u8, u8, u8, u8, u8, u8, u8, u8);
    both::<Twelve>((1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12), "1,2,3,4,5,6,7,8,9,10,11,12");
}

#[test]
fn enums() {
    both(Shape::Empty, "\"Empty\"");
    both(Shape::Circle(1.5), r#"{"Circle":1.5}"#);
    both(Shape::Line(P, P), r#"{"Line":[{"x":1,"y":-2},{"x":1,"y":-2}]}"#);
    both((Shape::Rect { at: P, size: (1, 2) }, 3), r#"{"Rect":{"at":{"x":1,"y":-2},"size":[1,2]}},3"#);
    both((Internal::Empty, Internal::Move { to: P }), r#"{"kind":"Empty"},{"kind":"Move","to":{"x":1,"y":-2}}"#);
    both(Internal::Point(P), r#"{"kind":"Point","x":1,"y":-2}"#);
    both((Adjacent::Empty, Adjacent::One(1)), r#"{"t":"Empty"},{"t":"One","c":1}"#);
    both(
        (Adjacent::Two(1, 2), Adjacent::Named { a: "b".into() }),
        r#"{"t":"Two","c":[1,2]},{"t":"Named","c":{"a":"b"}}"#,
    );
    both((Untagged::Number(-1), Untagged::Text("a".into())), "-1,\"a\"");
    both((Untagged::Pair(1, 2), Untagged::Named { name: "a".into() }, Untagged::None), r#"[1,2],{"name":"a"},null"#);
    both((Untagged::Pair(1, 2),), "[1,2]");
    assert_eq!(read::<Adjacent>(r#"{"c":[1,2],"t":"Two"}"#).unwrap(), Adjacent::Two(1, 2));
}

#[test]
fn what_looks_like_no_argument_or_several_to_serde() {
    // Only `()` itself is no argument.
    both(Value::Null, "null");
    both(Untagged::None, "null");
    // An untagged tuple variant is written as a tuple is: documented.
    assert_eq!(json(&Untagged::Pair(1, 2)), "1,2");
}

#[test]
fn attributes() {
    let rest = BTreeMap::from([("z".to_owned(), json!({"deep": [1]}))]);
    both((Flat { id: 1, at: P, rest }, 2), r#"{"id":1,"x":1,"y":-2,"z":{"deep":[1]}},2"#);
    both(Options { is_on: true, max_len: None }, r#"{"isOn":true}"#);
    assert_eq!(read::<Options>(r#"{"maxLen":3,"unknown":[{}]}"#).unwrap(), Options { is_on: false, max_len: Some(3) });
}

#[test]
fn text_of_one_value() {
    let text = r#"{"a": [1, 2.50]},"x""#;
    let (raw, x): (Box<RawValue>, String) = read(text).unwrap();
    assert_eq!((raw.get(), x.as_str()), (r#"{"a": [1, 2.50]}"#, "x"));
    assert_eq!(json(&(&raw, x)), text);
    let inside: HashMap<String, Box<RawValue>> = read(text).unwrap();
    assert_eq!(inside["a"].get(), "[1, 2.50]");
}

#[test]
fn as_javascript_reads_arguments() {
    // A missing argument is null.
    assert_eq!(read::<(u8, Option<u8>, Option<String>)>("1").unwrap(), (1, None, None));
    assert_eq!(read::<Option<u8>>("").unwrap(), None);
    assert_eq!(read::<(Value, ())>("").unwrap(), (Value::Null, ()));
    assert_eq!(read::<Untagged>(" ").unwrap(), Untagged::None);
    // Arguments that are left over are ignored.
    assert_eq!(read::<u8>("1,\"a\",{}").unwrap(), 1);
    assert_eq!(read::<(u8, String)>("1 , \"a\" , {} ").unwrap(), (1, "a".into()));
    assert_eq!(read::<(Vec<u8>,)>("[1,2],3").unwrap(), (vec![1, 2],));
}

#[test]
fn escaped_text() {
    both((String::from("\u{1f600}\\"), BTreeMap::from([("a\"b".to_owned(), 1)])), r#""😀\\",{"a\"b":1}"#);
    assert_eq!(
        read::<(String, Point)>(r#""\ud83d\ude00",{"\u0078":1,"y":2}"#).unwrap(),
        ("😀".into(), Point { x: 1, y: 2 })
    );
    assert_eq!(json(&(f64::NAN, f32::INFINITY)), "null,null");
}

#[test]
fn deep_values() {
    let text = "[".repeat(64) + &"]".repeat(64);
    assert_eq!(json(&read::<Value>(&text).unwrap()), text);
}
