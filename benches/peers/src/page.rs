//! `docs/performance.md`, its plots, and the part of README that shows them.

use crate::{
    item::Item,
    items,
    measure::Figure,
    plot::{self, Bar, Panel},
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use std::{fmt::Write as _, fs, path::PathBuf};

const AXIS: &str = "Time for the same work, sansocket = 1, logarithmic scale. To the right: slower than sansocket. To the left: faster.";

fn root() -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "..", ".."].iter().collect()
}

fn figures_file() -> PathBuf {
    root().join("docs/performance/figures.tsv")
}

/// The figures of the last run that wrote the page.
pub fn last() -> Vec<Figure> {
    let text = fs::read_to_string(figures_file()).expect("figures");
    let lines = text.lines().map(|line| line.split('\t').collect::<Vec<_>>());
    let figure = |f: Vec<&str>| {
        let [item, candidate, marks] = [0, 1, 2].map(|i| f[i].into());
        Figure {
            item,
            candidate,
            marks,
            median: f[3].parse().expect("a number"),
            least: f[4].parse().expect("a number"),
        }
    };
    lines.map(figure).collect()
}

pub fn write(figures: &[Figure]) {
    let docs = root().join("docs");
    fs::create_dir_all(docs.join("performance")).expect("a folder");
    let line = |f: &Figure| format!("{}\t{}\t{}\t{:.3}\t{:.3}\n", f.item, f.candidate, f.marks, f.median, f.least);
    fs::write(figures_file(), figures.iter().map(line).collect::<String>()).expect("a file");

    let plot = |name: &str, svg: String| fs::write(docs.join(format!("performance/{name}.svg")), svg).expect("a file");
    let overview = plot::bars("The fastest other crate for each work", AXIS, &[overview(figures)]);
    picture(&overview);
    plot("overview", overview);
    for (name, title, wanted) in [
        ("reading", "Reading WebSocket messages", &["W1", "W2", "W2b", "W3", "W9"][..]),
        ("writing", "Writing WebSocket messages", &["W4", "W5"]),
        ("handshakes", "Opening a WebSocket", &["W6", "W7", "Acc"]),
        ("packets", "Socket.IO packets", &["W8a", "W8b", "W8c", "W8d", "W8e", "W8f", "W8g"]),
    ] {
        let panels: Vec<Panel> = wanted.iter().map(|name| panel(figures, name)).collect();
        plot(name, plot::bars(title, AXIS, &panels));
    }

    let head = include_str!("page.md").replace("{machine}", &machine()).replace("{peers}", &peers());
    fs::write(docs.join("performance.md"), format!("{head}\n{}\n{}", goals(figures), tables(figures))).expect("a file");
    readme(figures);
}

fn item(name: &str) -> &'static Item {
    items().into_iter().find(|i| i.name == name).expect("an item")
}

/// The ways in which ours does the item, and the figures of each.
fn ways<'f>(figures: &'f [Figure], item: &str) -> Vec<(&'f Figure, Vec<&'f Figure>)> {
    let way = |f: &Figure| f.candidate.split_once(", ").map_or(String::new(), |(_, way)| way.into());
    let of_item: Vec<&Figure> = figures.iter().filter(|f| f.item == item).collect();
    let mut all: Vec<(&Figure, Vec<&Figure>)> = Vec::new();
    for ours in of_item.iter().filter(|f| f.candidate.starts_with("sansocket")) {
        if all.iter().all(|(other, _)| way(other) != way(ours)) {
            all.push((ours, of_item.iter().filter(|f| way(f) == way(ours)).copied().collect()));
        }
    }
    all
}

fn is_ours(figure: &Figure) -> bool {
    figure.candidate.starts_with("sansocket")
}

fn time(ns: f64) -> String {
    match ns {
        ..100.0 => format!("{ns:.1} ns"),
        ..10_000.0 => format!("{ns:.0} ns"),
        ..1e6 => format!("{:.0} µs", ns / 1e3),
        _ => format!("{:.1} ms", ns / 1e6),
    }
}

fn times(ratio: f64) -> String {
    if ratio < 1.95 {
        format!("{ratio:.2}")
    } else if ratio < 10.0 {
        format!("{ratio:.1}")
    } else {
        format!("{ratio:.0}")
    }
}

/// The best other crate for each way of each item.
fn best(figures: &[Figure]) -> Vec<(String, &Figure, &Figure)> {
    let mut all = Vec::new();
    for item in items().into_iter().filter(|i| !i.short.is_empty()) {
        let ways = ways(figures, item.name);
        let compared: Vec<_> = ways.iter().filter(|(_, all)| all.iter().any(|f| !is_ours(f))).collect();
        for (ours, others) in &compared {
            let others = others.iter().filter(|f| !is_ours(f));
            let best = others.min_by(|a, b| a.least.total_cmp(&b.least)).expect("another");
            let way = ours.candidate.split_once(", ").filter(|_| compared.len() > 1).map_or("", |(_, way)| way);
            let comma = if way.is_empty() { "" } else { ", " };
            all.push((format!("{}{comma}{way}", item.short), *ours, *best));
        }
    }
    all
}

fn name(figure: &Figure) -> String {
    let name = figure.candidate.split(", ").next().unwrap_or_default();
    if figure.marks.contains('S') { format!("{name} (SIMD)") } else { name.into() }
}

fn overview(figures: &[Figure]) -> Panel {
    let bar = |(label, ours, best): (String, &Figure, &Figure)| {
        let ratio = best.least / ours.least;
        Bar { label, ratio, note: format!("{} × {}", times(ratio), name(best)), is_ours: false }
    };
    Panel { title: String::new(), bars: best(figures).into_iter().map(bar).collect() }
}

fn panel(figures: &[Figure], wanted: &str) -> Panel {
    let mut bars = Vec::new();
    for (ours, mut all) in ways(figures, wanted).into_iter().filter(|(_, all)| all.len() > 1) {
        all.sort_by(|a, b| (!is_ours(a)).cmp(&!is_ours(b)).then(a.least.total_cmp(&b.least)));
        for figure in all {
            let ratio = figure.least / ours.least;
            let note = format!("{} × ({})", times(ratio), time(figure.least));
            let simd = if figure.marks.contains('S') { " (SIMD)" } else { "" };
            let label = format!("{}{simd}", figure.candidate);
            bars.push(Bar { label, ratio, note, is_ours: is_ours(figure) });
        }
    }
    Panel { title: format!("{wanted}: {}; per {}", item(wanted).title, item(wanted).unit), bars }
}

pub fn tables(figures: &[Figure]) -> String {
    let mut text = String::from("## Every figure\n");
    for item in items() {
        let ways = ways(figures, item.name);
        let of_item: Vec<&Figure> = figures.iter().filter(|f| f.item == item.name).collect();
        if of_item.is_empty() {
            continue;
        }
        let _ = write!(text, "\n**{}**: {}; per {}\n\n", item.name, item.title, item.unit);
        text += "| | median | least | median / ours | least / ours |\n|---|---|---|---|---|\n";
        for figure in of_item {
            let base = ways.iter().find(|(_, all)| all.iter().any(|f| f.candidate == figure.candidate));
            let ratio = |of: fn(&Figure) -> f64| base.map_or(String::new(), |(ours, _)| times(of(figure) / of(ours)));
            let marks = if figure.marks.is_empty() { String::new() } else { format!(" {}", figure.marks) };
            let name = format!("{}{}", figure.candidate, marks);
            let name = if is_ours(figure) { format!("**{name}**") } else { name };
            let (median, least) = (time(figure.median), time(figure.least));
            let _ =
                writeln!(text, "| {name} | {median} | {least} | {} | {} |", ratio(|f| f.median), ratio(|f| f.least));
        }
    }
    text
}

fn goals(figures: &[Figure]) -> String {
    let mut text = String::from(
        "## Goals\n\nTime of ours / time of the other, least of the rounds.\n\n| work | ours | other | goal | now | |\n|---|---|---|---|---|---|\n",
    );
    let mut unmet = Vec::new();
    for item in items() {
        for (ours, other, goal) in item.goals {
            let least =
                |name: &str| figures.iter().find(|f| f.item == item.name && f.candidate == name).map(|f| f.least);
            let (Some(a), Some(b)) = (least(ours), least(other)) else { continue };
            let verdict = if a / b <= *goal { "met" } else { "**not met**" };
            let _ = writeln!(text, "| {} | {ours} | {other} | {goal} | {:.2} | {verdict} |", item.name, a / b);
            if a / b > *goal {
                unmet.push((item.name, *ours));
            }
        }
    }
    let reasons: Vec<_> = REASONS.iter().filter(|(item, ours, _)| unmet.contains(&(item, ours))).collect();
    if !reasons.is_empty() {
        text += "\n### Why\n\n";
    }
    for (item, ours, reason) in reasons {
        let _ = writeln!(text, "- **{item}**, {ours}: {reason}");
    }
    text
}

/// Why a goal may stay unmet: where the time goes, what was tried, what it would take.
const REASONS: &[(&str, &str, &str)] = &[
    (
        "W1",
        "sansocket, whole",
        "of 237 instructions 121 are the header's checks, limits and the inbox's offsets, 72 unmask and look for bytes that are not ASCII, 15 are frames that a \
        read has cut, 8 the C library's copy, 19 the loop of this program. Pieces, which need no offsets, take 212.",
    ),
    (
        "W2",
        "sansocket, whole",
        "of 7,900 instructions 4,400 unmask, in vectors of 16 bytes, which every x86-64 has; 1,900 copy the reads and move what has come to the front of the \
        inbox. sockudo-ws uses AVX-512, and to call what is compiled for it is unsafe. Beside the pieces it is a tenth more instructions, but half as much \
        time again: 16 KiB of a message and 16 KiB of the wire do not fit into the first cache together. An inbox of 20, 24 or 64 KiB takes the same time as \
        one of 32, and so does unmasking that begins at a line of the cache.",
    ),
    (
        "W2b",
        "sansocket, pieces",
        "both unmask in vectors of 16 bytes and are bound by memory; the order differs from run to run.",
    ),
    (
        "W3",
        "sansocket, pieces",
        "both unmask in vectors of 16 bytes and are bound by memory; the order differs from run to run.",
    ),
    (
        "W3",
        "sansocket, whole",
        "each fragment is read, unmasked in place, and moved down over its header; copies and moves are 12 of 27 million instructions. To unmask on the \
        way down, 128 bytes at a time, was tried and takes the same time: memory is the limit.",
    ),
    ("W5", "sansocket", "a copy with XOR in vectors of 16 bytes, beside AVX-512, which safe Rust cannot call."),
    (
        "W9",
        "sansocket, whole",
        "43 instructions for 16 bytes judge UTF-8, without tables. Byte shuffles, which need fewer, are not in what every x86-64 has; the feature `simdutf8` uses \
        them where they are. Whole, each fragment is also moved down over its header.",
    ),
    (
        "W8b",
        "sansocket",
        "the packet is judged as JSON (820 instructions of 2,000), the argument as UTF-8, which a `&str` needs (160), and then read by serde's visitors (950). One \
        pass for both would fill the struct from what may turn out to be no JSON.",
    ),
    (
        "W8c",
        "sansocket, JSON checked before",
        "of 275 instructions 74 are the loop of this program and 25 the C library's two copies; the other 176 look at the name (reserved, escapes), at the room, \
        and write the header of a WebSocket frame, which socketioxide leaves to others.",
    ),
    (
        "W8g",
        "sansocket",
        "of 201 instructions 21 are the loop of this program, and most others look at each word for the separator and for bytes that are not ASCII. Two words a \
        turn took 212: a packet is short, and the words around its end are looked at twice.",
    ),
];

/// Puts the short table between its marks.
fn readme(figures: &[Figure]) {
    let path = root().join("README.md");
    let text = fs::read_to_string(&path).expect("README");
    let (begin, end) = ("<!-- figures -->\n", "<!-- /figures -->");
    let (Some(from), Some(to)) = (text.find(begin).map(|at| at + begin.len()), text.find(end)) else { return };
    let mut table =
        String::from("| work | sansocket | the fastest other crate | its time / ours |\n|---|---|---|---|\n");
    for (label, ours, best) in best(figures) {
        let (a, b) = (time(ours.least), time(best.least));
        let _ = writeln!(table, "| {label} | {a} | {}: {b} | {} |", name(best), times(best.least / ours.least));
    }
    fs::write(path, [&text[..from], &table, &text[to..]].concat()).expect("README");
}

/// A page of rustdoc cannot follow README's link to a plot, so that page has the plot within.
fn picture(svg: &str) {
    let path = root().join("docs/picture.md");
    let text = fs::read_to_string(&path).expect("pictures");
    let others = text.lines().filter(|line| !line.starts_with("[plot]:")).map(|line| format!("{line}\n"));
    let plot = format!("[plot]: data:image/svg+xml;base64,{}\n", BASE64_STANDARD.encode(svg));
    fs::write(path, others.collect::<String>() + &plot).expect("a file");
}

fn machine() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model =
        info.lines().find_map(|l| l.strip_prefix("model name")).map_or("?", |l| l.trim_start_matches([' ', '\t', ':']));
    let rustc = std::process::Command::new("rustc").arg("--version").output();
    let rustc = rustc.map(|o| String::from_utf8_lossy(&o.stdout).trim().to_owned()).unwrap_or_default();
    format!("{model}, {rustc}")
}

fn peers() -> String {
    let lock = include_str!("../Cargo.lock");
    let version = |name: &str| {
        let at = lock.split("[[package]]").find(|p| p.contains(&format!("\nname = \"{name}\"\n")))?;
        at.split("version = \"").nth(1)?.split('"').next()
    };
    let names = [
        "tungstenite",
        "fastwebsockets",
        "tokio-websockets",
        "sockudo-ws",
        "yawc",
        "embedded-websocket",
        "edge-ws",
        "edge-http",
        "websocket-sans-io",
        "ws-framer",
        "ws-net",
        "nexus-web",
        "socketioxide-parser-common",
        "engineioxide-core",
    ];
    names.map(|name| format!("{name} {}", version(name).unwrap_or("?"))).join(", ")
}
