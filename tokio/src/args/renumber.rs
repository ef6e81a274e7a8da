//! Other numbers for the placeholders of text that stands beside other attachments. Rare, so it may cost several passes.

use sansocket::{
    json::{Kind, Value},
    socketio::Placeholder,
};

/// Appends `json` (values with commas between them) to `out`, each placeholder with the number that `place` gives. `place` is asked once for each
/// number. Returns `None` if the text is not valid, or if `place` does.
pub(super) fn renumber(json: &[u8], out: &mut Vec<u8>, place: impl FnMut(usize) -> Option<usize>) -> Option<()> {
    let array = [b"[", json, b"]"].concat();
    let value = Value::parse(&array).ok()?;
    let mut numbers = Numbers { known: Vec::new(), place };
    numbers.list(value, out)
}

struct Numbers<F> {
    known: Vec<(u8, usize)>,
    place: F,
}

impl<F: FnMut(usize) -> Option<usize>> Numbers<F> {
    fn list(&mut self, array: Value<'_>, out: &mut Vec<u8>) -> Option<()> {
        for (at, element) in array.elements().enumerate() {
            if at > 0 {
                out.push(b',');
            }
            self.value(element, out)?;
        }
        Some(())
    }

    // The parser has limited the depth.
    fn value(&mut self, value: Value<'_>, out: &mut Vec<u8>) -> Option<()> {
        match value.kind() {
            Kind::Array => {
                out.push(b'[');
                self.list(value, out)?;
                out.push(b']');
            }
            Kind::Object => {
                if let Some(Placeholder(number)) = Placeholder::of(value) {
                    let place = self.number(number)?;
                    out.extend_from_slice(format!("{{\"_placeholder\":true,\"num\":{place}}}").as_bytes());
                    return Some(());
                }
                out.push(b'{');
                for (at, (key, value)) in value.members().enumerate() {
                    out.extend_from_slice(if at > 0 { b",\"" } else { b"\"" });
                    out.extend_from_slice(key.escaped());
                    out.extend_from_slice(b"\":");
                    self.value(value, out)?;
                }
                out.push(b'}');
            }
            _ => out.extend_from_slice(value.raw()),
        }
        Some(())
    }

    fn number(&mut self, number: u8) -> Option<usize> {
        if let Some((_, place)) = self.known.iter().find(|(known, _)| *known == number) {
            return Some(*place);
        }
        let place = (self.place)(usize::from(number))?;
        self.known.push((number, place));
        Some(place)
    }
}

/// How many objects in compact JSON have the key of placeholders.
pub(super) fn count_marks(json: &[u8]) -> usize {
    const KEY: &[u8] = b"\"_placeholder\":";
    let mut count = 0;
    let mut rest = json;
    while let Some(at) = rest.iter().position(|&byte| byte == b'_') {
        // The quote before it has been passed.
        if at > 0 && rest.get(at - 1..).is_some_and(|text| text.starts_with(KEY)) {
            count += 1;
        }
        rest = rest.get(at + 1..).unwrap_or_default();
    }
    count
}
