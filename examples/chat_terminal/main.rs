//! The chat room in a terminal: `cargo run --release --example chat_terminal -- --name Ann`, beside `cargo run --release --example chat`.
//! Browsers and terminals meet in one room. `../dial` has the sockets.

#[path = "../dial/mod.rs"]
mod dial;

use clap::Parser;
use dial::{App, Client, Dial};
use sansocket::{
    endpoint::client::{Config, Emit, FullLink, Link, Over, Step},
    json::Json,
    socketio::{EventPacket, Namespace, client::Event},
    time::Instant,
};
use serde::{Deserialize, Serialize};
use std::{
    io::{BufRead, IsTerminal, Write},
    process::ExitCode,
};
use tokio::sync::mpsc::unbounded_channel;

/// The chat room in a terminal.
///
/// A typed line is a message to all. `/name NAME` changes your name, `/who` lists who is there, `/quit` leaves.
#[derive(Clone, Debug, Parser)]
struct Options {
    /// Where the chat server is.
    #[arg(default_value = "http://127.0.0.1:3000", value_name = "URL")]
    url: String,
    /// Your name, of at most 40 characters.
    #[arg(long, value_name = "NAME")]
    name: String,
    /// Offer compression (permessage-deflate).
    #[arg(long)]
    compress: bool,
    /// Print without colours. They are also left out when the output is no terminal.
    #[arg(long)]
    no_color: bool,
}

const ROOT: Namespace = Namespace(0);

/// How long a message may wait for its acknowledgement, in milliseconds. While the server is away it waits to be sent.
const PATIENCE: u64 = 300_000;

/// What somebody said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Said {
    name: String,
    message: String,
}

/// Who is there.
#[derive(Clone, Debug, Default, Deserialize)]
struct Users {
    count: usize,
    names: Vec<String>,
}

struct Chat {
    name: String,
    has_colors: bool,
    /// Input and output are a terminal, which has shown what was typed.
    echoes: bool,
    /// What was shown of the history, to show only what is new after a reconnection.
    shown: Vec<Said>,
    users: Users,
    /// Messages whose acknowledgements are outstanding.
    asked: u32,
    is_connected: bool,
    is_leaving: bool,
    has_input: bool,
    exit: Option<u8>,
}

impl Chat {
    fn print(&self, text: &str) {
        let mut out = std::io::stdout().lock();
        let _ = writeln!(out, "{text}").and_then(|()| out.flush());
    }

    /// A line about the room rather than from somebody.
    fn notice(&self, text: &str) {
        let text = harmless(text);
        self.print(&if self.has_colors { format!("\x1b[2m* {text}\x1b[0m") } else { format!("* {text}") });
    }

    fn said(&self, said: &Said) {
        let (name, message) = (harmless(&said.name), harmless(&said.message));
        self.print(&if self.has_colors {
            format!("\x1b[1;38;5;{}m{name}\x1b[0m: {message}", color(&said.name))
        } else {
            format!("{name}: {message}")
        });
    }

    /// Sends an event, or keeps it until the server is there.
    fn emit(&mut self, client: &mut Client<'_>, name: &str, value: &impl Serialize, how: Emit) {
        let sent = dial::send(client, |client| client.emit_with(ROOT, name, &Json(value), how));
        if let Err(e) = sent {
            self.notice(&format!("not sent: {e}"));
        }
    }

    fn rename(&mut self, client: &mut Client<'_>) {
        let name = self.name.clone();
        self.emit(client, "user-name", &name, Emit::new());
    }

    fn history(&mut self, history: Vec<Said>) {
        // The server tells the whole history whenever somebody connects.
        let known = (0..=self.shown.len()).find(|&from| history.starts_with(&self.shown[from..])).unwrap_or(0);
        for said in &history[self.shown.len() - known..] {
            self.said(said);
        }
        self.shown = history;
    }

    fn event(&mut self, event: EventPacket<'_>) -> Option<()> {
        let arg = event.args().next()?;
        let mut memory = vec![0; arg.raw().len()];
        if event.is("allMessage") {
            self.history(arg.deserialize(&mut memory).ok()?);
        } else if event.is("newMessage") {
            let said: Said = arg.deserialize(&mut memory).ok()?;
            if said.name == self.name && self.echoes {
                // In the place of the typed line.
                print!("\x1b[1A\x1b[2K");
            }
            self.said(&said);
            self.shown.push(said);
        } else if event.is("globalMsg") || event.is("notice") {
            let text: String = arg.deserialize(&mut memory).ok()?;
            self.notice(&text);
        } else if event.is("users") {
            self.users = arg.deserialize(&mut memory).ok()?;
        }
        Some(())
    }

    fn leave(&mut self, client: &mut Client<'_>) {
        if !self.is_leaving {
            self.is_leaving = true;
            client.close();
        }
    }

    fn leave_if_done(&mut self, client: &mut Client<'_>) {
        if !self.has_input && self.is_connected && self.asked == 0 {
            self.leave(client);
        }
    }
}

impl App for Chat {
    fn step(&mut self, client: &mut Client<'_>, step: Step<'_>, now: Instant) {
        match step {
            Step::Event(Event::Connected { .. }, _) => {
                self.is_connected = true;
                self.notice(&format!("connected to {}", client.link().config().url().authority()));
                self.rename(client);
            }
            Step::Event(Event::Event(event), _) => {
                let _ = self.event(event);
            }
            Step::Event(Event::Ack(answer), _) => {
                self.asked = self.asked.saturating_sub(1);
                if answer.args().next().and_then(|value| value.as_bool()) == Some(false) {
                    self.notice("the server did not take that message");
                }
            }
            Step::Event(Event::AckFailed { .. }, _) => {
                self.asked = self.asked.saturating_sub(1);
                self.notice("a message may not have arrived");
            }
            Step::Event(Event::Disconnected { reason, .. }, _) => {
                self.is_connected = false;
                if !self.is_leaving {
                    self.notice(&format!("disconnected: {reason}"));
                }
            }
            Step::Event(Event::Refused { .. }, _) => self.notice("the server refused this client"),
            Step::Failed { failure, retry, .. } => {
                let wait = retry.map_or(0, |at| at.duration_since(now).as_millis());
                self.notice(&format!("{failure}; next attempt in {wait} ms"));
                if !self.has_input {
                    self.exit = Some(3);
                    self.leave(client);
                }
            }
            Step::Over(over) => self.exit = self.exit.or(Some(if over == Over::Closed { 0 } else { 1 })),
            _ => {}
        }
        self.leave_if_done(client);
    }

    fn typed(&mut self, client: &mut Client<'_>, line: Option<String>, now: Instant) {
        let Some(line) = line else {
            self.has_input = false;
            return self.leave_if_done(client);
        };
        let line = line.trim();
        if line == "/quit" {
            self.leave(client);
        } else if line == "/who" {
            let more = self.users.count.saturating_sub(self.users.names.len());
            let more = if more > 0 { format!(" and {more} without a name") } else { String::new() };
            self.notice(&format!("{} here: {}{more}", self.users.count, self.users.names.join(", ")));
        } else if let Some(name) = line.strip_prefix("/name ") {
            self.name = name.trim().to_owned();
            if self.is_connected {
                self.rename(client);
            }
        } else if line.starts_with('/') {
            self.notice("the commands are /name NAME, /who and /quit");
        } else if !line.is_empty() {
            let said = Said { name: self.name.clone(), message: line.to_owned() };
            self.asked += 1;
            self.emit(client, "sendMessage", &said, Emit::new().ask(0, Some(now.after_millis(PATIENCE))));
        }
    }

    fn interrupted(&mut self, client: &mut Client<'_>) {
        self.leave(client);
    }

    fn is_done(&self) -> bool {
        self.exit.is_some()
    }
}

/// The text without characters that control a terminal, which somebody could have sent.
fn harmless(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// A colour of the palette that is bright enough on dark and dark enough on light.
fn color(name: &str) -> u32 {
    const COLORS: [u32; 12] = [31, 34, 61, 64, 97, 125, 130, 136, 160, 166, 168, 172];
    let hash = name.chars().fold(7, |hash: u32, c| hash.wrapping_mul(31).wrapping_add(u32::from(c)));
    COLORS[hash as usize % COLORS.len()]
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(&Options::parse()).await {
        Ok(code) => ExitCode::from(code),
        Err(why) => {
            eprintln!("chat_terminal: {why}");
            ExitCode::from(2)
        }
    }
}

async fn run(options: &Options) -> Result<u8, String> {
    let url = if options.url.contains("://") { options.url.clone() } else { format!("http://{}", options.url) };
    let config = Config::parse(&url).map_err(|e| format!("'{url}': {e}"))?;
    if config.url().scheme().is_secure() {
        return Err("this program has no TLS: use http://".into());
    }
    let name = options.name.trim();
    if name.is_empty() || name.chars().count() > 40 {
        return Err("a name has 1 to 40 characters".into());
    }
    let names = ["/"];
    let mut client = dial::client(FullLink::new(&config), &names);
    client.connect(ROOT, Instant::from_millis(0)).map_err(|e| e.to_string())?;
    let is_terminal = std::io::stdout().is_terminal();
    let mut chat = Chat {
        name: name.to_owned(),
        has_colors: is_terminal && !options.no_color,
        echoes: is_terminal && std::io::stdin().is_terminal(),
        shown: Vec::new(),
        users: Users::default(),
        asked: 0,
        is_connected: false,
        is_leaving: false,
        has_input: true,
        exit: None,
    };
    let (sender, lines) = unbounded_channel();
    std::thread::spawn(move || {
        let lines = std::io::stdin().lock().split(b'\n').map_while(Result::ok);
        lines.map(|line| String::from_utf8_lossy(&line).into_owned()).try_for_each(|line| sender.send(line))
    });
    Dial::new(client, config.url().host(), config.url().port(), tokio::time::Instant::now())
        .compressing(options.compress)
        .run(&mut chat, lines)
        .await;
    Ok(chat.exit.unwrap_or(1))
}
