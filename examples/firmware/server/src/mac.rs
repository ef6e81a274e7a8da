//! The Ethernet controller of the LM3S6965 as a device of smoltcp.

use core::ptr::{read_volatile, write_volatile};
use smoltcp::{
    phy::{Device, DeviceCapabilities, RxToken, TxToken},
    time::Instant,
};

pub const ADDRESS: [u8; 6] = [2, 0, 0, 0, 0, 1];

/// The number of its interrupt.
pub const INTERRUPT: u16 = 42;

const BASE: usize = 0x4004_8000;
/// Which events have happened; writing acknowledges them.
const EVENTS: usize = 0x00;
const MASK: usize = 0x04;
const RX_CONTROL: usize = 0x08;
const TX_CONTROL: usize = 0x0c;
const DATA: usize = 0x10;
const ADDRESS_LOW: usize = 0x14;
const ADDRESS_HIGH: usize = 0x18;
const FRAMES_WAITING: usize = 0x34;
const TX_REQUEST: usize = 0x38;

/// The largest frame: 1,500 bytes and a header of 14.
const FRAME: usize = 1514;

fn read(register: usize) -> u32 {
    // SAFETY: a register of the controller, which only this file uses.
    unsafe { read_volatile((BASE + register) as *const u32) }
}

fn write(register: usize, value: u32) {
    // SAFETY: as above.
    unsafe { write_volatile((BASE + register) as *mut u32, value) }
}

/// The controller, and memory for the frame that is received and the one that is sent.
pub struct Mac {
    received: [u8; FRAME],
    sent: [u8; FRAME],
}

impl Mac {
    pub const fn new() -> Self {
        Self { received: [0; FRAME], sent: [0; FRAME] }
    }

    pub fn start(&mut self) {
        let [a, b, c, d, e, f] = ADDRESS;
        write(MASK, 0);
        write(ADDRESS_LOW, u32::from_le_bytes([a, b, c, d]));
        write(ADDRESS_HIGH, u32::from_le_bytes([e, f, 0, 0]));
        write(RX_CONTROL, 0x10); // empties the memory of the controller
        write(RX_CONTROL, 1);
        write(TX_CONTROL, 0xf);
    }
}

/// Whether no frame waits. Then the interrupt comes with the next one.
pub fn arm() -> bool {
    write(EVENTS, 0x7f);
    write(MASK, 1);
    read(FRAMES_WAITING) == 0
}

/// The interrupt came: not again before [`arm`].
pub fn disarm() {
    write(MASK, 0);
}

/// Takes a frame from the controller. The first two bytes are the length of frame, checksum and themselves.
fn receive(memory: &mut [u8; FRAME]) -> usize {
    let first = read(DATA).to_le_bytes();
    let total = usize::from(u16::from_le_bytes([first[0], first[1]]));
    let mut bytes = memory.iter_mut();
    let mut place = |word: &[u8]| word.iter().zip(bytes.by_ref()).for_each(|(byte, place)| *place = *byte);
    place(&first[2..]);
    for _ in 1..total.div_ceil(4) {
        place(&read(DATA).to_le_bytes());
    }
    total.saturating_sub(6).min(FRAME)
}

/// Sends a frame, behind two bytes with the length of what follows its header.
fn send(frame: &[u8]) {
    while read(TX_REQUEST) & 1 != 0 {}
    let [low, high, ..] = frame.len().saturating_sub(14).to_le_bytes();
    let mut bytes = [low, high].into_iter().chain(frame.iter().copied());
    for _ in 0..(frame.len() + 2).div_ceil(4) {
        write(DATA, u32::from_le_bytes([(); 4].map(|()| bytes.next().unwrap_or(0))));
    }
    write(TX_REQUEST, 1);
}

impl Device for Mac {
    type RxToken<'a> = Received<'a>;
    type TxToken<'a> = Sent<'a>;

    fn receive(&mut self, _: Instant) -> Option<(Received<'_>, Sent<'_>)> {
        if read(FRAMES_WAITING) == 0 {
            return None;
        }
        let n = receive(&mut self.received);
        Some((Received(self.received.get(..n)?), Sent(&mut self.sent)))
    }

    fn transmit(&mut self, _: Instant) -> Option<Sent<'_>> {
        Some(Sent(&mut self.sent))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut all = DeviceCapabilities::default();
        all.max_transmission_unit = FRAME;
        all.max_burst_size = Some(1);
        all
    }
}

pub struct Received<'m>(&'m [u8]);

impl RxToken for Received<'_> {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, handle: F) -> R {
        handle(self.0)
    }
}

pub struct Sent<'m>(&'m mut [u8; FRAME]);

impl TxToken for Sent<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length: usize, fill: F) -> R {
        let n = length.min(FRAME);
        let frame = &mut self.0[..n];
        let result = fill(frame);
        send(frame);
        result
    }
}
