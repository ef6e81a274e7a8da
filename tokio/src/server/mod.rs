//! To be written.
pub use crate::handler::Refusal;
