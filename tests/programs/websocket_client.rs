use sansocket::{
    http::{HeadScanner, ResponseHead, Url},
    ws::{CloseCode, Connect, Connection, Inbox, Incoming, Kind, Limits, Outbox, ReceiveError},
};
use std::{
    error::Error,
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

fn main() -> Result<(), Box<dyn Error>> {
    println!("{}", ask("ws://127.0.0.1:9002/", "hello")?);
    Ok(())
}

/// Sends one message, waits for one answer, closes.
fn ask(url: &str, question: &str) -> Result<String, Box<dyn Error>> {
    let url = Url::parse(url)?;
    let mut socket = TcpStream::connect((url.host(), url.port()))?;
    socket.set_read_timeout(Some(Duration::from_secs(20)))?;
    let (mut rx, mut tx) = ([0; 16 * 1024], [0; 16 * 1024]);
    let mut inbox = Inbox::new(&mut rx[..]);

    // 1. The request, with a fresh random nonce.
    let connect = Connect::for_url(&url, random());
    let n = connect.write(&mut tx)?;
    socket.write_all(&tx[..n])?;

    // 2. The answer. What follows it in the inbox are frames already.
    let mut head = HeadScanner::response(Default::default());
    loop {
        if let Some(n) = head.scan(inbox.bytes())? {
            let opened = connect.check(&ResponseHead::parse(&mut inbox.bytes()[..n])?)?.is_some();
            inbox.consume(n);
            if opened {
                break;
            }
            head = HeadScanner::response(Default::default()); // a 1xx answer, such as 103: another one follows
        } else {
            match socket.read(inbox.space()?)? {
                0 => return Err("the server closed instead of answering".into()),
                n => inbox.commit(n),
            }
        }
    }

    // 3. Frames of a client are masked: `random` gives a fresh random key for each of them.
    let mut ws = Connection::client(Limits::new());
    let mut tx = Outbox::with_keys(tx, random);
    let mut out = ws.out(&mut tx);
    ws.send(Kind::Text, question.as_bytes(), &mut out)?;
    let mut answer = Err("the server closed without an answer".into());
    while !ws.is_closing() {
        // 4. Write; then the next message; when there is none, read.
        socket.write_all(out.written())?;
        out.clear();
        match inbox.poll_message(&mut ws) {
            Ok(Some(Incoming::Message(m))) => {
                answer = Ok(String::from_utf8_lossy(m.as_bytes()).into_owned());
                ws.close(CloseCode::NORMAL, "")?;
            }
            Ok(Some(_)) => {} // a ping, a pong or a close frame
            Ok(None) => match socket.read(inbox.space()?)? {
                0 => return answer,
                n => inbox.commit(n),
            },
            Err(e) => {
                if let ReceiveError::Capacity(_) = e {
                    ws.close(CloseCode::MESSAGE_TOO_BIG, "")?;
                }
                answer = Err(e.into());
            }
        }
        while ws.poll_transmit(&mut out)? {}
    }
    // 5. The close frame is written; the server closes the transport.
    socket.write_all(out.written())?;
    while matches!(socket.read(&mut [0; 1024]), Ok(1..)) {}
    answer
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("a source of randomness");
    bytes
}
