//! From another implementation: what is called how here.
//!
//! # From Node
//!
//! | JavaScript, `socket.io` 4 | here |
//! |---|---|
//! | `new Server({ path, pingInterval, … })` | [`Server::new`](crate::server::Server::new) with a [`Config`](crate::server::Config) |
//! | `io.on("connection", socket => …)` | [`io.on_connect(\|socket: Socket\| …)`](crate::server::Namespace::on_connect) |
//! | `io.of("/admin")`, `io.of(/^\/team-/)` | [`of`](crate::server::Server::of), [`of_matching`](crate::server::Server::of_matching) |
//! | `io.use((socket, next) => …)` | [`before_connect`](crate::server::Namespace::before_connect), which returns a `Result` |
//! | `socket.use((event, next) => …)` | [`before_event`](crate::server::Namespace::before_event), of the namespace or of the socket |
//! | `socket.on("add", (a, b, done) => done(a + b))` | `io.on("add", \|_: Socket, (a, b): (i64, i64)\| a + b)`: the value is the acknowledgement |
//! | `socket.on("later", (x, done) => …)` | a third parameter, [`Ack`](crate::server::Ack) |
//! | `socket.once`, `socket.off`, `socket.onAny` | [`once`](crate::server::Socket::once), [`off`](crate::server::Socket::off), [`on_any`](crate::server::Socket::on_any) |
//! | `socket.on("disconnecting", …)`, `"disconnect"` | [`on_disconnecting`](crate::server::Namespace::on_disconnecting), [`on_disconnect`](crate::server::Namespace::on_disconnect) |
//! | `socket.emit("news", a, b)` | `socket.emit("news", (a, b))`: a tuple is several arguments |
//! | `await socket.emitWithAck("ask", x)` | `socket.ask::<T>("ask", x).await` |
//! | `socket.join`, `socket.leave`, `socket.rooms` | the same |
//! | `socket.to("a").emit`, `io.to("a").to("b").except("c").emit` | the same |
//! | `new Server({ perMessageDeflate })` | [`Config::compression`](crate::server::Config::compression), by default without takeover; `httpCompression` is the business of the HTTP server |
//! | `socket.compress(false).emit`, `io.compress(false).emit` | [`socket.compress(false).emit`](crate::server::Socket::compress), [`io.compress(false).emit`](crate::server::Namespace::compress) |
//! | `socket.broadcast.emit`, `io.emit` | `socket.broadcast().emit`, `io.emit` |
//! | `socket.data.name = …` | [`socket.data().insert(Name(…))`](crate::server::Data::insert): one value for each type |
//! | `socket.handshake.auth`, `.query`, `.headers`, `.address` | [`socket.auth::<T>()`](crate::server::Socket::auth), [`socket.handshake()`](crate::server::Socket::handshake) |
//! | a `Buffer` anywhere in the arguments | [`Bytes`](crate::Bytes) anywhere in them |
//! | `io.close()` | [`close().await`](crate::server::Server::close) |
//!
//! | JavaScript, `socket.io-client` 4 | here |
//! |---|---|
//! | `io("https://example.com/admin", { auth, transports })` | [`client`](crate::client): `Client::builder(url)`, or `Client::connect(url)` with the defaults |
//! | `socket.on("news", …)`, `socket.emit`, `socket.emitWithAck` | `on`, `emit`, `ask` |
//! | `socket.volatile.emit`, `socket.compress(false).emit` | `volatile()`, `compress(false)` |
//! | `io(url, { perMessageDeflate })`, in Node | [`Builder::compression`](crate::client::Builder::compression): off unless it is set |
//! | `io.socket("/other")`, a second namespace on one link | `of` |
//!
//! # From socketioxide
//!
//! | socketioxide 0.18 | here |
//! |---|---|
//! | `SocketIo::new_layer()` | [`Server::new`](crate::server::Server::new); with axum `server.routes()`, with tower `server.service()`, or `listen` without either |
//! | `io.ns("/", async \|socket: SocketRef\| …)` | [`io.on_connect`](crate::server::Namespace::on_connect), `io.of(name).on_connect` |
//! | extractors `SocketRef`, `Data<T>`, `AckSender` | plain parameters: `Socket`, `T`, `Ack` |
//! | `TryData<T>` | [`on_failure`](crate::server::Namespace::on_failure), which names the field; a client that asked is told |
//! | `Data<(A, B)>` for two arguments | `(A, B)` |
//! | `Event`, `fallback` | [`on_any`](crate::server::Namespace::on_any) |
//! | `State<T>` with `T: Clone` | what the closure captures |
//! | `socket.extensions.insert(T)` with `T: Clone` | [`socket.data().insert(T)`](crate::server::Data::insert), `get` gives an `Arc<T>` |
//! | `ConnectMiddleware` | [`before_connect`](crate::server::Namespace::before_connect) |
//! | `socket.emit("e", &data)` | `socket.emit("e", data)` |
//! | `socket.emit_with_ack::<_, T>("e", &data)` | `socket.ask::<T>("e", data)`; the event is sent at once, not when the answer is awaited |
//! | `socket.to("room").emit(..).await` | `socket.to("room").emit(..)`: nothing is awaited |
//! | `io.dyn_ns("/{team}", …)` | [`of_matching`](crate::server::Server::of_matching) |
//!
//! Sent events are not boxed and not awaited: what does not fit into a receiver's queue is treated by the policy of
//! [`Config::queue`](crate::server::Config::queue), not told to the sender.
//!
//! # From rust_socketio
//!
//! | rust_socketio 0.6 | here |
//! |---|---|
//! | `ClientBuilder::new(url).namespace("/admin").connect()` | `Client::builder(url).connect()`; further namespaces by `of`, on the same link |
//! | `.on("news", \|payload, socket\| …)` with a `Payload` to match | `.on("news", \|socket, news: News\| …)`, typed |
//! | `socket.emit_with_ack("e", data, timeout, callback)` | `socket.ask::<T>("e", data).timeout(t).await` |
//! | no acknowledgement of what the server asks | the value of the handler |
//! | `.reconnect(true)`, a new token by `on_reconnect` | reconnects by default; `auth` as a function is called at each CONNECT |
