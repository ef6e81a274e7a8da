//! A modem at the serial line, which makes one TCP connection at a time. A bare serial line cannot say that a connection has begun or ended, so both ends send
//! packets:
//!
//! | bytes | from | meaning |
//! |---|---|---|
//! | n (1 to 255), then n bytes | both | data of the call |
//! | 0, `D`, number | board | dial; the number tells this call from the ones before |
//! | 0, `H`, number | board | hang up |
//! | 0, `C`, number | modem | connected |
//! | 0, `N`, number | modem | no carrier: the call has ended, or it could not be made |
//!
//! A real board has the same in another form: the AT commands of a Wi-Fi or cellular module, the socket registers of a W5500, a TCP stack.

use crate::chip;

/// The serial line and the call over it.
pub struct Modem {
    call: u8,
    /// Whether there is a call, dialed or connected, and whether it is connected.
    is_dialed: bool,
    is_connected: bool,
    next: Next,
}

/// What the next byte is.
#[derive(Clone, Copy)]
enum Next {
    Length,
    Data(u8),
    Letter,
    Number(u8),
}

/// What the modem says.
pub enum Heard {
    /// Nothing new.
    Nothing,
    /// So many bytes were written to the memory.
    Bytes(usize),
    Connected,
    Ended,
}

impl Modem {
    /// On the hook.
    pub const fn new() -> Self {
        Self { call: 0, is_dialed: false, is_connected: false, next: Next::Length }
    }

    /// Begins a call. An earlier one is over.
    pub fn dial(&mut self) {
        self.hang_up();
        self.call = self.call.wrapping_add(1);
        self.is_dialed = true;
        self.control(b'D');
    }

    /// Ends the call. Does nothing if there is none.
    pub fn hang_up(&mut self) {
        if self.is_dialed {
            self.control(b'H');
        }
        (self.is_dialed, self.is_connected) = (false, false);
    }

    /// Sends bytes of the call. Without one they are dropped.
    pub fn send(&mut self, bytes: &[u8]) {
        if self.is_connected {
            for piece in bytes.chunks(255) {
                chip::send(piece.len() as u8);
                piece.iter().for_each(|&byte| chip::send(byte));
            }
        }
    }

    /// Takes what has come, and does not wait.
    pub fn listen(&mut self, memory: &mut [u8]) -> Heard {
        let mut places = memory.iter_mut();
        let room = places.len();
        while places.len() > 0
            && let Some(byte) = chip::receive()
        {
            self.next = match self.next {
                Next::Length if byte > 0 => Next::Data(byte),
                // The bytes before are told first.
                Next::Length => {
                    self.next = Next::Letter;
                    break;
                }
                Next::Data(left) => {
                    if self.is_connected
                        && let Some(place) = places.next()
                    {
                        *place = byte;
                    }
                    if left > 1 { Next::Data(left - 1) } else { Next::Length }
                }
                Next::Letter => Next::Number(byte),
                Next::Number(letter) => {
                    self.next = Next::Length;
                    if byte == self.call && self.is_dialed {
                        self.is_connected = letter == b'C';
                        self.is_dialed = self.is_connected;
                        return if self.is_connected { Heard::Connected } else { Heard::Ended };
                    }
                    continue;
                }
            };
        }
        match room.saturating_sub(places.len()) {
            0 => Heard::Nothing,
            n => Heard::Bytes(n),
        }
    }

    fn control(&self, letter: u8) {
        [0, letter, self.call].into_iter().for_each(chip::send);
    }
}

impl Default for Modem {
    fn default() -> Self {
        Self::new()
    }
}
