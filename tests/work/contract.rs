//! What every queue must do, whatever it is made of: one list of rules, run against each.

use crate::moto::{SHARED, moto};
use csl_stream::queue::{LoadOrder, Message, ObjectName, Queue, QueueSettings, Reason, Redrive, VISIBILITY};
use csl_stream::store::ExportKind;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const NOW: Duration = Duration::ZERO;
const SECOND: Duration = Duration::from_secs(1);

/// A queue that nobody else uses.
struct Subject {
    queue: Queue,
    settings: QueueSettings,
    dir: TempDir,
    runtime: tokio::runtime::Runtime,
    name: &'static str,
}

impl Subject {
    fn new(name: &'static str) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let dir = tempfile::tempdir().unwrap();
        let mut settings =
            QueueSettings { url: None, dead_letter_url: None, path: dir.path().join("queue.db") };
        if name != "local" {
            let count = COUNT.fetch_add(1, Ordering::Relaxed);
            let fifo = name == "fifo";
            settings.url = Some(make_queue(&format!("contract-{count}"), fifo));
            settings.dead_letter_url = Some(make_queue(&format!("contract-{count}-dead"), fifo));
        }
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let queue = Queue::open(&settings).unwrap();
        Self { queue, settings, dir, runtime, name }
    }

    fn all() -> Vec<Self> {
        let names: &[_] = if is_below() { &["standard", "fifo"] } else { &["local"] };
        names.iter().copied().map(Self::new).collect()
    }

    fn send(&self, order: &LoadOrder) {
        self.runtime.block_on(self.queue.send(order)).unwrap();
    }

    fn take(&self, most: usize) -> Vec<Message> {
        self.runtime.block_on(self.queue.receive(most, SECOND)).unwrap()
    }

    fn one(&self) -> Message {
        let mut taken = self.take(1);
        assert_eq!(taken.len(), 1, "{}", self.name);
        taken.remove(0)
    }

    fn nothing(&self) {
        let taken = self.runtime.block_on(self.queue.receive(10, NOW)).unwrap();
        assert_eq!(taken, [], "{}", self.name);
    }

    fn run<T>(&self, call: impl Future<Output = csl_stream::Result<T>>) -> T {
        self.runtime.block_on(call).unwrap()
    }

    /// Sends what no program of ours would.
    fn send_raw(&self, body: &str) {
        match &self.settings.url {
            None => {
                let db = rusqlite::Connection::open(&self.settings.path).unwrap();
                let sql = "INSERT INTO message (body, lane, kind, waits_until_ms) VALUES (?1, 'x', '', 0)";
                db.execute(sql, [body]).unwrap();
            }
            Some(url) => {
                let group =
                    if self.name == "fifo" { ", MessageGroupId='x', MessageDeduplicationId='x'" } else { "" };
                moto().ask(&format!("sqs.send_message(QueueUrl='{url}', MessageBody='{body}'{group})"));
            }
        }
    }
}

/// AWS's settings come from the environment, so what asks SQS runs in a process below this one.
fn is_below() -> bool {
    std::env::var_os(SHARED).is_some()
}

#[test]
fn every_rule_holds_for_sqs_too() {
    if is_below() {
        return;
    }
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["contract::", "--nocapture"]).env(SHARED, moto().endpoint());
    command.env("AWS_ENDPOINT_URL_SQS", moto().endpoint()).env("AWS_REGION", "us-east-1");
    command.env("AWS_ACCESS_KEY_ID", "a").env("AWS_SECRET_ACCESS_KEY", "b");
    let output = command.output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&said));
}

/// Makes a queue and gives its URL.
pub(crate) fn make_queue(name: &str, fifo: bool) -> String {
    let (name, attributes) = match fifo {
        true => (format!("{name}.fifo"), ", Attributes={'FifoQueue': 'true'}"),
        false => (name.to_owned(), ""),
    };
    moto().ask(&format!("print(sqs.create_queue(QueueName='{name}'{attributes})['QueueUrl'])"))
}

fn order(table: &str, kind: ExportKind, at: u32) -> LoadOrder {
    let kind_word = if kind == ExportKind::Full { "full" } else { "incremental" };
    let key = format!("org/{kind_word}/{table}/20260301/{table}_20260301{at:06}.csv");
    LoadOrder {
        download_url: format!("https://b.s3.amazonaws.com/{key}?Signature=SECRET{at}"),
        table: table.to_owned(),
        s3: Some(ObjectName { bucket: "b".to_owned(), key }),
        kind,
    }
}

fn full(table: &str, at: u32) -> LoadOrder {
    order(table, ExportKind::Full, at)
}

fn read(message: &Message) -> LoadOrder {
    LoadOrder::parse(&message.body).unwrap()
}

fn reason() -> Reason {
    Reason { text: "it is bad; fix it".to_owned(), exit_code: 5 }
}

#[test]
fn what_is_sent_is_taken_once_and_deleted() {
    for subject in Subject::all() {
        let sent = full("t", 1);
        subject.run(subject.queue.ready());
        subject.nothing();
        subject.send(&sent);
        let taken = subject.one();
        assert_eq!((read(&taken), taken.tries), (sent, 1), "{}", subject.name);
        subject.nothing();
        assert_eq!(subject.run(subject.queue.taken()), 1, "{}", subject.name);
        subject.run(subject.queue.delete(&taken));
        subject.nothing();
        assert_eq!(subject.run(subject.queue.taken()), 0, "{}", subject.name);
    }
}

#[test]
fn what_is_put_back_comes_again_after_its_delay() {
    for subject in Subject::all() {
        subject.send(&full("t", 1));
        let taken = subject.one();
        subject.run(subject.queue.give_back(&taken, NOW));
        let again = subject.one();
        assert!(again.tries == if subject.name == "local" { 1 } else { 2 }, "{}: {again:?}", subject.name);
        assert!(subject.run(subject.queue.begin(&again, VISIBILITY)), "{}", subject.name);
        let started = Instant::now();
        subject.run(subject.queue.retry(&again, 2 * SECOND));
        subject.nothing();
        let mut taken = Vec::new();
        while taken.is_empty() && started.elapsed() < 10 * SECOND {
            taken = subject.take(1);
        }
        assert!(started.elapsed() >= SECOND, "{}: {:?}", subject.name, started.elapsed());
        assert_eq!(taken[0].tries, again.tries + 1, "{}", subject.name);
    }
}

/// A message counts from the moment its own load begins: not when it was taken with others, and not when it
/// was given back.
#[test]
fn loads_are_counted_and_not_takings() {
    let subject = Subject::new("local");
    let again = |subject: &Subject| {
        let db = rusqlite::Connection::open(&subject.settings.path).unwrap();
        db.execute("UPDATE message SET waits_until_ms = 0", []).unwrap();
        subject.one()
    };
    subject.send(&full("t", 1));
    let counted = |message: &Message| (message.tries, message.deaths);
    let mut message = subject.one();
    for _ in 0..9 {
        message = again(&subject);
    }
    assert_eq!(counted(&message), (1, Some(0)), "its takers died, and its load had not begun");
    assert!(
        subject.run(subject.queue.begin(&message, VISIBILITY))
            && subject.run(subject.queue.begin(&message, VISIBILITY))
    );
    subject.run(subject.queue.give_back(&message, NOW));
    message = subject.one();
    assert_eq!(counted(&message), (1, Some(0)), "a load that was given back is none");
    subject.run(subject.queue.begin(&message, VISIBILITY));
    message = again(&subject);
    assert_eq!(counted(&message), (2, Some(1)), "its load killed its worker");
    subject.run(subject.queue.begin(&message, VISIBILITY));
    assert_eq!(subject.run(subject.queue.put_off()), 0);
    subject.run(subject.queue.retry(&message, SECOND * 60));
    assert_eq!(subject.run(subject.queue.put_off()), 1);
    let lost = message;
    message = again(&subject);
    assert_eq!(counted(&message), (3, Some(1)), "a failure that was told is nobody's death");
    assert!(!subject.run(subject.queue.begin(&lost, VISIBILITY)), "it is somebody else's now");
    subject.run(subject.queue.begin(&message, VISIBILITY));
    subject.run(subject.queue.bury(&message, &reason()));
    assert_eq!(subject.run(subject.queue.dead_letters())[0].tries, Some(3));
}

/// Who was too slow to keep its message, and has not died, takes its own death back and nobody else's.
#[test]
fn a_load_that_outlived_its_lease_is_no_death() {
    let subject = Subject::new("local");
    subject.send(&full("t", 1));
    let slow = subject.one();
    subject.run(subject.queue.begin(&slow, VISIBILITY));
    let db = rusqlite::Connection::open(&subject.settings.path).unwrap();
    db.execute("UPDATE message SET waits_until_ms = 0", []).unwrap();
    let second = subject.one();
    assert_eq!((second.tries, second.deaths), (2, Some(1)));
    subject.run(subject.queue.begin(&second, VISIBILITY));
    assert!(
        !subject.run(subject.queue.retry(&slow, NOW)) && !subject.run(subject.queue.give_back(&slow, NOW))
    );
    subject.run(subject.queue.outlived(&slow));
    db.execute("UPDATE message SET waits_until_ms = 0", []).unwrap();
    let third = subject.one();
    assert_eq!((third.tries, third.deaths), (3, Some(1)), "the second has died");
    subject.run(subject.queue.outlived(&second));
    subject.run(subject.queue.outlived(&second));
    db.execute("UPDATE message SET waits_until_ms = 0", []).unwrap();
    assert_eq!(subject.one().deaths, Some(0), "never less than none");
}

/// SQS hides a message whose load begins for as long as the worker says: if it dies, so long.
#[test]
fn a_message_of_sqs_is_hidden_for_as_long_as_its_load_wants() {
    for subject in Subject::all().into_iter().filter(|subject| subject.name != "local") {
        subject.send(&full("t", 1));
        let taken = subject.one();
        assert!(subject.run(subject.queue.begin(&taken, SECOND)), "{}", subject.name);
        std::thread::sleep(2 * SECOND);
        let taken = subject.one();
        assert!(subject.run(subject.queue.begin(&taken, 60 * SECOND)), "{}", subject.name);
        std::thread::sleep(2 * SECOND);
        subject.nothing();
    }
}

/// The webhook that comes later need not be the younger one: its delivery may have been tried again.
#[test]
fn the_url_that_lives_longer_is_kept() {
    let until = |at: u32| LoadOrder {
        download_url: format!("https://b.s3.amazonaws.com/k?Expires={at}&Signature=SECRET"),
        ..full("t", 1)
    };
    let none = full("t", 1);
    for (first, second, kept) in [
        (until(2000), until(1000), until(2000)),
        (until(1000), until(2000), until(2000)),
        (until(1000), none.clone(), until(1000)),
        (none.clone(), until(1000), until(1000)),
        (none.clone(), full("t", 1), none),
    ] {
        let subject = Subject::new("local");
        subject.send(&first);
        subject.send(&second);
        let taken = subject.take(10);
        assert_eq!((taken.len(), read(&taken[0]).download_url), (1, kept.download_url));
    }
}

#[test]
fn only_its_taker_keeps_or_deletes_a_message() {
    for subject in Subject::all() {
        subject.send(&full("t", 1));
        let first = subject.one();
        assert!(subject.run(subject.queue.renew(&first, VISIBILITY)), "{}", subject.name);
        subject.run(subject.queue.give_back(&first, NOW));
        if subject.name == "local" {
            // SQS lets an old receipt delete a standard queue's message: AWS says so, moto too.
            assert!(!subject.run(subject.queue.renew(&first, VISIBILITY)), "{}", subject.name);
            subject.run(subject.queue.delete(&first));
            subject.run(subject.queue.bury(&first, &reason()));
        }
        let second = subject.one();
        subject.run(subject.queue.delete(&second));
        assert!(subject.run(subject.queue.dead_letters()).is_empty());
    }
}

#[test]
fn of_one_table_one_taker_has_messages() {
    for subject in Subject::all().into_iter().filter(|subject| subject.queue.is_by_table()) {
        for at in 1..=3 {
            subject.send(&order("t", ExportKind::Incremental, at));
        }
        let first = subject.take(2);
        assert_eq!(first.len(), 2, "{}", subject.name);
        subject.nothing();
        subject.send(&full("u", 9));
        let other = subject.one();
        assert_eq!(read(&other).table, "u", "{}", subject.name);
        if subject.name == "local" {
            let more = subject.run(subject.queue.receive_more(&first[0], 1));
            assert!(more.len() == 1 && subject.run(subject.queue.renew(&more[0], VISIBILITY)), "{more:?}");
            subject.run(subject.queue.give_back(&more[0], NOW));
        }
        first.iter().for_each(|message| subject.run(subject.queue.delete(message)));
        let rest = subject.take(10);
        let ats: Vec<_> =
            first.iter().chain(&rest).map(|message| read(message).exported_at().unwrap()).collect();
        assert_eq!(ats, ["20260301000001", "20260301000002", "20260301000003"], "{}", subject.name);
    }
}

#[test]
fn the_same_export_again_is_no_second_message_while_the_first_waits() {
    for subject in Subject::all().into_iter().filter(|subject| subject.name != "standard") {
        subject.send(&full("t", 1));
        subject.send(&full("t", 1));
        assert_eq!(subject.take(10).len(), 1, "{}", subject.name);
    }
}

#[test]
fn dead_letters_have_a_reason_and_come_back() {
    for subject in Subject::all() {
        for at in 1..=12 {
            subject.send(&full(&format!("t{at}"), at));
        }
        let mut buried = 0;
        while buried < 12 {
            for message in subject.take(10) {
                subject.run(subject.queue.bury(&message, &reason()));
                buried += 1;
            }
        }
        subject.nothing();
        let letters = subject.run(subject.queue.dead_letters());
        assert_eq!(letters.len(), 12, "{}", subject.name);
        let letter = &letters[0];
        assert_eq!((letter.reason.as_str(), letter.exit_code), ("it is bad; fix it", Some(5)));
        assert!(letter.tries == Some(1) && letter.died_at.is_some(), "{letter:?}");
        assert!(letter.export.as_ref().unwrap().starts_with("s3://b/org/full/t"), "{letter:?}");
        assert!(!format!("{letters:?}").contains("SECRET"), "{}", subject.name);

        let unknown = Redrive::Ids(vec!["no such id".to_owned()]);
        assert!(subject.run(subject.queue.redrive(&unknown)).is_empty(), "{}", subject.name);
        let which = Redrive::Ids(vec![letter.id.clone()]);
        assert_eq!(subject.run(subject.queue.redrive(&which)), std::slice::from_ref(&letter.id));
        let back = subject.one();
        assert_eq!((Some(read(&back).table), back.tries), (letter.table.clone(), 1), "{}", subject.name);
        assert_eq!(subject.run(subject.queue.redrive(&Redrive::All)).len(), 11, "{}", subject.name);
        assert!(subject.run(subject.queue.dead_letters()).is_empty(), "{}", subject.name);
    }
}

/// The dead letter's URL is the older one, and may have run out.
#[test]
fn a_redrive_leaves_the_url_of_a_message_that_waits() {
    let subject = Subject::new("local");
    let old = full("t", 1);
    subject.send(&old);
    subject.run(subject.queue.bury(&subject.one(), &reason()));
    let fresh = LoadOrder { download_url: old.download_url.replace("SECRET", "FRESH"), ..old };
    subject.send(&fresh);
    assert_eq!(subject.run(subject.queue.redrive(&Redrive::All)).len(), 1);
    assert_eq!(read(&subject.one()), fresh);
    subject.nothing();
}

/// A clock may be set back between the sending and the taking.
#[test]
fn what_is_sent_waits_for_no_clock() {
    let subject = Subject::new("local");
    subject.send(&full("t", 1));
    let db = rusqlite::Connection::open(&subject.settings.path).unwrap();
    let until: i64 = db.query_row("SELECT waits_until_ms FROM message", [], |row| row.get(0)).unwrap();
    assert_eq!(until, 0);
}

/// SQLite goes on with files that have no name any more.
#[test]
fn what_nobody_would_read_is_not_taken() {
    for name in ["queue.db", "queue.db-wal", "queue.db-shm"] {
        let subject = Subject::new("local");
        subject.send(&full("t", 1));
        subject.run(subject.queue.ready());
        std::fs::remove_file(subject.dir.path().join(name)).unwrap();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let refused = runtime.block_on(subject.queue.send(&full("t", 2))).unwrap_err();
        assert!(refused.to_string().contains("cannot be written"), "{name}: {refused}");
        assert!(runtime.block_on(subject.queue.ready()).is_err(), "{name}");
    }
}

#[test]
fn what_is_no_load_message_is_taken_and_buried_like_any_other() {
    for subject in Subject::all() {
        subject.send_raw("not JSON");
        let taken = subject.one();
        assert!(LoadOrder::parse(&taken.body).is_err());
        subject.run(subject.queue.bury(&taken, &reason()));
        let letters = subject.run(subject.queue.dead_letters());
        assert_eq!((letters.len(), &letters[0].table), (1, &None), "{}", subject.name);
    }
}

#[test]
fn the_local_file_is_its_owners_alone_and_shared_by_processes() {
    use std::os::unix::fs::PermissionsExt;
    let subject = Subject::new("local");
    let other = Queue::open(&subject.settings).unwrap();
    subject.send(&full("t", 1));
    let taken = subject.run(other.receive(1, SECOND));
    subject.nothing();
    subject.run(other.delete(&taken[0]));
    for name in ["queue.db", "queue.db-wal", "queue.db-shm"] {
        let mode = std::fs::metadata(subject.dir.path().join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

/// Prints how many messages a second are durable; a debug build on a busy machine is the floor.
#[test]
fn many_senders_share_a_commit() {
    let subject = Subject::new("local");
    let (senders, each) = (64, 30);
    let queue = std::sync::Arc::new(Queue::open(&subject.settings).unwrap());
    let started = Instant::now();
    subject.runtime.block_on(async {
        let mut tasks = tokio::task::JoinSet::new();
        for sender in 0..senders {
            let queue = queue.clone();
            tasks.spawn(async move {
                for at in 0..each {
                    queue.send(&full("t", sender * 1000 + at)).await.unwrap();
                }
            });
        }
        tasks.join_all().await;
    });
    let rate = f64::from(senders * each) / started.elapsed().as_secs_f64();
    println!("{rate:.0} durable sends a second by {senders} senders");
    assert_eq!(subject.take(5000).len(), (senders * each) as usize);
    assert!(rate > 200.0, "{rate:.0} a second");
}

#[test]
fn what_a_queue_holds_is_told() {
    for subject in Subject::all() {
        for at in 1..=4 {
            subject.send(&full(&format!("t{at}"), at));
        }
        let state = subject.run(subject.queue.state());
        assert_eq!((state.waiting, state.taken, state.dead), (4, 0, Some(0)), "{}", subject.name);
        // SQS tells the age to CloudWatch alone.
        assert_eq!(state.oldest.is_some(), subject.name == "local", "{}", subject.name);
        subject.run(subject.queue.bury(&subject.one(), &reason()));
        let held = subject.one();
        let state = subject.run(subject.queue.state());
        assert_eq!((state.waiting, state.taken, state.dead), (2, 1, Some(1)), "{}", subject.name);
        subject.run(subject.queue.delete(&held));
        let state = subject.run(subject.queue.state());
        assert_eq!((state.waiting, state.taken, state.dead), (2, 0, Some(1)), "{}", subject.name);
    }
}
