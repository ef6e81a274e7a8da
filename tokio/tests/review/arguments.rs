//! JSON that is deep, large, odd or wrong.

use crate::peer::Peer;
use sansocket_tokio::{
    Bytes,
    args::Raw,
    server::{Config, Server, Socket},
};
use serde::Deserialize;
use std::collections::{BTreeMap, HashMap};

#[derive(Deserialize, Debug)]
#[allow(dead_code)]
struct Tree(Vec<Tree>);

#[derive(Deserialize, Debug)]
#[serde(untagged)]
#[allow(dead_code)]
enum Any {
    List(Vec<Any>),
    Map(BTreeMap<String, Any>),
    File(Bytes),
    Other(serde_json::Value),
}

#[derive(Deserialize)]
#[allow(dead_code)]
struct Flat {
    name: String,
    #[serde(flatten)]
    rest: HashMap<String, serde_json::Value>,
}

fn server() -> Server {
    let io = Server::new(Config::new());
    io.on("tree", |_: Socket, _: Tree| "read");
    io.on("any", |_: Socket, _: Any| "read");
    io.on("value", |_: Socket, _: serde_json::Value| "read");
    io.on("raw", |_: Socket, raw: Raw| raw.json.len());
    io.on("flat", |_: Socket, _: Flat| "read");
    io.on("files", |_: Socket, files: Vec<Bytes>| files.iter().map(Bytes::len).sum::<usize>());
    io.on("none", |_: Socket| "read");
    io.on("u64", |_: Socket, n: u64| n.to_string());
    io.on("i128", |_: Socket, n: i128| n.to_string());
    io.on("f32", |_: Socket, n: f32| n.to_string());
    io.on("f64", |_: Socket, n: f64| n.to_string());
    io.on("char", |_: Socket, c: char| u32::from(c).to_string());
    io.on("map", |_: Socket, map: BTreeMap<u8, u8>| map.len());
    io
}

async fn asked(peer: &mut Peer, event: &str, json: &str) -> String {
    peer.send(&format!("420[\"{event}\",{json}]")).await;
    let answer = peer.text().await.unwrap_or_else(|| panic!("{event} {:.40} ended the connection", json));
    answer.strip_prefix("430").unwrap_or_else(|| panic!("{answer}")).to_owned()
}

#[tokio::test(start_paused = true)]
async fn nesting() {
    for depth in [100, 10_000, 400_000] {
        let lists = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        let maps = format!("{}1{}", "{\"a\":".repeat(depth.min(100_000)), "}".repeat(depth.min(100_000)));
        let io = server();
        for json in [&lists, &maps] {
            for event in ["tree", "any", "value", "raw", "flat", "files", "none", "u64", "map"] {
                let mut peer = Peer::join(&io).await;
                peer.send(&format!("420[\"{event}\",{json}]")).await;
                // It is read, refused in words, or the end of the connection; never that of the process.
                let _answer = peer.text().await;
                let mut other = Peer::join(&io).await;
                assert_eq!(asked(&mut other, "u64", "1").await, "[\"1\"]");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn numbers() {
    let io = server();
    let mut peer = Peer::join(&io).await;
    let long = "9".repeat(100_000);
    let odd = ["1e999", "-1e999", "18446744073709551616", "-1", "1.0", "-0", "1e-999999999999", &long, "null", "\"1\""];
    for json in odd {
        // Read, or refused in words.
        for event in ["u64", "i128", "f32", "f64", "char", "value"] {
            let answer = asked(&mut peer, event, json).await;
            assert!(answer.starts_with("[\"") || answer.starts_with("[{\"error\":"), "{event} {json:.40}: {answer}");
        }
        assert_eq!(asked(&mut peer, "raw", json).await, format!("[{}]", json.len()));
    }
    for (event, json, read) in [
        ("u64", "18446744073709551615", "18446744073709551615"),
        ("i128", "18446744073709551616", "18446744073709551616"),
        ("f64", "18446744073709551616", "18446744073709552000"),
        ("f64", "1e-999999999999", "0"),
        ("f32", "1e2", "100"),
    ] {
        assert_eq!(asked(&mut peer, event, json).await, format!("[\"{read}\"]"));
    }
}

/// Placeholders that name no attachment, a strange one, or the same one often.
#[tokio::test(start_paused = true)]
async fn placeholders() {
    let io = server();
    let place = |num: &str| format!("{{\"_placeholder\":true,\"num\":{num}}}");
    let lists = [(1, "[1000]"), (4, "[4000]"), (5, "too many placeholders"), (50, "too many placeholders")];
    for (times, expected) in lists {
        let mut peer = Peer::join(&io).await;
        peer.send(&format!("451-0[\"files\",[{}]]", vec![place("0"); times].join(","))).await;
        peer.send_bytes(&[7; 1000]).await;
        let answer = peer.text().await.expect("an answer");
        assert!(answer.contains(expected), "{times}: {answer}");
    }
    for num in ["1", "-1", "18446744073709551616", "1e0", "null"] {
        for event in ["any", "value", "raw", "flat", "files", "none", "u64"] {
            let mut peer = Peer::join(&io).await;
            peer.send(&format!("451-0[\"{event}\",{}]", place(num))).await;
            peer.send_bytes(&[7; 1000]).await;
            assert_eq!(peer.text().await, None, "{event} {num}");
        }
    }
    let mut other = Peer::join(&io).await;
    assert_eq!(asked(&mut other, "u64", "1").await, "[\"1\"]");
}
