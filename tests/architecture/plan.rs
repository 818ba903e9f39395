//! The plan: which modules there are, from above to below, and what each may do.

/// A module below the root of the library; `lib` and `main` are the roots themselves.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Module {
    pub(crate) name: &'static str,
    /// Modules further down.
    pub(crate) may_import: &'static [&'static str],
    /// No I/O, clock, environment, threads.
    pub(crate) is_pure: bool,
    /// Each block has its safety argument; all others do without.
    pub(crate) may_be_unsafe: bool,
    /// What others take through it counts as its own: it passes names on so that they need nothing below it.
    pub(crate) is_face: bool,
}

impl Module {
    pub(crate) const fn new(name: &'static str, may_import: &'static [&'static str]) -> Self {
        Self { name, may_import, is_pure: false, may_be_unsafe: false, is_face: false }
    }

    pub(crate) const fn pure(self) -> Self {
        Self { is_pure: true, ..self }
    }

    pub(crate) const fn face(self) -> Self {
        Self { is_face: true, ..self }
    }

    pub(crate) const fn may_be_unsafe(self) -> Self {
        Self { may_be_unsafe: true, ..self }
    }
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    pub(crate) modules: &'static [Module],
    /// Circles between files that are known and must go; one that has gone must leave this list.
    pub(crate) circles_left: &'static [&'static str],
}

impl Plan {
    pub(crate) fn faces(&self) -> Vec<&'static str> {
        self.modules.iter().filter(|module| module.is_face).map(|module| module.name).collect()
    }

    pub(crate) fn module(&self, name: &str) -> Option<&Module> {
        self.modules.iter().find(|module| module.name == name)
    }
}

/// The command line: whatever it knows, nothing else may hang on it.
const OUTERMOST: &str = "cli";
const PROGRAM: &str = "main";

pub(crate) const PLAN: Plan = Plan { modules: MODULES, circles_left: &[] };

/// The table of `ARCHITECTURE.md` says the same.
const MODULES: &[Module] = &[
    Module::new(PROGRAM, &[OUTERMOST]),
    Module::new(OUTERMOST, &["status", "ops", "telemetry", "config", "report", "features", "error"]),
    Module::new("telemetry", &["error"]),
    Module::new("status", &["ops", "config", "report", "store", "features", "error"]),
    Module::new(
        "ops",
        &[
            "config",
            "cluster",
            "pipeline",
            "lambda",
            "webhook",
            "work",
            "metrics",
            "queue",
            "notify",
            "glue",
            "warehouse",
            "ledger",
            "report",
            "store",
            "pages",
            "values",
            "schema",
            "names",
            "features",
            "privacy",
            "error",
        ],
    )
    .face(),
    Module::new(
        "config",
        &["pipeline", "warehouse", "ledger", "store", "pages", "schema", "names", "privacy", "error"],
    ),
    Module::new("cluster", &["pipeline", "store", "error"]),
    Module::new(
        "pipeline",
        &["warehouse", "report", "store", "pages", "csv", "values", "schema", "privacy", "bzip2", "error"],
    ),
    Module::new("lambda", &["webhook", "work", "queue", "store", "error"]),
    Module::new("webhook", &["work", "metrics", "queue", "store", "schema", "error"]),
    Module::new("work", &["queue", "ledger", "report", "store", "error"]),
    Module::new("metrics", &["queue", "report", "store", "error"]),
    Module::new("queue", &["ledger", "store", "error"]),
    Module::new("notify", &["ledger", "report", "store", "error"]),
    Module::new("glue", &["report", "store", "error"]),
    Module::new("warehouse", &["ledger", "report", "store", "pages", "values", "schema", "privacy", "error"]),
    Module::new("ledger", &["report", "store", "names", "privacy", "error"]),
    Module::new("report", &["store", "values", "privacy", "error"]),
    Module::new("store", &["names", "features", "error"]),
    Module::new("pages", &["csv", "values", "schema", "privacy", "error"]).pure().may_be_unsafe(),
    Module::new("csv", &[]).pure().may_be_unsafe(),
    Module::new("values", &["schema"]).pure(),
    Module::new("schema", &["privacy", "names", "error"]).pure(),
    Module::new("privacy", &["error"]).pure(),
    Module::new("names", &["error"]).pure(),
    Module::new("features", &["error"]).pure(),
    Module::new("bzip2", &[]).may_be_unsafe(),
    Module::new("lib", &["error"]),
    Module::new("error", &[]),
];

/// What is wrong with the plan itself: then no code that keeps it can be right.
pub(crate) fn faults(plan: &Plan) -> Vec<String> {
    let mut faults = Vec::new();
    for (at, module) in plan.modules.iter().enumerate() {
        let below = &plan.modules[at + 1..];
        for import in module.may_import {
            if !below.iter().any(|module| module.name == *import) {
                faults.push(format!(
                    "plan: {} may import {import}, which does not stand below it",
                    module.name
                ));
            }
        }
        if module.name != PROGRAM && module.may_import.contains(&OUTERMOST) {
            faults.push(format!("plan: {} may not import {OUTERMOST}: {PROGRAM} alone does", module.name));
        }
    }
    faults
}
