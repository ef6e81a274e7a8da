use crate::{failure::Failure, options::Options};
use sansocket::ws::{Chunk, CloseCode, Kind};
use serde::Serialize;
use std::{
    fmt::Write as _,
    io::{BufWriter, IsTerminal, Stdout, Write},
    time::Duration,
};

/// The terminal, a pipe, or JSON.
pub struct Output {
    out: BufWriter<Stdout>,
    json: bool,
    /// Messages are marked and made harmless.
    is_terminal: bool,
    has_colors: bool,
    /// The beginning of a message that is printed as a whole.
    message: Vec<u8>,
    is_flushed: bool,
    /// Nobody reads standard output any more.
    pub is_closed: bool,
}

#[derive(Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum Event<'e> {
    Listening {
        address: &'e str,
    },
    Open {
        url: &'e str,
        protocol: Option<&'e str>,
    },
    Message {
        kind: &'static str,
        #[serde(flatten)]
        payload: Payload<'e>,
    },
    Ping {
        #[serde(flatten)]
        payload: Payload<'e>,
    },
    Pong {
        #[serde(flatten)]
        payload: Payload<'e>,
        ms: Option<f64>,
    },
    Notice {
        message: &'e str,
    },
    Close {
        code: u16,
        reason: &'e str,
        clean: bool,
    },
    Error {
        message: &'e str,
        #[serde(skip_serializing_if = "Option::is_none")]
        status: Option<u16>,
        #[serde(skip_serializing_if = "Option::is_none")]
        location: Option<&'e str>,
    },
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Payload<'e> {
    Text(&'e str),
    Hex(String),
}

impl<'e> Payload<'e> {
    fn of_control(bytes: &'e [u8]) -> Self {
        std::str::from_utf8(bytes).map_or_else(|_| Self::Hex(hex(bytes, "")), Self::Text)
    }
}

impl Output {
    pub fn new(options: &Options) -> Self {
        let is_terminal = std::io::stdout().is_terminal();
        let has_colors = is_terminal && !options.no_color && std::env::var_os("NO_COLOR").is_none();
        let out = BufWriter::with_capacity(64 << 10, std::io::stdout());
        let message = Vec::new();
        Self { out, json: options.json, is_terminal, has_colors, message, is_flushed: true, is_closed: false }
    }

    fn write(&mut self, bytes: &[u8]) {
        self.is_flushed = false;
        self.is_closed |= self.out.write_all(bytes).is_err();
    }

    fn print(&mut self, line: &[u8]) {
        self.write(line);
        self.write(b"\n");
    }

    /// Whether everything is printed.
    pub const fn is_flushed(&self) -> bool {
        self.is_flushed
    }

    pub fn flush(&mut self) {
        self.is_flushed = true;
        self.is_closed |= self.out.flush().is_err();
    }

    fn event(&mut self, event: &Event<'_>) {
        if let Ok(text) = serde_json::to_string(event) {
            self.print(text.as_bytes());
        }
        // Of messages there may be many.
        if !matches!(event, Event::Message { .. }) {
            self.flush();
        }
    }

    /// A line that is no message.
    fn say(&mut self, text: &str) {
        self.flush();
        let text = harmless(text);
        // If nobody reads it, there is nobody to tell.
        let _ = if self.has_colors {
            writeln!(std::io::stderr(), "\x1b[2m{text}\x1b[0m")
        } else {
            writeln!(std::io::stderr(), "{text}")
        };
    }

    pub fn listening(&mut self, address: &str) {
        if self.json {
            return self.event(&Event::Listening { address });
        }
        self.say(&format!("Listening on {address} (press CTRL+C to quit)"));
    }

    pub fn open(&mut self, url: &str, protocol: Option<&str>) {
        if self.json {
            return self.event(&Event::Open { url, protocol });
        }
        let with = protocol.map(|p| format!(", subprotocol {p}")).unwrap_or_default();
        self.say(&format!("Connected to {url}{with} (press CTRL+C to quit)"));
    }

    /// A piece of a message, of which a pipe gets as much as there is.
    pub fn part(&mut self, part: &Chunk<'_>) {
        if self.json || self.is_terminal {
            self.message.extend_from_slice(part.as_bytes());
            if part.is_last() {
                let message = std::mem::take(&mut self.message);
                self.message(part.kind(), &message);
            }
            return;
        }
        match part.kind() {
            Kind::Text => self.write(part.as_bytes()),
            Kind::Binary => self.write(hex(part.as_bytes(), "").as_bytes()),
        }
        if part.is_last() {
            self.write(b"\n");
        }
    }

    fn message(&mut self, kind: Kind, bytes: &[u8]) {
        // A text is valid.
        let text = String::from_utf8_lossy(bytes);
        match kind {
            Kind::Text if self.json => self.event(&Event::Message { kind: "text", payload: Payload::Text(&text) }),
            Kind::Text => self.marked(&harmless(&text)),
            Kind::Binary if self.json => {
                self.event(&Event::Message { kind: "binary", payload: Payload::Hex(hex(bytes, "")) });
            }
            Kind::Binary => self.marked(&format!("({} bytes) {}", bytes.len(), hex(bytes, " "))),
        }
    }

    fn marked(&mut self, text: &str) {
        let text = if self.has_colors { format!("\x1b[34m< {text}\x1b[0m") } else { format!("< {text}") };
        self.print(text.as_bytes());
    }

    pub fn ping(&mut self, payload: &[u8]) {
        if self.json {
            return self.event(&Event::Ping { payload: Payload::of_control(payload) });
        }
        self.say(&format!("Received ping{}", shown(payload)));
    }

    /// A pong, and how long after its ping it came.
    pub fn pong(&mut self, payload: &[u8], after: Option<Duration>) {
        let ms = after.map(|after| (after.as_secs_f64() * 1e6).round() / 1e3);
        if self.json {
            return self.event(&Event::Pong { payload: Payload::of_control(payload), ms });
        }
        let after = ms.map(|ms| format!(" after {ms:.3} ms")).unwrap_or_default();
        self.say(&format!("Received pong{}{after}", shown(payload)));
    }

    /// Something that does not end the program.
    pub fn notice(&mut self, message: &str) {
        if self.json {
            return self.event(&Event::Notice { message });
        }
        self.say(message);
    }

    pub fn close(&mut self, code: CloseCode, reason: &str, clean: bool) {
        if self.json {
            return self.event(&Event::Close { code: code.0, reason, clean });
        }
        let reason = if reason.is_empty() { String::new() } else { format!(", reason: {reason}") };
        self.say(&match code {
            CloseCode::NO_STATUS => format!("Disconnected (no code{reason})"),
            CloseCode(code) => format!("Disconnected (code: {code}{reason})"),
        });
    }

    pub fn failure(&mut self, failure: &Failure) {
        if self.json {
            let (status, location) = (failure.status, failure.location.as_deref());
            self.event(&Event::Error { message: &failure.why, status, location });
        }
        self.flush();
        let why = harmless(&failure.why);
        let _ = writeln!(std::io::stderr(), "wscat: {why}");
    }
}

fn shown(payload: &[u8]) -> String {
    match std::str::from_utf8(payload) {
        Ok("") => String::new(),
        Ok(text) => format!(" (data: {text})"),
        Err(_) => format!(" (data: {})", hex(payload, " ")),
    }
}

fn hex(bytes: &[u8], between: &str) -> String {
    let mut text = String::with_capacity(bytes.len() * (2 + between.len()));
    for (n, byte) in bytes.iter().enumerate() {
        let _ = write!(text, "{}{byte:02x}", if n > 0 { between } else { "" });
    }
    text
}

/// Without control characters, which could take over the terminal.
fn harmless(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && !matches!(c, '\n' | '\t') { '\u{fffd}' } else { c }).collect()
}
