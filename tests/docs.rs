//! Every public item has an example within reach: in its own docs, in those of an item that they link to, or in an
//! example of its layer that uses it.

use std::{collections::BTreeSet, fs, path::Path};

/// A public item: its place, its name, its layer and its doc comment.
struct Item {
    place: String,
    name: String,
    layer: String,
    docs: String,
}

/// The public items of all files in `folder`, and the code of all examples there.
fn read(folder: &Path, layer: &str, found: &mut Vec<Item>, code: &mut String) {
    for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            read(&path, layer, found, code);
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let text = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
        *code += &examples(text);
        let (mut docs, mut is_hidden) = (String::new(), false);
        for (i, line) in text.lines().enumerate() {
            is_hidden |= line.trim() == "#[doc(hidden)]";
            if let Some(doc) = line.trim().strip_prefix("///") {
                docs = docs + doc.trim() + "\n";
            } else if let Some(name) = name(line) {
                if std::mem::take(&mut is_hidden) {
                    continue;
                }
                let place = format!("{}:{}", path.display(), i + 1);
                found.push(Item { place, name, layer: layer.into(), docs: std::mem::take(&mut docs) });
            } else if line.is_empty() || line.ends_with(['{', '}', ';']) {
                docs.clear();
            }
        }
    }
}

/// The name of the public item that `line` declares. Types inside of a module are sealed.
fn name(line: &str) -> Option<String> {
    let rest = line.trim_start().strip_prefix("pub ")?.trim_start_matches("const ");
    let kinds = if line.starts_with("pub") { &["fn ", "struct ", "enum ", "trait "][..] } else { &["fn "] };
    let rest = kinds.iter().find_map(|kind| rest.strip_prefix(kind))?;
    words(rest).next().map(str::to_owned)
}

/// The lines of all doc comments that stand inside of a code block.
fn examples(text: &str) -> String {
    let lines = text.lines().map(str::trim).filter(|l| l.starts_with("///") || l.starts_with("//!"));
    let mut is_code = false;
    let code = lines.filter(|l| {
        let is_fence = l[3..].trim().starts_with("```");
        is_code ^= is_fence;
        is_code && !is_fence
    });
    code.map(|l| format!("{}\n", &l[3..])).collect()
}

fn words(text: &str) -> impl DoubleEndedIterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty())
}

#[test]
fn every_public_item_has_an_example_within_reach() {
    let (mut found, mut used) = (Vec::new(), BTreeSet::new());
    for layer in ["bytes", "deflate", "json", "http", "ws", "engineio", "socketio", "endpoint", "drive"] {
        let mut code = String::new();
        read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(layer), layer, &mut found, &mut code);
        used.extend(words(&code).map(|word| (layer, word.to_owned())));
    }
    let shown: BTreeSet<_> = found.iter().filter(|i| i.docs.contains("```")).map(|i| &*i.name).collect();
    let links = |docs: &str| {
        let targets = docs.split("[`").skip(1).filter_map(|l| words(l.split('`').next()?).last());
        targets.into_iter().any(|target| shown.contains(target))
    };
    let is_shown = |i: &&Item| i.docs.contains("```") || links(&i.docs) || used.contains(&(&*i.layer, i.name.clone()));
    let missing: Vec<_> = found.iter().filter(|i| !is_shown(i)).map(|i| format!("{} {}", i.place, i.name)).collect();
    assert!(found.len() > 500, "{}", found.len());
    assert!(missing.is_empty(), "{} of {} without an example:\n{}", missing.len(), found.len(), missing.join("\n"));
}
