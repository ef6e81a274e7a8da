use bytes::Bytes;

/// Arguments as they are on the wire: JSON values with commas between them, without brackets, and the attachments that their placeholders refer to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Raw {
    /// The JSON values with commas between them.
    pub json: Bytes,
    /// The attachments.
    pub files: Vec<Bytes>,
}
