//! One message of 10 MB that unpacks to 10 GB. Nothing holds either of them.

use super::wire::{Packer, Unpacking, agreed, inbox, limited};
use sansocket::{
    Capacity,
    ws::{Connection, Inbox, Incoming, Inflating, PeerError, ReceiveError, Server},
};

const UNIT: u64 = 1 << 24;
const UNITS: u64 = 640;
/// So many bytes may come of any message, whatever the ratio.
const FREE: u64 = 1 << 20;

/// A message of `UNITS` frames, each of which unpacks to `UNIT` zeros, and a message behind it. It gives itself out byte by byte.
struct Bomb {
    first: Vec<u8>,
    unit: Vec<u8>,
    last: Vec<u8>,
    given: u64,
}

fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let len = u16::try_from(payload.len()).unwrap().to_be_bytes();
    [&[first, 0xfe, len[0], len[1], 0, 0, 0, 0], payload].concat()
}

impl Bomb {
    fn new() -> Self {
        let mut packer = Packer::new(15, true);
        let mut zeros = |n: u64| [packer.pack(&vec![0; n as usize]), b"\0\0\xff\xff".to_vec()].concat();
        let (first, unit) = (zeros(1), zeros(UNIT));
        let behind = b"\x81\x82\0\0\0\0hi";
        let last = [&[0x80, 0x81, 0, 0, 0, 0, 0], &behind[..]].concat(); // an empty block without its tail
        Self { first: super::wire::frame(0x42, &first), unit: frame(0, &unit), last, given: 0 }
    }

    fn len(&self) -> u64 {
        (self.first.len() + self.last.len()) as u64 + UNITS * self.unit.len() as u64
    }

    /// Returns how many bytes were written to `space`.
    fn read(&mut self, space: &mut [u8]) -> usize {
        let (first, units) = (self.first.len() as u64, UNITS * self.unit.len() as u64);
        let piece = match self.given {
            at if at < first => &self.first[at as usize..],
            at if at < first + units => &self.unit[((at - first) % self.unit.len() as u64) as usize..],
            at => &self.last[((at - first - units) as usize).min(self.last.len())..],
        };
        let n = piece.len().min(space.len());
        space[..n].copy_from_slice(&piece[..n]);
        self.given += n as u64;
        n
    }
}

struct Seen {
    /// Bytes of the message that were told, and bytes that arrived for that.
    told: u64,
    given: u64,
    error: Option<ReceiveError>,
    /// The message behind was told.
    is_behind: bool,
}

/// Reads until an error, or until the message behind is told.
fn read(
    inbox: &mut Unpacking,
    ws: &mut Connection<Server>,
    in_parts: bool,
    mut full: impl FnMut(&mut Unpacking, &Connection<Server>, Capacity),
) -> Seen {
    let mut bomb = Bomb::new();
    let mut seen = Seen { told: 0, given: 0, error: None, is_behind: false };
    loop {
        match if in_parts { inbox.poll_part(ws) } else { inbox.poll_message(ws) } {
            Ok(Some(Incoming::Message(message))) if message.as_bytes() == b"hi" => seen.is_behind = true,
            Ok(Some(Incoming::Message(message))) => seen.told += message.as_bytes().len() as u64,
            Ok(Some(Incoming::Part(part))) if part.as_bytes() == b"hi" => seen.is_behind = true,
            Ok(Some(Incoming::Part(part))) => {
                assert!(matches!(part.as_bytes(), [] | [0, .., 0] | [0]));
                seen.told += part.as_bytes().len() as u64;
            }
            Ok(Some(_)) => {}
            Ok(None) => match bomb.read(inbox.space().unwrap()) {
                0 => panic!("it has ended without the message behind it"),
                n => inbox.commit(n),
            },
            Err(ReceiveError::Capacity(e)) => full(inbox, ws, e),
            Err(e) => seen.error = Some(e),
        }
        if seen.error.is_some() || seen.is_behind {
            seen.given = bomb.given;
            return seen;
        }
    }
}

fn never_full(_: &mut Unpacking, _: &Connection<Server>, e: Capacity) {
    panic!("{e:?}");
}

#[test]
fn ten_gigabytes_from_ten_megabytes_stop_at_each_limit() {
    let len = Bomb::new().len();
    assert!(UNIT * UNITS >= 10_000_000_000 && (10_000_000..11_000_000).contains(&len), "{len}");
    for (limit, ratio, error) in [
        (1 << 10, 256, PeerError::MessageTooLarge),
        (1 << 20, 256, PeerError::MessageTooLarge),
        (1 << 24, u32::MAX, PeerError::MessageTooLarge),
        (u64::MAX, 1, PeerError::CompressedTooMuch),
        (u64::MAX, 256, PeerError::CompressedTooMuch),
        (u64::MAX, 900, PeerError::CompressedTooMuch),
    ] {
        let agreed = agreed(15, true);
        let storage = Inflating::new(vec![0; 1024], vec![0; 40_960], agreed).unwrap().ratio(ratio);
        let (mut inbox, mut ws) = (Inbox::new(storage), limited(agreed, limit));
        let seen = read(&mut inbox, &mut ws, true, never_full);
        assert_eq!(seen.error, Some(error.into()), "{limit} {ratio}");
        // Each byte that was unpacked was told, so this is the work; and no more arrived for it than the memory holds.
        let most = if limit < u64::MAX { limit } else { FREE + seen.given * u64::from(ratio) };
        assert!(seen.told <= most, "{limit} {ratio}: {}", seen.told);
        assert!(seen.given <= seen.told / 900 + 1100, "{limit} {ratio}: {}", seen.given);
        assert!(seen.told <= limit.min(16 * FREE), "{limit} {ratio}: {}", seen.told);
    }
}

/// Who takes messages whole, and gives as much memory as is asked for, gives no more than the limit and the window.
#[test]
fn memory_that_grows_stops_at_the_limit() {
    for has_takeover in [false, true] {
        for (limit, ratio, error) in [
            (1 << 20, 256, PeerError::MessageTooLarge),
            (1 << 22, u32::MAX, PeerError::MessageTooLarge),
            (u64::MAX, 256, PeerError::CompressedTooMuch),
        ] {
            let agreed = agreed(15, has_takeover);
            let storage = Inflating::new(vec![0; 1024], vec![0; 40_960], agreed).unwrap().ratio(ratio);
            let (mut inbox, mut ws) = (Inbox::new(storage), limited(agreed, limit));
            let (mut asked, mut times) = (0, 0);
            let seen = read(&mut inbox, &mut ws, false, |inbox, _, e| {
                (asked, times) = (asked.max(e.needed as u64), times + 1);
                inbox.replace_unpacked(vec![0; e.needed.max(2 * e.available)]).unwrap();
            });
            assert_eq!((seen.error, seen.told), (Some(error.into()), 0), "{limit} {ratio}");
            let most = if ratio < u32::MAX { limit.min(2 * FREE) } else { limit };
            assert!(asked <= most + (1 << 15), "{limit} {ratio}: {asked}");
            assert!(times < 12 && seen.given <= most / 900 + 1100, "{times} {}", seen.given);
        }
    }
}

/// A message that is skipped is not unpacked where nothing depends on it; elsewhere the limits hold for it too.
#[test]
fn who_skips_it_does_no_more_work() {
    for (has_takeover, limit, error) in [
        (false, u64::MAX, None),
        (true, u64::MAX, Some(PeerError::CompressedTooMuch)),
        (true, 1 << 20, Some(PeerError::MessageTooLarge)),
    ] {
        let agreed = agreed(15, has_takeover);
        let (mut inbox, mut ws) = (inbox(1024, 40_960, agreed), limited(agreed, limit));
        let mut times = 0;
        let seen = read(&mut inbox, &mut ws, false, |inbox, ws, _| {
            times += 1;
            inbox.skip_message(ws);
        });
        assert_eq!((seen.error, seen.told, times), (error.map(Into::into), 0, 1));
        assert_eq!(seen.is_behind, error.is_none());
        assert!(error.is_none() || seen.given < 6 * 1024, "{}", seen.given);
    }
}

/// Who wants all of it gets it, in 42 KB.
#[test]
#[ignore = "unpacks 10 GB"]
fn ten_gigabytes_pass_through_memory_of_42_kilobytes() {
    let agreed = agreed(15, true);
    let storage = Inflating::new(vec![0; 1024], vec![0; 40_960], agreed).unwrap().ratio(u32::MAX);
    let (mut inbox, mut ws) = (Inbox::new(storage), limited(agreed, u64::MAX));
    let seen = read(&mut inbox, &mut ws, true, never_full);
    assert_eq!((seen.told, seen.error, seen.is_behind), (UNITS * UNIT + 1, None, true));
}
