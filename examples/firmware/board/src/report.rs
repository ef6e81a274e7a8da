//! What the program says to the developer, by semihosting: the debugger prints it, here QEMU. Without a debugger a real board stops there, so use your board's
//! way instead: RTT by `defmt`, a second serial line, a lamp.

use crate::chip::semihosting;

/// Prints the text as it is.
pub fn print(text: &str) {
    for byte in text.bytes() {
        semihosting(3, &raw const byte as usize);
    }
}

/// Prints the number in decimal, without the code of `core::fmt`.
pub fn print_number(mut number: u32) {
    let mut digits = [0; 10];
    let mut used = 0;
    for place in digits.iter_mut().rev() {
        *place = b'0' + (number % 10) as u8;
        (number, used) = (number / 10, used + 1);
        if number == 0 {
            break;
        }
    }
    for digit in digits.iter().skip(digits.len().saturating_sub(used)) {
        semihosting(3, &raw const *digit as usize);
    }
}

/// Ends QEMU with this code. On a board: stops.
pub fn exit(code: usize) -> ! {
    // "The application has ended", with a code.
    let block = [0x20026, code];
    loop {
        semihosting(0x20, &raw const block as usize);
    }
}
