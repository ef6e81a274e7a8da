use clap::Parser;
use std::{path::PathBuf, time::Duration};

/// A WebSocket client in a terminal: lines in, messages out.
///
/// Messages go to standard output, everything else to standard error. Exit code 0 after a normal close (1000, 1001 or no code), 1 if the connection cannot be
/// opened, is lost or is closed otherwise, 2 if the command line is wrong.
#[derive(Clone, Debug, Parser)]
#[command(name = "wscat", version, max_term_width = 100)]
pub struct Options {
    /// Where to connect to; ws:// is put in front of a URL without a scheme.
    #[arg(value_name = "URL", conflicts_with_all = ["connect", "listen"])]
    target: Option<String>,
    /// The same as URL.
    #[arg(short, long, value_name = "URL", conflicts_with = "listen")]
    connect: Option<String>,
    /// Be the server of one connection after another, on this port of 127.0.0.1 or on this ADDRESS:PORT.
    #[arg(short, long, value_name = "PORT")]
    listen: Option<String>,

    /// A subprotocol that is offered (with --listen: that is accepted), in order of preference.
    #[arg(short, long, value_name = "PROTOCOL")]
    pub subprotocol: Vec<String>,
    /// A header field of the request.
    #[arg(short = 'H', long, value_name = "NAME: VALUE", value_parser = header)]
    pub header: Vec<(String, String)>,
    /// The Origin field of the request.
    #[arg(short, long, value_name = "ORIGIN")]
    pub origin: Option<String>,
    /// The user and the password of the request.
    #[arg(long, value_name = "USER:PASSWORD", value_parser = credentials)]
    pub auth: Option<(String, String)>,
    /// Follow redirections. Credentials and header fields do not go to another host.
    #[arg(short = 'L', long)]
    pub location: bool,
    /// How many redirections to follow.
    #[arg(long, default_value_t = 10, value_name = "NUMBER")]
    pub max_redirects: usize,
    /// Seconds that connecting may take, for each address tried.
    #[arg(long, default_value = "10", value_name = "SECONDS", value_parser = seconds)]
    pub timeout: Duration,

    /// Accept certificates of the authorities in this PEM file only, instead of the public ones.
    #[arg(long, value_name = "FILE")]
    pub ca: Option<PathBuf>,
    /// Accept any certificate: anyone on the way can read and change everything.
    #[arg(short = 'n', long, visible_alias = "no-check", conflicts_with = "ca")]
    pub insecure: bool,
    /// A certificate to show (with --listen: the server's), in PEM.
    #[arg(long, value_name = "FILE", requires = "key")]
    pub cert: Option<PathBuf>,
    /// Its key, in PEM.
    #[arg(long, value_name = "FILE", requires = "cert")]
    pub key: Option<PathBuf>,

    /// Send each line as a binary message of its bytes.
    #[arg(short, long)]
    pub binary: bool,
    /// Send each line as a binary message, given in hexadecimal; spaces are ignored.
    #[arg(long)]
    pub hex: bool,
    /// Send this instead of lines from standard input, then close after --wait.
    #[arg(short = 'x', long, value_name = "MESSAGE", allow_hyphen_values = true)]
    pub execute: Vec<String>,
    /// Seconds to wait after the last message before closing; -1 for ever. Default: 2 with --execute, 0 at the end of standard input.
    #[arg(short, long, value_name = "SECONDS", value_parser = wait, allow_hyphen_values = true)]
    pub wait: Option<Wait>,
    /// Lines that begin with a slash are commands: /ping [DATA], /close [CODE [REASON]].
    #[arg(long)]
    pub slash: bool,

    /// Send a ping every so many seconds, and show the pongs.
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub ping: Option<Duration>,
    /// Show pings and pongs.
    #[arg(short = 'P', long)]
    pub show_ping_pong: bool,
    /// Print one JSON object a line for each event: open, message, ping, pong, close, error.
    #[arg(long)]
    pub json: bool,
    /// Print without colours. They are also left out when the output is no terminal.
    #[arg(long)]
    pub no_color: bool,
    /// Bytes of the largest message that is accepted.
    #[arg(long, default_value_t = 100 << 20, value_name = "BYTES", value_parser = clap::value_parser!(u64).range(1..=1 << 40))]
    pub max_message: u64,
}

/// How long to wait before closing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    Forever,
    For(Duration),
}

impl Options {
    /// Where to connect to.
    pub fn url(&self) -> Option<String> {
        let url = self.target.as_ref().or(self.connect.as_ref())?;
        Some(if url.contains("://") { url.clone() } else { format!("ws://{url}") })
    }

    /// Where to listen.
    pub fn address(&self) -> Option<String> {
        let listen = self.listen.as_ref()?;
        Some(if listen.contains(':') { listen.clone() } else { format!("127.0.0.1:{listen}") })
    }
}

fn header(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once(':').ok_or("it has no colon")?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}

fn credentials(text: &str) -> Result<(String, String), String> {
    let (user, password) = text.split_once(':').ok_or("it has no colon")?;
    Ok((user.to_owned(), password.to_owned()))
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "it is not a number")?;
    if !(0.001..=86_400.0).contains(&seconds) {
        return Err("it is not between 0.001 and 86400".into());
    }
    Ok(Duration::from_secs_f64(seconds))
}

fn wait(text: &str) -> Result<Wait, String> {
    match text.parse() {
        Ok(-1.0) => Ok(Wait::Forever),
        Ok(seconds) if (0.0..=86_400.0).contains(&seconds) => Ok(Wait::For(Duration::from_secs_f64(seconds))),
        _ => Err("it is neither -1 nor a number from 0 to 86400".into()),
    }
}
