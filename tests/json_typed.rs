//! Typed JSON: reading into types and writing them.

#[path = "laws/mod.rs"]
mod laws;

use laws::typed::{Bytes, Everything, Flat, Kinds, New, NewKey, Node, Nothing, Pair, Plain, Strict, Tagged, Untagged};
use proptest::{
    collection::{btree_map, hash_map, vec},
    prelude::*,
    sample::select,
};
use sansocket::{
    bytes::{Capacity, Writer},
    engineio::{self, Message},
    json::{Args, DeserializeErrorKind, Json, SerializeErrorKind, Value},
    socketio::{self, AckSlot, Namespace, SendError, server::Session},
    time::Instant,
    ws::Out,
};
use serde::{Deserialize, Serialize, Serializer};
use std::collections::{BTreeMap, HashMap};

fn value(text: &str) -> Value<'_> {
    Value::parse(text.as_bytes()).unwrap()
}

fn written(args: &impl Args) -> String {
    let mut memory = [0; 512];
    let mut out = Writer::new(&mut memory);
    args.write(&mut out).unwrap();
    String::from_utf8(out.finish().unwrap().to_vec()).unwrap()
}

fn finite() -> impl Strategy<Value = f64> {
    prop_oneof![any::<f64>().prop_filter("finite", |f| f.is_finite()), (-1000..1000).prop_map(|n| f64::from(n) / 8.0)]
}

fn kinds() -> impl Strategy<Value = Kinds> {
    prop_oneof![
        Just(Kinds::Unit),
        any::<i64>().prop_map(Kinds::New),
        any::<(u8, String)>().prop_map(|(n, text)| Kinds::Tuple(n, text)),
        any::<(bool, Option<char>)>().prop_map(|(a, b)| Kinds::Struct { a, b }),
    ]
}

fn untagged() -> impl Strategy<Value = Untagged> {
    let leaf = prop_oneof![
        any::<i32>().prop_map(Untagged::Number),
        any::<String>().prop_map(Untagged::Text),
        any::<String>().prop_map(|name| Untagged::Named { name }),
        Just(Untagged::Float(0.5)),
    ];
    leaf.prop_recursive(3, 10, 3, |inner| vec(inner, 0..3).prop_map(Untagged::List))
}

fn node() -> impl Strategy<Value = Node> {
    let leaf = finite().prop_map(|n| Node { n, more: vec![] });
    leaf.prop_recursive(4, 12, 3, |inner| (finite(), vec(inner, 0..3)).prop_map(|(n, more)| Node { n, more }))
}

fn everything() -> impl Strategy<Value = Everything> {
    let pair = any::<Option<(i8, char)>>().prop_map(|p| p.map(|(n, c)| Pair(n, (c, None))));
    let plain = select(vec![Plain::Unit, Plain::Escaped]);
    let tagged =
        prop_oneof![Just(Some(Tagged::Unit)), any::<u32>().prop_map(|n| Some(Tagged::Struct { n })), Just(None)];
    let small = any::<f32>().prop_filter("finite", |f| f.is_finite());
    let maps = (
        btree_map(any::<String>(), vec(kinds(), 0..3), 0..3),
        btree_map(any::<u64>(), untagged(), 0..3),
        btree_map(any::<i8>(), pair, 0..3),
        btree_map(any::<i128>(), any::<u128>(), 0..3),
        btree_map(any::<bool>(), small, 0..3),
        btree_map(any::<char>(), any::<char>(), 0..3),
        btree_map(plain, vec(any::<u8>(), 0..9).prop_map(Bytes), 0..3),
        btree_map(any::<u64>().prop_map(NewKey), any::<u16>().prop_map(New), 0..3),
    );
    let strict = any::<(String, Option<u32>)>().prop_map(|(name, n)| Box::new(Strict { name, n }));
    let flat = (any::<String>(), hash_map("x.{0,3}", any::<i32>().prop_map(serde_json::Value::from), 0..3))
        .prop_map(|(name, more)| Flat { name, more });
    let rest = (node(), tagged, strict, flat, any::<i16>(), finite());
    (maps, rest).prop_map(|(m, (nodes, tagged, strict, flat, n, f))| Everything {
        strings: m.0,
        unsigned: m.1,
        signed: m.2,
        wide: m.3,
        bools: m.4,
        chars: m.5,
        variants: m.6,
        news: m.7,
        nodes,
        tagged,
        strict,
        flat,
        nothing: (Nothing, (), n, f),
    })
}

/// Values whose strings and keys are those that the types of the law look for.
fn texts() -> impl Strategy<Value = String> {
    let scalar = || {
        prop_oneof![
            select(vec![
                "null",
                "true",
                "false",
                "0",
                "1",
                "-1",
                "255",
                "256",
                "1.0",
                "-0.5",
                "1e2",
                "1e999",
                "-128",
                "-129",
                "4294967296",
                "18446744073709551615",
                "18446744073709551616",
                "-9223372036854775808",
                "-9223372036854775809",
                "340282366920938463463374607431768211456",
                "123456789012345678901234567890e-10",
                "1e-400",
            ])
            .prop_map(str::to_owned),
            key(),
            any::<i64>().prop_map(|n| n.to_string()),
            finite().prop_map(|f| serde_json::to_string(&f).unwrap()),
        ]
    };
    scalar().prop_recursive(4, 20, 4, move |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(|all| format!("[{}]", all.join(", "))),
            vec((key(), inner), 0..4).prop_map(|all| {
                let all: Vec<_> = all.into_iter().map(|(k, v)| format!("{k} :{v}")).collect();
                format!("{{{}}}", all.join(" ,"))
            }),
        ]
    })
}

fn key() -> impl Strategy<Value = String> {
    let known = vec![
        r#""name""#,
        r#""na\u006de""#,
        r#""n""#,
        r#""a""#,
        r#""b""#,
        r#""more""#,
        r#""Unit""#,
        r#""New""#,
        r#""Tuple""#,
        r#""Struct""#,
        r#""1""#,
        r#""01""#,
        r#""-7""#,
        r#"" 1""#,
        r#""1.0""#,
        r#""1e2""#,
        r#""300""#,
        r#""true""#,
        r#""false""#,
        r#""\u0031""#,
        r#""a\"\n""#,
        r#""\ud83d\ude00""#,
        r#""é""#,
        r#""""#,
        r#""-""#,
        r#""123456789012345678901234567890""#,
    ];
    prop_oneof![3 => select(known).prop_map(str::to_owned), 1 => any::<String>().prop_map(|s| serde_json::to_string(&s).unwrap())]
}

proptest! {
    #[test]
    fn what_is_written_comes_back(all in everything()) {
        laws::typed::written(&all);
    }

    #[test]
    fn values_are_read_as_serde_json_reads_them(text in texts()) {
        laws::typed::typed(value(&text));
    }

    /// One number, string or bracket of a good text becomes another value.
    #[test]
    fn values_that_nearly_fit_are_read_as_serde_json_reads_them(all in everything(), at: usize, other in texts()) {
        let text = serde_json::to_string(&all).unwrap();
        let colons: Vec<usize> = text.match_indices(':').map(|m| m.0 + 1).collect();
        let from = colons[at % colons.len()];
        let end = (from + 1..=text.len()).find(|&end| text.is_char_boundary(end) && Value::parse(&text.as_bytes()[from..end]).is_ok());
        let Some(end) = end else { return Ok(()) };
        let text = format!("{}{other}{}", &text[..from], &text[end..]);
        if let Ok(value) = Value::parse(text.as_bytes()) {
            laws::typed::typed(value);
        }
    }
}

/// serde-json-core panicked on such maps.
#[test]
fn a_map_of_strangers_is_read() {
    let counts = HashMap::from([("a".to_owned(), 1_u32), ("b\"".to_owned(), 2)]);
    assert_eq!(value(r#"{"a":1,"b\"":2}"#).deserialize::<HashMap<String, u32>>(&mut [0; 16]), Ok(counts));
    assert_eq!(value(r#"{"7":"x"}"#).deserialize::<BTreeMap<u8, &str>>(&mut []), Ok(BTreeMap::from([(7, "x")])));
    assert_eq!(value(r#"{"true":1}"#).deserialize::<BTreeMap<bool, u8>>(&mut []), Ok(BTreeMap::from([(true, 1)])));
    assert_eq!(value(r#"{"\u00e9":1}"#).deserialize::<BTreeMap<char, u8>>(&mut [0; 2]), Ok(BTreeMap::from([('é', 1)])));
    let error = value(r#"{"7":1,"x":2}"#).deserialize::<BTreeMap<u8, u8>>(&mut []).unwrap_err();
    assert_eq!((error.kind, error.at), (DeserializeErrorKind::Type, 7));
}

struct Raw;

impl Serialize for Raw {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(b"1],\"x\":\xff")
    }
}

/// Keys stood without quotes, bytes as they were, and `char` and tuple variants panicked.
#[test]
fn whatever_serde_has_is_written_as_valid_json() {
    assert_eq!(written(&Json(BTreeMap::from([(1_u32, "a")]))), r#"{"1":"a"}"#);
    assert_eq!(written(&Json(BTreeMap::from([(true, 'x')]))), r#"{"true":"x"}"#);
    assert_eq!(written(&Json(BTreeMap::from([(Some('"'), ())]))), r#"{"\"":null}"#);
    assert_eq!(written(&Json(Raw)), "[49,93,44,34,120,34,58,255]");
    assert_eq!(written(&Json(Kinds::Tuple(1, "é\n".into()))), r#"{"Tuple":[1,"é\n"]}"#);
    assert_eq!(
        written(&Json((f64::NAN, f32::INFINITY, -0.0, 1e300, 5e-324, 0.1_f32))),
        "[null,null,-0.0,1e300,5e-324,0.1]"
    );
    assert_eq!(written(&Json((i128::MIN, u128::MAX, i64::MIN))), format!("[{},{},{}]", i128::MIN, u128::MAX, i64::MIN));
    assert_eq!(written(&Json(format_args!("{}\"{}", 1, '\n'))), r#""1\"\n""#);
}

#[derive(Serialize)]
struct Outer {
    fine: u8,
    inner: Inner,
}

#[derive(Serialize)]
struct Inner {
    keys: BTreeMap<(u8, u8), u8>,
}

/// What has no form in JSON is an error with its field, and nothing is written.
#[test]
fn what_json_does_not_have_is_an_error() {
    let outer = Outer { fine: 1, inner: Inner { keys: BTreeMap::from([((1, 2), 3)]) } };
    let error = Json(&outer).write(&mut Writer::new(&mut [0; 99])).unwrap_err();
    assert_eq!((error.kind, error.field), (SerializeErrorKind::Key, Some("keys")));
    assert_eq!(error.to_string(), "map key that cannot be written as a JSON string in field `keys`");
    for none in [Json(BTreeMap::from([(None::<u8>, 1)])), Json(BTreeMap::new())] {
        assert_eq!(none.write(&mut Writer::new(&mut [])).is_ok(), none.0.is_empty());
    }
    let cell = std::cell::RefCell::new(1);
    let _lent = cell.borrow_mut();
    assert_eq!(Json(&cell).write(&mut Writer::new(&mut [])).unwrap_err().kind, SerializeErrorKind::Custom);

    let mut memory = [0; 256];
    for size in [0, 8, 256] {
        let mut out = Out::stored(&mut memory[..size]);
        let sent = socketio::server::broadcast(&["/"], Namespace(0), "x", &(1, Json(&outer)), None, &mut out);
        assert_eq!(sent, Err(SendError::Serialize(error)));
        assert!(out.is_empty());
    }
}

/// As Python's `json.dumps` writes every emoji.
#[test]
fn escaped_surrogate_pairs_are_read() {
    #[derive(Debug, Deserialize, PartialEq)]
    struct Said<'a> {
        text: &'a str,
        n: u8,
    }
    let text = value(r#"{"ignored":["\ud83d\ude00"],"\ud83d\ude00":0,"n":1,"text":"\ud83d\ude00\u0021"}"#);
    assert_eq!(text.deserialize::<Said<'_>>(&mut [0; 16]), Ok(Said { text: "😀!", n: 1 }));
    assert_eq!(value(r#""\ud83d\ude00""#).deserialize::<char>(&mut [0; 4]), Ok('😀'));
}

/// Escaped strings stay in the memory that was lent, and so the value may have many; the length of the value is always enough.
#[test]
fn strings_borrow_from_the_value_or_from_the_memory() {
    let texts = value(r#"["plain","a \"quote\"","","\u00e9","\n\n"]"#);
    let expected = ["plain", "a \"quote\"", "", "é", "\n\n"];
    let least = 9 + 2 + 2;
    for size in 0..=texts.raw().len() {
        let mut memory = vec![0; size];
        let read = texts.deserialize::<Vec<&str>>(&mut memory);
        if size < least {
            let Err(e) = read else { panic!("{size}") };
            assert_eq!(e.kind, DeserializeErrorKind::Capacity(Capacity { needed: texts.raw().len(), available: size }));
        } else {
            assert_eq!(read.unwrap(), expected);
        }
    }
    // Who copies a string leaves the memory to the next one.
    assert_eq!(texts.deserialize::<Vec<String>>(&mut [0; 9]).unwrap(), expected);
}

#[test]
fn a_string_that_is_no_utf8_is_refused_and_the_others_are_read() {
    let texts = Value::parse(b"[\"a\",\"\xff\"]").unwrap();
    assert_eq!(texts.deserialize::<(&str, serde::de::IgnoredAny)>(&mut []).unwrap().0, "a");
    let error = texts.deserialize::<(&str, &str)>(&mut []).unwrap_err();
    assert_eq!((error.kind, error.at), (DeserializeErrorKind::Type, 5));
}

#[test]
fn numbers_are_exact_or_an_error() {
    use DeserializeErrorKind::{Type, Value};
    let error = |text, kind| assert_eq!(value(text).deserialize::<f64>(&mut []).unwrap_err().kind, kind, "{text}");
    error("null", Type);
    error("1e999", Value);
    error("\"1\"", Type);
    assert_eq!(value("1e39").deserialize::<f32>(&mut []).unwrap_err().kind, Value);
    assert_eq!(value("0.1").deserialize::<f32>(&mut []), Ok(0.1));
    assert_eq!(value("-0").deserialize::<f64>(&mut []).map(f64::to_bits), Ok((-0.0_f64).to_bits()));
    assert_eq!(value("-0").deserialize::<u8>(&mut []), Ok(0));
    assert_eq!(value("300").deserialize::<u8>(&mut []).unwrap_err().kind, Value);
    assert_eq!(value("18446744073709551616").deserialize::<u64>(&mut []).unwrap_err().kind, Value);
    assert_eq!(value("1.0").deserialize::<u64>(&mut []).unwrap_err().kind, Type);
    assert_eq!([value("-1").as_u64(), value("-0").as_u64(), value("7").as_u64()], [None, None, Some(7)]);
    assert_eq!(
        [value("-1").as_i64(), value("-0").as_i64(), value("9223372036854775808").as_i64()],
        [Some(-1), Some(0), None]
    );
    assert_eq!([value("1e999").as_f64(), value("-2").as_f64(), value("\"2\"").as_f64()], [None, Some(-2.0), None]);
}

#[test]
fn errors_say_where_and_which_field() {
    let failed = |text: &'static str| {
        let error = value(text).deserialize::<(Strict, u8)>(&mut [0; 64]).unwrap_err();
        (error.kind, error.at)
    };
    use DeserializeErrorKind::{DuplicateField, Length, MissingField, Type, UnknownField};
    assert_eq!(failed(r#"[{"n":1},2]"#), (MissingField("name"), 1));
    assert_eq!(failed(r#"[{"name":"a","name":"b"},2]"#), (DuplicateField("name"), 1));
    assert_eq!(failed(r#"[{"name":"a","\u0078":1},2]"#), (UnknownField, 13));
    assert_eq!(failed(r#"[{"name":"a", "n": "1"},2]"#), (Type, 19));
    assert_eq!(failed(r#"[{"name":"a"},2,3]"#), (Length, 15));
    assert_eq!(failed(r#"[{"name":"a"}]"#), (Length, 0));
    let error = value(r#"[{"n":1}]"#).deserialize::<(Strict,)>(&mut []).unwrap_err();
    assert_eq!(error.to_string(), "JSON object lacks the field `name` at byte 1");
}

/// The stack is bounded by the type and the depth of what was parsed.
#[test]
fn what_is_ignored_is_skipped_at_once() {
    let deep = format!("{{\"x\":{}{},\"name\":\"a\"}}", "[".repeat(63), "]".repeat(63));
    #[derive(Debug, Deserialize, PartialEq)]
    struct Name {
        name: String,
    }
    assert_eq!(value(&deep).deserialize::<Name>(&mut []), Ok(Name { name: "a".into() }));
    // The parser looks at no UTF-8, and neither invents any.
    let bad = Value::parse(b"[\"\xff\",\"\\n\xff\"]").unwrap();
    assert_eq!(bad.deserialize::<Vec<String>>(&mut [0; 9]).unwrap_err().kind, DeserializeErrorKind::Type);
    assert_eq!(
        bad.elements().nth(1).unwrap().deserialize::<&str>(&mut [0; 9]).unwrap_err().kind,
        DeserializeErrorKind::Type
    );
}

#[test]
fn arguments_are_written_without_a_wrapper() {
    let pair = value(r#" {"a": [1]} "#);
    let args = ("a\"b", true, -1_i8, u64::MAX, 0.5, pair, (), (2_usize, "x"), i64::MIN);
    let args = ((args.0, args.1, args.2), (args.3, args.4, args.5), (args.6, args.7, args.8));
    assert_eq!(written(&args), r#""a\"b",true,-1,18446744073709551615,0.5,{"a": [1]},2,"x",-9223372036854775808"#);
    assert_eq!(written(&f32::NAN), "null");
}

/// The data of a refusal is one value, so no other can be sent.
#[test]
fn a_refusal_has_valid_data() {
    for (data, packet) in
        [(None, r#"44{"message":"no"}"#), (Some(value(" [1, 2] ")), r#"44{"message":"no","data":[1, 2]}"#)]
    {
        let mut io = Session::new(["/"], [AckSlot::EMPTY; 1], Instant::from_millis(9));
        io.handle_event(engineio::Event::Message(Message::Text(b"0"))).unwrap();
        let mut memory = [0; 128];
        let mut out = Out::stored(&mut memory);
        io.refuse(Namespace(0), "no", data, &mut out).unwrap();
        assert_eq!(&out.written()[2..], packet.as_bytes());
    }
}

#[test]
fn debug_shows_the_text_on_one_line() {
    let shown = value("{\"a\":\n\"\u{9b}é\\n\"}");
    assert_eq!(format!("{shown:?}"), "Value({\"a\":\\u{a}\"\\u{9b}é\\n\"})");
    assert_eq!(format!("{:?}", shown.get("a").unwrap().as_str().unwrap()), "Str(\"\\u{9b}é\\n\")");
    assert_eq!(format!("{:?}", value("[1,2]").elements()), "Elements(1,2)");
}
