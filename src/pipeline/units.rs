//! A conversion by units, wherever those are run.

use super::convert::{Conversion, Converted, books};
use super::join::Join;
use super::spec::Spec;
use super::stage::Staged;
use super::unit::{Ranges, Receipt, Start, Unit, run_unit};
use super::watch::Watch;
use crate::error::{Error, Result};
use crate::report::Stage;
use crate::store::SegmentSink;
use std::time::Instant;

/// Who runs units: this process, or others.
pub trait Units {
    /// Runs each of `units` by [`run_unit`], and hands in the receipts in whichever order they come; a unit that was run
    /// more than once may hand in each.
    ///
    /// # Errors
    /// The run ends with it.
    fn run(
        &self,
        spec: &Spec,
        units: &[Unit],
        sink: &dyn SegmentSink,
        watch: &Watch,
        done: &mut dyn FnMut(Receipt),
    ) -> Result<()>;
}

/// Runs units in this thread, one after the other.
pub struct Here<'a> {
    /// The export, from any byte on.
    pub ranges: &'a Ranges<'a>,
}

impl Units for Here<'_> {
    fn run(
        &self,
        spec: &Spec,
        units: &[Unit],
        sink: &dyn SegmentSink,
        watch: &Watch,
        done: &mut dyn FnMut(Receipt),
    ) -> Result<()> {
        units.iter().try_for_each(|unit| run_unit(spec, *unit, self.ranges, sink, watch).map(&mut *done))
    }
}

/// Each unit once, as it finds its first record; then those that must know where they begin, a round at a time.
pub(super) fn run_in_units(conversion: Conversion<'_>, units: &dyn Units) -> Converted {
    let Conversion { source, table, options, sink, fit, rejects, watch, clock, text_hashes: _ } = conversion;
    let began = Instant::now();
    let mut compression = None;
    let spec = match Spec::open(source, table, options, fit, &mut compression) {
        Ok(spec) => spec,
        Err(error) => return Converted { compression, staged: Staged::default(), result: Err(error) },
    };
    let uri = spec.info.uri.clone();
    let (tally, files) = books(spec.encoding.clone(), &spec.header, (options, uri), sink, rejects, watch);
    let mut join = Join::new(&spec, tally, files);
    let result = follow(&spec, units, sink, watch, &mut join);
    let (staged, result) = join.finish(sink, result);
    // Units are run wherever: of each it is known when all of it was done.
    for stage in [Stage::Read, Stage::Convert, Stage::Stage] {
        clock.note(stage, began, Instant::now());
    }
    Converted { compression, staged, result }
}

fn follow(
    spec: &Spec,
    units: &dyn Units,
    sink: &dyn SegmentSink,
    watch: &Watch,
    join: &mut Join<'_>,
) -> Result<()> {
    let all: Vec<Unit> = (0..spec.units()).map(|number| Unit { number, start: Start::Found }).collect();
    units.run(spec, &all, sink, watch, &mut |receipt| join.add(receipt))?;
    let mut asked = None;
    while let Some(unit) = join.go_on()? {
        if asked.replace(unit) == Some(unit) {
            return Err(Error::machine(format!("unit {} was not run as it was told", unit.number))
                .help("please report this"));
        }
        units.run(spec, &join.round(unit), sink, watch, &mut |receipt| join.add(receipt))?;
    }
    Ok(())
}
