//! The time beside plain serde_json. Run with `cargo test --release -p sansocket-tokio speed -- --ignored --nocapture`.

use super::{decode, encode};
use sansocket::socketio::Attachments;
use serde::{Deserialize, Serialize};
use std::{collections::HashMap, hint::black_box, time::Instant};

#[derive(Serialize, Deserialize)]
struct Chat {
    room: String,
    from: User,
    text: String,
    tags: Vec<String>,
    scores: HashMap<String, f64>,
}

#[derive(Serialize, Deserialize)]
struct User {
    id: u64,
    name: String,
    is_admin: bool,
}

/// The best of several rounds, in nanoseconds.
fn time(mut call: impl FnMut()) -> f64 {
    const CALLS: u32 = 20_000;
    let round = |call: &mut dyn FnMut()| {
        let start = Instant::now();
        for _ in 0..CALLS {
            call();
        }
        start.elapsed().as_secs_f64() * 1e9 / f64::from(CALLS)
    };
    (0..15).map(|_| round(&mut call)).fold(f64::INFINITY, f64::min)
}

fn compare<T: Serialize + for<'de> Deserialize<'de>>(name: &str, args: &T) {
    let (mut json, mut files) = (Vec::new(), Vec::new());
    encode(args, &mut json, &mut files).unwrap();
    let whole = serde_json::to_vec(args).unwrap();
    let mut out = Vec::with_capacity(4096);
    let ours = time(|| {
        out.clear();
        encode(black_box(args), &mut out, &mut files).unwrap();
    });
    let plain = time(|| {
        out.clear();
        serde_json::to_writer(&mut out, black_box(args)).unwrap();
    });
    println!("{name} write: {ours:.0} ns, serde_json {plain:.0} ns, ratio {:.2}", ours / plain);
    let ours = time(|| {
        black_box(decode::<T>(black_box(&json), Attachments::NONE).unwrap());
    });
    let plain = time(|| {
        black_box(serde_json::from_slice::<T>(black_box(&whole)).unwrap());
    });
    println!("{name} read: {ours:.0} ns, serde_json {plain:.0} ns, ratio {:.2}", ours / plain);
}

#[test]
#[ignore = "measures time"]
fn beside_serde_json() {
    compare("number", &(7_u64,));
    compare("text", &("hello, world".to_owned(),));
    compare("pair", &("lobby".to_owned(), 7_u64));
    let user = User { id: 1234, name: "alice".into(), is_admin: true };
    let scores = (0..8).map(|n| (format!("player {n}"), f64::from(n) * 1.25)).collect();
    let tags = (0..6).map(|n| format!("tag-{n}")).collect();
    let chat = Chat { room: "lobby".into(), from: user, text: "Is anyone here? ".repeat(6), tags, scores };
    compare("chat", &(chat, 5_u8));
    compare(
        "users",
        &((0..50).map(|id| User { id, name: format!("user {id}"), is_admin: id == 0 }).collect::<Vec<_>>(),),
    );
    compare("value", &(serde_json::json!({"a": [1, 2, {"b": "c"}], "d": {"e": 1.5, "f": null}}),));
}
