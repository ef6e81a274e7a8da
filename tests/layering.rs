//! Nothing imports upward, and no file outgrows its room.

use std::{fs, path::Path};

/// From the bottom to the top. `socketio` may see `engineio`, `json` and `bytes`, not what lies between.
const LAYERS: [(&str, &[&str]); 11] = [
    ("log", &[]),
    ("time", &[]),
    ("bytes", &[]),
    ("deflate", &["bytes"]),
    ("json", &["bytes"]),
    ("http", &["bytes", "time"]),
    ("ws", &["bytes", "deflate", "time", "http"]),
    ("engineio", &["bytes", "deflate", "time", "json", "http", "ws"]),
    ("socketio", &["bytes", "time", "json", "engineio"]),
    ("endpoint", &["bytes", "deflate", "time", "json", "http", "ws", "engineio", "socketio"]),
    ("drive", &["bytes", "deflate", "time", "json", "http", "ws", "engineio", "socketio", "endpoint"]),
];

/// The layers that a source names, comments left out, tests too.
fn named(source: &str) -> Vec<&'static str> {
    let code: String = source
        .split("#[cfg(test)]\nmod tests")
        .next()
        .unwrap_or_default()
        .lines()
        .map(|l| l.split("//").next().unwrap_or_default())
        .collect::<Vec<_>>()
        .join(" ");
    let mut rest = code.split_whitespace().collect::<String>();
    let mut found = Vec::new();
    while let Some(at) = rest.find("crate::") {
        rest = rest[at + "crate::".len()..].to_owned();
        // `crate::x` or the first names of `crate::{x::.., y::..}`, whatever stands between their braces.
        let mut depth = 0_i32;
        let mut at_name = true;
        for (i, c) in rest.char_indices() {
            if at_name && depth <= 1 {
                found.extend(LAYERS.iter().map(|l| l.0).filter(|l| {
                    rest[i..].strip_prefix(l).is_some_and(|r| !r.starts_with(|c: char| c.is_alphanumeric() || c == '_'))
                }));
            }
            at_name = false;
            match c {
                '{' => (depth, at_name) = (depth + 1, true),
                '}' => depth -= 1,
                ',' => at_name = true,
                _ => {}
            }
            if depth < 1 && !c.is_alphanumeric() {
                break;
            }
        }
    }
    found
}

fn sources(folder: &Path, visit: &mut impl FnMut(&Path, &str)) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, visit);
        } else if path.extension().is_some_and(|e| e == "rs") {
            visit(&path, &fs::read_to_string(&path).unwrap());
        }
    }
}

#[test]
fn nothing_imports_upward() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut seen = 0;
    sources(&root, &mut |path, source| {
        let inside = path.strip_prefix(&root).unwrap();
        let layer = inside.components().next().unwrap().as_os_str().to_str().unwrap().trim_end_matches(".rs");
        if layer == "guide" {
            assert!(
                source
                    .lines()
                    .all(|l| l.is_empty()
                        || ["//!", "#![doc", "#[cfg(feature", "pub mod "].iter().any(|s| l.starts_with(s))),
                "{path:?} has code"
            );
            return;
        }
        let Some((_, allowed)) = LAYERS.iter().find(|l| l.0 == layer) else {
            assert_eq!(layer, "lib", "{path:?} is in no layer");
            return;
        };
        for other in named(source) {
            assert!(other == layer || allowed.contains(&other), "{path:?} names {other}");
            seen += 1;
        }
    });
    assert!(seen > 20, "{seen}");
}

#[test]
fn the_check_sees_what_it_must() {
    assert_eq!(named("use crate::ws::Out;"), ["ws"]);
    assert_eq!(
        named("use crate::{\n    bytes::{Writer, ws},\n    ws::{self, Kind},\n    time::Instant,\n};"),
        ["bytes", "ws", "time"]
    );
    assert_eq!(named("fn f(x: crate::http::Status) {}"), ["http"]);
    assert!(named("/// [`crate::ws::Out`]\n// crate::ws").is_empty());
    assert!(named("use crate::wsx::Out;").is_empty());
}

#[test]
fn no_file_outgrows_its_room() {
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut |path, source| {
        let lines = source.split("#[cfg(test)]\nmod tests").next().unwrap().lines().count();
        assert!(lines <= 420 || path.ends_with("tests.rs"), "{path:?} has {lines} lines");
    });
}
