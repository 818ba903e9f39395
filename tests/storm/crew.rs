//! The workers: processes that are killed, stopped, told to end, and started again, as a service manager does.

use crate::world::World;
use std::collections::BTreeMap;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

/// Longest that a worker takes to end once it was told to, on a busy machine.
const ENDING_MAX: Duration = Duration::from_secs(120);

struct Hand {
    child: Child,
    /// Stopped by a signal until then.
    stopped: Option<Instant>,
}

pub(crate) struct Crew<'a> {
    world: &'a World,
    hands: Vec<Hand>,
    /// Told to end, and not ended yet.
    leaving: Vec<Child>,
    wanted: usize,
    tries_max: u32,
    started: usize,
    /// How workers ended, and how often.
    pub(crate) ends: BTreeMap<String, usize>,
}

fn signal(child: &Child, name: &str) {
    // One that has ended meanwhile hears nothing.
    Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).output().unwrap();
}

impl<'a> Crew<'a> {
    pub(crate) fn new(world: &'a World, wanted: usize, tries_max: u32) -> Self {
        let (hands, leaving) = (Vec::new(), Vec::new());
        let mut crew = Self { world, hands, leaving, wanted, tries_max, started: 0, ends: BTreeMap::new() };
        crew.look();
        crew
    }

    /// Wakes who has slept long enough, buries who has ended, starts who is missing.
    pub(crate) fn look(&mut self) {
        let now = Instant::now();
        for hand in &mut self.hands {
            if hand.stopped.take_if(|until| *until <= now).is_some() {
                signal(&hand.child, "CONT");
            }
        }
        let ends = &mut self.ends;
        let mut has_ended = |child: &mut Child| {
            let status = child.try_wait().unwrap();
            if let Some(status) = status {
                *ends.entry(status.to_string()).or_default() += 1;
            }
            status.is_some()
        };
        self.hands.retain_mut(|hand| !has_ended(&mut hand.child));
        self.leaving.retain_mut(|child| !has_ended(child));
        while self.hands.len() < self.wanted {
            self.started += 1;
            let child = self.world.worker(self.started, self.tries_max).spawn().unwrap();
            self.hands.push(Hand { child, stopped: None });
        }
    }

    /// SIGKILL: no word to anybody.
    pub(crate) fn kill(&mut self, at: usize) {
        let at = at % self.hands.len();
        self.hands[at].child.kill().unwrap();
    }

    /// SIGTERM: a deploy, a Spot machine that goes.
    pub(crate) fn term(&mut self, at: usize) {
        let hand = self.hands.swap_remove(at % self.hands.len());
        signal(&hand.child, "TERM");
        signal(&hand.child, "CONT");
        self.leaving.push(hand.child);
    }

    /// SIGSTOP: a laptop that sleeps, a machine that swaps.
    pub(crate) fn stop(&mut self, at: usize, time: Duration) {
        let at = at % self.hands.len();
        signal(&self.hands[at].child, "STOP");
        self.hands[at].stopped = Some(Instant::now() + time);
    }

    /// All awake.
    pub(crate) fn calm(&mut self) {
        for hand in &mut self.hands {
            hand.stopped = hand.stopped.map(|_| Instant::now());
        }
        self.look();
    }

    /// All are told to end, and do.
    pub(crate) fn end(mut self) -> (BTreeMap<String, usize>, usize) {
        while !self.hands.is_empty() {
            self.term(0);
        }
        self.wanted = 0;
        let told = Instant::now();
        while !self.leaving.is_empty() {
            assert!(told.elapsed() < ENDING_MAX, "a worker does not end");
            std::thread::sleep(Duration::from_millis(50));
            self.look();
        }
        (std::mem::take(&mut self.ends), self.started)
    }
}

impl Drop for Crew<'_> {
    fn drop(&mut self) {
        let all = self.hands.iter_mut().map(|hand| &mut hand.child).chain(&mut self.leaving);
        for child in all {
            child.kill().ok();
            child.wait().ok();
        }
    }
}
