use super::DecodeError;
use sansocket::socketio::Attachments;
use serde::de::DeserializeOwned;

/// Reads arguments: `json` has the values with commas between them, without brackets.
pub(crate) fn decode<T: DeserializeOwned>(json: &[u8], _files: Attachments<'_>) -> Result<T, DecodeError> {
    serde_json::from_slice(json).map_err(|e| DecodeError(e.to_string()))
}
