//! The rules, each as a function of a package's folder and a plan that tells what breaks it.

use super::arrows::{between_files, between_modules};
use super::circles::circles;
use super::plan::Plan;
use super::tree::{SourceFile, Tree, rust_files};
use super::uses::Uses;
use proc_macro2::{TokenStream, TokenTree};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

pub(crate) type Rule = fn(&Path, &Plan) -> Vec<String>;

/// All of them.
pub(crate) const RULES: &[Rule] = &[
    modules_are_planned,
    imports_are_planned,
    no_module_circle,
    no_file_circle,
    pure_is_pure,
    unsafe_is_planned,
    files_are_small,
];

/// What pure modules do not touch; `_` at the end stands for anything.
const IMPURE: &[&str] = &[
    "tokio",
    "aws_",
    "object_store",
    "std::env",
    "std::fs",
    "std::net",
    "std::process",
    "std::thread",
    "std::time",
];

/// Lines that a file may have.
const LINES_MAX: usize = 500;

/// The plan and the tree name the same modules.
pub(crate) fn modules_are_planned(root: &Path, plan: &Plan) -> Vec<String> {
    let tree = Tree::read(root);
    let there: BTreeSet<&str> = tree.files.iter().map(SourceFile::top).collect();
    let planned: BTreeSet<&str> = plan.modules.iter().map(|module| module.name).collect();
    let unknown = there.difference(&planned).map(|name| format!("the module {name} is not in the plan"));
    let gone = planned.difference(&there).map(|name| format!("the module {name} is in the plan alone"));
    unknown.chain(gone).collect()
}

/// A module imports what the plan lets it.
pub(crate) fn imports_are_planned(root: &Path, plan: &Plan) -> Vec<String> {
    let tree = Tree::read(root);
    let top: BTreeMap<&str, &str> = tree.files.iter().map(|file| (file.name.as_str(), file.top())).collect();
    let mut faults = Vec::new();
    for (from, arrows) in &between_files(&tree, &plan.faces()) {
        let module = top[from.as_str()];
        let Some(planned) = plan.module(module) else { continue };
        for (to, names) in arrows {
            let import = top[to.as_str()];
            if import != module && !planned.may_import.contains(&import) {
                let names: Vec<&str> = names.iter().map(String::as_str).collect();
                faults.push(format!("{from}: {module} may not import {import} ({})", names.join(", ")));
            }
        }
    }
    faults
}

pub(crate) fn no_module_circle(root: &Path, plan: &Plan) -> Vec<String> {
    let tree = Tree::read(root);
    let found = circles(&between_modules(&tree, &between_files(&tree, &plan.faces())));
    found.iter().map(|(circle, names)| format!("modules in a circle: {circle} ({names})")).collect()
}

/// No two files need each other, but for those circles that the plan knows.
pub(crate) fn no_file_circle(root: &Path, plan: &Plan) -> Vec<String> {
    let found = circles(&between_files(&Tree::read(root), &plan.faces()));
    let known = |circle: &&String| plan.circles_left.contains(&circle.as_str());
    let new = found.iter().filter(|(circle, _)| !known(circle));
    let new = new.map(|(circle, names)| format!("files in a circle: {circle} ({names})"));
    let gone = plan.circles_left.iter().filter(|circle| !found.contains_key(**circle));
    new.chain(gone.map(|circle| format!("no circle any more, take it off the list: {circle}"))).collect()
}

pub(crate) fn pure_is_pure(root: &Path, plan: &Plan) -> Vec<String> {
    let tree = Tree::read(root);
    let is_pure = |file: &&SourceFile| plan.module(file.top()).is_some_and(|module| module.is_pure);
    let mut faults = Vec::new();
    for file in tree.files.iter().filter(is_pure) {
        let uses = Uses::of(&file.syntax);
        let paths = uses.bindings.iter().map(|binding| &binding.path).chain(&uses.paths);
        let impure: BTreeSet<&str> = paths.filter_map(|path| impure_word(&path.segments)).collect();
        faults.extend(
            impure.iter().map(|word| format!("{}: {} is pure, but takes {word}", file.name, file.top())),
        );
    }
    faults
}

fn impure_word(path: &[String]) -> Option<&'static str> {
    IMPURE.iter().copied().find(|word| {
        let words: Vec<&str> = word.split("::").collect();
        let same = |(word, segment): (&&str, &String)| {
            segment == word || word.ends_with('_') && segment.starts_with(word)
        };
        path.len() >= words.len() && words.iter().zip(path).all(same)
    })
}

/// Tests are no exception: `unsafe` is where the plan has it.
pub(crate) fn unsafe_is_planned(root: &Path, plan: &Plan) -> Vec<String> {
    let src = root.join("src");
    let mut faults = Vec::new();
    for path in rust_files(&src) {
        let name = path.strip_prefix(&src).unwrap();
        let module = name.iter().next().unwrap().to_string_lossy();
        let allowed = plan.module(module.trim_end_matches(".rs")).is_some_and(|module| module.may_be_unsafe);
        let tokens: TokenStream = std::fs::read_to_string(&path).unwrap().parse().unwrap();
        if !allowed && has_unsafe(tokens) {
            faults.push(format!("{}: unsafe code", name.display()));
        }
    }
    faults
}

fn has_unsafe(tokens: TokenStream) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(word) => word == "unsafe",
        TokenTree::Group(group) => has_unsafe(group.stream()),
        _ => false,
    })
}

pub(crate) fn files_are_small(root: &Path, _: &Plan) -> Vec<String> {
    let files = ["src", "tests", "benches", "fuzz"].map(|folder| rust_files(&root.join(folder))).concat();
    let mut faults = Vec::new();
    for path in files {
        let lines = std::fs::read_to_string(&path).unwrap().lines().count();
        if lines > LINES_MAX {
            let name = path.strip_prefix(root).unwrap().display();
            faults.push(format!("{name}: {lines} lines, {LINES_MAX} allowed"));
        }
    }
    faults
}
