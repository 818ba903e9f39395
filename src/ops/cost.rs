//! What a run costs, by list prices of us-east-1. Pure.
//!
//! A job in a container or a function costs its time; the Glue job that it takes the place of costs its
//! DPUs' time and a crawler of ten minutes at least.

use serde::Serialize;

/// US dollars for one vCPU of Fargate (x86) for an hour.
const FARGATE_VCPU_HOUR: f64 = 0.04048;
/// US dollars for one GB of Fargate's memory for an hour.
const FARGATE_GB_HOUR: f64 = 0.004445;
/// GB that Fargate gives to a vCPU at least.
const FARGATE_GB_PER_VCPU: f64 = 2.0;
/// Fargate bills a minute at least.
const FARGATE_SECONDS_MIN: f64 = 60.0;
/// US dollars for a GB-second of Lambda (x86).
const LAMBDA_GB_SECOND: f64 = 0.000_016_666_7;
/// GB of the largest function, which has about six vCPUs.
const LAMBDA_GB: f64 = 10.0;
/// vCPUs of the largest function.
const LAMBDA_VCPUS: f64 = 6.0;
/// A function ends after this time.
const LAMBDA_SECONDS_MAX: f64 = 900.0;
/// US dollars for one DPU of Glue for an hour.
const GLUE_DPU_HOUR: f64 = 0.44;
/// DPUs of a job, unless told otherwise.
const GLUE_DPUS: f64 = 10.0;
/// A crawler: DPUs, and seconds at least.
const CRAWLER_DPUS: f64 = 2.0;
/// See [`CRAWLER_DPUS`].
const CRAWLER_SECONDS: f64 = 600.0;
/// Bytes of CSV that the Glue job gets through in a second: about two dollars for 50 GB.
const GLUE_BYTES_PER_SECOND: f64 = 33_000_000.0;
/// A job is billed with a minute at least.
const GLUE_SECONDS_MIN: f64 = 60.0;

/// What a run comes to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Work {
    /// Uncompressed CSV.
    pub csv_bytes: u64,
    /// Seconds on this many threads.
    pub seconds: u64,
    /// Threads.
    pub threads: usize,
}

/// US dollars for one run, by where it runs.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Cost {
    /// On Fargate with as many vCPUs as threads.
    pub fargate_usd: f64,
    /// In the largest function; none if that would take longer than a function may.
    pub lambda_usd: Option<f64>,
    /// By the Glue job and its crawler.
    pub glue_usd: f64,
}

/// The cost of a run.
pub fn cost(work: Work) -> Cost {
    let threads = work.threads.max(1) as f64;
    let seconds = work.seconds as f64;
    let lambda_seconds = seconds * threads / LAMBDA_VCPUS;
    let glue_hours = (work.csv_bytes as f64 / GLUE_BYTES_PER_SECOND).max(GLUE_SECONDS_MIN) / 3600.0;
    Cost {
        fargate_usd: fargate(threads, seconds.max(FARGATE_SECONDS_MIN)),
        lambda_usd: (lambda_seconds <= LAMBDA_SECONDS_MAX).then_some(lambda(lambda_seconds)),
        glue_usd: GLUE_DPU_HOUR * (GLUE_DPUS * glue_hours + CRAWLER_DPUS * CRAWLER_SECONDS / 3600.0),
    }
}

/// US dollars for a minute of waiting, as for a COPY: a task of so many vCPUs, and the largest function.
pub fn minute(vcpus: usize) -> (f64, f64) {
    (fargate(vcpus.max(1) as f64, 60.0), lambda(60.0))
}

fn fargate(vcpus: f64, seconds: f64) -> f64 {
    vcpus * (FARGATE_VCPU_HOUR + FARGATE_GB_PER_VCPU * FARGATE_GB_HOUR) * seconds / 3600.0
}

fn lambda(seconds: f64) -> f64 {
    seconds * LAMBDA_GB * LAMBDA_GB_SECOND
}

/// What nights cost, before there is an export to look at.
#[derive(Debug, Serialize)]
pub struct Nights {
    /// vCPUs of the Fargate task.
    pub vcpus: u16,
    /// Bytes of CSV that one of them converts in a second.
    pub bytes_per_vcpu_second: u64,
    /// One for each size.
    pub nights: Vec<Night>,
    /// A minute in which Redshift copies and the load waits.
    pub copy_minute: Minute,
}

/// One size.
#[derive(Debug, Serialize)]
pub struct Night {
    /// Uncompressed CSV.
    pub csv_bytes: u64,
    /// How long it is converted.
    pub convert_seconds: u64,
    /// What that costs.
    #[serde(flatten)]
    pub cost: Cost,
}

/// US dollars for a minute in which Redshift copies and the load waits.
#[derive(Debug, Serialize)]
pub struct Minute {
    /// In Fargate.
    pub fargate_usd: f64,
    /// In the largest function.
    pub lambda_usd: f64,
}

/// What nights of these sizes cost on so many vCPUs, each of which converts `rate` bytes in a second.
pub fn nights(csv_bytes: &[u64], rate: u64, vcpus: u16) -> Nights {
    let threads = usize::from(vcpus);
    let (fargate_usd, lambda_usd) = minute(threads);
    Nights {
        vcpus,
        bytes_per_vcpu_second: rate,
        nights: csv_bytes.iter().map(|&csv_bytes| night(csv_bytes, rate, threads)).collect(),
        copy_minute: Minute { fargate_usd, lambda_usd },
    }
}

fn night(csv_bytes: u64, rate: u64, threads: usize) -> Night {
    let in_a_second = rate.max(1).saturating_mul(threads.max(1) as u64);
    let seconds = csv_bytes.div_ceil(in_a_second);
    Night { csv_bytes, convert_seconds: seconds, cost: cost(Work { csv_bytes, seconds, threads }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minute_costs_a_sixtieth_of_an_hour() {
        let (fargate, lambda) = minute(4);
        assert!((fargate * 60.0 - 4.0 * (0.04048 + 2.0 * 0.004445)).abs() < 1e-9, "{fargate}");
        assert!((lambda - 0.01).abs() < 1e-6, "{lambda}");
    }

    #[test]
    fn known_runs_cost_what_was_reckoned_by_hand() {
        let near = |a: f64, b: f64| (a - b).abs() < 0.005 * b.max(0.01);
        for (csv_bytes, seconds, threads, fargate, lambda, glue) in [
            // 4 vCPU × (0.04048 + 2 × 0.004445) × 0.25 h; 600 s × 10 GB; 1,515 s × 10 DPU + a crawler.
            (50_000_000_000, 900, 4, 0.04937, Some(0.1), 1.9985),
            // A minute at least, everywhere.
            (1_000_000, 1, 1, 0.000_823, Some(0.000_027_8), 0.22),
            (500_000_000_000, 9000, 4, 0.4937, None, 18.67),
        ] {
            let cost = cost(Work { csv_bytes, seconds, threads });
            assert!(near(cost.fargate_usd, fargate) && near(cost.glue_usd, glue), "{cost:?}");
            assert_eq!(cost.lambda_usd.is_some(), lambda.is_some(), "{cost:?}");
            assert!(cost.lambda_usd.zip(lambda).is_none_or(|(a, b)| near(a, b)), "{cost:?}");
        }
    }

    #[test]
    fn nights_take_as_long_as_the_rate_says() {
        for (csv_bytes, rate, threads, seconds) in [
            (50_000_000_000, 140_000_000, 4, 90),
            (50_000_000_000, 140_000_000, 1, 358),
            (1, 140_000_000, 4, 1),
            (u64::MAX, 1, 1, u64::MAX),
            (10, 0, 0, 10),
        ] {
            let night = night(csv_bytes, rate, threads);
            assert_eq!(night.convert_seconds, seconds, "{csv_bytes} {rate} {threads}");
        }
    }
}
