use crate::{failure::Failure, options::Options, output::Output};
use sansocket::{
    drive::{
        AsClient, Deadlines, Error, WebSocket, sha1,
        tokio::{Clock, Stream},
    },
    http::{Fields, Url},
    ws::{ConnectError, HandshakeError, Limits, Timeouts},
};
use sansocket_tls::{Trust, client_config, encrypt};
use std::io;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, lookup_host},
    time::timeout,
};

/// TCP or TLS.
pub trait Socket: AsyncRead + AsyncWrite + Unpin {}
impl<T: AsyncRead + AsyncWrite + Unpin> Socket for T {}

pub type Wire = Stream<Box<dyn Socket>>;
type Client = WebSocket<Wire, Clock, AsClient<fn(&mut [u8])>, Vec<u8>, Vec<u8>>;

/// The memory of a connection at first, in each direction.
pub const MEMORY: usize = 32 << 10;

/// Connects, and follows redirections.
pub async fn dial(url: &str, options: &Options, output: &mut Output) -> Result<Client, Failure> {
    let first = parse(url)?;
    let mut url = url.to_owned();
    let mut left = if options.location { options.max_redirects } else { 0 };
    loop {
        let parsed = parse(&url)?;
        let is_trusted = may_know(&first, &parsed);
        match open(&parsed, &url, options, is_trusted, output).await {
            Err(Failure { status: Some(300..=399), location: Some(location), .. }) if left > 0 => {
                left -= 1;
                output.notice(&format!("Redirected to {location}"));
                url = join(&parsed, &location);
            }
            done => return done,
        }
    }
}

/// Whether what was meant for the first URL may go to this one: the same host, and not without TLS what was meant to go with it.
fn may_know(first: &Url<'_>, url: &Url<'_>) -> bool {
    let is_same = (url.host(), url.port()) == (first.host(), first.port());
    let is_upgrade = url.host() == first.host() && url.scheme().is_secure() && !first.scheme().is_secure();
    is_same && url.scheme().is_secure() == first.scheme().is_secure() || is_upgrade
}

fn parse(url: &str) -> Result<Url<'_>, Failure> {
    Url::parse(url).map_err(|e| Failure::usage(format!("{e}: '{url}'")))
}

/// The URL of a `Location`, which may lack what is the same.
fn join(base: &Url<'_>, location: &str) -> String {
    let scheme = if base.scheme().is_secure() { "wss" } else { "ws" };
    // What follows # is for browsers.
    let location = location.split('#').next().unwrap_or_default();
    if location.contains("://") {
        location.to_owned()
    } else if location.starts_with("//") {
        format!("{scheme}:{location}")
    } else if location.starts_with('/') {
        format!("{scheme}://{}{location}", base.authority())
    } else {
        let folder = base.path().rsplit_once('/').map_or("", |(folder, _)| folder);
        format!("{scheme}://{}{folder}/{location}", base.authority())
    }
}

async fn open(
    url: &Url<'_>,
    text: &str,
    options: &Options,
    is_trusted: bool,
    output: &mut Output,
) -> Result<Client, Failure> {
    let socket = connect(url, options).await?;
    let protocols: Vec<_> = options.subprotocol.iter().map(String::as_str).collect();
    let fields: Vec<_> = options.header.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
    let random: fn(&mut [u8]) = |bytes| getrandom::fill(bytes).expect("the system has randomness");
    let mut ws = WebSocket::client(Stream::new(socket), Clock::new(), random, vec![0; MEMORY], vec![0; MEMORY])
        .with_limits(Limits::new().message(options.max_message).frame(options.max_message))
        .with_deadlines(deadlines());
    let answer = ws.connect_with(sha1, url, |mut connect| {
        connect = connect.protocols(&protocols);
        if let Some(origin) = &options.origin {
            connect = connect.origin(origin);
        }
        if let (Some((user, password)), true) = (&options.auth, is_trusted) {
            connect = connect.basic(user, password);
        }
        if is_trusted { connect.fields(&fields) } else { connect }
    });
    let error = match answer.await {
        Ok(answer) => {
            let protocol = field(answer.fields(), "Sec-WebSocket-Protocol");
            output.open(text, protocol.as_deref());
            return Ok(ws);
        }
        Err(error) => error,
    };
    Err(match error {
        Error::Connect(e @ (ConnectError::Host | ConnectError::Target)) => Failure::usage(format!("{e}: '{text}'")),
        Error::Connect(e) => Failure::usage(e.to_string()),
        Error::Outbox(_) => Failure::usage("the header fields of the request are too long".into()),
        Error::Inbox(_) => Failure::connection("the head of the server's answer is too long".into()),
        Error::Handshake(HandshakeError::Status(status)) => {
            let location = ws.answer().and_then(|answer| field(answer.fields(), "Location"));
            let to = location.as_ref().map(|to| format!(", Location: {to}")).unwrap_or_default();
            let why = format!("the server refused the WebSocket with HTTP status {}{to}", status.0);
            Failure { status: Some(status.0), location, ..Failure::connection(why) }
        }
        error => Failure::connection(format!("cannot connect to '{text}': {error}")),
    })
}

fn field(fields: Fields<'_>, name: &str) -> Option<String> {
    fields.get(name).map(|value| String::from_utf8_lossy(value).into_owned())
}

pub const fn deadlines() -> Deadlines {
    Deadlines::new().others(Timeouts::new().close(5_000))
}

/// The first address of the host that answers.
async fn connect(url: &Url<'_>, options: &Options) -> Result<Box<dyn Socket>, Failure> {
    let (host, port) = (url.host(), url.port());
    let config = if url.scheme().is_secure() { Some(config(options)?) } else { None };
    let fail = |why: String| Failure::connection(format!("cannot connect to {}: {why}", url.authority()));
    let mut error = "the name has no address".to_owned();
    for address in lookup_host((host, port)).await.map_err(|e| fail(e.to_string()))? {
        match timeout(options.timeout, TcpStream::connect(address)).await {
            Err(_) => error = "no answer in time".into(),
            Ok(Err(e)) => error = e.to_string(),
            Ok(Ok(socket)) => {
                let _ = socket.set_nodelay(true);
                let Some(config) = config else { return Ok(Box::new(socket)) };
                return match timeout(options.timeout, encrypt(socket, host, &config)).await {
                    Err(_) => Err(fail("no TLS in time".into())),
                    Ok(Err(e)) => Err(fail(why_no_tls(&e))),
                    Ok(Ok(socket)) => Ok(Box::new(socket)),
                };
            }
        }
    }
    Err(fail(error))
}

fn why_no_tls(e: &io::Error) -> String {
    match e.kind() {
        io::ErrorKind::UnexpectedEof => "the server ended the connection instead of beginning TLS".into(),
        _ => format!("TLS failed: {e}"),
    }
}

fn config(options: &Options) -> Result<std::sync::Arc<tokio_rustls::rustls::ClientConfig>, Failure> {
    let trust = match &options.ca {
        _ if options.insecure => Trust::Anybody,
        Some(path) => Trust::File(path),
        None => Trust::Public,
    };
    let identity = options.cert.as_deref().zip(options.key.as_deref());
    client_config(trust, identity).map_err(|e| Failure::usage(format!("cannot use the certificates: {e}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locations() {
        let base = Url::parse("wss://h:8443/a/b?c").unwrap();
        for (location, url) in [
            ("/x?y", "wss://h:8443/x?y"),
            ("x", "wss://h:8443/a/x"),
            ("//other/x", "wss://other/x"),
            ("https://other#part", "https://other"),
        ] {
            assert_eq!(join(&base, location), url);
        }
    }

    #[test]
    fn credentials_stay_where_they_were_meant_to_go() {
        for (first, url, expected) in [
            ("ws://h/a", "ws://h/b", true),
            ("ws://h/a", "wss://h/a", true),
            ("ws://h/a", "http://h:80", true),
            ("wss://h/a", "ws://h/a", false),
            ("wss://h/a", "ws://h:443/a", false),
            ("ws://h/a", "ws://h:81/a", false),
            ("ws://h/a", "ws://g.h/a", false),
        ] {
            let (first, url) = (Url::parse(first).unwrap(), Url::parse(url).unwrap());
            assert_eq!(may_know(&first, &url), expected, "{first:?} {url:?}");
        }
    }
}
