//! Who has the job done: submits it, waits for it, cancels it, and takes the answers.
//!
//! ```text
//! units without a receipt ─▶ submit ─▶ poll ─┬─ done: fetch the answers
//!        ▲                                   ├─ the scheduler is lost: its successor knows nothing of the job
//!        └──────── at most SUBMITTED_MAX ────┘  (what executors still do of it comes to the same files)
//! ```

use super::plan::{Codec, plan, rows, unplanned};
use super::session::{MESSAGE_BYTES_MAX, session};
use super::tls::{Peer, Security};
use super::work::{Answer, Work, not_json};
use crate::error::{Error, Place, Result, cut};
use crate::pipeline::{Here, Receipt, Spec, Unit, Units, Watch};
use crate::store::{
    Location, Outpost, SegmentSink, StoredObject, clear_unfinished, file_names, open_range, runtime, sink_at,
};
use ballista_core::client::BallistaClient;
use ballista_core::serde::protobuf::execute_query_params::Query;
use ballista_core::serde::protobuf::execute_query_result::Result as Executed;
use ballista_core::serde::protobuf::job_status::Status;
use ballista_core::serde::protobuf::scheduler_grpc_client::SchedulerGrpcClient;
use ballista_core::serde::protobuf::{
    CancelJobParams, ExecuteQueryParams, GetJobStatusParams, KeyValuePair, PartitionLocation,
};
use ballista_core::utils::create_grpc_client_endpoint;
use ballista_core::version::insert_version_header;
use datafusion_proto::physical_plan::AsExecutionPlan;
use datafusion_proto::protobuf::PhysicalPlanNode;
use futures::TryStreamExt;
use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tonic::transport::Channel;

/// How often units without a receipt are submitted.
const SUBMITTED_MAX: u32 = 4;
/// How often the scheduler is asked.
const ASK_EVERY: Duration = Duration::from_millis(100);
/// How often files are counted, as the scheduler says nothing of units before the end.
const COUNT_EVERY: Duration = Duration::from_secs(5);
/// How long a scheduler may know nothing of a job that it was given.
const UNKNOWN_MAX: Duration = Duration::from_secs(5);
/// How long a file that is getting its name while a job is given up takes for that.
const NAMING: Duration = Duration::from_secs(1);
/// Characters of what Ballista says of a failure.
const SAID_CHARS_MAX: usize = 400;
/// How often an answer is fetched, and how long between.
const FETCH_TRIES: (u8, u64) = (3, 250);

/// A cluster, and the export that it converts.
pub struct Cluster {
    scheduler: Peer,
    security: Security,
    source: Location,
    /// How long a scheduler may be away.
    wait: Duration,
    outpost: OnceLock<Option<Outpost>>,
}

/// What became of a submission.
enum Ended {
    Answers(Vec<Answer>),
    /// Nobody knows of it any more.
    Lost(Error),
}

type Client = SchedulerGrpcClient<Channel>;

impl Cluster {
    /// The export must be one that every machine reads by the same name: an object of S3, or a file of a folder that all
    /// have.
    ///
    /// # Errors
    /// [`Error::Usage`] for another.
    pub fn new(scheduler: Peer, security: Security, source: &Location, wait: Duration) -> Result<Self> {
        let refused = || {
            Error::usage("a cluster reads objects of S3, and files of a folder that all its machines have")
                .at(Place::uri(source.to_string()))
                .help("copy the export to one of these, or leave --cluster out")
        };
        let source = match source {
            Location::S3 { .. } => source.clone(),
            Location::Local(path) => {
                let path = std::path::absolute(path).map_err(|cause| refused().because(cause))?;
                if path.to_str().is_none() {
                    return Err(refused());
                }
                Location::Local(path)
            }
            // A signed URL would lie in the scheduler's memory, and in each task.
            Location::Stdin | Location::Https(_) => return Err(refused()),
        };
        Ok(Self { scheduler, security, source, wait, outpost: OnceLock::new() })
    }

    fn outpost(&self, sink: &dyn SegmentSink) -> Result<&Outpost> {
        if self.outpost.get().is_none() {
            let outpost = sink.outpost()?;
            return self.outpost.get_or_init(|| outpost).as_ref().ok_or_else(nowhere);
        }
        self.outpost.get().and_then(Option::as_ref).ok_or_else(nowhere)
    }

    fn all(
        &self,
        spec: &Spec,
        units: &[Unit],
        outpost: &Outpost,
        watch: &Watch,
        done: &mut dyn FnMut(Receipt),
    ) -> Result<()> {
        let work = Work { spec: spec.to_json()?, source: self.source.to_string(), outpost: outpost.clone() };
        let mut left: BTreeMap<u64, Unit> = units.iter().map(|unit| (unit.number, *unit)).collect();
        let mut lost = None;
        for _ in 0..SUBMITTED_MAX {
            if left.is_empty() {
                return Ok(());
            }
            let units: Vec<Unit> = left.values().copied().collect();
            let answers = match self.submitted(&work, &units, (spec, watch))? {
                Ended::Answers(answers) => answers,
                Ended::Lost(why) => {
                    tracing::warn!(%why, units = units.len(), "units are submitted again");
                    lost = Some(why);
                    continue;
                }
            };
            for answer in answers {
                let receipt = match answer {
                    Answer::Receipt(receipt) => *receipt,
                    Answer::TooManyRejects(unit) => {
                        let sink = sink_at(outpost)?;
                        self.here(spec, unit, &*sink, watch, &mut |receipt| {
                            left.remove(&receipt.unit().number);
                            done(receipt);
                        })?;
                        continue;
                    }
                    Answer::GivenUp if watch.stopped() => return Err(Error::Interrupted),
                    Answer::GivenUp => return Err(not_seen(outpost)),
                    Answer::Refused(told) => return Err(told.into()),
                };
                if left.remove(&receipt.unit().number).is_some() {
                    done(receipt);
                }
            }
        }
        if left.is_empty() {
            return Ok(());
        }
        let failed = self.failed("the cluster has not done all units");
        Err(match lost {
            Some(why) => failed.because(why),
            None => failed,
        })
    }

    fn here(
        &self,
        spec: &Spec,
        unit: Unit,
        sink: &dyn SegmentSink,
        watch: &Watch,
        done: &mut dyn FnMut(Receipt),
    ) -> Result<()> {
        let ranges = |from, hint| open_range(&self.source, spec.info(), from, hint);
        Here { ranges: &ranges }.run(spec, &[unit], sink, watch, done)
    }

    /// Submits units, and waits for their answers.
    fn submitted(&self, work: &Work, units: &[Unit], (spec, watch): (&Spec, &Watch)) -> Result<Ended> {
        let mut client = self.connected(watch)?;
        let job = match self.submit(&mut client, work, units) {
            Ok(job) => job,
            Err(error @ Error::Transient(_)) => return Ok(Ended::Lost(error)),
            Err(error) => return Err(error),
        };
        tracing::info!(job, units = units.len(), "submitted");
        let unit_bytes = spec.unit_bytes().unwrap_or(0);
        let (mut counted, mut known) = (Instant::now(), Instant::now());
        loop {
            if watch.stopped() {
                let cancel = client.cancel_job(CancelJobParams { job_id: job });
                if let Err(said) = runtime()?.block_on(cancel) {
                    tracing::warn!(%said, "the job could not be cancelled");
                }
                return Err(Error::Interrupted);
            }
            let asked = client.get_job_status(GetJobStatusParams { job_id: job.clone() });
            let status = match runtime()?.block_on(asked) {
                Ok(status) => status.into_inner().status.and_then(|status| status.status),
                Err(said) => {
                    return Ok(Ended::Lost(
                        self.failed("the scheduler was lost").because(cut(&said.to_string(), SAID_CHARS_MAX)),
                    ));
                }
            };
            match status {
                Some(Status::Successful(done)) => {
                    return match runtime()?.block_on(self.fetched(done.partition_location)) {
                        Ok(answers) => answers
                            .iter()
                            .map(|text| serde_json::from_str(text).map_err(not_json))
                            .collect::<Result<_>>()
                            .map(Ended::Answers),
                        Err(said) => Ok(Ended::Lost(
                            self.failed("answers of units were lost").because(cut(&said, SAID_CHARS_MAX)),
                        )),
                    };
                }
                Some(Status::Failed(said)) => {
                    return Err(self
                        .failed("the cluster has given the job up")
                        .because(cut(&said.error, SAID_CHARS_MAX)));
                }
                Some(_) => known = Instant::now(),
                None if known.elapsed() > UNKNOWN_MAX => {
                    return Ok(Ended::Lost(self.failed("the scheduler knows nothing of the job")));
                }
                None => {}
            }
            if counted.elapsed() > COUNT_EVERY {
                counted = Instant::now();
                let bytes = (staged(&work.outpost)?.len() as u64).saturating_mul(unit_bytes);
                watch
                    .source_bytes
                    .fetch_max(bytes.min(spec.info().bytes.unwrap_or(bytes)), Ordering::Relaxed);
            }
            std::thread::sleep(ASK_EVERY);
        }
    }

    /// A connection to the scheduler, which may have to be waited for.
    fn connected(&self, watch: &Watch) -> Result<Client> {
        let began = Instant::now();
        loop {
            let cause = match runtime()?.block_on(self.connect()) {
                Ok(client) => return Ok(client),
                Err(cause) => cause,
            };
            if watch.stopped() {
                return Err(Error::Interrupted);
            }
            if began.elapsed() > self.wait {
                return Err(self.failed("the scheduler cannot be reached").because(cause));
            }
            watch.wait_for(Some(format!("the scheduler at {}", self.scheduler)));
            std::thread::sleep(ASK_EVERY);
            watch.wait_for(None);
        }
    }

    async fn connect(&self) -> Result<Client, Box<dyn std::error::Error + Send + Sync>> {
        let endpoint = create_grpc_client_endpoint(self.scheduler.url(), None)?;
        let channel = (self.security.endpoints())(endpoint)?.connect().await?;
        Ok(SchedulerGrpcClient::new(channel)
            .max_decoding_message_size(MESSAGE_BYTES_MAX as usize)
            .max_encoding_message_size(MESSAGE_BYTES_MAX as usize))
    }

    /// The job's id.
    fn submit(&self, client: &mut Client, work: &Work, units: &[Unit]) -> Result<String> {
        let node = PhysicalPlanNode::try_from_physical_plan(plan(work, units)?, &Codec::default());
        let mut bytes = Vec::new();
        node.and_then(|node| node.try_encode(&mut bytes)).map_err(unplanned)?;
        if bytes.len() > MESSAGE_BYTES_MAX as usize {
            return Err(Error::usage("the export becomes too many units for one job")
                .help("make the files larger: --segment-size 1GiB"));
        }
        let config = session(&self.security);
        let settings = config.options().entries().into_iter();
        let settings = settings.map(|entry| KeyValuePair { key: entry.key, value: entry.value }).collect();
        let mut request = tonic::Request::new(ExecuteQueryParams {
            query: Some(Query::PhysicalPlan(bytes)),
            settings,
            session_id: uuid::Uuid::now_v7().to_string(),
            operation_id: uuid::Uuid::now_v7().to_string(),
        });
        insert_version_header(request.metadata_mut());
        let answer = runtime()?.block_on(client.execute_query(request));
        let said = match answer {
            Ok(answer) => match answer.into_inner().result {
                Some(Executed::Success(job)) => return Ok(job.job_id),
                Some(Executed::Failure(said)) => format!("{said:?}"),
                None => "nothing".to_owned(),
            },
            Err(status) if status.code() == tonic::Code::FailedPrecondition => {
                return Err(Error::usage("the scheduler is of another version")
                    .at(Place::uri(self.scheduler.to_string()))
                    .help("run the same build on all machines of the cluster")
                    .because(cut(status.message(), SAID_CHARS_MAX)));
            }
            Err(status) => status.to_string(),
        };
        Err(self.failed("the scheduler takes no job").because(cut(&said, SAID_CHARS_MAX)))
    }

    /// The answers, from the executors that hold them.
    async fn fetched(&self, places: Vec<PartitionLocation>) -> Result<Vec<String>, String> {
        let mut answers = Vec::new();
        for place in places {
            let layout = place.layout();
            let (Some(executor), Some(partition)) = (place.executor_meta, place.partition_id) else {
                return Err("nobody has the answers".to_owned());
            };
            let (tries, pause) = FETCH_TRIES;
            let client = BallistaClient::try_new(
                &executor.host,
                u16::try_from(executor.port).unwrap_or_default(),
                MESSAGE_BYTES_MAX as usize,
                self.security.is_tls(),
                Some(self.security.customized()),
                tries,
                pause,
                0,
                0,
            );
            let said = |error: ballista_core::error::BallistaError| error.to_string();
            let mut client = client.await.map_err(said)?;
            let partition = partition.into();
            let fetched = client.fetch_partition(&executor.id, &partition, place.file_id, layout, true);
            let batches: Vec<_> =
                fetched.await.map_err(said)?.try_collect().await.map_err(|error| error.to_string())?;
            for batch in &batches {
                answers.extend(rows(batch).map_err(|error| error.to_string())?);
            }
        }
        Ok(answers)
    }

    fn failed(&self, what: &str) -> Error {
        Error::transient(what)
            .at(Place::uri(self.scheduler.to_string()))
            .help("nothing was loaded; look whether scheduler and executors run, then run it again")
    }
}

impl Units for Cluster {
    fn run(
        &self,
        spec: &Spec,
        units: &[Unit],
        sink: &dyn SegmentSink,
        watch: &Watch,
        done: &mut dyn FnMut(Receipt),
    ) -> Result<()> {
        if spec.units() == 1 {
            return units.iter().try_for_each(|unit| self.here(spec, *unit, sink, watch, done));
        }
        let outpost = self.outpost(sink)?;
        let result = self.all(spec, units, outpost, watch, done).and_then(|()| clear_unfinished(outpost));
        if result.is_err()
            && let Err(error) = give_up(sink, outpost)
        {
            tracing::warn!(%error, "files of a failed run could not be removed");
        }
        result
    }
}

/// Nothing was given up, and an executor does not find what lies there until then.
fn not_seen(outpost: &Outpost) -> Error {
    Error::access("an executor does not find the place that this machine writes to")
        .at(Place::uri(&outpost.shown))
        .help("give all machines that folder at the same path, or the same S3 and the right to read and write there")
}

fn nowhere() -> Error {
    Error::usage("a cluster cannot write there").help("name a folder that all its machines have, or s3://")
}

/// No file comes from here on, and those that came are removed.
fn give_up(sink: &dyn SegmentSink, outpost: &Outpost) -> Result<()> {
    sink.end(false)?;
    std::thread::sleep(NAMING);
    clear_unfinished(outpost)?;
    let location = Location::parse(&outpost.shown)?;
    for name in staged(outpost)? {
        let uri = location.child(&name)?.to_string();
        sink.remove(&StoredObject { uri, name, bytes: 0 })?;
    }
    Ok(())
}

/// Names of the files that executors have written.
fn staged(outpost: &Outpost) -> Result<Vec<String>> {
    let location = Location::parse(&outpost.location)?;
    let begin = format!("{}part-", outpost.prefix);
    let is_staged = |name: &String| name.starts_with(&begin) && name.ends_with(".parquet");
    Ok(file_names(&location)?.into_iter().filter(is_staged).collect())
}
