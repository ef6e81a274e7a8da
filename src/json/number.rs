//! Reading and writing of numbers.

use crate::bytes::{Writer, decimal};

/// A number without fraction and exponent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Integer {
    Unsigned(u64),
    /// With a minus sign.
    Signed(i64),
}

/// Parses a valid number as an integer. `None` with a fraction or an exponent, and outside of both types.
pub(super) fn integer(text: &[u8]) -> Option<Integer> {
    match text.strip_prefix(b"-") {
        None => decimal(text).map(Integer::Unsigned),
        Some(digits) => 0_i64.checked_sub_unsigned(decimal(digits)?).map(Integer::Signed),
    }
}

/// Whether a valid number has neither fraction nor exponent.
pub(super) fn is_integer(text: &[u8]) -> bool {
    text.iter().all(|b| matches!(b, b'-' | b'0'..=b'9'))
}

/// Parses the text of a valid number.
pub(super) fn parse<T: core::str::FromStr>(text: &[u8]) -> Option<T> {
    core::str::from_utf8(text).ok()?.parse().ok()
}

/// The nearest float; `None` if it is infinite.
pub(super) fn float(text: &[u8]) -> Option<f64> {
    parse(text).filter(|f: &f64| f.is_finite())
}

/// As [`float`], rounded once to 32 bits.
pub(super) fn float32(text: &[u8]) -> Option<f32> {
    parse(text).filter(|f: &f32| f.is_finite())
}

pub(super) fn write_signed(out: &mut Writer<'_>, number: i64) {
    if number < 0 {
        out.byte(b'-');
    }
    out.decimal(number.unsigned_abs());
}

/// Writes the shortest digits that parse to the same float, by serde-json-core (ryu). Writes `null` if the float is not finite.
pub(super) fn write_float<F: serde::Serialize>(out: &mut Writer<'_>, number: F) {
    // The longest has 24 bytes: -1.2345678901234567e-308.
    let mut digits = [0; 32];
    let len = serde_json_core::to_slice(&number, &mut digits).unwrap_or_default();
    debug_assert!(len > 0, "a float has at most 24 bytes");
    out.push(digits.get(..len).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::String;

    #[test]
    fn integers_are_exact_up_to_both_ends() {
        for (text, number) in [
            ("0", Some(Integer::Unsigned(0))),
            ("-0", Some(Integer::Signed(0))),
            ("18446744073709551615", Some(Integer::Unsigned(u64::MAX))),
            ("18446744073709551616", None),
            ("-9223372036854775808", Some(Integer::Signed(i64::MIN))),
            ("-9223372036854775809", None),
            ("1.0", None),
            ("1e3", None),
        ] {
            assert_eq!(integer(text.as_bytes()), number, "{text}");
        }
    }

    #[test]
    fn every_float_fits_and_comes_back() {
        let mut memory = [0; 32];
        for bits in [
            0_u64,
            1,
            1 << 63,
            0x000f_ffff_ffff_ffff,
            0x8010_0000_0000_0000,
            0x7fef_ffff_ffff_ffff,
            0xffef_ffff_ffff_ffff,
        ] {
            let float = f64::from_bits(bits);
            let mut writer = Writer::new(&mut memory);
            write_float(&mut writer, float);
            let text = String::from_utf8(writer.finish().unwrap().to_vec()).unwrap();
            assert_eq!(text.parse::<f64>().unwrap().to_bits(), bits, "{text}");
        }
        for float in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let mut writer = Writer::new(&mut memory);
            write_float(&mut writer, float);
            assert_eq!(writer.finish().unwrap(), b"null");
        }
    }
}
