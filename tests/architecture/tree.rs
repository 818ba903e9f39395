//! The modules of a package as its own `mod` lines tell them, each file with its syntax. What is compiled for tests
//! alone is no part of the tree.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use syn::punctuated::Punctuated;
use syn::{Attribute, Expr, ExprLit, Item, ItemMod, Lit, Meta, MetaList, Token};

/// A module's place: `["pages", "simd"]`; the library's root is empty.
pub(crate) type ModulePath = Vec<String>;

/// The name by which the program takes the library's items.
pub(crate) const LIBRARY: &str = "csl_stream";

pub(crate) struct SourceFile {
    /// From `src` on: `pages/simd.rs`.
    pub(crate) name: String,
    pub(crate) module: ModulePath,
    pub(crate) syntax: syn::File,
}

impl SourceFile {
    /// The module right below the root that the file is part of.
    pub(crate) fn top(&self) -> &str {
        self.module.first().map_or("lib", String::as_str)
    }
}

pub(crate) struct Tree {
    pub(crate) files: Vec<SourceFile>,
    /// Files of each module; more than one where features choose between them.
    places: BTreeMap<ModulePath, Vec<usize>>,
}

impl Tree {
    /// Reads `src/lib.rs`, `src/main.rs` and what they name.
    pub(crate) fn read(root: &Path) -> Self {
        let mut tree = Self { files: Vec::new(), places: BTreeMap::new() };
        let src = root.join("src");
        tree.add(&src, &src.join("lib.rs"), Vec::new());
        tree.add(&src, &src.join("main.rs"), vec!["main".to_owned()]);
        tree
    }

    /// The files of a module, if it is one.
    pub(crate) fn files_of(&self, module: &[String]) -> Option<&[usize]> {
        self.places.get(module).map(Vec::as_slice)
    }

    fn add(&mut self, src: &Path, path: &Path, module: ModulePath) {
        let text =
            std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let syntax = syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let below: Vec<_> = declared(&syntax.items).flat_map(|item| places_of(item, path, &module)).collect();
        let name = path.strip_prefix(src).unwrap().to_string_lossy().into_owned();
        self.places.entry(module.clone()).or_default().push(self.files.len());
        self.files.push(SourceFile { name, module, syntax });
        for (path, module) in below {
            self.add(src, &path, module);
        }
    }
}

/// The modules that have files of their own.
fn declared(items: &[Item]) -> impl Iterator<Item = &ItemMod> {
    items.iter().filter_map(|item| match item {
        Item::Mod(module) if module.content.is_none() && !for_tests(&module.attrs) => Some(module),
        _ => None,
    })
}

/// The files that a `mod` line may mean.
fn places_of(item: &ItemMod, parent: &Path, above: &[String]) -> Vec<(PathBuf, ModulePath)> {
    let name = item.ident.to_string();
    let folder = parent.parent().unwrap();
    let stem = parent.file_stem().unwrap().to_string_lossy();
    let is_root = matches!(&*stem, "mod" | "lib" | "main");
    let below = if is_root { folder.to_owned() } else { folder.join(&*stem) };
    let module: ModulePath = above.iter().filter(|_| stem != "main").cloned().chain([name.clone()]).collect();
    let paths = || item.attrs.iter().filter_map(|attribute| path_in(&attribute.meta));
    let mut files: Vec<PathBuf> = paths().map(|(path, _)| folder.join(path)).collect();
    if !paths().any(|(_, always)| always) {
        let own = below.join(format!("{name}.rs"));
        files.push(if own.exists() { own } else { below.join(&name).join("mod.rs") });
    }
    files.into_iter().map(|file| (file, module.clone())).collect()
}

/// The file of `#[path = "…"]`, and whether it is the module's under every configuration.
fn path_in(meta: &Meta) -> Option<(String, bool)> {
    match meta {
        Meta::NameValue(pair) if pair.path.is_ident("path") => match &pair.value {
            Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some((text.value(), true)),
            _ => None,
        },
        Meta::List(list) if list.path.is_ident("cfg_attr") => {
            parts(list).iter().skip(1).find_map(path_in).map(|(path, _)| (path, false))
        }
        _ => None,
    }
}

/// Whether an item with these attributes exists in tests alone.
pub(crate) fn for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| match &attribute.meta {
        Meta::List(list) if list.path.is_ident("cfg") => parts(list).iter().any(needs_test),
        _ => false,
    })
}

fn needs_test(condition: &Meta) -> bool {
    match condition {
        Meta::Path(path) => path.is_ident("test"),
        Meta::List(all) if all.path.is_ident("all") => parts(all).iter().any(needs_test),
        _ => false,
    }
}

/// What stands between an attribute's commas.
fn parts(list: &MetaList) -> Vec<Meta> {
    let parts = list.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated);
    parts.map_or_else(|_| Vec::new(), |parts| parts.into_iter().collect())
}

/// All Rust files below a folder, those for tests too; none if it is not there.
pub(crate) fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(folder) else { continue };
        for path in entries.map(|entry| entry.unwrap().path()) {
            if path.is_dir() && path.file_name().is_some_and(|name| name != "target") {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}
