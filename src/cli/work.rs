//! `csl-stream work` and `csl-stream dead-letters`: the queue's two ends that people touch.

use super::args::{DeadLettersCommand, WorkArgs};
use super::check::Say;
use super::loader::Loads;
use super::printer::{Printer, columns};
use super::settings;
use super::signals::{Patience, Stopper};
use super::size::plural;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::queue::{DeadLetter, Queue, QueueSettings, Redrive};
use crate::store::{ExportKind, runtime};
use crate::work::{Batch, Selection, Taken, Tally, Worker};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// After a signal: how long a load may go on.
const FINISH: Duration = Duration::from_secs(20);
/// After a signal: when the process ends, whatever waits.
const END: Duration = Duration::from_secs(28);
/// What a worker says at a signal.
const STOPPING: &str = "stopping; the load under way may end within 20 s (once more to stop at once)";
/// The local queue, if nobody names another.
const QUEUE_FILE: &str = "./queue.db";

/// Runs `work`.
pub(super) fn run(printer: Printer, mut config: Config, args: &WorkArgs) -> Result<()> {
    settings::set_target(&mut config, &args.target);
    settings::set_conversion(&mut config, &args.conversion);
    config.check()?;
    if args.conversion.rejects.is_some() {
        return Err(Error::usage("many loads cannot write one file of rejects")
            .help("leave --rejects out: each load has a file of its own, TABLE-LOAD.rejects.csv"));
    }
    let queue = Arc::new(queue(&config)?);
    queue.check_dead_letters()?;
    let worker = worker(&config)?;
    let stopper = Stopper::default();
    let loads = Loads::new(printer, config, args, stopper.clone());
    // What is wrong with the settings must not make dead letters of all messages.
    loads.check()?;
    let taken = Arc::new(Taken::new(Arc::clone(&queue)));
    let held = Arc::clone(&taken);
    let last = Box::new(move || held.give_back_all());
    stopper.listen(printer, Patience { note: STOPPING, finish: FINISH, end: END, last })?;
    printer.note(&format!("taking messages from {queue}"));
    let batch = loads.batch();
    let tally = crate::work::run(&taken, &worker, &loads, batch, args.once, &|| stopper.heard())?;
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
    format!("{done} done ({obsolete} obsolete), {retried} tried again, {dead} dead, {given_back} given back")
}

/// The queue of the configuration.
pub(super) fn queue(config: &Config) -> Result<Queue> {
    let text = |key| config.text(key).map(str::to_owned);
    let path = PathBuf::from(config.text("queue.path").unwrap_or(QUEUE_FILE));
    let settings =
        QueueSettings { url: text("queue.url"), dead_letter_url: text("queue.dead_letter_url"), path };
    Queue::open(&settings)
}

/// What decides about messages, by the configuration.
pub(super) fn worker(config: &Config) -> Result<Worker> {
    let others = config.text("queue.others_url").map(sqs);
    let tries = config.number("queue.tries").unwrap_or(1);
    Ok(Worker {
        selection: selection(config),
        others: others.transpose()?,
        tries_max: u32::try_from(tries).unwrap_or(u32::MAX),
    })
}

/// `work.tables` and `work.kinds`.
pub(super) fn selection(config: &Config) -> Selection {
    let all = config.text("work.tables").is_some();
    Selection {
        tables: (!all).then(|| config.list("work.tables").to_vec()),
        kinds: config.list("work.kinds").iter().filter_map(|word| ExportKind::of_word(word)).collect(),
    }
}

/// `work.batch_files` and `work.batch_seconds`. Of SQS's standard queues messages of any table come: where
/// no batch can be made, none waits behind another's load.
pub(super) fn batch(config: &Config, selection: &Selection) -> Batch {
    let files = config.number("work.batch_files").unwrap_or(1);
    let batches = selection.kinds.contains(&ExportKind::Incremental) || config.text("queue.url").is_none();
    Batch {
        files: if batches { usize::try_from(files).unwrap_or(usize::MAX) } else { 1 },
        wait: Duration::from_secs(config.number("work.batch_seconds").unwrap_or(0)),
    }
}

/// Whether the queues of SQS answer; a local queue is made by who uses it first.
pub(super) fn check(config: &Config, say: &mut Say<'_>) {
    let queues =
        [("queue", "queue.url"), ("dead letters", "queue.dead_letter_url"), ("others", "queue.others_url")];
    for (name, key) in queues {
        if let Some(url) = config.text(key) {
            say.is(name, answers(url));
        }
    }
    if config.text("queue.url").is_some() && config.text("queue.dead_letter_url").is_none() {
        say.is(
            "dead letters",
            queue(config).and_then(|queue| queue.check_dead_letters()).map(|()| ((), String::new())),
        );
    }
}

fn answers(url: &str) -> Result<((), String)> {
    let queue = sqs(url)?;
    runtime()?.block_on(queue.ready())?;
    Ok(((), format!("{queue} answers")))
}

/// A queue that is only sent to.
fn sqs(url: &str) -> Result<Queue> {
    Queue::open(&QueueSettings {
        url: Some(url.to_owned()),
        dead_letter_url: None,
        path: PathBuf::from(QUEUE_FILE),
    })
}

/// Runs `dead-letters`.
pub(super) fn dead_letters(printer: Printer, config: &Config, command: &DeadLettersCommand) -> Result<()> {
    let queue = queue(config)?;
    let block_on = runtime()?;
    match command {
        DeadLettersCommand::List => {
            let letters = block_on.block_on(queue.dead_letters())?;
            printer.json(&letters)?;
            if letters.is_empty() {
                return printer.result("no dead letters");
            }
            printer.result(&table_of(&letters))
        }
        DeadLettersCommand::Show { id } => {
            let letters = block_on.block_on(queue.dead_letters())?;
            let letter = letters.iter().find(|letter| letter.id == *id).ok_or_else(|| no_such(id))?;
            printer.json(letter)?;
            printer.result(&details(letter))
        }
        DeadLettersCommand::Redrive { ids, all } => {
            let which = if *all { Redrive::All } else { Redrive::Ids(ids.clone()) };
            let gone = block_on.block_on(queue.redrive(&which))?;
            printer.json(&gone)?;
            printer.result(&format!("{} put back into the queue", plural(gone.len() as u64, "message")))?;
            ids.iter().find(|id| !gone.contains(id)).map_or(Ok(()), |id| Err(no_such(id)))
        }
    }
}

fn no_such(id: &str) -> Error {
    Error::usage(format!("there is no dead letter {id:?}"))
        .help("`csl-stream dead-letters list` shows those there are")
}

fn table_of(letters: &[DeadLetter]) -> String {
    let head = ["DIED", "ID", "TABLE", "KIND", "TRIES", "CODE", "REASON"];
    let mut rows = vec![head.iter().map(|cell| (*cell).to_owned()).collect::<Vec<_>>()];
    let or_dash = |cell: Option<String>| cell.unwrap_or_else(|| "-".to_owned());
    rows.extend(letters.iter().map(|letter| {
        vec![
            or_dash(letter.died_at.clone()),
            letter.id.clone(),
            or_dash(letter.table.clone()),
            or_dash(letter.kind.clone()),
            or_dash(letter.tries.map(|tries| tries.to_string())),
            or_dash(letter.exit_code.map(|code| code.to_string())),
            letter.reason.clone(),
        ]
    }));
    columns(&rows)
}

fn details(letter: &DeadLetter) -> String {
    let export = letter.export.as_deref().unwrap_or("no load message");
    let died = letter.died_at.as_deref().unwrap_or("-");
    let mut lines = vec![format!("{export}"), format!("  {}", letter.reason)];
    if let Some(code) = letter.exit_code {
        lines.push(format!("  exit code {code}"));
    }
    if let Some(tries) = letter.tries {
        lines.push(format!("  {}", plural(u64::from(tries), "taking")));
    }
    lines.push(format!("  died {died}"));
    lines.push(format!("  message {}", letter.message));
    lines.join("\n")
}
