//! `csl-stream schema`: the bulk schema as DDL, compared, shown, fetched.

use super::args::SchemaCommand;
use super::flags;
use super::printer::{Printer, columns};
use crate::config::Config;
use crate::error::{Error, Result};
use crate::ops::Location;
use crate::ops::privacy;
use crate::ops::schema::{self, Ddl, DdlOptions, ShownColumn, ShownTable};
use crate::report::words::plural;
use std::path::Path;

/// Runs the command; `config` is read only by those that use it.
pub(super) fn run(
    printer: Printer,
    config: impl Fn() -> Result<Config>,
    command: &SchemaCommand,
) -> Result<()> {
    let configured = |args| {
        let mut config = config()?;
        flags::set_schema(&mut config, args);
        Ok::<_, Error>(config)
    };
    match command {
        SchemaCommand::Ddl { schema, tables, in_schema, replace, ledger, user } => {
            let config = configured(schema)?;
            let in_schema = in_schema.as_ref().unwrap_or(&config.redshift.schema);
            let options = DdlOptions { schema: Some(in_schema.clone()), replace: *replace };
            let loader = ledger
                .then(|| user.as_deref().or(config.redshift.db_user.as_deref()).unwrap_or(schema::LOADER));
            ddl(printer, &config, tables, &options, loader)
        }
        SchemaCommand::Diff { old, new, exit_code } => {
            let diff = schema::diff(&flags::location(old)?, &flags::location(new)?)?;
            printer.json(&diff)?;
            let same = diff.is_empty();
            printer.result(&if same { "no differences".to_owned() } else { diff.to_string() })?;
            if same || !exit_code {
                return Ok(());
            }
            Err(Error::schema("the schemas differ").help("without --exit-code this is no error"))
        }
        SchemaCommand::Show { schema, tables } => show(printer, &configured(schema)?, tables),
        SchemaCommand::Pull { schema, out } => {
            pull(printer, &schema::location(&configured(schema)?)?, out.as_deref())
        }
    }
}

/// Prints the tables; with `loader`, a database user, the ledger and what that user must be granted too.
fn ddl(
    printer: Printer,
    config: &Config,
    names: &[String],
    options: &DdlOptions,
    loader: Option<&str>,
) -> Result<()> {
    let bulk = privacy::under(&schema::read(config)?, &config.privacy.rules()?)?;
    let Ddl { mut sql, warnings } = schema::ddl(&bulk, names, options)?;
    if let Some(user) = loader {
        sql += "\n";
        sql += &schema::ledger_ddl(config, &bulk, names, options, user)?;
    }
    for warning in &warnings {
        printer.note(&format!("warning: {warning}"));
    }
    printer.json(&serde_json::json!({ "sql": sql, "warnings": warnings }))?;
    printer.long(&sql)
}

fn show(printer: Printer, config: &Config, names: &[String]) -> Result<()> {
    let bulk = privacy::under(&schema::read(config)?, &config.privacy.rules()?)?;
    let (shown, warnings) = schema::show(&bulk, names)?;
    for warning in &warnings {
        printer.note(&format!("warning: {warning}"));
    }
    printer.json(&shown)?;
    let text = |table: &ShownTable| {
        let count = plural(table.columns.len() as u64, "column");
        format!("{} ({count})\n{}", table.table, columns_text(&table.columns))
    };
    printer.long(&shown.iter().map(text).collect::<Vec<_>>().join("\n"))
}

/// Columns under each other, indented.
pub(super) fn columns_text(shown: &[ShownColumn]) -> String {
    let row = |column: &ShownColumn| {
        let null = if column.nullable { "" } else { "not null" };
        vec![
            format!("  {}", column.name),
            column.sql_type.clone().unwrap_or_default(),
            column.parquet.clone(),
            column.redshift.clone(),
            [column.width.as_deref().unwrap_or_default(), null].join(" ").trim().to_owned(),
        ]
    };
    columns(&shown.iter().map(row).collect::<Vec<_>>())
}

/// Fetches a schema; nothing is written unless it is one.
fn pull(printer: Printer, location: &Location, out: Option<&Path>) -> Result<()> {
    let (bulk, bytes) = schema::fetch(location)?;
    let Some(path) = out else { return printer.raw(&bytes) };
    schema::write(path, &bytes)?;
    let tables = bulk.tables.len() as u64;
    printer.json(&serde_json::json!({ "file": path, "tables": tables, "bytes": bytes.len() }))?;
    printer.result(&format!("wrote {} ({})", path.display(), plural(tables, "table")))
}
