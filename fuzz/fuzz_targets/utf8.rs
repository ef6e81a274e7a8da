//! The check of text in pieces beside that of `core`. The first two bytes say where the text is cut.

#![no_main]

use sansocket::bytes::Utf8;

/// The first byte that no text can have there.
fn by_core(text: &[u8]) -> Option<usize> {
    let error = std::str::from_utf8(text).err()?;
    let from = error.valid_up_to();
    error.error_len()?;
    (from + 1..=text.len())
        .find(|&to| std::str::from_utf8(&text[from..to]).is_err_and(|e| e.error_len().is_some()))
        .map(|to| to - 1)
}

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some((&[a, b], text)) = data.split_first_chunk::<2>() else { return };
    let first = usize::from(a).min(text.len());
    let second = (first + usize::from(b)).min(text.len());
    let (mut utf8, mut from, mut bad) = (Utf8::new(), 0, None);
    for to in [first, second, text.len()] {
        if let Err(e) = utf8.check(&text[from..to]) {
            bad = Some(from + e.at);
            break;
        }
        from = to;
    }
    assert_eq!(bad, by_core(text));
    assert!(bad.is_some() || utf8.is_complete() == std::str::from_utf8(text).is_ok());
});
