//! Reads a typed line.

use sansocket::socketio::Namespace;
use serde_json::value::RawValue;

/// An event as it was typed.
pub struct Typed {
    pub namespace: Namespace,
    /// Whether an acknowledgement is wanted.
    pub asks: bool,
    pub name: String,
    /// JSON values with commas between them, and a placeholder for each file.
    pub values: String,
    pub files: Vec<Vec<u8>>,
}

impl Typed {
    /// Reads `[/ns ][?]name [value,value…]`. The name is a word, or a JSON string. The values are JSON,
    /// in which `@file` may stand for a value.
    pub fn read(line: &str, namespaces: &[&str]) -> Result<Self, String> {
        let mut rest = line.trim();
        let (mut namespace, mut asks) = (0, false);
        loop {
            if let Some(behind) = rest.strip_prefix('?').filter(|_| !asks) {
                asks = true;
                rest = behind.trim_start();
            } else if rest.starts_with('/') && namespace == 0 && rest.contains(' ') {
                let (name, behind) = rest.split_once(' ').unwrap_or((rest, ""));
                namespace = 1 + namespaces.iter().position(|n| *n == name).ok_or_else(|| {
                    format!("{name} is not among the namespaces of this client ({})", namespaces.join(", "))
                })?;
                rest = behind.trim_start();
            } else {
                break;
            }
        }
        let (name, rest) = name(rest)?;
        let (values, files) = values(rest)?;
        let namespace = u16::try_from(namespace.saturating_sub(1)).map_err(|_| "too many namespaces")?;
        Ok(Self { namespace: Namespace(namespace), asks, name, values, files })
    }
}

fn name(rest: &str) -> Result<(String, &str), String> {
    if rest.starts_with('"') {
        let (name, rest) = string(rest)?;
        let name = serde_json::from_str(name).map_err(|e| format!("the name {name} is not a JSON string: {e}"))?;
        return Ok((name, rest.trim_start()));
    }
    let (name, rest) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    if name.is_empty() {
        return Err("an event needs a name: name value,value…".into());
    }
    Ok((name.to_owned(), rest.trim_start()))
}

/// The values with a placeholder for each `@file`, and the files.
fn values(text: &str) -> Result<(String, Vec<Vec<u8>>), String> {
    let (mut values, mut files, mut rest) = (String::new(), Vec::new(), text.trim());
    while let Some(at) = rest.find(['"', '@']) {
        values.push_str(&rest[..at]);
        if rest[at..].starts_with('"') {
            let (string, behind) = string(&rest[at..])?;
            values.push_str(string);
            rest = behind;
        } else {
            let (path, behind) = path(&rest[at + 1..])?;
            values.push_str(&format!("{{\"_placeholder\":true,\"num\":{}}}", files.len()));
            files.push(std::fs::read(&path).map_err(|e| format!("cannot read '{path}': {e}"))?);
            rest = behind;
        }
    }
    values.push_str(rest);
    match serde_json::from_str::<Vec<&RawValue>>(&format!("[{values}]")) {
        Ok(_) => Ok((values, files)),
        Err(e) => Err(format!("'{text}' is not a list of JSON values ({e}); a text needs quotes: \"…\"")),
    }
}

/// The path behind an `@`: up to what ends a value, or a JSON string.
fn path(rest: &str) -> Result<(String, &str), String> {
    if rest.starts_with('"') {
        return name(rest);
    }
    let end = rest.find(|c: char| c.is_whitespace() || ",]}".contains(c)).unwrap_or(rest.len());
    Ok((rest[..end].to_owned(), &rest[end..]))
}

/// Splits behind the JSON string at the beginning.
fn string(rest: &str) -> Result<(&str, &str), String> {
    let mut is_escaped = false;
    for (i, byte) in rest.bytes().enumerate().skip(1) {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => return Ok(rest.split_at(i + 1)),
            _ => {}
        }
    }
    Err(format!("a quote is missing behind {rest}"))
}
