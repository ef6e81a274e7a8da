//! What is written is read again as it was.

use super::{read_with, write};
use bytes::Bytes;
use proptest::{collection, option, prelude::*};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

#[derive(Serialize, Deserialize, Debug, PartialEq, Clone)]
enum Node {
    Empty,
    Number(i64),
    Text(String),
    Data(Bytes),
    List(Vec<Node>),
    Named { name: Option<String>, inner: Box<Node> },
    Map(BTreeMap<String, Node>),
}

fn node() -> impl Strategy<Value = Node> {
    let leaf = prop_oneof![
        Just(Node::Empty),
        any::<i64>().prop_map(Node::Number),
        ".{0,8}".prop_map(Node::Text),
        collection::vec(any::<u8>(), 0..4).prop_map(|v| Node::Data(v.into())),
    ];
    leaf.prop_recursive(4, 10, 4, |inner| {
        prop_oneof![
            collection::vec(inner.clone(), 0..4).prop_map(Node::List),
            (option::of(".{0,4}"), inner.clone())
                .prop_map(|(name, inner)| Node::Named { name, inner: Box::new(inner) }),
            collection::btree_map(".{0,4}", inner, 0..4).prop_map(Node::Map),
        ]
    })
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            collection::btree_map("num|x|.{0,3}", inner, 0..4).prop_map(|map| map.into_iter().collect()),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn typed(args in (node(), any::<u32>(), node())) {
        // More than ten binary values are refused.
        if let Ok((text, files)) = write(&args) {
            prop_assert_eq!(&read_with::<(Node, u32, Node)>(&text, &files).unwrap(), &args);
            // The text is that of serde_json, if there are no attachments.
            if files.is_empty() {
                prop_assert_eq!(format!("[{text}]"), serde_json::to_string(&args).unwrap());
            }
        }
    }

    #[test]
    fn untyped_beside_binary_values(first in value(), file in collection::vec(any::<u8>(), 0..4), last in value()) {
        let args = (first, Bytes::from(file), last);
        let (text, files) = write(&args).unwrap();
        prop_assert_eq!(read_with::<(Value, Bytes, Value)>(&text, &files).unwrap(), args);
    }

    #[test]
    fn any_text_is_a_value_or_an_error(text in ".{0,24}", file in any::<bool>()) {
        let files = if file { vec![Bytes::from_static(b"x")] } else { vec![] };
        _ = read_with::<(Node, Option<Value>, Bytes)>(&text, &files);
    }
}
