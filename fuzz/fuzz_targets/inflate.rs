//! Unpacking in pieces beside zlib: the same verdict and the same bytes. The first bytes say how large the pieces are, and the room for the output.

#![no_main]

use flate2::{Decompress, FlushDecompress, Status};
use sansocket::deflate::{Inflate, InflateError, InflateStatus};

const MOST: usize = 1 << 20;

/// `None`: it wants more input.
fn by_zlib(stream: &[u8]) -> Option<Result<Vec<u8>, ()>> {
    let (mut zlib, mut output) = (Decompress::new(false), Vec::with_capacity(MOST));
    match zlib.decompress_vec(stream, &mut output, FlushDecompress::None) {
        Ok(Status::StreamEnd) => Some(Ok(output)),
        Ok(_) => None,
        Err(_) => Some(Err(())),
    }
}

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some((&[piece, room], stream)) = data.split_first_chunk::<2>() else { return };
    let mut inflate = Inflate::new(15);
    let (mut memory, mut end, mut output) = (vec![0; (1 << 15) + usize::from(room) * 4 + 1], 0, Vec::new());
    let mut told = Ok(InflateStatus::NeedsInput);
    'all: for mut piece in stream.chunks(usize::from(piece) + 1) {
        loop {
            let from = end;
            told = inflate.inflate(&mut piece, &mut memory, &mut end);
            output.extend_from_slice(&memory[from..end]);
            if output.len() > MOST {
                return;
            }
            match told {
                Ok(InflateStatus::NeedsInput) => break,
                Ok(InflateStatus::NeedsRoom) => {
                    memory.copy_within(end - (1 << 15)..end, 0);
                    end = 1 << 15;
                }
                _ => break 'all,
            }
        }
    }
    match by_zlib(stream) {
        Some(Ok(bytes)) => assert!(told == Ok(InflateStatus::Final) && bytes == output),
        Some(Err(())) => assert!(told.is_err(), "{told:?}"),
        // zlib takes a code of lengths that has no symbols for one of zeros, and finds out later.
        None => assert!(matches!(told, Ok(InflateStatus::NeedsInput) | Err(InflateError::InvalidLengths)), "{told:?}"),
    }
});
