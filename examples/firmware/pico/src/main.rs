//! A Raspberry Pi Pico W or Pico 2 W: its radio, its network, and what `led.rs` serves. `README.md` says how to build and flash it.

#![no_std]
#![no_main]

#[path = "../../led.rs"]
mod led;

use core::panic::PanicInfo;
use cyw43::{JoinOptions, SpiBus, aligned_bytes};
use cyw43_pio::{DEFAULT_CLOCK_DIVIDER, PioSpi};
use embassy_executor::Spawner;
use embassy_net::{Stack, StackResources};
use embassy_rp::{
    bind_interrupts,
    clocks::RoscRng,
    dma,
    gpio::{Level, Output},
    peripherals::{DMA_CH0, PIO0},
    pio::{self, Pio},
};
use static_cell::StaticCell;

const WIFI_NAME: &str = env!("WIFI_NAME", "set WIFI_NAME to the name of your network");
const WIFI_PASSWORD: &str = env!("WIFI_PASSWORD", "set WIFI_PASSWORD to the password of your network");

bind_interrupts!(struct Irqs {
    PIO0_IRQ_0 => pio::InterruptHandler<PIO0>;
    DMA_IRQ_0 => dma::InterruptHandler<DMA_CH0>;
});

type Radio = cyw43::Runner<'static, SpiBus<Output<'static>, PioSpi<'static, PIO0, 0>>>;

#[embassy_executor::task]
async fn radio_task(runner: Radio) -> ! {
    runner.run().await
}

#[embassy_executor::task]
async fn net_task(mut runner: embassy_net::Runner<'static, cyw43::NetDriver<'static>>) -> ! {
    runner.run().await
}

#[embassy_executor::task(pool_size = led::CLIENTS)]
async fn serve_task(stack: Stack<'static>) -> ! {
    // The noise of an oscillator. It is no generator for cryptography, but all that the RP2040 has.
    led::serve(stack, |bytes| RoscRng.fill_bytes(bytes)).await
}

#[embassy_executor::main]
async fn main(spawner: Spawner) {
    static RADIO: StaticCell<cyw43::State> = StaticCell::new();
    static RESOURCES: StaticCell<StackResources<{ led::CLIENTS + 1 }>> = StaticCell::new();
    let p = embassy_rp::init(Default::default());
    let mut pio = Pio::new(p.PIO0, Irqs);
    let (power, select) = (Output::new(p.PIN_23, Level::Low), Output::new(p.PIN_25, Level::High));
    let dma = dma::Channel::new(p.DMA_CH0, Irqs);
    let divider = DEFAULT_CLOCK_DIVIDER;
    let spi = PioSpi::new(&mut pio.common, pio.sm0, divider, pio.irq0, select, p.PIN_24, p.PIN_29, dma);

    let firmware = aligned_bytes!(concat!(env!("OUT_DIR"), "/43439A0.bin"));
    let nvram = aligned_bytes!(concat!(env!("OUT_DIR"), "/nvram_rp2040.bin"));
    let rules = aligned_bytes!(concat!(env!("OUT_DIR"), "/43439A0_clm.bin"));
    let (device, mut control, runner) = cyw43::new(RADIO.init(cyw43::State::new()), power, spi, firmware, nvram).await;
    spawner.spawn(radio_task(runner).expect("the first"));
    control.init(rules).await;

    let config = embassy_net::Config::dhcpv4(Default::default());
    let resources = RESOURCES.init(StackResources::new());
    let (stack, runner) = embassy_net::new(device, config, resources, RoscRng.next_u64());
    spawner.spawn(net_task(runner).expect("the first"));
    while control.join(WIFI_NAME, JoinOptions::new(WIFI_PASSWORD.as_bytes())).await.is_err() {}
    for _ in 0..led::CLIENTS {
        spawner.spawn(serve_task(stack).expect("as many as there are"));
    }
    // The LED is wired to the radio.
    loop {
        control.gpio_set(0, led::LED.wait().await).await;
    }
}

/// The board begins anew.
#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    cortex_m::peripheral::SCB::sys_reset()
}
