//! The guide shows the program of `examples/reading`, which is also compiled for boards: the same text.

use std::fs;

/// The first line of the program, in the guide and in its file.
const MARKER: &str = "// reading.rs";

/// The code block of `docs` that begins with `marker`, without what makes it a comment.
fn block(docs: &str, marker: &str) -> Option<String> {
    let text = |line: &str| {
        let text = line.trim_start().strip_prefix("//!").or(line.trim_start().strip_prefix("///"))?;
        Some(text.strip_prefix(' ').unwrap_or(text).to_owned())
    };
    let lines = docs.lines().map_while(|line| Some(text(line).unwrap_or_default()));
    let lines =
        lines.skip_while(|line| line != marker).take_while(|line| !line.starts_with("```") && !line.starts_with("# "));
    let block: String = lines.map(|line| line + "\n").collect();
    (!block.is_empty()).then_some(block)
}

#[test]
fn the_guide_shows_the_program_that_boards_compile() {
    let root = env!("CARGO_MANIFEST_DIR");
    let guide = fs::read_to_string(format!("{root}/src/guide/drivers.rs")).unwrap();
    // A package of this crate does not have it, so the guide cannot include it.
    let Ok(program) = fs::read_to_string(format!("{root}/examples/reading/src/reading.rs")) else { return };
    assert!(program.starts_with(MARKER));
    let shown = block(&guide, MARKER).expect("the guide shows the program, beginning with its marker");
    for (shown, program) in shown.lines().zip(program.lines()) {
        assert_eq!(shown, program);
    }
    assert_eq!(shown.trim_end(), program.trim_end());
}

#[test]
fn a_block_is_found_by_its_first_line() {
    let docs =
        "//! Text.\n//! ```\n//! // reading.rs\n//!     a\n//!\n//! b\n//! ```\n//! More.\n//! ```\n//! c\n//! ```\n";
    assert_eq!(block(docs, MARKER).as_deref(), Some("// reading.rs\n    a\n\nb\n"));
    assert_eq!(block("//! ```\n//! c\n//! ```\n", MARKER), None);
}
