//! Decides when a dictionary does not pay. A function of the values alone, so that the same input
//! always gives the same pages.

/// Values after which a dictionary of nearly distinct values is given up at once.
const EARLY_VALUES: usize = 1_000;
/// Values before which a merely poor dictionary is not judged: fewer misjudge columns whose values
/// come back late, such as browser names.
const JUDGED_VALUES_MIN: usize = 8_192;
/// Values between two judgements.
const WINDOW_VALUES: usize = 4_096;

/// How a dictionary does.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Gauge {
    values: usize,
    entries: usize,
    window_values: usize,
    window_entries: usize,
}

impl Gauge {
    /// Whether a dictionary is worth a start with values like these, of which there are some thousand: not
    /// if two of five were new.
    pub(super) fn pays(&self) -> bool {
        self.values < EARLY_VALUES || self.entries * 5 <= self.values * 2
    }

    /// Takes note of `values` more values, after which the dictionary has `entries`; true if it
    /// should be given up.
    pub(super) fn gives_up(&mut self, values: usize, entries: usize) -> bool {
        self.values += values;
        self.window_values += values;
        self.window_entries += entries - self.entries;
        self.entries = entries;
        if self.values >= EARLY_VALUES && entries * 10 > self.values * 9 {
            return true;
        }
        if self.window_values < WINDOW_VALUES {
            return false;
        }
        let poor = self.window_entries * 10 > self.window_values * 3;
        (self.window_values, self.window_entries) = (0, 0);
        poor && self.values >= JUDGED_VALUES_MIN
    }
}
