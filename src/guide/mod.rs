//! How to use the crate: short chapters, each with programs that the tests run.
//!
//! With ten minutes, read [`layers`] and [`the_loop`]. Read the others when you need them.
//!
//! | chapter | it answers |
//! |---|---|
//! | [`layers`] | What are the parts, and what happens to one message on its way through them? |
//! | [`the_loop`] | What do I write around the machines? What is to be done when a connection ends? |
//! | `drivers` (feature `drive`) | Which driver do I use, what does it need, what does it promise? |
//! | [`programs`] | How do whole programs look that have a loop of their own? |
//! | [`client`] | How do I use the Socket.IO client: events, answers, endings, credentials? |
//! | [`memory`] | How large are the buffers? How do they grow, and how do idle connections give them back? |
//! | [`time`] | Where do the time and the random bytes come from? |
//! | [`security`] | What must I check myself, and what can a stranger cost me? |
//! | [`boards`] | How do I use it on a microcontroller? |
//! | [`server_on_a_board`] | How does a microcontroller serve several browsers? |
//! | [`on_a_board`] | How large are the buffers there? How long may it sleep? How do I try my firmware? |
//! | [`tokio`] | How does the loop look in async code, with writes that the socket takes only in part? |
//! | [`testing`] | How do I test my application without sockets? |
//! | [`glossary`] | What does this word mean? |
//!
//! The words *machine* and *owed* appear everywhere. A machine is a plain struct that implements one protocol and does no I/O. What a machine
//! *owes* is output that the protocol demands of it, such as the answer to a ping; you ask for it with `poll_transmit`.

pub mod boards;
pub mod client;
#[cfg(feature = "drive")]
pub mod drivers;
pub mod glossary;
pub mod layers;
pub mod memory;
pub mod on_a_board;
pub mod programs;
pub mod security;
pub mod server_on_a_board;
pub mod testing;
pub mod the_loop;
pub mod time;
pub mod tokio;
