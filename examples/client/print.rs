//! Shows what happens: as text for people, or as one JSON object a line.

use base64::{Engine, prelude::BASE64_STANDARD};
use sansocket::{
    endpoint::client::{Failure, Over, Seen},
    engineio::{Packet, Transport},
    json::{Elements, Kind, Str, Value},
    socketio::{AckError, Attachments, EventPacket, Namespace, Placeholder, Reason},
};
use std::{fmt::Write as _, io::Write as _, time::Duration};

/// What happened.
pub enum Note<'n> {
    Connected {
        namespace: Namespace,
        sid: Str<'n>,
        is_recovered: bool,
        transport: Transport,
    },
    Refused {
        namespace: Namespace,
        message: Option<Str<'n>>,
        data: Option<Value<'n>>,
    },
    Event {
        packet: EventPacket<'n>,
        files: Attachments<'n>,
    },
    Answer {
        namespace: Namespace,
        name: &'n str,
        args: Elements<'n>,
        files: Attachments<'n>,
    },
    NoAnswer {
        namespace: Namespace,
        name: &'n str,
        error: AckError,
    },
    Disconnected {
        namespace: Namespace,
        reason: Reason,
    },
    /// `attempt`: how many attempts to reconnect there were.
    Failed {
        failure: Failure,
        attempt: u32,
        wait: Option<Duration>,
    },
    Packet(Seen<'n>),
    Error(&'n str),
    Over(Over),
}

pub struct Printer<'p> {
    pub is_json: bool,
    pub namespaces: &'p [&'p str],
}

impl Printer<'_> {
    pub fn print(&self, note: Note<'_>) {
        let line = if self.is_json { self.json(note) } else { harmless(&self.text(note)) };
        // A reader that went away is no reason to fail.
        let mut out = std::io::stdout().lock();
        let _ = writeln!(out, "{line}").and_then(|()| out.flush());
    }

    fn ns(&self, namespace: Namespace) -> &str {
        self.namespaces.get(usize::from(namespace.0)).copied().unwrap_or("/")
    }

    fn text(&self, note: Note<'_>) -> String {
        match note {
            Note::Connected { namespace, sid, is_recovered, transport } => {
                let how = if is_recovered { "recovered" } else { "connected" };
                format!("{how}: {} as {} over {transport}", self.ns(namespace), plain(sid))
            }
            Note::Refused { namespace, message, data } => {
                let message = message.map_or_else(String::new, plain);
                let data = data.map_or_else(String::new, |d| format!(" {}", lossy(d.raw())));
                format!("refused: {}: {message}{data}", self.ns(namespace))
            }
            Note::Event { packet, files } => {
                let name = packet.name().map_or_else(String::new, word);
                let asks = if packet.ack.is_some() { "?" } else { "" };
                let args = args(packet.args(), files, &binary_text);
                format!("{} {asks}{name} {args}", self.ns(packet.namespace)).trim_end().to_owned()
            }
            Note::Answer { namespace, name, args: values, files } => {
                let args = args(values, files, &binary_text);
                format!("{} answer to {name}: {args}", self.ns(namespace)).trim_end().to_owned()
            }
            Note::NoAnswer { namespace, name, error } => {
                format!("{} no answer to {name}: {}", self.ns(namespace), error_text(error))
            }
            Note::Disconnected { namespace, reason } => format!("disconnected: {}: {reason}", self.ns(namespace)),
            Note::Failed { failure, attempt, wait } => match wait {
                Some(wait) => {
                    format!("{failure}; attempt {} in {:.1} s", attempt.saturating_add(1), wait.as_secs_f64())
                }
                None => failure.to_string(),
            },
            Note::Packet(seen) => {
                let (arrow, packet) = match seen {
                    Seen::Sent(packet) => ('>', packet),
                    Seen::Received(packet) => ('<', packet),
                };
                match packet_text(packet) {
                    Ok(text) => format!("{arrow} {text}"),
                    Err(bytes) => format!("{arrow} <{} bytes>", bytes.len()),
                }
            }
            Note::Error(why) => format!("error: {why}"),
            Note::Over(over) => over_text(over).to_owned(),
        }
    }

    fn json(&self, note: Note<'_>) -> String {
        let mut o = Object::new();
        match note {
            Note::Connected { namespace, sid, is_recovered, transport } => o
                .text("what", "connect")
                .text("ns", self.ns(namespace))
                .text("id", &plain(sid))
                .raw("recovered", if is_recovered { "true" } else { "false" })
                .text("transport", transport.as_str()),
            Note::Refused { namespace, message, data } => {
                let o = o.text("what", "refused").text("ns", self.ns(namespace));
                let o = o.text("message", &message.map_or_else(String::new, plain));
                match data {
                    Some(data) => o.raw("data", &lossy(data.raw())),
                    None => o,
                }
            }
            Note::Event { packet, files } => o
                .text("what", "event")
                .text("ns", self.ns(packet.namespace))
                .text("name", &packet.name().map_or_else(String::new, word))
                .raw("args", &format!("[{}]", args(packet.args(), files, &binary_json)))
                .raw("asks", if packet.ack.is_some() { "true" } else { "false" }),
            Note::Answer { namespace, name, args: values, files } => o
                .text("what", "answer")
                .text("ns", self.ns(namespace))
                .text("name", name)
                .raw("args", &format!("[{}]", args(values, files, &binary_json))),
            Note::NoAnswer { namespace, name, error } => o
                .text("what", "no_answer")
                .text("ns", self.ns(namespace))
                .text("name", name)
                .text("reason", error_text(error)),
            Note::Disconnected { namespace, reason } => {
                o.text("what", "disconnect").text("ns", self.ns(namespace)).text("reason", reason.as_str())
            }
            Note::Failed { failure, attempt, wait } => {
                let o = o.text("what", "failed").text("message", &failure.to_string());
                match wait {
                    Some(wait) => {
                        let next = attempt.saturating_add(1);
                        o.raw("attempt", &next.to_string()).raw("retry_ms", &wait.as_millis().to_string())
                    }
                    None => o,
                }
            }
            Note::Packet(seen) => {
                let (direction, packet) = match seen {
                    Seen::Sent(packet) => ("sent", packet),
                    Seen::Received(packet) => ("received", packet),
                };
                let o = o.text("what", "packet").text("direction", direction);
                match packet_text(packet) {
                    Ok(text) => o.text("text", &text),
                    Err(bytes) => o.raw("binary", &binary_json(bytes)),
                }
            }
            Note::Error(why) => o.text("what", "error").text("message", why),
            Note::Over(over) => o.text("what", "end").text("reason", over_text(over)),
        };
        o.finish()
    }
}

/// The text without characters that control a terminal, which a peer could have sent.
fn harmless(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { c.escape_unicode().to_string() } else { c.to_string() }).collect()
}

/// A JSON object under construction.
struct Object(String);

impl Object {
    fn new() -> Self {
        Self("{".into())
    }

    fn raw(&mut self, key: &str, value: &str) -> &mut Self {
        let comma = if self.0.len() > 1 { "," } else { "" };
        let _ = write!(self.0, "{comma}\"{key}\":{value}");
        self
    }

    fn text(&mut self, key: &str, value: &str) -> &mut Self {
        self.raw(key, &serde_json::to_string(value).expect("a string is JSON"))
    }

    fn finish(mut self) -> String {
        self.0.push('}');
        self.0
    }
}

const fn over_text(over: Over) -> &'static str {
    match over {
        Over::Closed => "closed",
        Over::Refused => "closed: no namespace is left",
        Over::GaveUp => "closed: no attempts to reconnect are left",
        _ => "closed for good",
    }
}

const fn error_text(error: AckError) -> &'static str {
    match error {
        AckError::TimedOut => "timed out",
        AckError::Disconnected => "disconnected",
        _ => "not sent",
    }
}

fn packet_text(packet: Packet<'_>) -> Result<String, &[u8]> {
    let (digit, payload) = match packet {
        Packet::Open(payload) => ('0', payload),
        Packet::Close => ('1', &b""[..]),
        Packet::Ping(payload) => ('2', payload),
        Packet::Pong(payload) => ('3', payload),
        Packet::Text(payload) => ('4', payload),
        Packet::Upgrade => ('5', &b""[..]),
        Packet::Noop => ('6', &b""[..]),
        Packet::Binary(bytes) => return Err(bytes),
        _ => return Ok("?".into()),
    };
    Ok(format!("{digit}{}", lossy(payload)))
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A string, unescaped.
fn plain(text: Str<'_>) -> String {
    let mut memory = vec![0; text.escaped().len()];
    text.unescape_into(&mut memory).map_or_else(|_| lossy(text.escaped()), str::to_owned)
}

/// The name of an event.
fn word(name: Value<'_>) -> String {
    name.as_str().map_or_else(|| lossy(name.raw()), plain)
}

fn binary_json(bytes: &[u8]) -> String {
    format!("{{\"bytes\":{},\"base64\":\"{}\"}}", bytes.len(), BASE64_STANDARD.encode(bytes))
}

fn binary_text(bytes: &[u8]) -> String {
    let shown: String = bytes.iter().take(16).map(|b| format!("{b:02x}")).collect();
    let more = if bytes.len() > 16 { "…" } else { "" };
    format!("<{} bytes {shown}{more}>", bytes.len())
}

/// The arguments, with the attachments in the place of their placeholders.
fn args(values: Elements<'_>, files: Attachments<'_>, binary: &dyn Fn(&[u8]) -> String) -> String {
    if files.is_empty() {
        return lossy(values.raw());
    }
    let values: Vec<_> = values.map(|value| shown(value, files, binary)).collect();
    values.join(",")
}

/// The crate has refused values nested deeper than 64.
fn shown(value: Value<'_>, files: Attachments<'_>, binary: &dyn Fn(&[u8]) -> String) -> String {
    if let Some(bytes) = Placeholder::of(value).and_then(|p| files.get(p)) {
        return binary(bytes);
    }
    match value.kind() {
        Kind::Array => {
            let inside: Vec<_> = value.elements().map(|v| shown(v, files, binary)).collect();
            format!("[{}]", inside.join(","))
        }
        Kind::Object => {
            let member =
                |(key, v): (Str<'_>, Value<'_>)| format!("\"{}\":{}", lossy(key.escaped()), shown(v, files, binary));
            let inside: Vec<_> = value.members().map(member).collect();
            format!("{{{}}}", inside.join(","))
        }
        _ => lossy(value.raw()),
    }
}
