//! Arguments as they are on the wire.

use super::{encode, json, read, read_with, write};
use crate::args::Raw;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

const A: Bytes = Bytes::from_static(b"a");
const B: Bytes = Bytes::from_static(b"b");
const C: Bytes = Bytes::from_static(b"c");

fn raw(json: &str, files: &[Bytes]) -> Raw {
    Raw { json: Bytes::copy_from_slice(json.as_bytes()), files: files.to_vec() }
}

fn place(number: usize) -> String {
    format!("{{\"_placeholder\":true,\"num\":{number}}}")
}

#[test]
fn alone_it_is_everything_as_it_is() {
    for (text, files) in [("", vec![]), (r#"1, {"a" : 1e5}"#, vec![]), (&place(1), vec![A, B])] {
        let all = raw(text, &files);
        assert_eq!(read_with::<Raw>(text, &files).unwrap(), all);
        assert_eq!(write(&all).unwrap(), (text.to_owned(), files.clone()));
        assert_eq!(write(&Box::new(&all)).unwrap(), (text.to_owned(), files));
    }
    // Attachments are shared.
    let big = raw(&place(0), &[vec![7; 1000].into()]);
    assert_eq!(write(&big).unwrap().1[0].as_ptr(), big.files[0].as_ptr());
}

#[test]
fn in_a_tuple_it_is_some_arguments() {
    assert_eq!(json(&(raw("", &[]), 1, raw("", &[]), raw("2,3", &[]), raw(" ", &[]))), "1,2,3");
    assert_eq!(json(&(raw("", &[]), raw("", &[]))), "");
    let (first, rest): (u8, Raw) = read(r#"1 , "a" , [2]"#).unwrap();
    assert_eq!((first, rest), (1, raw(r#""a" , [2]"#, &[])));
    assert_eq!(read::<(u8, Raw)>("1").unwrap(), (1, Raw::default()));
    assert_eq!(read::<(Raw,)>("1,2").unwrap(), (raw("1,2", &[]),));
}

#[test]
fn placeholders_are_renumbered_beside_other_attachments() {
    let rest = raw(&format!(r#"[{{"x":{}}},"_placeholder"],{},{}"#, place(1), place(0), place(1)), &[B, C]);
    let (text, files) = write(&(A, &rest, A)).unwrap();
    let expected =
        format!(r#"{},[{{"x":{}}},"_placeholder"],{},{},{}"#, place(0), place(1), place(2), place(1), place(3));
    assert_eq!((text.as_str(), files.as_slice()), (expected.as_str(), &[A, C, B, A][..]));
    // The end of a tuple has its own attachments only, numbered from 0.
    let (first, tail): (Bytes, Raw) = read_with(&text, &files).unwrap();
    let expected = format!(r#"[{{"x":{}}},"_placeholder"],{},{},{}"#, place(0), place(1), place(0), place(2));
    assert_eq!((first, tail), (A, raw(&expected, &[C, B, A])));
}

#[test]
fn elsewhere_it_is_refused() {
    #[derive(Serialize, Deserialize, Debug)]
    struct Holder {
        raw: Raw,
    }
    let misplaced = "`Raw` stands for whole arguments: take it alone or as the last element of the tuple of arguments, emit it alone or as an \
                     element of this tuple";
    let error = write(&(1, Holder { raw: raw("1", &[]) })).unwrap_err();
    assert_eq!(error.to_string(), format!("argument 2: {misplaced}"));
    assert!(write(&Some(raw("1", &[]))).is_err());
    assert!(write(&vec![raw("1", &[])]).is_err());
    let error = serde_json::to_string(&raw("1", &[])).unwrap_err();
    assert_eq!(error.to_string(), misplaced);
    let error = read::<(u8, Holder)>(r#"1,{"raw":1}"#).unwrap_err();
    assert_eq!(error.to_string(), format!("argument 2, field `raw`: {misplaced}"));
    assert!(read::<Option<Raw>>("1").is_err());
    let error = read::<(Raw, u8)>("1,2").unwrap_err();
    let first = "argument 1: `Raw` takes all arguments that are left: it must be the last element of the tuple";
    assert_eq!(error.to_string(), first);
    assert!(serde_json::from_str::<Raw>("1").is_err());
    // A refusal leaves nothing behind.
    assert_eq!(json(&raw("1", &[])), "1");
}

#[test]
fn invalid_text_beside_other_attachments() {
    for text in ["[1", "1,,2", &place(2)] {
        let error = write(&(A, raw(text, &[B]))).unwrap_err();
        let expected =
            "argument 2: raw arguments that are not valid JSON, or with a placeholder that has no attachment";
        assert_eq!(error.to_string(), expected);
    }
}

#[test]
fn text_that_is_invalid_is_an_error_to_read() {
    for text in ["[1", "1 2", "1;2", "\"", "{\"a\":}", "\u{7f}"] {
        assert!(raw(text, &[]).parse::<(serde_json::Value, serde_json::Value)>().is_err(), "{text}");
    }
}

#[test]
fn too_many_attachments() {
    let six = raw(&place(0), &[A, A, A, A, A, A]);
    assert_eq!(write(&(A, &six)).unwrap().1.len(), 2);
    let used = raw(&(0..6).map(place).collect::<Vec<_>>().join(","), &[A, A, A, A, A, A]);
    let (mut text, mut files) = (b"x".to_vec(), vec![C]);
    let error = encode(&(&used, B, &used), &mut text, &mut files).unwrap_err();
    assert_eq!(error.argument(), Some(3));
    assert_eq!((text.as_slice(), files.as_slice()), (&b"x"[..], &[C][..]));
    assert!(write(&raw("1", &vec![A; 11])).is_err());
}
