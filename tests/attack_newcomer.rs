//! A client and a server over TCP, written from the documentation alone.

use sansocket::{
    http::{HeadScanner, Limits as HeadLimits, Request, ResponseHead, Url},
    ws::{
        Accept, Client, CloseCode, Connect, Connection, Inbox, Incoming, Limits, MaskSource, Message, Outbox, Role,
        Server, refuse,
    },
};
use std::{
    error::Error,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    thread,
};

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// What every loop needs beside the socket.
struct Socket<R, K> {
    tcp: TcpStream,
    ws: Connection<R>,
    rx: Inbox<Vec<u8>>,
    tx: Outbox<Vec<u8>, K>,
}

impl<R: Role, K: MaskSource<R>> Socket<R, K> {
    fn flush(&mut self) -> Result<()> {
        while self.ws.poll_transmit(&mut self.ws.out(&mut self.tx))? {}
        while !self.tx.is_empty() {
            let n = self.tcp.write(self.tx.written())?;
            self.tx.consume(n);
        }
        Ok(())
    }
}

/// Reads until the head is whole; what came behind it stays in `rx`.
fn head<T>(
    tcp: &mut TcpStream,
    rx: &mut Inbox<Vec<u8>>,
    mut scanner: HeadScanner,
    judge: impl FnOnce(&mut [u8]) -> Result<T>,
) -> Result<T> {
    loop {
        if let Some(n) = scanner.scan(rx.bytes())? {
            let judged = judge(&mut rx.bytes()[..n])?;
            rx.consume(n);
            return Ok(judged);
        }
        let n = tcp.read(rx.space()?)?;
        if n == 0 {
            return Err("closed in the handshake".into());
        }
        rx.commit(n);
    }
}

fn serve(mut tcp: TcpStream) -> Result<(CloseCode, String)> {
    let mut rx = Inbox::new(vec![0; 4096]);
    let mut out = [0; 1024];
    let answer = head(&mut tcp, &mut rx, HeadScanner::new(HeadLimits::new().bytes(4096)), |head| {
        let request = Request::parse(head)?;
        Ok(match Accept::check(&request) {
            Ok(accept) => (accept.write(&[], &mut out)?, None),
            Err(e) => (refuse(e, &mut out).map_err(|e| e.to_string())?, Some(e)),
        })
    })?;
    tcp.write_all(&out[..answer.0])?;
    if let Some(e) = answer.1 {
        return Err(e.into());
    }
    let ws = Connection::<Server>::server(Limits::new());
    let mut socket = Socket { tcp, ws, rx, tx: Outbox::new(vec![0; 8192]) };
    let mut code = CloseCode::ABNORMAL;
    loop {
        while let Some(incoming) = socket.rx.poll_message(&mut socket.ws)? {
            match incoming {
                Incoming::Message(m) => {
                    socket.ws.send(m.kind(), m.as_bytes(), &mut socket.ws.out(&mut socket.tx))?;
                    // The message borrows the inbox only, yet `flush(&mut self)` would borrow all.
                }
                Incoming::Close(c) => code = c,
                _ => {}
            }
            socket.flush()?;
        }
        if socket.ws.is_closed() {
            return Ok((code, socket.ws.close_reason().into()));
        }
        let n = socket.tcp.read(socket.rx.space()?)?;
        if n == 0 {
            return Ok((socket.ws.handle_eof().code, String::new()));
        }
        socket.rx.commit(n);
    }
}

fn call(address: &str, texts: &[&str]) -> Result<Vec<String>> {
    let text = format!("ws://{address}/chat?x=1");
    let url = Url::parse(&text)?;
    let mut tcp = TcpStream::connect((url.host(), url.port()))?;
    let mut random = 0x9e37_79b9_u32;
    let connect = Connect::for_url(&url, *b"no secret at all");
    let mut out = [0; 512];
    let n = connect.write(&mut out)?;
    tcp.write_all(&out[..n])?;
    let mut rx = Inbox::new(vec![0; 4096]);
    while !head(&mut tcp, &mut rx, HeadScanner::response(HeadLimits::new()), |head| {
        Ok(connect.check(&ResponseHead::parse(head)?)?.is_some())
    })? {}
    let ws = Connection::<Client>::client(Limits::new());
    let keys = move || {
        random = random.wrapping_mul(747_796_405).wrapping_add(1);
        random.to_be_bytes()
    };
    let mut socket = Socket { tcp, ws, rx, tx: Outbox::with_keys(vec![0; 8192], keys) };
    let mut answers = Vec::new();
    for text in texts {
        socket.ws.send_text(text, &mut socket.ws.out(&mut socket.tx))?;
    }
    socket.flush()?;
    loop {
        while let Some(incoming) = socket.rx.poll_message(&mut socket.ws)? {
            if let Incoming::Message(Message::Text(text)) = incoming {
                answers.push(text.as_str().to_owned());
            }
        }
        if answers.len() == texts.len() && !socket.ws.is_closing() {
            socket.ws.close(CloseCode::NORMAL, "done")?;
        }
        socket.flush()?;
        if socket.ws.is_closed() {
            return Ok(answers);
        }
        let n = socket.tcp.read(socket.rx.space()?)?;
        if n == 0 {
            return Err(format!("{:?}", socket.ws.handle_eof()).into());
        }
        socket.rx.commit(n);
    }
}

#[test]
fn a_client_and_a_server_over_tcp() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let server = thread::spawn(move || serve(listener.accept().unwrap().0));
    let long = "é".repeat(1500);
    assert_eq!(call(&address, &["a", "", &long]).unwrap(), ["a", "", &long]);
    assert_eq!(server.join().unwrap().unwrap(), (CloseCode::NORMAL, "done".into()));
}
