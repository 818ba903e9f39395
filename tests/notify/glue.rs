//! Glue: the job that a load must not meet.

use super::{NIGHT, OLD, backfill};
use crate::moto::moto;
use crate::world::World;

/// One test, because how long moto's runs take is one setting for all jobs.
#[test]
fn a_load_does_not_begin_while_the_old_job_runs() {
    // The run counts how often it was looked at, and ends at that look.
    let start = |job: &str, looks: u32| {
        moto().ask(&format!(
            "body = json.dumps({{'model_name': 'glue::job_run', \
             'transition': {{'progression': 'manual', 'times': {looks}}}}}).encode()\n\
             urllib.request.urlopen(urllib.request.Request(url + '/moto-api/state-manager/set-transition', \
             data=body, method='POST'))\n\
             glue.create_job(Name='{job}', Role='r', Command={{'Name': 'glueetl'}})\n\
             glue.start_job_run(JobName='{job}')"
        ));
    };
    let world = World::new();
    world.export("full", NIGHT, OLD, &[1]);
    start("long", 1000);
    let refused = backfill(&world, &[("CSL_GLUE_JOB_NAME", "long"), ("CSL_GLUE_WAIT_MINUTES", "0")], &[]);
    assert_eq!(refused.code, Some(7), "{refused:#?}");
    assert!(refused.err.contains("the Glue job long is still running"), "{refused:#?}");
    assert_eq!((world.ids(), world.objects("stage").len()), (String::new(), 0));

    start("short", 3);
    let waited = backfill(&world, &[("CSL_GLUE_JOB_NAME", "short"), ("CSL_GLUE_WAIT_MINUTES", "1")], &[]);
    assert_eq!(waited.code, Some(0), "{waited:#?}");
    assert!(waited.err.contains("waiting for its end"), "{waited:#?}");
    assert_eq!(world.ids(), "1");

    world.export("full", "20260302031500", OLD, &[2]);
    let unreachable = [("CSL_GLUE_JOB_NAME", "short"), ("AWS_ENDPOINT_URL_GLUE", "http://127.0.0.1:1")];
    assert_eq!(backfill(&world, &unreachable, &[]).code, Some(7), "who cannot look does not load");
    let unguarded = backfill(&world, &[("CSL_GLUE_JOB_NAME", "absent")], &[]);
    assert_eq!(unguarded.code, Some(0), "{unguarded:#?}");
    let told = "there is no Glue job absent: no load waits for it";
    assert!(unguarded.err.contains(told), "{unguarded:#?}");
    assert!(crate::warnings(&unguarded).iter().any(|warning| warning.contains(told)), "{unguarded:#?}");
    assert_eq!(world.ids(), "2");
}

#[test]
fn staged_files_are_a_partition_of_a_table_in_the_catalog() {
    moto().ask("glue.create_database(DatabaseInput={'Name': 'agra'})");
    let world = World::new();
    let catalog = [("CSL_GLUE_DATABASE", "agra")];
    let mut ids = Vec::new();
    for at in [NIGHT, "20260302031500"] {
        world.export("full", at, OLD, &[1, 2]);
        let answer = backfill(&world, &catalog, &[]);
        assert_eq!((answer.code, crate::warnings(&answer)), (Some(0), Vec::new()), "{answer:#?}");
        ids.push(answer.json()["load_id"].as_str().unwrap().to_owned());
    }
    let table = moto().ask(
        "table = glue.get_table(DatabaseName='agra', Name='t')['Table']\n\
         print(' '.join(f\"{c['Name']}:{c['Type']}\" for c in table['StorageDescriptor']['Columns']))\n\
         print(table['PartitionKeys'][0]['Name'], table['VersionId'])",
    );
    let columns = "email:string created_at:timestamp score:decimal(5,2) params:string active:boolean \
                   petition_id:bigint id:bigint";
    assert_eq!(table, format!("{columns}\nload_id 2"));
    let partitions = moto().ask(
        "found = glue.get_partitions(DatabaseName='agra', TableName='t')['Partitions']\n\
         print('\\n'.join(p['Values'][0] + ' ' + p['StorageDescriptor']['Location'] for p in found))",
    );
    let place = |id: &String| format!("{id} s3://stage/csl/_catalog/t/load_id={id}/");
    assert_eq!(partitions, ids.iter().map(place).collect::<Vec<_>>().join("\n"));
    let list = world.objects(&format!("stage/csl/_catalog/t/load_id={}", ids[1]));
    assert_eq!(list.len(), 1, "{list:?}");

    world.export("full", "20260303031500", OLD, &[1]);
    let answer = backfill(&world, &[("CSL_GLUE_DATABASE", "absent")], &[]);
    assert_eq!(answer.code, Some(0), "{answer:#?}");
    assert!(answer.json()["warnings"].to_string().contains("not in the Data Catalog"), "{answer:#?}");
}
