//! Attacks on compression above WebSocket, by someone who had not seen it: lent inflaters, links, upgrades.

#[path = "attack_deflate_io/lending.rs"]
mod lending;
#[path = "attack_deflate_io/link.rs"]
mod link;
#[path = "attack_deflate_io/server.rs"]
mod server;
#[path = "attack_deflate_io/upgrade.rs"]
mod upgrade;
#[path = "attack_deflate_io/world.rs"]
mod world;
