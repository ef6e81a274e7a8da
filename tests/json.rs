//! The JSON scanner against serde_json, and the laws of strings and elements.

use proptest::prelude::*;
use sansocket::{
    bytes::Writer,
    json::{Array, DEPTH, Elements, ErrorKind, Kind, Raw, Value, write_str},
    socketio::{Packet, PeerError},
};

/// Nothing but the depth of nesting sets the two apart on texts that are UTF-8: lone surrogates are refused by both.
fn serde_takes(text: &str) -> bool {
    serde_json::from_str::<Box<serde_json::value::RawValue>>(text).is_ok()
        && serde_json::from_str::<serde_json::Value>(text).map_or_else(
            // A number that no float holds is good JSON.
            |e| e.to_string().starts_with("number out of range"),
            |_| true,
        )
}

fn json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        Just("-0.5e+7".to_owned()),
        any::<i64>().prop_map(|n| n.to_string()),
        any::<String>().prop_map(|s| serde_json::to_string(&s).unwrap()),
        Just(r#""\u00e9\ud83e\udd80\n\/""#.to_owned()),
    ];
    leaf.prop_recursive(5, 60, 5, |inner| {
        let blank = || prop_oneof![Just(""), Just(" "), Just("\n\t")];
        prop_oneof![
            (proptest::collection::vec(inner.clone(), 0..5), blank())
                .prop_map(|(all, b)| format!("[{b}{}{b}]", all.join(&format!("{b},{b}")))),
            (proptest::collection::vec((any::<String>(), inner), 0..4), blank()).prop_map(|(all, b)| {
                let all: Vec<_> =
                    all.iter().map(|(k, v)| format!("{}{b}:{b}{v}", serde_json::to_string(k).unwrap())).collect();
                format!("{{{b}{}{b}}}", all.join(&format!("{b},{b}")))
            }),
        ]
    })
}

/// One byte changed, removed, doubled, or the text cut.
fn mutate(text: &str, at: usize, how: u8, with: char) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    let at = at % chars.len().max(1);
    match how % 4 {
        0 => chars[at] = with,
        1 => drop(chars.remove(at)),
        2 => chars.insert(at, chars[at]),
        _ => chars.truncate(at),
    }
    chars.into_iter().collect()
}

proptest! {
    #[test]
    fn takes_what_serde_json_takes(text in json(), at in any::<usize>(), how in any::<u8>(), with in "[\\[\\]{},:\"\\\\0-9eE.+tfn \u{1}ué-]") {
        prop_assert!(Value::parse(text.as_bytes()).is_ok(), "{text}");
        let mutated = mutate(&text, at, how, with.chars().next().unwrap());
        prop_assert_eq!(Value::parse(mutated.as_bytes()).is_ok(), serde_takes(&mutated), "{}", mutated);
    }

    #[test]
    fn elements_joined_are_the_array(all in proptest::collection::vec(json(), 0..6)) {
        let text = format!("[{}]", all.join(","));
        let array = Array::parse(text.as_bytes()).unwrap();
        let raw: Vec<_> = array.elements().map(|v| String::from_utf8(v.raw().to_vec()).unwrap()).collect();
        prop_assert_eq!(&raw, &all);
        prop_assert_eq!(array.first().map(|v| v.raw()), all.first().map(|s| s.as_bytes()));
        prop_assert_eq!(array.rest().count(), all.len().saturating_sub(1));
        prop_assert!(Raw::new(array.elements().raw()).is_ok());
        for (value, text) in array.elements().zip(&all) {
            let expected: serde_json::Value = serde_json::from_str(text).unwrap();
            prop_assert_eq!(value.elements().count(), expected.as_array().map_or(0, Vec::len));
            prop_assert_eq!(value.kind() == Kind::Object, expected.is_object());
        }
    }

    /// What is behind the first element, by the places that parsing found, is what counting finds.
    #[test]
    fn the_rest_is_all_but_the_first(all in proptest::collection::vec(json(), 0..6), blank in "[ \n]{0,2}") {
        let text = format!("{blank}[{blank}{}{blank}]{blank}", all.join(&format!("{blank},{blank}")));
        let array = Array::parse(text.as_bytes()).unwrap();
        let shown = |elements: Elements<'_>| elements.map(|e| String::from_utf8_lossy(e.raw()).into_owned()).collect::<Vec<_>>();
        let counted = shown(Value::parse(text.as_bytes()).unwrap().elements());
        prop_assert_eq!(&shown(array.elements()), &counted);
        prop_assert_eq!(shown(array.rest()), counted.get(1..).unwrap_or_default());
        prop_assert_eq!(array.first().map(|e| e.raw()), counted.first().map(String::as_bytes));
    }

    #[test]
    fn strings_are_escaped_as_serde_json_does_and_come_back(text in any::<String>(), other in any::<String>()) {
        let mut memory = vec![0; 6 * text.len() + 2];
        let mut writer = Writer::new(&mut memory);
        write_str(&mut writer, &text);
        let written = writer.finish().unwrap();
        let expected = serde_json::to_string(&text).unwrap();
        prop_assert_eq!(&*written, expected.as_bytes());
        let string = Value::parse(written).unwrap().as_str().unwrap();
        prop_assert!(string.is(&text));
        prop_assert_eq!(string.is(&other), text == other);
        prop_assert!(string.chars().eq(text.chars()));
        let mut exact = vec![0; text.len()];
        prop_assert_eq!(string.unescape_into(&mut exact), Ok(&*text));
        if !text.is_empty() {
            let short = string.unescape_into(&mut vec![0; text.len() - 1]).unwrap_err();
            prop_assert_eq!(short.needed, text.len());
        }
    }
}

/// Every good text is refused when it is cut, and at every byte of white space it is taken.
#[test]
fn prefixes_are_refused() {
    let text = r#" [ {"a\"b" : [ 1.5e-3 , "é\ud83e\udd80" , null , {} , [ ] ] } , -0 , true ] "#;
    assert!(Value::parse(text.as_bytes()).is_ok());
    for end in (0..text.trim_end().len()).filter(|&i| text.is_char_boundary(i)) {
        assert!(Value::parse(&text.as_bytes()[..end]).is_err(), "{}", &text[..end]);
    }
}

#[test]
fn what_lax_parsers_take_is_refused() {
    for text in [
        "",
        " ",
        "01",
        "-",
        "1.",
        ".5",
        "+1",
        "1e",
        "1e+",
        "0x1",
        "NaN",
        "tru",
        "truee",
        "[1,]",
        "[,1]",
        "[1 2]",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{a:1}",
        "{1:1}",
        "[1}",
        "{\"a\":1]",
        "]",
        "\"",
        "\"\\\"",
        "\"\\x\"",
        "\"\\u12g4\"",
        "\"\u{1}\"",
        "\"\\ud800\"",
        "\"\\udc00\"",
        "\"\\ud800\\u0041\"",
        "\"a\" x",
        "1 1",
        "[]]",
        "'a'",
        "\u{feff}1",
    ] {
        assert!(Value::parse(text.as_bytes()).is_err(), "{text:?}");
        assert!(!serde_takes(text), "{text:?}");
    }
    for text in ["", " ", "1", "1 , \"a\"", "[],{}"] {
        assert!(Raw::new(text.as_bytes()).is_ok(), "{text:?}");
    }
    for text in [",", "1,", ",1", "1 2", "1]", "[1"] {
        assert!(Raw::new(text.as_bytes()).is_err(), "{text:?}");
    }
}

#[test]
fn depth_is_limited_without_recursion() {
    for (open, close) in ["[]", "{}"].map(|p| p.split_at(1)) {
        let nest = |n: usize| match open {
            "[" => format!("{}{}", open.repeat(n), close.repeat(n)),
            _ => format!("{}{}{}", "{\"a\":".repeat(n - 1), "{}", close.repeat(n - 1)),
        };
        let deepest = usize::from(DEPTH);
        assert!(Value::parse(nest(deepest).as_bytes()).is_ok());
        assert_eq!(Value::parse(nest(deepest + 1).as_bytes()).unwrap_err().kind, ErrorKind::Depth);
        assert_eq!(Value::parse(nest(100_000).as_bytes()).unwrap_err().kind, ErrorKind::Depth);
    }
}

/// The same bytes with a backslash are another string.
#[test]
fn strings_are_compared_unescaped_whatever_their_length() {
    let newline = Value::parse(br#""\n""#).unwrap().as_str().unwrap();
    assert!(newline.is("\n") && !newline.is("\\n"));
    let object = Value::parse(br#"{"\n":1,"\\n":2}"#).unwrap();
    assert_eq!(object.get("\\n").and_then(|v| v.as_u64()), Some(2));
    let packet = Packet::parse(br#"2["\n"]"#).unwrap();
    let Packet::Event { payload, .. } = packet else { panic!() };
    assert!(payload.first().and_then(|name| name.as_str()).is_some_and(|name| !name.is("\\n")));
}

/// Recognised at one look in packets, and a level all the same.
#[test]
fn a_placeholder_is_as_deep_as_any_object() {
    let packet = |inside: &str| format!("2[\"x\",{inside}]");
    let nested = |levels: usize| {
        packet(&format!("{}{{\"_placeholder\":true,\"num\":0}}{}", "[".repeat(levels), "]".repeat(levels)))
    };
    assert!(Packet::parse(nested(62).as_bytes()).is_ok());
    let Err(PeerError::Json(error)) = Packet::parse(nested(63).as_bytes()).map(drop) else { panic!() };
    assert_eq!((error.kind, error.at), (ErrorKind::Depth, 5 + 63));
    for spoilt in
        ["{\"_placeholder\":true,\"num\":0", "{\"_placeholder\":true,\"num\":0]", "{\"_placeholder\":true,\"num\":00}"]
    {
        assert!(Packet::parse(packet(spoilt).as_bytes()).is_err(), "{spoilt}");
    }
}
