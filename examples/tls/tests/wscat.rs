//! `wscat` against servers, as a user runs it.

mod support;

use sansocket::{
    drive::{
        WebSocket, sha1,
        tokio::{Clock, Stream},
    },
    http::Status,
    ws::{CloseCode, Incoming, Kind},
};
use std::{net::SocketAddr, process::Stdio, time::Duration};
use support::{Certificates, echo, serve};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpListener,
    process::Command,
    time::timeout,
};

struct Ran {
    code: i32,
    out: String,
    err: String,
}

fn wscat() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wscat"));
    command.kill_on_drop(true).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs it with this standard input, which ends.
async fn run(args: &[&str], input: impl AsRef<[u8]>) -> Ran {
    let mut child = wscat().args(args).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.as_ref().to_vec();
    tokio::spawn(async move {
        let _ = stdin.write_all(&input).await;
    });
    let output = timeout(Duration::from_secs(60), child.wait_with_output()).await.expect("it ends").unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ran { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
}

/// A server that echoes, tells its request for `request`, closes for `bye`, never answers for `silence`, and pings for `ping`.
/// `/403` and `/302` refuse, `/loop` redirects for ever.
async fn server() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (mut socket, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let mut peeked = [0; 64];
                let n = socket.peek(&mut peeked).await.unwrap();
                let path = String::from_utf8_lossy(&peeked[..n]).into_owned();
                for (from, answer) in [
                    ("GET /302", "302 Found\r\nLocation: /ok"),
                    ("GET /loop", "307 Temporary Redirect\r\nLocation: /loop"),
                    ("GET /403", "403 Forbidden"),
                ] {
                    if path.starts_with(from) {
                        let text = format!("HTTP/1.1 {answer}\r\nContent-Length: 0\r\n\r\n");
                        socket.write_all(text.as_bytes()).await.unwrap();
                        let _ = socket.read(&mut [0; 4096]).await;
                        return support::Outcome::Ok(());
                    }
                }
                let mut ws = WebSocket::server(Stream::new(socket), Clock::new(), vec![0; 70_000], vec![0; 70_000]);
                let mut seen = String::new();
                let answer = ws.accept_with(sha1, &[], |request, accept| {
                    seen = String::from_utf8_lossy(request.fields().get("X-Test").unwrap_or_default()).into_owned();
                    seen += request.fields().get("Authorization").map_or("", |_| " authorized");
                    accept.protocol(b"chat").or_else(|_| sansocket::ws::Accept::check(request)).map_err(|_| Status(400))
                });
                answer.await.unwrap();
                while let Some((incoming, reply)) = ws.next().await? {
                    let Incoming::Message(message) = incoming else { continue };
                    match message.as_bytes() {
                        b"request" => reply.send_text(&seen).await?,
                        b"bye" => reply.close(CloseCode(4000), "so long")?,
                        b"silence" => tokio::time::sleep(Duration::from_secs(60)).await,
                        b"ping" => reply.ping(b"hey").await?,
                        _ => reply.send(message.kind(), message.as_bytes()).await?,
                    }
                }
                Ok(())
            });
        }
    });
    address
}

#[tokio::test]
async fn lines_in_messages_out() {
    let url = server().await.to_string();
    let ran = run(&[&url], "hello\nwörld\r\n\nlast").await;
    assert_eq!((ran.code, &*ran.out), (0, "hello\nwörld\n\nlast\n"), "{}", ran.err);
    assert!(ran.err.starts_with("Connected to ws://") && ran.err.contains("Disconnected (code: 1000)"), "{}", ran.err);
    let ran = run(&["-c", &url, "--execute", "a", "-x", "-b", "-w", "0.3"], "not read").await;
    assert_eq!((ran.code, &*ran.out), (0, "a\n-b\n"));
}

#[tokio::test]
async fn binary() {
    let url = server().await.to_string();
    assert_eq!(run(&[&url, "--binary"], b"\xff\x00A\n").await.out, "ff0041\n");
    let ran = run(&[&url, "--hex"], "ff 00 41\nabc\n").await;
    assert_eq!(ran.out, "ff0041\n");
    assert!(ran.err.contains("Not sent: the line is not hexadecimal"), "{}", ran.err);
    let ran = run(&[&url], b"\xff\nok\n").await;
    assert_eq!(ran.out, "ok\n");
    assert!(ran.err.contains("Not sent: the line is not UTF-8"), "{}", ran.err);
}

#[tokio::test]
async fn what_is_asked_for() {
    let url = server().await.to_string();
    let args = ["-s", "nothing", "-s", "chat", "-H", "X-Test: value", "--auth", "user:password"];
    let ran = run(&[&[url.as_str()], &args[..]].concat(), "request\n").await;
    assert_eq!(ran.out, "value authorized\n");
    assert!(ran.err.contains(", subprotocol chat"), "{}", ran.err);
    for bad in
        [&["-H", "Upgrade: x"][..], &["-H", "none"], &["-s", "a b"], &["--auth", "x"], &["--ping", "0"], &["-w", "-2"]]
    {
        assert_eq!(run(&[&[url.as_str()], bad].concat(), "").await.code, 2, "{bad:?}");
    }
}

#[tokio::test]
async fn json() {
    let url = server().await.to_string();
    let ran = run(&[&url, "--json", "--slash", "-P", "-w", "0.3"], "hi\nping\n/ping x\n").await;
    assert_eq!(ran.code, 0);
    let events: Vec<serde_json::Value> = ran.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let has = |event: serde_json::Value| events.contains(&event);
    assert!(has(serde_json::json!({"event": "open", "url": format!("ws://{url}"), "protocol": null})), "{}", ran.out);
    assert!(has(serde_json::json!({"event": "message", "kind": "text", "text": "hi"})), "{}", ran.out);
    assert!(has(serde_json::json!({"event": "pong", "text": "x", "ms": null})), "{}", ran.out);
    assert!(has(serde_json::json!({"event": "close", "code": 1000, "reason": "", "clean": true})), "{}", ran.out);
    let ran = run(&["--json", &format!("{url}/403")], "").await;
    let error: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((ran.code, &error["event"], &error["status"]), (1, &"error".into(), &403.into()));
}

#[tokio::test]
async fn pings() {
    let url = server().await.to_string();
    let ran = run(&[&url, "--ping", "0.05", "-w", "0.4"], "").await;
    assert!(ran.err.matches("Received pong (data: 2) after ").count() == 1, "{}", ran.err);
}

#[tokio::test]
async fn ends() {
    let url = server().await.to_string();
    let ran = run(&[&url], "bye\n").await;
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("Disconnected (code: 4000, reason: so long)"), "{}", ran.err);
    let ran = run(&[&format!("{url}/403")], "").await;
    assert!(ran.code == 1 && ran.err.contains("refused the WebSocket with HTTP status 403"), "{}", ran.err);
    let ran = run(&[&format!("{url}/302")], "").await;
    assert!(ran.code == 1 && ran.err.contains("HTTP status 302, Location: /ok"), "{}", ran.err);
    let ran = run(&["-L", &format!("{url}/302")], "x\n").await;
    assert_eq!((ran.code, &*ran.out), (0, "x\n"), "{}", ran.err);
    let ran = run(&["-L", "--max-redirects", "3", &format!("{url}/loop")], "").await;
    assert!(ran.code == 1 && ran.err.matches("Redirected").count() == 3, "{}", ran.err);
    for (bad, says) in
        [("ftp://x", "does not begin with"), ("ws://a b", "host"), ("ws://u:p@h", "pass credentials separately")]
    {
        let ran = run(&[bad], "").await;
        assert!(ran.code == 2 && ran.err.contains(says), "{bad}: {}", ran.err);
    }
    // Nobody listens there any more.
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let ran = run(&[&free.to_string()], "").await;
    assert!(ran.code == 1 && ran.err.contains("cannot connect to 127.0.0.1"), "{}", ran.err);
}

/// The peer answers nothing, not even the close frame. The program ends all the same.
#[tokio::test]
async fn a_peer_that_is_silent() {
    let url = server().await.to_string();
    let ran = run(&[&url], "silence\n").await;
    assert!(ran.code == 1 && ran.err.contains("did not answer the close frame in time"), "{}", ran.err);
}

/// Both directions are full: whoever sends without receiving meanwhile hangs here.
#[tokio::test]
async fn more_than_the_sockets_hold() {
    let certificates = Certificates::new();
    let port = serve(certificates.server(), echo).await;
    let ca = certificates.ca();
    let line = "x".repeat(1 << 20) + "\n";
    let ran = run(&["--ca", ca.to_str().unwrap(), &format!("wss://localhost:{port}")], line.repeat(24)).await;
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.out == line.repeat(24));
}

#[tokio::test]
async fn whom_to_trust() {
    let certificates = Certificates::new();
    let port = serve(certificates.server(), echo).await;
    let url = format!("wss://localhost:{port}");
    let ran = run(&[&url], "x\n").await;
    assert!(ran.code == 1 && ran.err.contains("TLS failed: invalid peer certificate: UnknownIssuer"), "{}", ran.err);
    for trust in ["--insecure", "-n", "--no-check"] {
        assert_eq!(run(&[&url, trust], "x\n").await.out, "x\n");
    }
    let ran = run(&[&url, "--ca", "/dev/null"], "").await;
    assert!(ran.code == 2 && ran.err.contains("no certificate in the file"), "{}", ran.err);
    let alone = Certificates::alone();
    let port = serve(alone.server(), echo).await;
    let ca = alone.ca();
    let known = ["--ca", ca.to_str().unwrap()];
    assert_eq!(run(&[&[&*format!("wss://localhost:{port}")], &known[..]].concat(), "x\n").await.out, "x\n");
    let ran = run(&[&[&*format!("wss://127.0.0.1:{port}")], &known[..]].concat(), "x\n").await;
    assert!(ran.code == 1 && ran.err.contains("not valid for name"), "{}", ran.err);
    let plain = server().await;
    let ran = run(&["-n", &format!("wss://{plain}")], "").await;
    assert!(ran.code == 1 && ran.err.contains("cannot connect"), "{}", ran.err);
}

/// Two of them: one listens, one connects.
#[tokio::test]
async fn one_with_another() {
    let certificates = Certificates::new();
    let (cert, key, ca) = (certificates.cert(), certificates.key(), certificates.ca());
    let mut command = wscat();
    command.args(["--listen", "0", "--json", "--cert", cert.to_str().unwrap(), "--key", key.to_str().unwrap()]);
    let mut server = command.spawn().unwrap();
    let mut lines = BufReader::new(server.stdout.take().unwrap()).lines();
    let listening: serde_json::Value = serde_json::from_str(&lines.next_line().await.unwrap().unwrap()).unwrap();
    let url = listening["address"].as_str().unwrap().to_owned();
    server.stdin.as_mut().unwrap().write_all(b"from the server\n").await.unwrap();
    for n in 0..2 {
        let ran = run(&[&url, "--ca", ca.to_str().unwrap(), "-w", "0.5"], "from the client\n").await;
        assert_eq!((ran.code, &*ran.out), (0, if n == 0 { "from the server\n" } else { "" }), "{}", ran.err);
    }
    let pid = server.id().unwrap().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().await.unwrap().success());
    let status = timeout(Duration::from_secs(10), server.wait()).await.expect("it ends").unwrap();
    assert_eq!(status.code(), Some(0));
    let mut events = Vec::new();
    while let Some(line) = lines.next_line().await.unwrap() {
        events.push(serde_json::from_str::<serde_json::Value>(&line).unwrap()["event"].clone());
    }
    assert_eq!(events, ["open", "message", "close", "open", "message", "close"]);
}

/// Control-C closes with a close frame, though standard input is open.
#[tokio::test]
async fn control_c() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut child = wscat().arg(address.to_string()).spawn().unwrap();
    let (socket, _) = listener.accept().await.unwrap();
    let mut ws = WebSocket::server(Stream::new(socket), Clock::new(), vec![0; 4096], vec![0; 4096]);
    ws.accept().await.unwrap();
    ws.send(Kind::Text, b"here").await.unwrap();
    let mut here = [0; 5];
    child.stdout.as_mut().unwrap().read_exact(&mut here).await.unwrap();
    let pid = child.id().unwrap().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().await.unwrap().success());
    let close = ws.next().await.unwrap();
    assert!(matches!(close, Some((Incoming::Close(CloseCode::NORMAL), _))));
    assert!(ws.next().await.unwrap().is_none());
    drop(ws);
    assert_eq!(child.wait().await.unwrap().code(), Some(0));
}

/// The reader of the output ends first, as `head` does.
#[tokio::test]
async fn a_reader_that_has_enough() {
    let url = server().await.to_string();
    let mut child = wscat().arg(url).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(b"one\n").await.unwrap();
    let mut line = [0; 4];
    child.stdout.take().unwrap().read_exact(&mut line).await.unwrap();
    // Standard output is closed now; the next message finds nobody.
    stdin.write_all(b"two\n").await.unwrap();
    let status = timeout(Duration::from_secs(10), child.wait()).await.expect("it ends").unwrap();
    assert_eq!(status.code(), Some(0));
}
