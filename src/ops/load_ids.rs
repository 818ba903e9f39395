//! Loads as a person names them.

use crate::error::{Error, Place, Result};
use crate::ledger::{LOAD_ID_BYTES, Run};
use crate::warehouse::Warehouse;

/// The newest load.
pub(super) const LAST: &str = "last";
/// Loads that are looked through for one whose id begins so.
const LOOKED_AT_MAX: usize = 10_000;
/// Loads that are listed where several are meant.
const LISTED_MAX: usize = 5;

/// The id of the load that is meant: a whole id, the beginning of one that no other has, or [`LAST`]. What is none of
/// these is given back as it is, for the warehouse to say that there is no such load.
///
/// # Errors
/// [`Error::Usage`] if several ids begin so, or there is no load at all; if the ledger cannot be read.
pub(super) fn resolved(warehouse: &dyn Warehouse, table: Option<&str>, given: &str) -> Result<String> {
    if given.len() == LOAD_ID_BYTES {
        return Ok(given.to_owned());
    }
    if given == LAST {
        let newest = warehouse.runs(table, 1)?.into_iter().next();
        return newest
            .map(|run| run.load_id)
            .ok_or_else(|| Error::usage("there is no load yet").at(Place::uri(warehouse.shown())));
    }
    of_prefix(&warehouse.runs(table, LOOKED_AT_MAX)?, given)
}

fn of_prefix(runs: &[Run], given: &str) -> Result<String> {
    let prefix = given.to_ascii_lowercase();
    let found: Vec<&Run> = runs.iter().filter(|run| run.load_id.starts_with(&prefix)).collect();
    match found[..] {
        [] => Ok(given.to_owned()),
        [run] => Ok(run.load_id.clone()),
        _ => {
            let shown = |run: &&Run| {
                let started = run.started.as_deref().unwrap_or("-");
                format!("{} ({}, {started})", run.load_id, run.table)
            };
            let listed: Vec<_> = found.iter().take(LISTED_MAX).map(shown).collect();
            let more = found.len().saturating_sub(LISTED_MAX);
            let more = if more > 0 { format!(", and {more} more") } else { String::new() };
            Err(Error::usage(format!("{} loads have an id that begins with {given:?}", found.len()))
                .help(format!("write more of it: {}{more}", listed.join(", "))))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::Standing;
    use crate::report::{Rows, Status};
    use crate::store::ExportKind;

    fn run(id: &str) -> Run {
        Run {
            load_id: id.to_owned(),
            table: "t".to_owned(),
            kind: ExportKind::Full,
            status: Status::Failed,
            killed: false,
            started: None,
            source: String::new(),
            rows: Rows::default(),
            standing: Standing::Gone,
            error: None,
            added_columns: Vec::new(),
            widened_columns: Vec::new(),
        }
    }

    #[test]
    fn the_beginning_of_an_id_is_enough_if_it_is_of_one() {
        let runs = ["019a1", "019a2", "019b"].map(run);
        for (given, meant) in
            [("019a1", Ok("019a1")), ("019B", Ok("019b")), ("7", Ok("7")), ("019a", Err(2)), ("", Err(3))]
        {
            let found = of_prefix(&runs, given);
            match (meant, found) {
                (Ok(id), Ok(found)) => assert_eq!(found, id),
                (Err(count), Err(error)) => {
                    let told = error.to_string();
                    assert!(told.starts_with(&format!("{count} loads have an id")), "{told}");
                    let help = &error.detail().unwrap().help;
                    assert!(help.contains("019a1 (t, -), 019a2 (t, -)"), "{help}");
                }
                (meant, found) => panic!("{given}: {meant:?}, {found:?}"),
            }
        }
        let many: Vec<Run> = (0..9).map(|number| run(&format!("019{number}"))).collect();
        let error = of_prefix(&many, "019").unwrap_err();
        assert!(error.detail().unwrap().help.ends_with("0194 (t, -), and 4 more"), "{error:?}");
    }
}
