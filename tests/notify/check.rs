//! `csl-stream check` of those who hear of loads, and of the Glue job.

use super::{NIGHT, OLD, moto_endpoints};
use crate::moto::moto;
use crate::world::World;

#[test]
fn listeners_and_glue_are_looked_at() {
    let topic = moto().ask("print(sns.create_topic(Name='looked-at')['TopicArn'])");
    moto().ask(
        "dynamodb.create_table(TableName='looked-at', BillingMode='PAY_PER_REQUEST', \
         KeySchema=[{'AttributeName': 'loadFile', 'KeyType': 'HASH'}], \
         AttributeDefinitions=[{'AttributeName': 'loadFile', 'AttributeType': 'S'}])\n\
         glue.create_database(DatabaseInput={'Name': 'looked_at'})\n\
         glue.create_job(Name='looked-at', Role='r', Command={'Name': 'glueetl'})",
    );
    let absent = topic.replace("looked-at", "absent");
    let cases = [
        ("CSL_NOTIFY_SUCCESS_TOPIC_ARN", &*topic, &*absent, "listener"),
        ("CSL_DYNAMODB_PROCESSED_FILES_TABLE", "looked-at", "absent", "listener"),
        ("CSL_GLUE_JOB_NAME", "looked-at", "absent", "Glue job"),
        ("CSL_GLUE_DATABASE", "looked_at", "absent", "Data Catalog"),
    ];
    let world = World::new();
    world.export("full", NIGHT, OLD, &[1]);
    for (variable, there, absent, what) in cases {
        for (value, sign, sound) in [(there, '✔', true), (absent, '✖', false)] {
            let mut command = world.command(&["check", "--table", "t"]);
            let output = command.envs(moto_endpoints()).env(variable, value).output().unwrap();
            let said = String::from_utf8_lossy(&output.stdout);
            assert!(said.contains(&format!("{sign} {what}: ")), "{variable}={value}: {said}");
            assert_eq!(output.status.success(), sound, "{variable}={value}: {said}");
        }
    }
}
