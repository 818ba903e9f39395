//! The rule as a table, and over ten thousand nights on a clock of their own.

use super::*;
use std::time::UNIX_EPOCH;

const TRIES: u32 = 5;
const HOUR: Duration = Duration::from_secs(3600);

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_772_334_900 + seconds)
}

fn past(age: Option<Duration>, tries: u32) -> (Past, SystemTime) {
    let now = at(0);
    (Past { made: age.map(|age| now - age), tries, deaths: Some(0) }, now)
}

#[test]
fn class_age_and_tries_decide() {
    let (young, gone) = (Some(6 * HOUR - Duration::from_secs(1)), Some(6 * HOUR));
    let retry = |at: usize| Some(Disposition::Retry(RETRY_DELAYS[at]));
    for (error, age, tries, expected) in [
        (Error::transient("x"), young, 1, retry(0)),
        (Error::transient("x"), young, 2, retry(1)),
        (Error::machine("x"), young, 4, retry(3)),
        (Error::transient("x"), young, 70, retry(4)),
        (Error::access("x"), young, 70, retry(4)),
        (Error::access("x"), Some(Duration::ZERO), 1, retry(0)),
        (Error::transient("x"), gone, 4, retry(3)),
        (Error::transient("x"), gone, 5, None),
        (Error::machine("x"), gone, 6, None),
        (Error::access("x"), gone, 1, None),
        (Error::transient("x"), None, 4, retry(3)),
        (Error::transient("x"), None, 5, None),
        (Error::access("x"), None, 1, None),
        (Error::Interrupted, young, 9, Some(Disposition::Back(Duration::ZERO))),
        (Error::Interrupted, gone, 9, Some(Disposition::Back(Duration::ZERO))),
        (Error::usage("x"), young, 1, None),
        (Error::schema("x"), Some(Duration::ZERO), 1, retry(0)),
        (Error::schema("x"), young, 70, retry(4)),
        (Error::schema("x"), gone, 1, None),
        (Error::schema("x"), None, 1, None),
        (Error::rejects("x"), young, 1, None),
        (Error::counts("x"), young, 1, None),
        (Error::input("x"), young, 1, None),
    ] {
        let (past, now) = past(age, tries);
        let found = of_error(&error, &past, TRIES, now);
        let expected = expected.unwrap_or_else(|| Disposition::Dead(Reason::of(&error)));
        assert_eq!(found, expected, "{error:?} {age:?} {tries}");
        let told = is_final(&error, &past, TRIES, now);
        assert_eq!(told, matches!(found, Disposition::Dead(_)), "each dead letter is told, and no other");
    }
}

#[test]
fn only_what_killed_its_workers_is_deadly() {
    for (age, tries, deaths, deadly) in [
        (0, 1, Some(0), false),
        (0, 40, Some(4), false),
        (0, 6, Some(5), true),
        (0, 40, None, false),
        (6, 6, None, true),
        (6, 5, None, false),
        (6, 40, Some(4), false),
    ] {
        let (past, now) = past(Some(age * HOUR), tries);
        assert_eq!(is_deadly(&Past { deaths, ..past }, TRIES, now), deadly, "{age} {tries} {deaths:?}");
    }
}

/// A stretch of time in which something is out of order.
struct Fault {
    from: u64,
    to: u64,
    error: fn() -> Error,
}

/// What fails at night, and what the worker makes of it.
const FAULTS: &[fn() -> Error] = &[
    || Error::transient("the schema's address answers with a page of HTML"),
    || Error::transient("S3 says SlowDown"),
    || Error::access("403: the URL has run out, or the grant is not there yet"),
    || Error::access("404: the export is not there yet"),
    || Error::schema("a column is not in the table, and this user may not add it"),
    || Error::machine("no space left on device"),
    || Error::transient("Redshift cancels the query"),
];

/// A message as the queues count it.
#[derive(Default)]
struct Counted {
    tries: u32,
    ended: u32,
}

/// How one export ended.
#[derive(Debug, PartialEq, Eq)]
enum End {
    Loaded,
    Dead { at: u64, told: bool, deaths: u32 },
}

/// Plays one export, made at second 0; `knows` is whether the queue tells deaths from takings.
fn night(random: &mut fastrand::Rng, faults: &[Fault], kills: u32, knows: bool) -> (End, u32) {
    let (mut now, mut count, mut loads, mut kills) = (random.u64(0..120), Counted::default(), 0, kills);
    loop {
        // Beside others, it is often only taken and given back, or its taker dies; SQS counts that.
        if random.u8(..4) == 0 {
            if !knows {
                count.tries += 1;
            }
            now += random.u64(0..60);
        }
        let deaths = knows.then(|| count.tries - count.ended);
        let past = Past { made: Some(at(0)), tries: count.tries + 1, deaths };
        if is_deadly(&past, TRIES, at(now)) {
            return (End::Dead { at: now, told: true, deaths: deaths.unwrap_or(0) }, loads);
        }
        count.tries += 1;
        let event = random.u8(..20);
        now += random.u64(1..300);
        if event == 0 && kills > 0 {
            kills -= 1;
            now += past.hidden().as_secs();
            continue;
        }
        let fault = faults.iter().find(|fault| (fault.from..fault.to).contains(&now));
        let error = match fault {
            _ if event == 1 => Error::Interrupted,
            Some(fault) => (fault.error)(),
            None if now >= EXPORT_LIFE.as_secs() => Error::access("403: six hours are over"),
            None => {
                loads += 1;
                return (End::Loaded, loads);
            }
        };
        match of_error(&error, &past, TRIES, at(now)) {
            Disposition::Done => panic!("nothing was loaded"),
            Disposition::Back(delay) => {
                // Of SQS a taking stays a taking.
                count.tries -= u32::from(knows);
                now += delay.as_secs();
            }
            Disposition::Retry(delay) => {
                count.ended += 1;
                now += delay.as_secs();
            }
            Disposition::Dead(_) => {
                let told = is_final(&error, &past, TRIES, at(now));
                return (End::Dead { at: now, told, deaths: deaths.unwrap_or(0) }, loads);
            }
        }
    }
}

fn faults(random: &mut fastrand::Rng, until: u64) -> Vec<Fault> {
    let one = |random: &mut fastrand::Rng| {
        let from = random.u64(..until);
        let to = random.u64(from..=until);
        Fault { from, to, error: FAULTS[random.usize(..FAULTS.len())] }
    };
    let count = random.usize(..6);
    let mut faults: Vec<Fault> = (0..count).map(|_| one(random)).collect();
    // Some nights begin with a long one.
    if random.u8(..4) == 0 {
        let error = FAULTS[random.usize(..FAULTS.len())];
        faults.push(Fault { from: 0, to: random.u64(..until), error });
    }
    faults
}

#[test]
fn ten_thousand_nights() {
    let seed = fastrand::u64(..);
    let mut random = fastrand::Rng::with_seed(seed);
    let life = EXPORT_LIFE.as_secs();
    let (mut loaded, mut dead) = (0, 0);
    for night_number in 0..10_000 {
        let knows = random.bool();
        let faults = faults(&mut random, life * 2);
        let kills = random.u32(..TRIES);
        let (end, loads) = night(&mut random, &faults, kills, knows);
        match end {
            End::Loaded => {
                loaded += 1;
                assert_eq!(loads, 1, "seed {seed}, night {night_number}");
            }
            End::Dead { at, told, .. } => {
                dead += 1;
                assert!(at >= life && told && loads == 0, "seed {seed}, night {night_number}: {end:?}");
            }
        }
    }
    assert!(loaded > 1000 && dead > 100, "seed {seed}: {loaded} loaded, {dead} dead: no nights like these");
}

/// Whatever passes while the export can still be read, it is loaded, once.
#[test]
fn faults_that_pass_in_time_end_in_one_load() {
    let seed = fastrand::u64(..);
    let mut random = fastrand::Rng::with_seed(seed);
    // The longest wait, a load, and a worker that dies or is stopped a few times.
    let last = EXPORT_LIFE.as_secs() - 2 * RETRY_DELAYS[4].as_secs() - 3600;
    for night_number in 0..10_000 {
        let knows = random.bool();
        let kills = random.u32(..TRIES);
        // What nobody counts stays hidden for longer each time.
        let held_back = if knows { 0 } else { u64::from(kills) * DEATH_DELAYS[3].as_secs() };
        let faults = faults(&mut random, last - held_back);
        let ended = night(&mut random, &faults, kills, knows);
        assert_eq!(ended, (End::Loaded, 1), "seed {seed}, night {night_number}");
    }
}

/// Where nobody counts deaths a load that always kills its worker is held back for longer each time: it begins
/// a bounded number of times, and then it is given up.
#[test]
fn poison_that_nobody_counts_is_held_back() {
    for beside in [0, 1, 7] {
        let (mut now, mut takings, mut begun) = (0, 0, 0);
        loop {
            takings += 1;
            let past = Past { made: Some(at(0)), tries: takings, deaths: None };
            if is_deadly(&past, TRIES, at(now)) {
                break;
            }
            begun += 1;
            assert!(begun <= BEGUN_MAX, "{begun} loads, {beside} takings beside others between two");
            now += past.hidden().as_secs();
            takings += beside;
        }
        assert!(now >= EXPORT_LIFE.as_secs(), "no sound export is dead before it is gone");
        assert!(now <= (EXPORT_LIFE + DEATH_DELAYS[3]).as_secs(), "and it is not forgotten");
    }
    let known = Past { made: Some(at(0)), tries: 40, deaths: Some(3) };
    assert_eq!(known.hidden(), VISIBILITY, "where deaths are counted its table's others need not wait");
}

/// A load that always kills its worker is given up, though its export is young.
#[test]
fn poison_is_given_up() {
    for deaths in 0..=TRIES {
        let past = Past { made: Some(at(0)), tries: deaths + 1, deaths: Some(deaths) };
        assert_eq!(is_deadly(&past, TRIES, at(60)), deaths == TRIES, "{deaths}");
    }
}
