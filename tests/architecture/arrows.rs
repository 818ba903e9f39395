//! Which file needs which, by the names that it takes.

use super::tree::{LIBRARY, Tree};
use super::uses::{Binding, Taken, Uses};
use std::collections::{BTreeMap, BTreeSet};

/// From whom to whom, and the names that make the arrow.
pub(crate) type Arrows = BTreeMap<String, BTreeMap<String, BTreeSet<String>>>;

/// How often a name may be passed on by another `use`.
const HOPS_MAX: usize = 16;

/// Every arrow between files.
///
/// A name counts for the file that defines it, whoever passes it on. What `mod.rs` passes on is an arrow of its own;
/// the name of a module alone is one to its file, unless the taker is part of that module. Only what is taken through
/// one of the `faces` from outside counts for the face.
pub(crate) fn between_files(tree: &Tree, faces: &[&str]) -> Arrows {
    let uses: Vec<Uses> = tree.files.iter().map(|file| Uses::of(&file.syntax)).collect();
    let names = Names { tree, uses: &uses, faces };
    let mut arrows = Arrows::new();
    for (from, uses) in uses.iter().enumerate() {
        let inline = uses.paths.iter().map(|path| (path, false));
        let taken = uses.bindings.iter().map(|binding| (&binding.path, binding.name == "*")).chain(inline);
        for (path, all) in taken {
            let found = match names.through_face(from, path) {
                Some(found) => vec![found],
                None => names.resolve(from, path, all, HOPS_MAX),
            };
            for (to, name) in found {
                if to != from {
                    let file = |i: usize| tree.files[i].name.clone();
                    arrows.entry(file(from)).or_default().entry(file(to)).or_default().insert(name);
                }
            }
        }
    }
    arrows
}

/// The same between the modules below the root, each with the arrows between files that it consists of.
pub(crate) fn between_modules(tree: &Tree, files: &Arrows) -> Arrows {
    let top: BTreeMap<&str, &str> = tree.files.iter().map(|file| (file.name.as_str(), file.top())).collect();
    let mut arrows = Arrows::new();
    for (from, all) in files {
        for (to, names) in all.iter().filter(|(to, _)| top[from.as_str()] != top[to.as_str()]) {
            let arrow = arrows.entry(top[from.as_str()].to_owned()).or_default();
            let shown = names.iter().map(|name| format!("{name} in {from}"));
            arrow.entry(top[to.as_str()].to_owned()).or_default().extend(shown);
        }
    }
    arrows
}

struct Names<'a> {
    tree: &'a Tree,
    uses: &'a [Uses],
    faces: &'a [&'a str],
}

impl Names<'_> {
    /// The file of a face that `path` is taken through, from outside of it.
    fn through_face(&self, from: usize, path: &Taken) -> Option<(usize, String)> {
        let (mut full, rest) = self.start(from, path, HOPS_MAX)?;
        full.extend(rest);
        let face = full.first().filter(|name| self.faces.contains(&name.as_str()))?;
        if self.tree.files[from].top() == face {
            return None;
        }
        (1..=full.len()).rev().find_map(|end| {
            let file = *self.tree.files_of(&full[..end])?.first()?;
            Some((file, full.get(end).unwrap_or(&full[end - 1]).clone()))
        })
    }

    /// The files that define what `path` means in the file `from`, with its name; none if it is of another crate or
    /// of the file itself.
    fn resolve(&self, from: usize, path: &Taken, all: bool, hops: usize) -> Vec<(usize, String)> {
        let Some((module, rest)) = self.start(from, path, hops) else { return Vec::new() };
        self.descend(from, module, &rest, all, hops)
    }

    /// The module that a path starts in, and the names that are left.
    fn start(&self, from: usize, path: &Taken, hops: usize) -> Option<(Vec<String>, Vec<String>)> {
        let own = &self.tree.files[from].module;
        let (first, rest) = path.segments.split_first()?;
        let (mut module, mut rest) = match first.as_str() {
            "crate" => (Vec::new(), rest),
            name if name == LIBRARY => (Vec::new(), rest),
            "self" => (own.clone(), rest),
            "super" => (own.clone(), &path.segments[..]),
            name => {
                let child: Vec<String> = own.iter().cloned().chain([name.to_owned()]).collect();
                if self.tree.files_of(&child).is_some() {
                    return Some((child, rest.to_vec()));
                }
                return self.start_of_alias(from, name, rest, hops);
            }
        };
        let mut inside = path.depth;
        while rest.first().is_some_and(|name| name == "super") {
            rest = &rest[1..];
            match inside {
                0 => _ = module.pop()?,
                _ => inside -= 1,
            }
        }
        // A name of the file itself, or of a module inside it, leads nowhere.
        let child = || module.iter().chain(rest.first()).cloned().collect::<Vec<_>>();
        let is_own = inside > 0 || module == *own && self.tree.files_of(&child()).is_none();
        (!is_own || matches!(first.as_str(), "crate" | LIBRARY)).then(|| (module, rest.to_vec()))
    }

    /// A path that starts with a name that a `use` line gave to a module.
    fn start_of_alias(
        &self,
        from: usize,
        name: &str,
        rest: &[String],
        hops: usize,
    ) -> Option<(Vec<String>, Vec<String>)> {
        let binding = self.uses[from].bindings.iter().find(|binding| binding.name == name)?;
        if hops == 0 || binding.path.segments[0] == name {
            return None;
        }
        let (module, mut left) = self.start(from, &binding.path, hops - 1)?;
        left.extend_from_slice(rest);
        Some((module, left))
    }

    fn descend(
        &self,
        from: usize,
        mut module: Vec<String>,
        rest: &[String],
        all: bool,
        hops: usize,
    ) -> Vec<(usize, String)> {
        for (i, name) in rest.iter().enumerate() {
            module.push(name.clone());
            if self.tree.files_of(&module).is_none() {
                module.pop();
                return self.item(&module, &rest[i..], hops);
            }
        }
        let files = self.tree.files_of(&module).unwrap_or_default();
        if all {
            let passed_on = files.iter().flat_map(|&file| {
                let bindings = self.uses[file].bindings.iter();
                bindings
                    .flat_map(move |binding| self.passed_on(file, &binding.path, binding.name == "*", hops))
            });
            return files.iter().map(|&file| (file, "*".to_owned())).chain(passed_on).collect();
        }
        // The name of a module above gives nothing by itself.
        let is_above = self.tree.files[from].module.starts_with(&module);
        let name = module.last().cloned().unwrap_or_default();
        files.iter().filter(|_| !is_above).map(|&file| (file, name.clone())).collect()
    }

    /// Who defines the first of `names` in a module.
    fn item(&self, module: &[String], names: &[String], hops: usize) -> Vec<(usize, String)> {
        let files = self.tree.files_of(module).unwrap_or_default();
        files.iter().flat_map(|&file| self.item_of_file(file, names, hops)).collect()
    }

    fn item_of_file(&self, file: usize, names: &[String], hops: usize) -> Vec<(usize, String)> {
        let uses = &self.uses[file];
        let own = vec![(file, names[0].clone())];
        if uses.defined.contains(&names[0]) {
            return own;
        }
        let follow = |binding: &Binding, names: &[String]| {
            let mut path = binding.path.clone();
            path.segments.extend_from_slice(names);
            self.passed_on(file, &path, false, hops)
        };
        let given: Vec<&Binding> = uses.given(&names[0]).collect();
        if given.iter().any(|binding| uses.is_inside(&binding.path)) {
            return own;
        }
        if !given.is_empty() {
            return given.iter().flat_map(|binding| follow(binding, &names[1..])).collect();
        }
        // A glob leads to its module even if that lacks the name: only what is defined there counts.
        let defined = |(to, name): &(usize, String)| self.uses[*to].defined.contains(name);
        let found = uses.given("*").flat_map(|binding| follow(binding, names)).find(defined);
        found.map_or(own, |found| vec![found])
    }

    fn passed_on(&self, file: usize, path: &Taken, all: bool, hops: usize) -> Vec<(usize, String)> {
        if hops == 0 { Vec::new() } else { self.resolve(file, path, all, hops - 1) }
    }
}
