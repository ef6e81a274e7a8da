//! Attacks on compression by someone who had not seen it.

#[path = "attack_deflate/bombs.rs"]
mod bombs;
#[path = "attack_deflate/negotiation.rs"]
mod negotiation;
#[path = "attack_deflate/receiving.rs"]
mod receiving;
#[path = "attack_deflate/sending.rs"]
mod sending;
#[path = "attack_deflate/stream.rs"]
mod stream;
#[path = "attack_deflate/wire.rs"]
mod wire;
#[path = "support/zlib.rs"]
mod zlib;
