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
    /// Reads `[/ns ][?]name [value,value…]`. The name is a word, or a JSON string. A value is JSON, or `@file`.
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
        let mut values = serde_json::Deserializer::from_str(rest).into_iter::<String>();
        return match values.next() {
            Some(Ok(name)) => Ok((name, rest[values.byte_offset()..].trim_start())),
            _ => Err("the name begins with a quote, but is no JSON string".into()),
        };
    }
    let (name, rest) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    if name.is_empty() {
        return Err("an event needs a name: name value,value…".into());
    }
    Ok((name.to_owned(), rest.trim_start()))
}

fn values(mut rest: &str) -> Result<(String, Vec<Vec<u8>>), String> {
    let (mut values, mut files) = (String::new(), Vec::new());
    rest = rest.trim();
    while !rest.is_empty() {
        if let Some(path) = rest.strip_prefix('@') {
            let end = path.find(',').unwrap_or(path.len());
            let name = path[..end].trim();
            let bytes = std::fs::read(name).map_err(|e| format!("cannot read {name}: {e}"))?;
            values.push_str(&format!("{{\"_placeholder\":true,\"num\":{}}}", files.len()));
            files.push(bytes);
            rest = path[end..].trim_start();
        } else {
            let mut parser = serde_json::Deserializer::from_str(rest).into_iter::<&RawValue>();
            match parser.next() {
                Some(Ok(value)) => values.push_str(value.get()),
                _ => return Err(format!("'{rest}' is no JSON value; a text needs quotes: \"{rest}\"")),
            }
            rest = rest[parser.byte_offset()..].trim_start();
        }
        match rest.strip_prefix(',') {
            Some(behind) if !behind.trim().is_empty() => {
                values.push(',');
                rest = behind.trim_start();
            }
            Some(_) => return Err("a value is missing behind the last comma".into()),
            None if rest.is_empty() => {}
            None => return Err(format!("a comma is missing in front of '{rest}'")),
        }
    }
    Ok((values, files))
}
