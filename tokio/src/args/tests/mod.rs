mod binary;
mod error;
mod law;
mod raw;
mod shapes;
mod speed;

use super::{DecodeError, EncodeError, decode, encode};
use bytes::Bytes;
use serde::{Serialize, de::DeserializeOwned};

/// The text of `args`, and its attachments.
fn write<T: Serialize + ?Sized>(args: &T) -> Result<(String, Vec<Bytes>), EncodeError> {
    let (mut json, mut files) = (Vec::new(), Vec::new());
    encode(args, &mut json, &mut files)?;
    Ok((String::from_utf8(json).unwrap(), files))
}

fn json<T: Serialize + ?Sized>(args: &T) -> String {
    write(args).unwrap().0
}

fn read_with<T: DeserializeOwned>(json: &str, files: &[Bytes]) -> Result<T, DecodeError> {
    let files: Vec<&[u8]> = files.iter().map(|f| &f[..]).collect();
    decode(json.as_bytes(), files.as_slice().into())
}

fn read<T: DeserializeOwned>(json: &str) -> Result<T, DecodeError> {
    read_with(json, &[])
}

/// `args` is written as `text`, and read from it.
#[track_caller]
fn both<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(args: T, text: &str) {
    assert_eq!(json(&args), text);
    assert_eq!(read::<T>(text).unwrap(), args);
    let spaced = format!(" {} ", text.replace(',', "\n, ").replace(':', " : "));
    if !text.contains('"') || !text.contains(": ") {
        assert_eq!(read::<T>(&spaced).unwrap(), args, "{spaced}");
    }
}
