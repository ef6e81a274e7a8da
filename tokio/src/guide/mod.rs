//! The guide: [programs side by side](programs), [from another crate](migration), [how it works inside](inside), [in operation](operation).

pub mod inside;
pub mod migration;
pub mod operation;
pub mod programs;
