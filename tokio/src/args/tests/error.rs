//! What errors say, and what they leave behind.

use super::{encode, read, write};
use crate::args::DecodeError;
use bytes::Bytes;
use serde::{Deserialize, Serialize, Serializer, de::DeserializeOwned, ser::Error};
use serde_json::json;
use std::collections::{BTreeMap, HashMap};

#[derive(Deserialize, Debug)]
#[expect(dead_code, reason = "only read")]
struct Join {
    user: User,
    #[serde(default)]
    tags: Vec<HashMap<u32, User>>,
    #[serde(default, rename = "a.b c")]
    odd: u8,
    action: Option<Action>,
}

#[derive(Deserialize, Debug)]
#[expect(dead_code, reason = "only read")]
struct User {
    age: u32,
}

#[derive(Deserialize, Debug)]
#[expect(dead_code, reason = "only read")]
enum Action {
    Stop,
    Move { to: (u8, u8) },
    Turn(i8),
}

#[test]
fn errors_go_anywhere() {
    fn any<T: std::error::Error + Send + Sync + 'static>() {}
    any::<DecodeError>();
    any::<crate::args::EncodeError>();
}

#[track_caller]
fn fails<T: DeserializeOwned + std::fmt::Debug>(text: &str, expected: &str) -> DecodeError {
    let error = read::<T>(text).unwrap_err();
    assert_eq!(error.to_string(), expected);
    error
}

#[test]
fn the_argument_and_the_path_are_named() {
    let error = fails::<(u8, Join)>(
        r#"1,{"user":{"age":"x"}}"#,
        "argument 2, field `user.age`: invalid type: string \"x\", expected u32",
    );
    assert_eq!((error.argument(), error.path(), error.is_missing()), (2, "user.age", false));
    fails::<Join>(r#"{"user":{}}"#, "argument 1, field `user`: missing field `age`");
    fails::<Join>("{}", "argument 1: missing field `user`");
    fails::<Join>("7", "argument 1: invalid type: integer `7`, expected struct Join");
    fails::<Join>(
        r#"{"user":{"age":1},"tags":[{},{"5":{"age":1},"77":{"age":-1}}]}"#,
        "argument 1, field `tags[1][77].age`: invalid value: integer `-1`, expected u32",
    );
    fails::<Join>(r#"{"a.b c":300}"#, "argument 1, field `[\"a.b c\"]`: invalid value: integer `300`, expected u8");
    fails::<Join>(r#"{"\u0075ser":null}"#, "argument 1, field `user`: invalid type: null, expected struct User");
    fails::<Join>(
        r#"{"action":{"Move":{"to":[1]}}}"#,
        "argument 1, field `action.Move.to`: invalid length 1, expected a tuple of size 2",
    );
    fails::<Join>(
        r#"{"action":{"Turn":200}}"#,
        "argument 1, field `action.Turn`: invalid value: integer `200`, expected i8",
    );
    fails::<Join>(
        r#"{"action":"Fly"}"#,
        "argument 1, field `action`: unknown variant `Fly`, expected one of `Stop`, `Move`, `Turn`",
    );
    fails::<Vec<u8>>("[1,2,null]", "argument 1, field `[2]`: invalid type: null, expected u8");
    fails::<([u8; 2], [u8; 2])>("[1,2],[3,-4]", "argument 2, field `[1]`: invalid value: integer `-4`, expected u8");
    fails::<[u8; 2]>("1,-4", "argument 2: invalid value: integer `-4`, expected u8");
}

#[test]
fn a_missing_argument_is_named() {
    let error = fails::<(u8, String)>("1", "argument 2 is missing: invalid type: null, expected a string");
    assert!(error.is_missing());
    fails::<Join>("", "argument 1 is missing: invalid type: null, expected struct Join");
    fails::<(u8, u8)>("1,null", "argument 2: invalid type: null, expected u8");
}

#[test]
fn text_of_the_peer_is_short_and_printable() {
    let long = json!({"user": {"age": "\u{7}\u{1b}[31m".repeat(10_000)}}).to_string();
    let error = read::<Join>(&long).unwrap_err();
    let text = error.to_string();
    assert!(text.len() < 400 && text.ends_with('…') && !text.contains(char::is_control), "{text}");
    let long = json!({"k\n".repeat(10_000): "x"}).to_string();
    let error = read::<HashMap<String, u8>>(&long).unwrap_err();
    assert!(error.path().len() < 400 && !error.path().contains(char::is_control), "{error}");
}

#[test]
fn a_reason_that_names_a_place_keeps_it() {
    #[derive(Debug)]
    struct Never;
    impl<'de> Deserialize<'de> for Never {
        fn deserialize<D: serde::Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
            Err(serde::de::Error::custom("look at line 9 column 9 of the manual"))
        }
    }
    fails::<(u8, Vec<Never>)>("1,[[]]", "argument 2, field `[0]`: look at line 9 column 9 of the manual");
}

/// An error changes neither the text nor the attachments.
#[track_caller]
fn refused<T: Serialize>(args: &T, expected: &str) {
    let (mut text, mut files) = (b"[\"name\",".to_vec(), vec![Bytes::from_static(b"f")]);
    let error = encode(args, &mut text, &mut files).unwrap_err();
    assert_eq!(error.to_string(), expected);
    assert_eq!((text.as_slice(), files.as_slice()), (&b"[\"name\","[..], &[Bytes::from_static(b"f")][..]));
}

#[test]
fn what_cannot_be_written_changes_nothing() {
    struct Never;
    impl Serialize for Never {
        fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(S::Error::custom("no form"))
        }
    }
    let file = Bytes::from_static(b"x");
    refused(&(1, &file, BTreeMap::from([((1, 2), 3)])), "argument 3: key must be a string");
    refused(&(1, &file, vec![Never]), "argument 3: no form");
    refused(&Never, "argument 1: no form");
    let many = "more than 10 binary values in one packet: clients accept no more";
    refused(&(1, vec![&file; 10]), &format!("argument 2: {many}"));
    refused(&vec![&file; 10], &format!("argument 1: {many}"));
    let (text, files) = write(&vec![&file; 10]).unwrap();
    assert_eq!((files.len(), text.matches("_placeholder").count()), (10, 10));
}

#[test]
fn values_that_look_like_placeholders() {
    // A client that receives such a number drops its connection, so whoever sets this value would cut off a whole room.
    let value = json!({"text": {"_placeholder": true, "num": 99}});
    let file = Bytes::from_static(b"x");
    let expected = "a value has the key `_placeholder`, which stands for binary values: rename it, or emit it without binary values";
    refused(&(&value, &file), expected);
    assert_eq!(write(&(&value, &file)).unwrap_err().argument(), None);
    write(&value).unwrap();
    // The same characters in a string, or in another key, are harmless.
    let value = json!(["_placeholder", "\"_placeholder\":", {"x_placeholder": 1, "_placeholder_": "_"}]);
    write(&(&value, &file)).unwrap();
}
