//! `csl-stream cost`: what a night costs, before there is an export to look at. It asks nobody.

use super::args::CostArgs;
use super::printer::{Printer, columns};
use crate::error::Result;
use crate::ops::cost::{Night, Nights, nights};
use crate::report::words::{duration, plural, size, usd};

/// Runs the command.
pub(super) fn run(printer: Printer, args: &CostArgs) -> Result<()> {
    let nights = nights(&args.bytes, args.rate, args.vcpus);
    printer.json(&nights)?;
    printer.result(&text(&nights))
}

fn text(nights: &Nights) -> String {
    let title = ["CSV", "CONVERT", "FARGATE", "LAMBDA", "GLUE"].map(str::to_owned).to_vec();
    let rows: Vec<_> = std::iter::once(title).chain(nights.nights.iter().map(row)).collect();
    format!(
        "{}\n{} at {} of CSV a second each. While Redshift copies, a minute costs {} in Fargate, {} in Lambda.\n",
        columns(&rows),
        plural(u64::from(nights.vcpus), "vCPU"),
        size(nights.bytes_per_vcpu_second),
        usd(nights.copy_minute.fargate_usd),
        usd(nights.copy_minute.lambda_usd),
    )
}

fn row(night: &Night) -> Vec<String> {
    let lambda = night.cost.lambda_usd.map_or("too long".to_owned(), usd);
    vec![
        size(night.csv_bytes),
        duration(night.convert_seconds as f64),
        usd(night.cost.fargate_usd),
        lambda,
        usd(night.cost.glue_usd),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_long_for_a_function_says_so() {
        let lambda = |bytes, rate| row(&nights(&[bytes], rate, 4).nights[0])[3].clone();
        assert_eq!(lambda(50_000_000_000, 1_000_000), "too long");
        assert_eq!(lambda(1_000_000_000, 140_000_000), "$0.0002");
    }
}
