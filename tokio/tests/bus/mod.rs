//! An adapter that joins servers of one process over channels: what an adapter over a network does, without the network.
//!
//! Everything that is sent is plain data, as a message over a network would be.
#![allow(dead_code, reason = "each test uses a part of it")]

use sansocket_tokio::{
    AskError, Bytes, EmitError,
    args::Raw,
    server::{
        Flags, Handshake, RemoteSocket,
        adapter::{
            Adapter, AdapterError, Fetching, Local, Node, Packet, Reply, ReplySender, Selection, parse_id, replies,
        },
    },
};
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{
    sync::mpsc,
    time::{Instant, timeout_at},
};

/// What a node tells others.
#[derive(Clone, Debug)]
struct Message {
    namespace: String,
    selection: Selection,
    what: What,
}

#[derive(Clone, Debug)]
enum What {
    Broadcast(Event),
    /// Answers go back to the node, by the number of the question.
    Ask(Event, Duration, Return),
    Fetch(Return),
    Join(String),
    Leave(String),
    Disconnect(bool),
    ServerSide(Event),
    Answer(u64, Told),
}

#[derive(Clone, Debug)]
struct Event {
    name: String,
    args: Raw,
    is_volatile: bool,
}

#[derive(Clone, Copy, Debug)]
struct Return {
    node: usize,
    number: u64,
}

#[derive(Clone, Debug)]
enum Told {
    Expect(usize),
    Reply(Option<String>, Result<Raw, Missed>),
    Sockets(Vec<Fetched>),
    Done,
}

#[derive(Clone, Copy, Debug)]
enum Missed {
    TimedOut,
    Left,
}

#[derive(Clone, Debug)]
struct Fetched {
    id: String,
    rooms: Vec<String>,
    auth: Bytes,
    data: Bytes,
}

impl Event {
    fn of(packet: &Packet<'_>) -> Self {
        Self { name: packet.event().to_owned(), args: packet.args(), is_volatile: packet.flags().is_volatile() }
    }

    fn packet(&self) -> Packet<'_> {
        let flags = if self.is_volatile { Flags::NONE.volatile() } else { Flags::NONE };
        Packet::new(&self.name, &self.args, flags)
    }
}

/// The wires between the nodes.
#[derive(Clone, Default)]
pub struct Bus(Arc<Wires>);

#[derive(Default)]
struct Wires {
    nodes: Mutex<Vec<mpsc::UnboundedSender<Message>>>,
    /// A node that hears nothing any more: its process hangs.
    deaf: AtomicUsize,
    /// Operations that passed.
    pub passed: AtomicUsize,
}

impl Bus {
    /// One more node of the cluster.
    pub fn node(&self) -> BusAdapter {
        let waiting = Arc::default();
        BusAdapter { bus: self.clone(), waiting, me: Arc::default(), numbers: Arc::default() }
    }

    pub fn deafen(&self, node: usize) {
        self.0.deaf.store(node + 1, Ordering::SeqCst);
    }

    /// Messages that went to other nodes.
    pub fn passed(&self) -> usize {
        self.0.passed.load(Ordering::SeqCst)
    }

    fn tell(&self, node: usize, message: Message) {
        if self.0.deaf.load(Ordering::SeqCst) != node + 1 {
            self.0.passed.fetch_add(1, Ordering::SeqCst);
            let _ = self.0.nodes.lock().unwrap()[node].send(message);
        }
    }

    /// Tells all nodes but one, and says how many they are.
    fn publish(&self, from: usize, message: &Message) -> usize {
        let nodes = self.0.nodes.lock().unwrap().len();
        (0..nodes).filter(|node| *node != from).for_each(|node| self.tell(node, message.clone()));
        nodes - 1
    }
}

/// One node's end of the [`Bus`].
#[derive(Clone)]
pub struct BusAdapter {
    bus: Bus,
    me: Arc<AtomicUsize>,
    numbers: Arc<AtomicU64>,
    /// Questions of this node to which others answer.
    waiting: Arc<Mutex<HashMap<u64, mpsc::UnboundedSender<Told>>>>,
}

impl BusAdapter {
    fn publish(&self, here: &Local, selection: &Selection, what: What) -> usize {
        let message = Message { namespace: here.name().to_owned(), selection: selection.clone(), what };
        self.bus.publish(self.me.load(Ordering::SeqCst), &message)
    }

    /// Asks all other nodes something, and gives each of their answers until all have finished. `false`: one did not in time.
    fn request(
        &self,
        here: &Local,
        selection: &Selection,
        timeout: Duration,
        what: impl FnOnce(Return) -> What,
        mut take: impl FnMut(Told) + Send + 'static,
    ) -> impl Future<Output = bool> + Send + 'static {
        let back = Return { node: self.me.load(Ordering::SeqCst), number: self.numbers.fetch_add(1, Ordering::SeqCst) };
        let (sender, mut receiver) = mpsc::unbounded_channel();
        self.waiting.lock().unwrap().insert(back.number, sender);
        let mut others = self.publish(here, selection, what(back));
        let (waiting, until) = (self.waiting.clone(), Instant::now() + timeout);
        async move {
            while others > 0 {
                match timeout_at(until, receiver.recv()).await {
                    Ok(Some(Told::Done)) => others -= 1,
                    Ok(Some(told)) => take(told),
                    Ok(None) | Err(_) => break,
                }
            }
            waiting.lock().unwrap().remove(&back.number);
            others == 0
        }
    }

    /// Does here what another node tells.
    fn take(&self, node: &Node, Message { namespace, selection, what }: Message) {
        if let What::Answer(number, told) = what {
            if let Some(waiting) = self.waiting.lock().unwrap().get(&number) {
                let _ = waiting.send(told);
            }
            return;
        }
        let here = node.namespace(&namespace);
        let answer = |back: Return| {
            let bus = self.bus.clone();
            let (namespace, selection) = (namespace.clone(), Selection::default());
            move |told| {
                let what = What::Answer(back.number, told);
                bus.tell(back.node, Message { namespace: namespace.clone(), selection: selection.clone(), what });
            }
        };
        match (what, here) {
            // Nobody is in the namespace here.
            (What::Ask(_, _, back) | What::Fetch(back), None) => answer(back)(Told::Done),
            (_, None) => {}
            (What::Broadcast(event), Some(here)) => drop(here.broadcast(&selection, &event.packet())),
            (What::Ask(event, timeout, back), Some(here)) => {
                let answer = answer(back);
                let (sender, mut replies) = replies();
                let _ = here.ask(&selection, &event.packet(), timeout, &sender);
                drop(sender);
                answer(Told::Expect(replies.expected()));
                tokio::spawn(async move {
                    while let Some(Reply { socket, result }) = replies.next().await {
                        let missed = |error| {
                            if matches!(error, AskError::TimedOut) { Missed::TimedOut } else { Missed::Left }
                        };
                        answer(Told::Reply(socket.map(|id| id.to_string()), result.map_err(missed)));
                    }
                    answer(Told::Done);
                });
            }
            (What::Fetch(back), Some(here)) => {
                let sockets = here.sockets(&selection).into_iter().map(|socket| Fetched {
                    id: socket.id().to_string(),
                    rooms: socket.rooms().to_vec(),
                    auth: socket.auth_json(),
                    data: socket.data_json(),
                });
                let answer = answer(back);
                answer(Told::Sockets(sockets.collect()));
                answer(Told::Done);
            }
            (What::Join(room), Some(here)) => here.join(&selection, &room),
            (What::Leave(room), Some(here)) => here.leave(&selection, &room),
            (What::Disconnect(close), Some(here)) => here.disconnect(&selection, close),
            (What::ServerSide(event), Some(here)) => here.server_side_event(&event.packet()),
            (What::Answer(..), _) => {}
        }
    }
}

impl Adapter for BusAdapter {
    fn start(&self, node: Node) {
        let (sender, mut receiver) = mpsc::unbounded_channel();
        let mut nodes = self.bus.0.nodes.lock().unwrap();
        self.me.store(nodes.len(), Ordering::SeqCst);
        nodes.push(sender);
        let adapter = self.clone();
        tokio::spawn(async move {
            while let Some(message) = receiver.recv().await {
                adapter.take(&node, message);
            }
        });
    }

    fn broadcast(&self, here: &Local, selection: &Selection, packet: &Packet<'_>) -> Result<(), EmitError> {
        here.broadcast(selection, packet)?;
        self.publish(here, selection, What::Broadcast(Event::of(packet)));
        Ok(())
    }

    fn ask(
        &self,
        here: &Local,
        selection: &Selection,
        packet: &Packet<'_>,
        timeout: Duration,
        replies: ReplySender,
    ) -> Result<(), EmitError> {
        here.ask(selection, packet, timeout, &replies)?;
        let event = Event::of(packet);
        let take = move |told| match told {
            Told::Expect(sockets) => replies.expect(sockets),
            Told::Reply(id, result) => {
                let result = result.map_err(|missed| match missed {
                    Missed::TimedOut => AskError::TimedOut,
                    Missed::Left => AskError::Disconnected,
                });
                replies.reply(Reply { socket: id.as_deref().and_then(parse_id), result });
            }
            Told::Sockets(_) | Told::Done => {}
        };
        // Nodes tell of those that did not answer when the time is over.
        let patience = timeout + Duration::from_millis(100);
        tokio::spawn(self.request(here, selection, patience, |back| What::Ask(event, timeout, back), take));
        Ok(())
    }

    fn fetch_sockets<'a>(&'a self, here: &'a Local, selection: &'a Selection, timeout: Duration) -> Fetching<'a> {
        Box::pin(async move {
            let found = Arc::new(Mutex::new(here.sockets(selection)));
            let (sockets, local) = (found.clone(), here.clone());
            let take = move |told| {
                let Told::Sockets(fetched) = told else { return };
                let remote = fetched.into_iter().filter_map(|Fetched { id, rooms, auth, data }| {
                    Some(RemoteSocket::new(&local, parse_id(&id)?, rooms, Handshake::default(), auth, data))
                });
                sockets.lock().unwrap().extend(remote);
            };
            if !self.request(here, selection, timeout, What::Fetch, take).await {
                return Err(AdapterError::new("a node did not answer"));
            }
            let found = std::mem::take(&mut *found.lock().unwrap());
            Ok(found)
        })
    }

    fn join(&self, here: &Local, selection: &Selection, room: &str) -> Result<(), AdapterError> {
        here.join(selection, room);
        self.publish(here, selection, What::Join(room.to_owned()));
        Ok(())
    }

    fn leave(&self, here: &Local, selection: &Selection, room: &str) -> Result<(), AdapterError> {
        here.leave(selection, room);
        self.publish(here, selection, What::Leave(room.to_owned()));
        Ok(())
    }

    fn disconnect(&self, here: &Local, selection: &Selection, close: bool) -> Result<(), AdapterError> {
        here.disconnect(selection, close);
        self.publish(here, selection, What::Disconnect(close));
        Ok(())
    }

    fn server_side_emit(&self, here: &Local, packet: &Packet<'_>) -> Result<(), AdapterError> {
        self.publish(here, &Selection::default(), What::ServerSide(Event::of(packet)));
        Ok(())
    }
}
