//! Connections whose bytes come late, in pieces, in part or never.

use crate::{server::Conn, support::Random};
use sansocket::endpoint::client::Line;
use std::collections::VecDeque;

/// How one direction of a connection ends, behind its last byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Eof,
    Error,
}

/// One direction of a connection.
#[derive(Default)]
pub struct Flow {
    bytes: VecDeque<u8>,
    end: Option<End>,
    /// The end was told.
    is_over: bool,
    /// Nothing arrives before.
    until: u64,
    /// Nothing arrives any more, and nobody is told.
    is_silent: bool,
}

impl Flow {
    pub fn push(&mut self, bytes: &[u8]) {
        if self.end.is_none() && !self.is_silent {
            self.bytes.extend(bytes);
        }
    }

    pub fn finish(&mut self) {
        self.end = self.end.or(Some(End::Eof));
    }

    /// The number of bytes under way.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    pub fn is_ready(&self, now: u64) -> bool {
        now >= self.until && self.due().is_some()
    }

    pub fn delay(&mut self, until: u64) {
        self.until = self.until.max(until);
    }

    /// When something arrives.
    pub fn due(&self) -> Option<u64> {
        (!self.is_silent && !self.is_over && (self.end.is_some() || !self.bytes.is_empty())).then_some(self.until)
    }

    /// Copies what arrives into `place`.
    pub fn read(&mut self, place: &mut [u8]) -> usize {
        let n = place.len().min(self.bytes.len());
        for (to, from) in place.iter_mut().zip(self.bytes.drain(..n)) {
            *to = from;
        }
        n
    }

    /// The end, when all bytes before it have arrived. Once.
    pub fn ended(&mut self) -> Option<End> {
        let end = self.end.filter(|_| self.bytes.is_empty() && !self.is_silent && !self.is_over)?;
        self.is_over = true;
        Some(end)
    }

    pub fn is_over(&self) -> bool {
        self.is_over
    }

    fn cut(&mut self, random: &mut Random) {
        self.bytes.truncate(random.below(self.bytes.len() + 1));
        match random.below(4) {
            0 => {
                self.is_silent = true;
                self.bytes.clear();
            }
            _ => self.end = Some(End::Error),
        }
    }
}

/// A connection between a line of the client and the server.
pub struct Pipe {
    pub id: u32,
    pub line: Line,
    pub up: Flow,
    pub down: Flow,
    /// The server's side, unless it has closed it.
    pub conn: Option<Conn>,
    /// The client has not closed it.
    pub is_held: bool,
    /// It is cut after so many bytes.
    pub fuse: Option<usize>,
}

#[derive(Default)]
pub struct Net {
    pub pipes: Vec<Pipe>,
    numbers: u32,
}

impl Net {
    pub fn open(&mut self, line: Line, conn: Conn, fuse: Option<usize>) -> u32 {
        self.numbers += 1;
        let (up, down) = (Flow::default(), Flow::default());
        self.pipes.push(Pipe { id: self.numbers, line, up, down, conn: Some(conn), is_held: true, fuse });
        self.numbers
    }

    pub fn pipe(&mut self, id: u32) -> Option<&mut Pipe> {
        self.pipes.iter_mut().find(|pipe| pipe.id == id)
    }

    /// Forgets the connections that both ends have closed.
    pub fn sweep(&mut self) {
        self.pipes.retain(|pipe| pipe.conn.is_some() || pipe.is_held);
    }
}

impl Pipe {
    /// The network loses the connection: some of what is under way arrives, and an end may never learn of it.
    pub fn cut(&mut self, random: &mut Random) {
        self.fuse = None;
        self.up.cut(random);
        self.down.cut(random);
        // One end learns of it at least.
        if self.up.is_silent && self.down.is_silent {
            self.down.is_silent = false;
            self.down.end = Some(End::Error);
        }
    }

    /// Bytes that may arrive now, at most `most`, before the connection is cut.
    pub fn burn(&mut self, most: usize) -> (usize, bool) {
        let Some(fuse) = &mut self.fuse else { return (most, false) };
        let n = most.min(*fuse);
        *fuse -= n;
        (n, *fuse == 0)
    }

    /// The server closes the connection when all it has written has left.
    pub fn close_server(&mut self) {
        self.conn = None;
        self.down.finish();
    }
}
