//! A Socket.IO client for the terminal: `cargo run --release --example client -- http://127.0.0.1:3000 --emit '?hello "you"'`.
//!
//! A typed line is an event: `name value,value…`, with values in JSON. `typed.rs` reads it, `print.rs` shows what comes, `../dial` has the sockets.

#[path = "../dial/mod.rs"]
mod dial;
mod print;
mod typed;

use clap::Parser;
use dial::{App, Client, Dial};
use print::{Note, Printer};
use sansocket::{
    endpoint::client::{Config, Emit, Failure, FullLink, Link, Over, Seen, Step},
    engineio::Transport,
    json::{Kind, Raw, Value},
    socketio::{
        Attachments, Binary, Namespace,
        client::{Backoff, Event},
    },
    time::Instant,
};
use std::{collections::HashMap, io::BufRead, process::ExitCode, time::Duration};
use tokio::sync::mpsc::unbounded_channel;
use typed::Typed;

/// A Socket.IO client for the terminal.
///
/// Type `name value,value…` to send an event, with values in JSON: `message "hello",1`. A `?` in front asks for an acknowledgement and prints it.
/// `/ns ` in front names the namespace. `@file` in the place of a value sends the bytes of a file
/// (`@"a name with blanks"`).
///
/// Exit codes: 0 done, 1 refused or closed for good, 2 wrong usage, 3 unreachable.
#[derive(Clone, Debug, Parser)]
struct Options {
    /// Where the server is: http://HOST:PORT. A path names the namespace, a query goes with each request.
    url: String,
    /// A namespace to join instead of the URL's. Can be repeated: all share one connection.
    #[arg(long, value_name = "NS")]
    namespace: Vec<String>,
    /// Credentials for each namespace: a JSON object.
    #[arg(long, value_name = "JSON")]
    auth: Option<String>,
    /// The transports in order: the first opens the connection.
    #[arg(long, default_value = "polling,websocket", value_delimiter = ',', value_parser = transport, value_name = "LIST")]
    transports: Vec<Transport>,
    /// A header field for each request: 'Name: value'. Can be repeated.
    #[arg(long, value_name = "FIELD", value_parser = field)]
    header: Vec<(String, String)>,
    /// The path of the server's Socket.IO endpoint.
    #[arg(long, default_value = "/socket.io/", value_name = "PATH")]
    path: String,
    /// An event to send once connected, written as it would be typed. Can be repeated.
    #[arg(long, value_name = "LINE")]
    emit: Vec<String>,
    /// Disconnect after this time, counted from the start. Without it: at the end of the input.
    #[arg(long = "for", value_name = "SECONDS", value_parser = seconds)]
    time: Option<Duration>,
    /// How long to wait for an acknowledgement.
    #[arg(long, default_value = "10", value_name = "SECONDS", value_parser = seconds)]
    ack_timeout: Duration,
    /// Answer each request for an acknowledgement with its own arguments.
    #[arg(long)]
    respond: bool,
    /// Print one JSON object a line.
    #[arg(long)]
    json: bool,
    /// End when the connection cannot be made or is lost.
    #[arg(long)]
    no_reconnect: bool,
    /// How long to wait before the first attempt to reconnect, give or take a half. Later ones wait longer, at most five times this.
    #[arg(long, default_value = "1", value_name = "SECONDS", value_parser = seconds)]
    delay: Duration,
    /// Offer compression for WebSockets (permessage-deflate). Events of 1,024 bytes and more are compressed.
    #[arg(long)]
    compress: bool,
    /// Print each packet as it goes over the wire.
    #[arg(long)]
    packets: bool,
}

fn transport(name: &str) -> Result<Transport, String> {
    match name {
        "polling" => Ok(Transport::Polling),
        "websocket" => Ok(Transport::WebSocket),
        _ => Err("the transports are polling and websocket".into()),
    }
}

fn field(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once(':').ok_or("write it as 'Name: value'")?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "a number of seconds")?;
    Duration::try_from_secs_f64(seconds).map_err(|e| e.to_string())
}

/// How long the program stays behind the last event, in milliseconds. A server on Node ignores events that it reads together with the packet that
/// leaves.
const LINGER: u64 = 200;

/// The program's state.
struct Terminal<'o> {
    printer: Printer<'o>,
    respond: bool,
    shows_packets: bool,
    auth: Option<&'o str>,
    ack_timeout: u64,
    /// When to leave.
    until: Option<Instant>,
    /// The events whose acknowledgements are outstanding.
    asked: HashMap<u32, String>,
    next_token: u32,
    has_input: bool,
    was_connected: bool,
    was_refused: bool,
    is_leaving: bool,
    exit: Option<u8>,
}

impl Terminal<'_> {
    fn emit(&mut self, client: &mut Client<'_>, line: &str, now: Instant) -> Result<(), String> {
        let Typed { namespace, asks, name, values, files } = Typed::read(line, self.printer.namespaces)?;
        let slices: Vec<&[u8]> = files.iter().map(Vec::as_slice).collect();
        let raw = Raw::new(values.as_bytes()).map_err(|e| format!("the values are not valid JSON: {e}"))?;
        let content = Binary(raw, slices.as_slice().into());
        let mut how = Emit::new();
        if asks {
            how = how.ask(self.next_token, Some(now.after_millis(self.ack_timeout)));
        }
        let is_kept = dial::send(client, |client| client.emit_with(namespace, &name, &content, how));
        if !is_kept.map_err(|e| e.to_string())? {
            return Err("the event was dropped".into());
        }
        if asks {
            self.asked.insert(self.next_token, name);
            self.next_token = self.next_token.wrapping_add(1);
        }
        Ok(())
    }

    fn leave(&mut self, client: &mut Client<'_>) {
        if !self.is_leaving {
            self.is_leaving = true;
            client.close();
        }
    }

    /// Without more input the program ends when nothing is outstanding: no answer, and no event that waits for its namespace.
    fn leave_if_done(&mut self, client: &mut Client<'_>, now: Instant) {
        if self.has_input || self.until.is_some() || !self.was_connected || !self.asked.is_empty() {
            return;
        }
        let io = client.io();
        if client.held() == 0 || io.namespaces().all(|namespace| io.is_connected(namespace)) {
            self.until = Some(now.after_millis(LINGER));
        }
    }

    fn event(&mut self, client: &mut Client<'_>, event: Event<'_>, files: Attachments<'_>) {
        match event {
            Event::Connected { namespace, sid, is_recovered } => {
                self.was_connected = true;
                let transport = client.link().transport();
                self.printer.print(Note::Connected { namespace, sid, is_recovered, transport });
            }
            Event::Refused { namespace, message, data } => {
                self.was_refused = true;
                self.printer.print(Note::Refused { namespace, message, data });
            }
            Event::Event(packet) => {
                self.printer.print(Note::Event { packet, files });
                if let Some(request) = packet.ack.filter(|_| self.respond) {
                    let own = Binary(packet.args(), files);
                    if let Err(e) = dial::send(client, |client| client.ack(request, &own)) {
                        self.printer.print(Note::Error(&format!("the acknowledgement was not sent: {e}")));
                    }
                }
            }
            Event::Ack(packet) => {
                if let Some(name) = packet.token.and_then(|token| self.asked.remove(&token)) {
                    self.printer.print(Note::Answer {
                        namespace: packet.namespace,
                        name: &name,
                        args: packet.args(),
                        files,
                    });
                }
            }
            Event::AckFailed { namespace, token, error } => {
                if let Some(name) = self.asked.remove(&token) {
                    self.printer.print(Note::NoAnswer { namespace, name: &name, error });
                }
            }
            Event::Disconnected { namespace, reason } => self.printer.print(Note::Disconnected { namespace, reason }),
            _ => {}
        }
    }
}

impl App for Terminal<'_> {
    fn step(&mut self, client: &mut Client<'_>, step: Step<'_>, now: Instant) {
        match step {
            Step::Auth(namespace) => {
                let auth = self.auth.map(|text| Raw::trusted(text.as_bytes()));
                if let Err(e) = dial::send(client, |client| client.authorize(namespace, auth.as_ref())) {
                    self.printer.print(Note::Error(&format!("the credentials were not sent: {e}")));
                }
            }
            Step::Event(event, files) => self.event(client, event, files),
            Step::Failed { failure, attempt, retry } => {
                let wait = retry.map(|at| at.duration_since(now));
                self.printer.print(Note::Failed { failure, attempt, wait });
                if let Failure::Config(_) = failure {
                    self.exit = Some(2);
                } else if !self.was_connected && !self.has_input && self.until.is_none() {
                    self.leave(client);
                    self.exit = Some(3);
                }
            }
            Step::Over(over) => {
                self.printer.print(Note::Over(over));
                self.exit = self.exit.or(Some(match over {
                    Over::Closed if self.was_connected => 0,
                    Over::Closed if self.was_refused => 1,
                    Over::Closed => 3,
                    Over::GaveUp if !self.was_connected => 3,
                    _ => 1,
                }));
            }
            _ => {}
        }
        self.leave_if_done(client, now);
    }

    fn seen(&mut self, seen: Seen<'_>) {
        if self.shows_packets {
            self.printer.print(Note::Packet(seen));
        }
    }

    fn typed(&mut self, client: &mut Client<'_>, line: Option<String>, now: Instant) {
        match line {
            Some(line) if line.trim().is_empty() => {}
            Some(line) => {
                if let Err(why) = self.emit(client, &line, now) {
                    self.printer.print(Note::Error(&why));
                }
            }
            None => {
                self.has_input = false;
                self.leave_if_done(client, now);
            }
        }
    }

    fn interrupted(&mut self, client: &mut Client<'_>) {
        if self.is_leaving {
            self.exit = self.exit.or(Some(1));
        }
        self.leave(client);
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.until.filter(|_| !self.is_leaving)
    }

    fn handle_timeout(&mut self, client: &mut Client<'_>) {
        self.leave(client);
    }

    fn is_done(&self) -> bool {
        self.exit.is_some()
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let start = tokio::time::Instant::now();
    let options = Options::parse();
    match run(&options, start).await {
        Ok(code) => ExitCode::from(code),
        Err(why) => {
            eprintln!("client: {why}");
            ExitCode::from(2)
        }
    }
}

async fn run(options: &Options, start: tokio::time::Instant) -> Result<u8, String> {
    let url = if options.url.contains("://") { options.url.clone() } else { format!("http://{}", options.url) };
    let delay = u32::try_from(options.delay.as_millis()).map_err(|_| "--delay is too long")?;
    let backoff = Backoff::new().delay(delay).max(delay.saturating_mul(5));
    let backoff = if options.no_reconnect { backoff.limit(0) } else { backoff };
    let fields: Vec<(&str, &[u8])> = options.header.iter().map(|(n, v)| (n.as_str(), v.as_bytes())).collect();
    let config = Config::parse(&url)
        .map_err(|e| format!("'{url}': {e}"))?
        .path(&options.path)
        .fields(&fields)
        .transports(&options.transports)
        .reconnection(backoff);
    if config.url().scheme().is_secure() {
        return Err("this program has no TLS: use http:// or ws://".into());
    }
    if let Some(auth) = &options.auth
        && !Value::parse(auth.as_bytes()).is_ok_and(|v| v.kind() == Kind::Object)
    {
        return Err(format!("--auth must be a JSON object, such as {{\"token\":\"abc\"}}, not: {auth}"));
    }
    let mut names: Vec<String> = options.namespace.clone();
    if names.is_empty() || config.namespace() != "/" {
        names.insert(0, config.namespace().to_owned());
    }
    let mut names: Vec<String> =
        names.into_iter().map(|n| if n.starts_with('/') { n } else { format!("/{n}") }).collect();
    let mut seen = std::collections::HashSet::new();
    names.retain(|n| seen.insert(n.clone()));
    if let Some(name) = names.iter().find(|n| n.contains(',')) {
        return Err(format!("a namespace has no comma: {name}"));
    }
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut client = dial::client(FullLink::new(&config), &names);
    if let Some(auth) = &options.auth {
        client = client.with_auth(auth.len() + 256);
    }
    let now = Instant::from_millis(0);
    let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let mut app = Terminal {
        printer: Printer { is_json: options.json, namespaces: &names },
        respond: options.respond,
        shows_packets: options.packets,
        auth: options.auth.as_deref(),
        ack_timeout: millis(options.ack_timeout),
        until: options.time.map(|time| Instant::from_millis(millis(time))),
        asked: HashMap::new(),
        next_token: 0,
        has_input: true,
        was_connected: false,
        was_refused: false,
        is_leaving: false,
        exit: None,
    };
    for i in 0..names.len() {
        let namespace = Namespace(u16::try_from(i).map_err(|_| "too many namespaces")?);
        client.connect(namespace, now).map_err(|e| e.to_string())?;
    }
    for line in &options.emit {
        app.emit(&mut client, line, now).map_err(|e| format!("--emit '{line}': {e}"))?;
    }
    let (sender, lines) = unbounded_channel();
    std::thread::spawn(move || {
        // Ends at the end of the input, which the program is told by the end of the channel. A byte that is no UTF-8 does not end it.
        let lines = std::io::stdin().lock().split(b'\n').map_while(Result::ok);
        lines.map(|line| String::from_utf8_lossy(&line).into_owned()).try_for_each(|line| sender.send(line))
    });
    let host = config.url().host().to_owned();
    let dial = Dial::new(client, &host, config.url().port(), start).compressing(options.compress);
    dial.run(&mut app, lines).await;
    Ok(app.exit.unwrap_or(1))
}
