use crate::{dial::Wire, failure::Failure, input::Input, options::Options, output::Output};
use sansocket::{
    drive::{Error, Side, WebSocket, tokio::Clock},
    ws::{CloseCode, Incoming, Kind},
};
use std::{io, pin::pin, time::Instant};
use tokio::{
    io::AsyncWriteExt,
    select,
    signal::ctrl_c,
    time::{MissedTickBehavior, interval_at},
};

type Socket<D> = WebSocket<Wire, Clock, D, Vec<u8>, Vec<u8>>;
type Failed = Error<io::Error>;

/// Sends the input and prints what arrives, until the connection is closed.
pub async fn talk<D: Side>(
    ws: &mut Socket<D>,
    options: &Options,
    input: &mut Input,
    output: &mut Output,
) -> Result<(), Failure> {
    let mut pings = Pings::new(options);
    let mut is_closing = false;
    let mut interrupt = pin!(ctrl_c());
    let closed = loop {
        if output.is_closed && !is_closing {
            is_closing = close(ws, CloseCode::NORMAL, "").is_ok();
        }
        select! {
            incoming = ws.next_part() => match incoming {
                Ok(None) => break ws.reply().closed(),
                Ok(Some((incoming, _))) => show(incoming, options, &mut pings, output),
                Err(e) => return Err(lost(e)),
            },
            message = input.next(), if !is_closing => match message {
                None => is_closing = close(ws, CloseCode::NORMAL, "").is_ok(),
                Some(line) => is_closing = said(ws, line, options, output).await?,
            },
            () = pings.due(), if !is_closing => ping(ws, &pings.next()).await.map_err(lost)?,
            () = std::future::ready(()), if !output.is_flushed() => output.flush(),
            _ = &mut interrupt => {
                interrupt.set(ctrl_c());
                if is_closing {
                    return Err(Failure::interrupted());
                }
                is_closing = close(ws, CloseCode::NORMAL, "").is_ok();
            }
        }
    };
    let reason = ws.reply().connection().close_reason().to_owned();
    output.close(closed.code, &reason, closed.is_clean);
    // TLS ends with a message of its own.
    let _ = ws.reply().transport().get_mut().shutdown().await;
    match closed.code {
        CloseCode::NORMAL | CloseCode::GOING_AWAY | CloseCode::NO_STATUS => Ok(()),
        CloseCode(code) => Err(Failure::connection(format!("the peer closed the connection with code {code}"))),
    }
}

fn show(incoming: Incoming<'_>, options: &Options, pings: &mut Pings, output: &mut Output) {
    match incoming {
        Incoming::Part(part) => output.part(&part),
        Incoming::Ping(ping) if options.show_ping_pong => output.ping(ping.as_bytes()),
        Incoming::Pong(pong) => output.pong(pong.as_bytes(), pings.answered(pong.as_bytes())),
        _ => {}
    }
}

/// Sends a line. `true`: the connection is closed now.
async fn said<D: Side>(
    ws: &mut Socket<D>,
    line: Vec<u8>,
    options: &Options,
    output: &mut Output,
) -> Result<bool, Failure> {
    if options.slash && line.starts_with(b"/") {
        return command(ws, &String::from_utf8_lossy(&line), output).await;
    }
    let (kind, payload) = match (options.hex, options.binary) {
        (true, _) => match from_hex(&line) {
            Some(bytes) => (Kind::Binary, bytes),
            None => return not_sent(output, "the line is not hexadecimal"),
        },
        (_, true) => (Kind::Binary, line),
        _ if std::str::from_utf8(&line).is_err() => {
            return not_sent(output, "the line is not UTF-8; --binary sends any bytes");
        }
        _ => (Kind::Text, line),
    };
    loop {
        match ws.reply().feed(kind, &payload).await {
            Err(Error::Outbox(e)) => drop(ws.reply().replace_outbox(vec![0; e.needed])),
            Err(e) => return Err(lost(e)),
            Ok(()) => return Ok(false),
        }
    }
}

async fn command<D: Side>(ws: &mut Socket<D>, line: &str, output: &mut Output) -> Result<bool, Failure> {
    let (name, rest) = line.split_once(' ').unwrap_or((line, ""));
    match name {
        "/ping" if rest.len() > 125 => not_sent(output, "a ping has at most 125 bytes"),
        "/ping" => ping(ws, rest.as_bytes()).await.map_err(lost).map(|()| false),
        "/close" => {
            let (code, reason) = rest.split_once(' ').unwrap_or((rest, ""));
            let code = if code.is_empty() { Ok(1000) } else { code.parse() };
            match code.map(|code| close(ws, CloseCode(code), reason)) {
                Ok(Ok(())) => Ok(true),
                Ok(Err(e)) => not_sent(output, &e.to_string()),
                Err(_) => not_sent(output, "the close code is not a number"),
            }
        }
        _ => not_sent(output, "there are /ping [DATA] and /close [CODE [REASON]]"),
    }
}

fn not_sent(output: &mut Output, why: &str) -> Result<bool, Failure> {
    output.notice(&format!("Not sent: {why}"));
    Ok(false)
}

async fn ping<D: Side>(ws: &mut Socket<D>, payload: &[u8]) -> Result<(), Failed> {
    ws.reply().ping(payload).await
}

fn close<D: Side>(ws: &mut Socket<D>, code: CloseCode, reason: &str) -> Result<(), Failed> {
    ws.reply().close(code, reason)
}

fn lost(e: Failed) -> Failure {
    Failure::connection(format!("the connection is lost: {e}"))
}

fn from_hex(line: &[u8]) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = line
        .iter()
        .filter(|b| !b.is_ascii_whitespace())
        .map(|&b| char::from(b).to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect();
    let digits = digits?;
    digits.chunks(2).map(|pair| Some(pair.first()? << 4 | pair.get(1)?)).collect()
}

/// The pings of `--ping`, whose payload is a number.
struct Pings {
    interval: Option<tokio::time::Interval>,
    sent: u64,
    at: Instant,
}

impl Pings {
    fn new(options: &Options) -> Self {
        let interval = options.ping.map(|every| {
            let mut interval = interval_at(tokio::time::Instant::now() + every, every);
            interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
            interval
        });
        Self { interval, sent: 0, at: Instant::now() }
    }

    async fn due(&mut self) {
        match &mut self.interval {
            Some(interval) => drop(interval.tick().await),
            None => std::future::pending().await,
        }
    }

    fn next(&mut self) -> Vec<u8> {
        self.sent += 1;
        self.at = Instant::now();
        self.sent.to_string().into_bytes()
    }

    /// How long ago the ping was sent that this answers.
    fn answered(&self, pong: &[u8]) -> Option<std::time::Duration> {
        (self.sent > 0 && pong == self.sent.to_string().as_bytes()).then(|| self.at.elapsed())
    }
}
