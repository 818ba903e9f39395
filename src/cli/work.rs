//! `csl-stream work`: loads what the queue's messages name.

use super::args::WorkArgs;
use super::flags;
use super::printer::Printer;
use super::signals::Patience;
use super::terminal::Terminal;
use crate::config::{Address, Config, flag};
use crate::error::{Error, Result};
use crate::ops::work::{Tally, Work, ready};
use crate::report::words::plural;
use std::path::PathBuf;
use std::time::Duration;

/// After a signal: how long a load may go on.
const FINISH: Duration = Duration::from_secs(20);
/// After a signal: when the process ends, whatever waits.
const END: Duration = Duration::from_secs(28);
/// What a worker says at a signal.
const STOPPING: &str = "stopping; the load under way may end within 20 s (once more to stop at once)";

/// Runs the command.
pub(super) fn run(printer: Printer, mut config: Config, args: &WorkArgs) -> Result<()> {
    flags::set_target(&mut config, &args.target);
    flags::set_conversion(&mut config, &args.conversion);
    flag!(
        config.metrics.listen,
        "--metrics-listen",
        args.metrics_listen.clone().map(|listen| Some(Address(listen)))
    );
    config.check()?;
    if args.conversion.rejects.is_some() {
        return Err(Error::usage("many loads cannot write one file of rejects")
            .help("leave --rejects out: each load has a file of its own, TABLE-LOAD.rejects.csv"));
    }
    let request = Work { conversion: flags::conversion(&args.conversion)?, rejects: PathBuf::new() };
    let terminal = Terminal::of_service(printer)?;
    let mut worker = ready(&config, &request, &terminal)?;
    let last = Box::new(worker.give_back());
    terminal.stopper.listen(printer, Patience { note: STOPPING, finish: FINISH, end: END, last })?;
    let tally = worker.run(args.once)?;
    printer.note(&told(&tally));
    match tally {
        Tally { cut: true, .. } => Err(Error::Interrupted),
        Tally { stopped: true, .. } if args.once => Err(Error::Interrupted),
        Tally { dead: 1.., .. } if args.once => {
            Err(Error::input(format!("{} became dead letters", plural(tally.dead, "message")))
                .help("`csl-stream dead-letters list` says why"))
        }
        Tally { waiting: 1.., .. } if args.once => {
            Err(Error::transient(format!("{} left to be tried again", plural(tally.waiting, "message")))
                .help("run `csl-stream work --once` again in a quarter of an hour"))
        }
        _ => Ok(()),
    }
}

fn told(tally: &Tally) -> String {
    let Tally { done, obsolete, retried, dead, given_back, .. } = tally;
    format!(
        "{done} done ({obsolete} obsolete), {retried} retried, {dead} dead letters, {given_back} returned"
    )
}
