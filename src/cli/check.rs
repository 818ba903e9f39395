//! `csl-stream check`: everything that a load needs, one line each, ✔ or ✖ with what helps.

use super::args::CheckArgs;
use super::faults;
use super::flags;
use super::printer::{Printer, Tone};
use crate::config::Config;
use crate::error::Result;
use crate::ops::check::{Checked, Checklist, check};
use crate::ops::tables::Chosen;

/// Runs the command.
pub(super) fn run(printer: Printer, config: Result<Config>, args: &CheckArgs) -> Result<()> {
    if let Some(export) = &args.faults.export {
        return faults::run(printer, config?, args, export);
    }
    let mut heard = |checked: &Checked| {
        // A closed stdout has had enough; the exit code still says it.
        let tone = if checked.ok { Tone::Good } else { Tone::Bad };
        let _ = printer.lines(line(checked).lines().map(|line| (tone, line)));
    };
    let mut list = Checklist::new(&mut heard);
    let configured = config.and_then(|config| configured(config, args));
    let configured = configured.map(|config| {
        let file = config.file().map_or(String::new(), |path| format!(" ({})", path.display()));
        (config, format!("valid{file}"))
    });
    if let Some(config) = list.is("configuration", configured) {
        check(&config, chosen(args).as_ref(), args.alerts, &mut list);
    }
    match list.end() {
        Ok(checked) => printer.json(&checked),
        Err((checked, error)) => {
            printer.json(&checked)?;
            // Told above already: only its exit code is left.
            Err(error)
        }
    }
}

fn chosen(args: &CheckArgs) -> Option<Chosen> {
    let named = || (!args.tables.is_empty()).then(|| Chosen::Named(args.tables.clone()));
    args.all.then_some(Chosen::All).or_else(named)
}

fn line(checked: &Checked) -> String {
    let sign = if checked.ok { '✔' } else { '✖' };
    let mut line = format!("{sign} {}: {}", checked.name, checked.found);
    if let Some(help) = &checked.help {
        line += &format!("\n    {help}");
    }
    line
}

fn configured(mut config: Config, args: &CheckArgs) -> Result<Config> {
    flags::set_exports(&mut config, args.exports.as_deref());
    flags::set_schema(&mut config, &args.schema);
    flags::set_warehouse(&mut config, args.to.as_deref());
    config.check()?;
    Ok(config)
}
