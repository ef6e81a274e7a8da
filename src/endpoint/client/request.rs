//! The heads of the requests that both links write.

use super::Config;
use crate::{
    bytes::Writer,
    engineio::{Transport, client::Session, client::write_query},
    http::{is_target_byte, write_field},
    ws::{Connect, ConnectError, is_own_field},
};

/// Writes the request of a WebSocket handshake to the front of `out` and returns its length. `session`: the one that is upgraded. `offer`
/// writes what else is asked for.
pub(super) fn write_handshake(
    config: &Config<'_>,
    session: Option<&Session>,
    nonce: [u8; 16],
    out: &mut [u8],
    offer: impl FnOnce(&mut Writer<'_>) -> Result<(), ConnectError>,
) -> Result<usize, ConnectError> {
    let mut writer = begin(config, session, "GET ", Transport::WebSocket, out)?;
    writer.push(b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ");
    Connect::new("", "", nonce).write_key(&mut writer);
    writer.push(b"\r\n");
    offer(&mut writer)?;
    end(config, writer)
}

/// Writes a request of polling to the front of `out` and returns its length. `body`: the length of the body of a POST, which is to follow; `None`
/// for a GET.
pub(super) fn write_poll(
    config: &Config<'_>,
    session: &Session,
    body: Option<usize>,
    out: &mut [u8],
) -> Result<usize, ConnectError> {
    let method = if body.is_some() { "POST " } else { "GET " };
    let mut writer = begin(config, Some(session), method, Transport::Polling, out)?;
    writer.push(b"Connection: keep-alive\r\n");
    if !config.fields.iter().any(|(name, _)| name.eq_ignore_ascii_case("accept")) {
        writer.push(b"Accept: */*\r\n");
    }
    if let Some(len) = body {
        writer.push(b"Content-Type: text/plain;charset=UTF-8\r\nContent-Length: ");
        writer.decimal(u64::try_from(len).unwrap_or(u64::MAX));
        writer.push(b"\r\n");
    }
    end(config, writer)
}

/// Begins the head of a request, up to the field `Host`.
fn begin<'o>(
    config: &Config<'_>,
    session: Option<&Session>,
    method: &str,
    transport: Transport,
    out: &'o mut [u8],
) -> Result<Writer<'o>, ConnectError> {
    let is_good = |text: &str| text.bytes().all(is_target_byte);
    // A `?` in the path would begin the query.
    let is_path = config.path.starts_with('/') && is_good(config.path) && !config.path.bytes().any(|b| b == b'?');
    if !is_path || !is_good(config.query) {
        return Err(ConnectError::Target);
    }
    let mut writer = Writer::new(out);
    writer.push(method.as_bytes());
    writer.push(config.path.as_bytes());
    writer.byte(b'?');
    if let Some(query @ [_, ..]) = config.url.query().map(str::as_bytes) {
        writer.push(query);
        writer.byte(b'&');
    }
    match session {
        Some(session) => session.write_query(transport, config.query, &mut writer),
        None => write_query(transport, config.query, &mut writer),
    }
    writer.push(b" HTTP/1.1\r\nHost: ");
    writer.push(config.url.authority().as_bytes());
    writer.push(b"\r\n");
    Ok(writer)
}

/// Ends the head of a request with the fields of the configuration. Returns its length.
fn end(config: &Config<'_>, mut writer: Writer<'_>) -> Result<usize, ConnectError> {
    for (name, value) in config.fields {
        let is = |other: &str| name.eq_ignore_ascii_case(other);
        if is_own_field(name) || is("host") || is("content-type") {
            return Err(ConnectError::Field);
        }
        write_field(&mut writer, name, value)?;
    }
    writer.push(b"\r\n");
    Ok(writer.finish()?.len())
}
