//! `csl-stream serve`: the webhook receiver as a server of its own.
//!
//! ```text
//! listening within milliseconds ─▶ schema, secrets: asked for beside ─▶ SIGTERM ─▶ last answers ─▶ 0
//! ```

use super::args::ServeArgs;
use super::printer::Printer;
use super::receiver::receiver;
use super::signals::INTERRUPTED;
use crate::config::{Config, Value};
use crate::error::{Error, Result};
use crate::webhook::{Check, Receiver, Server, raise_open_files};
use std::sync::Arc;

/// Runs the command.
pub(super) fn run(printer: Printer, mut config: Config, args: &ServeArgs) -> Result<()> {
    let listen = args.listen.as_ref().map(|listen| Value::Text(listen.clone()));
    config.set_flag("webhook.listen", "--listen", listen);
    raise_open_files();
    let runtime = tokio::runtime::Builder::new_multi_thread().thread_name("csl-serve").enable_all().build();
    let runtime =
        runtime.map_err(|cause| Error::machine("cannot start the server's threads").because(cause))?;
    let ended = runtime.block_on(serve(printer, &config));
    // What still asks AWS or the schema's host is nobody's concern any more.
    runtime.shutdown_background();
    ended
}

async fn serve(printer: Printer, config: &Config) -> Result<()> {
    let stop = stop(printer)?;
    // First of all: whoever calls from now on waits a moment instead of being turned away.
    let server = Server::bind(config.text("webhook.listen").unwrap_or_default())?;
    let receiver = Arc::new(receiver(printer, config)?);
    printer.note(&format!("listening on http://{}", server.address()));
    tokio::spawn(prepare(Arc::clone(&receiver)));
    server.run(receiver, stop).await;
    Ok(())
}

/// Asks for what the first webhook would have to wait for.
async fn prepare(receiver: Arc<Receiver>) {
    receiver.tables.prepare().await;
    if let Check::Signed(secrets) = &receiver.check {
        secrets.keys().await;
    }
}

/// Ends at the first SIGTERM or Ctrl-C; the second ends the process at once.
#[cfg(unix)]
fn stop(printer: Printer) -> Result<impl Future<Output = ()>> {
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
fn stop(_printer: Printer) -> Result<impl Future<Output = ()>> {
    Ok(async { drop(tokio::signal::ctrl_c().await) })
}
