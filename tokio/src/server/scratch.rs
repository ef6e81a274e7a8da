//! Memory of a thread in which packets are written, before they are copied to where they wait.

use super::adapter::Packet;
use crate::{EmitError, args};
use bytes::Bytes;
use sansocket::{
    endpoint::Batch,
    json,
    socketio::{Attachments, Binary, Flags, Namespace, server::broadcast},
};
use serde::Serialize;
use std::cell::Cell;

/// Memory above which a thread gives it back after use.
const KEPT: usize = 64 * 1024;

#[derive(Debug)]
pub(crate) struct Scratch {
    pub(crate) batch: Batch<Vec<u8>>,
    json: Vec<u8>,
    files: Vec<Bytes>,
}

impl Scratch {
    const fn new() -> Self {
        Self { batch: Batch::new(Vec::new()), json: Vec::new(), files: Vec::new() }
    }
}

thread_local! {
    static SCRATCH: Cell<Option<Box<Scratch>>> = const { Cell::new(None) };
}

/// Lends the memory of this thread to `act`. Whoever needs it meanwhile, such as the `Serialize` of an argument that itself emits, gets other memory.
pub(crate) fn with<R>(act: impl FnOnce(&mut Scratch) -> R) -> R {
    let mut scratch = SCRATCH.take().unwrap_or_else(|| Box::new(Scratch::new()));
    let result = act(&mut scratch);
    let is_large = scratch.json.len().max(scratch.batch.written().len()) > KEPT;
    scratch.batch.clear();
    scratch.json.clear();
    scratch.files.clear();
    if !is_large {
        SCRATCH.set(Some(scratch));
    }
    result
}

/// Calls `act` with arguments as content for the core.
pub(crate) fn content<R>(json: &[u8], files: &[Bytes], act: impl FnOnce(&Binary<'_, json::Raw<'_>>) -> R) -> R {
    let slices: Vec<&[u8]> = files.iter().map(|file| &file[..]).collect();
    // Written by serde, or checked by the core when it arrived.
    act(&Binary(json::Raw::trusted(json), Attachments::from(&slices[..])))
}

/// Encodes arguments, and calls `act` with them as content and with a batch to write into.
pub(crate) fn encoded<R>(
    args: &(impl Serialize + ?Sized),
    act: impl FnOnce(&Binary<'_, json::Raw<'_>>, &mut Batch<Vec<u8>>) -> Result<R, EmitError>,
) -> Result<R, EmitError> {
    with(|Scratch { batch, json, files }| {
        args::encode(args, json, files)?;
        content(json, files, |content| act(content, batch))
    })
}

fn write(
    batch: &mut Batch<Vec<u8>>,
    namespace: &str,
    event: &str,
    ack: Option<u64>,
    content: &Binary<'_, json::Raw<'_>>,
) -> Result<(), EmitError> {
    batch.write(|out| broadcast(&[namespace], Namespace(0), event, content, ack, out)).map_err(EmitError::of)
}

/// An event of arguments that are encoded already, as frames.
pub(crate) fn framed(
    namespace: &str,
    event: &str,
    ack: Option<u64>,
    (json, files): (&[u8], &[Bytes]),
) -> Result<Bytes, EmitError> {
    with(|Scratch { batch, .. }| {
        content(json, files, |content| write(batch, namespace, event, ack, content))?;
        Ok(Bytes::copy_from_slice(batch.written()))
    })
}

/// Encodes an event as adapters take it, and calls `act` with it. `is_framed`: it is framed already.
pub(crate) fn packet<R>(
    namespace: &str,
    event: &str,
    args: &(impl Serialize + ?Sized),
    flags: Flags,
    is_framed: bool,
    act: impl FnOnce(&Packet<'_>) -> Result<R, EmitError>,
) -> Result<R, EmitError> {
    with(|Scratch { batch, json, files }| {
        args::encode(args, json, files)?;
        let frames = if is_framed {
            content(json, files, |content| write(batch, namespace, event, None, content))?;
            Some(Bytes::copy_from_slice(batch.written()))
        } else {
            None
        };
        act(&Packet::framed(event, (json, files), flags, frames.as_ref()))
    })
}

/// Writes an event as frames, and calls `act` with them.
pub(crate) fn frames<R>(
    namespace: &str,
    event: &str,
    ack: Option<u64>,
    args: &(impl Serialize + ?Sized),
    act: impl FnOnce(&[u8]) -> R,
) -> Result<R, EmitError> {
    encoded(args, |content, batch| {
        write(batch, namespace, event, ack, content)?;
        Ok(act(batch.written()))
    })
}
