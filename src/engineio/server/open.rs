use super::Config;
use crate::{
    bytes::Writer,
    engineio::{Sid, Transport},
};

/// Writes the payload of the open packet, with the keys in the order of the JavaScript server (Engine.IO protocol, "Handshake").
pub(super) fn write(sid: Sid, config: &Config, transport: Transport, writer: &mut Writer<'_>) {
    writer.push(b"{\"sid\":\"");
    writer.push(sid.expose_bytes());
    writer.push(match transport {
        Transport::Polling => b"\",\"upgrades\":[\"websocket\"],\"pingInterval\":",
        Transport::WebSocket => b"\",\"upgrades\":[],\"pingInterval\":",
    });
    writer.decimal(u64::from(config.ping_interval));
    writer.push(b",\"pingTimeout\":");
    writer.decimal(u64::from(config.ping_timeout));
    writer.push(b",\"maxPayload\":");
    writer.decimal(u64::from(config.max_payload));
    writer.byte(b'}');
}
