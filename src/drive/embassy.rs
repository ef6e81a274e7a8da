//! The clock of embassy. Feature `embassy-time`.
