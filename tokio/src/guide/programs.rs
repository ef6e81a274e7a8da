//! Programs side by side.
