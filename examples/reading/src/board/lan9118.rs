//! A LAN9118, an Ethernet chip on the bus, looked at each millisecond.

use core::ptr::{read_volatile, write_volatile};
use embassy_net_driver_channel::{Runner, driver::LinkState};
use embassy_time::Timer;

const RX_DATA: usize = 0x00;
const TX_DATA: usize = 0x20;
const RX_STATUS: usize = 0x40;
const TX_CFG: usize = 0x70;
const HW_CFG: usize = 0x74;
const RX_USED: usize = 0x7c;
const TX_FREE: usize = 0x80;
const MAC_COMMAND: usize = 0xa4;
const MAC_VALUE: usize = 0xa8;

struct Chip(usize);

impl Chip {
    fn read(&self, register: usize) -> u32 {
        // SAFETY: a register of the chip, used by one task.
        unsafe { read_volatile((self.0 + register) as *const u32) }
    }

    fn write(&self, register: usize, value: u32) {
        // SAFETY: as above.
        unsafe { write_volatile((self.0 + register) as *mut u32, value) }
    }

    fn write_mac(&self, index: u32, value: u32) {
        self.write(MAC_VALUE, value);
        self.write(MAC_COMMAND, 1 << 31 | index);
        while self.read(MAC_COMMAND) >> 31 != 0 {}
    }

    fn begin(&self, [a, b, c, d, e, f]: [u8; 6]) {
        self.write(HW_CFG, 1 << 20 | 5 << 16);
        self.write_mac(2, u32::from_le_bytes([e, f, 0, 0]));
        self.write_mac(3, u32::from_le_bytes([a, b, c, d]));
        self.write(TX_CFG, 2);
        self.write_mac(1, 1 << 3 | 1 << 2);
    }

    fn send(&self, frame: &[u8]) {
        let length = frame.len() as u32;
        self.write(TX_DATA, 1 << 13 | 1 << 12 | length);
        self.write(TX_DATA, length);
        for bytes in frame.chunks(4) {
            let mut word = [0; 4];
            word[..bytes.len()].copy_from_slice(bytes);
            self.write(TX_DATA, u32::from_le_bytes(word));
        }
    }

    /// Fills `memory` from a frame, if there is one. Returns its length.
    fn receive(&self, memory: &mut [u8]) -> Option<usize> {
        if self.read(RX_USED) >> 16 & 0xff == 0 {
            return None;
        }
        // The last four bytes are a checksum.
        let length = (self.read(RX_STATUS) >> 16 & 0x3fff) as usize;
        for i in 0..length.div_ceil(4) {
            let word = self.read(RX_DATA).to_le_bytes();
            for (place, byte) in memory.iter_mut().skip(i * 4).zip(word) {
                *place = byte;
            }
        }
        Some(length.saturating_sub(4).min(memory.len()))
    }
}

/// Carries frames between the chip and the network stack.
pub async fn run(base: usize, mac: [u8; 6], mut runner: Runner<'static, 1514>) -> ! {
    let chip = Chip(base);
    chip.begin(mac);
    runner.set_link_state(LinkState::Up);
    loop {
        while chip.read(TX_FREE) & 0xffff > 1600
            && let Some(frame) = runner.try_tx_buf()
        {
            chip.send(frame);
            runner.tx_done();
        }
        while let Some(memory) = runner.try_rx_buf()
            && let Some(length) = chip.receive(memory)
        {
            runner.rx_done(length);
        }
        Timer::after_millis(1).await;
    }
}
