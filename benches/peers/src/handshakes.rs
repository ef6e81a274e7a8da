//! How each crate opens a WebSocket.

use crate::{encoders::embedded_client, handshake::Mock, work::Random};
use std::io::{self, Read, Write};

const HOST: &str = "chat.example.com:8080";
const PATH: &str = "/chat?room=lobby";

fn nonce(random: &mut Random) -> [u8; 16] {
    let (a, b) = (random.next().to_le_bytes(), random.next().to_le_bytes());
    std::array::from_fn(|i| if i < 8 { a[i] } else { b[i - 8] })
}

/// What section 4.2.1 asks of a request, for the crates that ask less. Gives the key.
fn check<'r>(request: &'r httparse::Request<'r, 'r>) -> Option<&'r str> {
    let get = |name: &str| request.headers.iter().find(|h| h.name.eq_ignore_ascii_case(name)).map(|h| h.value);
    let lists = |name: &str, member: &[u8]| {
        get(name).is_some_and(|v| v.split(|&b| b == b',').any(|m| m.trim_ascii().eq_ignore_ascii_case(member)))
    };
    let key = get("sec-websocket-key").and_then(|key| std::str::from_utf8(key).ok())?;
    let is_good = request.method == Some("GET")
        && request.version == Some(1)
        && lists("upgrade", b"websocket")
        && lists("connection", b"upgrade")
        && get("sec-websocket-version") == Some(b"13")
        && key.len() == 24
        && key.ends_with("==");
    is_good.then_some(key)
}

pub fn answer_ours(request: &[u8], out: &mut [u8]) -> Option<usize> {
    let request = sansocket::http::Request::parse(request).ok()?;
    sansocket::ws::Accept::check(&request).ok()?.write(&[], out).ok()
}

pub fn answer_embedded(request: &[u8], out: &mut [u8]) -> Option<usize> {
    let mut headers = [httparse::EMPTY_HEADER; 32];
    let mut parsed = httparse::Request::new(&mut headers);
    parsed.parse(request).ok()?.is_complete().then_some(())?;
    check(&parsed)?;
    let context = embedded_websocket::read_http_header(parsed.headers.iter().map(|h| (h.name, h.value))).ok()??;
    embedded_websocket::WebSocketServer::new_server().server_accept(&context.sec_websocket_key, None, out).ok()
}

pub fn answer_sockudo(request: &[u8], out: &mut [u8]) -> Option<usize> {
    use sockudo_ws::handshake::{build_response, generate_accept_key, parse_request};
    let (request, _) = parse_request(request).ok()??;
    let answer = build_response(&generate_accept_key(request.key), None, None);
    out[..answer.len()].copy_from_slice(&answer);
    Some(answer.len())
}

pub fn answer_ws_net(request: &[u8], out: &mut [u8]) -> Option<usize> {
    let (handshake, _) = ws_net::ServerHandshake::from_head(request).ok()??;
    let mut answer = Vec::with_capacity(256);
    handshake.write_response(None, &mut answer).ok()?;
    out[..answer.len()].copy_from_slice(&answer);
    Some(answer.len())
}

/// What is read comes from the server, once something was written.
struct Pipe<'o> {
    rest: &'o [u8],
    out: &'o mut [u8],
    written: usize,
    mock: Option<Mock>,
    answer: Vec<u8>,
}

impl Read for Pipe<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if let Some(mock) = self.mock.take() {
            self.answer.resize(256, 0);
            let n = mock(&self.out[..self.written], &mut self.answer);
            into[..n].copy_from_slice(&self.answer[..n]);
            return Ok(n);
        }
        let n = self.rest.len().min(into.len());
        into[..n].copy_from_slice(&self.rest[..n]);
        self.rest = &self.rest[n..];
        Ok(n)
    }
}

impl Write for Pipe<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.out[self.written..self.written + bytes.len()].copy_from_slice(bytes);
        self.written += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

pub fn answer_tungstenite(request: &[u8], out: &mut [u8]) -> Option<usize> {
    let config = tungstenite::protocol::WebSocketConfig::default().read_buffer_size(4096);
    let pipe = Pipe { rest: request, out, written: 0, mock: None, answer: Vec::new() };
    Some(tungstenite::accept_with_config(pipe, Some(config)).ok()?.get_ref().written)
}

pub fn open_ours(random: &mut Random, mock: Mock) -> bool {
    let connect = sansocket::ws::Connect::new(HOST, PATH, nonce(random));
    let (mut request, mut answer) = ([0; 512], [0; 512]);
    let Ok(n) = connect.write(&mut request) else { return false };
    let n = mock(&request[..n], &mut answer);
    let head = sansocket::http::ResponseHead::parse(&mut answer[..n]);
    head.is_ok_and(|head| matches!(connect.check(&head), Ok(Some(_))))
}

pub fn open_sockudo(_: &mut Random, mock: Mock) -> bool {
    use sockudo_ws::handshake::{build_request, generate_key, parse_response, validate_accept_key};
    let key = generate_key();
    let request = build_request(HOST, PATH, &key, None, None);
    let mut answer = [0; 512];
    let n = mock(&request, &mut answer);
    let Ok(Some((response, _))) = parse_response(&answer[..n]) else { return false };
    response.accept.is_some_and(|accept| validate_accept_key(&key, accept))
}

pub fn embedded_open(ws: &mut embedded_websocket::WebSocketClient<impl rand_core::RngCore>, mock: Mock) -> bool {
    let options = embedded_websocket::WebSocketOptions {
        path: PATH,
        host: HOST,
        origin: "https://chat.example.com",
        sub_protocols: None,
        additional_headers: None,
    };
    let (mut request, mut answer) = ([0; 512], [0; 512]);
    let Ok((n, key)) = ws.client_connect(&options, &mut request) else { return false };
    let n = mock(&request[..n], &mut answer);
    ws.client_accept(&key, &answer[..n]).is_ok()
}

pub fn open_embedded(_: &mut Random, mock: Mock) -> bool {
    embedded_open(&mut embedded_client(), mock)
}

pub fn open_ws_framer(_: &mut Random, mock: Mock) -> bool {
    let (mut request, mut answer) = ([0; 512], [0; 512]);
    let mut tx = ws_framer::WsTxFramer::new(true, &mut request);
    let Some(request) = tx.http_upgrade_request(HOST, PATH, &[]) else { return false };
    let n = mock(request, &mut answer);
    let mut rx = ws_framer::WsRxFramer::new(&mut answer);
    rx.advance(n);
    rx.http_response().is_some_and(|r| r.is_ok_and(|r| r.is_websocket_accepted(&tx.accept_key())))
}

pub fn open_ws_net(random: &mut Random, mock: Mock) -> bool {
    let handshake = ws_net::ClientHandshake::with_nonce(nonce(random));
    let (mut request, mut answer) = (Vec::with_capacity(512), [0; 512]);
    if handshake.write_request(HOST, PATH, &mut request).is_err() {
        return false;
    }
    let n = mock(&request, &mut answer);
    matches!(handshake.verify_head(&answer[..n]), Ok(Some(_)))
}

pub fn open_tungstenite(_: &mut Random, mock: Mock) -> bool {
    let mut out = [0; 512];
    let pipe = Pipe { rest: &[], out: &mut out, written: 0, mock: Some(mock), answer: Vec::new() };
    let config = tungstenite::protocol::WebSocketConfig::default().read_buffer_size(4096);
    tungstenite::client::client_with_config("ws://chat.example.com:8080/chat?room=lobby", pipe, Some(config)).is_ok()
}

fn array(text: &str) -> [u8; 28] {
    text.as_bytes().try_into().expect("28 bytes")
}

pub fn accept_ours(key: &str) -> [u8; 28] {
    sansocket::ws::accept_key(key.as_bytes()).expect("a key")
}

pub fn accept_ours_sha1(key: &str) -> [u8; 28] {
    use sha1::{Digest, Sha1};
    sansocket::ws::accept_key_with(key.as_bytes(), |text| Sha1::digest(text).into()).expect("a key")
}

pub fn accept_edge(key: &str) -> [u8; 28] {
    use edge_http::ws::{MAX_BASE64_KEY_RESPONSE_LEN, upgrade_response_headers};
    let mut memory = [0; MAX_BASE64_KEY_RESPONSE_LEN];
    let request = [("Sec-WebSocket-Version", "13"), ("Sec-WebSocket-Key", key)];
    let fields = upgrade_response_headers(request, None, &mut memory).expect("a key");
    array(fields[3].1)
}

pub fn accept_ws_net(key: &str) -> [u8; 28] {
    array(ws_net::accept_key(key.as_bytes()).as_str())
}

pub fn accept_tungstenite(key: &str) -> [u8; 28] {
    array(&tungstenite::handshake::derive_accept_key(key.as_bytes()))
}

pub fn accept_sockudo(key: &str) -> [u8; 28] {
    array(&sockudo_ws::handshake::generate_accept_key(key))
}

pub fn accept_nexus(key: &str) -> [u8; 28] {
    nexus_web::ws::handshake::compute_accept_key(key)
}
