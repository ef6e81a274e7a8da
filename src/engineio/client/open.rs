//! What a server's first answer says.

use super::Id;
use crate::{
    bytes::decimal,
    json::{Kind, Value},
};

/// The payload of an open packet (Engine.IO protocol, "Handshake").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Open {
    /// `pingInterval` and `pingTimeout` together, in milliseconds.
    pub(super) patience: u32,
    pub(super) max_payload: u32,
    pub(super) offers_websocket: bool,
}

/// What a server that names no `maxPayload` accepts: the default of the JavaScript server, in bytes.
const MAX_PAYLOAD: u32 = 1_000_000;

impl Open {
    /// Puts the `sid` into `id`, which is moved nowhere: it is 65 bytes. `None` without a usable `sid`, `pingInterval` or `pingTimeout`.
    pub(super) fn parse(json: &[u8], id: &mut Id) -> Option<Self> {
        let open = Value::parse(json).ok()?;
        let millis = |key| u32::try_from(open.get(key)?.as_u64()?).ok().filter(|&ms| ms > 0);
        // The JavaScript client too takes 0 as no limit named.
        let max_payload = open.get("maxPayload").and_then(|v| v.as_u64()).filter(|&n| n > 0);
        let patience = millis("pingInterval")?.saturating_add(millis("pingTimeout")?);
        id.set(open.get("sid")?.as_str()?)?;
        Some(Self {
            patience,
            max_payload: max_payload.map_or(MAX_PAYLOAD, |n| u32::try_from(n).unwrap_or(u32::MAX)),
            offers_websocket: open
                .get("upgrades")
                .is_some_and(|list| list.elements().any(|v| v.as_str().is_some_and(|s| s.is("websocket")))),
        })
    }
}

/// Whether the body of an answer begins like one of Engine.IO 3: a packet behind its length, as text (`96:0{`) or with the length in binary digits.
pub(super) fn is_version3(body: &[u8]) -> bool {
    let text = body.iter().position(|b| !b.is_ascii_digit()).unwrap_or_default();
    if text > 0 {
        return body.get(text..).is_some_and(|rest| rest.starts_with(b":0"));
    }
    let Some((0, digits)) = body.split_first() else { return false };
    let len = digits.iter().position(|&b| b > 9).unwrap_or_default();
    len > 0 && digits.get(len..).is_some_and(|rest| rest.starts_with(b"\xff0"))
}

/// The code of a refusal, `{"code":5,"message":"Unsupported protocol version"}`. Some servers send it as a string.
pub(super) fn refusal_code(body: &[u8]) -> Option<u64> {
    let code = Value::parse(body).ok()?.get("code")?;
    match code.kind() {
        Kind::String => decimal(code.as_str()?.as_plain()?.as_bytes()),
        _ => code.as_u64(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{format, string::String};

    fn parse(json: &[u8]) -> Option<(Id, Open)> {
        let mut id = Id::EMPTY;
        let open = Open::parse(json, &mut id);
        assert_eq!(open.is_none(), id == Id::EMPTY, "no id without the rest");
        Some((id, open?))
    }

    #[test]
    fn an_open_packet_is_read_whatever_it_has_besides() {
        let (id, open) = parse(
            br#"{"sid":"lv_VI97HAXpY6yYWAAAC","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000}"#,
        )
        .unwrap();
        assert_eq!(id.as_bytes(), b"lv_VI97HAXpY6yYWAAAC");
        assert_eq!((open.patience, open.max_payload, open.offers_websocket), (45_000, 1000, true));
        let (id, open) = parse(br#" { "pingTimeout":1,"pingInterval":4294967295,"sid":"\u0041","x":[{}]} "#).unwrap();
        assert_eq!((id.as_bytes(), open.patience), (&b"A"[..], u32::MAX));
        assert_eq!((open.max_payload, open.offers_websocket), (MAX_PAYLOAD, false));
        for (max, expected) in [("0", MAX_PAYLOAD), ("null", MAX_PAYLOAD), ("1", 1), ("99999999999", u32::MAX)] {
            let json = format!(r#"{{"sid":"a","pingInterval":1,"pingTimeout":1,"upgrades":[1],"maxPayload":{max}}}"#);
            assert_eq!(parse(json.as_bytes()).unwrap().1.max_payload, expected);
        }
    }

    #[test]
    fn an_open_packet_without_what_is_needed_is_refused() {
        let with = |sid: &str, interval: &str, timeout: &str| {
            format!(r#"{{"sid":{sid},"pingInterval":{interval},"pingTimeout":{timeout}}}"#)
        };
        let long = format!("\"{}\"", "a".repeat(65));
        for bad in [
            String::new(),
            "{}".into(),
            "[]".into(),
            "{\"sid\":\"a\",\"pingInterval\":1}".into(),
            with("\"\"", "1", "1"),
            with("1", "1", "1"),
            with("null", "1", "1"),
            with(&long, "1", "1"),
            with("\"a\"", "0", "1"),
            with("\"a\"", "1", "0"),
            with("\"a\"", "-1", "1"),
            with("\"a\"", "1", "1.5"),
            with("\"a\"", "4294967296", "1"),
            with("\"a\"", "\"1\"", "1"),
            with("\"a\"", "1", "1") + "x",
        ] {
            assert_eq!(parse(bad.as_bytes()), None, "{bad}");
        }
        assert!(parse(with(&long.replacen('a', "", 1), "1", "1").as_bytes()).is_some(), "64 bytes");
    }

    #[test]
    fn version_3_shows_in_the_first_body_or_in_a_refusal() {
        for body in [&b"96:0{\"sid\""[..], b"1:0", b"118:0{", b"\x00\x09\x06\xff0{\"sid\"", b"\x00\x01\x01\x08\xff0{"] {
            assert!(is_version3(body), "{body:?}");
        }
        for body in [
            &b""[..],
            b":0{",
            b"0{\"sid\":\"a:0\"}",
            b"96",
            b"96:",
            b"96:4",
            b"4hello:0",
            b"\x00",
            b"\x00\xff0",
            b"\x00\x01\xff4",
            b"\x01\x01\xff0",
            b"<html>",
        ] {
            assert!(!is_version3(body), "{body:?}");
        }
        assert_eq!(refusal_code(br#"{"code":5,"message":"Unsupported protocol version"}"#), Some(5));
        assert_eq!(refusal_code(br#"{"code":"1","message":""}"#), Some(1));
        for none in [&b""[..], b"{}", b"<html>", br#"{"code":null}"#, br#"{"code":"x"}"#] {
            assert_eq!(refusal_code(none), None);
        }
    }
}
