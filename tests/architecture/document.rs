//! The table of the modules in `ARCHITECTURE.md`.

use super::plan::{Module, Plan};
use std::collections::BTreeSet;

const HEADER: &str = "| module | what it is for | may import |";

/// What the table says otherwise than the plan; its rows stand in the plan's order.
pub(crate) fn differences(document: &str, plan: &Plan) -> Vec<String> {
    let Some((_, table)) = document.split_once(HEADER) else {
        return vec![format!("the document has no table that begins with {HEADER:?}")];
    };
    let rows: Vec<Row<'_>> = table.lines().skip(2).map_while(Row::read).collect();
    let names: Vec<&str> = rows.iter().flat_map(|row| row.names.iter().copied()).collect();
    let planned: Vec<&str> = plan.modules.iter().map(|module| module.name).collect();
    let mut differences = Vec::new();
    if names != planned {
        differences.push(format!("the document has the modules {names:?}, the plan {planned:?}"));
    }
    for row in &rows {
        let modules = row.names.iter().filter_map(|name| plan.module(name));
        differences.extend(modules.flat_map(|module| row.against(module)));
    }
    differences
}

struct Row<'a> {
    names: Vec<&'a str>,
    about: &'a str,
    may_import: BTreeSet<&'a str>,
}

impl<'a> Row<'a> {
    fn read(line: &'a str) -> Option<Self> {
        let cells: Vec<&str> = line.trim().strip_prefix('|')?.strip_suffix('|')?.split('|').collect();
        let [names, about, may_import] = cells[..] else { return None };
        Some(Self { names: quoted(names).collect(), about, may_import: quoted(may_import).collect() })
    }

    fn against(&self, module: &Module) -> Vec<String> {
        let planned: BTreeSet<&str> = module.may_import.iter().copied().collect();
        let mut differences = Vec::new();
        let mut compare = |what: &str, document: String, plan: String| {
            if document != plan {
                differences
                    .push(format!("{}: {what} {document} in the document, {plan} in the plan", module.name));
            }
        };
        compare("may import", format!("{:?}", self.may_import), format!("{planned:?}"));
        compare("is pure:", self.about.contains("Pure").to_string(), module.is_pure.to_string());
        compare("has unsafe:", self.about.contains("`unsafe`").to_string(), module.may_be_unsafe.to_string());
        differences
    }
}

/// The words between backticks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}
