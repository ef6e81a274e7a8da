use crate::options::{Options, Wait};
use std::{collections::VecDeque, io::BufRead, thread, time::Duration};
use tokio::{
    sync::mpsc::{Receiver, channel},
    time::{Instant, sleep_until},
};

/// What is to be sent.
pub struct Input {
    first: VecDeque<Vec<u8>>,
    lines: Option<Receiver<Vec<u8>>>,
    wait: Wait,
    until: Option<Instant>,
}

impl Input {
    /// The messages of `--execute`, or the lines of standard input.
    pub fn new(options: &Options) -> Self {
        let first: VecDeque<_> = options.execute.iter().map(|text| text.clone().into_bytes()).collect();
        let (lines, wait) = if first.is_empty() { (Some(stdin()), 0) } else { (None, 2) };
        let wait = options.wait.unwrap_or(Wait::For(Duration::from_secs(wait)));
        Self { first, lines, wait, until: None }
    }

    /// Whether standard input has ended.
    pub const fn is_done(&self) -> bool {
        self.lines.is_none()
    }

    /// The next message if it is there.
    pub fn try_next(&mut self) -> Option<Vec<u8>> {
        self.first.pop_front().or_else(|| self.lines.as_mut()?.try_recv().ok())
    }

    /// The next message, or `None` if it is time to close. Nothing is lost if the future is dropped.
    pub async fn next(&mut self) -> Option<Vec<u8>> {
        if let Some(message) = self.first.pop_front() {
            return Some(message);
        }
        if let Some(lines) = &mut self.lines {
            if let Some(line) = lines.recv().await {
                return Some(line);
            }
            self.lines = None;
        }
        match self.wait {
            Wait::Forever => std::future::pending().await,
            Wait::For(time) => sleep_until(*self.until.get_or_insert_with(|| Instant::now() + time)).await,
        }
        None
    }
}

/// The lines of standard input, read by a thread, which waits while 16 lines are not sent yet.
fn stdin() -> Receiver<Vec<u8>> {
    let (sender, lines) = channel(16);
    thread::spawn(move || {
        let mut stdin = std::io::stdin().lock();
        loop {
            let mut line = Vec::new();
            if !matches!(stdin.read_until(b'\n', &mut line), Ok(1..)) {
                return;
            }
            if line.ends_with(b"\n") {
                line.pop();
            }
            if line.ends_with(b"\r") {
                line.pop();
            }
            if sender.blocking_send(line).is_err() {
                return;
            }
        }
    });
    lines
}
