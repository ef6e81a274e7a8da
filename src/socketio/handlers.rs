//! A table of event handlers.

use super::{EventPacket, SlotCapacity};

/// A table that maps event names to handlers, in lent slots. A handler is a value of any type: a function pointer, a number, a channel.
///
/// As in the JavaScript implementation, handlers for any event are called first, then the handlers of the event, each group in the order in which
/// they were added. A handler that was added with [`once`](Self::once) is removed when it is called.
///
/// Cost: for one event, all calls of [`next`](Self::next) together take O(handlers), plus O(log handlers) for each handler that is called. Names are
/// compared by length first.
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
///     // Between two calls nothing is borrowed, so a handler may add and remove handlers.
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
    /// The first `len` slots are in use, in the order in which they were added. Some of them may be empty.
    slots: S,
    len: usize,
    added: u32,
    /// Slots looked at, for tests of cost.
    #[cfg(test)]
    looked_at: usize,
    kind: core::marker::PhantomData<HandlerSlot<'n, T>>,
}

/// Memory for one handler.
#[derive(Clone, Debug)]
pub struct HandlerSlot<'n, T> {
    /// Increases with the position, so that a call finds its position again after handlers were added or removed.
    number: u32,
    handler: Option<Handler<'n, T>>,
}

#[derive(Clone, Debug)]
struct Handler<'n, T> {
    /// `None`: a handler for any event.
    name: Option<&'n str>,
    is_once: bool,
    value: T,
}

impl<T> HandlerSlot<'_, T> {
    /// A slot that is not in use.
    pub const EMPTY: Self = Self { number: 0, handler: None };
}

/// The position in the handlers of one event. Borrows nothing. See [`Handlers`] for an example.
#[derive(Clone, Copy, Debug)]
pub struct Call {
    is_named: bool,
    /// The number of the next handler that may be called. `to` is the number of the first that was added after the call began.
    from: u32,
    to: u32,
}

impl<'n, T, S: AsMut<[HandlerSlot<'n, T>]> + AsRef<[HandlerSlot<'n, T>]>> Handlers<'n, T, S> {
    /// An empty table. The contents of `slots` are dropped.
    pub fn new(mut slots: S) -> Self {
        for slot in slots.as_mut() {
            *slot = HandlerSlot::EMPTY;
        }
        Self {
            slots,
            len: 0,
            added: 0,
            #[cfg(test)]
            looked_at: 0,
            kind: core::marker::PhantomData,
        }
    }

    /// Adds a handler for the event `name`.
    ///
    /// # Errors
    /// [`SlotCapacity`] if all slots are in use. Nothing was changed.
    pub fn on(&mut self, name: &'n str, value: T) -> Result<(), SlotCapacity> {
        self.add(Some(name), false, value)
    }

    /// Adds a handler for only the next event `name`.
    ///
    /// # Errors
    /// As [`on`](Self::on).
    pub fn once(&mut self, name: &'n str, value: T) -> Result<(), SlotCapacity> {
        self.add(Some(name), true, value)
    }

    /// Adds a handler for any event.
    ///
    /// # Errors
    /// As [`on`](Self::on).
    pub fn on_any(&mut self, value: T) -> Result<(), SlotCapacity> {
        self.add(None, false, value)
    }

    /// Removes all handlers of the event `name` and returns how many.
    pub fn off(&mut self, name: &str) -> usize {
        self.remove(|h| h.name == Some(name))
    }

    /// Removes all handlers for any event and returns how many. See [`off_value`](Self::off_value) for an example.
    pub fn off_any(&mut self) -> usize {
        self.remove(|h| h.name.is_none())
    }

    /// Removes the handlers of the event `name` that are equal to `value`, and returns how many.
    ///
    /// ```
    /// use sansocket::socketio::{HandlerSlot, Handlers};
    ///
    /// let mut handlers = Handlers::<u8, _>::new([const { HandlerSlot::EMPTY }; 4]);
    /// handlers.on("chat", 1)?;
    /// handlers.on("chat", 2)?;
    /// handlers.on_any(3)?;
    /// assert_eq!(handlers.off_value("chat", &1), 1);
    /// assert_eq!(handlers.off_any(), 1);
    /// assert_eq!(handlers.off("chat"), 1);
    /// let slots = handlers.into_storage();
    /// # Ok::<(), sansocket::socketio::SlotCapacity>(())
    /// ```
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

    /// The next handler of `event`. `None` when all were called.
    pub fn next(&mut self, call: &mut Call, event: &EventPacket<'_>) -> Option<T>
    where
        T: Clone,
    {
        loop {
            let is_next = |h: &Handler<'n, T>| match h.name {
                None => !call.is_named,
                Some(name) => call.is_named && event.is(name),
            };
            let start = self.in_use().partition_point(|slot| slot.number < call.from);
            let found = self.in_use().iter().skip(start).position(|slot| slot.handler.as_ref().is_some_and(is_next));
            #[cfg(test)]
            {
                self.looked_at += found.map_or(self.len - start, |n| n + 1);
            }
            let at = found.map(|n| start.saturating_add(n));
            let slot = at.and_then(|at| self.slots.as_mut().get_mut(at)).filter(|slot| slot.number < call.to);
            if let Some(HandlerSlot { number, handler: place @ Some(_) }) = slot {
                call.from = number.saturating_add(1);
                return match place.take_if(|h| h.is_once) {
                    Some(once) => Some(once.value),
                    None => place.as_ref().map(|h| h.value.clone()),
                };
            }
            if call.is_named {
                return None;
            }
            (call.is_named, call.from) = (true, 0);
        }
    }

    /// Returns the slots, with the handlers in them.
    pub fn into_storage(self) -> S {
        self.slots
    }

    fn in_use(&self) -> &[HandlerSlot<'n, T>] {
        self.slots.as_ref().get(..self.len).unwrap_or_default()
    }

    fn add(&mut self, name: Option<&'n str>, is_once: bool, value: T) -> Result<(), SlotCapacity> {
        let available = self.slots.as_ref().len();
        if self.len == available {
            // Handlers that were removed by a call left gaps.
            self.close_gaps();
        }
        let full = SlotCapacity { needed: self.len.saturating_add(1), available };
        if self.added == u32::MAX {
            // 2^32 - 1 handlers were added: renumber.
            self.close_gaps();
            self.added = 0;
            for slot in self.slots.as_mut().iter_mut().take(self.len) {
                slot.number = self.added;
                self.added = self.added.saturating_add(1);
            }
        }
        let number = self.added;
        let slot = self.slots.as_mut().get_mut(self.len).ok_or(full)?;
        *slot = HandlerSlot { number, handler: Some(Handler { name, is_once, value }) };
        self.len = self.len.saturating_add(1);
        self.added = self.added.saturating_add(1);
        Ok(())
    }

    /// Removes handlers, and closes the gaps.
    fn remove(&mut self, is_it: impl Fn(&Handler<'n, T>) -> bool) -> usize {
        let mut removed = 0_usize;
        for slot in self.slots.as_mut().iter_mut().take(self.len) {
            if slot.handler.take_if(|h| is_it(h)).is_some() {
                removed = removed.saturating_add(1);
            }
        }
        self.close_gaps();
        removed
    }

    #[inline(never)]
    fn close_gaps(&mut self) {
        let mut kept = 0_usize;
        for at in 0..self.len {
            let (front, back) = self.slots.as_mut().split_at_mut_checked(at).unwrap_or_default();
            if let Some(slot) = back.first_mut()
                && slot.handler.is_some()
            {
                // Without a gap `front` ends here. A swap of two places that differ needs no `memmove`.
                if let Some(place) = front.get_mut(kept) {
                    core::mem::swap(place, slot);
                }
                kept = kept.saturating_add(1);
            }
        }
        self.len = kept;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{json::Array, socketio::Namespace};

    #[test]
    fn all_handlers_of_one_event_cost_one_pass() {
        let payload = Array::parse(b"[\"a\"]").unwrap();
        let event = EventPacket { namespace: Namespace(0), ack: None, attachments: 0, used: 0, payload };
        for n in [2_000_u32, 4_000, 8_000] {
            let mut handlers = Handlers::new(std::vec![const { HandlerSlot::EMPTY }; n as usize]);
            for i in 0..n {
                if i % 2 == 0 { handlers.on("a", i) } else { handlers.once("a", i) }.unwrap();
            }
            let mut call = handlers.call();
            for i in 0..n {
                assert_eq!(handlers.next(&mut call, &event), Some(i));
            }
            assert_eq!(handlers.next(&mut call, &event), None);
            let looked_at = handlers.looked_at;
            assert!(looked_at <= 3 * n as usize, "{looked_at} slots looked at for {n} handlers");
            // Half of them were removed, and their slots are free.
            for i in 0..n / 2 {
                handlers.on("b", i).unwrap();
            }
            assert_eq!(handlers.on("b", 0), Err(SlotCapacity { needed: n as usize + 1, available: n as usize }));
            assert_eq!(handlers.off("a"), n as usize / 2);
        }
    }

    /// Added and removed between two calls: what is new is not called, what is gone neither.
    #[test]
    fn handlers_may_change_while_an_event_is_handled() {
        let payload = Array::parse(b"[\"a\"]").unwrap();
        let event = EventPacket { namespace: Namespace(0), ack: None, attachments: 0, used: 0, payload };
        let mut handlers = Handlers::new([const { HandlerSlot::EMPTY }; 4]);
        (0..4).for_each(|i| if i == 0 { handlers.once("a", i) } else { handlers.on("a", i) }.unwrap());
        let mut call = handlers.call();
        assert_eq!(handlers.next(&mut call, &event), Some(0));
        handlers.on("a", 4).unwrap();
        assert_eq!(handlers.next(&mut call, &event), Some(1));
        handlers.off_value("a", &2);
        handlers.on("a", 5).unwrap();
        assert_eq!(handlers.next(&mut call, &event), Some(3));
        assert_eq!(handlers.next(&mut call, &event), None);
    }
}
