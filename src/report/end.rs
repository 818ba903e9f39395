//! What comes after a load, for whoever hears of its end.

/// What comes after a load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Nothing: it is the caller's to run it again.
    Done,
    /// It failed, and its message comes again.
    Again,
    /// It failed, and its message is a dead letter now.
    Dead,
    /// No load has begun, and its message is a dead letter now.
    Buried,
}
