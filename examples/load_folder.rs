//! Loads the newest export below a folder into a warehouse in another folder.
//!
//! ```sh
//! cargo run --example load_folder -- TABLE EXPORTS SCHEMA WAREHOUSE
//! ```

use csl_stream::config::{Config, Destination};
use csl_stream::ops::{self, Backfill, Silent};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [table, exports, schema, warehouse] = words.try_into().map_err(|_| "four words are needed")?;
    let mut config = Config::default();
    config.exports.root = Some(exports);
    config.schema.source = Some(schema);
    config.warehouse.to = Destination(warehouse);
    let request = Backfill { table, ..Backfill::default() };
    // It blocks until the table is switched: inside an async program, call it from `spawn_blocking`.
    for report in ops::backfill(&config, &request, &Silent)?.reports {
        println!("{} rows of {} are loaded", report.rows.loaded, report.table);
    }
    Ok(())
}
