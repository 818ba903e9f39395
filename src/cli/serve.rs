//! `csl-stream serve`: the webhook receiver as a server of its own.
//!
//! ```text
//! listening within milliseconds ─▶ schema, secrets: asked for beside ─▶ SIGTERM ─▶ last answers ─▶ 0
//! ```

use super::args::ServeArgs;
use super::printer::Printer;
use super::signals::INTERRUPTED;
use super::terminal::Terminal;
use crate::config::{Address, Config, flag};
use crate::error::{Error, Result};
use crate::ops::receive;
use crate::status;
use tokio::sync::watch;

/// Runs the command.
pub(super) fn run(printer: Printer, mut config: Config, args: &ServeArgs) -> Result<()> {
    flag!(config.webhook.listen, "--listen", args.listen.clone().map(Address));
    receive::raise_open_files();
    flag!(config.status.listen, "--status-listen", args.status_listen.clone().map(Address).map(Some));
    block_on(async {
        let terminal = Terminal::of_service(printer)?;
        let Some(listen) = config.status.listen.clone() else {
            return receive::serve(&config, &terminal, stop(printer)?).await;
        };
        let (told, stopped) = watch::channel(());
        let stop = stop(printer)?;
        // The channel closes when it is time to stop: that is all there is to hear.
        tokio::spawn(async move {
            stop.await;
            drop(told);
        });
        let ended =
            |mut stopped: watch::Receiver<()>| async move { while stopped.changed().await.is_ok() {} };
        let receiver = receive::serve(&config, &terminal, ended(stopped.clone()));
        let pages = status::serve(&config, &listen.0, &terminal, ended(stopped));
        tokio::try_join!(receiver, pages).map(drop)
    })
}

/// Runs a server on threads of its own.
pub(super) fn block_on(server: impl Future<Output = Result<()>>) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().thread_name("csl-serve").enable_all().build();
    let runtime =
        runtime.map_err(|cause| Error::machine("cannot start the server's threads").because(cause))?;
    let ended = runtime.block_on(server);
    // What still asks AWS or the schema's host is nobody's concern any more.
    runtime.shutdown_background();
    ended
}

/// Ends at the first SIGTERM or Ctrl-C; the second ends the process at once.
#[cfg(unix)]
pub(super) fn stop(printer: Printer) -> Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let listen =
        |kind| signal(kind).map_err(|cause| Error::machine("cannot listen for signals").because(cause));
    let (mut terminate, mut interrupt) = (listen(SignalKind::terminate())?, listen(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
        printer.note("stopping when the requests under way are answered (once more to stop at once)");
        tokio::spawn(async move {
            tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
            std::process::exit(INTERRUPTED);
        });
    })
}

/// Elsewhere Ctrl-C alone.
#[cfg(not(unix))]
pub(super) fn stop(_printer: Printer) -> Result<impl Future<Output = ()>> {
    Ok(async { drop(tokio::signal::ctrl_c().await) })
}
