use super::EncodeError;
use bytes::Bytes;
use serde::Serialize;

/// Appends the arguments that `args` is to `json`, and its binary values to `files`: a tuple is its elements, `()` is none, anything else is one argument.
pub(crate) fn encode<T: Serialize + ?Sized>(
    args: &T,
    json: &mut Vec<u8>,
    _files: &mut Vec<Bytes>,
) -> Result<(), EncodeError> {
    let value = serde_json::to_vec(args).map_err(|e| EncodeError(e.to_string()))?;
    json.extend_from_slice(&value);
    Ok(())
}

/// One JSON value, without attachments.
pub(crate) fn to_json<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, EncodeError> {
    serde_json::to_vec(value).map_err(|e| EncodeError(e.to_string()))
}
