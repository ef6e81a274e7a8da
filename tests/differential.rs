//! Our packet decoder beside npm's `socket.io-parser`, in one long-lived Node process: what differs is on the list in
//! `tests/interop/differential.js`; and our reader of payloads beside its `engine.io-parser`. Needs Node: `cargo test --release --test differential -- --ignored`; `CASES` says how many.

mod support;

use sansocket::{
    engineio::{Packet as Packet4, Packets},
    socketio::Packet,
};
use serde_json::json;
use std::{
    io::{BufWriter, Write},
    process::{Command, Stdio},
};
use support::Random;

#[test]
#[ignore = "needs Node and its packages"]
fn what_differs_from_the_reference_is_on_the_list() {
    let cases: usize = std::env::var("CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(1_000_000);
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/interop/differential.js");
    let mut node = Command::new("node").arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufWriter::new(node.stdin.take().unwrap());
    let mut random = Random(std::env::var("SEED").ok().and_then(|n| n.parse().ok()).unwrap_or(1));
    for _ in 0..cases {
        let text = packet(&mut random);
        if writeln!(lines, "{}", json!([text, verdict(&text)])).is_err() {
            break;
        }
    }
    drop(lines);
    let output = node.wait_with_output().unwrap();
    println!("{}", String::from_utf8_lossy(&output.stdout));
    assert!(output.status.success(), "differences that are not on the list");
}

/// What we make of it; null if we refuse it.
fn verdict(text: &str) -> serde_json::Value {
    let string = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let of = |kind: u8, namespace: &[u8], id: Option<u64>, attachments: u8, data: Option<String>| {
        let kind = if attachments > 0 { kind + 3 } else { kind };
        let (namespace, id) = (string(namespace), id.map(|n| n.to_string()));
        json!({ "type": kind, "nsp": namespace, "id": id, "attachments": attachments, "data": data })
    };
    match Packet::parse(text.as_bytes()) {
        Ok(Packet::Connect { namespace, payload }) => of(0, namespace, None, 0, payload.map(|p| string(p.raw()))),
        Ok(Packet::Disconnect { namespace }) => of(1, namespace, None, 0, None),
        Ok(Packet::Event { namespace, id, payload, attachments, .. }) => {
            of(2, namespace, id, attachments, Some(format!("[{}]", string(payload.elements().raw()))))
        }
        Ok(Packet::Ack { namespace, id, payload, attachments, .. }) => {
            of(3, namespace, Some(id), attachments, Some(format!("[{}]", string(payload.elements().raw()))))
        }
        Ok(Packet::ConnectError { namespace, payload }) => of(4, namespace, None, 0, Some(string(payload.raw()))),
        Ok(_) | Err(_) => json!(null),
    }
}

/// A packet, mostly good, and then perhaps spoilt in a place or two.
fn packet(random: &mut Random) -> String {
    let mut text = String::new();
    let kind = random.below(7);
    text.push(char::from(b'0' + kind as u8));
    if kind > 4 {
        text += pick(random, &["1-", "2-", "3-", "1-", "2-", "10-", "11-", "0-", "01-", "", "1", "1.0-", "1e0-", "-"]);
    }
    text += pick(random, &["", "", "", "/a,", "/admin,", "/,", "/a", "//x,", "/a?b=1,", "/é,"]);
    text += pick(
        random,
        &[
            "",
            "",
            "",
            "",
            "",
            "0",
            "7",
            "12",
            "5",
            "99",
            "1000",
            "007",
            "9007199254740993",
            "18446744073709551615",
            "18446744073709551616",
            " ",
            "1 ",
        ],
    );
    match kind {
        0 | 1 => text += pick(random, &["", "", "{}", r#"{"token":"x"}"#, "[]", "null", "1"]),
        4 => text += pick(random, &[r#"{"message":"x"}"#, r#""x""#, "", "{}", "[]", "1"]),
        _ => {
            let mut inside = Vec::new();
            if kind == 2 || kind == 5 {
                inside.push(
                    pick(
                        random,
                        &[r#""a""#, r#""message""#, "1", r#""connect""#, r#""""#, "null", "{}", r#""\u0063onnect""#],
                    )
                    .to_owned(),
                );
            }
            for _ in 0..random.below(4) {
                inside.push(value(random, 4));
            }
            text += &format!("[{}]", inside.join(pick(random, &[",", ",", ", ", " ,"])));
        }
    }
    for _ in 0..[0, 0, 0, 0, 1, 2][random.below(6)] {
        spoil(random, &mut text);
    }
    text
}

fn pick<'t>(random: &mut Random, from: &[&'t str]) -> &'t str {
    from[random.below(from.len())]
}

fn value(random: &mut Random, depth: usize) -> String {
    let scalars = [
        "0",
        "-1",
        "1.5",
        "1e3",
        "-0.0",
        "01",
        "1.",
        ".5",
        "+1",
        "true",
        "false",
        "null",
        "nul",
        r#""x""#,
        r#""\n\"\\""#,
        r#""\ud83e\udd80""#,
        r#""\ud800""#,
        r#""\x""#,
        r#""é""#,
        r#""_placeholder""#,
    ];
    let placeholders = [
        r#"{"_placeholder":true,"num":0}"#,
        r#"{"_placeholder":true,"num":1}"#,
        r#"{"_placeholder":true,"num":12}"#,
        r#"{"_placeholder":true,"num":"0"}"#,
        r#"{"num":0,"_placeholder":true}"#,
        r#"{"_placeholder":true}"#,
        r#"{"_placeholder":false,"num":9}"#,
        r#"{"_placeholder":true,"num":-1}"#,
        r#"{"_placeholder":true,"num":0.5}"#,
        r#"{"_placeholder":1,"num":0}"#,
        r#"{"_placeholder":true,"num":0,"x":1}"#,
        r#"{"\u005fplaceholder":true,"num":0}"#,
        r#"{"_placeholder":true,"num":0,"num":5}"#,
        r#"{"_placeholder":true,"_placeholder":false,"num":5}"#,
    ];
    match random.below(if depth == 0 { 12 } else { 20 }) {
        0..=6 => pick(random, &["0", "-1", "1.5", "1e3", "true", "null", r#""x""#, r#""é\n""#]).to_owned(),
        7..=8 => pick(random, &scalars).to_owned(),
        9..=11 => pick(random, &placeholders).to_owned(),
        12..=14 => {
            let inside: Vec<String> = (0..random.below(3)).map(|_| value(random, depth - 1)).collect();
            format!("[{}]", inside.join(","))
        }
        15..=18 => {
            let mut member = || {
                format!(
                    "{}:{}",
                    pick(random, &[r#""a""#, r#""num""#, r#""_placeholder""#, r#""__proto__x""#]),
                    value(random, depth - 1)
                )
            };
            let (one, two) = (member(), member());
            match random.below(3) {
                0 => "{}".to_owned(),
                1 => format!("{{{one}}}"),
                _ => format!("{{{one},{two}}}"),
            }
        }
        _ => {
            let n = random.below(70);
            "[".repeat(n) + "1" + &"]".repeat(n)
        }
    }
}

/// Takes a character out, puts one in, or doubles a piece.
fn spoil(random: &mut Random, text: &mut String) {
    let mut chars: Vec<char> = text.chars().collect();
    let at = random.below(chars.len() + 1);
    match random.below(4) {
        0 if at < chars.len() => drop(chars.remove(at)),
        1 => chars.insert(
            at,
            pick(random, &["0", "-", ",", "/", "[", "]", "{", "}", "\"", "\\", " ", ":", "e", ".", "\u{1e}", "\t"])
                .chars()
                .next()
                .unwrap(),
        ),
        2 => chars.truncate(at),
        _ => {
            let piece: Vec<char> = chars[at..].iter().take(random.below(6)).copied().collect();
            chars.splice(at..at, piece);
        }
    }
    *text = chars.into_iter().collect();
}

#[test]
#[ignore = "needs Node and its packages"]
fn payloads_are_read_as_the_reference_reads_them() {
    let cases: usize = std::env::var("CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(300_000);
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/interop/payloads.js");
    let mut node = Command::new("node").arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufWriter::new(node.stdin.take().unwrap());
    let mut random = Random(std::env::var("SEED").ok().and_then(|n| n.parse().ok()).unwrap_or(1));
    for _ in 0..cases {
        let payload = payload(&mut random);
        let mut body = payload.clone().into_bytes();
        let packets: Vec<serde_json::Value> = Packets::new(&mut body).map(|p| p.map_or(json!(null), shown)).collect();
        if writeln!(lines, "{}", json!([payload, packets])).is_err() {
            break;
        }
    }
    drop(lines);
    let output = node.wait_with_output().unwrap();
    println!("{}", String::from_utf8_lossy(&output.stdout));
    assert!(output.status.success(), "differences that are not on the list");
}

fn shown(packet: Packet4<'_>) -> serde_json::Value {
    let text = |digit: char, bytes: &[u8]| json!(format!("{digit}{}", String::from_utf8_lossy(bytes)));
    match packet {
        Packet4::Open(bytes) => text('0', bytes),
        Packet4::Close => text('1', b""),
        Packet4::Ping(bytes) => text('2', bytes),
        Packet4::Pong(bytes) => text('3', bytes),
        Packet4::Text(bytes) => text('4', bytes),
        Packet4::Upgrade => text('5', b""),
        Packet4::Noop => text('6', b""),
        Packet4::Binary(bytes) => json!(format!("b{}", bytes.iter().map(|b| format!("{b:02x}")).collect::<String>())),
        _ => json!(null),
    }
}

/// A payload, mostly good.
fn payload(random: &mut Random) -> String {
    const PIECES: [&str; 24] = [
        "4hello",
        "2",
        "3",
        "2probe",
        "1",
        "6",
        "5",
        "0{}",
        "4",
        "4ü🦀",
        "bAQIDBA==",
        "bAQI=",
        "b",
        "bAQ==",
        "bAR==",
        "bA-_=",
        "bAQIDBA",
        "7",
        "x",
        "",
        "12",
        "5x",
        "4\u{1d}",
        "b AQI=",
    ];
    let mut piece = || {
        let most = if random.below(3) == 0 { PIECES.len() } else { 14 };
        PIECES[random.below(most)]
    };
    let all: Vec<&str> = (0..piece().len() % 5 + 1).map(|_| piece()).collect();
    all.join("\u{1e}")
}
