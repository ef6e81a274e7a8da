//! One run: what a seed makes both ends and the network do, and what must hold at the end.

use crate::{
    client::{Host, Memory, Reach, State},
    ledger::{Ledger, NAMES},
    net::Net,
    server::{Server, Settings},
    support::Random,
    trace,
};
use sansocket::{
    endpoint::client::{self, ClientEnd, Config, FullLink, Link, Over, WebSocketLink, WhenFull},
    engineio::Transport::{self, Polling, WebSocket},
    socketio::{AckSlot, Namespace, client::Backoff, client::SocketSlot},
    time::Instant,
};

struct World<L> {
    random: Random,
    now: u64,
    net: Net,
    host: Host<L>,
    server: Server,
    ledger: Ledger,
}

const NO_FAULTS: Reach = Reach { fails: 0, hangs: 0, delay: 100, fuses: 0 };

pub fn run(seed: u64) -> [u64; 8] {
    let mut random = Random(seed);
    let transports: [&'static [Transport]; 5] =
        [&[Polling, WebSocket], &[Polling], &[WebSocket], &[WebSocket, Polling], &[Polling, WebSocket]];
    let kind = random.below(6);
    // The path, which nobody else reads, tells the application that the client may give up.
    let (limit, url) = if random.below(4) == 0 { (3, "http://host/limited") } else { (u32::MAX, "http://host") };
    let config = Config::parse(url)
        .unwrap()
        .reconnection(Backoff::new().limit(limit))
        .open_timeout(3000 + random.below(17_000) as u32)
        .transports(transports[kind % 5]);
    match kind {
        5 => simulate(random, WebSocketLink::new(&config)),
        _ => simulate(random, FullLink::new(&config)),
    }
}

fn simulate<L: Link>(mut random: Random, link: L) -> [u64; 8] {
    let has_auth = random.below(4) == 0;
    let backlog = [400, 1000, 4000][random.below(3)];
    let memory = client::Memory {
        acks: vec![AckSlot::EMPTY; 1 + random.below(12)],
        sockets: vec![SocketSlot::EMPTY; 3],
        backlog: vec![0; backlog],
    };
    let mut client = ClientEnd::new(link, NAMES, memory, random.below(1000) as u32);
    if has_auth {
        client = client.with_auth(150);
    }
    let calm = random.below(3);
    let reach = Reach {
        fails: [0, 10, 30][random.below(3)],
        hangs: [0, 0, 10][random.below(3)],
        delay: [0, 50, 3000][random.below(3)],
        fuses: [0, 10, 50][calm],
    };
    let settings = Settings {
        is_up: true,
        is_busy: false,
        is_mute: false,
        is_kind: false,
        ping_interval: [3000, 25_000][random.below(2)],
        ping_timeout: [2000, 20_000][random.below(2)],
        has_auth,
    };
    let when_full = [WhenFull::Refuse, WhenFull::Refuse, WhenFull::DropOldest, WhenFull::DropNewest][random.below(4)];
    let memory = if random.below(2) == 0 { Memory::Grows } else { Memory::Fixed };
    let host = Host::new(client, memory, when_full, reach);
    let (net, server, ledger) = (Net::default(), Server::new(settings), Ledger::default());
    let mut world = World { random, now: 1, net, host, server, ledger };
    for phase in 0..1 + world.random.below(3) {
        if phase > 0 || world.random.below(2) == 0 {
            world.join();
        }
        (world.host.reach, world.server.settings.is_kind) = (reach, false);
        for _ in 0..40 + world.random.below(120) {
            world.step(calm);
        }
        world.heal();
        if world.random.below(2) == 0 {
            world.close();
        }
    }
    if !world.host.is_at_rest() {
        world.close();
    }
    world.ledger.counts
}

impl<L: Link> World<L> {
    fn step(&mut self, calm: usize) {
        let namespace = Namespace(self.random.below(3) as u16);
        let what = self.random.below(40);
        trace!("-- {} {what} {namespace:?}", self.now);
        match what {
            0..=2 => self.host.client.connect(namespace, Instant::from_millis(self.now)).unwrap(),
            3 if self.random.below(3) == 0 => self.host.disconnect(namespace, &mut self.ledger),
            4..=10 => self.host.emit(&mut self.ledger, &mut self.random, self.now),
            11 | 12 => self.host.answer(&mut self.ledger, &mut self.random),
            13 => self.host.replace(&mut self.random),
            14..=17 => {
                if let Some(peer) = self.server.peers.last_mut() {
                    let times = 1 + self.random.below(5);
                    (0..times).for_each(|_| peer.emit(namespace, &mut self.ledger, &mut self.random));
                }
            }
            18 | 19 => {
                let n = self.server.peers.len();
                if n > 0 {
                    let at = self.random.below(n);
                    self.server.peers[at].answer(&mut self.ledger, &mut self.random);
                }
            }
            20 if self.random.below(6) == 0 => {
                if let Some(peer) = self.server.peers.last_mut() {
                    peer.remove(namespace);
                }
            }
            21 if calm > 0 => self.fault(),
            22..=26 => self.wait(),
            27 => self.host.answer_all(&mut self.ledger, &mut self.random),
            _ => self.deliver(),
        }
        self.turn();
    }

    /// What a network or a server does to a client.
    fn fault(&mut self) {
        let pipes = self.net.pipes.len();
        let what = self.random.below(7);
        trace!("fault {what}");
        match what {
            0 | 1 if pipes > 0 => {
                let at = self.random.below(pipes);
                self.net.pipes[at].cut(&mut self.random);
            }
            // It closes a kept connection, or one that it is about to use.
            2 if pipes > 0 => {
                let at = self.random.below(pipes);
                let pipe = &mut self.net.pipes[at];
                if pipe.conn.as_mut().is_some_and(|conn| conn.is_idle()) {
                    pipe.close_server();
                }
            }
            3 => {
                let server = &mut self.server.settings;
                server.is_up = !server.is_up;
                if !server.is_up {
                    self.server.restart(&mut self.ledger);
                    for pipe in &mut self.net.pipes {
                        pipe.cut(&mut self.random);
                        pipe.conn = None;
                    }
                }
            }
            4 => self.server.settings.is_busy ^= true,
            5 => self.server.settings.is_mute ^= true,
            6 if self.random.below(3) == 0 => self.host.close(&mut self.ledger),
            _ => {}
        }
    }

    /// Some bytes arrive, or late.
    fn deliver(&mut self) {
        let n = self.net.pipes.len();
        if n == 0 {
            return;
        }
        let at = self.random.below(n);
        let most = if self.random.below(2) == 0 { 2000 } else { 1 + self.random.below(60) };
        if self.random.below(10) == 0 {
            let until = self.now + self.random.below(4000) as u64;
            let pipe = &mut self.net.pipes[at];
            if self.random.below(2) == 0 { pipe.up.delay(until) } else { pipe.down.delay(until) }
        }
        self.carry(at, most);
    }

    /// Carries bytes of a connection in both directions, at most so many.
    fn carry(&mut self, at: usize, most: usize) {
        let now = self.now;
        let pipe = &mut self.net.pipes[at];
        let (mut is_cut, line) = (false, pipe.line);
        if pipe.up.is_ready(now) && !self.server.settings.is_mute {
            let (n, cut) = pipe.burn(most.min(pipe.up.len()));
            is_cut |= cut;
            match &mut pipe.conn {
                Some(conn) => conn.receive(&mut pipe.up, n),
                None => drop(pipe.up.read(&mut vec![0; n])),
            }
            if let Some(end) = pipe.up.ended() {
                self.server.turn_pipe(&mut self.net, at, &mut self.ledger, &mut self.random, now);
                self.server.ended(&mut self.net.pipes[at], end);
            }
        }
        let pipe = &mut self.net.pipes[at];
        if pipe.down.is_ready(now) && self.host.wires[line as usize].state == State::Open(pipe.id) {
            let (n, cut) = pipe.burn(most.min(pipe.down.len()));
            is_cut |= cut;
            let wire = &mut self.host.wires[line as usize];
            if n > 0 {
                let space = match wire.inbox.space() {
                    Ok(space) => space,
                    Err(e) => {
                        // Also memory that does not grow may be full while its owner was not called.
                        let _ = wire.inbox.replace(vec![0; e.needed.max(2 * e.available)]);
                        wire.inbox.space().unwrap()
                    }
                };
                let most = space.len().min(n);
                let read = pipe.down.read(&mut space[..most]);
                wire.inbox.commit(read);
            }
            if let Some(end) = pipe.down.ended() {
                // All events before the end.
                self.turn_client();
                self.host.ended(line, end, &mut self.net, now);
            }
        }
        if is_cut && let Some(pipe) = self.net.pipes.get_mut(at) {
            pipe.cut(&mut self.random);
        }
    }

    fn turn_client(&mut self) {
        self.host.is_reachable = self.server.settings.is_up;
        self.host.turn(&mut self.net, &mut self.ledger, &mut self.random, self.now);
    }

    fn turn(&mut self) {
        self.turn_client();
        self.server.turn(&mut self.net, &mut self.ledger, &mut self.random, self.now);
        self.net.sweep();
    }

    /// When something happens next.
    fn due(&self) -> Option<u64> {
        let client = self.host.client.poll_timeout().map(Instant::as_millis);
        let lines = self.host.wires.iter().filter_map(|wire| match wire.state {
            State::Opening { due, succeeds: Some(_) } => Some(due),
            _ => None,
        });
        let bytes = self.net.pipes.iter().flat_map(|pipe| [pipe.up.due(), pipe.down.due()]).flatten();
        let bytes = bytes.filter(|due| *due > self.now);
        client.into_iter().chain(self.server.poll_timeout()).chain(lines).chain(bytes).min()
    }

    /// Time passes, at most until the next deadline.
    fn wait(&mut self) {
        let Some(due) = self.due() else { return };
        self.now = self.now.max(match self.random.below(4) {
            0 => self.now + self.random.below(200) as u64,
            // The program slept.
            1 if self.random.below(10) == 0 => due + self.random.below(100_000) as u64,
            _ => due,
        });
    }

    /// From now on all goes well: every byte arrives, and time passes from deadline to deadline, until `is_done`.
    fn calm(&mut self, ms: u64, is_done: impl Fn(&mut Self) -> bool) {
        let end = self.now + ms;
        for turns in 0.. {
            assert!(turns < 10_000, "it spins");
            for _ in 0..100 {
                self.host.answer_all(&mut self.ledger, &mut self.random);
                self.turn();
                let mut at = 0;
                while at < self.net.pipes.len() {
                    self.carry(at, usize::MAX);
                    at += 1;
                }
                self.turn();
                let now = self.now;
                if !self.net.pipes.iter().any(|p| p.up.is_ready(now) || p.is_held && p.down.is_ready(now)) {
                    break;
                }
            }
            if is_done(self) {
                return;
            }
            match self.due() {
                Some(due) if due <= end => self.now = self.now.max(due),
                _ => {
                    let Self { host, ledger, server, net, .. } = self;
                    let lines = host.wires.each_ref().map(|w| w.state);
                    let waits: Vec<_> = net.pipes.iter().map(|p| (p.id, p.line, p.up.len(), p.down.len())).collect();
                    panic!(
                        "it does not come to rest: {:?} {:?} {lines:?} {waits:?} {:?} held {} peers {}",
                        host.sockets,
                        ledger.open(),
                        host.client.link().transport(),
                        host.client.held(),
                        server.peers.len()
                    );
                }
            }
        }
    }

    /// From now on the network and the server are well.
    fn mend(&mut self) {
        self.host.reach = NO_FAULTS;
        let server = &mut self.server.settings;
        (server.is_up, server.is_busy, server.is_mute, server.is_kind) = (true, false, false, true);
        for pipe in &mut self.net.pipes {
            pipe.fuse = None;
        }
    }

    /// The client joins all namespaces.
    fn join(&mut self) {
        self.mend();
        self.calm(400_000, Self::is_joined);
    }

    /// Asks for what was refused, removed or given up before. `true`: all namespaces are joined.
    fn is_joined(&mut self) -> bool {
        let is_over = self.host.over.take().is_some();
        for namespace in [0, 1, 2].map(Namespace) {
            if is_over || !self.host.client.io().is_wanted(namespace) {
                self.host.client.connect(namespace, Instant::from_millis(self.now)).unwrap();
            }
        }
        (0..3).all(|n| self.host.client.io().is_connected(Namespace(n)) && self.host.sockets[usize::from(n)].is_some())
    }

    /// What waits arrives, and nothing is left in any table.
    fn heal(&mut self) {
        self.mend();
        self.calm(400_000, |w| {
            w.is_joined()
                && w.host.sockets.iter().all(|socket| socket.is_some_and(|s| w.ledger.is_settled(s)))
                && w.ledger.open().is_none()
                && w.host.client.held() == 0
                && w.server.peers.last_mut().is_some_and(|peer| peer.holds_nothing())
        });
        let old = self.host.client.replace_acks(Vec::new()).expect("no acknowledgement is waited for");
        assert!(self.host.client.replace_acks(old).is_ok());
    }

    fn close(&mut self) {
        self.host.over = None;
        self.host.close(&mut self.ledger);
        self.calm(40_000, |w| w.host.over == Some(Over::Closed) && w.host.is_at_rest());
        assert_eq!(self.host.sockets, [None; 3]);
        assert_eq!(self.host.client.held(), 0);
        let old = self.host.client.replace_sockets(Vec::new()).expect("no namespace is kept");
        assert!(self.host.client.replace_sockets(old).is_ok());
        self.calm(200_000, |w| w.server.peers.is_empty());
        assert!(self.host.is_at_rest());
    }
}
