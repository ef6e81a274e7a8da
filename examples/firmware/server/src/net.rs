//! The sockets that the server asks for, over smoltcp.

use crate::{
    mac::{self, Mac},
    server::{LINES, Sockets},
};
use sansocket::time::Instant;
use smoltcp::{
    iface::{Config, Interface, PollResult, SocketHandle, SocketSet, SocketStorage},
    socket::tcp::{Socket, SocketBuffer, State},
    time,
    wire::{EthernetAddress, IpCidr, Ipv4Address},
};

/// QEMU gives its guest this address.
const ADDRESS: Ipv4Address = Ipv4Address::new(10, 0, 2, 15);
const GATEWAY: Ipv4Address = Ipv4Address::new(10, 0, 2, 2);
const PORT: u16 = 80;

/// Bytes that a socket keeps until the server reads them, and until the browser has acknowledged them. Each packet must fit into the latter.
const RX: usize = 1024;
const TX: usize = 3072;

/// What the sockets keep.
pub struct Memory {
    buffers: [([u8; RX], [u8; TX]); LINES],
    mac: Mac,
}

impl Memory {
    pub const fn new() -> Self {
        Self { buffers: [const { ([0; RX], [0; TX]) }; LINES], mac: Mac::new() }
    }
}

/// The sockets. Apart from [`Memory`], which is nothing but zeros and so takes no flash.
pub type Storage = [SocketStorage<'static>; LINES];
pub const STORAGE: Storage = [SocketStorage::EMPTY; LINES];

pub struct Net {
    interface: Interface,
    sockets: SocketSet<'static>,
    handles: [SocketHandle; LINES],
    mac: &'static mut Mac,
}

fn at(now: Instant) -> time::Instant {
    time::Instant::from_millis(i64::try_from(now.as_millis()).unwrap_or(i64::MAX))
}

impl Net {
    pub fn start(
        memory: &'static mut Memory,
        storage: &'static mut Storage,
        now: Instant,
        random: fn(&mut [u8]),
    ) -> Self {
        let Memory { buffers, mac } = memory;
        mac.start();
        let mut config = Config::new(EthernetAddress(mac::ADDRESS).into());
        let mut seed = [0; 8];
        random(&mut seed);
        config.random_seed = u64::from_le_bytes(seed);
        let mut interface = Interface::new(config, mac, at(now));
        interface.update_ip_addrs(|all| {
            let _ = all.push(IpCidr::new(ADDRESS.into(), 24));
        });
        let _ = interface.routes_mut().add_default_ipv4_route(GATEWAY);
        let mut sockets = SocketSet::new(storage.as_mut_slice());
        let handles = buffers.each_mut().map(|(rx, tx)| {
            let mut socket = Socket::new(SocketBuffer::new(rx.as_mut_slice()), SocketBuffer::new(tx.as_mut_slice()));
            // What is small is sent at once, and so are acknowledgements: the other side has little memory to fill before it must wait.
            socket.set_nagle_enabled(false);
            socket.set_ack_delay(None);
            sockets.add(socket)
        });
        Self { interface, sockets, handles, mac }
    }

    /// Moves frames both ways. Whether something has happened that the server may want to know.
    pub fn poll(&mut self, now: Instant) -> bool {
        self.interface.poll(at(now), self.mac, &mut self.sockets) == PollResult::SocketStateChanged
    }

    fn socket(&mut self, line: usize) -> &mut Socket<'static> {
        self.sockets.get_mut(self.handles[line])
    }
}

impl Sockets for Net {
    fn accept(&mut self, line: usize) -> bool {
        let socket = self.socket(line);
        // A closed connection waits for 10 s, lest old segments disturb a new one between the same ports. There are too few sockets for that.
        if socket.state() == State::TimeWait {
            socket.abort();
        }
        if !socket.is_open() {
            let _ = socket.listen(PORT);
        }
        socket.may_send()
    }

    fn receive(&mut self, line: usize, memory: &mut [u8]) -> usize {
        self.socket(line).recv_slice(memory).unwrap_or(0)
    }

    fn has_ended(&mut self, line: usize) -> bool {
        !self.socket(line).may_recv()
    }

    fn room(&mut self, line: usize) -> usize {
        let socket = self.socket(line);
        if socket.may_send() { socket.send_capacity() - socket.send_queue() } else { usize::MAX }
    }

    fn send(&mut self, line: usize, bytes: &[u8]) -> usize {
        self.socket(line).send_slice(bytes).unwrap_or(0)
    }

    fn close(&mut self, line: usize) {
        self.socket(line).close();
    }

    fn is_over(&mut self, line: usize) -> bool {
        matches!(self.socket(line).state(), State::Closed | State::TimeWait)
    }

    fn abort(&mut self, line: usize) {
        self.socket(line).abort();
    }
}
