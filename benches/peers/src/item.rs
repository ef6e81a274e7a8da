//! What is measured, and how it is judged.

/// Messages and bytes that came, or that were written.
pub type Outcome = (usize, usize);

/// The work of one candidate, with all that it needs.
pub trait Work {
    fn run(&mut self) -> Outcome;
    /// Compares every output byte by byte, and offers what must be refused. Spoilt, one output is changed first: the check must see it.
    fn verify(&mut self, spoil: Spoil) -> Result<(), String>;
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Spoil {
    No,
    Yes,
}

/// One that does an item's work. The name says how, after a comma: candidates that do it in one way are compared with ours that does too.
pub struct Candidate {
    pub name: &'static str,
    /// `+`: a check that the crate lacks is added around it. `S`: it uses SIMD or other instructions that it finds at run time.
    pub marks: &'static str,
    pub make: fn() -> Box<dyn Work>,
}

impl Candidate {
    pub const fn new(name: &'static str, marks: &'static str, make: fn() -> Box<dyn Work>) -> Self {
        Self { name, marks, make }
    }

    pub fn is_ours(&self) -> bool {
        self.name.starts_with("sansocket")
    }

    /// What stands behind the comma.
    pub fn way(&self) -> &'static str {
        self.name.split_once(", ").map_or("", |(_, way)| way)
    }
}

pub struct Item {
    pub name: &'static str,
    /// For a plot that has no room for the title.
    pub short: &'static str,
    pub title: &'static str,
    /// What the times are of, and how many there are in one run.
    pub unit: &'static str,
    pub units: usize,
    /// Ours first.
    pub candidates: &'static [Candidate],
    /// Ours shall need at most so many times what the other needs.
    pub goals: &'static [(&'static str, &'static str, f64)],
}

pub fn ensure(holds: bool, what: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(what.into()) }
}
