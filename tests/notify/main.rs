//! Who hears of a load, and what a load waits for: the program as a process, AWS by moto's server, Redshift
//! by its stand-in.

#![cfg(feature = "aws")]
#![allow(clippy::unwrap_used)]

mod alerts;
#[path = "../support/answer.rs"]
mod answer;
#[path = "../support/aws.rs"]
mod aws;
mod check;
mod glue;
#[path = "../support/listen.rs"]
mod listen;
#[path = "../support/moto.rs"]
mod moto;
#[path = "../support/postgres.rs"]
#[allow(dead_code, reason = "what other tests need")]
mod postgres;
#[path = "../support/redshift/mod.rs"]
mod redshift;
#[path = "../support/s3.rs"]
mod s3;
mod tables;
mod topics;
#[path = "../redshift/world.rs"]
#[allow(dead_code, reason = "what other tests need")]
mod world;

use moto::moto;
use world::{Answer, World};

const NIGHT: &str = "20260301031500";
const OLD: &str = "2026-01-05 12:34:56.789";

/// Backfills the table `t`, with these variables on top.
fn backfill(world: &World, variables: &[(&str, &str)], more: &[&str]) -> Answer {
    let words = [&["backfill", "--table", "t", "--json"], more].concat();
    let mut command = world.command(&words);
    let output = command.envs(moto_endpoints()).envs(variables.iter().copied()).output().unwrap();
    Answer::of(output)
}

/// What else went wrong, but for the tidying up that the user of the tests may not do: the table is not its own.
fn warnings(answer: &Answer) -> Vec<String> {
    let report = answer.json();
    let all = report["warnings"].as_array().into_iter().flatten();
    all.map(|warning| warning.as_str().unwrap().to_owned())
        .filter(|text| !text.contains("did not run"))
        .collect()
}

/// Where the services are that moto plays.
fn moto_endpoints() -> impl Iterator<Item = (String, &'static str)> {
    ["SNS", "DYNAMODB", "GLUE"]
        .map(|service| (format!("AWS_ENDPOINT_URL_{service}"), moto().endpoint()))
        .into_iter()
}
