//! What goes wrong, one thing at a time; each passes.

use crate::crew::Crew;
use crate::redshift::{Act, At, Call};
use crate::s3::{Fault, Kind};
use crate::world::World;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// What the schema's address may answer instead: a page of HTML, half a JSON, no table, nothing.
const NO_SCHEMA: &[&str] =
    &["<html>we are back soon</html>", "{\"tables\": [{\"table\"", "{\"tables\": []}", ""];
/// As if every worker had been too slow to renew.
const LEASES_LOST: &str = "UPDATE message SET waits_until_ms = 0";
/// Longest that a full disk or a bad schema lasts, in milliseconds.
const SPELL_MS_MAX: u64 = 4_000;
/// A worker that sleeps longer than this has lost what it had taken.
const SLEEP_MS_MAX: u64 = 60_000;

pub(crate) struct Weather<'a> {
    world: &'a World,
    random: fastrand::Rng,
    /// Deaths of a message that may still be caused: one more could make a dead letter of a sound export.
    deaths_left: u32,
    schema_until: Option<Instant>,
    disk_until: Option<Instant>,
    /// How often each thing happened.
    pub(crate) seen: BTreeMap<&'static str, usize>,
}

impl<'a> Weather<'a> {
    pub(crate) fn new(world: &'a World, random: fastrand::Rng, deaths_left: u32) -> Self {
        let (schema_until, disk_until) = (None, None);
        Self { world, random, deaths_left, schema_until, disk_until, seen: BTreeMap::new() }
    }

    /// Ends what has lasted long enough; time passes for messages that wait.
    pub(crate) fn look(&mut self) {
        let now = Instant::now();
        if self.schema_until.take_if(|until| *until <= now).is_some() {
            self.world.set_schema(None);
        }
        if self.disk_until.take_if(|until| *until <= now).is_some() {
            std::fs::remove_file(self.filler()).unwrap();
        }
        // A full disk refuses; the next look comes.
        let _ = self
            .world
            .queue_sql("UPDATE message SET waits_until_ms = 0 WHERE receipt IS NULL AND waits_until_ms > 0");
    }

    /// One more thing goes wrong.
    pub(crate) fn blow(&mut self, crew: &mut Crew<'_>) {
        let things = if self.world.mirror.is_some() { 10 } else { 8 };
        let (who, spell) =
            (self.random.usize(..64), Duration::from_millis(self.random.u64(500..SPELL_MS_MAX)));
        let name = match self.random.u8(..things) {
            0 | 1 if self.may_kill() => {
                crew.kill(who);
                "kills"
            }
            2 => {
                crew.term(who);
                "terminations"
            }
            3 if self.may_kill() => {
                crew.stop(who, Duration::from_millis(self.random.u64(100..SLEEP_MS_MAX)));
                "stops"
            }
            4 if self.may_kill() => match self.world.queue_sql(LEASES_LOST) {
                Ok(_) => "leases lost",
                Err(_) => "leases kept",
            },
            5 => {
                self.world.set_schema(Some(NO_SCHEMA[self.random.usize(..NO_SCHEMA.len())]));
                self.schema_until = Some(Instant::now() + spell);
                "bad schemas"
            }
            6 if self.disk_until.is_none() => {
                self.fill_disk();
                self.disk_until = Some(Instant::now() + spell);
                "full disks"
            }
            8 | 9 => {
                self.trouble_redshift();
                "faults of Redshift"
            }
            _ => {
                let fault = self.s3_fault();
                self.world.s3.fault(fault);
                "faults of S3"
            }
        };
        *self.seen.entry(name).or_default() += 1;
    }

    /// The end of the storm. What the dead had taken is nobody's any more; one death is kept for that.
    pub(crate) fn calm(&mut self) {
        let now = Some(Instant::now());
        self.schema_until = self.schema_until.and(now);
        self.disk_until = self.disk_until.and(now);
        self.world.s3.clear_faults();
        if let Some(mirror) = &self.world.mirror {
            mirror.redshift.clear_script();
        }
        self.look();
        self.world.queue_sql(LEASES_LOST).unwrap();
    }

    fn may_kill(&mut self) -> bool {
        let may = self.deaths_left > 0;
        self.deaths_left = self.deaths_left.saturating_sub(1);
        may
    }

    fn s3_fault(&mut self) -> Fault {
        let kinds = [Kind::Get, Kind::Head, Kind::Put, Kind::List, Kind::Delete, Kind::Get, Kind::Get];
        let kind = kinds[self.random.usize(..kinds.len())];
        let times = self.random.usize(1..8);
        match self.random.u8(..5) {
            0 => Fault::Cut { bytes: self.random.usize(..60), times },
            1 => Fault::Timeout { kind, times },
            2 => Fault::Lost { kind, times },
            // An export that is not there yet, a grant that comes.
            3 => Fault::Withheld { prefix: "exports/", status: [403, 404][self.random.usize(..2)], times },
            _ => Fault::Answer { kind, status: [500, 503][self.random.usize(..2)], times },
        }
    }

    fn trouble_redshift(&mut self) {
        let Some(mirror) = &self.world.mirror else { return };
        let redshift = &mirror.redshift;
        let calls = [
            Call::ExecuteStatement,
            Call::BatchExecuteStatement,
            Call::DescribeStatement,
            Call::GetStatementResult,
            Call::CancelStatement,
        ];
        let call = calls[self.random.usize(..calls.len())];
        let times = self.random.usize(1..4);
        let sqls = ["COPY", "INSERT", "DELETE", "SELECT", "csl_stream_loads"];
        let sql = sqls[self.random.usize(..sqls.len())].to_owned();
        match self.random.u8(..9) {
            0 => redshift.throttle(call, times),
            1 => redshift.drop_answer(call, 1),
            2 => redshift.fail_answer(call, 1),
            3 => redshift.lose_session(&sql, 1),
            4 => redshift.fail_serialization("COPY", times),
            5 => redshift.script(At::Commit("COPY".to_owned()), Act::Abort, 1),
            6 => redshift.script(At::Committed("COPY".to_owned()), Act::Sleep(Duration::from_secs(3)), 1),
            7 => redshift.script(At::Statement(sql), Act::Abort, 1),
            _ => redshift.stay_picked(Duration::from_secs(2), 1),
        }
    }

    fn filler(&self) -> PathBuf {
        self.world.dir.join("filler")
    }

    /// To the last byte.
    fn fill_disk(&self) {
        let mut file = std::fs::File::create(self.filler()).unwrap();
        for bytes in [1 << 20, 4096, 1] {
            let block = vec![b'x'; bytes];
            while file.write_all(&block).is_ok() {}
        }
    }
}
