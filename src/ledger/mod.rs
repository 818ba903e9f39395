//! The loads that happened, as a warehouse remembers them.
