/// Why the program ends with an error.
#[derive(Debug)]
pub struct Failure {
    /// A sentence.
    pub why: String,
    /// Of a server that refused.
    pub status: Option<u16>,
    pub location: Option<String>,
    /// The exit code.
    pub code: u8,
}

impl Failure {
    /// The command line is wrong.
    pub fn usage(why: String) -> Self {
        Self { why, status: None, location: None, code: 2 }
    }

    /// There is no connection, or it was lost.
    pub fn connection(why: String) -> Self {
        Self { why, status: None, location: None, code: 1 }
    }

    /// Control-C was pressed for the second time.
    pub fn interrupted() -> Self {
        Self { why: "interrupted".into(), status: None, location: None, code: 130 }
    }
}
