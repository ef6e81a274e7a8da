use super::Client;
use crate::{
    drive::{Packed, Timer, Transport},
    ws::{Compression, Deflater, Inbox, Inflating},
};

impl<'m, T, D, A, C, F, E> Client<'m, T, D, A, C, F>
where
    T: Transport,
    D: FnMut() -> A,
    A: Future<Output = Result<T, E>>,
    C: Timer,
    F: FnMut(&mut [u8]),
{
    /// Offers compression (permessage-deflate, RFC 7692) in the handshake of each connection. Call it before [`connect`](Self::connect): a line that is open
    /// counts as failed.
    ///
    /// `memory` is where messages are unpacked: the window and behind it the message; [`Inflating`] has the sizes. If it is too small for the window that
    /// `compression` allows, a smaller window is asked for. [`ClientMemory::rx`](super::ClientMemory::rx) then holds messages that arrive plain, and need not
    /// hold those that are compressed. `deflater` compresses the packets that are sent, except short ones and those of
    /// [`Emit::compress(false)`](crate::endpoint::client::Emit::compress). A packet stands twice in [`ClientMemory::tx`](super::ClientMemory::tx) while it is
    /// compressed, and goes out plain if there is no room for that.
    ///
    /// ```
    /// use sansocket::{
    ///     deflate::Tier,
    ///     drive::{Client, ClientMemory, Packed, tokio::{Clock, Stream}},
    ///     endpoint::client::{Config, Step},
    ///     socketio::{AckSlot, Namespace, client::SocketSlot},
    ///     ws::{Compression, Deflater},
    /// };
    /// use std::pin::pin;
    /// use tokio::net::TcpStream;
    ///
    /// const ROOT: Namespace = Namespace(0);
    ///
    /// async fn run(url: &str) -> Result<(), Box<dyn core::error::Error>> {
    ///     let config = Config::parse(url)?;
    ///     let memory = ClientMemory {
    ///         rx: &mut [0; 1024], tx: &mut [0; 4096], files: &mut [], backlog: &mut [0; 2048],
    ///         acks: &mut [AckSlot::EMPTY; 4], sockets: &mut [SocketSlot::EMPTY; 1], attempt: pin!(None),
    ///     };
    ///     let random = |bytes: &mut [u8]| getrandom::fill(bytes).expect("the system has randomness");
    ///     let url = config.url();
    ///     let dial = async || TcpStream::connect((url.host(), url.port())).await.and_then(Stream::tcp);
    ///
    ///     // A window of 4 KiB in each direction. Messages of up to 4 KiB are unpacked behind it.
    ///     let compression = Compression::new().receive_window_bits(12).send_window_bits(12);
    ///     let (mut window, mut tables) = ([0; 8192], [0; Tier::SMALL.bytes()]);
    ///     let deflater = Deflater::new(Tier::SMALL, &mut tables[..])?.with_threshold(256);
    ///
    ///     let client = Client::new(&config, &["/"], memory, dial, Clock::new(), random);
    ///     let mut client: Client<'_, _, _, _, _, _, Packed> = client.with_compression(compression, &mut window, deflater);
    ///     client.connect(ROOT)?;
    ///     client.io().emit(ROOT, "log", &"all is well. ".repeat(100).as_str())?;
    ///     loop {
    ///         match client.next().await? {
    ///             (Step::Over(_), _) => return Ok(()),
    ///             (Step::Failed { failure, .. }, io) => {
    ///                 println!("{failure}");
    ///                 io.close();
    ///             }
    ///             (step, _) => println!("{step:?}"),
    ///         }
    ///     }
    /// }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() { run("ws://127.0.0.1:1").await.unwrap() }
    /// ```
    #[must_use]
    pub fn with_compression(
        self,
        compression: Compression,
        memory: &'m mut [u8],
        deflater: Deflater<&'m mut [u8]>,
    ) -> Client<'m, T, D, A, C, F, Packed> {
        let Self { inbox, collector, io, dial, attempt, wants_line } = self;
        let inbox = Inbox::new(Inflating::idle(inbox.into_storage(), memory));
        let io = io.with_compression(compression, deflater);
        Client { inbox, collector, io, dial, attempt, wants_line }
    }
}

impl<'m, T, D, A, C, F: FnMut(&mut [u8])> Client<'m, T, D, A, C, F, Packed> {
    /// Moves what is being unpacked, and the window, into other memory, after [`next`](Self::next) has returned [`Grow`](crate::endpoint::Grow) for
    /// [`What::Unpacked`](crate::endpoint::What::Unpacked). Returns the old memory. See [`with_compression`](Self::with_compression).
    ///
    /// # Errors
    /// Returns `memory` if it is too small. Nothing was changed.
    pub fn replace_unpacked(&mut self, memory: &'m mut [u8]) -> Result<&'m mut [u8], &'m mut [u8]> {
        self.inbox.replace_unpacked(memory)
    }
}
