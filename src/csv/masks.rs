//! What every kernel of the scan shares: the masks of 64 bytes, and what one group of them tells the next.

/// Entries that the kernels may write beyond the last field end.
pub(super) const ENDS_SLACK: usize = 130;

/// What a kernel found.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) ends: usize,
    pub(super) records: usize,
    pub(super) lines: u64,
    pub(super) any_return: bool,
    pub(super) bad: bool,
}

/// One bit for each of 64 bytes.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Masks {
    pub(super) quote: u64,
    pub(super) comma: u64,
    pub(super) newline: u64,
    pub(super) carriage_return: u64,
    pub(super) nul: u64,
}

impl Masks {
    /// The masks that `equal` makes for each of the bytes that matter.
    #[inline(always)]
    pub(super) fn of(equal: impl Fn(u8) -> u64) -> Self {
        Self {
            quote: equal(b'"'),
            comma: equal(b','),
            newline: equal(b'\n'),
            carriage_return: equal(b'\r'),
            nul: equal(0),
        }
    }

    /// Only the bits that `valid` has.
    #[inline(always)]
    pub(super) fn among(self, valid: u64) -> Self {
        Self {
            quote: self.quote & valid,
            comma: self.comma & valid,
            newline: self.newline & valid,
            carriage_return: self.carriage_return & valid,
            nul: self.nul & valid,
        }
    }
}

/// What the masks of the bytes before carry over.
#[derive(Debug, Clone, Copy)]
pub(super) struct Carry {
    /// All ones inside quotes.
    pub(super) inside: u64,
    /// 1 if a quote may open here.
    may_open: u64,
    /// 1 if the byte before closed a quote.
    closed: u64,
    /// 1 if the byte before was a carriage return outside quotes.
    returned: u64,
    any_return: u64,
    bad: u64,
}

impl Carry {
    pub(super) fn at_record_start() -> Self {
        Self { inside: 0, may_open: 1, closed: 0, returned: 0, any_return: 0, bad: 0 }
    }

    /// Separators among these 64 bytes. `inside` is the inclusive prefix XOR of the quotes.
    #[inline(always)]
    pub(super) fn step(&mut self, masks: Masks, inside: u64) -> u64 {
        self.inside = ((inside as i64) >> 63) as u64;
        let separators = (masks.comma | masks.newline) & !inside;
        let opening = masks.quote & inside;
        let closing = masks.quote & !inside;
        let returns = masks.carriage_return & !inside;
        let before_open = separators | masks.quote;
        self.bad |= opening & !(before_open << 1 | self.may_open);
        self.bad |= (closing << 1 | self.closed) & !(separators | masks.quote | returns);
        self.bad |= (returns << 1 | self.returned) & !masks.newline;
        self.bad |= masks.nul;
        self.any_return |= returns;
        self.may_open = before_open >> 63;
        self.closed = closing >> 63;
        self.returned = returns >> 63;
        separators
    }

    pub(super) fn found(self, ends: usize, records: usize, lines: u64) -> Found {
        Found {
            ends,
            records,
            lines,
            any_return: self.any_return != 0,
            bad: self.bad != 0 || self.inside != 0,
        }
    }
}
