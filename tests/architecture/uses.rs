//! What a file takes from where: the paths of its `use` lines and of its code, those inside macros and attributes too.

use super::tree::for_tests;
use proc_macro2::{TokenStream, TokenTree};
use std::collections::BTreeSet;
use syn::visit::{self, Visit};
use syn::{Attribute, ImplItem, Item, ItemMod, ItemUse, Macro, Meta, UseTree};

/// A path as it is written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Taken {
    pub(crate) segments: Vec<String>,
    /// Modules inside the file that it stands in: `super` leads out of them first.
    pub(crate) depth: usize,
}

/// A name that a `use` line gives.
#[derive(Debug)]
pub(crate) struct Binding {
    /// `*` for all that is there.
    pub(crate) name: String,
    pub(crate) path: Taken,
}

#[derive(Debug, Default)]
pub(crate) struct Uses {
    pub(crate) bindings: Vec<Binding>,
    /// Paths of more than one name, outside of `use`.
    pub(crate) paths: BTreeSet<Taken>,
    /// Names that the file defines itself.
    pub(crate) defined: BTreeSet<String>,
    depth: usize,
}

impl Uses {
    pub(crate) fn of(file: &syn::File) -> Self {
        let mut uses = Self::default();
        uses.visit_file(file);
        uses
    }

    /// The `use` lines that give the file this name.
    pub(crate) fn given<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Binding> {
        self.bindings.iter().filter(move |binding| binding.name == name && binding.path.depth == 0)
    }

    /// Whether a path of the file leads to a module or a type inside the file.
    pub(crate) fn is_inside(&self, path: &Taken) -> bool {
        let first = path.segments.iter().find(|segment| *segment != "self");
        first.is_some_and(|first| self.defined.contains(first))
    }

    fn take(&mut self, segments: Vec<String>) {
        if segments.len() > 1 {
            self.paths.insert(Taken { segments, depth: self.depth });
        }
    }

    fn flatten(&mut self, tree: &UseTree, above: &[String]) {
        let with = |name: String| above.iter().cloned().chain([name]).collect::<Vec<_>>();
        let (name, segments) = match tree {
            UseTree::Path(path) => return self.flatten(&path.tree, &with(path.ident.to_string())),
            UseTree::Group(group) => return group.items.iter().for_each(|tree| self.flatten(tree, above)),
            UseTree::Name(name) if name.ident == "self" => (above[above.len() - 1].clone(), above.to_vec()),
            UseTree::Name(name) => (name.ident.to_string(), with(name.ident.to_string())),
            UseTree::Rename(name) if name.ident == "self" => (name.rename.to_string(), above.to_vec()),
            UseTree::Rename(name) => (name.rename.to_string(), with(name.ident.to_string())),
            UseTree::Glob(_) => ("*".to_owned(), above.to_vec()),
        };
        self.bindings.push(Binding { name, path: Taken { segments, depth: self.depth } });
    }

    /// The paths among tokens that are not parsed.
    fn tokens(&mut self, tokens: TokenStream, with_strings: bool) {
        let mut path: Vec<String> = Vec::new();
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Punct(mark) if mark.as_char() == ':' && !path.is_empty() => colons += 1,
                TokenTree::Ident(name) if colons == 2 => {
                    path.push(name.to_string());
                    colons = 0;
                }
                other => {
                    self.take(std::mem::take(&mut path));
                    colons = 0;
                    match other {
                        TokenTree::Ident(name) => path.push(name.to_string()),
                        TokenTree::Group(group) => self.tokens(group.stream(), with_strings),
                        TokenTree::Literal(text) if with_strings => self.string(&text.to_string()),
                        _ => {}
                    }
                }
            }
        }
        self.take(path);
    }

    /// Serde names functions in strings.
    fn string(&mut self, literal: &str) {
        if let Ok(path) = syn::parse_str::<syn::Path>(literal.trim_matches('"')) {
            self.visit_path(&path);
        }
    }
}

impl<'ast> Visit<'ast> for Uses {
    fn visit_item(&mut self, item: &'ast Item) {
        let (attributes, name) = parts_of(item);
        if for_tests(attributes) {
            return;
        }
        if self.depth == 0
            && let Some(name) = name
        {
            self.defined.insert(name.to_string());
        }
        visit::visit_item(self, item);
    }

    fn visit_impl_item(&mut self, item: &'ast ImplItem) {
        let attributes: &[Attribute] = match item {
            ImplItem::Const(item) => &item.attrs,
            ImplItem::Fn(item) => &item.attrs,
            ImplItem::Type(item) => &item.attrs,
            _ => &[],
        };
        if !for_tests(attributes) {
            visit::visit_impl_item(self, item);
        }
    }

    fn visit_item_mod(&mut self, module: &'ast ItemMod) {
        self.depth += 1;
        visit::visit_item_mod(self, module);
        self.depth -= 1;
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        self.flatten(&item.tree, &[]);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.take(path.segments.iter().map(|segment| segment.ident.to_string()).collect());
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast Macro) {
        self.tokens(call.tokens.clone(), false);
        visit::visit_macro(self, call);
    }

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        if let Meta::List(list) = &attribute.meta {
            self.tokens(list.tokens.clone(), list.path.is_ident("serde"));
        }
    }
}

/// An item's attributes, and the name that it brings into its module.
fn parts_of(item: &Item) -> (&[Attribute], Option<&syn::Ident>) {
    match item {
        Item::Const(item) => (&item.attrs, Some(&item.ident)),
        Item::Enum(item) => (&item.attrs, Some(&item.ident)),
        Item::Fn(item) => (&item.attrs, Some(&item.sig.ident)),
        Item::Impl(item) => (&item.attrs, None),
        Item::Macro(item) => (&item.attrs, item.ident.as_ref()),
        Item::Mod(item) => (&item.attrs, item.content.is_some().then_some(&item.ident)),
        Item::Static(item) => (&item.attrs, Some(&item.ident)),
        Item::Struct(item) => (&item.attrs, Some(&item.ident)),
        Item::Trait(item) => (&item.attrs, Some(&item.ident)),
        Item::Type(item) => (&item.attrs, Some(&item.ident)),
        Item::Union(item) => (&item.attrs, Some(&item.ident)),
        Item::Use(item) => (&item.attrs, None),
        _ => (&[], None),
    }
}
