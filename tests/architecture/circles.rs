//! Circles among arrows.

use super::arrows::Arrows;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// `a → b → a` for every circle that is the shortest through one of its arrows, with the names that make each arrow.
pub(crate) fn circles(arrows: &Arrows) -> BTreeMap<String, String> {
    let mut found = BTreeSet::new();
    for (from, all) in arrows {
        for to in all.keys() {
            found.extend(way(arrows, to, from).map(|way| from_the_least(&way)));
        }
    }
    found.iter().map(|circle| (shown(circle), names(arrows, circle))).collect()
}

/// The shortest way between two.
fn way<'a>(arrows: &'a Arrows, from: &'a str, to: &str) -> Option<Vec<&'a str>> {
    let mut before = BTreeMap::from([(from, None)]);
    let mut waiting = VecDeque::from([from]);
    while let Some(at) = waiting.pop_front() {
        if at == to {
            let mut way: Vec<&str> = std::iter::successors(Some(at), |at| before[at]).collect();
            way.reverse();
            return Some(way);
        }
        for next in arrows.get(at).into_iter().flat_map(BTreeMap::keys) {
            before.entry(next).or_insert_with(|| {
                waiting.push_back(next);
                Some(at)
            });
        }
    }
    None
}

/// The same circle, however it was entered.
fn from_the_least<'a>(circle: &[&'a str]) -> Vec<&'a str> {
    let least = (0..circle.len()).min_by_key(|&i| circle[i]).unwrap_or_default();
    [&circle[least..], &circle[..least]].concat()
}

fn shown(circle: &[&str]) -> String {
    [circle, &circle[..1]].concat().join(" → ")
}

fn names(arrows: &Arrows, circle: &[&str]) -> String {
    let arrow = |i: usize| {
        let (from, to) = (circle[i], circle[(i + 1) % circle.len()]);
        let names: Vec<&str> = arrows[from][to].iter().map(String::as_str).collect();
        format!("{from} takes {} from {to}", names.join(", "))
    };
    (0..circle.len()).map(arrow).collect::<Vec<_>>().join("; ")
}
