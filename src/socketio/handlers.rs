//! Who handles which event.

use super::EventPacket;
use crate::bytes::Capacity;

/// A table of handlers: values of the caller's type (function pointers, numbers, channels) by the names of events, in lent slots.
///
/// As in the reference: several handlers of one event are called in the order in which they were added, those for any event first, and one
/// that was added with [`once`](Self::once) is taken out when it is called. Cost of an event: O(handlers), names compared by
/// length first.
///
/// ```
/// use sansocket::socketio::{EventPacket, HandlerSlot, Handlers};
///
/// type Handler = fn(&mut Vec<String>, &EventPacket<'_>);
///
/// fn greet(log: &mut Vec<String>, e: &EventPacket<'_>) {
///     log.push(format!("hello {:?}", e.args().next()));
/// }
///
/// let mut handlers = Handlers::<Handler, _>::new([const { HandlerSlot::EMPTY }; 8]);
/// handlers.on("greet", greet)?;
/// handlers.once("greet", |log, _| log.push("the first".into()))?;
/// handlers.on_any(|log, _| log.push("any".into()))?;
///
/// fn dispatch<'n>(handlers: &mut Handlers<'n, Handler, [HandlerSlot<'n, Handler>; 8]>, e: &EventPacket<'_>) -> Vec<String> {
///     let mut log = Vec::new();
///     let mut call = handlers.call();
///     // Nothing is borrowed between two: a handler may add and remove handlers.
///     while let Some(handler) = handlers.next(&mut call, e) {
///         handler(&mut log, e);
///     }
///     log
/// }
/// # use sansocket::{engineio::{self, Message}, socketio::{AckSlot, Namespace, Sid, server::{Event, Session}}, time::Instant, ws};
/// # let mut io = Session::new(["/"], [AckSlot::EMPTY; 1], Instant::from_millis(0));
/// # let mut tx = [0; 256];
/// # io.handle_event(engineio::Event::Message(Message::Text(b"0")))?;
/// # io.accept(Namespace(0), Sid::from_random([0; 15]), &mut ws::Out::stored(&mut tx))?;
/// # let text = Message::Text(br#"2["greet"]"#);
/// # let Event::Event(e) = io.handle_event(engineio::Event::Message(text))? else { panic!() };
/// assert_eq!(dispatch(&mut handlers, &e), ["any", "hello None", "the first"]);
/// assert_eq!(dispatch(&mut handlers, &e), ["any", "hello None"]);
/// handlers.off("greet");
/// assert_eq!(dispatch(&mut handlers, &e), ["any"]);
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Handlers<'n, T, S> {
    /// Those in use stand in front, in the order in which they were added.
    slots: S,
    len: usize,
    added: u32,
    kind: core::marker::PhantomData<HandlerSlot<'n, T>>,
}

/// Room for one handler.
#[derive(Clone, Debug)]
pub struct HandlerSlot<'n, T>(Option<Handler<'n, T>>);

#[derive(Clone, Debug)]
struct Handler<'n, T> {
    /// `None`: any event.
    name: Option<&'n str>,
    is_once: bool,
    /// Counts up, so that a call knows where it stands when others come and go.
    number: u32,
    value: T,
}

impl<T> HandlerSlot<'_, T> {
    /// No handler.
    pub const EMPTY: Self = Self(None);
}

/// How far the handlers of one event were called. Borrows nothing.
#[derive(Clone, Copy, Debug)]
pub struct Call {
    is_named: bool,
    /// The number of the next handler that may be called, and of the first that was added after the call began.
    from: u32,
    to: u32,
}

impl<'n, T, S: AsMut<[HandlerSlot<'n, T>]> + AsRef<[HandlerSlot<'n, T>]>> Handlers<'n, T, S> {
    /// No handlers. What `slots` held is forgotten.
    pub fn new(mut slots: S) -> Self {
        for slot in slots.as_mut() {
            slot.0 = None;
        }
        Self { slots, len: 0, added: 0, kind: core::marker::PhantomData }
    }

    /// Adds a handler for the event `name`.
    ///
    /// # Errors
    /// [`Capacity`], in slots; nothing was changed.
    pub fn on(&mut self, name: &'n str, value: T) -> Result<(), Capacity> {
        self.add(Some(name), false, value)
    }

    /// Adds a handler for the next event `name` alone.
    ///
    /// # Errors
    /// As [`on`](Self::on).
    pub fn once(&mut self, name: &'n str, value: T) -> Result<(), Capacity> {
        self.add(Some(name), true, value)
    }

    /// Adds a handler for every event.
    ///
    /// # Errors
    /// As [`on`](Self::on).
    pub fn on_any(&mut self, value: T) -> Result<(), Capacity> {
        self.add(None, false, value)
    }

    /// Removes all handlers of the event `name`; how many there were.
    pub fn off(&mut self, name: &str) -> usize {
        self.remove(|h| h.name == Some(name))
    }

    /// Removes the handlers for every event; how many there were.
    pub fn off_any(&mut self) -> usize {
        self.remove(|h| h.name.is_none())
    }

    /// Removes the handlers of the event `name` whose value is `value`; how many there were.
    pub fn off_value(&mut self, name: &str, value: &T) -> usize
    where
        T: PartialEq,
    {
        self.remove(|h| h.name == Some(name) && h.value == *value)
    }

    /// Begins to call the handlers of one event.
    pub const fn call(&self) -> Call {
        Call { is_named: false, from: 0, to: self.added }
    }

    /// The next handler of `event`.
    pub fn next(&mut self, call: &mut Call, event: &EventPacket<'_>) -> Option<T>
    where
        T: Clone,
    {
        loop {
            let is_next = |h: &Handler<'n, T>| {
                h.number >= call.from
                    && h.number < call.to
                    && match h.name {
                        None => !call.is_named,
                        Some(name) => call.is_named && event.is(name),
                    }
            };
            let found = self.in_use().position(is_next);
            match found.and_then(|at| self.in_use().nth(at).map(|h| (h.number, h.is_once, h.value.clone()))) {
                Some((number, is_once, value)) => {
                    call.from = number.saturating_add(1);
                    if is_once {
                        self.remove(|h| h.number == number);
                    }
                    return Some(value);
                }
                None if call.is_named => return None,
                None => (call.is_named, call.from) = (true, 0),
            }
        }
    }

    fn in_use(&self) -> impl Iterator<Item = &Handler<'n, T>> {
        self.slots.as_ref().iter().take(self.len).filter_map(|slot| slot.0.as_ref())
    }

    fn add(&mut self, name: Option<&'n str>, is_once: bool, value: T) -> Result<(), Capacity> {
        let available = self.slots.as_ref().len();
        let full = Capacity { needed: self.len.saturating_add(1), available };
        if self.added == u32::MAX {
            // Four billion were added; begin to count again.
            self.added = 0;
            for handler in self.slots.as_mut().iter_mut().filter_map(|slot| slot.0.as_mut()) {
                handler.number = self.added;
                self.added = self.added.saturating_add(1);
            }
        }
        let number = self.added;
        let slot = self.slots.as_mut().get_mut(self.len).ok_or(full)?;
        slot.0 = Some(Handler { name, is_once, number, value });
        self.len = self.len.saturating_add(1);
        self.added = self.added.saturating_add(1);
        Ok(())
    }

    fn remove(&mut self, is_it: impl Fn(&Handler<'n, T>) -> bool) -> usize {
        let before = self.len;
        let mut kept = 0_usize;
        for at in 0..before {
            let slots = self.slots.as_mut();
            let Some(slot) = slots.get_mut(at) else { break };
            if slot.0.as_ref().is_some_and(&is_it) {
                slot.0 = None;
                continue;
            }
            let handler = slot.0.take();
            if let Some(place) = slots.get_mut(kept) {
                place.0 = handler;
            }
            kept = kept.saturating_add(1);
        }
        self.len = kept;
        before.saturating_sub(kept)
    }
}
