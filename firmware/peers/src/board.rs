//! The program of a board: one client, for ever, at a line of which the compiler knows nothing; or once, against a script.

use crate::Line;
#[cfg(target_arch = "arm")]
use cortex_m_rt::entry;
#[cfg(target_arch = "riscv32")]
use riscv_rt::entry;

#[cfg(not(feature = "script"))]
#[allow(dead_code)]
#[path = "../../src/host.rs"]
mod host;
#[cfg(feature = "script")]
#[path = "../../src/paint.rs"]
mod paint;
#[cfg(feature = "script")]
#[path = "script.rs"]
mod script;
#[cfg(feature = "script")]
#[path = "../../src/semihosting.rs"]
mod semihosting;

/// Some of the other crates keep a panic, so here no link proves anything.
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}

#[cfg(not(feature = "script"))]
struct Wire;

#[cfg(not(feature = "script"))]
impl Line for Wire {
    fn read(&mut self, memory: &mut [u8]) -> usize {
        host::receive(memory)
    }

    fn write(&mut self, bytes: &[u8]) {
        host::send(bytes);
    }

    fn fill(bytes: &mut [u8]) {
        bytes.iter_mut().for_each(|b| *b = host::byte());
    }
}

fn client<L: Line>(line: &mut L) {
    #[cfg(feature = "ours")]
    crate::clients::sansocket::client::<{ cfg!(feature = "connects") }, L>(line);
    #[cfg(feature = "embedded-websocket")]
    crate::clients::embedded_websocket::client::<{ cfg!(feature = "connects") }, L>(line);
    #[cfg(feature = "websocketz")]
    crate::clients::websocketz::client::<{ cfg!(feature = "connects") }, L>(line);
    #[cfg(feature = "ws-framer")]
    crate::clients::ws_framer::client::<{ cfg!(feature = "connects") }, L>(line);
    // The firmware without a client.
    #[cfg(not(any(feature = "ours", feature = "embedded-websocket", feature = "websocketz", feature = "ws-framer")))]
    {
        let mut memory = [0; 512];
        let n = line.read(&mut memory);
        line.write(memory.get(..n).unwrap_or_default());
    }
}

#[cfg(feature = "ws-framer")]
#[unsafe(no_mangle)]
unsafe extern "Rust" fn __getrandom_v03_custom(memory: *mut u8, len: usize) -> Result<(), getrandom::Error> {
    #[cfg(feature = "script")]
    use script::Wire;
    // SAFETY: the memory that getrandom lends, which is initialised here.
    Wire::fill(unsafe {
        memory.write_bytes(0, len);
        core::slice::from_raw_parts_mut(memory, len)
    });
    Ok(())
}

#[entry]
fn main() -> ! {
    #[cfg(feature = "script")]
    script::play(client);
    #[cfg(not(feature = "script"))]
    loop {
        client(&mut Wire);
    }
}
