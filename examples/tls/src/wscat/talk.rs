use crate::{
    Interrupts,
    dial::{self, Wire},
    failure::Failure,
    input::Input,
    options::Options,
    output::Output,
};
use sansocket::{
    drive::{
        Error, Sender, Shared, Side, WebSocket,
        tokio::{Clock, Stream},
    },
    ws::{CloseCode, Incoming, Kind},
};
use std::{
    cell::{Cell, RefCell},
    future::pending,
    io,
    pin::Pin,
    rc::Rc,
    time::Instant,
};
use tokio::{
    io::{AsyncWriteExt, WriteHalf, split},
    select,
    time::{MissedTickBehavior, interval_at},
};

type Socket<D> = WebSocket<Wire, Clock, D, Vec<u8>, Vec<u8>>;
type Lock<D> = Rc<RefCell<Shared<Stream<WriteHalf<Box<dyn dial::Socket>>>, D, Vec<u8>>>>;
type Voice<D> = Sender<Clock, Lock<D>>;
type Failed = Error<io::Error>;

/// Sends the input and prints what arrives, until the connection is closed. Neither waits for the other.
pub async fn talk<D: Side>(
    ws: Socket<D>,
    options: &Options,
    input: &mut Input,
    interrupts: &mut Interrupts,
    output: &mut Output,
) -> Result<(), Failure> {
    let (half, shared) = ws.split(|stream| {
        let (reader, writer) = split(stream.into_inner());
        (Stream::new(reader), Stream::new(writer))
    });
    let lock: Lock<D> = Rc::new(RefCell::new(shared));
    let (mut receiver, sender) = half.join(lock.clone());
    let (pings, output) = (Pings::default(), RefCell::new(output));
    let mut is_closing = false;
    let mut speaking: Pin<Box<dyn Future<Output = Result<(), Failure>>>> =
        Box::pin(speak(sender.clone(), options, input, &pings, &output));
    let mut has_spoken = false;
    loop {
        if output.borrow().is_closed && !is_closing {
            is_closing = true;
            (speaking, has_spoken) = (Box::pin(leave(sender.clone())), false);
        }
        let is_printed = output.borrow().is_flushed();
        select! {
            incoming = receiver.next_part() => match incoming.map_err(lost)? {
                Some(incoming) => show(incoming, options, &pings, &mut output.borrow_mut()),
                None => break,
            },
            end = &mut speaking, if !has_spoken => {
                has_spoken = true;
                end?;
            }
            () = std::future::ready(()), if !is_printed => output.borrow_mut().flush(),
            () = interrupts.next() => {
                if is_closing {
                    return Err(Failure::interrupted());
                }
                is_closing = true;
                (speaking, has_spoken) = (Box::pin(leave(sender.clone())), false);
            }
        }
    }
    drop((speaking, sender));
    let half = receiver.into_half();
    let whole = Rc::into_inner(lock).map(RefCell::into_inner).and_then(|shared| {
        half.unite(shared, |reader, writer| Stream::new(reader.into_inner().unsplit(writer.into_inner())))
    });
    let Some(mut ws) = whole else { return Err(lost(Error::Ended)) };
    let reply = ws.reply();
    let closed = reply.closed();
    output.borrow_mut().close(closed.code, reply.connection().close_reason(), closed.is_clean);
    // TLS ends with a message of its own.
    let _ = reply.transport().get_mut().shutdown().await;
    match closed.code {
        CloseCode::NORMAL | CloseCode::GOING_AWAY | CloseCode::NO_STATUS => Ok(()),
        CloseCode(code) => Err(Failure::connection(format!("the peer closed the connection with code {code}"))),
    }
}

fn show(incoming: Incoming<'_>, options: &Options, pings: &Pings, output: &mut Output) {
    match incoming {
        Incoming::Part(part) => output.part(&part),
        Incoming::Ping(ping) if options.show_ping_pong => output.ping(ping.as_bytes()),
        Incoming::Pong(pong) => output.pong(pong.as_bytes(), pings.answered(pong.as_bytes())),
        _ => {}
    }
}

/// Closes, if that was not begun yet.
async fn leave<D: Side>(mut sender: Voice<D>) -> Result<(), Failure> {
    match sender.close(CloseCode::NORMAL, "").await {
        Ok(()) | Err(Error::State(_)) => Ok(()),
        Err(e) => Err(lost(e)),
    }
}

/// Sends the input and pings, and closes at the end.
async fn speak<D: Side>(
    mut sender: Voice<D>,
    options: &Options,
    input: &mut Input,
    pings: &Pings,
    output: &RefCell<&mut Output>,
) -> Result<(), Failure> {
    let mut interval = options.ping.map(|every| {
        let mut interval = interval_at(tokio::time::Instant::now() + every, every);
        interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
        interval
    });
    loop {
        let due = async {
            match &mut interval {
                Some(interval) => interval.tick().await,
                None => pending().await,
            }
        };
        select! {
            line = input.next() => {
                let Some(mut line) = line else { return leave(sender).await };
                // All that is there goes in one write.
                loop {
                    match say(&mut sender, line, options).await? {
                        Said::Yes => {}
                        Said::No(why) => output.borrow_mut().notice(&format!("Not sent: {why}")),
                        Said::Close => return Ok(()),
                    }
                    match input.try_next() {
                        Some(next) => line = next,
                        None => break,
                    }
                }
                sender.flush().await.map_err(lost)?;
            }
            _ = due => sender.ping(&pings.next()).await.map_err(lost)?,
        }
    }
}

enum Said {
    Yes,
    No(String),
    Close,
}

/// Writes a line into the send memory.
async fn say<D: Side>(sender: &mut Voice<D>, line: Vec<u8>, options: &Options) -> Result<Said, Failure> {
    if options.slash && line.starts_with(b"/") {
        return command(sender, &String::from_utf8_lossy(&line)).await;
    }
    let (kind, payload) = match (options.hex, options.binary) {
        (true, _) => match from_hex(&line) {
            Some(bytes) => (Kind::Binary, bytes),
            None => return Ok(Said::No("the line is not hexadecimal".into())),
        },
        (_, true) => (Kind::Binary, line),
        _ if std::str::from_utf8(&line).is_err() => {
            return Ok(Said::No("the line is not UTF-8; --binary sends any bytes".into()));
        }
        _ => (Kind::Text, line),
    };
    loop {
        match sender.feed(kind, &payload).await {
            Err(Error::Outbox(e)) => drop(sender.replace_outbox(vec![0; e.needed]).await.map_err(lost)?),
            Err(e) => return Err(lost(e)),
            Ok(()) => return Ok(Said::Yes),
        }
    }
}

async fn command<D: Side>(sender: &mut Voice<D>, line: &str) -> Result<Said, Failure> {
    let (name, rest) = line.split_once(' ').unwrap_or((line, ""));
    Ok(match name {
        "/ping" if rest.len() > 125 => Said::No("a ping has at most 125 bytes".into()),
        "/ping" => {
            sender.ping(rest.as_bytes()).await.map_err(lost)?;
            Said::Yes
        }
        "/close" => {
            let (code, reason) = rest.split_once(' ').unwrap_or((rest, ""));
            match if code.is_empty() { Ok(1000) } else { code.parse() } {
                Err(_) => Said::No("the close code is not a number".into()),
                Ok(code) => match sender.close(CloseCode(code), reason).await {
                    Ok(()) => Said::Close,
                    Err(Error::State(e)) => Said::No(e.to_string()),
                    Err(e) => return Err(lost(e)),
                },
            }
        }
        _ => Said::No("there are /ping [DATA] and /close [CODE [REASON]]".into()),
    })
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

/// The pings of `--ping`, whose payload is a number: the last one, and when it was sent.
#[derive(Default)]
struct Pings(Cell<Option<(u64, Instant)>>);

impl Pings {
    fn next(&self) -> Vec<u8> {
        let number = self.0.get().map_or(1, |(number, _)| number + 1);
        self.0.set(Some((number, Instant::now())));
        number.to_string().into_bytes()
    }

    /// How long ago the ping was sent that this answers.
    fn answered(&self, pong: &[u8]) -> Option<std::time::Duration> {
        let (number, at) = self.0.get()?;
        (pong == number.to_string().as_bytes()).then(|| at.elapsed())
    }
}
