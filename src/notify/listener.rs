//! Who hears.

/// Somebody who hears `News`: the end of every load ([`super::News`]), or what somebody should look at
/// ([`super::Alert`]). A new one is a file of its own that implements this, and a line in its dispatcher.
pub trait Listener<News: ?Sized>: Send + Sync {
    /// What it is called.
    fn name(&self) -> String;

    /// Tells it. What does not concern it is no error.
    ///
    /// # Errors
    /// That it was not told, and why: for people, and without secrets.
    fn tell(&self, news: &News) -> Result<(), String>;

    /// Looks whether it is there, as far as that can be seen without telling it anything.
    ///
    /// # Errors
    /// What stands in the way.
    fn reach(&self) -> Result<(), String> {
        Ok(())
    }
}
