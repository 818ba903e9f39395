//! `csl-stream plan`: what backfill would do, in words.

use super::args::BackfillArgs;
use super::backfill::{configured, request_of_one};
use super::printer::Printer;
use super::privacy::rules_text;
use super::schema::columns_text;
use crate::config::Config;
use crate::error::Result;
use crate::ops::cost::Cost;
use crate::ops::plan::{Difference, Incrementals, Plan, TargetPlan, plan};
use crate::report::words::{duration, plural, round, size, usd};

/// Runs the command.
pub(super) fn run(printer: Printer, config: Config, args: &BackfillArgs) -> Result<()> {
    let config = configured(config, args)?;
    // The report is that of a run, and this is none.
    if let Some(path) = &args.output.report {
        printer.note(&format!("no run, so no report in {}", path.display()));
    }
    let (plan, misfit) = plan(&config, &request_of_one(args)?)?;
    printer.json(&plan)?;
    printer.long(&text(&plan))?;
    misfit.map_or(Ok(()), Err)
}

fn text(plan: &Plan) -> String {
    let kind = plan.kind.word();
    let length = plan.source.bytes.map_or("length unknown".to_owned(), size);
    let made = plan.source.exported_at.as_ref().map_or(String::new(), |at| format!(", made {at}"));
    let mut text = format!(
        "action     {}: {}\nexport     {} ({kind}, {length}{made})\nwarehouse  {}\n",
        plan.action.word(),
        plan.why,
        plan.source.uri,
        plan.warehouse,
    );
    if let Some(estimate) = &plan.estimate {
        let from = estimate.from_load.as_ref().map_or("rules of thumb".to_owned(), |id| format!("load {id}"));
        text += &format!(
            "estimate   about {} {}, {} of Parquet, {} (from {from})\n",
            round(estimate.rows),
            if estimate.rows == 1 { "row" } else { "rows" },
            size(estimate.parquet_bytes),
            duration(estimate.seconds as f64),
        );
    }
    if let Some(cost) = &plan.cost {
        text += &format!("cost       {}\n", cost_text(cost));
    }
    if let Some(all) = &plan.incrementals {
        text += &incrementals_text(all);
    }
    for name in &plan.differences.not_in_schema {
        text += &format!("schema     {name:?} is in the export, not in the schema\n");
    }
    for name in &plan.differences.not_in_file {
        text += &format!("schema     {name:?} is in the schema, not in the export\n");
    }
    if let Some(policy) = &plan.privacy {
        text += &format!("privacy    {}\n", policy.id);
        for line in rules_text(&policy.columns).lines() {
            text += &format!("           {line}\n");
        }
    }
    for warning in &plan.warnings {
        text += &format!("warning    {warning}\n");
    }
    if let Some(target) = &plan.target {
        text += &target_text(target);
    }
    let columns = plural(plan.columns.len() as u64, "column");
    text += &format!("\n{columns}, in the order of the file\n{}", columns_text(&plan.columns));
    if plan.target.is_none() {
        text += &format!("\nthe table in Redshift would be\n{}", plan.ddl);
    }
    text
}

fn incrementals_text(all: &Incrementals) -> String {
    let Incrementals { to_load, already, covered, rolled_back } = all;
    let mut text = format!(
        "exports    {} to load, oldest first; {already} loaded already, {covered} covered by the full export\n",
        to_load.len()
    );
    if *rolled_back > 0 {
        text += &format!(
            "           the table was rolled back from {}: not loaded again\n",
            plural(*rolled_back, "export")
        );
    }
    for source in to_load {
        let length = source.bytes.map_or("length unknown".to_owned(), size);
        text += &format!("           {} ({length})\n", source.uri);
    }
    text
}

fn target_text(target: &TargetPlan) -> String {
    let mut text = String::new();
    if target.created {
        text += "table      is not there and would be created\n";
    } else if target.table.is_none() {
        text += "table      is not there: --create-table creates it\n";
    }
    for Difference { what, help, stops } in &target.differences {
        let word = if *stops { "misfit" } else { "differs" };
        text += &format!("{word:<10} {what}\n");
        if !help.is_empty() {
            text += &format!("           {help}\n");
        }
    }
    if !target.alterations.is_empty() {
        text += &format!(
            "\n{} before it, each by itself\n",
            plural(target.alterations.len() as u64, "statement")
        );
        text += &target.alterations.iter().map(|sql| format!("  {sql};\n")).collect::<String>();
    }
    if !target.sql.is_empty() {
        text += &format!("\n{}, as one transaction\n", plural(target.sql.len() as u64, "statement"));
        text += &target.sql.iter().map(|sql| format!("  {sql};\n")).collect::<String>();
    }
    text
}

fn cost_text(cost: &Cost) -> String {
    let lambda = match cost.lambda_usd {
        Some(dollars) => format!("{} on Lambda", usd(dollars)),
        None => "too long for Lambda".to_owned(),
    };
    format!("about {} on Fargate, {lambda}, against {} with Glue", usd(cost.fargate_usd), usd(cost.glue_usd))
}
