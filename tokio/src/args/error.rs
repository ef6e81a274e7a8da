use std::fmt;

/// Arguments that cannot be written as JSON.
#[derive(Debug)]
pub struct EncodeError(pub(super) String);

/// Arguments that are not of the type that the handler takes: which argument, which field, and why.
#[derive(Debug)]
pub struct DecodeError(pub(super) String);

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for EncodeError {}
impl std::error::Error for DecodeError {}

impl EncodeError {
    pub(crate) fn too_many_attachments() -> Self {
        Self(format!("more than {} attachments in one packet", sansocket::socketio::MAX_ATTACHMENTS))
    }
}
