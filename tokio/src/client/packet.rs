use crate::{
    EmitError,
    args::{self, EncodeError},
};
use bytes::Bytes;
use sansocket::{
    json::Raw,
    socketio::{Binary, SendError, client},
    ws::Out,
};
use serde::Serialize;

/// What the queue counts for a packet besides its bytes.
const OVERHEAD: usize = 64;

/// The arguments of an event or acknowledgement, written by whoever sends it, so that the task of the connection only has to copy them.
#[derive(Debug)]
pub(super) struct Packet {
    pub json: Vec<u8>,
    pub files: Vec<Bytes>,
}

impl Packet {
    pub(super) fn new(args: &(impl Serialize + ?Sized)) -> Result<Self, EncodeError> {
        let (mut json, mut files) = (Vec::new(), Vec::new());
        args::encode(args, &mut json, &mut files)?;
        Ok(Self { json, files })
    }

    /// What it costs of the limit for what waits.
    pub(super) fn cost(&self) -> usize {
        let files: usize = self.files.iter().map(|file| file.len() + OVERHEAD).sum();
        self.json.len() + files + OVERHEAD
    }

    /// Calls `send` with the content as the core takes it.
    pub(super) fn with<T>(&self, send: impl FnOnce(&Binary<'_, Raw<'_>>) -> T) -> T {
        let files: Vec<&[u8]> = self.files.iter().map(|file| &file[..]).collect();
        send(&Binary(Raw::trusted(&self.json), files.as_slice().into()))
    }

    /// Whether an event with this name and these attachments can be sent at all. So the caller is told, and not the log of the task.
    pub(super) fn check(&self, name: &str) -> Result<(), EmitError> {
        let mut none = [];
        let files: Vec<&[u8]> = self.files.iter().map(|file| &file[..]).collect();
        let content = Binary((), files.as_slice().into());
        match client::event(b"/", name, &content, None, &mut Out::stored(&mut none)) {
            Ok(()) | Err(SendError::Capacity(_)) => Ok(()),
            Err(error) => Err(EmitError::of(error)),
        }
    }
}
