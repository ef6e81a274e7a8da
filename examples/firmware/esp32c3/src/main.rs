//! An ESP32-C3: its radio, its network, and what `led.rs` serves. `README.md` says how to build and flash it.

#![no_std]
#![no_main]

#[path = "../../led.rs"]
mod led;

use core::panic::PanicInfo;
use embassy_executor::Spawner;
use embassy_net::{Stack, StackResources};
use esp_hal::{
    clock::CpuClock,
    gpio::{Level, Output, OutputConfig},
    interrupt::software::SoftwareInterruptControl,
    ram,
    rng::Rng,
    timer::timg::TimerGroup,
};
use esp_radio::wifi::{self, Config, ControllerConfig, Interface, WifiController, sta::StationConfig};
use static_cell::StaticCell;

const WIFI_NAME: &str = env!("WIFI_NAME", "set WIFI_NAME to the name of your network");
const WIFI_PASSWORD: &str = env!("WIFI_PASSWORD", "set WIFI_PASSWORD to the password of your network");

esp_bootloader_esp_idf::esp_app_desc!();

/// Stays in the network: joins it again when it is lost.
#[embassy_executor::task]
async fn radio_task(mut controller: WifiController<'static>) -> ! {
    loop {
        if controller.connect_async().await.is_ok() {
            let _ = controller.wait_for_disconnect_async().await;
        }
        embassy_time::Timer::after_secs(2).await;
    }
}

#[embassy_executor::task]
async fn net_task(mut runner: embassy_net::Runner<'static, Interface<'static>>) -> ! {
    runner.run().await
}

#[embassy_executor::task(pool_size = led::CLIENTS)]
async fn serve_task(stack: Stack<'static>) -> ! {
    // While the radio is on, its noise feeds the generator.
    led::serve(stack, |bytes| Rng::new().read(bytes)).await
}

#[esp_rtos::main]
async fn main(spawner: Spawner) {
    static RESOURCES: StaticCell<StackResources<{ led::CLIENTS + 1 }>> = StaticCell::new();
    let p = esp_hal::init(esp_hal::Config::default().with_cpu_clock(CpuClock::max()));
    // For the driver of the radio: what the boot loader no longer needs, and some more.
    esp_alloc::heap_allocator!(#[ram(reclaimed)] size: 64 * 1024);
    esp_alloc::heap_allocator!(size: 36 * 1024);
    let timers = TimerGroup::new(p.TIMG0);
    esp_rtos::start(timers.timer0, SoftwareInterruptControl::new(p.SW_INTERRUPT).software_interrupt0);
    let mut lamp = Output::new(p.GPIO7, Level::Low, OutputConfig::default());

    let station = StationConfig::default().with_ssid(WIFI_NAME).with_password(WIFI_PASSWORD.into());
    let config = ControllerConfig::default().with_initial_config(Config::Station(station));
    let (controller, interfaces) = wifi::new(p.WIFI, config).expect("a radio");
    let rng = Rng::new();
    let seed = u64::from(rng.random()) << 32 | u64::from(rng.random());
    let resources = RESOURCES.init(StackResources::new());
    let dhcp = embassy_net::Config::dhcpv4(Default::default());
    let (stack, runner) = embassy_net::new(interfaces.station, dhcp, resources, seed);
    spawner.spawn(radio_task(controller).expect("the first"));
    spawner.spawn(net_task(runner).expect("the first"));
    for _ in 0..led::CLIENTS {
        spawner.spawn(serve_task(stack).expect("as many as there are"));
    }
    loop {
        lamp.set_level(led::LED.wait().await.into());
    }
}

/// The board begins anew.
#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    esp_hal::system::software_reset()
}
