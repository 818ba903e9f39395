//! The search finds what is there: a mark planted in each kind of place is a leak, and without it there is none.

use crate::bench::Bench;
use crate::draw::{Data, Draw, Entry, Listeners, Policy, Trouble};
use crate::gather::{Place, gather};
use crate::judge::judge;
use crate::moto::moto;
use crate::runs;
use crate::table::{Holds, tables, text};
use csl_stream::queue::LoadOrder;
use csl_stream::store::ExportKind;
use std::process::{Command, Stdio};

/// Everything is hidden that can be.
fn hidden() -> Draw {
    let table = tables().into_iter().find(|table| table.name == "signatures").unwrap();
    let rules = table.columns.iter().map(|column| {
        (format!("signatures.{}", column.name), if column.name == "id" { "keep" } else { "null" }.to_owned())
    });
    Draw {
        seed: 1,
        entry: Entry::Backfill,
        is_redshift: true,
        policy: Policy { rules: rules.collect(), ..Policy::default() },
        data: Data::Sound,
        rows: 12,
        ending: "",
        trouble: Trouble::None,
        log: &[],
        verbose: None,
        listeners: Listeners::All,
        max_rejects: 0,
        overlong: "truncate",
        report_values: false,
        json: false,
        table,
    }
}

#[test]
fn what_is_planted_is_found() {
    let draw = hidden();
    let bench = Bench::new(&draw);
    runs::act(&bench, &draw);
    assert_eq!(*bench.codes.borrow(), [Some(0)]);
    let sound = judge(&draw, &gather(&bench));
    assert_eq!(sound.leaks, Vec::<String>::new());

    let at = draw.table.columns.iter().position(|column| column.holds == Holds::Text(255)).unwrap();
    let column = &draw.table.columns[at].name;
    let planted = format!("{} HUSH9TOKEN1", text(at, 5));
    let write = |name: &str, bytes: &[u8]| {
        let path = bench.run_dir().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    };
    for name in ["tmp/spill", "report.json", "x.rejects.csv", "warehouse/t/.loads/1.json", "out/cut.parquet"]
    {
        write(name, planted.as_bytes());
    }
    write(&planted, b"");
    // A load of the same export that knows no rule.
    let careless = Draw { policy: Policy::default(), ..draw.clone() };
    let url = format!("@{}", bench.run_dir().parent().unwrap().join("in/url").display());
    bench.run(&careless, &["convert", "--table", "signatures", "--out", "open", &url], Place::Told);
    for name in ["stage/csl/x/part.json", "stage/csl/rejects/x.rejects.csv", "stage/csl/t/1/load.json"] {
        bench.s3.put(name, planted.clone());
    }
    bench.s3.put("stage/csl/t/1/part-00000.parquet", open_parquet(&bench));
    let mirror = bench.mirror.as_ref().unwrap();
    mirror.database.run(&format!(
        "CREATE TABLE csl_stream_other (x text); INSERT INTO csl_stream_other VALUES ('{planted}'); \
         UPDATE signatures SET {column} = '{planted}'; UPDATE csl_stream_loads SET source_uri = '{planted}'"
    ));
    let url = format!("https://h/x?{planted}");
    let order =
        LoadOrder { download_url: url, table: "signatures".to_owned(), s3: None, kind: ExportKind::Full };
    runs::send(&bench, &order);
    bench.heard.send(&planted);
    let name = bench.heard.name.as_deref().unwrap();
    moto().ask(&format!(
        "sns.publish(TopicArn='arn:aws:sns:us-east-1:123456789012:{name}', Message='{planted}')\n\
         dynamodb.put_item(TableName='{name}-files', Item={{'loadFile': {{'S': '{planted}'}}}})\n\
         urllib.request.urlopen(urllib.request.Request('{}', b'{planted}'))",
        bench.heard.url("slack")
    ));
    bench.note(Place::Told, "stderr of it", planted.clone().into_bytes());
    let mut waits = Command::new("sh");
    let mut waits = waits.args(["-c", "read it", &planted]).stdin(Stdio::piped()).spawn().unwrap();
    while !bench.said.borrow().iter().any(|piece| piece.place == Place::Arguments && piece.holds(&planted)) {
        bench.look_at_arguments(waits.id());
    }
    waits.kill().unwrap();
    waits.wait().unwrap();
    let mut crashes = Command::new("sh");
    crashes.args(["-c", "ulimit -c unlimited; read PLANTED < x.rejects.csv; kill -ABRT $$"]);
    crashes.current_dir(bench.run_dir()).status().unwrap();

    let found = judge(&draw, &gather(&bench)).leaks;
    let all = found.join("\n");
    for (place, name) in [
        ("Elsewhere", "tmp/spill"),
        ("Elsewhere", "a name"),
        ("Report", "report.json"),
        ("Report", "warehouse/t/.loads/1.json"),
        ("Rejects", "x.rejects.csv"),
        ("Output", "out/cut.parquet"),
        ("Elsewhere", "s3://stage/csl/x/part.json"),
        ("Rejects", "s3://stage/csl/rejects/x.rejects.csv"),
        ("Report", "s3://stage/csl/t/1/load.json"),
        ("Elsewhere", "rows of csl_stream_other"),
        ("Output", "rows of signatures"),
        ("Report", "rows of csl_stream_loads"),
        ("Queue", "queue.db"),
        ("Queue", "load"),
        ("Sns", "told"),
        ("DynamoDb", "files"),
        ("Alert", "an alert"),
        ("Told", "stderr of it"),
        ("Arguments", "arguments of"),
        ("Core", "core"),
    ] {
        for mark in ["Value", "Secret"] {
            let is_found = found.iter().any(|leak| {
                leak.starts_with(&format!("{place}: {name}")) && leak.contains(&format!(": {mark}"))
            });
            assert!(is_found, "{place} {name} {mark} in {all}");
        }
    }
    // Each column of the careless conversion, in every form.
    for name in ["unpacked open/", "unpacked s3://stage/csl/t/1/"] {
        for (at, column) in draw.table.columns.iter().enumerate() {
            let is_found = found
                .iter()
                .any(|leak| leak.contains(name) && leak.contains(&format!(" of {} (", column.name)));
            let is_expected = column.holds.has_mark() && draw.rule(at) != csl_stream::privacy::Rule::Keep;
            assert_eq!(is_found, is_expected, "{name} {} in {all}", column.name);
        }
    }
}

fn open_parquet(bench: &Bench) -> Vec<u8> {
    let files = std::fs::read_dir(bench.run_dir().join("open")).unwrap().map(|entry| entry.unwrap().path());
    let parquet =
        files.into_iter().find(|path| path.extension().is_some_and(|end| end == "parquet")).unwrap();
    std::fs::read(parquet).unwrap()
}
