//! A board: a network chip, a clock, and the tasks of embassy. `arm.rs` and `riscv32.rs` have what differs.

#[cfg(target_arch = "arm")]
mod arm;
mod clock;
mod lan9118;
#[cfg(target_arch = "riscv32")]
mod riscv32;

#[cfg(target_arch = "arm")]
use arm as chip;
#[cfg(target_arch = "riscv32")]
use riscv32 as chip;

use core::{cell::Cell, fmt::Write, net::SocketAddr};
use critical_section::Mutex;
use embassy_executor::Spawner;
use embassy_net::{
    Ipv4Address, Ipv4Cidr, Stack, StackResources, StaticConfigV4,
    tcp::client::{TcpClient, TcpClientState},
};
use embassy_net_driver_channel as channel;
use embedded_nal_async::TcpConnect;
use sansocket::{
    drive::{embassy::Clock, io_0_7::Async},
    endpoint::client::Config,
};
use static_cell::StaticCell;

/// The server. QEMU shows the host as this address.
const SERVER: &str = match option_env!("READING_URL") {
    Some(url) => url,
    None => "ws://10.0.2.2:3000",
};

const MAC: [u8; 6] = [2, 0, 0, 0, 0, 1];

#[embassy_executor::task]
async fn chip_task(runner: channel::Runner<'static, 1514>) -> ! {
    lan9118::run(chip::LAN9118, MAC, runner).await
}

#[embassy_executor::task]
async fn net_task(mut runner: embassy_net::Runner<'static, channel::Device<'static, 1514>>) -> ! {
    runner.run().await
}

#[embassy_executor::task]
async fn reading_task(stack: Stack<'static>) {
    let sockets = TcpClientState::<1, 1024, 1024>::new();
    let tcp = TcpClient::new(stack, &sockets);
    let config = Config::parse(SERVER).expect("the URL is right");
    let at: SocketAddr = SocketAddr::new(config.url().host().parse().expect("an address"), config.url().port());
    let dial = || async { tcp.connect(at).await.map(Async) };
    let log = |line: core::fmt::Arguments<'_>| {
        let _ = writeln!(chip::Console, "{line}");
    };
    let _ = crate::reading::run(&config, dial, Clock, random, log).await;
}

/// What starts when the board has started.
fn start(spawner: Spawner) {
    static CHANNEL: StaticCell<channel::State<1514, 4, 4>> = StaticCell::new();
    static RESOURCES: StaticCell<StackResources<2>> = StaticCell::new();
    let hardware = channel::driver::HardwareAddress::Ethernet(MAC);
    let (chip, device) = channel::new(CHANNEL.init(channel::State::new()), hardware);
    let address = Ipv4Cidr::new(Ipv4Address::new(10, 0, 2, 15), 24);
    let config = StaticConfigV4 { address, gateway: None, dns_servers: Default::default() };
    let mut seed = [0; 8];
    random(&mut seed);
    let config = embassy_net::Config::ipv4_static(config);
    let resources = RESOURCES.init(StackResources::new());
    let (stack, net) = embassy_net::new(device, config, resources, u64::from_le_bytes(seed));
    spawner.spawn(chip_task(chip).expect("the first"));
    spawner.spawn(net_task(net).expect("the first"));
    spawner.spawn(reading_task(stack).expect("the first"));
}

/// Stands for the board's random number generator, which these machines of QEMU do not have. Guessable: use your board's.
fn random(bytes: &mut [u8]) {
    static STATE: Mutex<Cell<u32>> = Mutex::new(Cell::new(0x9e37_79b9));
    critical_section::with(|cs| {
        let state = STATE.borrow(cs);
        for byte in bytes {
            let mut x = state.get() ^ (chip::ticks() as u32);
            x ^= x << 13;
            x ^= x >> 17;
            x ^= x << 5;
            state.set(x);
            *byte = (x >> 24) as u8;
        }
    });
}

#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    let _ = writeln!(chip::Console, "{info}");
    loop {}
}
