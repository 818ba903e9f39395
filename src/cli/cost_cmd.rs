//! `csl-stream cost`: what a night costs, before there is an export to look at. It asks nobody.

use super::args::CostArgs;
use super::cost::{self, Cost, Work};
use super::printer::{Printer, columns};
use super::size::{plural, show};
use crate::error::Result;
use serde::Serialize;

/// What nights cost, as `--json` prints it.
#[derive(Debug, Serialize)]
struct Shown {
    vcpus: u16,
    bytes_per_vcpu_second: u64,
    nights: Vec<Night>,
    copy_minute: Minute,
}

/// One size.
#[derive(Debug, Serialize)]
struct Night {
    csv_bytes: u64,
    convert_seconds: u64,
    #[serde(flatten)]
    cost: Cost,
}

/// US dollars for a minute in which Redshift copies and the load waits.
#[derive(Debug, Serialize)]
struct Minute {
    fargate_usd: f64,
    lambda_usd: f64,
}

/// Runs the command.
pub(super) fn run(printer: Printer, args: &CostArgs) -> Result<()> {
    let threads = usize::from(args.vcpus);
    let (fargate_usd, lambda_usd) = cost::minute(threads);
    let shown = Shown {
        vcpus: args.vcpus,
        bytes_per_vcpu_second: args.rate,
        nights: args.bytes.iter().map(|&csv_bytes| night(csv_bytes, args.rate, threads)).collect(),
        copy_minute: Minute { fargate_usd, lambda_usd },
    };
    printer.json(&shown)?;
    printer.result(&shown.text())
}

fn night(csv_bytes: u64, rate: u64, threads: usize) -> Night {
    let in_a_second = rate.max(1).saturating_mul(threads.max(1) as u64);
    let seconds = csv_bytes.div_ceil(in_a_second);
    Night { csv_bytes, convert_seconds: seconds, cost: cost::cost(Work { csv_bytes, seconds, threads }) }
}

impl Shown {
    fn text(&self) -> String {
        let title = ["CSV", "CONVERT", "FARGATE", "LAMBDA", "GLUE"].map(str::to_owned).to_vec();
        let rows: Vec<_> = std::iter::once(title).chain(self.nights.iter().map(Night::row)).collect();
        format!(
            "{}\n{} at {} of CSV a second each. While Redshift copies, a minute costs ${:.4} in Fargate, ${:.4} in Lambda.\n",
            columns(&rows),
            plural(u64::from(self.vcpus), "vCPU"),
            show(self.bytes_per_vcpu_second),
            self.copy_minute.fargate_usd,
            self.copy_minute.lambda_usd,
        )
    }
}

impl Night {
    fn row(&self) -> Vec<String> {
        let lambda = self.cost.lambda_usd.map_or("too long".to_owned(), |usd| format!("${usd:.4}"));
        vec![
            show(self.csv_bytes),
            plural(self.convert_seconds, "second"),
            format!("${:.4}", self.cost.fargate_usd),
            lambda,
            format!("${:.2}", self.cost.glue_usd),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nights_take_as_long_as_the_rate_says() {
        for (csv_bytes, rate, threads, seconds) in [
            (50_000_000_000, 140_000_000, 4, 90),
            (50_000_000_000, 140_000_000, 1, 358),
            (1, 140_000_000, 4, 1),
            (u64::MAX, 1, 1, u64::MAX),
            (10, 0, 0, 10),
        ] {
            assert_eq!(
                night(csv_bytes, rate, threads).convert_seconds,
                seconds,
                "{csv_bytes} {rate} {threads}"
            );
        }
    }

    #[test]
    fn what_is_too_long_for_a_function_says_so() {
        assert_eq!(night(50_000_000_000, 1_000_000, 4).row()[3], "too long");
        assert_eq!(night(1_000_000_000, 140_000_000, 4).row()[3], "$0.0002");
    }
}
