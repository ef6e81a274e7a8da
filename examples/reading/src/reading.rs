// reading.rs
use core::{fmt::Arguments, future::Future, pin::pin};
use sansocket::{
    drive::{Client, ClientMemory, Timer, Transport},
    endpoint::{
        Grow,
        client::{Config, Emit, Step},
    },
    socketio::{
        AckSlot, Namespace,
        client::{Event, SocketSlot},
    },
};

const ROOT: Namespace = Namespace(0);

/// Sends a reading each second, and answers questions with the latest one.
pub async fn run<T: Transport, E, A: Future<Output = Result<T, E>>>(
    config: &Config<'_>,
    dial: impl FnMut() -> A,
    clock: impl Timer,
    random: impl FnMut(&mut [u8]),
    mut log: impl FnMut(Arguments<'_>),
) -> Result<(), Grow> {
    let attempt = pin!(None);
    let memory = ClientMemory {
        rx: &mut [0; 1024],
        tx: &mut [0; 512],
        files: &mut [],
        acks: &mut [AckSlot::EMPTY; 4],
        sockets: &mut [SocketSlot::EMPTY; 1],
        backlog: &mut [0; 512],
        attempt,
    };
    let mut client = Client::new(config, &["/"], memory, dial, clock, random);
    client.connect(ROOT).expect("there is one slot for one namespace");
    let (mut number, mut due) = (0_u32, client.io().now());
    loop {
        match client.next_until(due).await? {
            None => {
                number += 1;
                due = client.io().now().after_millis(1000);
                let asked = Emit::new().ask(number, Some(due.after_millis(5000)));
                // Without room, since the server was away for long, this reading is left out.
                if client.io().emit_with(ROOT, "reading", &number, asked).is_err() {
                    log(format_args!("reading {number} left out"));
                }
            }
            Some((Step::Event(Event::Event(e), _), io)) if e.is("question") => {
                if let Some(request) = e.ack {
                    let sent = io.ack(request, &number).is_ok();
                    log(format_args!("question answered: {sent}"));
                }
            }
            Some((Step::Event(Event::Connected { .. }, _), _)) => log(format_args!("connected")),
            Some((Step::Event(Event::Ack(ack), _), _)) => log(format_args!("reading {:?} arrived", ack.token)),
            Some((Step::Failed { failure, .. }, _)) => log(format_args!("{failure}")),
            Some((Step::Over(why), _)) => {
                log(format_args!("over: {why:?}"));
                return Ok(());
            }
            Some(_) => {}
        }
    }
}
