//! Ctrl-C and SIGTERM: the first asks the run to end cleanly, the second ends the process.

use super::printer::Printer;
use crate::error::{Error, Result};
use crate::pipeline::Watch;
use std::sync::Arc;

/// Exit code of a process that was interrupted.
pub(super) const INTERRUPTED: i32 = 130;

/// From now on a signal stops `watch`.
///
/// # Errors
/// If the system takes no handlers.
#[cfg(unix)]
pub(super) fn stop_on_signal(printer: Printer, watch: &Arc<Watch>) -> Result<()> {
    use signal_hook::consts::{SIGINT, SIGTERM};
    use std::io::Read;
    use std::os::unix::net::UnixStream;
    use std::sync::atomic::AtomicBool;

    let refused = |cause| Error::machine("cannot listen for signals").because(cause);
    let (mut heard, ring) = UnixStream::pair().map_err(refused)?;
    let asked = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        // In this order: the first signal finds `asked` false and sets it, the second finds it true.
        signal_hook::flag::register_conditional_shutdown(signal, INTERRUPTED, Arc::clone(&asked))
            .map_err(refused)?;
        signal_hook::flag::register(signal, Arc::clone(&asked)).map_err(refused)?;
        signal_hook::low_level::pipe::register(signal, ring.try_clone().map_err(refused)?)
            .map_err(refused)?;
    }
    let watch = Arc::clone(watch);
    std::thread::spawn(move || {
        if heard.read(&mut [0]).is_ok_and(|count| count > 0) {
            watch.stop();
            printer.note("stopping; nothing will be loaded (once more to stop at once)");
        }
    });
    Ok(())
}

/// Elsewhere Ctrl-C ends the process; staged files are swept by the next run.
#[cfg(not(unix))]
pub(super) fn stop_on_signal(_printer: Printer, _watch: &Arc<Watch>) -> Result<()> {
    Ok(())
}
