//! One run from front to end, and units of it in any order, twice, and begun at wrong places: the same files, rejects,
//! counts, words and exit codes.
//!
//! `CSL_TEST_UNITS` exports are drawn; a failure names its `CSL_SEED`.

use crate::seed;
use crate::support::{Files, MemorySink, MemorySource, table};
use csl_stream::Result;
use csl_stream::bzip2::Stream;
use csl_stream::pipeline::{
    ConvertOptions, Here, Job, Known, Outcome, Ranges, Receipt, RejectsPlace, Seam, Spec, Start, Unit, Units,
    Watch, convert, convert_in_units, run_unit,
};
use csl_stream::report::{RunReport, Seconds, Stages};
use csl_stream::schema::Table;
use csl_stream::store::{ByteSource, ExportKind, SegmentSink};
use std::cell::RefCell;
use std::io::Write as _;
use std::path::Path;

const URI: &str = "memory";

fn columns() -> Table {
    table(&[
        ("id", "bigint", false),
        ("name", "character varying(12)", true),
        ("at", "timestamp", true),
        ("note", "text", true),
        ("part", "double precision", true),
    ])
}

/// What a run leaves: everything that anybody can see of it.
#[derive(Debug, PartialEq)]
struct Left {
    files: Files,
    rejects: Vec<Option<Vec<u8>>>,
    report: RunReport,
    error: Option<(String, String, u8)>,
}

fn left(outcome: Outcome, sink: &MemorySink, rejects: &Path) -> Left {
    let (report, error) = match outcome {
        Ok(report) => (report, None),
        Err((report, error)) => {
            let help = error.detail().map(|detail| detail.help.clone()).unwrap_or_default();
            (*report, Some((error.to_string(), help, error.exit_code())))
        }
    };
    let report = RunReport { seconds: Seconds::default(), stages: Stages::default(), ..report };
    let files = [rejects.to_owned(), rejects.with_extension("jsonl")];
    let kept = files.iter().map(|path| std::fs::read(path).ok()).collect();
    files.iter().for_each(|path| drop(std::fs::remove_file(path)));
    Left { files: sink.files(), rejects: kept, report, error }
}

struct Export {
    stored: Vec<u8>,
    options: ConvertOptions,
    read_bytes: usize,
}

impl Export {
    fn source(&self, from: u64) -> Box<dyn ByteSource> {
        let from = usize::try_from(from).unwrap().min(self.stored.len());
        let length = self.stored.len() as u64;
        Box::new(MemorySource::new(&self.stored[from..], self.read_bytes, URI).of_length(length))
    }

    fn job(&self, rejects: &Path) -> Job {
        let place = RejectsPlace::file(rejects.to_owned());
        Job { rejects: Some(place), ..Job::new("test", columns(), ExportKind::Full, self.source(0)) }
    }

    fn in_one_run(&self, rejects: &Path) -> Left {
        let sink = MemorySink::default();
        let outcome = convert(self.job(rejects), &self.options, &sink, &Watch::default());
        left(outcome, &sink, rejects)
    }

    fn in_units(&self, rejects: &Path, units: &dyn Units) -> Left {
        let sink = MemorySink::default();
        let outcome = convert_in_units(self.job(rejects), &self.options, &sink, units, &Watch::default());
        left(outcome, &sink, rejects)
    }
}

/// Runs units in random order, some twice, and some at places that are none.
struct Shaken<'a> {
    rng: RefCell<fastrand::Rng>,
    ranges: &'a Ranges<'a>,
    is_bzip2: bool,
}

impl Shaken<'_> {
    fn lie(&self, spec: &Spec, number: u64) -> Known {
        let mut rng = self.rng.borrow_mut();
        let unit_bytes = spec.unit_bytes().unwrap();
        let offset = rng.u64(1..=unit_bytes.min(5_000) + 10);
        let from = number * unit_bytes;
        match self.is_bzip2 {
            false => Known { seam: Seam { unit: number, mark: from, offset }, csv: from, stream: None },
            true => {
                let mark = from * 8 + rng.u64(..unit_bytes * 8);
                let stream = Some(Stream { level: rng.u8(1..=9), crc: rng.u32(..) });
                Known { seam: Seam { unit: number, mark, offset }, csv: rng.u64(..1_000_000), stream }
            }
        }
    }
}

impl Units for Shaken<'_> {
    fn run(
        &self,
        spec: &Spec,
        units: &[Unit],
        sink: &dyn SegmentSink,
        watch: &Watch,
        done: &mut dyn FnMut(Receipt),
    ) -> Result<()> {
        let mut order = units.to_vec();
        // Later rounds are told where they begin.
        if units.len() > 1 && units.iter().all(|unit| unit.start == Start::Found) {
            order.retain(|_| self.rng.borrow_mut().u8(..20) > 0);
            for unit in units.iter().filter(|unit| unit.number > 0) {
                if self.rng.borrow_mut().u8(..4) == 0 {
                    let start = Start::Known(self.lie(spec, unit.number));
                    order.push(Unit { start, ..*unit });
                }
                if self.rng.borrow_mut().u8(..4) == 0 {
                    order.push(*unit);
                }
            }
            self.rng.borrow_mut().shuffle(&mut order);
        }
        // As another process has it.
        let spec = Spec::from_json(&spec.to_json()?)?;
        order.into_iter().try_for_each(|unit| {
            let unit = serde_json::from_str(&serde_json::to_string(&unit).unwrap()).unwrap();
            let receipt = run_unit(&spec, unit, self.ranges, sink, watch)?;
            done(serde_json::from_str(&serde_json::to_string(&receipt).unwrap()).unwrap());
            Ok(())
        })
    }
}

fn text(rng: &mut fastrand::Rng, newline: &str) -> String {
    match rng.usize(..9) {
        0 => String::new(),
        1 => "\"\"".to_owned(),
        2 => format!("\"a,{newline}{}\"", rng.u32(..)),
        3 => format!("\"{}\"", ["\"\"", ",", newline, "x"][rng.usize(..4)].repeat(rng.usize(1..9))),
        4 => format!("\"{{\"\"a\"\": [1,{newline}\"\"{}\"\"]}}\"", rng.u32(..)),
        5 => "çelik".to_owned(),
        _ => format!("n{}", rng.u32(..)),
    }
}

fn record(rng: &mut fastrand::Rng, id: usize, newline: &str, faults: u32) -> String {
    let (name, note) = (text(rng, newline), text(rng, newline));
    let note = match rng.usize(..60) {
        0 => "long ".repeat(rng.usize(..4_000)),
        1 => format!("\"{}\"", format!("1,n,,{newline}").repeat(rng.usize(..500))),
        _ => note,
    };
    let mut fields =
        vec![id.to_string(), name, "2024-02-01 10:00:00".to_owned(), note, rng.f64().to_string()];
    if rng.u32(..1_000) < faults {
        match rng.usize(..6) {
            0 => fields[2] = "soon".to_owned(),
            1 => fields.push("more".to_owned()),
            2 => drop(fields.pop()),
            3 => fields[3] = format!("a\"{newline}b\"c"),
            4 => fields[0] = "\0".to_owned(),
            // The quotes of all that follows are turned round.
            _ if rng.usize(..10) == 0 => fields[3] = "a\"b".to_owned(),
            _ => fields[4] = "x\ry".to_owned(),
        }
    }
    fields.join(",") + newline
}

fn csv(rng: &mut fastrand::Rng) -> Vec<u8> {
    let newline = ["\n", "\r\n"][rng.usize(..2)];
    let faults = [0, 5, 100][rng.usize(..3)];
    let mut csv = if rng.u8(..8) == 0 { "\u{feff}".to_owned() } else { String::new() };
    csv += &format!("id,name,at,note,part{newline}");
    let bytes = [300, 10_000, 200_000][rng.usize(..3)];
    for id in 0.. {
        if csv.len() >= bytes {
            break;
        }
        csv += &record(rng, id, newline, faults);
    }
    let mut csv = csv.into_bytes();
    match rng.usize(..40) {
        // Without the last line end, or half of it, or cut somewhere.
        0 => csv.truncate(csv.len() - newline.len()),
        1 => csv.truncate(csv.len() - 1),
        2 => csv.truncate(rng.usize(..csv.len())),
        3 => csv.truncate(20 + newline.len()),
        _ => {}
    }
    csv
}

fn bzip2_streams(rng: &mut fastrand::Rng, csv: &[u8]) -> Vec<u8> {
    let mut cuts: Vec<usize> = match rng.usize(..3) {
        0 => vec![],
        1 => vec![rng.usize(..=csv.len())],
        _ => (0..rng.usize(1..20)).map(|_| rng.usize(..=csv.len())).collect(),
    };
    cuts.extend([0, csv.len()]);
    cuts.sort_unstable();
    let level = rng.u32(1..=2);
    let pack = |bytes: &[u8]| {
        let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::new(level));
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    };
    cuts.windows(2).flat_map(|cut| pack(&csv[cut[0]..cut[1]])).collect()
}

fn draw(rng: &mut fastrand::Rng) -> (Export, &'static str) {
    let csv = csv(rng);
    let (mut stored, packed) = match rng.usize(..7) {
        0..3 => (csv, "plain"),
        3..6 => (bzip2_streams(rng, &csv), "bzip2"),
        _ => (crate::support::packed::gzip(&csv), "gzip"),
    };
    match rng.usize(..24) {
        0 if !stored.is_empty() => {
            let at = rng.usize(..stored.len());
            stored[at] ^= 1 << rng.u8(..8);
        }
        1 => stored.truncate(rng.usize(..=stored.len())),
        2 => stored.extend((0..rng.usize(1..40)).map(|_| b"\0z"[usize::from(packed == "plain")])),
        _ => {}
    }
    let sizes = [1 << 10, 3_000, 3_001, 10_000, 50_000, 1 << 20];
    let options = ConvertOptions {
        threads: rng.usize(1..4),
        row_group_bytes: [500, 20_000, 1 << 24][rng.usize(..3)],
        segment_bytes: sizes[rng.usize(..sizes.len())],
        max_rejects: [0, 3, u64::MAX][rng.usize(..8).min(2)],
        allow_open_end: rng.bool(),
        ..ConvertOptions::default()
    };
    (Export { stored, options, read_bytes: [7, 4_096, usize::MAX][rng.usize(..3)] }, packed)
}

#[test]
fn units_in_any_order_are_one_run() {
    let runs = std::env::var("CSL_TEST_UNITS").ok().map_or(80, |runs| runs.parse().unwrap());
    let mut rng = fastrand::Rng::with_seed(seed::seed());
    let dir = tempfile::tempdir().unwrap();
    let rejects = dir.path().join("rejects.csv");
    let (mut failed, mut several) = (0, 0);
    for run in 0..runs {
        let (export, packed) = draw(&mut rng);
        let want = export.in_one_run(&rejects);
        failed += usize::from(want.error.is_some());
        several += usize::from(want.files.len() > 3);
        let ranges = |from: u64, _: u64| Ok(export.source(from));
        let shaken = Shaken { rng: RefCell::new(rng.fork()), ranges: &ranges, is_bzip2: packed == "bzip2" };
        let got = export.in_units(&rejects, &shaken);
        same(&got, &want, &format!("run {run}, {packed}, {} bytes", export.stored.len()));
    }
    let is_wild = several * 10 > runs && failed * 20 > runs && failed * 4 < runs * 3;
    assert!(is_wild || runs < 80, "of {runs} exports {several} became several files, and {failed} failed");
}

/// Says what is different, not everything.
fn same(got: &Left, want: &Left, what: &str) {
    assert_eq!(got.error, want.error, "{what}");
    assert_eq!(got.report, want.report, "{what}");
    assert_eq!(got.files.keys().collect::<Vec<_>>(), want.files.keys().collect::<Vec<_>>(), "{what}");
    assert!(got.rejects == want.rejects, "{what}: other rejects");
    assert!(got.files == want.files, "{what}: other files");
}

#[test]
fn every_byte_is_a_seam() {
    let dir = tempfile::tempdir().unwrap();
    let rejects = dir.path().join("rejects.csv");
    for newline in ["\n", "\r\n"] {
        let mut csv = format!("id,name,at,note,part{newline}");
        for note in
            ["", "\"\"", "\"\"\"\"", "\"\"\",\"\"\"", "\"a\nb\"", "\"\n\"\"\n\"", "x", "\"\n1,,,,\n2,,,,\n\""]
        {
            csv += &format!("7,\"n\",soon,{},1{newline}", note.replace('\n', newline));
            csv += &format!("7,,,{},{newline}", note.replace('\n', newline));
        }
        for segment_bytes in 1..csv.len() as u64 {
            let options = ConvertOptions {
                threads: 1,
                segment_bytes,
                max_rejects: u64::MAX,
                ..ConvertOptions::default()
            };
            let export = Export { stored: csv.clone().into_bytes(), options, read_bytes: usize::MAX };
            let want = export.in_one_run(&rejects);
            assert_eq!((want.report.rows.accepted, want.report.rows.rejected), (8, 8), "{:?}", want.error);
            let ranges = |from: u64, _: u64| Ok(export.source(from));
            let got = export.in_units(&rejects, &Here { ranges: &ranges });
            same(&got, &want, &format!("units of {segment_bytes}"));
        }
    }
}

/// Runs units here, notes which were asked for round by round, and loses some of them.
struct Watched<'a> {
    here: Here<'a>,
    rounds: RefCell<Vec<Vec<u64>>>,
    is_lost: &'a dyn Fn(&Spec, &Unit) -> bool,
}

impl Units for Watched<'_> {
    fn run(
        &self,
        spec: &Spec,
        units: &[Unit],
        sink: &dyn SegmentSink,
        watch: &Watch,
        done: &mut dyn FnMut(Receipt),
    ) -> Result<()> {
        self.rounds.borrow_mut().push(units.iter().map(|unit| unit.number).collect());
        let left: Vec<Unit> = units.iter().filter(|unit| !(self.is_lost)(spec, unit)).copied().collect();
        self.here.run(spec, &left, sink, watch, done)
    }
}

impl Export {
    /// Which units are asked for, round by round, until all is as by one run.
    fn rounds(&self, is_lost: &dyn Fn(&Spec, &Unit) -> bool) -> Vec<Vec<u64>> {
        let dir = tempfile::tempdir().unwrap();
        let rejects = dir.path().join("rejects.csv");
        let ranges = |from: u64, _: u64| Ok(self.source(from));
        let watched = Watched { here: Here { ranges: &ranges }, rounds: RefCell::default(), is_lost };
        same(&self.in_units(&rejects, &watched), &self.in_one_run(&rejects), "in rounds");
        watched.rounds.into_inner()
    }
}

/// Most units must find their place by themselves, or a cluster would do all work in order.
#[test]
fn units_of_sound_exports_find_their_place() {
    let mut rng = fastrand::Rng::with_seed(seed::seed());
    let mut csv = "id,name,at,note,part\n".to_owned();
    (0..4_000).for_each(|id| csv += &record(&mut rng, id, "\n", 0));
    for (stored, segment_bytes) in
        [(csv.clone().into_bytes(), 40_000), (bzip2_streams(&mut rng, csv.as_bytes()), 60_000)]
    {
        let options = ConvertOptions { segment_bytes, ..ConvertOptions::default() };
        let rounds = Export { stored, options, read_bytes: usize::MAX }.rounds(&|_, _| false);
        let first = rounds[0].len();
        // The last unit may be less than a record.
        assert!(first > 4 && rounds.len() <= 2 + first / 20, "{rounds:?}");
    }
}

/// Units that must be told where they begin are so together: on other machines each round is a job.
#[test]
fn units_are_run_again_in_rounds() {
    let mut rng = fastrand::Rng::with_seed(seed::seed());
    let mut csv = "id,name,at,note,part\n".to_owned();
    (0..4_000).for_each(|id| csv += &format!("{id},n{},2024-02-01 10:00:00,,1\n", rng.u32(..)));
    let options = ConvertOptions { segment_bytes: 6_000, ..ConvertOptions::default() };
    let export = Export { stored: csv.into_bytes(), options, read_bytes: usize::MAX };
    let rounds = export.rounds(&|_, unit| unit.start == Start::Found && unit.number % 3 == 2);
    let first = rounds[0].len();
    assert!(first > 20 && rounds.len() == 2 && rounds[1].len() >= first / 3, "{rounds:?}");
}

/// What was taken is not run again, whatever units say that lie inside of one record.
#[test]
fn what_was_taken_is_left_alone() {
    let line = "7,n,2024-02-01 10:00:00,,1\n";
    let mut csv = "id,name,at,note,part\n".to_owned() + &line.repeat(60);
    // Lines of a text that look like records, over more than two units.
    csv += &format!("8,n,2024-02-01 10:00:00,\"{}\",1\n", line.repeat(100));
    csv += &"9,\"n\",2024-02-01 10:00:00,\"\",1\n".repeat(60);
    let options = ConvertOptions { segment_bytes: 1_000, ..ConvertOptions::default() };
    let export = Export { stored: csv.into_bytes(), options, read_bytes: usize::MAX };
    // The last one comes in the second round, and it alone.
    let is_last = |spec: &Spec, unit: &Unit| unit.number + 1 == spec.units();
    let rounds = export.rounds(&|spec, unit| unit.start == Start::Found && is_last(spec, unit));
    assert_eq!((rounds.len(), rounds[1].len()), (2, 1), "{rounds:?}");
}
