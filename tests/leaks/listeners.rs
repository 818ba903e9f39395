//! Who is told of a run: webhooks of alerts, and SNS, SQS and DynamoDB by moto's server.

use crate::bench::SIGNED;
use crate::draw::{Draw, Listeners};
use crate::gather::{Piece, Place};
use crate::listen::serve;
use crate::moto::moto;
use axum::Router;
use axum::body::Bytes;
use axum::http::HeaderMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tokio::runtime::Runtime;

/// Makes a run's queues, topic and tables; `NAME` stands for their name.
const MAKE: &str = "
for end in ('load', 'dead', 'told', 'others'):
    sqs.create_queue(QueueName=f'NAME-{end}')
topic = sns.create_topic(Name='NAME')['TopicArn']
sns.subscribe(TopicArn=topic, Protocol='sqs', Endpoint='arn:aws:sqs:us-east-1:123456789012:NAME-told')
key = lambda name, kind: {'AttributeName': name, 'KeyType': kind}
attribute = lambda name: {'AttributeName': name, 'AttributeType': 'S'}
dynamodb.create_table(TableName='NAME-batches', BillingMode='PAY_PER_REQUEST',
    AttributeDefinitions=[attribute('s3Prefix'), attribute('batchId')],
    KeySchema=[key('s3Prefix', 'HASH'), key('batchId', 'RANGE')])
dynamodb.create_table(TableName='NAME-files', BillingMode='PAY_PER_REQUEST',
    AttributeDefinitions=[attribute('loadFile')], KeySchema=[key('loadFile', 'HASH')])
";

/// Everything that they hold, each as a list of texts.
const ALL: &str = "
def waiting(end):
    url = sqs.get_queue_url(QueueName=f'NAME-{end}')['QueueUrl']
    sqs.set_queue_attributes(QueueUrl=url, Attributes={'VisibilityTimeout': '0'})
    found = []
    for _ in range(8):
        found += sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, AttributeNames=['All'],
            MessageAttributeNames=['All'], VisibilityTimeout=0).get('Messages', [])
    return json.dumps(found, ensure_ascii=False)
def items(end):
    return json.dumps(dynamodb.scan(TableName=f'NAME-{end}')['Items'], ensure_ascii=False, default=str)
print(json.dumps({**{end: waiting(end) for end in ('load', 'dead', 'told', 'others')},
                  **{end: items(end) for end in ('batches', 'files')}}, ensure_ascii=False))
";

pub(crate) struct Heard {
    draw: Draw,
    address: SocketAddr,
    said: Arc<Mutex<Vec<Vec<u8>>>>,
    _runtime: Runtime,
    /// The beginning of the names in moto.
    pub(crate) name: Option<String>,
}

impl Heard {
    pub(crate) fn start(draw: &Draw) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let said = Arc::new(Mutex::new(Vec::new()));
        let shared = Arc::clone(&said);
        let hear = move |headers: HeaderMap, body: Bytes| {
            let shared = Arc::clone(&shared);
            async move { shared.lock().unwrap().push([format!("{headers:?}").as_bytes(), &body].concat()) }
        };
        let (address, runtime) = serve(Router::new().fallback(hear));
        let name = draw.needs_moto().then(|| {
            let name = format!("leaks-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
            moto().ask(&MAKE.replace("NAME", &name));
            name
        });
        Self { draw: draw.clone(), address, said, _runtime: runtime, name }
    }

    /// The URL of one of the run's queues.
    pub(crate) fn queue(&self, end: &str) -> String {
        format!("{}/123456789012/{}-{end}", moto().endpoint(), self.name.as_deref().unwrap())
    }

    pub(crate) fn url(&self, name: &str) -> String {
        format!("http://{}/{name}/HUSH9ALERTPATH1?token=HUSH9ALERTQUERY1", self.address)
    }

    pub(crate) fn variables(&self) -> Vec<(&'static str, String)> {
        let mut all = Vec::new();
        if self.draw.listeners != Listeners::None {
            all.extend([
                ("CSL_ALERTS_SLACK_URL", self.url("slack")),
                ("CSL_ALERTS_TEAMS_URL", self.url("teams")),
                ("CSL_ALERTS_WEBHOOK_URL", self.url("webhook")),
                ("CSL_ALERTS_WEBHOOK_SECRET", "HUSH9ALERTSECRET1".to_owned()),
            ]);
        }
        let Some(name) = &self.name else { return all };
        all.extend(
            ["SNS", "SQS", "DYNAMODB"]
                .map(|service| match service {
                    "SNS" => "AWS_ENDPOINT_URL_SNS",
                    "SQS" => "AWS_ENDPOINT_URL_SQS",
                    _ => "AWS_ENDPOINT_URL_DYNAMODB",
                })
                .map(|variable| (variable, moto().endpoint().to_owned())),
        );
        if self.draw.listeners == Listeners::All {
            let topic = format!("arn:aws:sns:us-east-1:123456789012:{name}");
            all.extend([
                ("CSL_NOTIFY_SUCCESS_TOPIC_ARN", topic.clone()),
                ("CSL_NOTIFY_FAILURE_TOPIC_ARN", topic),
                ("CSL_DYNAMODB_BATCHES_TABLE", format!("{name}-batches")),
                ("CSL_DYNAMODB_PROCESSED_FILES_TABLE", format!("{name}-files")),
            ]);
        }
        all
    }

    /// Puts an order into the run's queue of SQS.
    pub(crate) fn send(&self, body: &str) {
        let body = serde_json::json!(body);
        moto().ask(&format!("sqs.send_message(QueueUrl='{}', MessageBody={body})", self.queue("load")));
    }

    pub(crate) fn pieces(&self) -> Vec<Piece> {
        let piece = |place, name: &str, bytes: Vec<u8>| Piece { place, name: name.to_owned(), bytes };
        let said = self.said.lock().unwrap();
        let mut all: Vec<Piece> =
            said.iter().map(|body| piece(Place::Alert, "an alert", body.clone())).collect();
        let Some(name) = &self.name else { return all };
        let held = moto().ask(&ALL.replace("NAME", name));
        let held: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&held).unwrap();
        all.extend(held.iter().map(|(end, text)| {
            let place = match end.as_str() {
                "load" | "dead" | "others" => Place::Queue,
                "told" => Place::Sns,
                _ => Place::DynamoDb,
            };
            piece(place, end, text.as_str().unwrap().as_bytes().to_vec())
        }));
        all
    }
}

/// A webhook of an export, as ControlShift sends it.
pub(crate) fn webhook(key: &str, table: &str) -> String {
    let url = format!("https://exports.s3.amazonaws.com/{key}?{SIGNED}");
    serde_json::json!({
        "type": "data.full_table_exported", "jid": "cf0f50d7d225e20a188be328",
        "data": { "url": url, "table": table, "s3": { "bucket": "exports", "key": key } }
    })
    .to_string()
}
