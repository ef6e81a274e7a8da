//! What is wrong with arguments, and where.

use super::key::Key;
use sansocket::socketio::MAX_ATTACHMENTS;
use std::{
    error::Error,
    fmt::{self, Write},
};

/// Arguments that cannot be written. The fault is in the values that the application emits.
///
/// ```
/// use std::collections::BTreeMap;
/// use sansocket_tokio::args::Raw;
///
/// let error = Raw::of(&("places", BTreeMap::from([((1, 2), "home")]))).unwrap_err();
/// assert_eq!(error.to_string(), "argument 2: key must be a string");
/// assert_eq!(error.argument(), Some(2));
/// ```
#[derive(Debug)]
pub struct EncodeError(Box<(Option<usize>, EncodeKind)>);

#[derive(Debug)]
pub(super) enum EncodeKind {
    Json(serde_json::Error),
    TooManyAttachments,
    Placeholder,
    Raw,
}

impl EncodeError {
    pub(super) fn new(argument: Option<usize>, kind: EncodeKind) -> Self {
        Self(Box::new((argument.map(|argument| argument + 1), kind)))
    }

    pub(crate) fn too_many_attachments() -> Self {
        Self::new(None, EncodeKind::TooManyAttachments)
    }

    /// The argument that cannot be written, from 1, if one is at fault.
    #[must_use]
    pub fn argument(&self) -> Option<usize> {
        self.0.0
    }
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (argument, kind) = &*self.0;
        if let Some(argument) = argument {
            write!(f, "argument {argument}: ")?;
        }
        match kind {
            EncodeKind::Json(e) => e.fmt(f),
            EncodeKind::TooManyAttachments => {
                write!(f, "more than {MAX_ATTACHMENTS} binary values in one packet: clients accept no more")
            }
            EncodeKind::Placeholder => f.write_str(
                "a value has the key `_placeholder`, which stands for binary values: rename it, or emit it without binary values",
            ),
            EncodeKind::Raw => f.write_str("raw arguments that are not valid JSON, or with a placeholder that has no attachment"),
        }
    }
}

impl Error for EncodeError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.0.1 {
            EncodeKind::Json(e) => Some(e),
            _ => None,
        }
    }
}

/// Arguments that are not of the type that is read. The fault is the peer's, or the types of the two ends differ.
///
/// The text names the argument, the field and the reason. It may have a short part of what the peer sent, with control characters escaped.
///
/// ```
/// use sansocket_tokio::args::Raw;
///
/// #[derive(serde::Deserialize, Debug)]
/// struct User {
///     age: u32,
/// }
///
/// let raw = Raw { json: r#""join",[{"age":7},{"age":"x"}]"#.into(), files: Vec::new() };
/// let error = raw.parse::<(String, Vec<User>)>().unwrap_err();
/// assert_eq!(error.to_string(), "argument 2, field `[1].age`: invalid type: string \"x\", expected u32");
/// assert_eq!((error.argument(), error.path()), (2, "[1].age"));
///
/// let error = raw.parse::<(String, Vec<User>, u32)>().unwrap_err();
/// assert_eq!(error.argument(), 2);
/// ```
#[derive(Debug)]
pub struct DecodeError(Box<Decode>);

#[derive(Debug)]
struct Decode {
    argument: usize,
    is_missing: bool,
    path: String,
    reason: String,
}

impl DecodeError {
    pub(super) fn new(argument: usize, is_missing: bool, path: Vec<Key<'_>>, error: &serde_json::Error) -> Self {
        let text = error.to_string();
        // The place in the text of one argument says less than its path.
        let place = format!(" at line {} column {}", error.line(), error.column());
        let reason = clean(text.strip_suffix(&place).unwrap_or(&text));
        Self(Box::new(Decode { argument: argument + 1, is_missing, path: show(path), reason }))
    }

    /// The argument that is not of its type, from 1.
    #[must_use]
    pub fn argument(&self) -> usize {
        self.0.argument
    }

    /// The path to the field within the argument, such as `users[2].name`. Empty for the argument itself. Within untagged enums, internally tagged
    /// enums and flattened fields the path ends at the outer value, because serde buffers them.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.0.path
    }

    /// Whether the argument does not exist. It was read as `null`.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        self.0.is_missing
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Decode { argument, is_missing, path, reason } = &*self.0;
        write!(f, "argument {argument}")?;
        if *is_missing {
            f.write_str(" is missing")?;
        }
        if !path.is_empty() {
            write!(f, ", field `{path}`")?;
        }
        write!(f, ": {reason}")
    }
}

impl Error for DecodeError {}

/// The longest reason and path, in bytes: they may have text of the peer.
const LONGEST: usize = 256;

/// `text` without control characters, shortened.
fn clean(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        if out.len() >= LONGEST {
            out.push('…');
            break;
        }
        if c.is_control() { out.extend(c.escape_default()) } else { out.push(c) }
    }
    out
}

fn show(path: Vec<Key<'_>>) -> String {
    let mut out = String::new();
    for key in path.iter().rev() {
        if out.len() >= LONGEST {
            out.push('…');
            break;
        }
        // Writing to a string does not fail.
        _ = match key {
            Key::Name(name) => name_into(&mut out, name),
            Key::Unescaped(name) => name_into(&mut out, name),
            Key::Unknown => name_into(&mut out, "?"),
            Key::Index(index) => write!(out, "[{index}]"),
            Key::Signed(number) => write!(out, "[{number}]"),
            Key::Unsigned(number) => write!(out, "[{number}]"),
        };
    }
    out
}

fn name_into(out: &mut String, name: &str) -> fmt::Result {
    let name = clean(name);
    let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '$' | '?' | '…');
    if !name.is_empty() && name.chars().all(is_plain) {
        let dot = if out.is_empty() { "" } else { "." };
        write!(out, "{dot}{name}")
    } else {
        write!(out, "[\"{name}\"]")
    }
}
